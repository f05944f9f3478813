"""Lists that stay fast however long their tables grow: pages by key, and counts that say where they stop.

A page is named by the row beside which it begins: `?before=ID` shows the rows older than that one, `?after=ID` the
newer ones. Such an address costs as much on the last page as on the first, and no row slips from one page to another
while new ones arrive. The named row need not be there any more.
"""

import re
from functools import reduce
from typing import Any

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, ChangeList
from django.db.models import Model, Q, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest

from checkout.staff.ranges import AmountRange
from checkout.staff.terms import key_of

COUNTED = 1_000
"""Rows that a list counts one by one. Of more it says that there are more."""
BEFORE, AFTER = "before", "after"
NOT_UNDERSTOOD = "The filters in that address could not be understood: this is the whole list."
_READ_BY_US = (BEFORE, AFTER, *AmountRange.names)
_TOO_LONG = re.compile(r"\d[\d_]{18}")
"""More digits than a key has, as Python reads them."""
NO_SUCH_PAGE = "That address names no page of this list: this is its first one."


class KeysetList(ChangeList):
    """Django's list, turned by key instead of by number. It keeps the order that its class gives it."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        if ERROR_FLAG in request.GET:
            messages.warning(request, NOT_UNDERSTOOD)
        super().__init__(request, *args, **kwargs)

    def get_filters(self, request: HttpRequest) -> Any:
        """Refuse NUL, which PostgreSQL takes in no text, and numbers that SQLite takes in no column.

        The search box does so by itself.
        """
        for name, texts in self.get_filters_params().items():
            if any("\x00" in text for text in texts):
                raise IncorrectLookupParameters("NUL in a filter")
            if name not in _READ_BY_US and any(_TOO_LONG.search(text) for text in texts):
                raise IncorrectLookupParameters("a number in a filter that no key is")
        return super().get_filters(request)

    def get_queryset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """The rows of all pages. Links to other filters lead to the first page: they name no row."""
        for name in (BEFORE, AFTER):
            self.params.pop(name, None)
            self.filter_params.pop(name, None)
        return super().get_queryset(request, *args, **kwargs)

    def get_ordering(self, request: HttpRequest, queryset: Any) -> Any:
        """Never by a column that the address names: only keys have an index in every list."""
        return list(self.model_admin.get_ordering(request))

    def get_results(self, request: HttpRequest) -> None:
        """Count as far as lists count, and read one page."""
        counted = self.queryset.order_by()[: COUNTED + 1].count()
        self.result_count = min(counted, COUNTED)
        self.count_words = f"{COUNTED:,}+" if counted > COUNTED else f"{counted:,}"
        self.order = self.get_ordering(request, self.queryset)
        self.is_by_time = self.order == ["-pk"]
        self.newer = self.older = self.first = ""
        self.result_list = self._page(request)
        self.multi_page = bool(self.newer or self.older or self.first)
        self.show_full_result_count = self.show_all = self.can_show_all = False
        self.full_result_count = None
        self.show_admin_actions = True

    def _page(self, request: HttpRequest) -> list[Any]:
        """The rows that were asked for. What follows is known by reading one more, what precedes by looking for one."""
        rows: QuerySet[Any] = self.queryset
        side, edge = self._asked(request)
        is_back = side == AFTER
        if edge:
            rows = rows.filter(self._beyond(edge, is_back=is_back))
            self.first = self.get_query_string()
        found = list((rows.reverse() if is_back else rows)[: self.list_per_page + 1])
        goes_on, found = len(found) > self.list_per_page, found[: self.list_per_page]
        if is_back:
            found.reverse()
        if found:
            near = found[-1] if is_back else found[0]
            back = self._beyond(self._edge_of(near), is_back=not is_back) if edge else None
            came_from = back is not None and self.queryset.filter(back).exists()
            has_newer, has_older = (goes_on, came_from) if is_back else (came_from, goes_on)
            self.newer = self.get_query_string({AFTER: found[0].pk}) if has_newer else ""
            self.older = self.get_query_string({BEFORE: found[-1].pk}) if has_older else ""
        return found

    def _asked(self, request: HttpRequest) -> tuple[str, dict[str, Any]]:
        """Which side of which row the address names; nothing where there can be no such row."""
        for side in (BEFORE, AFTER):
            if side not in request.GET:
                continue
            key = key_of(request.GET[side])
            if key and self.is_by_time:
                return side, {"pk": key}
            row = self.root_queryset.filter(pk=key).first() if key else None
            if row is not None:
                return side, self._edge_of(row)
            messages.warning(request, NO_SUCH_PAGE)
        return "", {}

    def _edge_of(self, row: Model) -> dict[str, Any]:
        """A row's place in the order, which may be that of rows it refers to."""
        names = [each.removeprefix("-") for each in self.order]
        places = {name: reduce(getattr, name.split(LOOKUP_SEP), row) for name in names}
        return {name: place.pk if isinstance(place, Model) else place for name, place in places.items()}

    def _beyond(self, edge: dict[str, Any], *, is_back: bool) -> Q:
        """Rows that follow the edge in the list's order, or, turning back, precede it."""
        found, same = Q(), Q()
        for each in self.order:
            name = each.removeprefix("-")
            operator = "lt" if each.startswith("-") != is_back else "gt"
            found |= same & Q((f"{name}__{operator}", edge[name]))
            same &= Q((name, edge[name]))
        return found
