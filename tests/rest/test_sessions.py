"""Paying by the payment session alone, without our page: what is started, what comes next, what is refused."""

import json
import logging
import re

import pytest

from payments import clock
from payments.gateways.simulator import events
from payments.gateways.simulator.models import SimulatedPayment
from payments.models import GatewayAccount, Order, Payment
from payments.services.payments import terminate_order
from payments.states import Mode
from tests.factories import APPROVED, CHALLENGED, DECLINED, LOST_ANSWER, OrderFactory, fresh, paid
from tests.rest.conftest import refused
from tests.simulator.conftest import work

CARD = {"channel": "link", "card_number": APPROVED, "card_holder_name": "Asha Rao",
        "card_expiry_mm": "12", "card_expiry_yy": "39", "card_cvv": "123"}  # fmt: skip
COLLECT = {"upi": {"channel": "collect", "upi_id": "success@sim"}}
NO_DATA = {"payload": None, "content_type": None, "method": None, "redirect_to_bank": None}
ENUMS = {
    "payment_method": {"netbanking", "card", "upi", "app"},
    "channel": {"link", "post", "collect", "qrcode", "podQrCode"},
    "action": {"link", "post", "custom", "form"},
}


def card(number=APPROVED, **over):
    return {"card": {**CARD, "card_number": number, **over}}


@pytest.fixture
def order(caller):
    return caller.order()


@pytest.fixture
def pay(caller, order):
    """Pay without a key. Whatever is answered can be read by clients that check every word."""

    def post(method, *, headers=None, **over):
        body = {"payment_session_id": order.session_id, "payment_method": method, **over}
        answer = caller.http.post("/pg/orders/sessions", json.dumps(body), "application/json", headers=headers)
        if answer.status_code == 200:
            told = answer.json()
            assert all(told[name] in words for name, words in ENUMS.items())
            assert set(told["data"]) == {"url", *NO_DATA}
        return answer

    return post


@pytest.fixture
def authenticate(caller):
    def post(uid, action="SUBMIT_OTP", **otp):
        body = json.dumps({"action": action, **otp})
        return caller.http.post(f"/pg/orders/pay/authenticate/{uid}", body, "application/json")

    return post


# --- What is started, and what comes next ---


def test_a_card_that_is_approved_at_once(pay, caller, order):
    told = pay(card()).json()
    payment = Payment.objects.get()
    assert told == {
        "cf_payment_id": payment.uid,
        "payment_amount": 299.99,
        "payment_method": "card",
        "channel": "link",
        "action": "link",
        "data": {"url": f"http://testserver/checkout/{order.session_id}", **NO_DATA},
    }
    assert (payment.status, fresh(order).status) == ("success", "paid")
    assert caller("GET", f"/orders/{order.order_id}").json()["order_status"] == "PAID"


def test_a_decline_is_told_by_the_order_and_its_page(pay, order):
    assert pay(card(DECLINED)).json()["action"] == "link"
    assert Payment.objects.get().status == "failed"
    assert fresh(order).status == "failed"


def test_a_lost_answer_leads_to_the_page_that_waits(pay, order):
    assert pay(card(LOST_ANSWER)).json()["data"]["url"].endswith(order.session_id)
    assert Payment.objects.get().status == "pending"


def test_a_challenge_on_our_page(pay, order):
    told = pay(card(CHALLENGED)).json()
    assert (told["action"], told["data"]["url"]) == ("link", f"http://testserver/checkout/{order.session_id}")


def test_a_challenge_on_the_callers_own_page(pay):
    told = pay(card(CHALLENGED, channel="post")).json()
    assert (told["action"], told["channel"]) == ("post", "post")
    data = told["data"]
    assert data["url"] == f"http://testserver/pg/orders/pay/authenticate/{told['cf_payment_id']}"
    assert (data["method"], data["content_type"]) == ("post", "application/json")
    assert data["redirect_to_bank"].startswith("http://testserver/simulator/")


