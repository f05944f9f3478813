"""Tables for spreadsheets: CSV in pieces, in which no cell that somebody else wrote can be a formula."""

import csv
from collections.abc import Iterable, Iterator
from decimal import Decimal
from io import StringIO

Cell = str | Decimal
"""Text from anywhere, or a number of our own."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a cell must not begin with, whole-width forms too (the list of OWASP's page on CSV injection)."""


def text_of(cell: Cell) -> str:
    """A cell as it is written. Text that a spreadsheet would compute gets an apostrophe; numbers stay numbers."""
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return f"'{cell}" if cell.lstrip(" ").startswith(FORMULA) else cell


def csv_of(head: list[str], chunks: Iterable[Iterable[list[Cell]]]) -> Iterator[str]:
    """One header row, then the rows: a piece of text for each chunk, so that no more than that is ever held."""
    page = StringIO()
    writer = csv.writer(page)
    writer.writerow(head)
    for rows in chunks:
        writer.writerows([text_of(cell) for cell in row] for row in rows)
        yield page.getvalue()
        page.seek(0)
        page.truncate()
    if page.tell():
        yield page.getvalue()
