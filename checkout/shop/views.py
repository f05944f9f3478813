"""Patang's pages. How an order stands is asked of Till every time, not read from address, session or webhook."""

import json
import logging
import sqlite3
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from checkout.amounts import format_money
from checkout.redirects import SeeOther
from checkout.shop import client, inbox
from checkout.shop import orders as book
from checkout.shop.catalogue import BY_SLUG, CURRENCY, ITEMS, POST_MINOR, label_of, rows_of, total_of
from checkout.shop.client import Demo
from checkout.shop.forms import BUYER_NAME, BuyForm, empty_form
from checkout.shop.standings import standing_of

P = ParamSpec("P")
log = logging.getLogger(__name__)
SHOP_ZONE = ZoneInfo("Asia/Kolkata")
RETRY_AFTER_S = 5
ASKED_AT_ONCE = 5
"""How many orders the list asks Till about: it holds one of the server's threads meanwhile."""
LOOPBACK = {"localhost", "127.0.0.1"}


def shop_page(
    view: Callable[Concatenate[HttpRequest, Demo, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Hand the demo merchant to the view, and turn each thing that can stop the shop into a page."""

    @never_cache
    @wraps(view)
    def page(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            demo = client.read_demo()
            return _to_own_name(request, demo) or view(request, demo, *args, **kwargs)
        except client.DemoMissing:
            return render(request, "shop/closed.html", status=404)
        except (client.ShopBusy, client.TillUnavailable) as error:
            log.warning("sample shop: no answer: %s: %s", type(error).__name__, error)
            return _busy(request)
        except client.TillRefused as error:
            status = 400 if error.code == "invalid_argument" else 502
            context = {"message": error.message, "asked_to_buy": request.method == "POST"}
            return render(request, "shop/refused.html", context, status=status)

    return page


@require_safe
@shop_page
def home(request: HttpRequest, demo: Demo) -> HttpResponse:
    """The shelf."""
    return _shelf(request)


@require_safe
@shop_page
def terms(request: HttpRequest, demo: Demo) -> HttpResponse:
    """What the payment page's foot links to."""
    return render(request, "shop/terms.html")


@require_POST
@shop_page
def buy(request: HttpRequest, demo: Demo) -> HttpResponse:
    """Make the order at Till, remember it, and send the buyer to the page to pay on."""
    form = BuyForm(request.POST, auto_id=f"{_known_slug(request)}-%s")
    if not form.is_valid():
        return _shelf(request, refused=form, status=400)
    asked = form.cleaned_data
    item, quantity = BY_SLUG[asked["item"]], asked["quantity"]
    rows = rows_of(item, quantity)
    new = client.NewOrder(
        order_id=book.new_id(),
        total_minor=total_of(rows),
        note=f"{label_of(item, quantity)}, with post",
        customer_name=asked["name"],
        customer_email=asked["email"],
        customer_phone=asked["phone"],
    )
    session_id = client.create_order(demo, new)
    book.remember(
        request.session,
        order_id=new.order_id,
        session_id=session_id,
        buyer=asked["name"],
        rows=rows,
        at=timezone.now(),
    )
    return SeeOther(client.pay_url(demo, session_id))


@require_safe
@shop_page
def orders(request: HttpRequest, demo: Demo) -> HttpResponse:
    """The orders of this browser: what VerifyPayment says of the newest, beside the webhooks that came about each."""
    kept = book.all_of(request.session)
    arrived = _arrived([order["id"] for order in kept])
    answers = _answers(demo, [order["id"] for order in kept[:ASKED_AT_ONCE]])
    listed = [
        {
            "id": order["id"],
            "what": order["rows"][0][0],
            "total": format_money(order["total_minor"], CURRENCY),
            "when": _day(datetime.fromisoformat(order["at"])),
            "answer": answers.get(order["id"]),
            "was_asked": place < ASKED_AT_ONCE,
            "webhooks": arrived[order["id"]],
        }
        for place, order in enumerate(kept)
    ]
    return render(request, "shop/orders.html", {"orders": listed, "asked_at": _clock(timezone.now())})


@require_safe
@shop_page
def order(request: HttpRequest, demo: Demo, order_id: str) -> HttpResponse:
    """One order, as Till answers for it now."""
    return _order_page(request, demo, order_id)


@require_safe
@shop_page
def come_back(request: HttpRequest, demo: Demo) -> HttpResponse:
    """Where Till sends the buyer back to. Of the address only the order's number counts, and only to look it up."""
    return _order_page(request, demo, request.GET.get("order_id", ""))


def _order_page(request: HttpRequest, demo: Demo, order_id: str) -> HttpResponse:
    known = book.find(request.session, order_id)
    if known is None:
        return render(request, "shop/unknown.html", status=404)
    answer = client.verify_payment(demo, order_id)
    standing = standing_of(answer)
    total = format_money(known["total_minor"], CURRENCY)
    context = {
        "order": known,
        "rows": [(label, format_money(minor, CURRENCY)) for label, minor in known["rows"]],
        "total": total,
        "standing": standing,
        "heading": [line.format(name=_first_name(known["buyer"])) for line in standing.heading],
        "words": standing.words.format(total=total),
        "pay_url": client.pay_url(demo, known["session_id"]),
        "asked_at": _clock(timezone.now()),
        "answer": json.dumps(answer, indent=2, ensure_ascii=False),
        "webhooks": _arrived([order_id])[order_id],
    }
    return render(request, "shop/order.html", context)


def _answers(demo: Demo, order_ids: list[str]) -> dict[str, dict[str, Any]]:
    """What VerifyPayment says of each order; of the first it does not answer, and those after it, nothing."""
    found: dict[str, dict[str, Any]] = {}
    for order_id in order_ids:
        try:
            answer = client.verify_payment(demo, order_id)
        except client.ShopError as error:
            log.warning("sample shop: no answer: %s", type(error).__name__)
            break
        found[order_id] = {"standing": standing_of(answer), "status": answer.get("status"), "code": answer.get("code")}
    return found


def _arrived(order_ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The webhooks that came about each order, in words; none where they cannot be read now."""
    try:
        found = inbox.of_orders(order_ids)
    except sqlite3.Error as fault:
        log.warning("sample shop: webhooks cannot be read: %s", type(fault).__name__)
        found = {order_id: [] for order_id in order_ids}
    return {
        order_id: [
            {"kind": one.kind, "when": _clock(one.arrived_at), "attempt": one.attempt, "again": one.times - 1}
            for one in messages
        ]
        for order_id, messages in found.items()
    }


def _shelf(request: HttpRequest, *, refused: BuyForm | None = None, status: int = 200) -> HttpResponse:
    """The shelf, with the refused form filled in as it was sent, under the thing it is about."""
    slug = _known_slug(request)
    cards = [
        {
            "item": item,
            "price": format_money(item.price_minor, CURRENCY),
            "form": refused if refused and item.slug == slug else empty_form(item),
        }
        for item in ITEMS
    ]
    context = {"cards": cards, "refused": refused, "buyer": BUYER_NAME, "post": format_money(POST_MINOR, CURRENCY)}
    return render(request, "shop/shelf.html", context, status=status)


def _busy(request: HttpRequest) -> HttpResponse:
    """Nothing is known to be wrong with the order, so the way out is to ask again."""
    response = render(request, "shop/busy.html", {"asked_to_buy": request.method == "POST"}, status=503)
    response["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _to_own_name(request: HttpRequest, demo: Demo) -> HttpResponse | None:
    """Move a visitor of localhost to 127.0.0.1, or the other way, whichever name the demo was set up with.

    Under the other name the browser would block the way from the Buy button to the payment page (it leaves the
    origin, and `form-action 'self'` forbids that), and would not bring the shop's cookie back.
    """
    here, own = urlsplit(f"//{request.get_host()}"), urlsplit(demo.base_url)
    if request.method == "POST" or {here.hostname, own.hostname} != LOOPBACK or here.port != own.port:
        return None
    return HttpResponseRedirect(demo.base_url + request.get_full_path())


def _known_slug(request: HttpRequest) -> str:
    slug = request.POST.get("item", "")
    return slug if slug in BY_SLUG else ""


def _first_name(name: str) -> str:
    return name.split()[0] if name.split() else name


def _clock(at: datetime) -> str:
    return at.astimezone(SHOP_ZONE).strftime("%I:%M:%S %p").lstrip("0").lower()


def _day(at: datetime) -> str:
    local = at.astimezone(SHOP_ZONE)
    return f"{local.day} {local:%B %Y}, {local.strftime('%I:%M %p').lstrip('0').lower()}"