def test_a_card_for_the_callers_own_page_that_needs_no_code(pay):
    told = pay(card(channel="post")).json()
    assert (told["action"], told["channel"]) == ("link", "post")


def test_upi_to_an_id(pay):
    told = pay(COLLECT).json()
    assert (told["payment_method"], told["channel"], told["action"]) == ("upi", "collect", "custom")
    assert told["data"] == {"url": None, **NO_DATA}
    assert Payment.objects.get().method_details["upi_id"] == "success@sim"
    assert Payment.objects.get().status == "success"


def test_upi_by_an_app(pay):
    told = pay({"upi": {"channel": "link"}}).json()
    links = told["data"]["payload"]
    assert told["action"] == "custom"
    assert set(links) == {"default", "bhim", "gpay", "paytm", "phonepe", "web"}
    assert len(set(links.values())) == 1
    assert links["default"].startswith("http://testserver/simulator/")


@pytest.mark.parametrize("channel", ["qrcode", "podQrCode"])
def test_upi_by_a_code(pay, channel):
    told = pay({"upi": {"channel": channel}}).json()
    assert (told["channel"], told["action"]) == (channel, "custom")
    assert told["data"]["payload"]["qrcode"].startswith("data:image/png;base64,")
    assert Payment.objects.get().method_details == {"channel": "qrcode"}


@pytest.mark.parametrize(
    "bank",
    [
        {"netbanking_bank_code": 3021},
        {"netbanking_bank_name": "HDFCR"},
        {"netbanking_bank_name": "hdfc"},
        {"netbanking_bank_name": "HDFC Bank"},
    ],
)
def test_netbanking(pay, caller, order, bank):
    told = pay({"netbanking": {"channel": "link", **bank}}).json()
    assert (told["payment_method"], told["channel"], told["action"]) == ("netbanking", "link", "link")
    page = told["data"]["url"]
    assert page.startswith("http://testserver/simulator/")
    (seen,) = caller("GET", f"/orders/{order.order_id}/payments").json()
    assert seen["payment_method"]["netbanking"]["netbanking_bank_code"] == 3021
    response = caller.http.post(page, {"decision": "approve"}, headers={"sec-fetch-site": "same-origin"})
    assert response.status_code == 303
    assert response["Location"].startswith("/callbacks/simulator/return/")
    assert caller.http.get(response["Location"]).status_code == 303
    assert fresh(order).status == "paid"


def test_a_wallet(pay):
    told = pay({"app": {"channel": "link", "provider": "paytm", "phone": "9999999999"}}).json()
    assert (told["payment_method"], told["action"]) == ("app", "link")
    assert Payment.objects.get().method_details == {"channel": "link", "provider": "paytm"}


def test_its_server_events_come_to_our_door(pay, monkeypatch):
    pay({"netbanking": {"channel": "link", "netbanking_bank_code": 3021}})
    assert SimulatedPayment.objects.get().event_url == "http://testserver/callbacks/simulator/events"


def test_held_money(caller, pay, order):
    Order.objects.filter(pk=order.pk).update(manual_capture=True)
    pay(card())
    assert Payment.objects.get().status == "authorized"


def test_another_attempt_takes_the_place_of_one_that_waits(pay):
    first, second = pay({"upi": {"channel": "link"}}).json(), pay(card()).json()
    statuses = dict(Payment.objects.values_list("uid", "status"))
    assert statuses == {first["cf_payment_id"]: "cancelled", second["cf_payment_id"]: "success"}


