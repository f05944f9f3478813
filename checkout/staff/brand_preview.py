"""The payment page as customers would see it, before a merchant's settings are saved.

Drawn from an order that is in memory alone. The page runs no script and sends no form: it is a picture to look at.
"""

import hashlib
import re
from base64 import b64encode
from datetime import datetime, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from checkout.hosted.page import Page
from checkout.hosted.paying import pay_page
from checkout.hosted.style import base_sheet, logo_css
from checkout.middleware import page_csp
from checkout.staff.brand_form import BRAND, LOGO, BrandForm
from payments import clock
from payments.ids import new_order_id, new_session_id
from payments.models import Merchant, Order
from payments.selectors import OrderState
from payments.states import Method, Mode

SCHEMES = ("light", "dark")
_DARK = re.compile(r"@media \(prefers-color-scheme:dark\)")
_LINK = re.compile(rb' href="[^#"][^"]*"')
_OWN_CSS = "\na{text-decoration:underline 1px}.problems{margin-block-end:20px}"


def previewed(request: HttpRequest, form: BrandForm, scheme: str) -> HttpResponse:
    """The page with what is typed, as far as it can be taken; what cannot is said above it, and shown as saved."""
    problems, saved = [], {name: getattr(form.instance, name) for name in BRAND if name != LOGO}
    if form.is_bound and not form.is_valid():
        for name in saved.keys() & form.errors.keys():
            setattr(form.instance, name, saved[name])
        problems = [f"{form.fields[name].label}: {form.errors[name][0]}" for name in BRAND if name in form.errors]
    css = _in_scheme(base_sheet(form.instance.accent), scheme) + _OWN_CSS + logo_css(form.picture())
    page = _example(form.instance, is_live=form.sells_live(), at=clock.now())
    response = render(request, "staff/brand_preview.html", {"page": page, "css": css, "problems": problems})
    response.content = _LINK.sub(b"", response.content)
    response["Content-Security-Policy"] = _policy(css)
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _policy(css: str) -> str:
    """Nothing but the page itself and exactly this style; no script, no form, and no way out of the frame."""
    digest = b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return page_csp(
        style_src=f"'sha256-{digest}'",
        script_src="'none'",
        img_src="data:",
        connect_src="'none'",
        form_action="'none'",
        frame_ancestors="'self'",
        sandbox="",
    )


def _in_scheme(css: str, scheme: str) -> str:
    """A sheet whose dark half counts always or never, whatever the system says."""
    css = css.replace("color-scheme:light dark", f"color-scheme:{scheme}")
    return _DARK.sub("@media all" if scheme == "dark" else "@media not all", css)


def _example(merchant: Merchant, *, is_live: bool, at: datetime) -> Page:
    """The page of an order that is no row and never becomes one."""
    order = Order(
        pk=0,
        uid=new_order_id(),
        merchant=merchant,
        mode=Mode.LIVE if is_live else Mode.TEST,
        order_id="ORDER-1042",
        amount_minor=229_000,
        currency=merchant.currency,
        note="Monsoon notebook × 2, letterpress calendar 2027",
        customer_name="Asha Rao",
        session_id=new_session_id(),
        return_url=merchant.return_url,
        created_at=at,
        expires_at=at + timedelta(seconds=merchant.order_expiry_s),
    )
    state = OrderState(order, [], at)
    if not state.serving:
        state.serving = {method: [] for method in Method}
    return pay_page(state)
