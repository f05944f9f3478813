"""The hosted page for shops whose form posts the payment session, as the familiar script does."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from checkout.hosted.page import respond, url_of
from checkout.hosted.plain import posted_only_page
from checkout.hosted.views import with_order
from checkout.redirects import SeeOther
from payments.selectors import OrderState


@with_order
def _lead(request: HttpRequest, state: OrderState) -> HttpResponse:
    return SeeOther(url_of(state))


@csrf_exempt  # it comes from shops' own origins, brings no cookie and changes nothing
def open_posted(request: HttpRequest) -> HttpResponse:
    """Lead to the page of the posted session; other fields of the form are nobody's business."""
    if request.method == "POST":
        return _lead(request, request.POST.get("payment_session_id", ""))
    response = respond(request, posted_only_page())
    response["Allow"] = "POST"
    return response
