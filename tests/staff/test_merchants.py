"""What staff may change of a merchant, and by which rules."""

import pytest

from payments import clock
from payments.models import AuditEntry
from payments.money import Money
from payments.services.merchants import issue_key
from payments.states import Mode
from tests.staff import ADMIN
from tests.staff.conftest import make_staff, signed_in

WHY = "The merchant asked for it by letter"


def form_of(merchant, **over):
    return {
        "name": merchant.name,
        "support_email": merchant.support_email,
        "accent": merchant.accent,
        "return_url": merchant.return_url,
        "return_origins": "\r\n".join(merchant.return_origins),
        "notify_url": merchant.notify_url,
        "currency": merchant.currency,
        "region": merchant.region,
        "time_zone": merchant.time_zone,
        "order_expiry_s": merchant.order_expiry_s,
        "extensions": merchant.extensions,
        "accept_late_s": merchant.accept_late_s,
        "settlement_days": merchant.settlement_days,
        "mail_receipts": "on" if merchant.mail_receipts else "",
        "one_person_refund": Money(merchant.one_person_refund_minor, merchant.currency).as_major(),
        "reason": WHY,
        **over,
    }


def _save(client, merchant, **over):
    answer = client.post(f"{ADMIN}/merchant/{merchant.pk}/change/", form_of(merchant, **over))
    merchant.refresh_from_db()
    return answer


def _errors(answer):
    return answer.context["adminform"].form.errors


def test_every_setting_can_be_changed(chief, merchant):
    wanted = {
        "name": "Patang & Sons",
        "support_email": "help@patang.example",
        "accent": "#7a1f57",
        "return_url": "https://new.example.com/back",
        "notify_url": "https://new.example.com/hook",
        "currency": "JPY",
        "region": "JP",
        "time_zone": "Asia/Tokyo",
        "order_expiry_s": 600,
        "extensions": 10,
        "accept_late_s": 3600,
        "manual_capture": True,
        "mail_receipts": False,
    }
    origins = " https://new.example.com/any/path \r\n\r\nhttp://localhost:3000\r\nHTTPS://NEW.example.com:443\r\n"
    assert _save(chief, merchant, return_origins=origins, **wanted).status_code == 302
    assert {name: getattr(merchant, name) for name in wanted} == wanted
    assert merchant.return_origins == ["http://localhost:3000", "https://new.example.com"]


def test_what_is_not_on_the_form_is_not_changed(chief, merchant):
    made = merchant.created_at
    assert _save(chief, merchant, created_at="2001-01-01", id="77", org_id="77").status_code == 302
    assert (merchant.created_at, type(merchant).objects.count()) == (made, 1)


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("return_url", "javascript:alert(1)", "absolute address"),
        ("return_url", "https://user@shop.example.com/", "absolute address"),
        ("return_url", "https://evil.example/return", "not among the return origins"),
        ("return_url", "", "required"),
        ("return_origins", "ftp://shop.example.com", "write an origin"),
        ("return_origins", "https://shop.example.com\r\nshop", "write an origin"),
        ("return_origins", "", "required"),
        ("return_origins", "\r\n".join(f"https://s{n}.example.com" for n in range(51)), "at most 50"),
        ("notify_url", "https://a b.example/", "absolute address"),
        ("notify_url", "//shop.example.com", "absolute address"),
        ("support_email", "nobody", "valid email"),
        ("accent", "red", "#7a1f57"),
        ("currency", "XYZ", "valid choice"),
        ("region", "UK", "ISO 3166"),
        ("region", "in", "ISO 3166"),
        ("time_zone", "Asia/Atlantis", "valid choice"),
        ("order_expiry_s", "299", "300"),
        ("order_expiry_s", "2592001", "2592000"),
        ("accept_late_s", "-1", "0"),
        ("accept_late_s", "99999999999999999999", "2592000"),
        ("reason", "", "required"),
        ("reason", "x" * 201, "at most 200"),
        ("one_person_refund", "", "required"),
        ("one_person_refund", "-1", "0"),
        ("one_person_refund", "5000.001", "2 decimals"),
        ("one_person_refund", "NaN", "number"),
        ("one_person_refund", "1e30", "less than or equal"),
        ("name", " ", "required"),
        ("name", "4242 4242 4242 4242", "card number"),
        ("name", "a\x07b", "control characters"),
    ],
)
def test_a_bad_value_is_refused_at_its_field(chief, merchant, field, value, word):
    before = type(merchant).objects.filter(pk=merchant.pk).values().get()
    answer = _save(chief, merchant, **{field: value})
    assert answer.status_code == 200
    assert word in str(_errors(answer)[field])
    assert type(merchant).objects.filter(pk=merchant.pk).values().get() == before
    assert not AuditEntry.objects.exists()


