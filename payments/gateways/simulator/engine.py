"""A gateway that decides by published test inputs and keeps a book of its own."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import F

from payments import clock
from payments.cards import network_of
from payments.gateways.base import (
    Account,
    Attempt,
    CancelAnswer,
    Challenge,
    Done,
    Gateway,
    GoTo,
    NotSupported,
    Outcome,
    PaymentFact,
    Reference,
    RefundFact,
    ServerEvent,
    Standing,
    Unanswered,
    Wait,
)
from payments.gateways.simulator import book, events, inputs
from payments.gateways.simulator.desk import page_url
from payments.gateways.simulator.inputs import RefundScenario, Scenario, TestInput
from payments.gateways.simulator.models import SimulatedPayment, SimulatedRefund
from payments.money import Money
from payments.states import Method, RefundStatus

LATE_BY = timedelta(seconds=1)


class Simulator(Gateway):
    """Test mode's gateway. Its documented inputs are the tables of `inputs`."""

    name = "simulator"
    methods = frozenset(Method)
    holds = frozenset({Method.CARD, Method.UPI})
    has_one_event_address = True
    keeps_deadlines = True

    def check(self, account: Account) -> None:
        """It is part of this server: always there, with nothing to sign in by."""

    def start(self, attempt: Attempt) -> Outcome:
        """Do what the input calls for; the same key finds the first decision again."""
        chosen = _chosen(attempt)
        is_now = chosen.scenario is not Scenario.CHALLENGE
        if is_now and attempt.test_fault == "timeout_before":
            raise Unanswered("time-out before the gateway acted, as order_tags.till_fault asks")
        row = book.write(attempt.key, account_id=attempt.account.id, at=clock.now(), **_columns(attempt, chosen))
        if is_now and attempt.test_fault in ("timeout_after", "error_after"):
            raise Unanswered(f"{attempt.test_fault}, as order_tags.till_fault asks")
        if row.scenario == Scenario.LOSE_ANSWER:
            raise Unanswered("the answer of this card is always lost")
        return _outcome(row)

    def resume(self, account: Account, key: str, answer: Mapping[str, str]) -> Outcome:
        """Judge the code a customer typed at the pretend bank. The third wrong one declines."""
        at = clock.now()
        row = book.find(key, account_id=account.id)
        if row is None or row.scenario != Scenario.CHALLENGE:
            raise NotSupported("This payment waits for no code.")
        if row.status != SimulatedPayment.OPEN:
            return Done(book.fact_of(row))
        fault = _take_fault(row)
        if fault == "timeout_before":
            raise Unanswered("time-out before the gateway acted, as order_tags.till_fault asks")
        _judge(row, answer, at=at)
        if fault:
            raise Unanswered(f"{fault}, as order_tags.till_fault asks")
        return _outcome(row)

    def inquire(self, account: Account, payment: Reference) -> PaymentFact | Standing:
        row = book.find(payment.key, account_id=account.id)
        if row is None:
            return Standing.ABSENT
        if row.status == SimulatedPayment.OPEN:
            _decide_when_asked(row, at=clock.now())
        _has_lapsed(row, at=clock.now())
        return Standing.OPEN if row.status == SimulatedPayment.OPEN else book.fact_of(row)

    def cancel(self, account: Account, payment: Reference) -> CancelAnswer:
        """End an attempt; an unknown key gets a tombstone, so that a later start with it is refused."""
        row = book.write(
            payment.key,
            account_id=account.id,
            at=clock.now(),
            amount_minor=0,
            status=SimulatedPayment.CANCELLED,
            error_code="cancelled",
        )
        if row.status == SimulatedPayment.OPEN:
            if row.scenario == Scenario.LATE:
                return CancelAnswer.UNKNOWN
            book.settle(row, SimulatedPayment.CANCELLED, at=clock.now(), error_code="cancelled")
        is_alive = row.status in (SimulatedPayment.CAPTURED, SimulatedPayment.HELD)
        return CancelAnswer.ALIVE if is_alive else CancelAnswer.DEAD

    def capture(self, account: Account, payment: Reference, amount: Money) -> PaymentFact:
        """Take held money; what is over already says so."""
        row = _known(account, payment)
        at = clock.now()
        if not _has_lapsed(row, at=at) and amount.minor <= row.amount_minor:
            book.capture(row, amount.minor, at=at)
        return book.fact_of(row)

    def void(self, account: Account, payment: Reference) -> PaymentFact:
        row = _known(account, payment)
        book.release(row, at=clock.now())
        return book.fact_of(row)

    def refund(self, account: Account, payment: Reference, key: str, amount: Money) -> RefundFact:
        """Give money back; the amount's last digits say how it goes (`inputs.REFUNDS`)."""
        refund = book.write_refund(_known(account, payment), key, amount.minor, at=clock.now())
        if refund is None:
            message = "There is not that much left to refund."
            return RefundFact(RefundStatus.FAILED, key, error_code="refund_too_large", message=message)
        if inputs.refund_scenario(amount.minor) is RefundScenario.LOSE_ANSWER:
            raise Unanswered("the answer to a refund of this amount is always lost")
        return book.refund_fact_of(refund)

    def inquire_refund(self, account: Account, payment: Reference, key: str) -> RefundFact | Standing:
        refund = (
            SimulatedRefund.objects.select_related("payment").filter(key=key, payment__account_id=account.id).first()
        )
        if refund is None:
            return Standing.ABSENT
        for undecided in (SimulatedRefund.PENDING, SimulatedRefund.ONHOLD):
            book.end_refund(refund, undecided, SimulatedRefund.DONE, at=clock.now())
        return book.refund_fact_of(refund)

    def parse_event(self, account: Account, body: bytes, headers: Mapping[str, str], *, at: datetime) -> ServerEvent:
        return events.parse(body, headers, at=at)


