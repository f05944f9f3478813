import pytest
from django.conf import settings

from checkout.amounts import format_money
from checkout.shop.catalogue import BY_SLUG, CURRENCY, ITEMS, label_of, rows_of, total_of


def test_the_prices_read_as_on_the_shelf():
    assert [format_money(item.price_minor, CURRENCY) for item in ITEMS] == ["₹480.00", "₹1,250.00", "₹1,12,500.00"]


def test_every_price_is_an_integer():
    assert all(type(item.price_minor) is int for item in ITEMS)


def test_every_thing_has_its_drawing():
    assert all((settings.BASE_DIR / "static" / item.drawing).is_file() for item in ITEMS)


def test_one_thing_is_named_without_a_number():
    assert label_of(BY_SLUG["calendar"], 1) == "Letterpress calendar 2027"
    assert label_of(BY_SLUG["notebook"], 2) == "Monsoon notebook × 2"


def test_the_rows_add_up_to_the_total_with_post():
    rows = rows_of(BY_SLUG["notebook"], 2)
    assert [(row.label, row.amount_minor) for row in rows] == [
        ("Monsoon notebook × 2", 96_000),
        ("Post, Ahmedabad to Pune", 8_000),
    ]
    assert total_of(rows) == 104_000


def test_post_is_paid_once_however_many_are_bought():
    assert total_of(rows_of(BY_SLUG["suite"], 20)) == 20 * 11_250_000 + 8_000


@pytest.mark.parametrize("quantity", [-1, 0, 21])
def test_a_quantity_out_of_bounds_is_refused(quantity):
    with pytest.raises(ValueError, match="sell 1 to 20"):
        rows_of(BY_SLUG["notebook"], quantity)
