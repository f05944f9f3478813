"""Being asked again who one is, before money moves or access widens: nothing is done without, nothing typed is lost."""

import html
import re
from datetime import UTC, datetime

import pytest
import time_machine
from django.contrib.auth.models import Group, User

from checkout.staff import fee_plans, keys, merchants, orders, people, refunds, sessions
from checkout.staff.payments import PaymentAdmin
from payments.models import ApiKey, FeePlan, Order, Refund
from tests.factories import MerchantFactory, make_merchant_with_key
from tests.staff import ADMIN
from tests.staff.conftest import make_staff, signed_in
from tests.staff.deeds import WHY, confirm, door, fill_in, page_of, pay, snapshot, token_of
from tests.staff.door import CODES, ENROL, PASSWORD, acts, code_of, give_app, other_than, shown_codes, type_code
from tests.staff.door import type_password as type_it

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 12, 0, 5, tzinfo=UTC)
AGAIN = "again-password"


@pytest.fixture(autouse=True)
def clock_hand():
    with time_machine.travel(NOON, tick=False) as hand:
        yield hand


@pytest.fixture
def asha():
    return User.objects.create_superuser("asha", password=PASSWORD)


@pytest.fixture
def desk(asha):
    """A browser whose owner proved who she is just now."""
    return signed_in(asha)


@pytest.fixture
def taken(clock_hand):
    return pay(MerchantFactory())


def _is_question(answer):
    return answer.status_code == 200 and "Is it you?" in answer.content.decode()


