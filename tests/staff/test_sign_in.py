"""The door of the admin where two steps are asked for: the first sign-in, every later one, and who must not get in."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

from payments.models import AuditEntry, RecoveryCode, SecondFactor, SignInTries
from payments.services.audit import broken_links
from tests.staff.door import (
    ADDRESS,
    CODE,
    CODES,
    ENROL,
    LOGIN,
    OWN,
    PASSWORD,
    acts,
    browser_at,
    code_of,
    enrol,
    give_app,
    is_in,
    other_than,
    shown_codes,
    shown_secret,
    type_code,
    type_password,
)

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 12, 0, 5, tzinfo=UTC)
PAGES = (
    "/admin/", "/admin/payments/order/", "/admin/auth/user/", "/admin/jsi18n/", "/admin/nowhere/", OWN, CODES,
    "/admin/password_change/",
)  # fmt: skip
ELSEWHERE = (
    "https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "https:/admin/", "", "/shop",
    "/admin",
)  # fmt: skip


@pytest.fixture(autouse=True)
def clock_hand(settings):
    """Two steps, as with an https address; the clock moves only when a test moves it."""
    settings.STAFF_SECOND_FACTOR = True
    with time_machine.travel(NOON, tick=False) as hand:
        yield hand


@pytest.fixture
def asha():
    return User.objects.create_superuser("asha", password=PASSWORD)


@pytest.fixture
def app(asha):
    """The secret of the app that she enrolled before."""
    return give_app(asha)[0]


@pytest.fixture
def desk():
    return browser_at()


def _text(answer):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


# --- The first sign-in ---


def test_the_first_sign_in_leads_through_enrolment_to_where_one_wanted_to_go(asha, desk):
    answer = type_password(desk, to="/admin/payments/order/?q=x")
    assert answer["Location"].startswith(ENROL)
    _, page = enrol(desk, to="/admin/payments/order/?q=x")
    assert page.status_code == 200
    assert len(set(shown_codes(page))) == 10
    assert 'href="/admin/payments/order/?q=x"' in page.content.decode()
    assert is_in(desk)
    assert [act for act, _, _ in acts()] == ["second_factor.enrol", "sign_in.done"]
    assert acts()[1][1:] == ("asha", "by password and second factor")
    assert AuditEntry.objects.filter(details__address=ADDRESS).count() == 2
    assert list(broken_links()) == []


def test_the_qr_code_and_the_text_hold_the_same_secret_in_inline_svg(asha, desk, monkeypatch):
    drawn = []
    from checkout.staff import sign_in

    draw = sign_in.qr_code
    monkeypatch.setattr(sign_in, "qr_code", lambda text: drawn.append(text) or draw(text))
    type_password(desk)
    page = desk.get(ENROL)
    assert drawn == [
        f"otpauth://totp/Till:asha?digits=6&secret={shown_secret(page)}&algorithm=SHA1&issuer=Till&period=30"
    ]
    assert '<svg class="till-qr" role="img" aria-label="QR code' in page.content.decode()
    assert 'autocomplete="one-time-code"' in page.content.decode()


@pytest.mark.parametrize("path", PAGES)
def test_without_a_second_factor_a_superuser_sees_nothing_but_enrolment(asha, desk, path):
    type_password(desk)
    for answer in (desk.get(path, follow=True), desk.post(path, {"x": "y"}, follow=True)):
        assert answer.redirect_chain[-1][0].startswith(ENROL), path
        assert "Set up your second factor" in _text(answer)


def test_whoever_is_halfway_in_can_log_out(asha, desk):
    type_password(desk)
    assert desk.post("/admin/logout/").status_code == 200
    assert "_auth_user_id" not in desk.session


def test_a_wrong_code_enrols_nothing_and_the_same_secret_stays_on_the_page(asha, desk):
    type_password(desk)
    page = desk.get(ENROL)
    secret = shown_secret(page)
    sent = {"code": other_than(code_of(secret)), "sealed": page.context["sealed"]}
    again = desk.post(ENROL, sent)
    assert again.status_code == 400
    assert shown_secret(again) == secret
    assert not SecondFactor.objects.exists()
    assert desk.post(ENROL, sent | {"code": code_of(secret)}).status_code == 200


def test_the_secret_of_a_page_is_good_for_its_reader_alone_and_for_half_an_hour(asha, desk, clock_hand):
    User.objects.create_superuser("ravi", password=PASSWORD)
    other = browser_at()
    type_password(other, "ravi")
    foreign = other.get(ENROL)
    type_password(desk)
    own = desk.get(ENROL)
    for sealed in (foreign.context["sealed"], "rubbish", ""):
        code = code_of(shown_secret(foreign))
        assert desk.post(ENROL, {"code": code, "sealed": sealed}).status_code == 400
    clock_hand.shift(1_900)
    type_password(desk)
    assert desk.post(ENROL, {"code": code_of(shown_secret(own)), "sealed": own.context["sealed"]}).status_code == 400
    assert not SecondFactor.objects.exists()


def test_enrolment_sent_twice_keeps_the_first_codes(asha, desk):
    type_password(desk)
    page = desk.get(ENROL)
    sent = {"code": code_of(shown_secret(page)), "sealed": page.context["sealed"]}
    codes = shown_codes(desk.post(ENROL, sent))
    second = desk.post(ENROL, sent)
    assert (second.status_code, second["Location"]) == (302, OWN)
    desk.post("/admin/logout/")
    type_password(desk)
    assert type_code(desk, codes[0])["Location"] == "/admin/"


def test_nothing_readable_is_kept_of_secret_and_codes(asha, desk):
    type_password(desk)
    secret, page = enrol(desk)
    kept = bytes(SecondFactor.objects.get().secret)
    assert secret.encode() not in kept
    rows = [bytes(code.digest) for code in RecoveryCode.objects.all()]
    for code in shown_codes(page):
        assert not [row for row in rows if code.encode() in row or code.replace("-", "").encode() in row]
    assert {len(row) for row in rows} == {32}
    sessions = [session.get_decoded() for session in Session.objects.all()]
    assert secret not in str(sessions)
    assert PASSWORD not in str([entry.details for entry in AuditEntry.objects.all()])


# --- Every later one ---


def test_a_password_and_a_code_open_and_are_recorded(desk, app):
    answer = type_password(desk, to="/admin/payments/order/")
    assert answer["Location"] == f"{CODE}?next=%2Fadmin%2Fpayments%2Forder%2F"
    assert not is_in(desk)
    assert type_code(desk, code_of(app), to="/admin/payments/order/")["Location"] == "/admin/payments/order/"
    assert is_in(desk)
    assert acts()[-1] == ("sign_in.done", "asha", "by password and second factor")


def test_a_code_counts_once_for_everybody(desk, app):
    code, thief = code_of(app), browser_at("198.51.100.9")
    type_password(desk)
    type_password(thief)
    type_code(desk, code)
    assert type_code(thief, code).status_code == 400
    assert not is_in(thief)
    assert is_in(desk)


def test_the_code_that_enrolled_an_app_does_not_also_sign_in(asha, desk):
    type_password(desk)
    secret, _ = enrol(desk)
    desk.post("/admin/logout/")
    type_password(desk)
    assert type_code(desk, code_of(secret)).status_code == 400
    assert not is_in(desk)


@pytest.mark.parametrize(("drift", "is_right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_off_by_one_step(desk, app, drift, is_right):
    type_password(desk)
    type_code(desk, code_of(app, drift=drift))
    assert is_in(desk) is is_right


def test_a_code_of_a_step_before_the_last_used_one_is_refused_too(desk, app):
    type_password(desk)
    type_code(desk, code_of(app, drift=1))
    desk.post("/admin/logout/")
    type_password(desk)
    assert type_code(desk, code_of(app, drift=0)).status_code == 400


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "²²²²²²", "１２３４５６", "\x00" * 6, "abcd-efgh-jkmn", "é" * 40]
)
def test_odd_codes_open_nothing_and_are_no_fault_of_ours(desk, app, code):
    type_password(desk)
    assert type_code(desk, code).status_code == 400
    assert not is_in(desk)


def test_an_app_of_another_account_opens_nothing(desk, app):
    ravi = User.objects.create_superuser("ravi", password=PASSWORD)
    secret, codes = give_app(ravi)
    type_password(desk, "asha")
    assert type_code(desk, code_of(secret)).status_code == 400
    assert type_code(desk, codes[0]).status_code == 400
    sealed = SecondFactor.objects.get(user=ravi)
    SecondFactor.objects.filter(user__username="asha").update(secret=sealed.secret)  # a ciphertext moved to another row
    assert type_code(desk, code_of(secret)).status_code == 400
    assert not is_in(desk)


def test_spaces_in_a_code_do_not_matter(desk, app):
    type_password(desk)
    code = code_of(app)
    assert type_code(desk, f" {code[:3]} {code[3:]} ")["Location"] == "/admin/"


def test_who_has_enrolled_is_asked_where_nobody_has_to(desk, app, settings):
    settings.STAFF_SECOND_FACTOR = False
    assert type_password(desk)["Location"].startswith(CODE)
    assert not is_in(desk)


def test_a_session_opened_with_an_app_ends_with_it(asha, desk, app, clock_hand):
    elsewhere = browser_at()
    for browser in (desk, elsewhere):
        type_password(browser)
        type_code(browser, code_of(app))
        clock_hand.shift(60)
    _, page = enrol(desk)
    assert len(shown_codes(page)) == 10
    assert is_in(desk)
    assert elsewhere.get("/admin/", follow=True).redirect_chain[-1][0].startswith(CODE)


def test_another_app_is_enrolled_by_who_has_shown_the_old_one_alone(desk, app):
    type_password(desk)
    for answer in (desk.get(ENROL), desk.post(ENROL, {"code": "1", "sealed": "x"})):
        assert answer["Location"].startswith(CODE)


# --- Recovery codes ---


def test_a_recovery_code_signs_in_once_and_says_how_many_are_left(asha, desk):
    _, codes = give_app(asha)
    type_password(desk)
    page = desk.get(type_code(desk, codes[3].upper())["Location"])
    assert "9 of 10 are left" in _text(page)
    assert ("second_factor.recovery", "asha", "9 are left") in acts()
    assert "9 of 10" in _text(desk.get(OWN))
    thief = browser_at()
    type_password(thief)
    assert type_code(thief, codes[3]).status_code == 400
    assert not is_in(thief)


def test_codes_made_anew_end_the_old_ones(asha, desk):
    _, codes = give_app(asha)
    type_password(desk)
    type_code(desk, codes[0])
    fresh = shown_codes(desk.post(CODES))
    assert len(fresh) == 10
    assert acts()[-1][0] == "second_factor.codes"
    desk.post("/admin/logout/")
    type_password(desk)
    assert type_code(desk, codes[1]).status_code == 400
    assert type_code(desk, fresh[1])["Location"] == "/admin/"
    assert desk.get(CODES)["Location"] == OWN  # asking alone makes none


def test_few_codes_are_a_warning(asha, desk):
    _, codes = give_app(asha)
    RecoveryCode.objects.filter(pk__in=RecoveryCode.objects.values_list("pk")[:7]).update(used_at=NOON)
    unused = codes[-1]
    type_password(desk)
    type_code(desk, unused)
    assert "2 recovery codes left." in _text(desk.get(OWN))


# --- Guessing ---


def test_five_wrong_passwords_lock_the_account_for_half_an_hour(asha, clock_hand, app):
    for number in range(5):
        assert type_password(browser_at(f"198.51.100.{number}"), password="guess").status_code == 400
    late = browser_at()
    answer = type_password(late)
    assert "Try again after 12:30 (UTC)" in _text(answer)
    assert "_auth_user_id" not in late.session
    assert [act for act, _, _ in acts()[1:]] == ["sign_in.fail"] * 5 + ["sign_in.lock"]
    assert "guess" not in str(AuditEntry.objects.values())
    clock_hand.shift(1_799)
    assert type_password(browser_at()).status_code == 400
    clock_hand.shift(1)
    assert type_password(browser_at())["Location"].startswith(CODE)


def test_five_wrong_ones_lock_an_address_for_every_account_and_no_other_address(asha, desk):
    for number in range(5):
        type_password(desk, f"nobody{number}", "guess")
    assert "Try again after" in _text(type_password(desk))
    assert type_password(browser_at("198.51.100.9"))["Location"].startswith(ENROL)


def test_an_ipv6_customer_is_one_address(asha):
    for number in range(5):
        type_password(browser_at(f"2001:db8:1:2::{number}"), f"nobody{number}", "guess")
    assert "Try again after" in _text(type_password(browser_at("2001:db8:1:2:ffff::1")))
    assert type_password(browser_at("2001:db8:1:3::1"))["Location"].startswith(ENROL)


def test_the_address_behind_a_trusted_proxy_is_counted(asha, settings):
    settings.TRUSTED_PROXIES = ["10.0.0.5"]
    proxy = browser_at("10.0.0.5")
    sent = {"username": "nobody", "password": "guess"}
    for _ in range(5):
        proxy.post(LOGIN, sent, headers={"x-forwarded-for": "198.51.100.1"})
    told = {"username": "asha", "password": PASSWORD}
    assert proxy.post(LOGIN, told, headers={"x-forwarded-for": "198.51.100.1"}).status_code == 400
    assert proxy.post(LOGIN, told, headers={"x-forwarded-for": "198.51.100.2"}).status_code == 302


def test_wrong_codes_count_with_a_right_password_between_them(desk, app):
    for _ in range(5):
        assert type_password(browser_at("198.51.100.8")).status_code == 302  # pays back its own try alone
        type_password(desk)
        type_code(desk, other_than(code_of(app)))
    assert "Try again after" in _text(type_code(desk, code_of(app)))
    assert not is_in(desk)
    assert "Try again after" in _text(type_password(browser_at("198.51.100.9")))
    assert acts()[-2:] == [
        ("sign_in.lock", "asha", "5 wrong tries: the account"),
        ("sign_in.lock", "asha", "5 wrong tries: the address"),
    ]


def test_coming_in_clears_the_account_and_does_not_clear_the_address(asha, app, desk, clock_hand):
    for name in ("asha", "asha", "asha", "nobody"):
        type_password(desk, name, "guess")
    type_password(desk)
    type_code(desk, code_of(app))
    assert not SignInTries.objects.filter(subject__startswith="account:", failures__gt=1).exists()
    assert SignInTries.objects.get(subject=f"address:{ADDRESS}").failures == 4


def test_an_unknown_name_is_not_kept_and_reads_like_a_wrong_password(asha, desk):
    unknown, known = type_password(desk, "hunter2 typed here"), type_password(desk, "asha", "guess")
    said = [re.findall(r'<p class="errornote"[^>]*>(.*?)</p>', page.content.decode()) for page in (unknown, known)]
    assert said[0] == said[1] != []
    assert not SignInTries.objects.filter(subject__contains="hunter2").exists()
    assert [act[:2] for act in acts()] == [("sign_in.fail", "asha")]


def test_people_off_the_staff_and_switched_off_ones_stay_out(asha, desk):
    User.objects.create_user("shopper", password=PASSWORD)
    User.objects.filter(pk=asha.pk).update(is_active=False)
    assert type_password(desk, "shopper").status_code == 400
    assert type_password(desk, "asha").status_code == 400
    assert "_auth_user_id" not in desk.session


# --- Sessions ---


def test_the_session_has_a_new_key_after_each_step(desk, app):
    desk.cookies["sid"] = "attackers-choice-attackers-choice"
    keys = ["attackers-choice-attackers-choice"]
    type_password(desk)
    keys.append(desk.cookies["sid"].value)
    type_code(desk, code_of(app))
    keys.append(desk.cookies["sid"].value)
    assert len(set(keys)) == 3
    for stale in keys[:2]:
        thief = browser_at()
        thief.cookies["sid"] = stale
        assert not is_in(thief)


def test_a_session_that_nobody_used_for_15_minutes_ends_and_says_so(desk, app, clock_hand):
    type_password(desk)
    type_code(desk, code_of(app))
    for _ in range(3):
        clock_hand.shift(900)
        assert is_in(desk)
    clock_hand.shift(901)
    answer = desk.get("/admin/payments/order/?status=paid")
    assert answer["Location"] == "/admin/login/?next=%2Fadmin%2Fpayments%2Forder%2F%3Fstatus%3Dpaid&because=idle"
    page = desk.get(answer["Location"])
    assert "because nothing was done for a while" in _text(page)
    assert 'name="next" value="/admin/payments/order/?status=paid"' in page.content.decode()


def test_a_session_ends_after_eight_hours_of_work(desk, app, clock_hand):
    type_password(desk)
    type_code(desk, code_of(app))
    for _ in range(47):
        clock_hand.shift(600)
        assert is_in(desk)
    clock_hand.shift(601 + 600)
    assert "because=" in desk.get("/admin/")["Location"]


def test_halfway_in_one_does_not_stay_for_ever_either(desk, app, clock_hand):
    type_password(desk)
    clock_hand.shift(901)
    assert "because=idle" in desk.get(CODE)["Location"]
    assert "because=idle" in type_password_and_get(desk, clock_hand)["Location"]


def type_password_and_get(desk, clock_hand):
    type_password(desk)
    clock_hand.shift(timedelta(minutes=16))
    return type_code(desk, "123456")


@pytest.mark.parametrize("to", ELSEWHERE)
def test_the_way_on_never_leaves_the_admin(desk, app, to):
    assert "evil" not in type_password(desk, to=to)["Location"]
    assert type_code(desk, code_of(app), to=to)["Location"] == "/admin/"
    assert desk.get(LOGIN, {"next": to})["Location"] == "/admin/"


def test_under_https_the_cookie_is_bound_to_the_host(asha, settings):
    settings.SESSION_COOKIE_NAME, settings.SESSION_COOKIE_SECURE, settings.HTTPS = "__Host-sid", True, True
    browser = browser_at()
    sent = {"username": "asha", "password": PASSWORD}
    cookie = browser.post(LOGIN, sent, secure=True).cookies["__Host-sid"]
    assert (cookie["secure"], cookie["path"], cookie["domain"], cookie["httponly"]) == (True, "/", "", True)
    assert browser.get("/admin/", secure=True)["Location"].startswith("/admin/login/")


def test_a_login_form_of_another_origin_does_nothing(asha):
    from django.test import Client

    assert type_password(Client(enforce_csrf_checks=True)).status_code == 403
