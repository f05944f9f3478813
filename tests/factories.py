"""Rows for tests: realistic, consistent with each other, and one keyword away from any state."""

from datetime import timedelta
from types import SimpleNamespace

import factory
from django.contrib.auth.models import User
from factory import LazyAttribute, LazyFunction, SelfAttribute, Sequence, SubFactory, Trait
from factory.django import DjangoModelFactory

from payments import clock, ids
from payments.gateways.base import Card, PaymentFact, RefundFact, Unanswered
from payments.gateways.simulator import events
from payments.gateways.simulator.engine import Simulator
from payments.gateways.simulator.models import SimulatedEvent
from payments.models import Authorization, Customer, GatewayAccount, Merchant, Order, Payment, Refund, RoutingRule
from payments.money import Money
from payments.services.audit import Act
from payments.services.facts import apply_gateway_fact
from payments.services.gateway_events import receive_event
from payments.services.merchants import NewMerchant, create_merchant
from payments.services.orders import NewOrder
from payments.services.payments import PaymentRequest, start_payment, terminate_order
from payments.services.reconcile import inquire_after_return
from payments.services.refunds import NewRefund
from payments.services.sending import refund_payment
from payments.states import CaptureKind, Method, Mode, OrderStatus, PaymentStatus, RefundStatus

APPROVED = "4242424242424242"
DECLINED = "4000000000000002"
CHALLENGED = "4000000000003220"
LOST_ANSWER = "4000000000000119"
DECLINED_LATER = "4000000000000259"
DECLINED_CARDS = {
    DECLINED: "card_declined",
    "4000000000009995": "insufficient_funds",
    "4000000000000069": "expired_card",
    "4000000000000127": "incorrect_cvc",
}
RETURN_URL = "https://shop.example.com/return"


class MerchantFactory(DjangoModelFactory):
    """A merchant that can take test payments at once; `account=None` makes one that cannot."""

    class Meta:
        model = Merchant
        skip_postgeneration_save = True

    name = Sequence(lambda n: f"Kite Shop {n}")
    return_url = RETURN_URL
    return_origins = ["https://shop.example.com"]
    created_at = LazyFunction(clock.now)
    account = factory.RelatedFactory("tests.factories.GatewayAccountFactory", "merchant")


class GatewayAccountFactory(DjangoModelFactory):
    class Meta:
        model = GatewayAccount
        django_get_or_create = ("merchant", "mode", "gateway")

    merchant = SubFactory(MerchantFactory)
    mode = Mode.TEST
    gateway = "simulator"


class RoutingRuleFactory(DjangoModelFactory):
    class Meta:
        model = RoutingRule

    account = SubFactory(GatewayAccountFactory)


class CustomerFactory(DjangoModelFactory):
    class Meta:
        model = Customer

    merchant = SubFactory(MerchantFactory)
    mode = Mode.TEST
    name = "Asha Rao"
    email = "asha@example.com"
    phone = "+919999999999"
    created_at = LazyFunction(clock.now)


class OrderFactory(DjangoModelFactory):
    """A fresh order, payable for 24 hours."""

    class Meta:
        model = Order

    uid = LazyFunction(ids.new_order_id)
    merchant = SubFactory(MerchantFactory)
    mode = Mode.TEST
    order_id = SelfAttribute("uid")
    session_id = LazyFunction(ids.new_session_id)
    customer = SubFactory(CustomerFactory, merchant=SelfAttribute("..merchant"), mode=SelfAttribute("..mode"))
    customer_name = SelfAttribute("customer.name")
    customer_email = SelfAttribute("customer.email")
    customer_phone = SelfAttribute("customer.phone")
    amount_minor = 29_999
    currency = "INR"
    return_url = RETURN_URL
    created_at = LazyFunction(clock.now)
    expires_at = LazyAttribute(lambda order: order.created_at + timedelta(hours=24))


def _ended(status, order_status=OrderStatus.FAILED, **columns):
    return Trait(
        status=status,
        order_status=order_status,
        start_answered_at=SelfAttribute("started_at"),
        completed_at=SelfAttribute("started_at"),
        inquire_at=None,
        **columns,
    )


def _captured(kind, order_status):
    columns = {"captured_minor": SelfAttribute("amount_minor"), "capture_kind": kind, "gateway_payment_id": _GATEWAY_ID}
    return _ended(PaymentStatus.SUCCESS, order_status, **columns)


HOLD = timedelta(days=7)
_GATEWAY_ID = Sequence(lambda n: f"gw_{n:06d}")