def _carried(answer):
    """What the page carries in hidden fields, as a browser would send it."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', answer.content.decode())
    sent = {}
    for name, value in found:
        sent.setdefault(name, []).append(html.unescape(value))
    return sent


def _answer(client, question, path, **typed):
    return client.post(path, {**_carried(question), AGAIN: PASSWORD, **typed})


def test_opening_a_refund_with_an_old_proof_asks_and_leads_back(desk, taken, clock_hand):
    path = f"{door(taken, 'refund')}?from=mail"
    assert not _is_question(desk.get(path))
    clock_hand.shift(301)
    question = desk.get(path)
    assert _is_question(question)
    assert 'autocomplete="current-password"' in question.content.decode()
    answer = _answer(desk, question, path)
    assert (answer.status_code, answer["Location"]) == (302, path)
    assert not _is_question(desk.get(path))


def test_a_form_filled_in_for_too_long_is_kept_whole(desk, taken, clock_hand):
    clock_hand.shift(301)
    question = fill_in(desk, taken, "refund", amount="120.50", note="Torn <sail> & 'rope'")
    assert _is_question(question)
    page = _answer(desk, question, door(taken, "refund"))
    assert "Refund ₹120.50" in page.content.decode()
    assert "Torn &lt;sail&gt; &amp; &#x27;rope&#x27;" in page.content.decode()
    confirm(desk, taken, "refund", token_of(page))
    refund = Refund.objects.get()
    assert (refund.amount_minor, refund.note, refund.requested_by.username) == (12_050, "Torn <sail> & 'rope'", "asha")


def test_a_confirmation_with_an_old_proof_does_nothing_until_it_is_renewed(desk, taken, clock_hand):
    token = token_of(fill_in(desk, taken, "refund", amount="1"))
    clock_hand.shift(301)
    before = snapshot()
    question = confirm(desk, taken, "refund", token)
    assert _is_question(question)
    assert snapshot() == before
    assert _carried(question)["confirmed"] == [token]
    answer = _answer(desk, question, door(taken, "refund"))
    assert answer["Location"] == page_of(taken)
    assert Refund.objects.get().amount_minor == 100


def test_the_question_asked_at_a_confirmation_can_be_left_for_the_form(desk, taken, clock_hand):
    token = token_of(fill_in(desk, taken, "refund", amount="1"))
    clock_hand.shift(301)
    page = _answer(desk, confirm(desk, taken, "refund", token, again="Change something"), door(taken, "refund"))
    assert 'value="1"' in page.content.decode()
    assert not Refund.objects.exists()


@pytest.mark.parametrize("typed", [{AGAIN: "guess"}, {AGAIN: ""}, {}])
def test_a_direct_post_with_a_wrong_or_no_proof_does_nothing(desk, taken, clock_hand, typed):
    token = token_of(fill_in(desk, taken, "refund", amount="1"))
    clock_hand.shift(301)
    before = snapshot()[:2]
    assert _is_question(confirm(desk, taken, "refund", token, **typed))
    assert _is_question(confirm(desk, taken, "refund", token, **typed, **{"again-opening": "yes"}))
    assert snapshot()[:2] == before


def test_a_session_without_any_proof_is_asked(asha, taken):
    desk = signed_in(asha)
    session = desk.session
    del session[sessions.PROVED]
    session.save()
    assert _is_question(desk.get(door(taken, "refund")))


@pytest.mark.parametrize("proved_at", ["soon", None, [], NOON.timestamp() + 60])
def test_odd_marks_in_a_session_prove_nothing(asha, taken, proved_at):
    desk = signed_in(asha)
    session = desk.session
    session[sessions.PROVED] = proved_at
    session.save()
    assert _is_question(desk.get(door(taken, "refund")))


def test_who_has_an_app_is_asked_for_a_code_besides(asha, taken, clock_hand):
    secret, codes = give_app(asha)
    desk = signed_in(asha)
    type_code(desk, codes[0])
    clock_hand.shift(301)
    path = door(taken, "refund")
    question = desk.get(path)
    assert 'autocomplete="one-time-code"' in question.content.decode()
    assert _is_question(_answer(desk, question, path))
    assert _is_question(_answer(desk, question, path, **{"again-code": other_than(code_of(secret))}))
    assert _is_question(_answer(desk, question, path, **{"again-code": codes[0]}))  # used to sign in
    code = code_of(secret)
    assert _is_question(desk.post(path, {AGAIN: "guess", "again-code": code}))  # a wrong password uses up no code
    assert _answer(desk, question, path, **{"again-code": code}).status_code == 302
    clock_hand.shift(301)
    assert _is_question(_answer(desk, desk.get(path), path, **{"again-code": code}))


def test_a_double_click_on_the_answer_does_the_deed_once(asha, taken, clock_hand):
    secret, codes = give_app(asha)
    desk = signed_in(asha)
    type_code(desk, codes[0])
    token = token_of(fill_in(desk, taken, "refund", amount="1"))
    clock_hand.shift(301)
    question = confirm(desk, taken, "refund", token)
    first, second = (
        _answer(desk, question, door(taken, "refund"), **{"again-code": code_of(secret)}) for _ in range(2)
    )
    assert first["Location"] == page_of(taken)
    assert "something else happened" in second.content.decode()
    assert Refund.objects.count() == 1


def test_five_wrong_answers_end_the_session_and_nobody_elses_guesses_do(asha, desk, taken, clock_hand):
    for _ in range(5):
        type_it(desk.__class__(REMOTE_ADDR="198.51.100.66"), password="guess")
    clock_hand.shift(301)
    path = door(taken, "refund")
    question = desk.get(path)
    assert _answer(desk, question, path).status_code == 302  # the lock is at the door, not at her desk
    clock_hand.shift(301)
    for _ in range(4):
        assert _is_question(desk.post(path, {AGAIN: "guess"}))
    answer = desk.post(path, {AGAIN: "guess"})
    assert answer["Location"] == f"/admin/login/?next={path.replace('/', '%2F')}&because=tries"
    assert "after too many wrong answers" in desk.get(answer["Location"]).content.decode()
    assert desk.get("/admin/")["Location"].startswith("/admin/login/")
    assert ("sign_in.lock", "asha", "5 wrong tries: the session") in acts()
    clock_hand.shift(1_800)
    type_it(desk)
    clock_hand.shift(301)
    assert _answer(desk, desk.get(path), path).status_code == 302


def test_the_key_of_the_session_is_new_after_the_answer(desk, taken, clock_hand):
    clock_hand.shift(301)
    path, before = door(taken, "refund"), desk.cookies["sid"].value
    _answer(desk, desk.get(path), path)
    assert desk.cookies["sid"].value != before
    thief = desk.__class__()
    thief.cookies["sid"] = before
    assert thief.get("/admin/").status_code == 302


def test_looking_is_never_asked_about(desk, taken, clock_hand):
    merchant, client_id, _ = make_merchant_with_key()
    clock_hand.shift(301)
    rows = [taken, taken.order, merchant, merchant.api_keys.get(client_id=client_id)]
    for path in ("/admin/", f"{ADMIN}/payment/", f"{ADMIN}/apikey/add/", *(page_of(row) for row in rows)):
        answer = desk.get(path)
        assert answer.status_code == 200
        assert not _is_question(answer), path


def test_what_cannot_be_done_or_may_not_be_done_is_said_without_asking(taken, clock_hand):
    viewer = signed_in(make_staff("viewer", "view_payment"))
    maker = signed_in(make_staff("maker", "view_payment", "add_refund"))
    failed = pay(MerchantFactory(), held=True)
    clock_hand.shift(301)
    assert viewer.get(door(taken, "refund")).status_code == 403
    assert "took no money" in maker.get(door(failed, "refund")).content.decode()


# --- What is no deed ---


def test_a_key_is_made_with_a_fresh_proof_alone_and_the_form_is_kept(desk, merchant, clock_hand):
    clock_hand.shift(301)
    path = f"{ADMIN}/apikey/add/"
    question = desk.post(path, {"merchant": merchant.pk, "mode": "test", "reason": WHY, "newest": "0"})
    assert _is_question(question)
    assert not ApiKey.objects.exists()
    assert "Copy the secret now" in _answer(desk, question, path).content.decode()
    assert ApiKey.objects.get().merchant == merchant


def test_keys_are_revoked_with_a_fresh_proof_alone_and_all_that_were_chosen(desk, clock_hand):
    made = [make_merchant_with_key()[0].api_keys.get() for _ in range(2)]
    clock_hand.shift(301)
    path = f"{ADMIN}/apikey/"
    chosen = {"action": "revoke", "_selected_action": [key.pk for key in made], "confirmed": "yes", "reason": WHY}
    question = desk.post(path, chosen)
    assert _is_question(question)
    assert ApiKey.objects.filter(revoked_at=None).count() == 2
    assert _answer(desk, question, path).status_code == 302
    assert ApiKey.objects.filter(revoked_at=None).count() == 0


def test_fee_plans_are_made_and_removed_with_a_fresh_proof_alone(desk, merchant, clock_hand):
    clock_hand.shift(301)
    path = f"{ADMIN}/feeplan/add/"
    plan = {"merchant": merchant.pk, "method": "", "currency": "INR", "percent": "2", "fixed": "3", "tax": "18"}
    question = desk.post(path, plan | {"reason": WHY})
    assert _is_question(question)
    assert not FeePlan.objects.exists()
    _answer(desk, question, path)
    removal = f"{ADMIN}/feeplan/{FeePlan.objects.get().pk}/delete/"
    clock_hand.shift(301)
    question = desk.post(removal, {"reason": WHY})
    assert _is_question(question)
    _answer(desk, question, removal)
    assert not FeePlan.objects.exists()


def test_rights_and_passwords_change_with_a_fresh_proof_alone_and_no_password_is_carried(desk, clock_hand):
    clerk = make_staff("clerk")
    clock_hand.shift(301)
    joined = {"date_joined_0": "2026-11-22", "date_joined_1": "10:00:00"}
    widened = {"username": "clerk", "is_active": "on", "is_staff": "on", "is_superuser": "on", "reason": WHY, **joined}
    assert _is_question(desk.post(f"/admin/auth/user/{clerk.pk}/change/", widened))
    assert _is_question(desk.post("/admin/auth/group/add/", {"name": "bosses", "reason": WHY}))
    typed = {"username": "twin", "password1": "chosen by me", "password2": "chosen by me", "reason": WHY}
    for path in ("/admin/auth/user/add/", f"/admin/auth/user/{clerk.pk}/password/", "/admin/password_change/"):
        assert _is_question(desk.get(path))
        question = desk.post(path, typed)
        assert _is_question(question)
        assert "chosen by me" not in question.content.decode()
    clerk.refresh_from_db()
    assert not clerk.is_superuser
    assert User.objects.count() == 2
    assert not Group.objects.filter(name="bosses").exists()


def test_an_order_with_held_money_is_terminated_with_a_fresh_proof_alone(desk, clock_hand):
    held = pay(MerchantFactory(), held=True)
    clock_hand.shift(301)
    path = f"{ADMIN}/order/{held.order_id}/terminate/"
    question = desk.post(path, {"reason": WHY})
    assert _is_question(question)
    assert Order.objects.get(pk=held.order_id).terminate_requested_at is None
    assert _answer(desk, question, path).status_code == 302
    assert Order.objects.get(pk=held.order_id).terminate_requested_at is not None


def test_ones_own_second_factor_changes_with_a_fresh_proof_alone(asha, clock_hand):
    secret, codes = give_app(asha)
    desk = signed_in(asha)
    type_code(desk, codes[0])
    clock_hand.shift(301)
    assert _is_question(desk.get(ENROL))
    question = desk.post(CODES)
    assert _is_question(question)
    answer = _answer(desk, question, CODES, **{"again-code": code_of(secret)})
    assert len(shown_codes(answer)) == 10


def test_every_deed_asks_but_those_that_move_no_money():
    """A new deed asks unless its class says otherwise: this list is to be changed on purpose."""
    from checkout.staff import deliveries, endpoints

    admins = (PaymentAdmin, refunds.RefundAdmin, merchants.MerchantAdmin, people.PersonAdmin)
    webhooks = (deliveries.DeliveryAdmin, endpoints.EndpointAdmin)
    spared = [deed.name for admin in (*admins, *webhooks) for deed in admin.deeds if not deed.asks_again]
    assert sorted(spared) == ["kinds", "off", "replay", "replay", "test"]
    assert {deed.name for deed in PaymentAdmin.deeds} >= {"refund", "capture", "void", "dispute"}
    for view in (keys.ApiKeyAdmin.add_view, keys.ApiKeyAdmin.revoke, fee_plans.FeePlanAdmin.delete_view):
        assert hasattr(view, "__wrapped__")
    assert hasattr(orders.OrderAdmin.terminate_view, "__wrapped__")
