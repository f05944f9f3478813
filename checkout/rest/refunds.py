"""Refunds of an order."""

from decimal import Decimal

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Router

from checkout.rest.access import found, money_of, own_order
from checkout.rest.entities import Error, RefundEntity
from checkout.rest.schemas import CreateRefundRequest, UpdateRefundRequest
from checkout.rest.writes import Told, answer, write
from payments import clock
from payments.errors import NotRefundable
from payments.models import Order, Payment, Refund
from payments.money import Money
from payments.services.refunds import NewRefund, cancel_refund, reserve_refund
from payments.states import CaptureKind
from payments.wire import refund_entity

router = Router(tags=["Refunds"])


@router.post(
    "/{order_id}/refunds",
    response={200: RefundEntity, 404: Error, 412: Error},
    operation_id="createRefund",
)
def create(request: HttpRequest, order_id: str, body: CreateRefundRequest) -> HttpResponse:
    """Give money back, all or part. It is reserved at once and sent right after: ask again for what became of it."""
    order = own_order(request, order_id)

    def effect() -> Told:
        refund = reserve_refund(_captured(order).pk, _new_refund(body, order), at=clock.now())
        refund = Refund.objects.select_related("payment", "order").get(pk=refund.pk)
        return refund.refund_id, refund_entity(refund)

    return write(request, effect)


def _new_refund(body: CreateRefundRequest, order: Order) -> NewRefund:
    return NewRefund(
        money_of("refund_amount", body.refund_amount, order.currency),
        refund_id=body.refund_id or "",
        note=body.refund_note or "",
        available=_available(body.refund_amount_available, order.currency),
    )


def _available(amount: Decimal | None, currency: str) -> Money | None:
    """What the caller believes to be left, which may be nothing."""
    if amount is None:
        return None
    return Money(0, currency) if amount == 0 else money_of("refund_amount_available", amount, currency)


def _captured(order: Order) -> Payment:
    """The payment that paid the order. Raises NotRefundable."""
    paid = order.payments.filter(capture_kind=CaptureKind.NORMAL).first()
    if paid is None:
        raise NotRefundable("order_not_paid: no money was taken for this order, so there is nothing to give back.")
    return paid


@router.get("/{order_id}/refunds", response={200: list[RefundEntity], 404: Error}, operation_id="listRefunds")
def list_refunds(request: HttpRequest, order_id: str) -> HttpResponse:
    """All refunds of an order, newest first, with those that went back by themselves."""
    refunds = _refunds(own_order(request, order_id)).order_by("-pk")
    return answer([refund_entity(refund) for refund in refunds])


@router.get("/{order_id}/refunds/{refund_id}", response={200: RefundEntity, 404: Error}, operation_id="getRefund")
def get(request: HttpRequest, order_id: str, refund_id: str) -> HttpResponse:
    """One refund, by your own id of it."""
    return answer(refund_entity(_refund(own_order(request, order_id), refund_id)))


@router.put(
    "/{order_id}/refunds/{refund_id}",
    response={200: RefundEntity, 404: Error},
    operation_id="updateRefund",
)
def update(request: HttpRequest, order_id: str, refund_id: str, body: UpdateRefundRequest) -> HttpResponse:
    """Give up a refund that waits for somebody's approval. One that was sent cannot be stopped."""
    order = own_order(request, order_id)

    def effect() -> Told:
        refund = _refund(order, refund_id)
        cancel_refund(refund.pk, at=clock.now())
        return refund.refund_id, refund_entity(_refund(order, refund_id))

    return write(request, effect)


def _refunds(order: Order) -> QuerySet[Refund]:
    return order.refunds.select_related("payment", "order")


def _refund(order: Order, refund_id: str) -> Refund:
    """Raises NotFound."""
    message = "refund_not_found: this order has no refund with this refund_id."
    return found(_refunds(order), message, refund_id=refund_id)
