"""Money that goes back: reserved first, sent once, and counted as the gateway says."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F, Model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payments import clock
from payments.books import differences
from payments.errors import (
    BadInput,
    NotCancellable,
    NotRefundable,
    RefundIdTaken,
    SamePerson,
    StaleAmount,
    StaleRow,
)
from payments.gateways.base import NotSupported
from payments.gateways.simulator import events
from payments.gateways.simulator.engine import Simulator
from payments.gateways.simulator.inputs import REFUNDS
from payments.gateways.simulator.models import SimulatedEvent, SimulatedPayment, SimulatedRefund
from payments.jobs import run_job
from payments.models import AuditEntry, Merchant, Payment, Refund, Transfer
from payments.money import Money
from payments.selectors import due_jobs, order_state, verify
from payments.services.gateway_events import receive_event
from payments.services.refunds import apply_refund_fact, cancel_refund, change_refund
from payments.services.sending import approve_and_send, capture_payment, process_refund
from tests.factories import (
    PaymentFactory,
    UserFactory,
    act,
    deliver,
    fresh,
    held,
    late,
    new_refund,
    paid,
    refund,
    refund_fact_for,
    requested,
    watch,
)

pytestmark = pytest.mark.django_db
ALL = 29_999
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _books_agree():
    yield
    assert [str(difference) for difference in differences()] == []


@pytest.fixture
def payment():
    return paid()


def _sums(row):
    payment = Payment.objects.get(pk=getattr(row, "payment_id", row.pk))
    return payment.refund_reserved_minor, payment.refunded_minor


def _work(row, after=timedelta()):
    with clock.shifted(after):
        process_refund(row.pk, at=clock.now())
    return fresh(row)


def _tell(row, word, **over):
    apply_refund_fact(fresh(row), refund_fact_for(row, word, **over), cause="test", at=clock.now())
    return fresh(row)


def _approve(row, by="ben", *, version=None):
    version = fresh(row).version if version is None else version
    return fresh(approve_and_send(row.pk, version=version, by=act(by), at=clock.now()))


def _kinds(order):
    kinds = order.events.filter(kind__startswith="refund").order_by("sequence")
    return list(kinds.values_list("kind", flat=True))


@pytest.fixture
def sent(monkeypatch):
    return watch(monkeypatch, "refund")


def _keys(sent):
    return [key for _, _, key, _ in sent.made]


# --- amounts ---


@pytest.mark.parametrize("minor", [ALL, 10_000, 1])
def test_all_or_a_part_goes_back_at_once(payment, minor):
    row = refund(payment, minor, note="Broken string")
    assert (row.status, row.amount_minor, row.note, row.inquire_at) == ("success", minor, "Broken string", None)
    assert _sums(row) == (minor, minor)
    assert SimulatedRefund.objects.get().amount_minor == minor
    assert _kinds(payment.order) == ["refund.requested", "refund.pending", "refund.success"]
    assert verify(order_state(payment.order, at=clock.now())).status == ("refunded" if minor == ALL else "success")


def test_i4_refunds_never_add_up_to_more_than_was_captured(payment):
    for minor in (10_000, 19_998, 1):
        refund(payment, minor)
    with pytest.raises(NotRefundable):
        refund(payment, 1)
    assert _sums(payment) == (ALL, ALL)


@pytest.mark.parametrize(("minor", "error"), [(ALL + 1, NotRefundable), (0, BadInput), (-5, BadInput)])
def test_amounts_that_cannot_go_back_are_refused(payment, minor, error, sent):
    with pytest.raises(error):
        refund(payment, minor)
    assert (Refund.objects.count(), _sums(payment), _keys(sent)) == (0, (0, 0), [])


def test_another_currency_is_refused(payment):
    with pytest.raises(BadInput):
        refund(payment, 100, currency="USD")
    assert not Refund.objects.exists()


def test_of_a_part_captured_only_that_part_goes_back():
    payment = fresh(capture_payment(held().pk, Money(10_000, "INR"), cause="test", at=clock.now()))
    with pytest.raises(NotRefundable):
        refund(payment, 10_001)
    assert refund(payment, 10_000).status == "success"


@pytest.mark.parametrize("trait", ["", "authorized", "failed", "void"])
def test_what_was_not_taken_is_not_refunded(trait):
    payment = PaymentFactory(**({trait: True} if trait else {}))
    with pytest.raises(NotRefundable):
        refund(payment, 1)
    assert not Refund.objects.exists()


def test_the_database_keeps_refunds_within_the_capture_without_our_checks(payment, monkeypatch):
    """I4 with the application's check taken out: the row itself settles it, and the CHECK behind it."""
    monkeypatch.setattr("payments.services.refunds._refuse_unless_refundable", lambda *_: None)
    refund(payment, 20_000)
    with pytest.raises(NotRefundable):
        refund(payment, 20_000)
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.update(refund_reserved_minor=F("refund_reserved_minor") + 20_000)
    assert _sums(payment) == (20_000, 20_000)


