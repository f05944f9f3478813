"""Why an attempt failed: one of four advices for the payer, the exact code for the merchant."""

import re
from pathlib import Path

import pytest

from checkout.hosted.advice import ADVICE, Advice
from payments import wire
from payments.gateways.razorpay import words as razorpay
from payments.gateways.simulator import inputs as simulator
from payments.gateways.stripe import words as stripe
from payments.models import Payment
from tests.factories import PaymentFactory
from tests.hosted.customer import Customer, text_of

pytestmark = pytest.mark.django_db

TABLES = {
    "simulator": simulator.MESSAGES,
    "razorpay": {ending.code for ending in razorpay.REASONS.values()},
    "stripe": {code for code, _ in (*stripe.DECLINES.values(), stripe._DECLINED)},
}
OF_REFUNDS = {"refund_too_large", "refund_failed"}
BY_TEST_MODE = {"test_card_required", "test_upi_required"}
SENTENCES = {
    "card": {
        Advice.CHECK: "Check the card’s number, date and security code, or use another card.",
        Advice.OTHER: "Another card or another way to pay may work.",
        Advice.CALL: "Your bank didn’t say why. Call it on the number on the card, or use another card.",
        Advice.LATER: "Try again in a few minutes, or pay another way.",
    },
    "upi": {
        Advice.CHECK: "Check what you typed, or pay another way.",
        Advice.OTHER: "Another way to pay may work.",
        Advice.CALL: "Your bank didn’t say why. Ask there, or pay another way.",
        Advice.LATER: "Try again in a few minutes, or pay another way.",
    },
}
VENDORS_OWN = ("payment_risk_check_failed", "bank_technical_error", "lost_card", "x" * 40, "")


def declined(code, method="card"):
    """A payment that a bank declined for this reason."""
    details = {"code": [code], "source": ["bank"]}
    return PaymentFactory(
        failed=True, method=method, error_code=code, error_details=details, message=f"vendor says {code}",
        method_details={"card_last4": "9995"} if method == "card" else {},
        order__attempts_declined=1,
    )  # fmt: skip


def advice_on(payment):
    """What the page says between its heading and the number of tries left."""
    page = Customer(payment.order).open().content.decode()
    return re.search(r'<p class="lead">(.*?) You have 4 tries left\.', page)[1]


@pytest.mark.parametrize("gateway", TABLES)
def test_every_code_of_every_gateway_has_an_advice(gateway):
    assert set(TABLES[gateway]) - set(ADVICE) == set()


def test_no_other_code_stands_in_our_source():
    """Codes that gateways and services write beside their tables."""
    written = {
        code
        for path in Path("payments").rglob("*.py")
        for code in re.findall(
            r"""(?:error_code=|_refused\(payment, |_fail_over\(payment, trying, )"(\w+)\"""", path.read_text()
        )
    }
    assert {"left", "not_received", "order_refused", "not_supported"} <= written
    assert written - OF_REFUNDS - set(ADVICE) == set()


def test_no_advice_stands_for_a_code_that_nobody_gives():
    own = {"order_refused", "not_taken", "not_supported", "not_received"}
    assert set(ADVICE) == own.union(*TABLES.values())


@pytest.mark.parametrize("method", SENTENCES)
@pytest.mark.parametrize("code", sorted(set(ADVICE) - BY_TEST_MODE - {"order_refused", "not_supported"}))
def test_a_payer_reads_the_advice_of_the_code_and_nothing_else(code, method):
    assert advice_on(declined(code, method)) == SENTENCES[method][ADVICE[code]]


@pytest.mark.parametrize("code", VENDORS_OWN)
def test_an_unknown_code_gets_a_safe_advice(code):
    assert advice_on(declined(code)) == SENTENCES["card"][Advice.OTHER]


@pytest.mark.parametrize("code", [*ADVICE, *VENDORS_OWN])
def test_no_code_and_no_word_of_a_vendor_reaches_the_payer(code):
    payment = declined(code)
    text = text_of(Customer(payment.order).open())
    assert "vendor says" not in text
    assert "_" not in code or code not in text
    assert not code or wire.error_details(payment)["error_reason"] == code


def test_reasons_that_only_a_real_card_has_are_told_like_a_plain_no():
    """No oracle: whoever tries stolen numbers must not learn which of them are real but empty."""
    plain = ADVICE["card_declined"]
    for code in ("insufficient_funds", "limit_exceeded", "authentication_failed"):
        assert ADVICE[code] is plain
    assert ADVICE["incorrect_cvc"] is ADVICE["expired_card"] is ADVICE["incorrect_number"]


def test_a_way_that_is_not_taken_is_not_offered_as_lost_on_the_way():
    payment = PaymentFactory(failed=True, error_code="not_supported", error_details={"source": ["gateway"]})
    text = text_of(Customer(payment.order).open())
    assert "This way does not take this order. Please choose another one." in text
    assert Payment.objects.get().error_code == "not_supported"
