"""Asking people again who they are before they move money or widen access, without losing what they were doing.

The question is a page at the very address that was asked for. It carries whatever was sent there in hidden fields, so
that the answer continues exactly that request; a request that only opened a page is sent back to open it.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django import forms
from django.contrib import admin, auth
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.debug import sensitive_variables

from checkout.staff import sessions
from payments import clock
from payments.errors import TooManyTries
from payments.services import staff_access, tries

PREFIX = "again"
PASSWORD, OPENING = f"{PREFIX}-password", f"{PREFIX}-opening"
WRONG = "That is not right. Nothing was changed, and what you were doing is kept."

View = TypeVar("View", bound=Callable[..., Any])


def code_field(label: str = "Code", *, keyboard: str = "text") -> forms.CharField:
    """Six digits of an app, or a recovery code: both are taken everywhere. `keyboard` is the one phones open."""
    attrs = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "dir": "ltr"}
    attrs["inputmode"] = keyboard
    return forms.CharField(label=label, max_length=40, widget=forms.TextInput(attrs=attrs))


def password_field() -> forms.CharField:
    attrs = {"autocomplete": "current-password", "autofocus": True}
    return forms.CharField(label="Password", strip=False, max_length=4_096, widget=forms.PasswordInput(attrs=attrs))


class AgainForm(forms.Form):
    """Your password, and your second factor if you have one."""

    password = password_field()
    code = code_field("Code from your authenticator app")

    prefix = PREFIX

    def __init__(self, data: Any = None, *, has_factor: bool) -> None:
        super().__init__(data)
        if not has_factor:
            del self.fields["code"]
        else:
            self.fields["code"].help_text = "Or one of your recovery codes."


def proved(view: View) -> View:
    """A method of an admin class whose POST needs a fresh proof of who sends it."""

    @wraps(view)
    def guarded(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        asked = ask_again(request) if request.method == "POST" else None
        return view(self, request, *args, **kwargs) if asked is None else asked

    return cast("View", guarded)


def ask_again(request: HttpRequest) -> HttpResponse | None:
    """The question who this is, or nothing where the last answer is fresh; the request is then as it was sent first."""
    at = clock.now()
    is_answer = PASSWORD in request.POST
    if not is_answer:
        return None if sessions.is_fresh(request, at=at) else _question(request, _form(request))
    if not sessions.is_fresh(request, at=at):
        form = _form(request, request.POST)
        try:
            if not form.is_valid() or not _is_right(request, form):
                return _question(request, form)
        except TooManyTries:
            auth.logout(request)
            return to_login(request, "tries")
        sessions.prove(request, at=at)
    if OPENING in request.POST:
        return HttpResponseRedirect(request.get_full_path())
    _unwrap(request)
    return None


def to_login(request: HttpRequest, because: str) -> HttpResponse:
    """Off to the first step, and later back to this page; nothing is said of other hosts."""
    where = request.get_full_path() if request.method in ("GET", "HEAD") else request.path
    return HttpResponseRedirect(f"{reverse('admin:login')}?{urlencode({'next': where, 'because': because})}")


@sensitive_variables()
def _is_right(request: HttpRequest, form: AgainForm) -> bool:
    """Check the password first: a wrong one uses up no code. Raises TooManyTries, with the last wrong one at once.

    Counted apart from tries to sign in, so that nobody outside can keep people from their work.
    """
    at, user, address, said = clock.now(), request.user, request.META["REMOTE_ADDR"], form.cleaned_data
    user_id, subject = int(user.pk or 0), tries.session_of(user.pk or 0)
    tries.charge(subject, at=at)
    is_right = user.check_password(said["password"])
    if is_right and "code" in said:
        is_right = staff_access.prove(user_id, said["code"], at=at, address=address) is not None
    if is_right:
        tries.forget(subject)
        return True
    why = "wrong password or code when asked again"
    staff_access.record_failure(user_id, why, subject, at=at, address=address)
    if tries.locked(subject):
        raise TooManyTries(at + tries.LOCKED_FOR)
    form.add_error(None, WRONG)
    return False


def _form(request: HttpRequest, data: Any = None) -> AgainForm:
    return AgainForm(data, has_factor=sessions.is_enrolled(request))


def _question(request: HttpRequest, form: AgainForm) -> TemplateResponse:
    context = {
        **admin.site.each_context(request),
        "title": "Is it you?",
        "form": form,
        "carried": _carried(request),
        "opening": OPENING if request.method != "POST" or OPENING in request.POST else "",
        "minutes": int(sessions.FRESH_FOR.total_seconds() // 60),
    }
    return TemplateResponse(request, "staff/ask_again.html", context)


def _carried(request: HttpRequest) -> list[tuple[str, str]]:
    """What was sent, but for the answer itself, and passwords, which are typed again."""
    return [
        (name, str(value))
        for name, values in request.POST.lists()
        if not name.startswith(f"{PREFIX}-") and name != "csrfmiddlewaretoken" and "password" not in name
        for value in values
    ]


def _unwrap(request: HttpRequest) -> None:
    """Leave of a request what was sent before the question."""
    sent = request.POST.copy()
    for name in [name for name in sent if name.startswith(f"{PREFIX}-")]:
        del sent[name]
    request.POST = sent  # type: ignore[assignment]