@pytest.mark.parametrize(("believed", "is_right"), [(ALL, True), (ALL - 1, False), (0, False)])
def test_a_stale_idea_of_what_is_left_is_refused(payment, believed, is_right):
    available = Money(believed, "INR")
    if is_right:
        assert refund(payment, 100, available=available).status == "success"
    with pytest.raises(StaleAmount):
        refund(payment, 100, available=available)
    assert Refund.objects.count() == int(is_right)


def test_the_merchants_refund_id_is_used_once_per_order(payment):
    assert refund(payment, 100, refund_id="RF-1").refund_id == "RF-1"
    with pytest.raises(RefundIdTaken):
        refund(payment, 100, refund_id="RF-1")
    assert (Refund.objects.count(), _sums(payment)) == (1, (100, 100))
    assert refund(paid(), 100, refund_id="RF-1").status == "success"
    assert refund(payment, 100).refund_id.startswith("refund_")


# --- disputes ---


def test_nothing_of_a_disputed_payment_is_refunded_or_approved(payment, sent):
    waiting = requested(payment, 100)
    Payment.objects.update(disputed_at=clock.now())
    for attempt in (lambda: refund(payment, 100), lambda: _approve(waiting)):
        with pytest.raises(NotRefundable, match="disputed"):
            attempt()
    assert (fresh(waiting).status, _keys(sent), _sums(payment)) == ("requested", [], (100, 0))


# --- two people ---


@pytest.mark.parametrize(("minor", "status"), [(10_000, "success"), (10_001, "requested")])
def test_staff_above_the_merchants_limit_need_a_second_person(payment, minor, status, sent):
    Merchant.objects.update(one_person_refund_minor=10_000)
    row = refund(payment, minor, by=act("asha"))
    assert (row.status, row.requested_by.username, len(sent.made)) == (status, "asha", int(status == "success"))
    assert _sums(row)[0] == minor
    assert not [job for job in due_jobs(at=clock.now() + HOUR) if job[0] == "refund"]


def test_slices_below_the_limit_count_together(payment):
    Merchant.objects.update(one_person_refund_minor=10_000)
    assert [refund(payment, 5_000, by=act("asha")).status for _ in range(3)] == ["success", "success", "requested"]


def test_a_merchant_acts_by_api_on_its_own(payment):
    Merchant.objects.update(one_person_refund_minor=0)
    assert refund(payment, ALL).status == "success"


def test_a_second_person_lets_it_go_once(sent):
    row = _approve(requested())
    assert (row.status, row.approved_by.username, _keys(sent)) == ("success", "ben", [row.gateway_key])
    with pytest.raises(NotRefundable, match="success"):
        _approve(row, "carl")
    assert len(sent.made) == 1
    assert list(AuditEntry.objects.order_by("pk").values_list("act", "actor__username")) == [
        ("refund.request", "asha"),
        ("refund.approve", "ben"),
    ]


def test_i19_nobody_approves_their_own_request(sent):
    row = requested(by="asha")
    with pytest.raises(SamePerson):
        _approve(row, "asha")
    assert (fresh(row).status, fresh(row).approved_by, _keys(sent)) == ("requested", None, [])


