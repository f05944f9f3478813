"""What a page shows: plain values for the templates, and the parts every page of an order shares."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _
from django.views.decorators.gzip import gzip_page

from checkout.amounts import Amount, amount_of
from checkout.hosted.codes import Code
from checkout.hosted.forms import MethodForm
from checkout.hosted.style import stylesheet_url
from checkout.hosted.switcher import language_links
from checkout.hosted.times import stamp
from checkout.languages import LANGUAGES, Language
from checkout.middleware import page_csp
from checkout.speaking import PARAMETER, asked_language, labelled, now_spoken
from payments.errors import BadInput
from payments.fields import phone_in_words
from payments.gateways.registry import SIMULATOR
from payments.models import Order
from payments.money import Money
from payments.selectors import OrderState
from payments.states import Mode
from payments.urls import check_return_url, finished_return_url

PAY, CHECK, CANCEL = "pay", "check", "cancel"
"""Names of the forms, bound into their tokens; that of CANCEL also names the attempt."""

LONG_VALUE = 34
"""Characters from which a receipt row's value stands below its label."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the slip's details."""

    label: str
    value: str
    is_note: bool = False

    @property
    def text(self) -> str:
        return labelled(self.label, self.value)

    @property
    def is_long(self) -> bool:
        return self.is_note or len(self.value) > LONG_VALUE


@dataclass(frozen=True, slots=True)
class Slip:
    """The sheet of paper: amount, money line, money sentence, details.

    `money` is where the money is: none, over (nothing taken, and it is too late), held, taken, unknown or returning.
    """

    eyebrow: str
    amount: Amount
    money: str
    sentence: str
    reference: str
    next_line: str = ""
    rows: list[Row] = field(default_factory=list)
    rows_open: bool = False
    is_quiet: bool = False


@dataclass(frozen=True, slots=True)
class MethodRow:
    """One way to pay in the list."""

    code: str
    name: str
    covers: str
    glyph: str
    template: str
    form: MethodForm
    gateway: str
    button: str
    is_chosen: bool = False

    @property
    def field_id(self) -> str:
        return f"method-{self.code}"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of waiting: past, now or next."""

    state: str
    name: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class ButtonForm:
    """A form that is one button. `attempt` is the payment it is about, where that matters."""

    action: str
    token: str
    label: str
    busy_label: str
    attempt: str = ""


@dataclass(frozen=True, slots=True)
class WayOut:
    """Where a customer leaves us for a gateway's page: by a form with these fields, or by a link if it has none."""

    url: str
    origin: str
    label: str
    busy_label: str
    hint: str
    fields: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """A heading, or a link's label, and what belongs to it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Longer:
    """That the page's time ends, and a button for more where that can be had, which says how often it was `used`."""

    heading: str
    text: str
    offer: str
    action: str
    label: str
    used: int
    due_in_s: int
    """Seconds until the warning is due; 0 shows it."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One line of the error summary."""

    field_id: str
    text: str


@dataclass
class Page:
    """Everything a hosted template may show. Empty means: leave it out."""

    template: str
    title: str
    stylesheet: str
    status: int = 200
    heading: str = ""
    lead: str = ""
    has_result_mark: bool = False
    slip: Slip | None = None
    merchant_name: str = ""
    support_email: str = ""
    support_phone: str = ""
    terms_url: str = ""
    address: str = ""
    """Where a change of language leads; empty stays at the page's own address."""
    stays: bool = False
    """Whether the customer asked it not to go on by itself."""
    test_mode: bool = False
    test_inputs_url: str = ""
    direction: str = field(default_factory=lambda: "rtl" if get_language_bidi() else "ltr")
    # Paying
    methods_heading: str = ""
    methods: list[MethodRow] = field(default_factory=list)
    form_action: str = ""
    form_token: str = ""
    pay_label: str = ""
    busy_label: str = ""
    card_note: str = ""
    longer: Longer | None = None
    error_heading: str = ""
    errors: list[FieldError] = field(default_factory=list)
    # Waiting
    notice: Text | None = None
    go_on: Text | None = None
    """The link to where the customer acts: label and address."""
    way_out: WayOut | None = None
    code: Code | None = None
    code_label: str = ""
    code_words: str = ""
    steps: list[Step] = field(default_factory=list)
    check: ButtonForm | None = None
    cancel: ButtonForm | None = None
    more: Text | None = None
    """What unfolds for those who need it."""
    sections: list[Text] = field(default_factory=list)
    closing_words: str = ""
    # Leaving
    return_url: str = ""
    return_label: str = ""
    refresh: str = ""
    refresh_words: str = ""
    stay_url: str = ""
    stay_label: str = ""
    print_label: str = ""

    @property
    def language(self) -> Language:
        return LANGUAGES[now_spoken()]

    @property
    def language_links(self) -> SafeString:
        return language_links(self.address, now_spoken(), stays=self.stays)

    @property
    def unchecked_words(self) -> str:
        """Which translations no native reader has checked."""
        unchecked = [language.own_name for language in LANGUAGES.values() if not language.is_checked]
        return labelled(_("Not read by native readers yet"), ", ".join(unchecked)) if unchecked else ""

    @property
    def support_phone_link(self) -> str:
        return format_html('<a dir="ltr" href="tel:{}">{}</a>', self.support_phone, phone_in_words(self.support_phone))

    @property
    def merchant_initial(self) -> str:
        return self.merchant_name[:1].upper()


