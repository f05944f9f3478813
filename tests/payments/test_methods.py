import pytest

from payments import methods
from payments.errors import BadInput

ALL = ["upi", "card", "netbanking", "wallet"]


@pytest.mark.parametrize(
    ("words", "currency", "shown"),
    [
        ([], "INR", ALL),
        ([], "USD", ["card", "wallet"]),
        (["card", "upi"], "INR", ["upi", "card"]),
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
def test_words_of_both_vocabularies_are_accepted(words):
    assert methods.check(words) is None


@pytest.mark.parametrize(
    "words", [["cash"], ["card", "Card"], [""], ["upi,card"], ["<script>" * 99], ["4242424242424242"]]
)
def test_unknown_words_are_refused_and_never_repeated(words):
    with pytest.raises(BadInput) as refused:
        methods.check(words)
    assert (refused.value.field, refused.value.reason) == ("payment_methods", "unknown_method")
    assert not any(word and word in refused.value.message for word in words if word != "card")