@pytest.mark.parametrize("behind", [Model.save, lambda row: Refund.objects.update(approved_by=row.approved_by)])
def test_i19_not_even_a_superuser_behind_the_services_back(behind):
    row = requested(by="asha")
    row.approved_by = UserFactory(username="asha", is_superuser=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        behind(row)
    assert fresh(row).approved_by is None


def test_an_approval_names_what_it_saw(sent):
    row = requested(minor=10_000)
    change_refund(row.pk, new_refund(ALL), by=act("asha", "All of it."), at=clock.now())
    with pytest.raises(StaleRow):
        _approve(row, "ben", version=1)
    assert (fresh(row).status, fresh(row).approved_by, _keys(sent)) == ("requested", None, [])
    assert _approve(row, "ben", version=2).amount_minor == SimulatedRefund.objects.get().amount_minor == ALL


def test_whoever_changes_a_request_is_its_maker():
    row = requested(by="asha")
    change_refund(row.pk, new_refund(5_000), by=act("ben", "Half."), at=clock.now())
    with pytest.raises(SamePerson):
        _approve(row, "ben")
    assert _approve(row, "asha").status == "success"


@pytest.mark.parametrize(("minor", "reserved"), [(100, 100), (ALL, ALL), (ALL + 1, 10_000)])
def test_a_change_reserves_the_new_amount_or_nothing_changes(minor, reserved):
    row = requested(minor=10_000)
    try:
        change_refund(row.pk, new_refund(minor), by=act(), at=clock.now())
    except NotRefundable:
        assert minor > ALL
    assert (fresh(row).amount_minor, _sums(row)) == (reserved, (reserved, 0))


def test_cancelling_a_request_frees_what_it_reserved():
    row = requested(minor=ALL)
    assert cancel_refund(row.pk, at=clock.now(), by=act("ben", "Not due.")).status == "cancelled"
    assert cancel_refund(row.pk, at=clock.now()).status == "cancelled"
    assert (_sums(row), Transfer.objects.filter(source_type="refund").count()) == ((0, 0), 0)
    assert refund(row.payment, ALL).status == "success"


def test_what_was_sent_is_neither_cancelled_nor_changed(payment):
    row = refund(payment, 10_092)
    with pytest.raises(NotCancellable):
        cancel_refund(row.pk, at=clock.now())
    with pytest.raises(NotCancellable):
        change_refund(row.pk, new_refund(1), by=act(), at=clock.now())
    assert (fresh(row).status, fresh(row).amount_minor) == ("onhold", 10_092)


@pytest.mark.parametrize("word", ["pending", "success", "failed", "cancelled", "onhold"])
def test_no_gateway_moves_a_request_that_waits_for_people(word):
    row = _tell(requested(), word)
    assert (row.status, row.sent_at) == ("requested", None)
    assert row.payment.review_reason


# --- the gateway's word ---


@pytest.mark.parametrize(
    ("minor", "at_once", "reserved", "later", "sums"),
    [
        (10_000, "success", 10_000, "success", (10_000, 10_000)),
        (10_091, "failed", 0, "failed", (0, 0)),
        (10_092, "onhold", 10_092, "success", (10_092, 10_092)),
        (10_093, "pending", 10_093, "success", (10_093, 10_093)),
        (10_094, "success", 10_094, "failed", (0, 0)),
        (10_095, "pending", 10_095, "success", (10_095, 10_095)),
    ],
)
def test_the_documented_amounts_do_what_they_say(payment, minor, at_once, reserved, later, sums, monkeypatch):
    monkeypatch.setattr(events, "_post", lambda event: deliver() is None)
    row = refund(payment, minor)
    assert (row.status, _sums(row)[0]) == (at_once, reserved)
    for after in (6, 61, 62):
        with clock.shifted(timedelta(seconds=after)):
            for name, row_id in list(due_jobs(at=clock.now())):
                run_job(name, row_id, at=clock.now())
    row = fresh(row)
    assert (row.status, _sums(row)) == (later, sums)
    assert (row.payment.review_reason, row.inquire_at) == ("", None)


def test_every_documented_amount_is_tried():
    assert set(REFUNDS) == {91, 92, 93, 94, 95}


def test_a_refund_that_fails_frees_its_amount_and_leaves_the_ledger_even(payment):
    row = refund(payment, 10_091)
    assert (row.error_code, row.message) == ("refund_failed", "The bank did not take the refund.")
    kinds = Transfer.objects.filter(source_type="refund").order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["refund_sent", "refund_failed"]
    assert refund(payment, ALL).status == "success"


def test_a_gateway_that_cannot_refund_fails_it(payment, monkeypatch):
    def cannot(*_):
        raise NotSupported("Ask your bank.")

    monkeypatch.setattr(Simulator, "refund", cannot)
    row = refund(payment, 100)
    assert (row.status, row.error_code, row.message) == ("failed", "not_supported", "Ask your bank.")


def test_a_refund_whose_gateway_cannot_be_asked_is_sent_again_under_its_key(payment, sent, monkeypatch):
    def cannot(*_):
        raise NotSupported("No inquiries.")

    monkeypatch.setattr(Simulator, "inquire_refund", cannot)
    sent.fault = "before"
    row = refund(payment, 10_000)
    assert _work(row, timedelta(seconds=6)).status == "success"
    assert _keys(sent) == [row.gateway_key] * 2


@pytest.mark.parametrize(("fault", "times"), [("before", 2), ("after", 1)])
def test_i5_without_an_answer_it_is_asked_about_and_never_sent_under_another_key(payment, sent, fault, times):
    sent.fault = fault
    row = refund(payment, 10_000)
    assert (row.status, _sums(row)) == ("pending", (10_000, 0))
    assert not process_refund(row.pk, at=clock.now())
    assert _work(row, timedelta(seconds=6)).status == "success"
    assert _keys(sent) == [row.gateway_key] * times
    assert SimulatedRefund.objects.count() == 1


def test_i5_while_nobody_says_what_became_of_it_it_is_not_sent_again(payment, sent, monkeypatch):
    sent.fault = "after"
    row = refund(payment, 10_000)
    monkeypatch.setattr(Simulator, "inquire_refund", lambda *_: 1 / 0)
    for hours in range(30):
        assert _work(row, timedelta(hours=hours, seconds=6)).status == "pending"
    assert len(sent.made) == 1
    assert fresh(row).inquire_at > clock.now() + timedelta(hours=29)


def test_a_claim_keeps_others_off_for_a_minute(payment, sent, monkeypatch):
    sent.fault = "before"
    row = refund(payment, 10_000)
    Refund.objects.update(inquire_at=clock.now(), leased_until=clock.now() + timedelta(seconds=59))
    assert not process_refund(row.pk, at=clock.now())
    assert not [job for job in due_jobs(at=clock.now()) if job[0] == "refund"]
    assert _work(row, timedelta(seconds=60)).status == "success"


# --- facts ---


def _event(row, **over):
    """A refund event of the simulator's server, signed."""
    told = {
        "reference": row.gateway_key, "id": "simref_1", "status": "success", "amount_minor": row.amount_minor,
        "currency": row.currency, "happened_at": clock.now().isoformat(),
    } | over  # fmt: skip
    account = row.payment.account_id
    body = json.dumps({"id": f"evt_{over}", "type": "refund", "account": account, "refund": told}).encode()
    at = clock.now()
    return receive_event("simulator", body, {events.SIGNATURE: events.sign(body, at=at)}, at=at)


def _witness(row):
    """The simulator's own book as it would stand, had it said what the test made it say."""
    row = fresh(row)
    if row.status == "success":
        SimulatedRefund.objects.create(
            key=row.gateway_key,
            payment=SimulatedPayment.objects.get(key=row.payment.gateway_key),
            amount_minor=row.amount_minor,
            status="done",
            made_at=row.requested_at,
        )


@pytest.fixture
def on_its_way(payment, sent):
    sent.fault = "before"
    return refund(payment, 10_000)


@pytest.mark.parametrize(
    ("word", "status", "sums"),
    [
        ("success", "success", (10_000, 10_000)),
        ("failed", "failed", (0, 0)),
        ("cancelled", "cancelled", (0, 0)),
        ("onhold", "onhold", (10_000, 0)),
        ("pending", "pending", (10_000, 0)),
        ("a word nobody knows", "pending", (10_000, 0)),
    ],
)
def test_signed_events_move_refunds(on_its_way, word, status, sums):
    for _ in range(3):
        stored = _event(on_its_way, status=word)
    row = fresh(on_its_way)
    assert (row.status, _sums(row), row.payment.review_reason) == (status, sums, "")
    assert (row.payment.gateway_events.filter(kind="refund").count(), stored) == (1, None)
    _witness(row)


@pytest.mark.parametrize("over", [{"amount_minor": 1}, {"currency": "USD"}])
def test_an_event_about_other_money_asks_staff(on_its_way, over):
    _event(on_its_way, **over)
    row = fresh(on_its_way)
    assert (row.status, bool(row.payment.review_reason)) == ("pending", True)


def test_an_event_of_a_refund_nobody_knows_is_kept(on_its_way):
    assert _event(on_its_way, reference="ref_unknown").payment is None
    assert fresh(on_its_way).status == "pending"


def test_a_refund_that_the_bank_returns_is_owed_again(payment):
    row = refund(payment, 10_094)
    assert _sums(row) == (10_094, 10_094)
    with clock.shifted(timedelta(seconds=61)):
        run_job("simulator_refund", SimulatedRefund.objects.get().pk, at=clock.now())
        assert SimulatedEvent.objects.filter(kind="refund.failed").count() == 1
        deliver("refund")
    row = fresh(row)
    assert (row.status, _sums(row)) == ("failed", (0, 0))
    kinds = list(Transfer.objects.filter(source_type="refund").order_by("pk").values_list("kind", flat=True))
    assert kinds == ["refund_sent", "refund_done", "refund_returned", "refund_failed"]
    assert refund(payment, ALL).status == "success"


STORIES = [
    (["pending", "success"], "success"),
    (["pending", "onhold", "success"], "success"),
    (["pending", "onhold", "failed"], "failed"),
    (["onhold", "cancelled"], "cancelled"),
    (["pending", "onhold"], "onhold"),
]


@settings(
    max_examples=40, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(st.data())
def test_i14_facts_in_any_order_and_twice_end_in_the_same_place(payment, data):
    words, end = data.draw(st.sampled_from(STORIES))
    again = data.draw(st.lists(st.sampled_from(words), max_size=3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Simulator, "refund", lambda *_: 1 / 0)
        row = refund(payment, 1)
    for word in data.draw(st.permutations(words + again)):
        _tell(row, word)
    assert (fresh(row).status, fresh(row).payment.review_reason) == (end, "")
    _witness(row)


@pytest.mark.parametrize(("first", "then"), [("failed", "success"), ("cancelled", "success"), ("success", "cancelled")])
def test_facts_that_no_move_allows_ask_staff(on_its_way, first, then):
    _tell(on_its_way, first)
    row = _tell(on_its_way, then)
    assert (row.status, bool(row.payment.review_reason)) == (first, True)
    _witness(row)


def test_another_reference_moves_nothing(on_its_way):
    row = _tell(on_its_way, "success", key="ref_of_somebody_else")
    assert (row.status, bool(row.payment.review_reason)) == ("pending", True)


def test_a_gateways_odd_words_are_kept_as_they_fit(on_its_way):
    odd = {"gateway_refund_id": "r\x00\udcff" * 100, "message": "m\x00" * 500}
    _tell(on_its_way, "pending", **odd)
    row = _tell(on_its_way, "onhold", **odd)
    assert (len(row.gateway_refund_id), len(row.message)) == (100, 200)
    assert "\x00" not in row.gateway_refund_id + row.message


# --- money that goes back by itself ---


def test_i7_late_money_goes_back_whole_by_itself():
    payment = late()
    row = payment.refunds.get()
    assert (row.status, row.is_automatic, row.amount, row.requested_by) == ("pending", True, payment.captured, None)
    assert payment.events.get(kind="refund.pending").cause == "late"
    run_job("refund", row.pk, at=clock.now())
    assert (fresh(row).status, _sums(row)) == ("success", (ALL, ALL))
    assert verify(order_state(payment.order, at=clock.now())).message == "Order terminated"


def test_automatic_money_that_does_not_go_back_is_for_staff_and_can_be_sent_again():
    payment = late(amount_minor=10_091)
    run_job("refund", payment.refunds.get().pk, at=clock.now())
    payment = fresh(payment)
    assert (payment.refunds.get().status, "did not" in payment.review_reason) == ("failed", True)
    assert refund(payment, 10_090, by=act()).status == "success"
    assert refund(payment, 1, by=act()).status == "success"
    assert replace(payment.captured, minor=0) == fresh(payment).refundable
