"""How a row reads on a staff page: names with values, in panels and tables. Values are escaped by the templates."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

TIMES = frozenset(
    {"order_expiry_time", "order_created", "payment_time", "payment_completion_time"}
    | {"start_time", "end_time", "approve_by", "action_time"}
)
"""Names of the specification whose values are times in ISO 8601."""

STATUS_LOOKS = {
    # How sure we are of the money, not which machine the word comes from: the style sheet has a mark for each look.
    "paid": "taken", "success": "taken", "delivered": "taken",
    "pending": "unknown", "onhold": "unknown", "due": "unknown",
    "authorized": "held",
    "paid_out": "taken", "sent": "unknown",
    "failed": "declined",
    "expired": "left", "terminated": "left", "user_dropped": "left", "cancelled": "left", "void": "left",
    "abandoned": "declined",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fact:
    """A name with its value, or with parts that have names of their own."""

    name: str
    value: str = ""
    parts: list["Fact"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Panel:
    """Facts under one heading."""

    title: str
    facts: list[Fact]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of other models that belong to this one. `key` is the table's anchor; `all_at` lists those left out."""

    key: str
    title: str
    head: list[str]
    rows: list[list[str]]
    empty: str
    all_at: str = ""


def beside(row: Model, head: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """A table's head and rows, whose last column is the payment: left out on that payment's own page."""
    if row._meta.model_name != "payment":
        return head, rows
    return head[:-1], [cells[:-1] for cells in rows]


def moment(at: datetime | None) -> str:
    """22 Nov 2026, 16:03:09 UTC; nothing for None."""
    return f"{at.astimezone(UTC):%-d %b %Y, %H:%M:%S} UTC" if at else ""


def short_moment(at: datetime | None) -> str:
    """2026-11-22 16:03, for columns whose heading says UTC; nothing for None."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" if at else ""


def status_mark(status: str) -> str:
    """A status in plain words behind a small mark."""
    look = STATUS_LOOKS.get(status, "new")
    return format_html('<span class="till-status till-{}">{}</span>', look, status.replace("_", " "))


def link_to(row: Model, text: str) -> str:
    """A link to a row's staff page. Whether it opens is for that page to say."""
    return format_html(
        '<a href="{}">{}</a>', reverse(f"admin:payments_{row._meta.model_name}_change", args=[row.pk]), text
    )


def link_for(request: HttpRequest, row: Model, text: str) -> str:
    """A link to a row's staff page if this person may see it, else the text alone."""
    return link_to(row, text) if may_view(request, type(row)) else text


def may_view(request: HttpRequest, model: type[Model]) -> bool:
    """Whether this person may see rows of a model."""
    name = model._meta.model_name
    return any(request.user.has_perm(f"payments.{action}_{name}") for action in ("view", "change"))


def with_times(values: dict[str, Any]) -> dict[str, Any]:
    """The specification's fields with their times in words. Only for our own names: tags may be called anything."""
    return {
        name: moment(datetime.fromisoformat(value)) if name in TIMES and value else value
        for name, value in values.items()
    }


def facts_of(values: Mapping[str, Any]) -> list[Fact]:
    """Named values as facts, in their own order."""
    return [_fact(name, value) for name, value in values.items()]


def _fact(name: str, value: Any) -> Fact:
    if isinstance(value, Mapping):
        return Fact(name, parts=[Fact(str(key), _text(inner)) for key, inner in value.items()])
    if isinstance(value, Sequence) and any(isinstance(item, Mapping) for item in value):
        maps = [item if isinstance(item, Mapping) else {"": item} for item in value]
        return Fact(name, parts=[Fact(str(key), _text(inner)) for item in maps for key, inner in item.items()])
    return Fact(name, _text(value))


def _text(value: Any) -> str:
    """One value in words; marked-up strings of ours pass as they are, everything else is escaped later."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return ", ".join(str(item) for item in value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
