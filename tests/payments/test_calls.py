import logging

import pytest
from django.db import connection, transaction

from payments import faults
from payments.gateways.base import NotSupported, Unanswered
from payments.services.calls import CallInsideTransaction, call_gateway, refuse_open_transaction


def _never():
    raise AssertionError("the gateway was called")


@pytest.mark.django_db(transaction=True)
def test_a_call_inside_a_transaction_is_refused_before_anything_is_sent():
    with pytest.raises(CallInsideTransaction), transaction.atomic():
        call_gateway(_never)
    assert not connection.in_atomic_block


@pytest.mark.django_db(transaction=True)
def test_a_call_inside_a_nested_transaction_is_refused_too():
    with transaction.atomic(), pytest.raises(CallInsideTransaction), transaction.atomic(savepoint=False):
        call_gateway(_never)
    assert not connection.in_atomic_block


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_the_answer_comes_through():
    assert call_gateway(lambda: "answer") == "answer"


def test_the_block_a_test_case_opens_does_not_count(db):
    assert connection.in_atomic_block
    assert call_gateway(lambda: "answer") == "answer"


def test_a_block_inside_a_test_cases_block_counts(db):
    with transaction.atomic(), pytest.raises(CallInsideTransaction):
        refuse_open_transaction()
    assert call_gateway(lambda: "answer") == "answer"


def test_the_guard_is_no_ordinary_refusal_that_somebody_might_catch():
    assert issubclass(CallInsideTransaction, AssertionError)


@pytest.mark.parametrize("fault", [ValueError, KeyError, TimeoutError, ConnectionResetError, ZeroDivisionError])
def test_any_fault_of_a_gateway_means_we_do_not_know(db, fault, caplog):
    def broken():
        raise fault("card 4242424242424242 secret")

    with caplog.at_level(logging.ERROR), pytest.raises(Unanswered) as unanswered:
        call_gateway(broken)
    assert fault.__name__ in caplog.text
    assert "4242" not in caplog.text + str(unanswered.value)
    assert unanswered.value.__cause__ is None


@pytest.mark.parametrize("fault", [Unanswered("timeout"), NotSupported("no")])
def test_what_a_gateway_says_in_the_contracts_words_passes_through(db, fault):
    def raising():
        raise fault

    with pytest.raises(type(fault)) as passed:
        call_gateway(raising)
    assert passed.value is fault


def test_a_crash_passes_through(db):
    def crash():
        raise faults.Crash

    with pytest.raises(faults.Crash):
        call_gateway(crash)
    assert faults._handler is None


def test_there_is_a_fault_point_on_both_sides_of_a_call(db):
    heard = []
    with faults.handled_by(heard.append):
        call_gateway(lambda: heard.append("call"))
    assert heard == ["gateway.before_call", "call", "gateway.after_call"]


def test_a_call_without_an_answer_has_no_point_after_it(db):
    heard = []
    with faults.handled_by(heard.append), pytest.raises(Unanswered):
        call_gateway(lambda: 1 / 0)
    assert heard == ["gateway.before_call"]
