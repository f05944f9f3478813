"""Addresses of the hosted pages. The literal ones stand first: no session id looks like them."""

from django.urls import path

from checkout.hosted import style, views

app_name = "hosted"
urlpatterns = [
    path("style/<str:name>.css", style.stylesheet, name="stylesheet"),
    path("<str:session_id>", views.show, name="page"),
    path("<str:session_id>/pay", views.pay, name="pay"),
    path("<str:session_id>/extend", views.extend, name="extend"),
    path("<str:session_id>/check", views.check, name="check"),
    path("<str:session_id>/cancel", views.cancel, name="cancel"),
]