class AuthorizationFactory(DjangoModelFactory):
    """Money held for a week."""

    class Meta:
        model = Authorization

    approve_by = LazyAttribute(lambda held: held.payment.inquire_at)


class PaymentFactory(DjangoModelFactory):
    """A pending attempt on a pending order; traits make the other states, with the order's status to match.

    No gateway knows of them and no ledger: `paid`, `held` and `late` below make payments that really happened.
    """

    class Meta:
        model = Payment
        skip_postgeneration_save = True

    class Params:
        order_status = OrderStatus.PENDING
        authorized = Trait(
            status=PaymentStatus.AUTHORIZED,
            gateway_payment_id=_GATEWAY_ID,
            start_answered_at=SelfAttribute("started_at"),
            inquire_at=LazyAttribute(lambda payment: payment.started_at + HOLD),
            hold=factory.RelatedFactory("tests.factories.AuthorizationFactory", "payment"),
        )
        success = _captured(CaptureKind.NORMAL, OrderStatus.PAID)
        late = _captured(CaptureKind.LATE, OrderStatus.EXPIRED)
        surplus = _captured(CaptureKind.SURPLUS, OrderStatus.FAILED)
        failed = _ended(
            PaymentStatus.FAILED, error_code="card_declined", message="The bank declined the card without a reason."
        )
        user_dropped = _ended(PaymentStatus.USER_DROPPED)
        cancelled = _ended(PaymentStatus.CANCELLED)
        void = _ended(PaymentStatus.VOID, OrderStatus.TERMINATED)

    uid = LazyFunction(ids.new_payment_id)
    order = SubFactory(OrderFactory, status=SelfAttribute("..order_status"))
    merchant = SelfAttribute("order.merchant")
    mode = SelfAttribute("order.mode")
    gateway = "simulator"
    account = SubFactory(
        GatewayAccountFactory, merchant=SelfAttribute("..order.merchant"), mode=SelfAttribute("..order.mode")
    )
    gateway_key = LazyFunction(ids.new_gateway_key)
    form_nonce = Sequence(lambda n: f"{n:032x}")
    method = Method.CARD
    amount_minor = SelfAttribute("order.amount_minor")
    currency = SelfAttribute("order.currency")
    started_at = LazyFunction(clock.now)
    deadline_at = LazyAttribute(lambda payment: payment.started_at + timedelta(minutes=15))
    inquire_at = LazyAttribute(lambda payment: payment.started_at + timedelta(seconds=5))


class UserFactory(DjangoModelFactory):
    """Somebody of the staff who may do everything."""

    class Meta:
        model = User
        django_get_or_create = ("username",)

    username = Sequence(lambda n: f"staff{n}")
    is_staff = True
    is_superuser = True


class RefundFactory(DjangoModelFactory):
    """A refund that waits for people, of a payment that no gateway knows of."""

    class Meta:
        model = Refund

    uid = LazyFunction(ids.new_refund_id)
    payment = SubFactory(PaymentFactory, success=True)
    order = SelfAttribute("payment.order")
    merchant = SelfAttribute("payment.merchant")
    mode = SelfAttribute("payment.mode")
    refund_id = SelfAttribute("uid")
    gateway_key = LazyFunction(ids.new_refund_key)
    amount_minor = 100
    currency = SelfAttribute("payment.currency")
    requested_at = LazyFunction(clock.now)


def make_merchant_with_key(**columns):
    """A merchant made as `create_merchant` makes it: (merchant, client_id, client_secret)."""
    new = NewMerchant(**{"name": "Kite Shop", "return_url": RETURN_URL, **columns})
    merchant, issued = create_merchant(new, mode=Mode.TEST, at=clock.now())
    return merchant, issued.key.client_id, issued.client_secret


def new_order(**fields):
    """What a merchant sends for an order."""
    given = {
        "amount": Money(29_999, "INR"),
        "customer_name": "Alice",
        "customer_email": "alice@example.com",
        "customer_phone": "9999999999",
    }
    return NewOrder(**{**given, **fields})


def card(number=APPROVED):
    """A card as a customer types it."""
    return Card(number=number, expiry_month=12, expiry_year=2039, cvc="123", holder="ASHA RAO")


def card_request(number=APPROVED, *, nonce="n1"):
    """One submit of the hosted page's card form."""
    return PaymentRequest(method=Method.CARD, form_nonce=nonce, card=card(number))


BANK = {"channel": "link", "netbanking_bank_code": "HDFC", "netbanking_bank_name": "HDFC Bank"}
RETURN_BY, EVENT_BY = "https://till.example/return", "https://till.example/events"


