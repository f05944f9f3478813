"""A great many rows from long ago, and how the database means to step over them."""

from django.db import connection

from payments import ids
from payments.models import Order, Payment, Refund
from tests.factories import PaymentFactory, RefundFactory


def much_of_last_year(*, taken_on, number=4_000, **order):
    """Payments that were taken then, each with a refund that was done."""
    columns = {f"order__{name}": value for name, value in order.items()}
    first = PaymentFactory(success=True, started_at=taken_on, **columns)
    back = RefundFactory(payment=first, status="success", sent_at=taken_on, completed_at=taken_on)
    orders = [_like(first.order, uid=uid, order_id=uid, session_id=uid) for uid in _ids(ids.new_order_id, number)]
    payments = [
        _like(first, uid=uid, gateway_key=uid, gateway_payment_id="", order_id=order.pk)
        for uid, order in zip(_ids(ids.new_payment_id, number), Order.objects.bulk_create(orders), strict=True)
    ]
    Refund.objects.bulk_create(
        _like(back, uid=uid, gateway_key=uid, refund_id=uid, payment_id=payment.pk, order_id=payment.order_id)
        for uid, payment in zip(_ids(ids.new_refund_id, number), Payment.objects.bulk_create(payments), strict=True)
    )


def _ids(new, number):
    return [new() for _ in range(number)]


def _like(row, **over):
    columns = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return type(row)(**{**columns, "id": None, **over})


def plan_of(sql):
    """How the database would answer a statement, in its own words."""
    with connection.cursor() as cursor:
        cursor.execute(f"{'EXPLAIN' if connection.vendor == 'postgresql' else 'EXPLAIN QUERY PLAN'} {sql}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())
