"""Every operation, killed at every point, while the gateway answers well, late, wrongly or not at all.

Then the worker runs until nothing is due: no attempt is undecided, and our rows say what the gateway's book says.
"""

from datetime import timedelta

import pytest

from payments import clock, faults
from payments.gateways.base import PaymentFact, Unanswered
from payments.gateways.simulator import desk
from payments.gateways.simulator.engine import Simulator
from payments.gateways.simulator.models import SimulatedPayment, SimulatedRefund
from payments.jobs import run_job
from payments.models import AuditEntry, Order, Payment, Refund
from payments.money import Money
from payments.services.answers import answer_challenge
from payments.services.audit import broken_links
from payments.services.cancels import cancel_attempt
from payments.services.payments import start_payment
from payments.services.reconcile import inquire_after_return, inquire_payment
from payments.services.sending import approve_and_send, capture_payment, refund_payment, void_payment
from tests.factories import (
    APPROVED,
    CHALLENGED,
    DECLINED,
    DECLINED_LATER,
    LOST_ANSWER,
    OrderFactory,
    act,
    bank_request,
    card_request,
    fresh,
    held,
    late,
    new_refund,
    paid,
    requested,
    upi_request,
)
from tests.proof import assert_books_agree, assert_quiet, crash, recover

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

PAY_POINTS = [None, *sorted(name for name in faults.POINTS if name.startswith(("pay.", "gateway.")))]
ACTION_POINTS = sorted(name for name in faults.POINTS if name.startswith("action."))
REFUND_POINTS = sorted(name for name in faults.POINTS if name.startswith("refund."))
CALL_POINTS = [None, "gateway.before_call", "gateway.after_call"]
BEHAVIOURS = ["well", "timeout before", "timeout after", "error after", "declined"]
MOMENTS = [timedelta(seconds=s) for s in (0, 6, 16, 61, 125, 301, 901, 4_600)] + [timedelta(hours=25)]
UNTIL_QUIET = [*MOMENTS, timedelta(hours=27)]


class _Server500(Exception):
    """What an HTTP library would raise."""


def _start(order, request):
    return start_payment(order.pk, request, at=clock.now(), links=lambda *_: ("https://till.example/back", ""))


def _at_the_bank(order, decision):
    payment = _start(order, bank_request())
    if decision:
        desk.decide(SimulatedPayment.objects.get(), decision, at=clock.now())
    return payment


def _pay(order, declined):
    return lambda: _start(order, card_request(DECLINED if declined else APPROVED))


def _challenge(order, declined):
    payment = _start(order, card_request(CHALLENGED))
    for _ in range(2 if declined else 0):
        answer_challenge(payment.pk, {"otp": "000000"}, at=clock.now())
    return lambda: answer_challenge(payment.pk, {"otp": "000000" if declined else "123456"}, at=clock.now())


def _return(order, declined):
    payment = _at_the_bank(order, "decline" if declined else "approve")
    return lambda: inquire_after_return(payment.pk, at=clock.now())


def _wait(order, declined):
    payment = _start(order, card_request(DECLINED_LATER) if declined else upi_request("pending@sim"))

    def ask():
        with clock.shifted(timedelta(seconds=16)):
            inquire_payment(payment.pk, at=clock.now())

    return ask


def _cancel(order, declined):
    payment = _at_the_bank(order, "decline" if declined else "")
    return lambda: cancel_attempt(payment.pk, cause="customer", at=clock.now())


def _inquire(order, declined):
    payment = _start(order, card_request(DECLINED_LATER if declined else LOST_ANSWER))
    return lambda: inquire_payment(payment.pk, at=clock.now(), even_if_early=True)


# operation: what prepares it, the gateway's method that decides it, and how the order ends where all goes well
OPERATIONS = {
    "pay": (_pay, "start", "paid"),
    "challenge": (_challenge, "resume", "paid"),
    "redirect return": (_return, "inquire", "paid"),
    "wait": (_wait, "inquire", "paid"),
    "cancel": (_cancel, "cancel", "failed"),
    "inquire": (_inquire, "inquire", "paid"),
}


