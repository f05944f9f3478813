"""How staff sign in: a password, then the code of an app; on the first day, the app is enrolled on the way."""

from typing import Any

from django import forms
from django.contrib import admin, auth, messages
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.models import User
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from checkout.hosted.codes import qr_code
from checkout.staff import sessions
from checkout.staff.base import at_field
from checkout.staff.proofs import ask_again, code_field, password_field
from payments import clock
from payments.errors import BadInput, StaleRow, TooManyTries
from payments.services import staff_access, tries
from payments.services.staff_access import CODES, Proof

SALT = "till.staff.enrolment"
ENROL_WITHIN_S = 1_800
WRONG = "User name and password do not match an account of the staff. Note that both are case-sensitive."
WRONG_CODE = "That is no code that counts now. Each counts once: wait for the app's next one, up to half a minute."
FEW = 3
BECAUSE = {
    "idle": "You were signed out because nothing was done for a while. Sign in to go on where you were.",
    "old": "You were signed out because you signed in some hours ago. Sign in to go on where you were.",
    "reset": "You were signed out because your second factor was reset. Sign in to enrol a new one.",
    "tries": "You were signed out after too many wrong answers, and nothing was changed. Sign in to go on.",
}


class PasswordForm(forms.Form):
    """The first step."""

    username = UsernameField(
        max_length=150, widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"})
    )
    password = password_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].widget.attrs.pop("autofocus", None)
        self.fields["username"].widget.attrs["autofocus"] = True


class CodeForm(forms.Form):
    """The second step, and the end of enrolment."""

    code = code_field(keyboard="numeric")


class PaperForm(forms.Form):
    """The second step, without the app."""

    code = code_field("Recovery code")


