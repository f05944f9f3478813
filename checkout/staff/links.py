"""Payment links: made, shown and e-mailed by staff, each with a reason. A link is an order; its page is where it leads.

Whoever holds a link can pay, so it stands on no page that a GET answers: the POST that asks for it is answered with it.
"""

from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods

from checkout.amounts import format_money
from checkout.languages import ENGLISH
from checkout.payment_link import payment_link
from checkout.speaking import language_of
from checkout.staff.base import ReadOnlyAdmin
from checkout.staff.facts import Panel, facts_of, moment, status_mark
from checkout.staff.link_form import LinkForm
from checkout.staff.link_mail import NotMailed, mail_link, preview, why_no_mail
from checkout.staff.reasons import ReasonForm, act_of
from payments import clock
from payments.errors import BadInput, NoGateway, OrderIdTaken
from payments.models import Order
from payments.selectors import find_order, order_state
from payments.services.audit import record_act
from payments.services.orders import create_order

one_door = method_decorator(require_http_methods(["GET", "HEAD", "POST"]))


class LinksAdmin(ReadOnlyAdmin):
    """Orders, with the doors for their links."""

    def has_link_permission(self, request: HttpRequest) -> bool:
        """Whether this person may make, see and send links. Never asked as "add": that would open Django's own form."""
        return request.user.has_perm("payments.add_order") and self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        return [
            path("link/", guarded(self.make_view), name="payments_order_link"),
            path("<path:object_id>/link/", guarded(self.show_view), name="payments_order_show_link"),
            path("<path:object_id>/mail-link/", guarded(self.mail_view), name="payments_order_mail_link"),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["may_link"] = self.has_link_permission(request)
        context["may_mail"] = context["may_link"] and _may_mail(context["original"])
        return super().render_change_form(request, context, *args, **kwargs)

    @one_door
    def make_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for an order; answer the POST itself with its link."""
        if not self.has_link_permission(request):
            raise PermissionDenied
        form = LinkForm(request.POST if request.method == "POST" else None, merchant=request.GET.get("merchant", ""))
        if form.is_valid():
            try:
                order = self._make(request, form)
            except OrderIdTaken as refusal:
                first = _first_of(form)
                if first is not None:
                    return self._tell(request, first, messages.INFO, "This form was sent before: this is its order.")
                form.add_error("order_id", refusal.message.removeprefix("order_id: "))
            except NoGateway as refusal:
                form.add_error("seller", refusal.message)
            except BadInput as refusal:
                form.refuse(refusal)
            else:
                return self._link_page(request, order, "Payment link made")
        status = 400 if form.errors else 200
        return self._page(request, "staff/link_form.html", "Make a payment link", status=status, form=form)

    def _make(self, request: HttpRequest, form: LinkForm) -> Order:
        """Raises BadInput, NoGateway, OrderIdTaken."""
        merchant, mode = form.merchant_and_mode()
        at, by = clock.now(), act_of(request, form.cleaned_data["reason"])
        return create_order(form.new_order(at=at), merchant=merchant, mode=mode, at=at, by=by)

    @one_door
    def show_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask why; answer the POST itself with the link."""
        order = self._order(request, object_id)
        if order is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            by, about = act_of(request, form.cleaned_data["reason"]), {"object_type": "order", "object_id": order.uid}
            with transaction.atomic():
                record_act("order.show_link", by, order=order, at=clock.now(), **about)
            return self._link_page(request, order, "Payment link")
        return self._ask(request, order, "Show payment link", form)

    @one_door
    def mail_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the mail and ask why; send it on POST, and tell on the order's page what came of it."""
        order = self._order(request, object_id)
        if order is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                mail_link(order.pk, by=act_of(request, form.cleaned_data["reason"]))
            except NotMailed as refusal:
                return self._tell(request, order, messages.ERROR, str(refusal))
            told = f"The payment link was e-mailed to {order.customer_email}."
            return self._tell(request, order, messages.SUCCESS, told)
        why_not = why_no_mail(order_state(order, at=clock.now()))
        mail, code = None if why_not else preview(order), language_of(order) or ENGLISH
        return self._ask(request, order, "E-mail payment link", form, refusal=why_not, mail=mail, language=code)

    def _order(self, request: HttpRequest, object_id: str) -> Order | None:
        """The order, for those who may have its link. Raises PermissionDenied."""
        if not self.has_link_permission(request):
            raise PermissionDenied
        return self.get_object(request, unquote(object_id))

    @sensitive_variables()
    def _link_page(self, request: HttpRequest, order: Order, title: str) -> TemplateResponse:
        words: dict[str, Any] = {"original": order, "link": payment_link(order), "may_mail": _may_mail(order)}
        return self._page(request, "staff/link.html", title, panels=_panels(order), **words)

    def _ask(self, request: HttpRequest, order: Order, title: str, form: ReasonForm, **words: Any) -> TemplateResponse:
        told = {"original": order, "form": form, "panels": _panels(order), **words}
        return self._page(request, "staff/link_ask.html", title, status=400 if form.errors else 200, **told)

    def _page(
        self, request: HttpRequest, template: str, title: str, *, status: int = 200, **words: Any
    ) -> TemplateResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, **words}
        return TemplateResponse(request, template, context, status=status)

    def _tell(self, request: HttpRequest, order: Order, level: int, told: str) -> HttpResponse:
        self.message_user(request, told, level)
        return HttpResponseRedirect(reverse("admin:payments_order_change", args=[order.pk]))


def _may_mail(order: Order) -> bool:
    return not why_no_mail(order_state(order, at=clock.now()))


def _first_of(form: LinkForm) -> Order | None:
    """The order that this very form made before, if it names none itself."""
    if form.cleaned_data["order_id"]:
        return None
    merchant, mode = form.merchant_and_mode()
    return find_order(merchant_id=merchant.pk, mode=mode, order_id=form.cleaned_data["link_id"])


def _panels(order: Order) -> list[Panel]:
    """Enough of an order to know it is the right one."""
    state = order_state(order, at=clock.now())
    facts = {
        "order_id": order.order_id,
        "order_amount": format_money(order.amount_minor, order.currency),
        "order_status": status_mark(state.status),
        "payable until": moment(order.expires_at),
        "customer": ", ".join(filter(None, [order.customer_name, order.customer_email, order.customer_phone])),
        "merchant": order.merchant.name,
        "mode": order.mode,
    }
    return [Panel("Order", facts_of(facts))]
