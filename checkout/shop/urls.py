from django.urls import path

from checkout.shop import receiver, views

app_name = "shop"

# The project includes these below "shop", without a slash of its own.
urlpatterns = [
    path("", views.home, name="home"),
    path("/buy", views.buy, name="buy"),
    path("/orders", views.orders, name="orders"),
    path("/orders/<str:order_id>", views.order, name="order"),
    path("/terms", views.terms, name="terms"),
    path("/return", views.come_back, name="return"),
    path("/webhooks", receiver.webhooks, name="webhooks"),
]
