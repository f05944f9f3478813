"""Every door of the house. No trailing slashes outside the admin."""

from django.contrib import admin
from django.urls import include, path

from checkout import errors
from checkout.front import front_door, no_icon
from checkout.reports import csp_report
from checkout.rpc.views import payment_service, unknown_method

urlpatterns = [
    path("", front_door, name="front_door"),
    path("payment.v1.PaymentService/CreateOrder", payment_service),
    path("payment.v1.PaymentService/VerifyPayment", payment_service),
    path("payment.v1.PaymentService/TerminateOrder", payment_service),
    path("payment.v1.PaymentService/<path:rest>", unknown_method),
    path("checkout/", include("checkout.hosted.urls")),
    path("callbacks/", include("checkout.callbacks.urls")),
    path("simulator", include("checkout.simulator.urls")),
    path("shop", include("checkout.shop.urls")),
    path("admin/", admin.site.urls),
    path("favicon.ico", no_icon),
    path("csp-report", csp_report, name="csp_report"),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
