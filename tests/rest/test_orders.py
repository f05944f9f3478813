"""Orders over REST: made, read and ended in the wire's shape."""

from datetime import datetime, timedelta, timezone

import pytest

from payments import clock
from payments.models import Customer, Order, Payment, Refund
from payments.services.orders import extend_order
from payments.states import Mode, OrderStatus
from tests.factories import fresh, held, late, paid
from tests.rest.conftest import CUSTOMER, refused


def test_the_least_order_is_made_and_reads_the_same(caller, settings):
    made = caller.create()
    told = made.json()
    assert made.status_code == 200
    assert told["entity"] == "order"
    assert told["order_status"] == "ACTIVE"
    assert told["order_amount"] == 299.99
    assert told["order_id"] == told["cf_order_id"]
    assert told["payment_session_id"].startswith("sess_")
    assert told["created_at"].endswith("+05:30")
    assert told["order_expiry_time"].endswith("+05:30")
    assert told["customer_details"] == {
        "customer_id": "walker_01", "customer_name": None, "customer_email": None, "customer_phone": "9999999999",
        "customer_uid": None,
    }  # fmt: skip
    url = f"{settings.PUBLIC_URL}/pg/orders/{told['order_id']}"
    assert [told[name]["url"] for name in ("payments", "refunds", "settlements")] == [
        f"{url}/payments", f"{url}/refunds", f"{url}/settlements",
    ]  # fmt: skip
    assert caller("GET", f"/orders/{told['order_id']}").json() == told


def test_every_field_of_the_wire_comes_back(caller):
    told = caller.create(
        order_id="PTG-7",
        customer_details={**CUSTOMER, "customer_name": "Asha Rao", "customer_email": "asha@example.com"},
        order_meta={
            "return_url": "https://shop.example.com/done?o={order_id}",
            "notify_url": "https://8.8.8.8/hook",
            "payment_methods": "cc,upi",
        },
        order_note="A notebook",
        order_tags={"name": "Retail", "age": "New"},
        cart_details={"cart_id": "1"},
        order_splits=[],
    ).json()
    assert told["order_id"] == "PTG-7"
    assert told["customer_details"]["customer_name"] == "Asha Rao"
    assert told["order_meta"] == {
        "return_url": "https://shop.example.com/done?o={order_id}",
        "notify_url": "https://8.8.8.8/hook",
        "payment_methods": "cc,upi",
    }
    assert told["order_note"] == "A notebook"
    assert told["order_tags"] == {"name": "Retail", "age": "New"}


def test_an_order_brings_the_link_to_send_to_its_customer(caller, client, settings):
    told = caller.create().json()
    link = told["till"]["payment_link"]
    assert link == f"{settings.PUBLIC_URL}/checkout/{told['payment_session_id']}"
    assert caller("GET", f"/orders/{told['order_id']}").json()["till"]["payment_link"] == link
    assert client.get(link.removeprefix(settings.PUBLIC_URL)).status_code == 200


def test_till_has_the_specifications_names_and_words(caller):
    told = caller.create(customer_details={**CUSTOMER, "customer_name": "Asha Rao"}).json()
    till = told["till"]
    assert set(till) == {
        "id", "order_id", "order_amount", "order_currency", "customer_details", "order_meta", "order_expiry_time",
        "order_note", "order_status", "order_tags", "order_created", "payment_session_id", "payments", "refunds",
        "settlements", "payment_link",
    }  # fmt: skip
    assert till["order_status"] == "created"
    assert isinstance(till["customer_details"]["customer_id"], int)
    assert till["payment_session_id"] == told["payment_session_id"]


def test_the_same_customer_id_is_the_same_customer(caller):
    caller.create()
    caller.create()
    assert Customer.objects.count() == 1


