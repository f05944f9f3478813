"""What staff may change of a merchant, and by which rules."""

import pytest

from payments import clock
from payments.services.merchants import issue_key
from payments.states import Mode
from tests.staff import ADMIN


def _form(merchant, **over):
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
        "accept_late_s": merchant.accept_late_s,
        **over,
    }


def _save(client, merchant, **over):
    answer = client.post(f"{ADMIN}/merchant/{merchant.pk}/change/", _form(merchant, **over))
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
        "accept_late_s": 3600,
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
        ("name", " ", "required"),
        ("name", "4242 4242 4242 4242", "card number"),
        ("name", "a\x07b", "control characters"),
    ],
)
def test_a_bad_value_is_refused_at_its_field(chief, merchant, field, value, word):
    before = getattr(merchant, field)
    answer = _save(chief, merchant, **{field: value})
    assert answer.status_code == 200
    assert word in str(_errors(answer)[field])
    assert getattr(merchant, field) == before


def test_messages_do_not_repeat_the_name_of_their_field(chief, merchant):
    errors = _errors(_save(chief, merchant, return_url="shop", notify_url="shop", name="4242424242424242"))
    assert set(errors) == {"return_url", "notify_url", "name"}
    assert all(str(messages[0]).startswith(("Write", "This")) for messages in errors.values())


def test_who_sells_live_needs_https(chief, merchant):
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
