"""Every door of the house. No trailing slashes outside the admin."""

from django.contrib import admin
from django.urls import include, path

from checkout import errors
from checkout.front import front_door, no_icon
from checkout.hosted import accessibility
from checkout.hosted.posted import open_posted
from checkout.reports import csp_report
from checkout.rest import document
from checkout.rest.api import api
from checkout.rest.left_out import nowhere
from checkout.rpc.views import payment_service, unknown_method
from checkout.shop_script import shop_script

urlpatterns = [
    path("", front_door, name="front_door"),
    path("payment.v1.PaymentService/CreateOrder", payment_service),
    path("payment.v1.PaymentService/VerifyPayment", payment_service),
    path("payment.v1.PaymentService/TerminateOrder", payment_service),
    path("payment.v1.PaymentService/<path:rest>", unknown_method),
    path("pg/openapi.json", document.openapi, name="openapi"),
    path("pg/docs", document.page, name="rest_docs"),
    path("pg/view/sessions/checkout", open_posted, name="open_posted"),
    path("pg", nowhere),
    path("pg/", nowhere),
    path("pg/", include("checkout.rest.left_out")),
    path("pg/", api.urls),
    path("checkout-gallery", include("checkout.gallery.urls")),
    path("checkout/", include("checkout.hosted.urls")),
    path("callbacks/", include("checkout.callbacks.urls")),
    path("simulator", include("checkout.simulator.urls")),
    path("shop", include("checkout.shop.urls")),
    path("admin/", admin.site.urls),
    path("accessibility", accessibility.statement, name="accessibility"),
    path("till.js", shop_script, name="shop_script"),
    path("favicon.ico", no_icon),
    path("csp-report", csp_report, name="csp_report"),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.server_error
