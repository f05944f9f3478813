from django.urls import path

from checkout.callbacks import views

app_name = "callbacks"
urlpatterns = [
    path("<slug:gateway>/return/<str:state>", views.come_back, name="return"),
    path("<slug:gateway>/events", views.take_event, name="events"),
    path("<slug:gateway>/<int:account>/events", views.take_event, name="account-events"),
]
