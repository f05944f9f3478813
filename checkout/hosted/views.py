"""The customer's pages: fetch, gate, form, one service call, 303. GET and HEAD change nothing."""

from collections.abc import Callable
from datetime import datetime

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from checkout import rates
from checkout.hosted import pages, paying, plain
from checkout.hosted.forms import CardForm
from checkout.hosted.origin import is_same_origin
from checkout.hosted.page import CHECK, PAY, Page, respond, url_of
from checkout.hosted.tokens import BadToken, FormToken, read_token
from checkout.redirects import SeeOther
from payments import clock
from payments.errors import MethodNotOffered, NotPayable
from payments.gateways.base import Card
from payments.selectors import OrderState, find_order_by_session, order_state
from payments.services.payments import PaymentRequest, start_payment
from payments.services.reconcile import inquire_payment
from payments.states import Method, Mode

WRONG_LINKS_PER_MINUTE = 30
MAX_FIELDS = 100
OrderView = Callable[[HttpRequest, OrderState], HttpResponse]


def with_order(view: OrderView) -> Callable[[HttpRequest, str], HttpResponse]:
    """Find the order of a payment session and its attempts, or answer that there is no such page."""

    def found(request: HttpRequest, session_id: str) -> HttpResponse:
        at = clock.now()
        order = find_order_by_session(session_id)
        if order is None:
            return _no_such_page(request, at=at)
        return view(request, order_state(order, at=at))

    return found


def _no_such_page(request: HttpRequest, *, at: datetime) -> HttpResponse:
    wrong = rates.count(f"wrong-links:{request.META.get('REMOTE_ADDR', '')}", at=at)
    page = plain.wait_a_minute_page() if wrong > WRONG_LINKS_PER_MINUTE else plain.not_found_page()
    return respond(request, page)


@require_safe
@with_order
def show(request: HttpRequest, state: OrderState) -> HttpResponse:
    """The page of the order's true state."""
    return respond(request, pages.page_of(state, stay="stay" in request.GET))


@csrf_exempt  # customers have no cookie: the form token and the same-origin check stand in
@with_order
def pay(request: HttpRequest, state: OrderState) -> HttpResponse:
    """Start an attempt with what the form says; any other way to this address shows the true page."""
    if request.method != "POST":
        return HttpResponseRedirect(url_of(state))
    token = _genuine_form(request, state, PAY)
    if token is None:
        return respond(request, pages.refused_form_page(state))
    if state.order.mode == Mode.LIVE and "number" in request.POST:
        return respond(request, plain.card_data_page())
    if token.nonce in {payment.form_nonce for payment in state.payments} or not state.takes_attempts:
        return SeeOther(url_of(state))
    form = CardForm(request.POST, at=state.at, zone=state.order.merchant.time_zone)
    refusal = _refusal(request, state, form, token)
    if refusal is not None:
        return respond(request, refusal)
    _start(state, token, form.card())
    return SeeOther(url_of(state))


def _genuine_form(request: HttpRequest, state: OrderState, page: str) -> FormToken | None:
    """The token of a form that we made for this page of this order and that our own page sent."""
    if not is_same_origin(request) or len(request.POST) > MAX_FIELDS:
        return None
    try:
        return read_token(request.POST.get("form_token", ""), state.order.session_id, page, at=state.at)
    except BadToken:
        return None


def _refusal(request: HttpRequest, state: OrderState, form: CardForm, token: FormToken) -> Page | None:
    """The page to show instead of starting an attempt, if there is a reason to."""
    offered = [row.code for row in paying.method_rows(state)]
    chosen = request.POST.get("method", Method.CARD if offered == [Method.CARD] else "")
    if chosen not in offered:
        empty = CardForm({}, at=state.at, zone=state.order.merchant.time_zone)
        empty.errors.clear()
        return paying.pay_page(state, empty, notice=_("Choose one of the ways to pay below."))
    if token.is_stale:
        form.is_valid()
        form.errors.clear()
        return paying.pay_page(state, form, notice=_("This page was open for a long time. Please send the form again."))
    return None if form.is_valid() else paying.pay_page(state, form)


def _start(state: OrderState, token: FormToken, card: Card) -> None:
    """Start the attempt. If somebody else was first, the page to come says what is true."""
    request = PaymentRequest(method=Method.CARD, form_nonce=token.nonce, card=card)
    try:
        start_payment(state.order.pk, request, at=clock.now())
    except (NotPayable, MethodNotOffered):
        return


@csrf_exempt  # as above
@with_order
def check(request: HttpRequest, state: OrderState) -> HttpResponse:
    """Ask the bank now, if nobody did so just before, and show what is true then."""
    if request.method != "POST":
        return HttpResponseRedirect(url_of(state))
    if _genuine_form(request, state, CHECK) is None:
        return respond(request, pages.refused_form_page(state))
    if state.live is not None:
        inquire_payment(state.live.pk, at=clock.now(), even_if_early=True)
    return SeeOther(url_of(state))
