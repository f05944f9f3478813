"""What people, browsers and password managers type and paste: all of it is read, and only as it was meant."""

from datetime import UTC, datetime

import pytest

from payments import clock
from payments.models import Payment
from tests.hosted.customer import CARD_FIELDS, Customer, text_of

pytestmark = pytest.mark.django_db

LRM, RLM, ALM, ZWNJ, ZWSP, BOM = "\u200e", "\u200f", "\u061c", "\u200c", "\u200b", "\ufeff"
NBSP, NARROW, THIN, FIGURE, WIDE_SPACE = "\u00a0", "\u202f", "\u2009", "\u2007", "\u3000"
DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d\u00ad"
SCRIPTS = {
    "Arabic-Indic": "\u0660", "Persian": "\u06f0", "Devanagari": "\u0966", "Bengali": "\u09e6", "Tamil": "\u0be6",
    "Gujarati": "\u0ae6", "Thai": "\u0e50", "full width": "\uff10", "mathematical": "\U0001d7ce",
}  # fmt: skip
FOURS = "4242 4242 4242 4242"


def in_script(text, zero):
    """With the digits of another script, for the ASCII ones."""
    return "".join(chr(ord(zero) + int(char)) if char.isascii() and char.isdigit() else char for char in text)


NUMBERS = [
    "4242424242424242", FOURS, "4242-4242-4242-4242", "4242.4242.4242.4242", "4242/4242/4242/4242",
    " 4242 4242  4242 4242 ",
    "4242_4242_4242_4242", "4242\u00b74242\u00b74242\u00b74242", "424242 4242424242",
    "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2",
    *(FOURS.replace(" ", space) for space in (NBSP, NARROW, THIN, FIGURE, WIDE_SPACE, "\t", "\n", "\r\n", "   ")),
    *(FOURS.replace(" ", dash) for dash in DASHES),
    *(FOURS.replace(" ", f" {dash} ") for dash in "-\u2013\u2014"),
    *(f"{mark}{FOURS}{mark}" for mark in (LRM, RLM, ALM, ZWNJ, ZWSP, BOM)),
    f"\u202a{FOURS}\u202c", f"\u2066{FOURS}\u2069", FOURS.replace(" ", RLM), f"{ZWNJ}".join("4242424242424242"),
    *(in_script(FOURS, zero) for zero in SCRIPTS.values()),
    RLM + in_script("4242-4242-4242-4242", "\u0660") + RLM,
    "4242 \u0664\u0662\u0664\u0662 4242 \uff14\uff12\uff14\uff12",
    "4\ufe0f242 4242 4242 4242",
    f"Card: {FOURS}", f"Card number {FOURS}, thanks", f"Visa {FOURS} exp 12/39 cvv 123",
    f"my card\u2019s number is {FOURS}.",
    f"\u0631\u0642\u0645 {in_script(FOURS, chr(0x660))}", f"No.{NBSP}{FOURS}", f"({FOURS})", f"\u00ab{FOURS}\u00bb",
    f'"{FOURS}"',
]  # fmt: skip
EXPIRIES = [
    "12/39", "1239", "12/2039", "122039", "12 / 39", "12 / 2039", "12-39", "12-2039", "12.39", "12.2039", "12 39",
    "12 2039",
    "12,39", "12|39", "12:39", "12\\39", "12\uff0f39", "12\u204439", "12\u221539", "12\u201339", "12\u221239",
    f"12{NBSP}/{NBSP}39",
    "2039-12", "2039/12", "2039.12", "2039 12", "203912", "2039-12-31", " 12/39 ", "12//39", "12/ 39",
    "exp 12/39", "Exp.: 12/2039", "MM/YY 12/39", "valid thru 12/39.",
    f"{RLM}12/39", f"12{LRM}/{LRM}39", "\u206612\u2069/\u206639\u2069", f"12{RLM}{RLM}39{ALM}",
    *(in_script("12/39", zero) for zero in SCRIPTS.values()), in_script("12/2039", "\uff10"), in_script("1239",
    "\u0966"),
]  # fmt: skip
AUGUSTS = [
    "08/39",
    "8/39",
    "8/2039",
    "839",
    "0839",
    "82039",
    "082039",
    "2039-08",
    "2039-8",
    "203908",
    "8-39",
    "8 39",
    "\u0668/\u0663\u0669",
]
CODES = [
    "123", " 123 ", "1 2 3", "1-2-3", f"{LRM}123{RLM}", f"123{ZWNJ}", f"{NBSP}123", "\u2066123\u2069",
    *(in_script("123", zero) for zero in SCRIPTS.values()),
]  # fmt: skip
UPI_IDS = {
    "asha@okbank": [
        "Asha@OkBank", " asha@okbank ", "asha @ okbank", f"{LRM}asha@okbank{RLM}", "asha\uff20okbank",
        f"asha{NBSP}@okbank",
        "\uff41\uff53\uff48\uff41@okbank", f"asha{ZWSP}@okbank{BOM}", "asha\n@okbank",
    ],
    "9876543210@ybl": [f"{in_script('9876543210', zero)}@ybl" for zero in SCRIPTS.values()] + ["98765 43210@ybl"],
    "a-b@okaxis": [f"a{dash}b@okaxis" for dash in DASHES if dash != "\u00ad"],
}  # fmt: skip


@pytest.fixture
def customer(order):
    return Customer(order)


@pytest.fixture
def sent(monkeypatch):
    """The cards that were sent to the gateway."""
    cards = []
    from payments.gateways.simulator.engine import Simulator

    start = Simulator.start
    monkeypatch.setattr(Simulator, "start", lambda self, attempt: cards.append(attempt.card) or start(self, attempt))
    return cards