def _known(account: Account, payment: Reference) -> SimulatedPayment:
    row = book.find(payment.key, account_id=account.id)
    if row is None:
        raise NotSupported("The simulator knows no such payment.")
    return row


def _has_lapsed(row: SimulatedPayment, *, at: datetime) -> bool:
    """Whether held money is not held any more because its time was up."""
    return row.approve_by is not None and at >= row.approve_by and book.release(row, at=at)


def _chosen(attempt: Attempt) -> TestInput:
    """The documented input a customer used. Raises NotSupported for a choice that belongs to no input."""
    if attempt.card is not None:
        return inputs.CARDS.get(attempt.card.number, inputs.UNKNOWN_CARD)
    if attempt.method == Method.UPI and attempt.details.get("channel") == "collect":
        return inputs.UPI_IDS.get(attempt.details.get("upi_id", "").lower(), inputs.UNKNOWN_UPI_ID)
    page = next((page for page in inputs.PAGES if page.method == attempt.method), None)
    if page is None:
        raise NotSupported(f"The simulator cannot take {attempt.method} without more.")
    return page


def _columns(attempt: Attempt, chosen: TestInput) -> dict[str, Any]:
    """The book's row of a new attempt."""
    card = attempt.card
    at = clock.now()
    over = max(attempt.deadline_at, attempt.order_expires_at) + LATE_BY
    holds = attempt.manual_capture
    says_yes = chosen.scenario in (Scenario.APPROVE, Scenario.LOSE_ANSWER)
    decided: dict[str, Any] = {"status": SimulatedPayment.OPEN}
    if says_yes:
        decided = book.yes(amount_minor=attempt.amount.minor, holds=holds, at=at)
    elif chosen.scenario is Scenario.DECLINE:
        decided = {"status": SimulatedPayment.DECLINED, "error_code": chosen.error_code}
    return decided | {
        "amount_minor": attempt.amount.minor,
        "currency": attempt.amount.currency,
        "method": attempt.method,
        "details": dict(attempt.details),
        "payee": attempt.payee,
        "card_network": network_of(card.number) if card else "",
        "card_last4": card.number[-4:] if card else "",
        "scenario": chosen.scenario,
        "fault": attempt.test_fault,
        "holds": holds,
        "return_url": attempt.return_url,
        "event_url": attempt.event_url,
        "deadline_at": attempt.deadline_at,
        "decide_at": over if chosen.scenario is Scenario.LATE else None,
    }


def _outcome(row: SimulatedPayment) -> Outcome:
    if row.status != SimulatedPayment.OPEN:
        return Done(book.fact_of(row))
    if row.scenario == Scenario.CHALLENGE:
        left = inputs.MAX_WRONG_CODES - row.wrong_codes
        return Challenge(f"{left} tries left", page_url(row))
    if row.scenario == Scenario.PAGE:
        return GoTo(page_url(row))
    return Wait(page_url(row) if row.scenario == Scenario.CODE else "")


def _take_fault(row: SimulatedPayment) -> str:
    """The fault of the deciding call, once: whoever tries again gets through."""
    of_calls = SimulatedPayment.objects.filter(pk=row.pk, fault__in=("timeout_before", "timeout_after", "error_after"))
    fault = row.fault
    return fault if of_calls.update(fault="") else ""


def _judge(row: SimulatedPayment, answer: Mapping[str, str], *, at: datetime) -> None:
    if row.deadline_at and at >= row.deadline_at:
        book.settle(row, SimulatedPayment.DROPPED, at=at, error_code="not_completed")
    elif answer.get("leave"):
        book.settle(row, SimulatedPayment.DROPPED, at=at, error_code="left")
    elif answer.get("otp") == inputs.OTP:
        book.approve(row, at=at)
    else:
        SimulatedPayment.objects.filter(pk=row.pk).update(wrong_codes=F("wrong_codes") + 1)
        row.refresh_from_db()
        if row.wrong_codes >= inputs.MAX_WRONG_CODES:
            book.settle(row, SimulatedPayment.DECLINED, at=at, error_code="authentication_failed")


def _decide_when_asked(row: SimulatedPayment, *, at: datetime) -> None:
    """What an open payment becomes because somebody asks."""
    if row.scenario == Scenario.DECLINE_LATER:
        book.settle(row, SimulatedPayment.DECLINED, at=at, error_code="card_declined")
    elif at >= _paid_when_asked_from(row):
        book.approve(row, at=at)


def _paid_when_asked_from(row: SimulatedPayment) -> datetime:
    if row.scenario == Scenario.SETTLE:
        return row.made_at + timedelta(seconds=inputs.SETTLES_AFTER_S)
    return row.decide_at or datetime.max.replace(tzinfo=UTC)
