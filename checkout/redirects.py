"""Where to look after a POST."""

from django.http import HttpResponseRedirect


class SeeOther(HttpResponseRedirect):
    """303: whatever was posted, look at this page with GET."""

    status_code = 303
