"""Rows of what comes after the payment: holds with their action, and refunds that add up with their payment."""

from django.db.models import F

from payments import clock
from payments.models import Authorization, Payment
from payments.states import REFUND_RESERVES, AuthorizationStatus, RefundStatus
from tests.factories import MerchantFactory, OrderFactory, PaymentFactory, RefundFactory
from tests.gateways.accounts import connected


def held(*, action="", status="", approve_by=None, **over):
    """A payment whose money is held for somebody to capture, perhaps with a capture or void on its way."""
    columns = {"order__manual_capture": True, **over}
    payment = PaymentFactory(authorized=True, **columns)
    told = {"action": action, "status": status, "approve_by": approve_by}
    Authorization.objects.update_or_create(payment=payment, defaults=told)
    return payment


def in_flight(action="capture", **over):
    return held(action=action, status=AuthorizationStatus.PENDING, **over)


def give_back(payment, status=RefundStatus.SUCCESS, minor=None, *, sent_at=None):
    """A refund of all or part of a payment; one that waits for a second person was never sent."""
    minor, at = minor or payment.captured_minor, sent_at or clock.now()
    if status in REFUND_RESERVES:
        Payment.objects.filter(pk=payment.pk).update(refund_reserved_minor=F("refund_reserved_minor") + minor)
    if status == RefundStatus.SUCCESS:
        Payment.objects.filter(pk=payment.pk).update(refunded_minor=F("refunded_minor") + minor)
    return RefundFactory(
        payment=payment,
        amount_minor=minor,
        status=status,
        is_automatic=payment.capture_kind != "normal",
        requested_at=at,
        sent_at=None if status == RefundStatus.REQUESTED else at,
        completed_at=at if status in ("success", "failed", "cancelled") else None,
    )


def returning(status=RefundStatus.PENDING, trait="late", *, sent_at=None, **over):
    """A capture that did not pay its order, with the refund that sends it back."""
    payment = PaymentFactory(**{trait: True, **over})
    give_back(payment, status, sent_at=sent_at)
    return payment


def own_page_order(**columns):
    """A payable order of a merchant whose only gateway asks for everything on its own page."""
    merchant = MerchantFactory(account=None)
    connected(merchant, "razorpay", {"key_id": "rzp_test_1", "key_secret": "s", "event_secret": "e"})
    return OrderFactory(merchant=merchant, **columns)