def bank_request(*, nonce="n1"):
    """One submit of the hosted page's netbanking form."""
    return PaymentRequest(method=Method.NETBANKING, form_nonce=nonce, details=BANK)


def upi_request(upi_id="", *, nonce="n1"):
    """One submit of the hosted page's UPI form: a request to this id, or a code to scan."""
    details = {"channel": "collect", "upi_id": upi_id} if upi_id else {"channel": "qrcode"}
    return PaymentRequest(method=Method.UPI, form_nonce=nonce, details=details)


def fact_for(payment, status, **over):
    """What a gateway that agrees with us would say of this payment."""
    told = {"status": PaymentStatus(status), "key": payment.gateway_key}
    if status in (PaymentStatus.SUCCESS, PaymentStatus.AUTHORIZED):
        told |= {"amount": payment.amount, "gateway_payment_id": payment.gateway_payment_id or f"gw_{payment.pk}"}
    return PaymentFact(**{**told, **over})


# --- Money that really moved, in the simulator's book as in ours ---


def fresh(row):
    """The row as it is now, with what it belongs to."""
    own = {Payment: ("order",), Refund: ("payment", "order")}.get(type(row), ())
    return type(row).objects.select_related(*own).get(pk=row.pk)


def start(order, request=None, *, event_url=EVENT_BY):
    """An attempt as the hosted page starts it; with no event_url the simulator's server tells nothing."""
    request = request or card_request()
    return fresh(start_payment(order.pk, request, at=clock.now(), links=lambda *_: (RETURN_BY, event_url)))


def paid(order=None, *, event_url=EVENT_BY, **columns):
    """A payment taken for its order."""
    return start(order or OrderFactory(**columns), event_url=event_url)


def held(order=None, *, event_url=EVENT_BY, **columns):
    """A payment whose money is held for somebody to capture."""
    return start(order or OrderFactory(manual_capture=True, **columns), event_url=event_url)


def late(order=None, *, event_url=EVENT_BY, **columns):
    """Money taken for an order that was called off; its refund waits to be sent."""
    payment = start(order or OrderFactory(**columns), card_request(LOST_ANSWER), event_url=event_url)
    apply_gateway_fact(payment, fact_for(payment, PaymentStatus.FAILED), cause="test", at=clock.now())
    terminate_order(payment.order_id, cause="test", at=clock.now())
    inquire_after_return(payment.pk, at=clock.now())
    return fresh(payment)


def act(name="asha", reason="The customer asked."):
    """Somebody of the staff doing something for a reason."""
    return Act(UserFactory(username=name).pk, reason)


def new_refund(minor, currency="INR", **over):
    """What somebody asks to be given back."""
    return NewRefund(Money(minor, currency), **over)


def refund(payment, minor, *, by=None, **over):
    """A refund of a part, asked for by the merchant or by staff."""
    return fresh(refund_payment(payment.pk, new_refund(minor, **over), at=clock.now(), by=by))


def requested(payment=None, minor=10_000, *, by="asha"):
    """A refund that waits for a second person."""
    payment = payment or paid()
    Merchant.objects.filter(pk=payment.merchant_id).update(one_person_refund_minor=0)
    return refund(payment, minor, by=act(by))


def refund_fact_for(refund, status, **over):
    """What a gateway that agrees with us would say of this refund."""
    told = {"status": RefundStatus(status), "key": refund.gateway_key, "amount": refund.amount}
    return RefundFact(**{**told, **over})


def hand_over(event):
    """Take in one of the simulator's events as if it had come over HTTP; whether it was taken."""
    at, body = clock.now(), event.body.encode()
    receive_event("simulator", body, {events.SIGNATURE: events.sign(body, at=at)}, at=at)
    return True


def deliver(kind=""):
    """Every event in the simulator's outbox, newest first, sent or not."""
    for event in SimulatedEvent.objects.filter(kind__startswith=kind).order_by("-pk"):
        hand_over(event)


def watch(monkeypatch, *names):
    """What reaches the simulator: `made` lists the calls; `fault` loses the next answer, before or after it acted."""
    seen = SimpleNamespace(made=[], fault="")

    def watched(name, act):
        def call(gateway, account, reference, *told):
            seen.made.append((name, reference.key, *told))
            fault, seen.fault = seen.fault, ""
            if fault == "before":
                raise Unanswered("time-out")
            fact = act(gateway, account, reference, *told)
            if fault == "after":
                raise Unanswered("time-out")
            return fact

        return call

    for name in names:
        monkeypatch.setattr(Simulator, name, watched(name, getattr(Simulator, name)))
    return seen
