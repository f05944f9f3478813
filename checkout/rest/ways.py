"""How somebody pays without our page: the wire's bodies, judged by the page's own forms."""

from django.utils import translation
from pydantic import ConfigDict, Field

from checkout.hosted.forms import UPI_FLOWS, MethodForm
from checkout.hosted.ways import drawer_of
from checkout.rest.schemas import Body, Ignored, Text
from payments.banks import BANKS, WALLETS
from payments.errors import BadInput, IdempotencyMismatch, MethodNotOffered, NotPayable
from payments.models import Payment
from payments.selectors import OrderState
from payments.states import Method

WIRE_NAMES = {Method.CARD: "card", Method.UPI: "upi", Method.NETBANKING: "netbanking", Method.WALLET: "app"}
FIELDS = {
    "number": "card_number", "expiry": "card_expiry_mm", "cvc": "card_cvv", "holder": "card_holder_name",
    "upi_id": "upi_id", "bank": "netbanking_bank_code", "wallet": "provider",
}  # fmt: skip
"""The page's fields by their names on the wire."""
UPI_CHANNELS = {channel: flow for flow, channel in UPI_FLOWS.items()} | {"podQrCode": "qr"}


class Card(Body):
    """A test card. Nothing of it is kept but its network and last four digits."""

    channel: str = Field(description="link: our page goes on; post: you ask for the code and send it to us.")
    card_number: Text = Field(None, max_length=60)
    card_holder_name: Text = Field(None, max_length=100)
    card_expiry_mm: Text = Field(None, max_length=2)
    card_expiry_yy: Text = Field(None, max_length=4)
    card_cvv: Text = Field(None, max_length=10)
    instrument_id: Ignored = None
    cryptogram: Ignored = None
    token_requestor_id: Ignored = None
    token_reference_id: Ignored = None
    token_type: Ignored = None
    card_display: Ignored = None
    card_alias: Ignored = None
    card_bank_name: Ignored = None
    emi_tenure: Ignored = None
    address_line_one: Ignored = None
    address_line_two: Ignored = None
    city: Ignored = None
    zip_code: Ignored = None
    country: Ignored = None
    country_code: Ignored = None
    state: Ignored = None
    state_code: Ignored = None
    par: Ignored = None


class Upi(Body):
    """A UPI app to open, a code to scan, or an ID to send a request to."""

    channel: str = Field(description="link, qrcode (or podQrCode), collect.")
    upi_id: Text = Field(None, max_length=330, description="Needed for collect.")
    upi_expiry_minutes: Ignored = None
    upi_redirect_url: Ignored = None
    authorize_only: Ignored = None
    authorization: Ignored = None


class Netbanking(Body):
    """A bank, by its code or name."""

    channel: Text = None
    netbanking_bank_code: int | None = None
    netbanking_bank_name: Text = Field(None, max_length=60, description="Like HDFCR, or as we write it.")
    netbanking_ifsc: Ignored = None
    netbanking_account_number: Ignored = None


class App(Body):
    """A wallet."""

    channel: Text = None
    provider: str = Field(max_length=20)
    phone: Ignored = None


class PaymentMethod(Body):
    """Exactly one of these."""

    model_config = ConfigDict(extra="allow", strict=True)

    card: Card | None = None
    upi: Upi | None = None
    netbanking: Netbanking | None = None
    app: App | None = None