@pytest.mark.parametrize(
    ("over", "code", "word"),
    [
        ({"order_amount": ...}, "order_amount_missing", "order_amount"),
        ({"order_amount": "299.99"}, "order_amount_invalid", "invalid_type"),
        ({"order_amount": True}, "order_amount_invalid", "invalid_type"),
        ({"order_amount": [1]}, "order_amount_invalid", "invalid_type"),
        ({"order_amount": 0}, "order_amount_invalid", "Invalid amount"),
        ({"order_amount": -1}, "order_amount_invalid", "amount_out_of_range"),
        ({"order_amount": 10.005}, "order_amount_invalid", "too_many_decimals"),
        ({"order_amount": 1e13}, "order_amount_invalid", "amount_out_of_range"),
        ({"order_currency": "inr"}, "order_currency_invalid", "currency_not_supported"),
        ({"order_currency": 3}, "order_currency_invalid", "order_currency"),
        ({"customer_details": ...}, "customer_details_missing", "customer_details"),
        ({"customer_details": "Asha"}, "customer_details_invalid", "object"),
        ({"customer_details": {"customer_id": "abc"}}, "customer_details.customer_phone_missing", "customer_phone"),
        (
            {"customer_details": {**CUSTOMER, "customer_phone": "12"}},
            "customer_details.customer_phone_invalid",
            "phone_invalid",
        ),
        (
            {"customer_details": {**CUSTOMER, "customer_email": "a@b.com\r\nBcc: x@y"}},
            "customer_details.customer_email_invalid",
            "control",
        ),
        ({"customer_details": {**CUSTOMER, "customer_id": "a@b"}}, "customer_details.customer_id_invalid", "letters"),
        ({"order_id": "a b"}, "order_id_invalid", "order_id"),
        ({"order_id": "sessions"}, "order_id_invalid", "order_id"),
        ({"order_meta": {"return_url": "https://evil.example"}}, "order_meta.return_url_invalid", "not_allowed"),
        ({"order_meta": {"notify_url": "http://169.254.169.254/"}}, "order_meta.notify_url_invalid", "notify_url"),
        ({"order_meta": {"payment_methods": "cash"}}, "order_meta.payment_methods_invalid", "unknown_method"),
        ({"order_meta": {"payment_methods": ["cash"]}}, "order_meta.payment_methods_invalid", "unknown_method"),
        ({"order_meta": {"payment_methods": "card," * 21}}, "order_meta.payment_methods_invalid", "too_many"),
        ({"customer_details": {**CUSTOMER, "customer_id": ""}}, "customer_details.customer_id_invalid", "letters"),
        ({"return_url": "https://shop.example.com"}, "return_url_invalid", "order_meta.return_url"),
        ({"order_curency": "INR"}, "order_curency_invalid", "did you mean order_currency?"),
        ({"colour": "red"}, "colour_invalid", "leave it out"),
        ({"order_expiry_time": "tomorrow"}, "order_expiry_time_invalid", "time_invalid"),
        ({"order_tags": {"name": 3}}, "order_tags.name_invalid", "text"),
        ({"order_note": "4111 1111 1111 1111"}, "order_note_invalid", "card_data_not_allowed"),
        ({"order_splits": [{"vendor_id": "x"}]}, "order_splits_invalid", "not_supported"),
        ({"order_splits": {}}, "order_splits_invalid", "not_supported"),
        ({"order_status": "PAID"}, "order_status_invalid", "unknown_field"),
        ({"merchant_id": 7}, "merchant_id_invalid", "unknown_field"),
        ({"till": {"capture_method": "later"}}, "till.capture_method_invalid", "'automatic' or 'manual'"),
        ({"till": {"language": "sv"}}, "till.language_invalid", "write one of en, hi"),
        ({"till": {"language": 7}}, "till.language_invalid", "text"),
        ({"till": {"is_captured": True}}, "till.is_captured_invalid", "unknown_field"),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_made(caller, over, code, word):
    told = refused(caller.create(**over), 400, code, word)
    assert told["type"] == "invalid_request_error"
    assert told["help"].endswith("/pg/docs")
    assert not Order.objects.exists()
    assert not Customer.objects.exists()


@pytest.mark.parametrize("offset", [timedelta(hours=23, minutes=59), -timedelta(hours=23, minutes=59)])
def test_an_expiry_time_may_have_any_offset(caller, offset):
    until = (clock.now() + timedelta(hours=1)).replace(microsecond=0)
    assert caller.create(order_expiry_time=until.astimezone(timezone(offset)).isoformat()).status_code == 200
    assert Order.objects.get().expires_at == until


def test_ways_to_pay_may_be_a_list_too(caller):
    told = caller.create(order_meta={"payment_methods": ["cc", "upi"]}).json()
    assert told["order_meta"]["payment_methods"] == "cc,upi"


def test_a_null_is_a_field_left_out(caller):
    assert caller.create(order_note=None, order_tags=None, order_meta=None).status_code == 200


def test_an_order_id_is_taken_once(caller):
    assert caller.create(order_id="PTG-7").status_code == 200
    refused(caller.create(order_id="PTG-7"), 409, "order_already_exists", "PTG-7")


def test_unknown_foreign_and_malformed_ids_look_alike(caller, stranger):
    foreign = stranger.order().order_id
    bodies = {caller("GET", f"/orders/{name}").content for name in (foreign, "order_unknown", "x" * 10_000, "%00", "ä")}
    assert len(bodies) == 1
    refused(caller("GET", "/orders/order_unknown"), 404, "order_not_found")


@pytest.mark.parametrize(
    ("status", "word"),
    [("created", "ACTIVE"), ("failed", "ACTIVE"), ("expired", "EXPIRED"), ("terminated", "TERMINATED")],
)
def test_states_in_the_wires_words(caller, status, word):
    order = caller.order()
    Order.objects.filter(pk=order.pk).update(status=status)
    assert caller("GET", f"/orders/{order.order_id}").json()["order_status"] == word


def test_an_overdue_order_reads_expired_though_no_sweep_ran(caller):
    order = caller.order()
    Order.objects.filter(pk=order.pk).update(expires_at=clock.now() - timedelta(seconds=1))
    told = caller("GET", f"/orders/{order.order_id}").json()
    assert (told["order_status"], told["till"]["order_status"]) == ("EXPIRED", "expired")


def test_a_foreign_phone_is_null_on_the_wire_and_whole_in_till(caller):
    told = caller.create(customer_details={**CUSTOMER, "customer_phone": "+14155550100"}).json()
    assert told["customer_details"]["customer_phone"] is None
    assert told["till"]["customer_details"]["customer_phone"] == "+14155550100"


# --- Terminate ---


def test_ending_an_order(caller):
    order = caller.order()
    told = caller("PATCH", f"/orders/{order.order_id}", {"order_status": "TERMINATED"}).json()
    assert told["order_status"] == "TERMINATED"
    assert caller("PATCH", f"/orders/{order.order_id}", {"order_status": "TERMINATED"}).status_code == 200


def test_an_attempt_in_flight_decides_first(caller):
    order = caller.order()
    Order.objects.filter(pk=order.pk).update(status=OrderStatus.PENDING, terminate_requested_at=clock.now())
    assert caller("GET", f"/orders/{order.order_id}").json()["order_status"] == "TERMINATION_REQUESTED"


def test_a_paid_order_cannot_be_ended(caller):
    order = caller.order()
    paid(order)
    refused(caller("PATCH", f"/orders/{order.order_id}", {"order_status": "TERMINATED"}), 409, "invalid_state")
    assert fresh(order).status == OrderStatus.PAID


def test_only_terminated_can_be_asked_for(caller):
    order = caller.order()
    refused(caller("PATCH", f"/orders/{order.order_id}", {"order_status": "PAID"}), 400, "order_status_invalid")
    refused(caller("PATCH", f"/orders/{order.order_id}", {"order_amount": 1}), 400, "order_status_missing")
    assert fresh(order).status == OrderStatus.CREATED


# --- Attempts ---


def test_an_order_without_attempts_has_an_empty_list(caller):
    answer = caller("GET", f"/orders/{caller.order().order_id}/payments")
    assert (answer.status_code, answer.json()) == (200, [])


def test_a_paid_order_and_its_payment(caller):
    order = caller.order()
    payment = paid(order)
    assert caller("GET", f"/orders/{order.order_id}").json()["order_status"] == "PAID"
    [told] = caller("GET", f"/orders/{order.order_id}/payments").json()
    assert told["payment_status"] == "SUCCESS"
    assert told["is_captured"] is True
    assert told["payment_amount"] == told["order_amount"] == 299.99
    assert set(told["payment_method"]) == {"card"}
    assert told["payment_method"]["card"]["card_number"].startswith("XXXXXXXXXXXX")
    assert told["error_details"] is None
    assert told["till"]["payment_status"] == "success"
    assert told["till"]["payment_method"][0] == {"method": "card"}
    assert caller("GET", f"/orders/{order.order_id}/payments/{payment.uid}").json() == told


def test_late_money_is_cancelled_on_the_wire_and_true_in_till(caller):
    order = caller.order()
    payment = late(order)
    told = caller("GET", f"/orders/{order.order_id}/payments/{payment.uid}").json()
    assert told["payment_status"] == "CANCELLED"
    assert (told["till"]["payment_status"], told["till"]["capture_kind"]) == ("success", "late")


def test_a_payment_of_another_order_is_not_found(caller, stranger):
    order, other = caller.order(), stranger.order()
    payment = paid(other)
    for uid in (payment.uid, "pay_unknown", "%00", "ä"):
        refused(caller("GET", f"/orders/{order.order_id}/payments/{uid}"), 404, "payment_not_found")
    refused(caller("GET", f"/orders/{other.order_id}/payments"), 404, "order_not_found")


# --- Held money ---


def test_held_money_reads_success_but_not_captured(caller):
    order = caller.order(till={"capture_method": "manual"})
    held(order)
    [told] = caller("GET", f"/orders/{order.order_id}/payments").json()
    assert (told["payment_status"], told["is_captured"]) == ("SUCCESS", False)
    assert caller("GET", f"/orders/{order.order_id}").json()["order_status"] == "ACTIVE"


def test_part_of_a_hold_is_captured(caller):
    order = caller.order(till={"capture_method": "manual"})
    held(order)
    told = caller("POST", f"/orders/{order.order_id}/authorization", {"action": "CAPTURE", "amount": 100}).json()
    assert told["authorization"]["action"] == "CAPTURE"
    assert told["authorization"]["status"] == "SUCCESS"
    assert told["authorization"]["captured_amount"] == told["payment_amount"] == 100
    assert caller("GET", f"/orders/{order.order_id}").json()["order_status"] == "PAID"


def test_a_hold_is_released(caller):
    order = caller.order(till={"capture_method": "manual"})
    held(order)
    told = caller("POST", f"/orders/{order.order_id}/authorization", {"action": "VOID"}).json()
    assert (told["payment_status"], told["authorization"]["action"]) == ("VOID", "VOID")
    assert fresh(order).status == OrderStatus.TERMINATED


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"action": "CAPTURE"}, "amount_missing"),
        ({"action": "CAPTURE", "amount": 0}, "amount_invalid"),
        ({"action": "CAPTURE", "amount": 300}, "amount_invalid"),
        ({"action": "CAPTURE", "amount": "100"}, "amount_invalid"),
        ({"action": "VOID", "amount": 100}, "amount_invalid"),
        ({"action": "REFUND"}, "action_invalid"),
        ({}, "action_missing"),
    ],
)
def test_a_bad_action_changes_nothing(caller, body, code):
    order = caller.order(till={"capture_method": "manual"})
    payment = held(order)
    refused(caller("POST", f"/orders/{order.order_id}/authorization", body), 400, code)
    assert fresh(payment).status == "authorized"


