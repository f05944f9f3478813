from django.urls import path

from checkout.gallery import views

app_name = "gallery"
urlpatterns = [
    path("", views.gallery, name="all"),
    path("/<str:name>", views.show, name="state"),
]
