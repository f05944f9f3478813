"""One search box that understands everything staff have in hand, each way by an index of its own.

What a term may be is asked of each table for itself, and the answers are put together by key: a condition over several
tables, or over columns with different indexes, would make the database read every row.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.contrib import admin
from django.db.models import F, Model, Q, QuerySet, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.http import HttpRequest

from checkout.staff.terms import Figure, Term
from payments.gateways.registry import GATEWAYS
from payments.models import Customer, Order, Payment, Refund
from payments.models.payment import TAKEN_OTHERWISE

Row = TypeVar("Row", bound=Model)
Ways = list[Q]
"""Conditions on one table, each answered by one of its indexes."""

if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
else:
    AnyAdmin = object


def any_of(rows: QuerySet[Row], ways: Sequence[Q]) -> QuerySet[Row]:
    """The rows that any of these conditions finds."""
    if not ways:
        return rows.none()
    if len(ways) == 1:
        return rows.filter(ways[0])
    first, *others = [rows.model._default_manager.filter(way).order_by().values("pk") for way in ways]
    return rows.filter(pk__in=first.union(*others, all=True))


# --- Ways to find a row of one table by its own columns ---


def _filled(**column: str) -> Q:
    """A column with this value. That it is not empty is said besides: its index holds no empty ones."""
    return Q(**column) & ~Q(**dict.fromkeys(column, ""))


def _email(column: str, term: Term) -> Ways:
    if not term.email:
        return []
    return [Q(Exact(Lower(F(column)), Lower(Value(term.email)))) & ~Q(**{column: ""})]


def _amount(figure: Figure | None, column: str = "amount_minor", *, only_if: Q | None = None) -> Ways:
    if figure is None:
        return []
    return [(only_if or Q()) & Q(**{column: minor}, currency__in=known) for minor, known in figure.monies()]


def customer_ways(term: Term) -> Ways:
    """By the merchant's reference, e-mail address or phone number."""
    ways = [_filled(reference=term.id)] if term.id else []
    if term.phones:
        ways.append(Q(phone__in=term.phones))
    return [*ways, *_email("email", term)]


def order_ways(term: Term) -> Ways:
    """By the merchant's id or ours, the customer's reference, and the e-mail address and phone number on it."""
    ways = []
    if term.id:
        customers = Customer.objects.filter(_filled(reference=term.id)).values("pk")
        ways += [Q(order_id=term.id), Q(uid=term.id), Q(customer__in=customers)]
    if term.phones:
        ways.append(Q(customer_phone__in=term.phones))
    return [*ways, *_email("customer_email", term)]


def payment_ways(term: Term) -> Ways:
    """By our id, our key at the gateway, the gateway's id and the bank's reference."""
    if not term.id:
        return []
    filled = [_filled(gateway_payment_id=term.id), _filled(bank_reference=term.id)]
    return [Q(uid=term.id), Q(gateway_key=term.id), *filled]


def refund_ways(term: Term) -> Ways:
    """By the merchant's id or ours, our key at the gateway, the gateway's id and the bank's reference."""
    if not term.id:
        return []
    filled = [_filled(gateway_refund_id=term.id), _filled(bank_reference=term.id)]
    return [Q(refund_id=term.id), Q(uid=term.id), Q(gateway_key=term.id), *filled]


# --- What each list finds ---


def orders_by(term: Term) -> Ways:
    """Orders by themselves, by their payments and refunds, and by amount."""
    payments = [Q(pk__in=Payment.objects.filter(way).values("order")) for way in payment_ways(term)]
    refunds = [Q(pk__in=Refund.objects.filter(way).values("order")) for way in refund_ways(term)]
    return [*order_ways(term), *payments, *refunds, *_amount(term.amount)]


def payments_by(term: Term) -> Ways:
    """Payments by themselves, by their order and refunds, and by the amount that was asked for or taken."""
    orders = [Q(order__in=Order.objects.filter(way).values("pk")) for way in order_ways(term)]
    refunds = [Q(pk__in=Refund.objects.filter(way).values("payment")) for way in refund_ways(term)]
    taken = _amount(term.amount, "captured_minor", only_if=TAKEN_OTHERWISE)
    return [*payment_ways(term), *orders, *refunds, *_amount(term.amount), *taken]


def refunds_by(term: Term) -> Ways:
    """Refunds by themselves, by their payment and order, and by their own amount."""
    orders = [Q(order__in=Order.objects.filter(way).values("pk")) for way in order_ways(term)]
    payments = [Q(payment__in=Payment.objects.filter(way).values("pk")) for way in payment_ways(term)]
    return [*refund_ways(term), *orders, *payments, *_amount(term.amount)]


def customers_by(term: Term) -> Ways:
    """Customers by themselves and by their id."""
    return [*customer_ways(term), *([Q(pk=term.key)] if term.key else [])]


def order_ids(term: Term, path: str = "") -> Ways:
    """An order's public ids, ours and the merchant's, for the lists of what belongs to orders."""
    return [Q(**{f"{path}uid": term.id}), Q(**{f"{path}order_id": term.id})] if term.id else []


def events_by(term: Term) -> Ways:
    """Events of an order, of one of its payments or of a refund."""
    payments, refunds = Payment.objects.filter(uid=term.id), Refund.objects.filter(uid=term.id)
    return [*order_ids(term, "order__"), Q(payment__in=payments.values("pk")), Q(refund__in=refunds.values("pk"))]


def gateway_events_by(term: Term) -> Ways:
    """Gateway events by the gateway's id, which is indexed beside its gateway, and those of a payment or an order."""
    payments = [Q(payment__in=Payment.objects.filter(uid=term.id).values("pk")), *order_ids(term, "payment__order__")]
    return [Q(gateway__in=list(GATEWAYS), event_id=term.id), *payments]


def adjustments_by(term: Term) -> Ways:
    """Adjustments of a payment, or of an order's payments."""
    return [Q(payment__in=Payment.objects.filter(uid=term.id).values("pk")), *order_ids(term, "payment__order__")]


class FindsByTerm(AnyAdmin):
    """A list whose search reads a term in every way it can be meant."""

    search_fields = ("pk",)  # all this says is that there is a search box
    finds: ClassVar[Callable[[Term], Ways]]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = Term(search_term)
        return (any_of(queryset, type(self).finds(term)) if term.text else queryset), False
