"""The same CreateOrder under the same key: one order, and the same bytes as an answer."""

import json
from datetime import timedelta
from unittest import mock

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from checkout.rpc.payment_pb2 import CreateOrderRequest, CreateOrderResponse
from payments import clock, faults
from payments.models import Customer, IdempotencyKey, Order
from payments.selectors import due_jobs
from payments.services.idempotency import forget_outdated_keys
from tests.proof import run_together
from tests.rpc.conftest import LITERAL

pytestmark = pytest.mark.django_db


def create(caller, key, *, name="x-idempotency-key", **over):
    body = json.dumps({**LITERAL, **over})
    return caller.raw("CreateOrder", body, headers={**caller.headers, name: key})


@pytest.mark.parametrize("name", ["x-idempotency-key", "idempotency-key"])
def test_a_repeated_request_gets_the_same_bytes_and_makes_nothing(caller, name):
    first, again = (create(caller, "k-1", name=name) for _ in range(2))
    assert first.status_code == 200
    assert first.content == again.content
    assert [r["x-idempotency-replayed"] for r in (first, again)] == ["false", "true"]
    assert (Order.objects.count(), Customer.objects.count()) == (1, 1)


def test_the_answer_is_the_same_in_protobuf(caller):
    first = create(caller, "k-1").json()
    body = CreateOrderRequest(**LITERAL).SerializeToString()
    headers = {**caller.headers, "x-idempotency-key": "k-1"}
    again = caller.raw("CreateOrder", body, headers=headers, content_type="application/proto")
    assert CreateOrderResponse.FromString(again.content).order_id == first["order_id"]


def test_without_a_key_every_request_is_a_new_order(caller):
    assert caller.create().json() != caller.create().json()
    assert not IdempotencyKey.objects.exists()


def test_another_request_under_a_used_key_is_refused(caller):
    create(caller, "k-1")
    other = create(caller, "k-1", order_amount=1)
    assert other.json()["code"] == "failed_precondition"
    assert "idempotency_error" in other.json()["message"]
    assert Order.objects.count() == 1


def test_two_merchants_may_use_the_same_key(caller, stranger):
    assert create(caller, "k-1").json() != create(stranger, "k-1").json()
    assert Order.objects.count() == 2


def test_a_refusal_is_kept_too(caller):
    first, again = (create(caller, "k-1", order_amount=10.005) for _ in range(2))
    assert (first.status_code, first.content) == (400, again.content)
    assert again["x-idempotency-replayed"] == "true"
    assert "too_many_decimals" in again.json()["message"]
    assert not Order.objects.exists()


def test_a_late_refusal_undoes_what_was_done_before_it(caller):
    create(caller, "k-1", order_id="PTG-1")
    taken = create(caller, "k-2", order_id="PTG-1")
    assert (taken.status_code, taken.json()["code"]) == (409, "already_exists")
    assert create(caller, "k-2", order_id="PTG-1").content == taken.content
    assert Customer.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "k\x01", "ключ", " "])
def test_an_odd_key_is_refused(caller, key):
    response = create(caller, key)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_argument")
    assert "idempotency_key_invalid" in response.json()["message"]
    assert not Order.objects.exists()


def test_what_was_our_fault_is_not_kept(caller):
    with mock.patch("checkout.rpc.servicer.create_order", side_effect=OperationalError("locked")):
        assert create(caller, "k-1").status_code == 503
    assert create(caller, "k-1").status_code == 200


def test_wrong_credentials_keep_nothing(caller):
    wrong = {**caller.headers, "x-client-secret": "till_test_wrong", "x-idempotency-key": "k-1"}
    assert caller.raw("CreateOrder", json.dumps(LITERAL), headers=wrong).status_code == 401
    assert not IdempotencyKey.objects.exists()


def test_a_key_is_kept_for_seven_days_and_then_forgotten(caller):
    create(caller, "k-1")
    for days, kept in ((6.9, True), (7.1, False)):
        with clock.shifted(timedelta(days=days)):
            assert ("forget_idempotency_keys" in dict(due_jobs(at=clock.now()))) is not kept
            forget_outdated_keys(at=clock.now())
        assert IdempotencyKey.objects.exists() is kept


def test_creating_under_a_key_takes_at_most_seven_statements(caller):
    create(caller, "k-1")  # the key's first use of the hour is noted by a statement of its own
    with CaptureQueriesContext(connection) as statements:
        create(caller, "k-2")
    counted = [s["sql"] for s in statements if not s["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))]
    assert len(counted) <= 7


@pytest.mark.django_db(transaction=True)
def test_thirty_at_once_are_one_order_and_the_same_bytes(caller):
    """I13: a retry gets the same bytes."""
    answers = run_together(*[lambda: create(caller, "k-1")] * 30)
    assert {getattr(answer, "status_code", answer) for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert [answer["x-idempotency-replayed"] for answer in answers].count("false") == 1
    assert (Order.objects.count(), Customer.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", ["create.before_commit", "create.after_commit"])
def test_a_crash_leaves_order_and_key_together_or_neither(caller, point):
    def crash(name):
        if name == point:
            raise faults.Crash(name)

    with faults.handled_by(crash), pytest.raises(faults.Crash):
        create(caller, "k-1")
    connection.close()
    survived = int(point == "create.after_commit")
    assert (Order.objects.count(), IdempotencyKey.objects.count()) == (survived, survived)
    assert create(caller, "k-1").status_code == 200
    assert (Order.objects.count(), IdempotencyKey.objects.count()) == (1, 1)


def test_our_own_state_is_no_answer_to_keep(caller, settings):
    settings.SIMULATOR = False
    assert create(caller, "k-1").json()["code"] == "failed_precondition"
    settings.SIMULATOR = True
    assert create(caller, "k-1").status_code == 200


def test_many_outdated_keys_are_forgotten_in_small_steps(caller, monkeypatch):
    for n in range(7):
        create(caller, f"k-{n}")
    monkeypatch.setattr("payments.services.idempotency.BATCH", 3)
    assert forget_outdated_keys(at=clock.now() + timedelta(days=8)) == 7
    assert not IdempotencyKey.objects.exists()
