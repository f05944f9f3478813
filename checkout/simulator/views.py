"""Pages of the pretend bank, wallet and UPI app. What is pressed here the simulator writes into its own book.

They are tools for the merchant's engineers, in English like the sample shop.
"""

import re
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from checkout.hosted.origin import is_same_origin
from checkout.hosted.typed import joined_digits
from checkout.languages import known
from checkout.redirects import SeeOther, own_path
from checkout.simulator.pages import desk_page, gone_page, inputs_page, refused_page
from checkout.speaking import PARAMETER
from payments import clock
from payments.gateways.simulator import desk as simulator
from payments.gateways.simulator.inputs import Scenario
from payments.gateways.simulator.models import SimulatedPayment
from payments.ids import looks_like_session_id
from payments.selectors import find_attempt_by_key
from payments.services.answers import answer_challenge


@never_cache
@require_safe
def list_inputs(request: HttpRequest) -> HttpResponse:
    """What to type and choose in test mode, and what comes of it."""
    return render(request, "simulator/inputs.html", {"page": inputs_page(back_url=_payment_page_before(request))})


def _payment_page_before(request: HttpRequest) -> str:
    """The payment page that the browser says it comes from, if it is ours: by its session id and language alone."""
    try:
        came_from = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return ""
    found = re.match(r"/checkout/(sess_[A-Za-z0-9_-]+)", came_from.path)
    is_ours = f"{came_from.scheme}://{came_from.netloc}" in (settings.PUBLIC_URL, request.build_absolute_uri("/")[:-1])
    if not is_ours or found is None or not looks_like_session_id(found[1]):
        return ""
    language = known(parse_qs(came_from.query).get(PARAMETER, [""])[0])
    return reverse("hosted:page", args=[found[1]]) + (f"?{PARAMETER}={language}" if language else "")


@csrf_exempt  # the signed address and the same-origin check stand in: no cookie on the way of a payment
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def desk(request: HttpRequest, token: str) -> HttpResponse:
    """The page of one payment at the pretend bank, and what is pressed on it."""
    row = simulator.find_by_token(token)
    if row is None:
        return render(request, "simulator/message.html", {"page": gone_page()}, status=404)
    if request.method != "POST":
        return _show(request, row)
    if not is_same_origin(request):
        return render(request, "simulator/message.html", {"page": refused_page(request.path)}, status=403)
    if simulator.is_over(row, at=clock.now()):
        return _go_on(request, row)  # a second press, or another tab: the payment page says what is true
    return _answer_challenge(request, row) if row.scenario == Scenario.CHALLENGE else _decide(request, row)


def _answer_challenge(request: HttpRequest, row: SimulatedPayment) -> HttpResponse:
    """Pass the code on as the bank would; a wrong one shows the page again while tries are left."""
    leaves = request.POST.get("decision") == "leave"
    otp = joined_digits(request.POST.get("otp", ""))
    if not leaves and not re.fullmatch(r"[0-9]{6}", otp):
        return _show(request, row, error="Type the 6 digits of the code. This did not count as a try.")
    payment = find_attempt_by_key(gateway="simulator", gateway_key=row.key)
    if payment is not None:
        answer_challenge(payment.pk, {"leave": "1"} if leaves else {"otp": otp}, at=clock.now())
    tries = row.wrong_codes
    row.refresh_from_db()
    is_asked_again = row.status == SimulatedPayment.OPEN and row.wrong_codes > tries
    return SeeOther(request.path) if is_asked_again else _go_on(request, row)


def _decide(request: HttpRequest, row: SimulatedPayment) -> HttpResponse:
    """Write what was pressed into the book."""
    decision = request.POST.get("decision", "")
    if decision not in simulator.DECISIONS:
        return _show(request, row, error="Press one of the buttons.")
    simulator.decide(row, decision, at=clock.now())
    return _go_on(request, row)


def _show(request: HttpRequest, row: SimulatedPayment, *, error: str = "") -> HttpResponse:
    page = desk_page(row, at=clock.now(), error=error)
    return render(request, "simulator/desk.html", {"page": page}, status=400 if error else 200)


def _go_on(request: HttpRequest, row: SimulatedPayment) -> HttpResponse:
    """A bank sends the customer back; a UPI app stays open and says what it did."""
    stays = row.scenario == Scenario.CODE
    return SeeOther(request.path if stays else own_path(row.return_url) or request.path)
