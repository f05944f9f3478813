"""The customer's pages: fetch, gate, form, one service call, 303. GET and HEAD change nothing."""

from collections.abc import Callable
from datetime import datetime

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from checkout import rates
from checkout.callbacks import links
from checkout.hosted import pages, paying, plain
from checkout.hosted.forms import UPI_FLOWS, MethodForm
from checkout.hosted.longer import answer_words
from checkout.hosted.origin import is_same_origin
from checkout.hosted.page import CHECK, PAY, Page, respond, url_of
from checkout.hosted.tokens import BadToken, FormToken, read_token
from checkout.hosted.waiting import cancel_form, hand_off
from checkout.hosted.ways import drawer_of
from checkout.redirects import SeeOther
from checkout.speaking import now_spoken, turn_to
from payments import clock
from payments.errors import MethodNotOffered, NotExtendable, NotPayable
from payments.selectors import OrderState, find_order_by_session, order_state
from payments.services.cancels import FREES, cancel_attempt
from payments.services.orders import extend_order
from payments.services.payments import PaymentRequest, start_payment
from payments.services.reconcile import inquire_payment
from payments.states import MAX_EXTENSIONS, Method, Mode

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
        turn_to(order)
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
    stays = "stay" in request.GET
    page = pages.page_of(state, stay=stays, kept="kept" in request.GET)
    page.stays = stays
    return respond(request, page)


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
        return respond(request, pages.card_data_page(state))
    if token.nonce in {payment.form_nonce for payment in state.payments} or not state.takes_attempts:
        return SeeOther(url_of(state))
    judged = _judge(request, state, token)
    if not isinstance(judged, Page):
        return SeeOther(_start(state, token, judged))
    # The form's page says that nothing has been taken: with an attempt out, nobody knows that.
    return respond(request, judged) if state.live is None else SeeOther(url_of(state))


def _genuine_form(request: HttpRequest, state: OrderState, page: str) -> FormToken | None:
    """The token of a form that we made for this page of this order and that our own page sent."""
    if not is_same_origin(request) or len(request.POST) > MAX_FIELDS:
        return None
    try:
        return read_token(request.POST.get("form_token", ""), state.order.session_id, page, at=state.at)
    except BadToken:
        return None


def _judge(request: HttpRequest, state: OrderState, token: FormToken) -> MethodForm | Page:
    """The valid form of the chosen method, or the page to show instead of starting an attempt."""
    method, typed, zone = _chosen(request, state), request.POST.dict(), state.order.merchant.time_zone
    if method is None:
        return paying.pay_page_again(state, typed, notice=_("Choose one of the ways to pay below."))
    form_of = drawer_of(state, method).form
    if token.is_stale:
        unjudged = form_of(at=state.at, zone=zone, initial=typed)
        old = _("This page was open for a long time. Please send the form again.")
        return paying.pay_page_again(state, typed, form=unjudged, notice=old)
    form = form_of(request.POST, at=state.at, zone=zone)
    return form if form.is_valid() else paying.pay_page_again(state, typed, form=form)


def _chosen(request: HttpRequest, state: OrderState) -> Method | None:
    """The method asked for, if it is offered. A button of the UPI drawer says so itself, whatever the radio says."""
    asked = Method.UPI if request.POST.get("upi_flow") in UPI_FLOWS else request.POST.get("method", "")
    if not asked and len(state.methods) == 1:
        return state.methods[0]
    return next((method for method in state.methods if method == asked), None)


def _start(state: OrderState, token: FormToken, form: MethodForm) -> str:
    """Start the attempt, and say where to look then. If somebody else was first, the page to come says what is true."""
    order, routes = state.order, state.serving[form.method]
    request = PaymentRequest(
        method=form.method,
        form_nonce=token.nonce,
        card=form.card(),
        details=form.details(),
        language=now_spoken(),
        routes=routes,
    )
    try:
        payment = start_payment(order.pk, request, at=clock.now(), links=links.links_of(order.uid, at=state.at))
    except (NotPayable, MethodNotOffered):
        return url_of(state)
    # A form may not lead to another origin: the order's page does.
    return hand_off(payment) or url_of(state)


@csrf_exempt  # as above
@with_order
def extend(request: HttpRequest, state: OrderState) -> HttpResponse:
    """Add to the time to pay, and show the form with what was typed. One that was open for hours may ask, too."""
    if request.method != "POST":
        return HttpResponseRedirect(url_of(state))
    used = request.POST.get("used", "")
    if _genuine_form(request, state, PAY) is None or used not in map(str, range(MAX_EXTENSIONS)):
        return respond(request, pages.refused_form_page(state))
    was_added = True
    try:
        order = extend_order(state.order.pk, used=int(used), at=clock.now())
    except NotExtendable:
        was_added, order = False, state.order
    state = order_state(order, at=clock.now())
    if state.live is not None or not state.takes_attempts:
        return SeeOther(url_of(state))
    notice = answer_words(state, was_added=was_added)
    page = paying.pay_page(state, typed=request.POST.dict(), opened=_chosen(request, state), notice=notice)
    page.status = 200 if was_added else 409
    return respond(request, page)


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


@csrf_exempt  # as above
@with_order
def cancel(request: HttpRequest, state: OrderState) -> HttpResponse:
    """Cancel the attempt that the form names, so that the customer can choose again. Never a newer one."""
    if request.method != "POST":
        return HttpResponseRedirect(url_of(state))
    attempt = request.POST.get("attempt", "")
    if _genuine_form(request, state, cancel_form(attempt)) is None:
        return respond(request, pages.refused_form_page(state))
    if state.live is None or state.live.uid != attempt:
        return SeeOther(url_of(state))
    if cancel_attempt(state.live.pk, cause="customer", at=clock.now()) in FREES:
        return SeeOther(url_of(state))
    inquire_payment(state.live.pk, at=clock.now(), even_if_early=True)
    return SeeOther(url_of(state, kept="1"))