@gzip_page  # scripts of three bytes a letter are heavy; whoever can ask for a page knows all that is secret in it
def respond(request: HttpRequest, page: Page) -> HttpResponse:
    """Render a page with its status and, where it has one, its Refresh header."""
    if request.method in ("GET", "HEAD"):
        page.address = ""
    response = render(request, page.template, {"page": page}, status=page.status)
    if page.refresh:
        response["Refresh"] = page.refresh
    response["Content-Security-Policy"] = page_csp(**csp_over(page))
    return response


def csp_over(page: Page) -> dict[str, str]:
    """What a page needs beyond the policy of all."""
    # A logo comes inside the style sheet, and an empty icon spares every browser a request.
    over = {"img_src": "'self' data:"}
    if page.way_out and page.way_out.fields is not None:
        over["form_action"] = f"'self' {page.way_out.origin}"
    return over


def plain_page(template: str, title: str, **values: Any) -> Page:
    """A page without an order."""
    return Page(template=template, title=title, stylesheet=stylesheet_url(""), heading=title, **values)


def order_page(state: OrderState, template: str, title: str, **values: Any) -> Page:
    """A page of an order, in the merchant's name, colour and logo."""
    merchant, is_test = state.order.merchant, state.order.mode == Mode.TEST
    return Page(
        template=template,
        title=title,
        stylesheet=stylesheet_url(merchant.accent, merchant.logo_digest),
        merchant_name=merchant.name,
        support_email=merchant.support_email,
        address=reverse("hosted:page", args=[state.order.session_id]),
        support_phone=merchant.support_phone,
        # One of an engineer's own machine is of no use to customers who pay.
        terms_url=merchant.terms_url if is_test or merchant.terms_url.startswith("https://") else "",
        test_mode=is_test,
        test_inputs_url=reverse("simulator:inputs") if is_test and _is_simulated(state) else "",
        **values,
    )


def _is_simulated(state: OrderState) -> bool:
    """Whether the simulator has the attempt that is out, may get the next one, or had the last."""
    if state.live is None and state.takes_attempts:
        return any(route.account.gateway == SIMULATOR for routes in state.serving.values() for route in routes)
    last = state.live or (state.payments[0] if state.payments else None)
    return last is not None and last.gateway == SIMULATOR


def slip(
    state: OrderState,
    eyebrow: str,
    money: str,
    sentence: str,
    *,
    amount: Money | None = None,
    receipt: tuple[list[Row], list[Row]] | None = None,
    **values: Any,
) -> Slip:
    """The order's slip, with its amount unless another is given. `receipt` has what stands above and below."""
    order = state.order
    above, below = receipt or ([], before_paying_rows(order))
    note = [Row(_("For"), order.note, is_note=True)] if order.note else []
    rows = [*above, *note, Row(_("Order"), order.order_id), *below]
    return Slip(eyebrow, amount_of(amount or order.amount), money, sentence, order.order_id, rows=rows, **values)


def before_paying_rows(order: Order) -> list[Row]:
    """The details of an order that nobody has paid yet."""
    return [
        Row(_("Billed to"), order.payer),
        Row(_("Made"), stamp(order.created_at, order.merchant.time_zone)),
    ]


def amount_text(money: Money) -> str:
    """₹2,290.00"""
    return amount_of(money).text


def return_url(order: Order) -> str:
    """The finished return URL, or nothing if its origin is no longer registered: checked again at the last moment."""
    try:
        check_return_url(order.return_url, origins=order.merchant.return_origins, live=order.mode == Mode.LIVE)
    except BadInput:
        return ""
    return finished_return_url(order.return_url, order.order_id)


def leaving(order: Order, label: str) -> dict[str, str]:
    """The button back to the shop, if there is a way back."""
    url = return_url(order)
    return {"return_url": url, "return_label": label} if url else {}


def url_of(state: OrderState, name: str = "page", **query: str) -> str:
    """An address of the order's journey, in the language that was asked for."""
    address = reverse(f"hosted:{name}", args=[state.order.session_id])
    query = {PARAMETER: asked_language(), **query} if asked_language() else query
    return f"{address}?{urlencode(query)}" if query else address