def test_the_same_idempotency_key_is_the_same_attempt(pay):
    key = {"x-idempotency-key": "try-1"}
    first, second = pay(card(CHALLENGED), headers=key), pay(card(CHALLENGED), headers=key)
    assert first.json() == second.json()
    assert Payment.objects.count() == 1
    assert pay(card(CHALLENGED)).json()["cf_payment_id"] != first.json()["cf_payment_id"]


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ({"upi": {"channel": "link"}}, card(channel="post")),
        ({"upi": {"channel": "link"}}, {"upi": {"channel": "qrcode"}}),
        (COLLECT, {"upi": {"channel": "collect", "upi_id": "asha@sim"}}),
        (card(), card(DECLINED)),
        ({"app": {"channel": "link", "provider": "paytm"}}, {"app": {"channel": "link", "provider": "amazon"}}),
    ],
)
def test_another_attempt_under_a_used_key_is_refused(pay, first, other):
    key = {"x-idempotency-key": "try-1"}
    answer = pay(first, headers=key)
    assert (answer["x-idempotency-key"], answer["x-idempotency-replayed"]) == ("try-1", "false")
    assert pay(first, headers=key)["x-idempotency-replayed"] == "true"
    refused(pay(other, headers=key), 422, "request_invalid", "idempotency_error")
    assert Payment.objects.count() == 1


def test_an_attempt_that_paid_is_told_again_under_its_key(pay):
    key = {"idempotency-key": "try-1"}
    assert pay(card(), headers=key).json() == pay(card(), headers=key).json()
    assert Payment.objects.count() == 1


def test_what_the_wire_sends_besides_is_ignored(pay):
    besides = {"save_instrument": False, "offer_id": "x", "transaction_expiry_time": "2039-07-02T10:20:12+05:30"}
    assert pay(card(city="Pune", zip_code="411001", par=None), **besides).status_code == 200


# --- What is refused ---


@pytest.mark.parametrize("session", ["", "session_x", "sess_" + "a" * 32, "sess_\x00", "ä"])
def test_an_unknown_session(pay, session):
    refused(pay(card(), payment_session_id=session), 400, "payment_session_id_invalid", "session")
    assert not Payment.objects.exists()


def test_a_live_order_takes_no_card_data(pay, order):
    live = OrderFactory(merchant=order.merchant, mode=Mode.LIVE)
    for method in (card(), COLLECT):
        refused(pay(method, payment_session_id=live.session_id), 400, "card_data_not_allowed", "payment page")
    assert not Payment.objects.exists()


def test_an_order_that_is_paid(pay, order):
    paid(order)
    refused(pay(card()), 400, "order_inactive", "paid")
    assert order.payments.count() == 1


def test_an_order_that_is_over(pay, order):
    terminate_order(order.pk, cause="merchant", at=clock.now())
    refused(pay(card()), 400, "order_inactive", "terminated")


def test_an_order_whose_time_is_up(pay, order):
    Order.objects.filter(pk=order.pk).update(expires_at=clock.now())
    refused(pay(card()), 400, "order_inactive", "expired")


def test_while_an_attempt_cannot_be_cancelled(pay, order):
    pay({"upi": {"channel": "collect", "upi_id": "late@sim"}})
    refused(pay(card()), 400, "order_inactive", "decided")
    assert order.payments.count() == 1


def test_no_gateway_serves_it(pay, order):
    GatewayAccount.objects.filter(merchant=order.merchant).delete()
    refused(pay(card()), 400, "order_inactive", "open at present")


@pytest.mark.parametrize("method", ["paylater", "cardless_emi", "emi", "banktransfer", "applepay", "crypto"])
def test_other_ways_to_pay(pay, method):
    refused(pay({method: {"channel": "link"}}), 400, "payment_method_unsupported", "card, upi, netbanking, app")


@pytest.mark.parametrize(
    "method",
    [card(instrument_id="x"), card(cryptogram="x"), {"upi": {"channel": "collect", "authorize_only": True}}],
)
def test_what_we_do_not_take_of_a_way_to_pay(pay, method):
    refused(pay(method), 400, "payment_method_unsupported")
    assert not Payment.objects.exists()


