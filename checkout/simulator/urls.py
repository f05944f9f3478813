from django.urls import path

from checkout.simulator import views

app_name = "simulator"
urlpatterns = [
    path("", views.list_inputs, name="inputs"),
    path("/<str:token>", views.desk, name="desk"),
]
