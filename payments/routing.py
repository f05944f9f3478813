"""Which account serves a payment: the merchant's rules in their order, or without rules its accounts by age."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, QuerySet

from payments import methods
from payments.gateways.registry import gateway_named, is_open
from payments.ids import nonce_after
from payments.models import GatewayAccount, Order, RoutingRule
from payments.states import ENDED_UNPAID, Method, PaymentStatus

MOST_TRIES = 5
"""Accounts that one submit of a form goes to at most, each only where the one before surely took nothing."""


@dataclass(frozen=True, slots=True)
class Route:
    """An account that may serve a payment, and the rule that says so; no rule where there are none."""

    account: GatewayAccount
    rule: RoutingRule | None = None

    def in_words(self, method: Method) -> str:
        """Why a payment goes there, for staff."""
        by = f"rule {self.rule.position} (#{self.rule.pk})" if self.rule else "oldest account"
        return f"{by}: {method} via {self.account.gateway}"


def nonces_of(form_nonce: str) -> list[str]:
    """The nonces that attempts of one form have: its own, and those of the attempts that took the place of others."""
    return [nonce_after(form_nonce, tries) for tries in range(MOST_TRIES)]


def takes_attempts(account: GatewayAccount) -> bool:
    """Whether new attempts may go to an account: its gateway is open, and it has all that it signs in with."""
    return is_open(account.gateway) and not missing_credentials(account)


def missing_credentials(account: GatewayAccount) -> list[str]:
    """Labels of the credentials that an account has to have and lacks."""
    fields = gateway_named(account.gateway).credential_fields
    return [field.label for field in fields if not field.is_optional and field.name not in account.credential_hints]


def open_accounts(order: Order) -> list[GatewayAccount]:
    """The merchant's accounts that take new attempts in the order's mode."""
    return list({route.account.pk: route.account for route in _routes(_accounts(order))}.values())


def routes_of(order: Order, *, at: datetime) -> dict[Method, list[Route]]:
    """The ways to pay this order, in the page's order, each with the accounts that serve it, the first to try first.

    An account that failed too often just now comes after those that did not, so that it is tried where it is the only
    one. Everything is read by one statement, but for merchants with several accounts of which one shares its orders.
    """
    accounts = list(_accounts(order))
    known = list(_routes(accounts))
    ruled = [route for route in known if route.rule]
    known = ruled or sorted(known, key=lambda route: route.account.pk)
    found = {}
    for method in methods.offered(order.payment_methods, order.currency):
        able: dict[int, Route] = {}
        for route in known:
            if _serves(route, order, method):
                able.setdefault(route.account.pk, route)
        if able:
            in_order = sorted(able.values(), key=lambda route: route.account.rests(at=at))
            found[method] = in_order[:MOST_TRIES]
    kept = _kept_at(order, accounts, at=at)
    if kept is None:
        return found
    here = {method: [route for route in routes if route.account.pk == kept] for method, routes in found.items()}
    return {method: routes for method, routes in here.items() if routes}


def _kept_at(order: Order, accounts: list[GatewayAccount], *, at: datetime) -> int | None:
    """The account at which the order has to go on, if there is one: also one that serves nothing any more.

    A gateway whose orders are shared closes none: its page may still be open in another tab after our customer left
    it, was declined there or chose again here. For that attempt's time only an attempt on the same order there cannot
    lead to two payments.
    """
    if order.pk is None:  # one that is about to be made has been nowhere
        return None
    sharing = {account.pk for account in accounts if gateway_named(account.gateway).shares_orders}
    if not sharing or len({account.pk for account in accounts}) < 2:
        return None
    unpaid = order.payments.filter(status__in={PaymentStatus.PENDING, *ENDED_UNPAID}, account__in=sharing)
    opened = unpaid.filter(deadline_at__gt=at).exclude(gateway_order_id="").order_by("-pk")
    return opened.values_list("account_id", flat=True).first()


def _accounts(order: Order) -> QuerySet[GatewayAccount]:
    """The merchant's accounts in the order's mode, each once for each of its rules, in the rules' order."""
    mine = GatewayAccount.objects.filter(merchant_id=order.merchant_id, mode=order.mode).select_related("merchant")
    rule = {f"rule_{name}": F(f"rules__{name}") for name in _RULE}
    return mine.annotate(**rule).order_by("rules__position", "rules__pk", "pk")


def _routes(accounts: Iterable[GatewayAccount]) -> Iterator[Route]:
    """Open accounts with each of their enabled rules; one without any stands there by itself."""
    for account in accounts:
        if takes_attempts(account):
            columns = {name: getattr(account, f"rule_{name}") for name in _RULE}
            is_rule = columns["id"] is not None and columns["is_enabled"]
            yield Route(account, RoutingRule(account=account, **columns) if is_rule else None)


_RULE = ("id", "position", "methods", "currency", "min_minor", "max_minor", "is_enabled")


def _serves(route: Route, order: Order, method: Method) -> bool:
    """Whether its gateway takes such a payment; where money is to be held, only by methods whose money it can hold."""
    gateway = gateway_named(route.account.gateway)
    if order.manual_capture and method not in gateway.holds:
        return False
    return gateway.accepts(order.amount, method) and (route.rule is None or route.rule.fits(order.amount, method))
