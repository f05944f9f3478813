"""Refunds over REST."""

import pytest

from payments import clock
from payments.jobs import run_job
from payments.models import Refund
from payments.services.disputes import open_dispute
from payments.states import RefundStatus
from tests.factories import act, fresh, late, paid, requested
from tests.rest.conftest import refused


@pytest.fixture
def order(caller):
    """A paid order of ₹299.99."""
    order = caller.order()
    paid(order)
    return order


def send(refund):
    run_job("refund", refund.pk, at=clock.now())


def test_a_refund_is_reserved_at_once_and_sent_after(caller, order):
    answer = caller("POST", f"/orders/{order.order_id}/refunds", {"refund_amount": 99.99, "refund_id": "R-1"})
    told = answer.json()
    assert answer.status_code == 200
    assert told["refund_id"] == "R-1"
    assert told["entity"] == "refund"
    assert (told["refund_status"], told["processed_at"]) == ("PENDING", None)
    assert told["refund_amount"] == 99.99
    assert told["refund_type"] == "MERCHANT_INITIATED"
    assert told["till"]["refund_amount_available"] == 200
    send(Refund.objects.get())
    told = caller("GET", f"/orders/{order.order_id}/refunds/R-1").json()
    assert told["refund_status"] == "SUCCESS"
    assert told["processed_at"].endswith("+05:30")
    assert told["refund_mode"] == "STANDARD"


def test_all_refunds_newest_first(caller, order):
    for name in ("R-1", "R-2"):
        caller("POST", f"/orders/{order.order_id}/refunds", {"refund_amount": 1, "refund_id": name})
    told = caller("GET", f"/orders/{order.order_id}/refunds").json()
    assert [refund["refund_id"] for refund in told] == ["R-2", "R-1"]


def test_an_order_without_refunds_has_an_empty_list(caller):
    assert caller("GET", f"/orders/{caller.order().order_id}/refunds").json() == []


def test_a_refused_refund_reads_cancelled_with_its_reason(caller, order):
    caller("POST", f"/orders/{order.order_id}/refunds", {"refund_amount": 1, "refund_id": "R-1"})
    refund = Refund.objects.get()
    Refund.objects.filter(pk=refund.pk).update(status=RefundStatus.FAILED, message="The account is closed.")
    told = caller("GET", f"/orders/{order.order_id}/refunds/R-1").json()
    assert told["refund_status"] == "CANCELLED"
    assert told["status_description"] == "The account is closed."
    assert told["till"]["status"] == "failed"


def test_money_that_goes_back_by_itself_is_listed(caller):
    order = caller.order()
    late(order)
    [told] = caller("GET", f"/orders/{order.order_id}/refunds").json()
    assert told["refund_type"] == "PAYMENT_AUTO_REFUND"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "refund_amount_missing"),
        ({"refund_amount": 0}, 400, "refund_amount_invalid"),
        ({"refund_amount": -1}, 400, "refund_amount_invalid"),
        ({"refund_amount": "1"}, 400, "refund_amount_invalid"),
        ({"refund_amount": 0.001}, 400, "refund_amount_invalid"),
        ({"refund_amount": 300}, 400, "refund_not_possible"),
        ({"refund_amount": 1, "refund_id": "a b"}, 400, "refund_id_invalid"),
        ({"refund_amount": 1, "refund_speed": "SOON"}, 400, "refund_speed_invalid"),
        ({"refund_amount": 1, "refund_splits": [{"vendor": "x"}]}, 400, "refund_splits_invalid"),
        ({"refund_amount": 1, "currency": "USD"}, 400, "currency_invalid"),
        ({"refund_amount": 1, "refund_amount_available": 10}, 412, "refund_amount_mismatch"),
        ({"refund_amount": 1, "refund_amount_available": 0}, 412, "refund_amount_mismatch"),
    ],
)
def test_a_bad_refund_changes_nothing(caller, order, body, status, code):
    refused(caller("POST", f"/orders/{order.order_id}/refunds", body), status, code)
    assert not Refund.objects.exists()
    assert fresh(order).payments.get().refund_reserved_minor == 0


def test_the_right_amount_left_is_taken(caller, order):
    body = {"refund_amount": 299.99, "refund_amount_available": 299.99}
    assert caller("POST", f"/orders/{order.order_id}/refunds", body).status_code == 200


def test_an_unpaid_order_has_nothing_to_give_back(caller):
    told = caller("POST", f"/orders/{caller.order().order_id}/refunds", {"refund_amount": 1})
    refused(told, 400, "refund_not_possible", "order_not_paid")


def test_a_disputed_payment_is_not_refunded(caller, order):
    open_dispute(order.payments.get().pk, at=clock.now(), by=act())
    refused(caller("POST", f"/orders/{order.order_id}/refunds", {"refund_amount": 1}), 409, "payment_disputed")


def test_a_refund_id_is_taken_once(caller, order):
    body = {"refund_amount": 1, "refund_id": "R-1"}
    assert caller("POST", f"/orders/{order.order_id}/refunds", body).status_code == 200
    refused(caller("POST", f"/orders/{order.order_id}/refunds", body), 409, "refund_already_exists")


def test_a_refund_of_everything_that_is_repeated_reads_as_made_before(caller, order):
    body = {"refund_amount": 299.99, "refund_id": "R-1", "refund_amount_available": 299.99}
    assert caller("POST", f"/orders/{order.order_id}/refunds", body).status_code == 200
    refused(caller("POST", f"/orders/{order.order_id}/refunds", body), 409, "refund_already_exists")
    assert Refund.objects.count() == 1


def test_a_refund_that_waits_for_a_person_can_be_given_up(caller):
    order = caller.order(order_amount=20_000)
    refund = requested(paid(order), minor=1_000_000)
    address = f"/orders/{order.order_id}/refunds/{refund.refund_id}"
    assert caller("GET", address).json()["refund_status"] == "ONHOLD"
    refused(caller("PUT", address, {"refund_status": "SUCCESS"}), 400, "refund_status_invalid")
    told = caller("PUT", address, {"refund_status": "CANCELLED", "remarks": "A mistake"}).json()
    assert told["refund_status"] == "CANCELLED"
    assert told["till"]["refund_amount_available"] == 20_000


def test_a_sent_refund_cannot_be_given_up(caller, order):
    caller("POST", f"/orders/{order.order_id}/refunds", {"refund_amount": 1, "refund_id": "R-1"})
    address = f"/orders/{order.order_id}/refunds/R-1"
    refused(caller("PUT", address, {"refund_status": "CANCELLED"}), 409, "refund_not_cancellable")


def test_unknown_and_foreign_refunds_look_alike(caller, stranger, order):
    caller("POST", f"/orders/{order.order_id}/refunds", {"refund_amount": 1, "refund_id": "R-1"})
    refused(stranger("GET", f"/orders/{order.order_id}/refunds/R-1"), 404, "order_not_found")
    refused(stranger("POST", f"/orders/{order.order_id}/refunds", {"refund_amount": 1}), 404, "order_not_found")
    for name in ("R-2", "%00", "ä", "x" * 300):
        refused(caller("GET", f"/orders/{order.order_id}/refunds/{name}"), 404, "refund_not_found")
