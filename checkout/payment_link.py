"""The link a customer pays by: an order's page, as an address that works from anywhere."""

from django.conf import settings
from django.urls import reverse

from payments.models import Order


def payment_link(order: Order) -> str:
    """Whoever holds it can pay the order and see its state: it is shown on purpose only, and never logged."""
    return settings.PUBLIC_URL + reverse("hosted:page", args=[order.session_id])
