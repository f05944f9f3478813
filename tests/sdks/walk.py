"""One merchant's day through the official Python SDK, run by that SDK's own interpreter: a JSON line a step.

Nothing of the SDK is changed. It knows its own hosts only, so the one hook it has for it sends all calls to ours.
What stands in `told` comes from stdin: where we are, who we are, orders that are held, and a webhook.
"""

import json
import sys
import uuid

from cashfree_pg.api_client import ApiClient, Cashfree
from cashfree_pg.models.app_payment_method import AppPaymentMethod
from cashfree_pg.models.authorize_order_request import AuthorizeOrderRequest
from cashfree_pg.models.card import Card
from cashfree_pg.models.card_payment_method import CardPaymentMethod
from cashfree_pg.models.create_order_request import CreateOrderRequest
from cashfree_pg.models.customer_details import CustomerDetails
from cashfree_pg.models.entity_simulation_request import EntitySimulationRequest
from cashfree_pg.models.fetch_recon_request import FetchReconRequest
from cashfree_pg.models.fetch_settlements_request import FetchSettlementsRequest
from cashfree_pg.models.net_banking_payment_method import NetBankingPaymentMethod
from cashfree_pg.models.netbanking import Netbanking
from cashfree_pg.models.order_authenticate_payment_request import OrderAuthenticatePaymentRequest
from cashfree_pg.models.order_create_refund_request import OrderCreateRefundRequest
from cashfree_pg.models.order_meta import OrderMeta
from cashfree_pg.models.pay_order_request import PayOrderRequest
from cashfree_pg.models.pay_order_request_payment_method import PayOrderRequestPaymentMethod
from cashfree_pg.models.settlement_fetch_recon_request import SettlementFetchReconRequest
from cashfree_pg.models.simulate_request import SimulateRequest
from cashfree_pg.models.terminate_order_request import TerminateOrderRequest
from cashfree_pg.models.upi import Upi
from cashfree_pg.models.upi_payment_method import UPIPaymentMethod

TILL = ""


class TillClient(ApiClient):
    def call_api(self, *args, **options):
        return super().call_api(*args, **{**options, "_host": TILL})


def client(client_id, client_secret):
    """The SDK's client; before version 5 its settings belonged to the class."""
    try:
        made = Cashfree(XEnvironment=Cashfree.SANDBOX, XClientId=client_id, XClientSecret=client_secret)
    except TypeError:
        Cashfree.XClientId, Cashfree.XClientSecret = client_id, client_secret
        Cashfree.XEnvironment = Cashfree.SANDBOX
        made = Cashfree()
    return made


def say(step, **told):
    sys.stdout.write(json.dumps({"step": step, **told}, default=str) + "\n")


def call(cf, name, **body):
    """The parsed answer of a call. Newer versions ignore the version given here."""
    answer = getattr(cf, name)(x_api_version="2023-08-01", **body)
    assert answer.data is not None, name
    return answer


def refused(step, cf, name, **body):
    """What the SDK raises, and what it holds."""
    try:
        call(cf, name, **body)
    except Exception as fault:  # noqa: BLE001  (whatever it raises is what we want to know)
        told = json.loads(fault.body)
        say(step, raised=type(fault).__name__, status=fault.status, code=told["code"], type=told["type"])
    else:
        say(step, raised=None)


def new_order(**over):
    customer = CustomerDetails(customer_id="walker_01", customer_phone="9999999999", customer_email="a@example.com")
    meta = OrderMeta(return_url="https://shop.example.com/return?order_id={order_id}")
    asked = {"order_amount": 299.99, "order_currency": "INR", "customer_details": customer, "order_meta": meta}
    return CreateOrderRequest(**{**asked, **over})


def pay(cf, order, method):
    asked = PayOrderRequest(
        payment_session_id=order.payment_session_id, payment_method=PayOrderRequestPaymentMethod(method)
    )
    return call(cf, "PGPayOrder", pay_order_request=asked).data


def a_card(number, channel="link"):
    told = {"card_holder_name": "Asha Rao", "card_expiry_mm": "12", "card_expiry_yy": "39", "card_cvv": "123"}
    return CardPaymentMethod(card=Card(channel=channel, card_number=number, **told))


def simulate(cf, payment_id, status):
    asked = SimulateRequest(
        entity="PAYMENTS", entity_id=payment_id, entity_simulation=EntitySimulationRequest(payment_status=status)
    )
    return call(cf, "PGSimulatePayment", simulate_request=asked).data


def create(cf, **over):
    return call(cf, "PGCreateOrder", create_order_request=new_order(**over)).data