def test_messages_do_not_repeat_the_name_of_their_field(chief, merchant):
    errors = _errors(_save(chief, merchant, return_url="shop", notify_url="shop", name="4242424242424242"))
    assert set(errors) == {"return_url", "notify_url", "name"}
    assert all(str(messages[0]).startswith(("Write", "This")) for messages in errors.values())


def test_a_notify_url_that_leads_inside_is_refused_at_its_field(chief, merchant):
    errors = _errors(_save(chief, merchant, notify_url="https://169.254.169.254/latest"))
    assert "private or local network" in str(errors["notify_url"])


def test_who_sells_live_needs_https(chief, merchant, settings):
    settings.WEBHOOK_ALLOW_PRIVATE = True
    local = {"return_url": "http://localhost/r", "return_origins": "http://localhost"}
    assert _save(chief, merchant, **local, notify_url="http://localhost/h").status_code == 302
    issue_key(merchant, mode=Mode.LIVE, at=clock.now())
    errors = _errors(_save(chief, merchant))
    assert "https" in str(errors["return_url"])
    assert "https" in str(errors["notify_url"])


def test_a_viewer_reads_settings_and_changes_none(viewer, merchant):
    page = viewer.get(f"{ADMIN}/merchant/{merchant.pk}/change/").content.decode()
    assert merchant.return_url in page
    assert 'name="return_url"' not in page
    assert _save(viewer, merchant, name="Mine").status_code == 403
    assert merchant.name != "Mine"


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [("250.50", "INR", 25_050), ("0", "INR", 0), ("5000.00", "JPY", 5_000), ("1.125", "KWD", 1_125)],
)
def test_the_limit_of_refunds_by_one_person_is_typed_in_major_units(chief, merchant, typed, currency, minor):
    assert _save(chief, merchant, one_person_refund=typed, currency=currency).status_code == 302
    assert merchant.one_person_refund_minor == minor


def test_a_change_says_who_made_it_and_why(chief, merchant):
    _save(chief, merchant, manual_capture="on", one_person_refund="100.00", name="Patang")
    entry = AuditEntry.objects.get()
    assert (entry.actor.username, entry.act, entry.object_type, entry.object_id, entry.reason) == (
        "chief", "merchant.change", "merchant", str(merchant.pk), WHY,
    )  # fmt: skip
    assert entry.details["moves"]["manual_capture"] == [False, True]
    assert entry.details["moves"]["one_person_refund"] == ["5000.00", "100.00"]


def test_a_form_that_changes_nothing_is_no_act(chief, merchant):
    assert _save(chief, merchant).status_code == 302
    assert not AuditEntry.objects.exists()


def test_a_change_that_cannot_be_recorded_is_not_made(chief, merchant, monkeypatch):
    def refuse(*args, **kwargs):
        raise RuntimeError("the chain is out of order")

    monkeypatch.setattr("checkout.staff.reasons.record_act", refuse)
    with pytest.raises(RuntimeError):
        _save(chief, merchant, name="Patang")
    merchant.refresh_from_db()
    assert merchant.name != "Patang"


def test_who_may_only_look_reads_the_limit_and_is_asked_for_no_reason(merchant):
    page = signed_in(make_staff("clerk", "view_merchant")).get(f"{ADMIN}/merchant/{merchant.pk}/change/")
    assert "₹5,000.00" in page.content.decode()
    assert "Reason" not in page.content.decode()
