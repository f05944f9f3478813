"""What the wire has and Till does not: refused by name, so that nobody waits for it in vain."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from checkout.rest.errors import wire_error

LEFT_OUT = {
    "orders/<str:order_id>/extended": "Extended data (shipping and delivery of an order) is not kept here.",
    "orders/settlements": "Orders are settled by the operator, in turn; none can be marked for it.",
    "orders/sessions/authorize": "Cards by token are not taken; send the customer to the payment page.",
    "simulate/settlement": "Settlements are not simulated; test orders are settled as live ones are, by staff.",
}


@csrf_exempt
def refuse(request: HttpRequest, message: str, order_id: str = "") -> HttpResponse:
    return wire_error(404, f"not_supported: {message}", code="not_supported")


@csrf_exempt
def nowhere(request: HttpRequest) -> HttpResponse:
    """The base address itself, which clients put all others behind."""
    return wire_error(404, "There is no such address; /pg/docs lists all.")


urlpatterns = [path(address, refuse, {"message": message}) for address, message in LEFT_OUT.items()]
