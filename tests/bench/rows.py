"""Many rows, made inside PostgreSQL out of one that really happened."""

from django.db import connection

from payments.gateways.simulator.models import SimulatedPayment
from payments.models import Authorization, Order, Payment, Transfer

FIRST = 10_000_000
"""Primary keys of copies begin here."""


def multiply(sample, times):
    """Copy a captured payment with its order, authorisation and transfers, so often."""
    number = f"{FIRST} + n"
    own = {"id": number}
    ids = dict.fromkeys(("uid", "order_id", "session_id"), "'copy_' || n")
    keys = dict.fromkeys(("uid", "gateway_key", "form_nonce", "gateway_payment_id"), "'copy_' || n")
    _copy(Order, f"id = {sample.order_id}", own | ids, times)
    _copy(Payment, f"id = {sample.pk}", own | keys | {"order_id": number}, times)
    _copy(SimulatedPayment, f"key = '{sample.gateway_key}'", {"key": "'copy_' || n"}, times)
    _copy(Authorization, f"payment_id = {sample.pk}", {"payment_id": number}, times)
    of_sample = f"source_type = 'payment' AND source_id = {sample.pk}"
    _copy(Transfer, of_sample, {"source_id": number}, times)


def _copy(model, where, changed, times):
    table = model._meta.db_table
    columns = [field.column for field in model._meta.concrete_fields if not field.primary_key or "id" in changed]
    told = ", ".join(changed.get(column, column) for column in columns)
    with connection.cursor() as cursor:
        rows = f"SELECT {told} FROM {table}, generate_series(1, {times}) n WHERE {where}"  # noqa: S608  (our own words)
        cursor.execute(f"INSERT INTO {table} ({', '.join(columns)}) {rows}")
        cursor.execute(f"ANALYZE {table}")
