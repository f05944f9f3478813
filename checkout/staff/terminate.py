"""Ending an order from its page: asked first, with a reason that is kept beside who gave it."""

from enum import StrEnum
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods

from checkout.amounts import format_money
from checkout.staff.base import ReadOnlyAdmin
from checkout.staff.facts import Panel, facts_of, moment, status_mark
from checkout.staff.proofs import proved
from checkout.staff.reasons import ReasonForm, act_of
from payments import clock
from payments.errors import NotPayable
from payments.models import Order, Payment
from payments.selectors import OrderState, order_state
from payments.services.audit import Act, record_act
from payments.services.orders import lock_order
from payments.services.payments import terminate_order
from payments.states import OPEN, AuthorizationAction, AuthorizationStatus, OrderStatus, PaymentStatus


class Prospect(StrEnum):
    """What asking for an order's end would do now."""

    ENDS = "ends"
    ASKS = "asks"
    """An attempt is in flight: its end decides."""
    RELEASES = "releases"
    """Money is held for it: that is let go, and the order ends with it."""
    CAPTURING = "capturing"
    """Held money is being taken: only the gateway can say how that ends."""
    ASKED = "asked"
    """Somebody has asked already."""
    TERMINATED = "terminated"
    OVER = "over"


CAN_BE_DONE = frozenset({Prospect.ENDS, Prospect.ASKS, Prospect.RELEASES})


def prospect(state: OrderState) -> Prospect:
    """What asking for the order's end would do, by its state at that moment."""
    if state.status == OrderStatus.TERMINATED:
        return Prospect.TERMINATED
    if state.status not in OPEN:
        return Prospect.OVER
    if state.live is not None and _is_capturing(state.live):
        return Prospect.CAPTURING
    if state.order.terminate_requested_at is not None:
        return Prospect.ASKED
    if state.live is not None and state.live.status == PaymentStatus.AUTHORIZED:
        return Prospect.RELEASES
    return Prospect.ASKS if state.order.status == OrderStatus.PENDING else Prospect.ENDS


def _is_capturing(payment: Payment) -> bool:
    authorization = getattr(payment, "authorization", None)
    return (
        payment.status == PaymentStatus.AUTHORIZED
        and authorization is not None
        and authorization.action == AuthorizationAction.CAPTURE
        and authorization.status == AuthorizationStatus.PENDING
    )


class TerminableAdmin(ReadOnlyAdmin):
    """Orders: their rows stay uneditable, and ending one is a deed of its own with a page of its own."""

    change_form_template = "staff/order.html"

    def has_terminate_permission(self, request: HttpRequest) -> bool:
        """Whether this person may end orders. It is asked here alone, so that it never opens the form."""
        return request.user.has_perm("payments.change_order")

    def get_urls(self) -> list[URLPattern]:
        door = self.admin_site.admin_view(self.terminate_view)
        return [path("<path:object_id>/terminate/", door, name="payments_order_terminate"), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        state = order_state(context["original"], at=clock.now())
        context["may_terminate"] = self.has_terminate_permission(request) and prospect(state) in CAN_BE_DONE
        return super().render_change_form(request, context, *args, **kwargs)

    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    @proved
    def terminate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Say what would happen and ask why; do it on POST, and tell on the order's page what came of it."""
        if not self.has_terminate_permission(request):
            raise PermissionDenied
        order = self.get_object(request, unquote(object_id))
        if order is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            level, told = _terminate(order.pk, by=act_of(request, form.cleaned_data["reason"]))
            self.message_user(request, told, level)
            return HttpResponseRedirect(reverse("admin:payments_order_change", args=[order.pk]))
        state = order_state(order, at=clock.now())
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": order,
            "title": "Terminate this order",
            "panels": [Panel("Order", facts_of(_facts(order, state)))],
            "prospect": prospect(state),
            "state": state,
            "asked_at": moment(state.order.terminate_requested_at),
            "can_be_done": prospect(state) in CAN_BE_DONE,
            "form": form,
        }
        return TemplateResponse(request, "staff/order_terminate.html", context)


def _terminate(order_pk: int, *, by: Act) -> tuple[int, str]:
    """Ask for the end, and say how the order stands: (message level, words). A repeat changes nothing.

    The lock is taken before the look, so that nothing can slip in between; the act is recorded in the same
    transaction.
    """
    try:
        with transaction.atomic():
            order = lock_order(order_pk)
            at = clock.now()
            expected = prospect(order_state(order, at=at))
            if expected == Prospect.ASKED:
                return (
                    messages.INFO,
                    "This order’s end was asked for already: an attempt to pay it is still being decided.",
                )
            if expected == Prospect.TERMINATED:
                return messages.INFO, "This order is terminated already."
            order = terminate_order(order_pk, cause="staff", at=at)
            became = {"order_status": order.status}
            record_act("order.terminate", by, object_type="order", object_id=order.uid, order=order, at=at, **became)
    except NotPayable as refusal:
        return messages.ERROR, f"Nothing was changed. {refusal.message}"
    return _told(expected, has_ended=order.status == OrderStatus.TERMINATED)


def _told(expected: Prospect, *, has_ended: bool) -> tuple[int, str]:
    """How an order stands after somebody asked for its end."""
    if has_ended:
        return messages.SUCCESS, "This order is terminated: nobody can start to pay it any more."
    if expected == Prospect.RELEASES:
        return messages.WARNING, (
            "You have asked for this order’s end: the money that is held for it is being released, and the order ends "
            "as soon as the gateway says that it is. Look again in a few minutes."
        )
    return messages.WARNING, (
        "You have asked for this order’s end, but an attempt to pay it is still being decided: it is cancelled if "
        "that still works, and if it succeeds first, the order is paid. Look again in a few minutes."
    )


def _facts(order: Order, state: OrderState) -> dict[str, Any]:
    """Enough of an order to know it is the right one."""
    return {
        "order_id": order.order_id,
        "order_amount": format_money(order.amount_minor, order.currency),
        "order_status": status_mark(state.status),
        "customer_name": order.customer_name,
        "merchant": order.merchant.name,
        "mode": order.mode,
    }