def fetch(cf, order):
    return call(cf, "PGFetchOrder", order_id=order.order_id).data


def pay_by_each_way(cf):
    """A first order: by card with the bank's code, by UPI, bank and wallet, the last one decided by a simulation."""
    order = create(cf, order_tags={"name": "Asha"}, order_note="Two kites")
    say("create", status=order.order_status, amount=order.order_amount, tags=order.order_tags)
    say("fetch", same=fetch(cf, order).cf_order_id == order.cf_order_id)
    told = pay(cf, order, a_card("4000000000003220", "post"))
    say("pay card", action=told.action, channel=told.channel, method=told.payment_method, amount=told.payment_amount)
    otp = OrderAuthenticatePaymentRequest(action="SUBMIT_OTP", otp="000000")
    asked = {"cf_payment_id": told.cf_payment_id, "order_authenticate_payment_request": otp}
    said = call(cf, "PGOrderAuthenticatePayment", **asked).data
    say("wrong code", status=said.authenticate_status, same=said.cf_payment_id == told.cf_payment_id)
    for name, method in (
        ("pay netbanking", NetBankingPaymentMethod(netbanking=Netbanking(channel="link", netbanking_bank_code=3021))),
        ("pay app", AppPaymentMethod(app={"channel": "link", "provider": "paytm", "phone": "9999999999"})),
        ("pay upi code", UPIPaymentMethod(upi=Upi(channel="qrcode"))),
        ("pay upi", UPIPaymentMethod(upi=Upi(channel="collect", upi_id="pending@sim"))),
    ):
        told = pay(cf, order, method)
        say(name, action=told.action, channel=told.channel, method=told.payment_method)
    made = simulate(cf, told.cf_payment_id, "SUCCESS")
    seen = call(cf, "PGFetchSimulation", simulation_id=made.simulation_id).data
    say("simulate", same=seen.to_dict() == made.to_dict(), status=seen.entity_simulation.payment_status)
    say("paid", status=fetch(cf, order).order_status)
    return order


def look_at_payments(cf, order):
    payments = call(cf, "PGOrderFetchPayments", order_id=order.order_id).data
    say("payments", statuses=[one.payment_status for one in payments], groups=[one.payment_group for one in payments])
    asked = {"order_id": order.order_id, "cf_payment_id": payments[0].cf_payment_id}
    one = call(cf, "PGOrderFetchPayment", **asked).data
    method = one.payment_method  # older versions leave it as it came
    upi_id = method["upi"]["upi_id"] if isinstance(method, dict) else method.actual_instance.upi.upi_id
    say("payment", status=one.payment_status, captured=one.is_captured, upi=upi_id)


def refund_it(cf, order):
    asked = OrderCreateRefundRequest(refund_amount=100, refund_id="refund_1", refund_note="One kite torn")
    first = call(cf, "PGOrderCreateRefund", order_id=order.order_id, order_create_refund_request=asked).data
    say("refund", status=first.refund_status, amount=first.refund_amount, processed=first.processed_at)
    listed = call(cf, "PGOrderFetchRefunds", order_id=order.order_id).data
    seen = call(cf, "PGOrderFetchRefund", order_id=order.order_id, refund_id="refund_1").data
    say("refunds", ids=[one.refund_id for one in listed], same=seen.cf_refund_id == first.cf_refund_id)
    too_much = OrderCreateRefundRequest(refund_amount=5000, refund_id="refund_2")
    refused("too much", cf, "PGOrderCreateRefund", order_id=order.order_id, order_create_refund_request=too_much)


def end_and_fail(cf):
    order = create(cf)
    ended = TerminateOrderRequest(order_status="TERMINATED")
    say(
        "terminate",
        status=call(cf, "PGTerminateOrder", order_id=order.order_id, terminate_order_request=ended).data.order_status,
    )
    session = PayOrderRequest(
        payment_session_id=order.payment_session_id,
        payment_method=PayOrderRequestPaymentMethod(a_card("4242424242424242")),
    )
    refused("pay terminated", cf, "PGPayOrder", pay_order_request=session)
    order = create(cf)
    payment = pay(cf, order, UPIPaymentMethod(upi=Upi(channel="link")))
    simulate(cf, payment.cf_payment_id, "FAILED")
    failed = call(cf, "PGOrderFetchPayment", order_id=order.order_id, cf_payment_id=payment.cf_payment_id).data
    say(
        "failed",
        status=failed.payment_status,
        reason=failed.error_details.error_reason,
        order=fetch(cf, order).order_status,
    )
    paid = pay(cf, order, a_card("4242424242424242"))
    say("paid at once", action=paid.action, order=fetch(cf, order).order_status)


