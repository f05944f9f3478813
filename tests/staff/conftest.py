"""Who sits at the desk: a superuser, a viewer, and what they look at."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from payments.models import Authorization, Event, GatewayAccount
from payments.states import AuthorizationAction, AuthorizationStatus
from tests.factories import PaymentFactory, make_merchant_with_key
from tests.staff import MODELS


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def make_staff(name, *permissions):
    user = User.objects.create_user(name, password="x" * 12, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


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
    return {
        "customer": paid.order.customer,
        "order": paid.order,
        "payment": paid,
        "event": paid.events.get(),
        "gatewayaccount": GatewayAccount.objects.first(),
        "apikey": key,
        "merchant": merchant,
    }


@pytest.fixture
def merchant_with_key(db):
    """A merchant with one test key: (merchant, key, client_secret)."""
    merchant, client_id, client_secret = make_merchant_with_key()
    return merchant, merchant.api_keys.get(client_id=client_id), client_secret
