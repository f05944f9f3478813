"""Who sits at the desk: a superuser, a viewer, and what they look at."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db.models import F
from django.test import Client

from checkout.staff import sessions
from payments import clock, ids
from payments.models import Authorization, Event, GatewayAccount, GatewayEvent, Payment, Refund
from payments.services.endpoints import add_endpoint, send_test
from payments.states import AuthorizationAction, AuthorizationStatus
from tests.factories import PaymentFactory, make_merchant_with_key
from tests.settling import close, pay_out, sell, settle
from tests.staff import MODELS


def signed_in(user):
    """A browser whose owner has just typed their password."""
    client = Client()
    client.force_login(user)
    session = client.session
    session.update(dict.fromkeys((sessions.SIGNED_IN, sessions.SEEN, sessions.PROVED), clock.now().timestamp()))
    session.save()
    return client


def make_staff(name, *permissions):
    user = User.objects.create_user(name, password="x" * 12, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def make_gateway_event(payment=None, **columns):
    """A server event as the simulator sends it; without a payment it fits none."""
    number = GatewayEvent.objects.count() + 1
    body = {"id": f"evt_{number:06d}", "type": "payment.captured", "payment": {"amount_minor": 29_999}}
    told = {"gateway": "simulator", "event_id": body["id"], "kind": body["type"], "body": json.dumps(body)}
    return GatewayEvent.objects.create(**{**told, "payment": payment, "received_at": clock.now(), **columns})


def make_refund(payment, **columns):
    """₹1.00 of a captured payment that waits for a second person."""
    by = User.objects.get_or_create(username="asks_for_refunds")[0]
    Payment.objects.filter(pk=payment.pk).update(refund_reserved_minor=F("refund_reserved_minor") + 100)
    told = {"merchant": payment.merchant, "mode": payment.mode, "currency": payment.currency, "amount_minor": 100}
    ids_of_it = {"uid": ids.new_refund_id(), "refund_id": ids.new_refund_id(), "gateway_key": ids.new_refund_key()}
    asked = {"requested_by": by, "requested_at": clock.now()}
    return Refund.objects.create(payment=payment, order=payment.order, **{**told, **ids_of_it, **asked, **columns})


@pytest.fixture
def chief(db):
    """A browser signed in as a superuser."""
    return signed_in(User.objects.create_superuser("chief"))


@pytest.fixture
def viewer(db):
    """A browser signed in as somebody who may look at everything and change nothing."""
    return signed_in(make_staff("viewer", *(f"view_{model}" for model in MODELS)))


@pytest.fixture
def novice(db):
    """A browser signed in as staff without any permission."""
    return signed_in(make_staff("novice"))


def _finance(name):
    person = make_staff(name)
    person.groups.set(Group.objects.filter(name="finance"))
    return signed_in(person)


@pytest.fixture
def meera(db):
    """A browser signed in as one of two people of finance."""
    return _finance("meera")


@pytest.fixture
def ravi(db):
    """And as the other."""
    return _finance("ravi")


@pytest.fixture
def paid(db, now):
    """A captured payment with everything a page could show."""
    payment = PaymentFactory(
        success=True,
        bank_reference="412345678901",
        auth_id="AUTH77",
        message="Approved",
        payment_group="retail",
        method_details={"card_network": "visa", "card_last4": "4242"},
        error_details={"cvc": ["was asked for twice"]},
        order__tags={"name": "Retail", "age": "New"},
        order__note="Two kites",
        order__payment_methods=["card", "upi"],
        order__notify_url="https://shop.example.com/hook",
    )
    Authorization.objects.create(
        payment=payment,
        action=AuthorizationAction.CAPTURE,
        status=AuthorizationStatus.SUCCESS,
        captured_minor=payment.captured_minor,
        start_time=now,
        end_time=now + timedelta(seconds=1),
        action_reference="ref_77",
        action_time=now,
    )
    Event.objects.create(
        order=payment.order,
        payment=payment,
        sequence=1,
        kind="payment.success",
        old="pending",
        new="success",
        cause="gateway",
        at=now,
    )
    return payment


@pytest.fixture
def rows(paid, merchant_with_key):
    """One row of every model, by the model's name."""
    merchant, key, _ = merchant_with_key
    endpoint = add_endpoint(merchant, "test", "https://shop.example.com/hook", [], at=clock.now())
    sell(merchant)
    settlement = close(settle(merchant))
    return {
        "settlement": settlement,
        "payout": pay_out(settlement),
        "customer": paid.order.customer,
        "order": paid.order,
        "payment": paid,
        "refund": make_refund(paid),
        "event": paid.events.get(),
        "gatewayevent": make_gateway_event(paid),
        "gatewayaccount": GatewayAccount.objects.first(),
        "apikey": key,
        "merchant": merchant,
        "endpoint": endpoint,
        "delivery": send_test(endpoint.pk, at=clock.now()),
    }


@pytest.fixture
def merchant_with_key(db):
    """A merchant with one test key: (merchant, key, client_secret)."""
    merchant, client_id, client_secret = make_merchant_with_key()
    return merchant, merchant.api_keys.get(client_id=client_id), client_secret