@method_decorator([sensitive_post_parameters(), never_cache, csrf_protect], name="login")
class SignIn:
    """The pages, on one admin site."""

    def __init__(self, site: admin.AdminSite) -> None:
        self.site = site

    def urls(self, guard: Any) -> list[URLPattern]:
        """Those pages that who has typed a password may see. `guard` ends sessions that are over."""
        pages = {"code": self.code, "enrol": self.enrol, "second_factor": self.second_factor, "codes": self.codes}
        where = {
            "code": "login/code/",
            "enrol": "second-factor/enrol/",
            "second_factor": "second-factor/",
            "codes": "second-factor/codes/",
        }
        methods = require_http_methods(["GET", "HEAD", "POST"])
        return [
            path(where[name], guard(never_cache(csrf_protect(methods(sensitive_post_parameters()(page))))), name=name)
            for name, page in pages.items()
        ]

    @sensitive_variables()
    def login(self, request: HttpRequest) -> HttpResponse:
        """The first step."""
        form = PasswordForm(request.POST if request.method == "POST" else None)
        if request.method != "POST" and _is_staff(request):
            return self._onward(request)
        if form.is_valid() and self._admit(request, form):
            if not sessions.second_step_due(request):
                self._arrived(request)
            return self._onward(request)
        because = BECAUSE.get(request.GET.get("because", ""), "") if not form.is_bound else ""
        return self._page(request, "staff/login.html", "Sign in", form, because=because)

    @sensitive_variables()
    def code(self, request: HttpRequest) -> HttpResponse:
        """The second step: a code of the app, or a recovery code."""
        if not (_is_staff(request) and sessions.is_enrolled(request) and sessions.second_step_due(request)):
            return self._onward(request)
        by_paper = "paper" in request.GET
        form = (PaperForm if by_paper else CodeForm)(request.POST if request.method == "POST" else None)
        if form.is_valid() and self._check(request, form):
            return self._onward(request)
        return self._page(request, "staff/code.html", "Second step", form, by_paper=by_paper)

    @sensitive_variables()
    def enrol(self, request: HttpRequest) -> HttpResponse:
        """Take an app into use, the first or another: shown to who has shown the one before."""
        if not _is_staff(request) or (sessions.is_enrolled(request) and sessions.second_step_due(request)):
            return self._onward(request)
        asked = ask_again(request)
        if asked:
            return asked
        form = CodeForm(request.POST if request.method == "POST" else None)
        factor, user = sessions.own_factor(request), _user(request)
        instead = factor.enrolled_at.isoformat() if factor and factor.enrolled_at else ""
        shown = _unseal(request)
        if shown and shown["instead"] != instead:  # sent twice, or another app came in between
            return HttpResponseRedirect(reverse("admin:second_factor"))
        secret = shown.get("secret") or staff_access.new_secret()
        if form.is_valid():
            made = self._enrol(request, form, secret)
            if made is not None:
                return made
        words = {
            "secret": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
            "qr": qr_code(staff_access.app_uri(secret, user.get_username())),
            "sealed": signing.dumps({"user": user.pk, "secret": secret, "instead": instead}, salt=SALT),
            "instead": instead,
        }
        return self._page(request, "staff/enrol.html", "Set up your second factor", form, **words)

    def second_factor(self, request: HttpRequest) -> HttpResponse:
        """One's own second factor: since when, and how many recovery codes are left."""
        if not self.site.has_permission(request):
            return self._onward(request)
        factor = sessions.own_factor(request)
        words: dict[str, Any] = {
            "since": factor.enrolled_at if factor else None,
            "left": staff_access.codes_left(int(request.user.pk or 0)),
            "all": CODES,
            "few": FEW,
        }
        return self._page(request, "staff/second_factor.html", "Your second factor", **words)

    @sensitive_variables()
    def codes(self, request: HttpRequest) -> HttpResponse:
        """Make recovery codes anew, and show them in answer to the POST: a redirect would have to keep them."""
        if not self.site.has_permission(request) or not sessions.is_enrolled(request) or request.method != "POST":
            return HttpResponseRedirect(reverse("admin:second_factor"))
        asked = ask_again(request)
        if asked:
            return asked
        address = request.META["REMOTE_ADDR"]
        made = staff_access.new_codes(int(request.user.pk or 0), at=clock.now(), address=address)
        return self._codes(request, made)

    @sensitive_variables()
    def _admit(self, request: HttpRequest, form: PasswordForm) -> bool:
        """Whether the password is right; then Django's session is this person's, under a new key."""
        at, address = clock.now(), request.META["REMOTE_ADDR"]
        username = form.cleaned_data["username"]
        counted = (tries.address(address), tries.account(username))
        try:
            tries.charge(*counted, at=at)
        except TooManyTries as refusal:
            form.add_error(None, refusal.message)
            return False
        user = auth.authenticate(request, username=username, password=form.cleaned_data["password"])
        if not isinstance(user, User) or not user.is_staff:
            known = User.objects.filter(username=username).values_list("pk", flat=True).first()
            staff_access.record_failure(known, "wrong password", *counted, at=at, address=address)
            form.add_error(None, WRONG)
            return False
        tries.pay_back(*counted)
        auth.login(request, user)
        sessions.begin(request, at=at)
        return True

    def _check(self, request: HttpRequest, form: forms.Form) -> bool:
        """Whether a code is right; then the second step is passed."""
        at, address, user = clock.now(), request.META["REMOTE_ADDR"], _user(request)
        counted = (tries.address(address), tries.account(user.get_username()))
        try:
            tries.charge(*counted, at=at)
        except TooManyTries as refusal:
            form.add_error(None, refusal.message)
            return False
        proof = staff_access.prove(user.pk, form.cleaned_data["code"], at=at, address=address)
        if proof is None:
            staff_access.record_failure(user.pk, "wrong code", *counted, at=at, address=address)
            form.add_error("code", WRONG_CODE)
            return False
        tries.pay_back(*counted)
        sessions.pass_second_step(request, at=at)
        if proof == Proof.RECOVERY:
            left = staff_access.codes_left(user.pk)
            words = f"You signed in with a recovery code: {left} of {CODES} are left. See “Second factor” above."
            messages.warning(request, words)
        self._arrived(request)
        return True

    def _enrol(self, request: HttpRequest, form: CodeForm, secret: str) -> HttpResponse | None:
        """Enrol the app whose code was typed; nothing if it was another's."""
        at, factor, user = clock.now(), sessions.own_factor(request), _user(request)
        is_signing_in = sessions.second_step_due(request)
        instead_of = factor.enrolled_at if factor else None
        address = request.META["REMOTE_ADDR"]
        try:
            code = form.cleaned_data["code"]
            made = staff_access.enrol(user.pk, secret, code, instead_of=instead_of, at=at, address=address)
        except BadInput as refusal:
            form.add_error("code", at_field(refusal))
            return None
        except StaleRow:
            return HttpResponseRedirect(reverse("admin:second_factor"))
        sessions.pass_second_step(request, at=at)
        if is_signing_in:
            self._arrived(request)
        return self._codes(request, made)

    def _arrived(self, request: HttpRequest) -> None:
        """Somebody is in."""
        user = _user(request)
        for subject in (tries.account(user.get_username()), tries.session_of(user.pk)):
            tries.forget(subject)
        by = "password and second factor" if sessions.is_enrolled(request) else "password"
        address = request.META["REMOTE_ADDR"]
        staff_access.record(user.pk, "sign_in.done", f"by {by}", at=clock.now(), address=address)

    def _onward(self, request: HttpRequest) -> HttpResponse:
        """To the step that is due, else to where somebody wanted to go."""
        to = _next(request)
        query = f"?{urlencode({'next': to})}"
        if not _is_staff(request):
            return HttpResponseRedirect(reverse("admin:login") + query)
        if sessions.second_step_due(request):
            step = "admin:code" if sessions.is_enrolled(request) else "admin:enrol"
            return HttpResponseRedirect(reverse(step) + query)
        return HttpResponseRedirect(to)

    def _codes(self, request: HttpRequest, made: list[str]) -> HttpResponse:
        return self._page(request, "staff/recovery_codes.html", "Your recovery codes", codes=made)

    def _page(
        self, request: HttpRequest, template: str, title: str, form: forms.Form | None = None, **words: Any
    ) -> HttpResponse:
        context = {**self.site.each_context(request), "title": title, "form": form, "next": _next(request), **words}
        return TemplateResponse(request, template, context, status=400 if form and form.errors else 200)


def _is_staff(request: HttpRequest) -> bool:
    return bool(request.user.is_active and getattr(request.user, "is_staff", False))


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise TypeError("nobody is signed in")
    return request.user


def _next(request: HttpRequest) -> str:
    """Where somebody wanted to go, within the admin."""
    return sessions.way_on(request.POST.get("next", request.GET.get("next", "")), reverse("admin:index"))


@sensitive_variables()
def _unseal(request: HttpRequest) -> dict[str, str]:
    """What this person's page showed, and to replace what; nothing if that was too long ago, or never."""
    try:
        told: dict[str, Any] = signing.loads(request.POST.get("sealed", ""), salt=SALT, max_age=ENROL_WITHIN_S)
    except signing.BadSignature:
        return {}
    return told if told.pop("user") == request.user.pk else {}
