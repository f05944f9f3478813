"""Staff give a merchant its brand: what is uploaded is drawn anew, recorded in words, and previewed without a trace."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from checkout.management.commands.demo import LOGO
from payments import clock
from payments.logos import digest_of, reencoded
from payments.models import AuditEntry, Order
from payments.services.merchants import issue_key, set_logo
from payments.states import Mode
from tests.staff import ADMIN
from tests.staff.conftest import make_staff, signed_in
from tests.staff.test_merchants import form_of

DRAWN = reencoded(LOGO.read_bytes())


def upload(data=None, name="logo.png"):
    return SimpleUploadedFile(name, LOGO.read_bytes() if data is None else data)


def save(client, merchant, **over):
    answer = client.post(f"{ADMIN}/merchant/{merchant.pk}/change/", form_of(merchant, **over))
    merchant.refresh_from_db()
    return answer


def preview(client, merchant, **over):
    return client.post(f"{ADMIN}/merchant/{merchant.pk}/preview/", form_of(merchant, **over))


def errors_of(answer):
    return answer.context["adminform"].form.errors


def test_a_logo_is_kept_as_we_draw_it_and_recorded_by_its_digest(chief, merchant):
    assert save(chief, merchant, logo=upload()).status_code == 302
    assert bytes(merchant.logo.picture) == DRAWN
    assert merchant.logo_digest == digest_of(DRAWN)
    entry = AuditEntry.objects.get()
    assert entry.details["moves"] == {"logo": ["", merchant.logo_digest]}


def test_a_logo_is_replaced_and_removed(chief, merchant):
    set_logo(merchant, b"old")
    save(chief, merchant, logo=upload())
    assert bytes(type(merchant).objects.get(pk=merchant.pk).logo.picture) == DRAWN
    save(chief, merchant, **{"logo-remove": "on"})
    assert merchant.logo_digest == ""
    assert not type(merchant).objects.filter(logo__isnull=False).exists()
    assert AuditEntry.objects.order_by("pk").last().details["moves"] == {"logo": [digest_of(DRAWN), ""]}


def test_other_changes_leave_the_logo_alone(chief, merchant):
    set_logo(merchant, DRAWN)
    save(chief, merchant, name="Kite & Sons")
    assert merchant.logo_digest == digest_of(DRAWN)
    assert "logo" not in AuditEntry.objects.get().details["moves"]


@pytest.mark.parametrize(("data", "word"), [(b"<svg/>", "no PNG, JPEG or WebP"), (b"\x89PNG\r\n\x1a\n", "damaged")])
def test_a_bad_file_is_refused_at_its_field_whatever_its_name(chief, merchant, data, word):
    answer = save(chief, merchant, logo=upload(data, "logo.png"), name="Other")
    assert word in str(errors_of(answer)["logo"])
    assert merchant.logo_digest == ""
    assert merchant.name != "Other"


def test_a_mistake_elsewhere_does_not_lose_the_logo(chief, merchant):
    answer = save(chief, merchant, logo=upload(), reason="")
    page = answer.content.decode()
    assert "A new logo is chosen" in page
    kept = answer.context["adminform"].form["logo"].value()
    assert merchant.logo_digest == ""
    save(chief, merchant, **{"logo-kept": kept})
    assert merchant.logo_digest == digest_of(DRAWN)


@pytest.mark.parametrize("forged", ["nonsense", "a:b:c", "IjxzdmcvPiI:1abcde:forged"])
def test_what_we_did_not_draw_is_not_taken(chief, merchant, forged):
    answer = save(chief, merchant, **{"logo-kept": forged})
    assert "Choose the file again" in str(errors_of(answer)["logo"])
    assert merchant.logo_digest == ""


def test_the_logo_outlives_the_question_who_somebody_is(merchant):
    client = signed_in(make_staff("clerk", "view_merchant", "change_merchant"))
    with clock.shifted(timedelta(minutes=14)):
        asked = save(client, merchant, logo=upload())
        assert "Is it you?" in asked.content.decode()
        carried = dict(asked.context["carried"])
        assert carried["logo-kept"]
        assert merchant.logo_digest == ""


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("terms_url", "javascript:alert(1)", "absolute address"),
        ("terms_url", "data:text/html,x", "absolute address"),
        ("terms_url", "https://user:pass@patang.example/", "absolute address"),
        ("terms_url", "https://patang.example/ terms", "absolute address"),
        ("terms_url", "https://patang.example\\@evil.example", "absolute address"),
        ("terms_url", "//patang.example/terms", "absolute address"),
        ("terms_url", "https://patang.example/#terms", "absolute address"),
        ("terms_url", "http://patang.example/terms", "starts with https"),
        ("terms_url", "https://patang.example/" + "x" * 250, "250"),
        ("support_phone", "12", "write a number"),
        ("support_phone", "98765 43210<script>", "write a number"),
        ("support_phone", "+91 98765 43210;ext=1", "write a number"),
    ],
)
def test_a_bad_address_is_refused_at_its_field(chief, merchant, field, value, word):
    answer = save(chief, merchant, **{field: value})
    assert word in str(errors_of(answer)[field]).lower()
    assert getattr(merchant, field) == ""


def test_good_ones_are_kept_in_one_way_of_writing(chief, merchant):
    save(chief, merchant, terms_url="HTTPS://Patang.example:443/Terms?a=1", support_phone="022 5555 0142")
    assert (merchant.terms_url, merchant.support_phone) == ("https://patang.example/Terms?a=1", "+912255550142")
    page = chief.get(f"{ADMIN}/merchant/{merchant.pk}/change/").content.decode()
    assert 'value="+91 22 5555 0142"' in page
    save(chief, merchant, support_phone="+81 3-1234-5678", region="JP")
    assert merchant.support_phone == "+81312345678"


def test_who_sells_live_needs_terms_by_https(chief, merchant):
    assert save(chief, merchant, terms_url="http://localhost:8000/terms").status_code == 302
    issue_key(merchant, mode=Mode.LIVE, at=clock.now())
    assert "starts with https" in str(
        errors_of(save(chief, merchant, terms_url="http://localhost:8000/terms"))["terms_url"]
    )


# --- Preview ---


def test_a_preview_shows_what_is_typed_and_writes_nothing(chief, merchant):
    before = type(merchant).objects.filter(pk=merchant.pk).values().get()
    with CaptureQueriesContext(connection) as statements:
        page = preview(
            chief, merchant, name="Kite & Sons", accent="#0f6a6e", logo=upload(), terms_url="https://kite.example/t"
        )
    html = page.content.decode()
    assert "Kite &amp; Sons" in html
    assert "--accent:#0f6a6e" in html
    assert "url(data:image/webp;base64," in html
    assert '<a rel="noreferrer">Terms</a>' in html
    written = [s["sql"] for s in statements if s["sql"].split()[0] in ("INSERT", "UPDATE", "DELETE")]
    assert [sql for sql in written if "session" not in sql] == []
    assert type(merchant).objects.filter(pk=merchant.pk).values().get() == before
    assert not Order.objects.exists()
    assert not AuditEntry.objects.exists()


def test_a_preview_can_do_nothing(chief, merchant):
    page = preview(chief, merchant)
    policy = page["Content-Security-Policy"]
    for rule in ("default-src 'none'", "script-src 'none'", "form-action 'none'", "frame-ancestors 'self'"):
        assert f"{rule};" in policy
    assert policy.endswith("sandbox ")
    assert "unsafe" not in policy
    assert page["X-Frame-Options"] == "SAMEORIGIN"
    assert "<script" not in page.content.decode()


def test_only_the_page_with_the_preview_may_have_a_frame(chief, merchant):
    assert "frame-src 'self'" in chief.get(f"{ADMIN}/merchant/{merchant.pk}/change/")["Content-Security-Policy"]
    assert "frame-src" not in chief.get(f"{ADMIN}/merchant/")["Content-Security-Policy"]


def test_mistakes_are_said_and_what_is_saved_is_shown(chief, merchant):
    merchant.accent = "#7a1f57"
    merchant.save()
    html = preview(chief, merchant, accent="red", name="", logo=upload(b"GIF89a"), reason="").content.decode()
    assert "Not shown as you typed it" in html
    for words in ("Accent: Write a colour", "Name: This field is required", "Logo: This is no PNG"):
        assert words in html
    assert "--accent:#7a1f57" in html
    assert f"<bdi>{merchant.name}</bdi>" in html
    assert "Reason" not in html


def test_the_dark_preview_is_dark_whatever_the_system_says(chief, merchant):
    dark = chief.get(f"{ADMIN}/merchant/{merchant.pk}/preview/?preview-scheme=dark").content.decode()
    light = chief.get(f"{ADMIN}/merchant/{merchant.pk}/preview/?preview-scheme=nonsense").content.decode()
    assert "prefers-color-scheme" not in dark + light
    assert "@media all" in dark
    assert "@media all" not in light


def test_who_sells_live_sees_no_test_band(chief, merchant):
    assert "Test mode." in preview(chief, merchant).content.decode()
    issue_key(merchant, mode=Mode.LIVE, at=clock.now())
    assert "Test mode." not in preview(chief, merchant).content.decode()


def test_a_viewer_sees_the_page_as_saved_and_previews_nothing_else(viewer, merchant):
    settings = viewer.get(f"{ADMIN}/merchant/{merchant.pk}/change/").content.decode()
    assert "<iframe" in settings
    assert "formaction" not in settings
    assert 'name="logo"' not in settings
    assert viewer.get(f"{ADMIN}/merchant/{merchant.pk}/preview/").status_code == 200
    assert preview(viewer, merchant, name="Mine").status_code == 403


def test_strangers_preview_nothing(merchant, client):
    assert client.get(f"{ADMIN}/merchant/{merchant.pk}/preview/").status_code == 302
    other = signed_in(make_staff("desk", "view_order"))
    assert other.get(f"{ADMIN}/merchant/{merchant.pk}/preview/").status_code == 403
    assert other.get(f"{ADMIN}/merchant/999/preview/").status_code == 403


def test_a_merchant_that_is_not_there_has_no_preview(chief):
    assert chief.get(f"{ADMIN}/merchant/999/preview/").status_code == 404
    assert chief.get(f"{ADMIN}/merchant/nonsense/preview/").status_code == 404
