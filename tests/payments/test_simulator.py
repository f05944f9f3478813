"""The pretend gateway keeps the contract that real ones keep, and a book of its own."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction

from payments import clock
from payments.gateways.base import (
    Account,
    Attempt,
    CancelAnswer,
    Done,
    Gateway,
    NotSupported,
    Reference,
    Standing,
)
from payments.gateways.registry import GATEWAYS, gateway_named
from payments.gateways.simulator.models import SimulatedPayment
from payments.money import Money
from payments.states import Method
from tests.factories import APPROVED, DECLINED, DECLINED_CARDS, card

ACCOUNT = Account(id=7, mode="test")
GATEWAY_CALLS = {
    "check": 1, "start": 1, "resume": 3, "inquire": 2, "cancel": 2,
    "capture": 3, "void": 2, "refund": 4, "inquire_refund": 3,
}  # fmt: skip
"""Methods of the contract, with the number of their arguments."""
pytestmark = pytest.mark.django_db


@pytest.fixture
def simulator():
    return gateway_named("simulator")


def _attempt(number=APPROVED, key="att_1"):
    at = clock.now()
    return Attempt(
        key=key,
        account=ACCOUNT,
        amount=Money(29_999, "INR"),
        method=Method.CARD,
        order_id="INV-1",
        at=at,
        deadline_at=at + timedelta(minutes=15),
        order_expires_at=at + timedelta(hours=24),
        card=card(number),
    )


def _start(simulator, number=APPROVED, **over):
    outcome = simulator.start(_attempt(number, **over))
    assert isinstance(outcome, Done)
    return outcome.fact


def test_the_good_card_is_captured_and_stands_in_the_book(simulator):
    fact = _start(simulator)
    row = SimulatedPayment.objects.get()
    assert (fact.status, fact.key, fact.amount) == ("success", "att_1", Money(29_999, "INR"))
    assert (row.status, row.account_id, row.card_network, row.card_last4) == ("captured", 7, "visa", "4242")
    assert fact.gateway_payment_id == row.gateway_payment_id
    assert fact.bank_reference.isdigit()
    assert len(fact.bank_reference) == 12


@pytest.mark.parametrize(("number", "code"), [*DECLINED_CARDS.items(), ("4111111111111111", "test_card_required")])
def test_other_cards_are_declined_with_their_reason(simulator, number, code):
    fact = _start(simulator, number)
    assert (fact.status, fact.declined, fact.error_code, fact.amount) == ("failed", True, code, None)
    assert fact.message
    assert SimulatedPayment.objects.get().status == "declined"


def test_the_book_keeps_no_card_number(simulator):
    _start(simulator)
    assert APPROVED not in repr(list(SimulatedPayment.objects.values()))


@pytest.mark.parametrize("again", [APPROVED, DECLINED])
def test_the_same_key_finds_the_first_decision_again(simulator, again):
    first = _start(simulator)
    assert _start(simulator, again) == first
    assert SimulatedPayment.objects.count() == 1


def test_a_start_inside_a_callers_transaction_leaves_it_usable(simulator):
    with transaction.atomic():
        first = _start(simulator)
        assert _start(simulator) == first
        assert SimulatedPayment.objects.count() == 1


def test_different_keys_are_different_payments(simulator):
    facts = [_start(simulator, key=f"att_{n}") for n in range(3)]
    assert len({fact.gateway_payment_id for fact in facts}) == SimulatedPayment.objects.count() == 3


def test_a_card_payment_without_a_card_is_not_supported(simulator):
    with pytest.raises(NotSupported):
        simulator.start(replace(_attempt(), card=None))
    assert not SimulatedPayment.objects.exists()


@pytest.mark.parametrize("number", [APPROVED, DECLINED])
def test_an_inquiry_says_what_the_start_said(simulator, number):
    fact = _start(simulator, number)
    assert simulator.inquire(ACCOUNT, Reference("att_1")) == fact


def test_an_unknown_key_is_absent_and_so_is_another_accounts(simulator):
    _start(simulator)
    assert simulator.inquire(ACCOUNT, Reference("att_2")) is Standing.ABSENT
    assert simulator.inquire(replace(ACCOUNT, id=8), Reference("att_1")) is Standing.ABSENT


def _open(key="att_1"):
    return SimulatedPayment.objects.create(
        key=key, account_id=ACCOUNT.id, amount_minor=1, currency="INR", status="open", made_at=clock.now()
    )


def test_an_undecided_payment_is_open(simulator):
    _open()
    assert simulator.inquire(ACCOUNT, Reference("att_1")) is Standing.OPEN


@pytest.mark.parametrize(("number", "answer"), [(APPROVED, CancelAnswer.ALIVE), (DECLINED, CancelAnswer.DEAD)])
def test_cancelling_a_decided_payment_does_not_change_it(simulator, number, answer):
    fact = _start(simulator, number)
    assert simulator.cancel(ACCOUNT, Reference("att_1")) is answer
    assert simulator.inquire(ACCOUNT, Reference("att_1")) == fact


def test_an_open_payment_can_be_cancelled_for_good(simulator):
    _open()
    assert [simulator.cancel(ACCOUNT, Reference("att_1")) for _ in range(2)] == [CancelAnswer.DEAD] * 2
    assert simulator.inquire(ACCOUNT, Reference("att_1")).status == "cancelled"


def test_cancelling_an_unknown_key_leaves_a_tombstone_that_refuses_a_later_start(simulator):
    assert simulator.cancel(ACCOUNT, Reference("att_1")) is CancelAnswer.DEAD
    fact = _start(simulator)
    assert (fact.status, fact.amount, fact.declined) == ("cancelled", None, False)
    assert SimulatedPayment.objects.get().status == "cancelled"


def test_one_account_cannot_cancel_the_payment_of_another(simulator):
    row = _open()
    simulator.cancel(replace(ACCOUNT, id=8), Reference("att_1"))
    row.refresh_from_db()
    assert row.status == "open"


STRANGER = Reference("att_unknown")


@pytest.mark.parametrize(
    ("call", "arguments"),
    [("capture", [Money(1, "INR")]), ("void", []), ("refund", ["ref_1", Money(1, "INR")])],
)
def test_with_a_payment_it_does_not_know_it_does_nothing(simulator, call, arguments):
    with pytest.raises(NotSupported):
        getattr(simulator, call)(ACCOUNT, STRANGER, *arguments)
    assert simulator.inquire_refund(ACCOUNT, STRANGER, "ref_1") is Standing.ABSENT


@pytest.mark.parametrize("call", sorted(GATEWAY_CALLS))
def test_a_gateway_that_lacks_something_says_so(call):
    with pytest.raises(NotSupported):
        getattr(Gateway(), call)(*[None] * (GATEWAY_CALLS[call]))


@pytest.mark.parametrize("name", GATEWAYS)
def test_every_registered_gateway_has_its_name_and_serves_something(name):
    assert gateway_named(name).name == name
    assert gateway_named(name).methods


def test_an_unregistered_gateway_is_refused():
    with pytest.raises(KeyError):
        gateway_named("paypal")


def test_a_cards_repr_shows_nothing():
    assert not {"4242", "123", "ASHA"} & set(repr(card()).replace("'", " ").split())
    assert repr(card()) == "Card()"
    assert "4242" not in repr(_attempt())