def paid_with(customer, sent, **typed):
    response = customer.open_and_pay(**typed)
    assert response.status_code == 303, text_of(response)
    return sent[0]


@pytest.mark.parametrize("typed", NUMBERS)
def test_a_card_number_is_read_however_it_is_pasted(customer, sent, typed):
    assert paid_with(customer, sent, number=typed).number == "4242424242424242"


@pytest.mark.parametrize("typed", EXPIRIES)
def test_a_date_is_read_however_it_is_written(customer, sent, typed):
    card = paid_with(customer, sent, expiry=typed)
    assert (card.expiry_month, card.expiry_year) == (12, 2039)


@pytest.mark.parametrize("typed", AUGUSTS)
def test_a_month_of_one_digit_is_read(customer, sent, typed):
    card = paid_with(customer, sent, expiry=typed)
    assert (card.expiry_month, card.expiry_year) == (8, 2039)


@pytest.mark.parametrize("typed", CODES)
def test_a_security_code_is_read(customer, sent, typed):
    assert paid_with(customer, sent, cvc=typed).cvc == "123"


@pytest.mark.parametrize(("upi_id", "typed"), [(meant, typed) for meant, all_of in UPI_IDS.items() for typed in all_of])
def test_a_upi_id_is_read(customer, order, upi_id, typed):
    assert customer.pay_by("upi", upi_id=typed).status_code == 303
    assert order.payments.get().method_details["upi_id"] == upi_id


@pytest.mark.parametrize("length", [12, 13, 15, 19])
def test_numbers_of_every_length_are_taken(customer, sent, length):
    number = next(n for n in (f"6{'0' * (length - 2)}{last}" for last in range(10)) if _passes(n))
    assert paid_with(customer, sent, number=number).number == number


def _passes(number):
    from payments.cards import passes_luhn

    return passes_luhn(number)


@pytest.mark.parametrize(
    "typed",
    [
        f"{FOURS} or 5555 5555 5555 4444",
        "Card 4242 4242 4242 4241",
        "x" * 5000,
        "\x00" + FOURS,
        "card",
        "4242x4242x4242x4242",
    ],
)
def test_what_is_no_single_number_is_refused_in_our_words(customer, typed):
    response = customer.open_and_pay(typed)
    assert response.status_code == 400
    assert "Card number: A card number has digits only. Check it against the card." in text_of(response)
    assert "4242" not in response.content.decode()


@pytest.mark.parametrize("typed", ["13/39", "0/39", "1/2/39", "12/3", "12/399", "39/12", "Aug 2039", "\x00", "1" * 300])
def test_what_is_no_date_is_refused_in_our_words(customer, typed):
    response = customer.open_and_pay(expiry=typed)
    assert response.status_code == 400
    assert "Expiry date: Type the month" in text_of(response) or "Expiry date: The month is" in text_of(response)


@pytest.mark.parametrize("field", ["cvc", "holder"])
@pytest.mark.parametrize("typed", ["\x00", "1" * 300])
def test_nonsense_in_the_other_fields_is_refused_in_our_words(customer, field, typed):
    text = text_of(customer.open_and_pay(**{field: typed}))
    words = {"cvc": "Security code: The code has 3 digits", "holder": "Name on card: Type the name as it stands"}
    assert words[field] in text
    assert "Ensure" not in text
    assert "Null" not in text


def test_a_date_of_now_is_good_and_one_of_last_month_has_passed(customer, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 30, 12, tzinfo=UTC))
    assert "This card\u2019s date has passed" in text_of(customer.open_and_pay(expiry="10/26"))


# --- Nothing secret comes back ---

SECRET = "4000 0000 0000 3220"
PLACES = ["number", "cvc", "expiry", "holder", "upi_id", "bank", "wallet", "upi_flow", "method", "form_token_2"]


@pytest.mark.parametrize("written", [SECRET, "4000000000003220", in_script(SECRET, "\u0660"), "400 000 000 000 322 0"])
@pytest.mark.parametrize("place", PLACES)
def test_a_card_number_typed_anywhere_is_never_shown_again(customer, place, written):
    customer.open()
    fields = {**CARD_FIELDS, "number": "1", "cvc": "1", place: written}
    page = customer.post("pay", fields).content.decode()
    assert written not in page
    assert "3220" not in page
    assert not Payment.objects.exists()


@pytest.mark.parametrize(
    "holder", ["4242 4242", "123", "1234", "424 242 424 242 424 2", "Asha 4242424242424242", "12 34 56"]
)
def test_a_name_that_looks_like_a_number_is_refused_and_not_shown(customer, holder):
    response = customer.open_and_pay(holder=holder)
    assert response.status_code == 400
    assert "Name on card: Type the name as it stands on the card, without numbers." in text_of(response)
    assert f'value="{holder}"' not in response.content.decode()


@pytest.mark.parametrize(
    "holder",
    ["Asha Rao 3rd", "Studio 54", "Louis XIV 14", "\u0906\u0936\u093e \u0930\u093e\u0935", "O\u2019Neill-Rao", ""],
)
def test_a_name_with_a_few_digits_is_a_name(customer, sent, holder):
    assert paid_with(customer, sent, holder=holder).holder == holder


def test_a_upi_id_that_is_a_card_number_is_refused_and_not_kept(customer):
    response = customer.pay_by("upi", upi_id="4000000000003220@okbank")
    assert response.status_code == 400
    assert "3220" not in response.content.decode()
    assert not Payment.objects.exists()


def test_nothing_is_lost_but_number_and_code(customer):
    page = customer.open_and_pay("1", expiry="8 / 2039", cvc="777").content.decode()
    assert 'value="8 / 2039"' in page
    assert 'value="Asha Rao"' in page
    assert "777" not in page