def test_a_way_to_pay_the_order_does_not_offer(caller, pay):
    other = caller.order(order_meta={"payment_methods": "upi"})
    refused(pay(card(), payment_session_id=other.session_id), 400, "payment_method_unsupported", "card")


@pytest.mark.parametrize("method", [{}, {"card": CARD, **COLLECT}])
def test_none_or_two_ways_to_pay(pay, method):
    refused(pay(method), 400, "payment_method_invalid", "exactly one")


@pytest.mark.parametrize(
    ("method", "code"),
    [
        (card(card_cvv=""), "card_cvv_missing"),
        (card(card_cvv=None), "card_cvv_missing"),
        (card(card_cvv="12"), "card_cvv_invalid"),
        (card(""), "card_number_missing"),
        (card("4242424242424241"), "card_number_invalid"),
        (card(card_expiry_mm=""), "card_expiry_mm_missing"),
        (card(card_expiry_yy=""), "card_expiry_yy_missing"),
        (card(card_expiry_mm="13"), "card_expiry_mm_invalid"),
        (card(card_expiry_yy="20"), "card_expiry_mm_invalid"),
        (card(card_holder_name="4242 4242"), "card_holder_name_invalid"),
        (card(channel="app"), "channel_invalid"),
        (card(card_number=4242424242424242), "payment_method.card.card_number_invalid"),
        (card(pin="1234"), "payment_method.card.pin_invalid"),
        ({"card": {}}, "payment_method.card.channel_missing"),
        ({"upi": {"channel": "collect"}}, "upi_id_missing"),
        ({"upi": {"channel": "collect", "upi_id": "asha"}}, "upi_id_invalid"),
        ({"upi": {"channel": "collect", "upi_id": "a\x00@sim"}}, "upi_id_invalid"),
        ({"upi": {"channel": "fax"}}, "channel_invalid"),
        ({"netbanking": {"channel": "link"}}, "netbanking_bank_code_missing"),
        ({"netbanking": {"channel": "link", "netbanking_bank_code": 1}}, "netbanking_bank_code_missing"),
        ({"netbanking": {"netbanking_bank_code": "3021"}}, "payment_method.netbanking.netbanking_bank_code_invalid"),
        ({"netbanking": {"netbanking_bank_code": True}}, "payment_method.netbanking.netbanking_bank_code_invalid"),
        ({"app": {"channel": "link", "provider": "gpay"}}, "provider_invalid"),
        ({"app": {"channel": "link"}}, "payment_method.app.provider_missing"),
    ],
)
def test_a_field_that_cannot_be_taken(pay, method, code):
    answer = pay(method)
    refused(answer, 400, code)
    for said in ("4242", "1234"):
        assert said not in answer.content.decode()
    assert not Payment.objects.exists()


def test_messages_are_english_whatever_the_client_asks_for(pay):
    answer = pay(card("4242424242424241"), headers={"accept-language": "hi"})
    refused(answer, 400, "card_number_invalid", "A digit of this number is not right")


def test_an_odd_idempotency_key(pay):
    refused(pay(card(), headers={"x-idempotency-key": "a b"}), 400, "x-idempotency-key_invalid")


def test_wrong_sessions_have_to_wait_and_good_ones_do_not(pay, frozen_minute):
    for _ in range(30):
        pay(card(), payment_session_id="sess_" + "a" * 32)
    answer = pay(card(), payment_session_id="sess_" + "a" * 32)
    assert refused(answer, 429, "request_failed")["type"] == "rate_limit_error"
    assert (answer["x-ratelimit-type"], answer["retry-after"]) == ("ip", "60")
    assert pay(card()).status_code == 200


def test_only_so_many_calls_a_minute(pay, frozen_minute, monkeypatch):
    monkeypatch.setattr("checkout.rest.sessions.CALLS_PER_MINUTE", 2)
    assert [pay(COLLECT).status_code for _ in range(3)] == [200, 400, 429]


