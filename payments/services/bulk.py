"""Rows made out of rows inside the database, however many there are."""

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Model, QuerySet


def insert_from(model: type[Model], rows: QuerySet[Any], **columns: Any) -> int:
    """Write a row of `model` for each of `rows`, with `columns` as expressions over it; say how many.

    What `columns` leaves out is null: the database has no defaults. IntegrityError as with any insert.
    """
    fields = {field.name: field.get_attname_column()[1] for field in model._meta.concrete_fields}
    names = [connection.ops.quote_name(str(fields[name])) for name in columns]
    told = {f"new_{name}": expression for name, expression in columns.items()}
    try:
        sql, params = rows.annotate(**told).values_list(*told).query.sql_with_params()
    except EmptyResultSet:  # Django knows without asking that there are none
        return 0
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({', '.join(names)}) {sql}", params)
        return int(cursor.rowcount)
