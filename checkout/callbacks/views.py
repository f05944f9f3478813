"""Doors for gateways. Nothing a browser carries is believed: it only makes us ask."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from checkout import rates
from checkout.callbacks.links import BadState, read_state
from checkout.hosted.page import respond
from checkout.hosted.plain import not_found_page
from checkout.redirects import SeeOther
from payments import clock
from payments.crypto import Undecryptable
from payments.gateways.base import ForgedEvent, NotSupported, UnreadableEvent
from payments.selectors import find_attempt
from payments.services.gateway_events import receive_event
from payments.services.reconcile import inquire_after_return

ASKED_PER_MINUTE = 10
MAX_BYTES = 262_144
"""Of a server event: more than our own callers may send, as a gateway sends whole objects."""


@csrf_exempt  # gateways send customers back by GET or POST from their own origin; the signed state is the key
@require_http_methods(["GET", "HEAD", "POST"])
def come_back(request: HttpRequest, gateway: str, state: str) -> HttpResponse:
    """A customer comes back from the bank: ask what became of that one attempt, then show the order's page."""
    at = clock.now()
    try:
        order_uid, nonce = read_state(gateway, state, at=at)
    except BadState:
        return respond(request, not_found_page())
    payment = find_attempt(gateway=gateway, order_uid=order_uid, form_nonce=nonce)
    if payment is None:
        return respond(request, not_found_page())
    params = {name: value for name, value in (request.POST or request.GET).items() if isinstance(value, str)}
    if request.method != "HEAD" and rates.count(f"return:{payment.uid}", at=at) <= ASKED_PER_MINUTE:
        inquire_after_return(payment.pk, at=at, params=params)
    return SeeOther(reverse("hosted:page", args=[payment.order.session_id]))


@csrf_exempt  # a server has no form; the signature over the raw bytes is the key
@require_POST
def take_event(request: HttpRequest, gateway: str, account: int | None = None) -> HttpResponseBase:
    """A server event: 2xx only when it is stored, so that the gateway sends again what we could not keep."""
    body = request.read(MAX_BYTES + 1)  # not `request.body`, which has the smaller limit of DATA_UPLOAD_MAX_MEMORY_SIZE
    if len(body) > MAX_BYTES:
        return JsonResponse({"error": f"Send at most {MAX_BYTES} bytes."}, status=413)
    try:
        stored = receive_event(gateway, body, request.headers, at=clock.now(), account_pk=account)
    except (KeyError, NotSupported):
        return JsonResponse({"error": f"No gateway {gateway} sends events here."}, status=404)
    except (ForgedEvent, UnreadableEvent) as refusal:
        return JsonResponse({"error": str(refusal)}, status=400)
    except Undecryptable:
        return JsonResponse({"error": "This server cannot read its own secret now: send the event again."}, status=503)
    return JsonResponse({"status": "stored" if stored else "known"})
