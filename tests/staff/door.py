"""What hands do at the door: type passwords and codes. The codes are worked out here by RFC 6238 itself."""

import base64
import hmac
import re
import struct

from django.test import Client

from payments import clock
from payments.models import AuditEntry
from payments.services import staff_access

PASSWORD = "correct horse battery"
LOGIN, CODE, ENROL = "/admin/login/", "/admin/login/code/", "/admin/second-factor/enrol/"
OWN, CODES = "/admin/second-factor/", "/admin/second-factor/codes/"
ADDRESS = "203.0.113.7"


def code_of(secret, at=None, drift=0):
    """The six digits an app shows; `drift` is in steps of 30 seconds."""
    step = int((at or clock.now()).timestamp()) // 30 + drift
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), "sha1")
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def other_than(code):
    """A wrong code, of the right shape."""
    return f"{(int(code) + 1) % 1_000_000:06d}"


def browser_at(address=ADDRESS):
    return Client(REMOTE_ADDR=address)


def type_password(client, name="asha", password=PASSWORD, to="/admin/"):
    return client.post(LOGIN, {"username": name, "password": password, "next": to})


def type_code(client, code, to="/admin/"):
    return client.post(CODE, {"code": code, "next": to})


def shown_secret(page):
    """The key on the page of enrolment, as it is typed into an app by hand."""
    return re.search(r'<code class="till-copy">([A-Z2-7 ]+)</code>', page.content.decode())[1].replace(" ", "")


def shown_codes(page):
    return re.findall(r"<code>([a-z0-9-]+)</code>", page.content.decode())


def enrol(client, code=None, to="/admin/"):
    """From the page with the QR code to the recovery codes: (secret, the answer)."""
    page = client.get(ENROL)
    secret = shown_secret(page)
    sent = {"code": code or code_of(secret), "sealed": page.context["sealed"], "next": to}
    return secret, client.post(ENROL, sent)


def give_app(user, at=None):
    """An account with an app, as if enrolled an hour ago: (secret, recovery codes)."""
    secret, at = staff_access.new_secret(), at or clock.now()
    long_ago = at.fromtimestamp(at.timestamp() - 3_600, at.tzinfo)
    code = code_of(secret, long_ago)
    return secret, staff_access.enrol(user.pk, secret, code, instead_of=None, at=long_ago, address=ADDRESS)


def is_in(client):
    return client.get("/admin/").status_code == 200


def acts():
    """What was recorded: act, whose account, and why."""
    return list(AuditEntry.objects.order_by("pk").values_list("act", "actor__username", "reason"))
