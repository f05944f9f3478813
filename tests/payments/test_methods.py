import pytest

from payments import methods
from payments.errors import BadInput

ALL = ["card", "upi", "netbanking", "wallet"]


@pytest.mark.parametrize(
    ("words", "currency", "shown"),
    [
        ([], "INR", ALL),
        ([], "USD", ["card", "wallet"]),
        (["upi", "card"], "INR", ["card", "upi"]),
        (["cc", "dc", "ccc", "ppc"], "INR", ["card"]),
        (["nb", "netbanking"], "INR", ["netbanking"]),
        (["app", "wallet"], "INR", ["wallet"]),
        (["paylater", "card"], "INR", ["card"]),
        (["upi", "card"], "USD", ["card"]),
        (["upi"], "USD", []),
        (["paypal"], "INR", []),
    ],
)
def test_both_vocabularies_lead_to_the_pages_own_order(words, currency, shown):
    assert methods.offered(words, currency) == shown


@pytest.mark.parametrize("words", [[], ["card"], ["paylater", "upi"], ["card", "card"], ["nb", "cc", "app"]])
def test_lists_that_leave_something_to_pay_with_are_accepted(words):
    assert methods.check(words, "INR") is None


@pytest.mark.parametrize(
    ("words", "currency", "reason"),
    [
        (["cash"], "INR", "unknown_method"),
        (["card", "Card"], "INR", "unknown_method"),
        ([""], "INR", "unknown_method"),
        (["upi,card"], "INR", "unknown_method"),
        (["<script>" * 99], "INR", "unknown_method"),
        (["upi", "nb"], "USD", "nothing_to_offer"),
        (["paylater", "paypal"], "INR", "nothing_to_offer"),
    ],
)
def test_unknown_words_and_empty_offers_are_refused(words, currency, reason):
    with pytest.raises(BadInput) as refused:
        methods.check(words, currency)
    assert (refused.value.field, refused.value.reason) == ("payment_methods", reason)
    assert len(refused.value.message) < 200