def test_nothing_to_capture(caller):
    order = caller.order()
    body = {"action": "CAPTURE", "amount": 1}
    refused(caller("POST", f"/orders/{order.order_id}/authorization", body), 400, "order_not_authorized")
    paid(order)
    refused(caller("POST", f"/orders/{order.order_id}/authorization", body), 400, "order_not_authorized")
    assert Payment.objects.get().captured_minor == 29_999


# --- Whose order it is, whatever is asked of it ---

EVERY_DOOR = [
    ("GET", "", None),
    ("PATCH", "", {"order_status": "TERMINATED"}),
    ("GET", "/payments", None),
    ("GET", "/payments/{payment}", None),
    ("POST", "/authorization", {"action": "VOID"}),
    ("POST", "/refunds", {"refund_amount": 1}),
    ("GET", "/refunds", None),
    ("GET", "/refunds/R-1", None),
    ("PUT", "/refunds/R-1", {"refund_status": "CANCELLED"}),
    ("GET", "/settlements", None),
    ("GET", "/events", None),
]


@pytest.mark.parametrize(("verb", "path", "body"), EVERY_DOOR)
@pytest.mark.parametrize("whose", ["stranger", "live"])
def test_no_door_opens_for_another_merchant_or_the_other_mode(caller, stranger, verb, path, body, whose):
    order = caller.order()
    payment = paid(order)
    caller("POST", f"/orders/{order.order_id}/refunds", {"refund_amount": 1, "refund_id": "R-1"})
    if whose == "live":
        Order.objects.update(mode=Mode.LIVE)
        Payment.objects.update(mode=Mode.LIVE)
        Refund.objects.update(mode=Mode.LIVE)
    by = stranger if whose == "stranger" else caller
    answer = by(verb, f"/orders/{order.order_id}{path.format(payment=payment.uid)}", body)
    refused(answer, 404, "order_not_found")
    assert answer.content == by("GET", "/orders/nobody").content
    assert (fresh(order).status, Refund.objects.get().status) == ("paid", "pending")


def test_the_time_a_customer_added_is_told(caller):
    order = caller.order()
    extend_order(order.pk, used=0, at=clock.now())
    told = caller("GET", f"/orders/{order.order_id}").json()
    assert datetime.fromisoformat(told["order_expiry_time"]) == (order.expires_at + timedelta(minutes=15)).replace(
        microsecond=0
    )


@pytest.mark.parametrize(
    ("till", "kept"), [(None, ""), ({}, ""), ({"language": "ta"}, "ta"), ({"language": "pt-BR"}, "pt")]
)
def test_an_orders_language_is_kept_by_its_code(caller, till, kept):
    assert caller.order(till=till).language == kept