def hold(cf, told):
    for step, order_id, asked in (
        ("capture", told["to_capture"], {"action": "CAPTURE", "amount": 100}),
        ("void", told["to_void"], {"action": "VOID"}),
    ):
        body = AuthorizeOrderRequest(**asked)
        done = call(cf, "PGAuthorizeOrder", order_id=order_id, authorize_order_request=body).data
        say(step, status=done.payment_status, captured=done.is_captured, amount=done.payment_amount,
            action=done.authorization.action, action_status=done.authorization.status)  # fmt: skip


def settle(cf, order, told):
    refused("no settlement", cf, "PGOrderFetchSettlement", order_id=order.order_id)
    one = call(cf, "PGOrderFetchSettlement", order_id=told["settled"]).data
    say("settlement", amount=one.settlement_amount, fee=one.service_charge, utr=one.transfer_utr,
        same=one.settlement_id == told["settlement"])  # fmt: skip
    dates = {"start_date": "2026-01-01T00:00:00Z", "end_date": "2039-01-01T00:00:00Z"}
    page = {"pagination": {"limit": 10}, "filters": dates}
    answer = call(cf, "PGFetchSettlements", fetch_settlements_request=FetchSettlementsRequest(**page))
    [row] = json.loads(answer.raw_data)["data"]  # it knows no list there, and reads one as a settlement of nothing
    say("settlements", status=row["status"], amount=row["amount_settled"], utr=row["settlement_utr"])
    try:
        asked = SettlementFetchReconRequest(**{**page, "filters": {"cf_settlement_ids": [told["settlement"]]}})
    except ValueError:  # before version 6 these were texts
        asked = SettlementFetchReconRequest(**{**page, "filters": {"cf_settlement_ids": [str(told["settlement"])]}})
    lines = call(cf, "PGSettlementFetchRecon", settlement_fetch_recon_request=asked).data.data
    settlement, refund = (
        (lines[0].settlement_details, lines[1].refund_details) if hasattr(lines[0], "event_details") else lines
    )
    utr = settlement.utr if hasattr(settlement, "utr") else settlement.settlement_utr
    say("settlement recon", **events(lines), utr=utr, refund=refund.refund_note)
    say("recon", **events(call(cf, "PGFetchRecon", fetch_recon_request=FetchReconRequest(**page)).data.data))


def events(lines):
    """Before version 6 a line had no groups."""
    told = [getattr(line, "event_details", line) for line in lines]
    return {"types": [one.event_type for one in told], "amounts": [one.event_settlement_amount for one in told]}


def go_wrong(cf, order, told):
    refused("bad currency", cf, "PGCreateOrder", create_order_request=new_order(order_currency="XXX"))
    refused("unknown", cf, "PGFetchOrder", order_id="nobody")
    refused("taken", cf, "PGCreateOrder", create_order_request=new_order(order_id=order.order_id))
    key = str(uuid.uuid4())
    first, again = (
        call(cf, "PGCreateOrder", create_order_request=new_order(), x_idempotency_key=key).data for _ in range(2)
    )
    say("same key", same=first.cf_order_id == again.cf_order_id)
    refused("key used", cf, "PGCreateOrder", create_order_request=new_order(order_amount=1), x_idempotency_key=key)
    wrong = client(told["client_id"], "wrong")
    refused("wrong secret", wrong, "PGFetchOrder", order_id=order.order_id)


def verify(cf, webhook):
    headers = webhook["headers"]
    signature, sent = headers["x-webhook-signature"], headers["x-webhook-timestamp"]
    event = cf.PGVerifyWebhookSignature(signature, webhook["body"], sent)
    say("webhook", type=event.type, order=event.object["data"]["order"]["order_id"] == webhook["order_id"])
    try:
        cf.PGVerifyWebhookSignature(signature, webhook["body"].replace("SUCCESS", "FAILED"), sent)
    except Exception as fault:  # noqa: BLE001  (as above)
        say("forged", raised=type(fault).__name__)


def main():
    global TILL
    told = json.load(sys.stdin)
    TILL = told["base_url"]
    ApiClient.set_default(TillClient())
    cf = client(told["client_id"], told["client_secret"])
    order = pay_by_each_way(cf)
    look_at_payments(cf, order)
    refund_it(cf, order)
    end_and_fail(cf)
    hold(cf, told)
    settle(cf, order, told)
    verify(cf, told["webhook"])
    go_wrong(cf, order, told)


main()