def chosen(asked: PaymentMethod) -> tuple[Method, str, dict[str, str]]:
    """The way to pay, the channel, and what the page's form would have been sent. Raises BadInput, MethodNotOffered."""
    unserved = [name for name, told in (asked.model_extra or {}).items() if told is not None]
    given = [told for told in (asked.card, asked.upi, asked.netbanking, asked.app) if told is not None]
    if unserved:
        raise MethodNotOffered("payment_method_unsupported: write one of card, upi, netbanking, app.")
    if len(given) != 1:
        raise BadInput("payment_method", "one_only", "payment_method: write exactly one of card, upi, netbanking, app.")
    match given[0]:
        case Card() as card:
            return Method.CARD, _channel(card.channel, ("link", "post")), _typed_card(card)
        case Upi() as upi:
            return Method.UPI, _channel(upi.channel, tuple(UPI_CHANNELS)), _typed_upi(upi)
        case Netbanking() as netbanking:
            return Method.NETBANKING, "link", {"bank": _bank_code(netbanking)}
        case App(provider=provider):
            return Method.WALLET, "link", {"wallet": provider}
    raise AssertionError("one of the four")


def _channel(word: str, known: tuple[str, ...]) -> str:
    if word not in known:
        raise BadInput("channel", "unknown", f"channel: write one of {', '.join(known)}.")
    return word


def _typed_card(card: Card) -> dict[str, str]:
    if card.instrument_id or card.cryptogram:
        raise MethodNotOffered("payment_method_unsupported: saved cards and tokens are not taken; write a test card.")
    for name in ("card_number", "card_expiry_mm", "card_expiry_yy", "card_cvv"):
        if not getattr(card, name):
            raise BadInput(name, "missing", f"{name}: this field is required.")
    return {
        "number": card.card_number or "",
        "expiry": f"{card.card_expiry_mm}/{card.card_expiry_yy}",
        "cvc": card.card_cvv or "",
        "holder": card.card_holder_name or "",
    }


def _typed_upi(upi: Upi) -> dict[str, str]:
    if upi.authorize_only:
        raise MethodNotOffered(
            "payment_method_unsupported: to hold money, create the order with till.capture_method manual."
        )
    return {"upi_flow": UPI_CHANNELS[upi.channel], "upi_id": upi.upi_id or ""}


def _bank_code(asked: Netbanking) -> str:
    """Our code of the bank, or nothing."""
    name = (asked.netbanking_bank_name or "").casefold()
    for bank in BANKS.values():
        if asked.netbanking_bank_code and asked.netbanking_bank_code == bank.wire_code:
            return bank.code
        if name and name in (bank.name.casefold(), bank.code.casefold(), f"{bank.code}R".casefold()):
            return bank.code
    return ""


def judged(state: OrderState, method: Method, typed: dict[str, str]) -> MethodForm:
    """The page's own form of that way to pay, valid. Raises NotPayable, MethodNotOffered, BadInput."""
    if not state.takes_attempts:
        raise NotPayable("This order takes no attempt now.")
    if method not in state.methods:
        raise MethodNotOffered(f"payment_method_unsupported: this order cannot be paid by {WIRE_NAMES[method]}.")
    return _valid(state, method, typed)


def refuse_another(state: OrderState, known: Payment, method: Method, typed: dict[str, str]) -> None:
    """Under a used key only what started its attempt may come again, as far as that was kept: nothing of a card but
    its last digits. Raises IdempotencyMismatch, BadInput.
    """
    form = _valid(state, method, typed)
    card = form.card()
    asked = form.details() | ({"card_last4": card.number[-4:]} if card else {})
    kept = known.method_details
    if known.method != method or any(kept.get(name, value) != value for name, value in asked.items()):
        raise IdempotencyMismatch(
            "idempotency_error: this x-idempotency-key started another attempt; take a new key for a new one."
        )


def _valid(state: OrderState, method: Method, typed: dict[str, str]) -> MethodForm:
    """Raises BadInput."""
    form = drawer_of(state, method).form(typed, at=state.at, zone=state.order.merchant.time_zone)
    with translation.override("en"):
        for name, faults in form.errors.as_data().items():
            reason = "missing" if faults[0].code == "required" else "invalid"
            text = f"Write one of {', '.join(WALLETS)}." if name == "wallet" else " ".join(faults[0].messages)
            raise BadInput(FIELDS[name], reason, f"{FIELDS[name]}: {text}")
    return form