def _misbehave(monkeypatch, method, behaviour):
    """The first call of this method goes wrong."""
    act, calls = getattr(Simulator, method), []

    def broken(self, *arguments):
        calls.append(method)
        is_first = len(calls) == 1
        if is_first and behaviour == "timeout before":
            raise Unanswered("time-out")
        if is_first and behaviour == "refused":
            return PaymentFact("authorized", arguments[1].key, message="Not now.")
        answer = act(self, *arguments)
        if is_first and behaviour == "timeout after":
            raise Unanswered("time-out")
        if is_first and behaviour == "error after":
            raise _Server500
        return answer

    monkeypatch.setattr(Simulator, method, broken)


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@pytest.mark.parametrize("point", PAY_POINTS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_whatever_breaks_the_books_agree_in_the_end(monkeypatch, operation, point, behaviour):
    prepare, method, ends_well = OPERATIONS[operation]
    order = OrderFactory()
    action = prepare(order, behaviour == "declined")
    _misbehave(monkeypatch, method, behaviour)
    has_crashed = crash(point, action)
    assert has_crashed is (_reaches(operation, point, behaviour)), "the table of points below is wrong"
    if point is None and behaviour in ("well", "declined"):
        assert Order.objects.get().status == ("failed" if behaviour == "declined" else ends_well)
    recover(MOMENTS)
    recover([timedelta(hours=26)])
    assert_quiet(UNTIL_QUIET[-1])
    assert_books_agree(order.pk)
    assert Order.objects.get().status in ("paid", "expired")
    _assert_what_was_taken_is_paid(operation, behaviour)


def _reaches(operation, point, behaviour):
    """Whether an operation comes past a point."""
    if point is None:
        return False
    unanswered = behaviour in ("timeout before", "timeout after", "error after")
    if point in ("pay.before_t1_commit", "pay.after_t1"):
        return operation == "pay"
    if point == "gateway.after_call":
        return not unanswered
    if point in ("pay.before_t2_commit", "pay.after_t2"):
        return not unanswered and (point == "pay.before_t2_commit" or operation in ("pay", "challenge"))
    return True


def _assert_what_was_taken_is_paid(operation, behaviour):
    """Money that was taken is found; a decline is never called anything else."""
    row = SimulatedPayment.objects.filter(status__in=("captured", "declined")).first()
    if row is None:
        return
    payment = Payment.objects.get(gateway_key=row.key)
    assert payment.status == ("success" if row.status == "captured" else "failed"), (operation, behaviour)


# --- after the payment: captures, voids and refunds ---

AFTERWARDS = [*MOMENTS, timedelta(days=7, seconds=1), timedelta(days=7, hours=2), timedelta(days=7, hours=4)]


def _capture(_):
    payment = held(event_url="")
    return payment, lambda: capture_payment(payment.pk, Money(10_000, "INR"), cause="test", at=clock.now(), by=act())


def _void(_):
    payment = held(event_url="")
    return payment, lambda: void_payment(payment.pk, cause="test", at=clock.now(), by=act())


def _refund(declined):
    payment, new = paid(event_url=""), new_refund(10_091 if declined else 10_000)
    return payment, lambda: refund_payment(payment.pk, new, at=clock.now(), by=act())


def _approve(declined):
    row = requested(paid(event_url=""), 10_091 if declined else 10_000)
    return row.payment, lambda: approve_and_send(row.pk, version=1, by=act("ben"), at=clock.now())


def _return_by_itself(declined):
    payment = late(event_url="", amount_minor=10_091 if declined else 10_000)
    return payment, lambda: run_job("refund", payment.refunds.get().pk, at=clock.now())


# operation: what prepares it, the gateway's method, its points, and how payment and refund end where all goes well
LATER_OPERATIONS = {
    "capture": (_capture, "capture", [*CALL_POINTS, *ACTION_POINTS, "pay.before_t2_commit"], ("success", None)),
    "void": (_void, "void", [*CALL_POINTS, *ACTION_POINTS, "pay.before_t2_commit"], ("void", None)),
    "refund": (_refund, "refund", [*CALL_POINTS, *REFUND_POINTS], ("success", "success")),
    "approve": (_approve, "refund", [*CALL_POINTS, *REFUND_POINTS], ("success", "success")),
    "automatic": (
        _return_by_itself,
        "refund",
        [*CALL_POINTS, "refund.before_t2_commit", "refund.after_t2"],
        ("success", "success"),
    ),
}
LATER_CASES = [
    pytest.param(name, point, behaviour, id=f"{name}-{point}-{behaviour}")
    for name, (_, _, points, _) in LATER_OPERATIONS.items()
    for point in points
    for behaviour in BEHAVIOURS
]


@pytest.mark.parametrize(("operation", "point", "behaviour"), LATER_CASES)
def test_i5_whatever_breaks_after_the_payment_money_moves_once_and_the_books_agree(
    monkeypatch, operation, point, behaviour
):
    prepare, method, _, ends = LATER_OPERATIONS[operation]
    declined = behaviour == "declined"
    payment, action = prepare(declined)
    _misbehave(monkeypatch, method, "refused" if declined and method != "refund" else behaviour)
    assert crash(point, action) is _reaches_later(operation, point, behaviour)
    recover(AFTERWARDS)
    assert_quiet(AFTERWARDS[-1] + timedelta(hours=1))
    assert_books_agree(payment.order_id)
    assert _ends_of(payment) == _expected(operation, point, behaviour, ends)
    assert SimulatedRefund.objects.count() == Refund.objects.exclude(sent_at=None).count()
    assert AuditEntry.objects.filter(actor__username="ben").count() == int(
        operation == "approve" and point != "refund.before_t1_commit"
    )
    assert list(broken_links()) == []


def _reaches_later(operation, point, behaviour):
    if point in ("gateway.after_call", "refund.before_t2_commit", "refund.after_t2"):
        return behaviour in ("well", "declined")
    if point == "pay.before_t2_commit":
        return behaviour == "well"
    return point is not None


def _ends_of(payment):
    payment = fresh(payment)
    return payment.status, getattr(payment.refunds.order_by("pk").last(), "status", None)


def _expected(operation, point, behaviour, ends):
    """How it ends: what never was committed never happened, and held money nobody takes is released in time."""
    is_hold = operation in ("capture", "void")
    if point in ("action.before_t1_commit", "refund.before_t1_commit"):
        return ("void", None) if is_hold else ("success", "requested" if operation == "approve" else None)
    if behaviour != "declined":
        return ends
    if not is_hold:
        return "success", "failed"
    # A refusal that we died over is asked for again, and then granted.
    return ends if point == "gateway.after_call" else ("void", None)