def test_an_order_cannot_be_called_sessions(caller):
    refused(caller.create(order_id="sessions"), 400, "order_id_invalid")


@pytest.mark.parametrize("number", [APPROVED, CHALLENGED, DECLINED])
def test_card_numbers_and_codes_are_neither_told_nor_logged_nor_kept(pay, caller, order, caplog, number):
    caplog.set_level(logging.DEBUG)
    answer = pay(card(number, card_cvv="873"))
    seen = caller("GET", f"/orders/{order.order_id}/payments").content
    kept = [*Payment.objects.values(), *SimulatedPayment.objects.values(), *events.SimulatedEvent.objects.values()]
    for text in (answer.content.decode(), seen.decode(), caplog.text, repr(kept)):
        assert number not in text
        # Alone: three digits in a row stand in any id and in the fractions of any second.
        assert not re.search(r"(?<![\w.-])873(?![\w-]| ms)", text)


# --- The bank's code ---


@pytest.fixture
def challenged(pay):
    return pay(card(CHALLENGED, channel="post")).json()["cf_payment_id"]


def test_the_right_code(authenticate, challenged, order):
    told = authenticate(challenged, otp="123456").json()
    assert told == {
        "cf_payment_id": challenged,
        "action": "SUBMIT_OTP",
        "authenticate_status": "SUCCESS",
        "payment_message": "The bank took the code.",
    }
    assert fresh(order).status == "paid"
    assert authenticate(challenged, otp="000000").json()["authenticate_status"] == "SUCCESS"


def test_the_third_wrong_code_declines(authenticate, challenged, order):
    told = [authenticate(challenged, otp="000000").json() for _ in range(4)]
    assert {one["authenticate_status"] for one in told} == {"FAILED"}
    assert "2 tries left" in told[0]["payment_message"]
    assert told[2]["payment_message"] == told[3]["payment_message"] == "The bank's code was wrong too often."
    assert (Payment.objects.get().status, fresh(order).status) == ("failed", "failed")


@pytest.mark.parametrize(
    ("otp", "code"), [({}, "otp_missing"), ({"otp": ""}, "otp_missing"), ({"otp": "12345"}, "otp_invalid")]
)
def test_a_malformed_code_is_no_try(authenticate, challenged, otp, code):
    refused(authenticate(challenged, **otp), 400, code, "6 digits")
    assert SimulatedPayment.objects.get().wrong_codes == 0


def test_a_code_again(authenticate, challenged):
    told = authenticate(challenged, "RESEND_OTP").json()
    assert (told["action"], told["authenticate_status"]) == ("RESEND_OTP", "SUCCESS")
    authenticate(challenged, otp="123456")
    assert authenticate(challenged, "RESEND_OTP").json()["authenticate_status"] == "FAILED"


def test_an_unknown_action(authenticate, challenged):
    refused(authenticate(challenged, "GUESS"), 400, "action_invalid", "SUBMIT_OTP")


def test_a_code_whose_answer_is_lost(caller, pay, authenticate):
    order = caller.order(order_tags={"till_fault": "timeout_after"})
    uid = pay(card(CHALLENGED, channel="post"), payment_session_id=order.session_id).json()["cf_payment_id"]
    told = authenticate(uid, otp="123456").json()
    assert told["authenticate_status"] == "FAILED"
    assert "Not known yet" in told["payment_message"]
    work("inquire_payment")
    assert fresh(order).status == "paid"


def test_a_live_payment_takes_no_code_from_here(authenticate, challenged):
    Payment.objects.update(mode=Mode.LIVE)
    refused(authenticate(challenged, otp="123456"), 404, "payment_not_found")
    assert Payment.objects.get().status == "pending"


@pytest.mark.parametrize("uid", ["pay_" + "0" * 26, "x", "pay_%00", "sessions", "%C3%A4"])
def test_an_unknown_payment(db, authenticate, uid):
    refused(authenticate(uid, otp="123456"), 404, "payment_not_found")
