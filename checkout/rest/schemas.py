"""What clients may send. Unknown fields are refused by name, null counts as left out, nothing is converted."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema


def _is_number(value: Any) -> Decimal:
    """A JSON number, exactly as written: the parser gives whole ones as int, all others as Decimal."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("invalid_type: write a number, without quotes.")  # noqa: TRY004  (pydantic takes no other)
    return Decimal(value)


def _is_ignored(value: Any) -> Any:
    return value


Amount = Annotated[
    Decimal,
    BeforeValidator(_is_number),
    WithJsonSchema(
        {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": 1_000_000_000_000,
            "description": "In major units, like 299.99, with no more decimals than the currency has.",
        }
    ),
]
Ignored = Annotated[Any, BeforeValidator(_is_ignored), WithJsonSchema({"description": "Accepted and not used."})]


def _refuse(empty: list[Any] | dict[str, Any], what: str) -> BeforeValidator:
    """Lets only an empty value of the wire's own type pass, which clients send unasked."""

    def refuse(value: Any) -> Any:
        if value is not None and value != empty:
            raise ValueError(f"not_supported: {what}")
        return None

    return BeforeValidator(refuse)


def _empty(kind: str) -> WithJsonSchema:
    return WithJsonSchema({"type": [kind, "null"], "description": "Not offered: leave it out."})


class Body(BaseModel):
    """An object of exactly these fields."""

    model_config = ConfigDict(extra="forbid", strict=True)


Text = str | None


class CustomerDetails(Body):
    """Who buys. `customer_id` is your own id of them; a phone number without a country is read as your region's."""

    customer_id: str = Field(
        json_schema_extra={"pattern": "^[A-Za-z0-9_-]{3,50}$"},
        description="Your own id of the customer: 3 to 50 letters, digits, _ or -.",
    )
    customer_phone: str = Field(max_length=30, description="Like 9999999999, or with its country: +919999999999.")
    customer_email: Text = Field(None, max_length=100)
    customer_name: Text = Field(None, max_length=100)
    customer_uid: Ignored = None
    customer_bank_account_number: Ignored = None
    customer_bank_ifsc: Ignored = None
    customer_bank_code: Ignored = None


class OrderMeta(Body):
    """Where the customer returns to, where we tell of payments, and which ways to pay are offered."""

    return_url: Text = Field(
        None,
        max_length=250,
        description="Of an origin registered for you; {order_id} in it is filled in. Left out, your account's own.",
    )
    notify_url: Text = Field(None, max_length=250, description="Gets the webhooks of this order's payments.")
    payment_methods: str | list[str] | None = Field(
        None, description="Some of card, upi, netbanking, wallet (or cc, dc, nb, app), between commas; empty means all."
    )
    payment_methods_filters: Annotated[
        Any, _refuse({}, "write order_meta.payment_methods instead."), _empty("object")
    ] = None
    offer_filters: Annotated[Any, _refuse({}, "there are no offers; leave it out."), _empty("object")] = None
    upi_app_priority: Ignored = None


class TillOptions(Body):
    """What the wire has no field for."""

    capture_method: Literal["automatic", "manual"] | None = Field(
        None, description="Manual holds the money till you capture it; left out, your account's default counts."
    )
    language: Text = Field(
        None,
        max_length=35,
        description="What the customer reads the payment page and mails in, like ta or pt-BR; they may choose another.",
    )


class CreateOrderRequest(Body):
    """An order to be paid."""

    order_amount: Amount
    order_currency: Text = Field(None, description="ISO 4217; left out, your account's own.")
    customer_details: CustomerDetails
    order_id: Text = Field(None, description="3 to 45 letters, digits, _ or -; left out, we make one.")
    order_meta: OrderMeta | None = None
    order_expiry_time: Text = Field(None, description="RFC 3339 with an offset, 5 minutes to 30 days ahead.")
    order_note: Text = Field(None, max_length=200)
    order_tags: dict[str, str] | None = None
    order_splits: Annotated[Any, _refuse([], "payments are not split; leave it out."), _empty("array")] = None
    cart_details: Ignored = None
    terminal: Ignored = None
    products: Ignored = None
    till: TillOptions | None = None


class TerminateOrderRequest(Body):
    """TERMINATED is the only state that can be asked for."""

    order_status: Literal["TERMINATED"]


class AuthorizationRequest(Body):
    """What becomes of held money."""

    action: Literal["CAPTURE", "VOID"]
    amount: Amount | None = Field(None, description="How much to capture; the rest is released.")


class CreateRefundRequest(Body):
    """Money to give back."""

    refund_amount: Amount
    refund_id: Text = Field(None, description="3 to 40 letters, digits, _ or -; left out, we make one.")
    refund_note: Text = Field(None, max_length=100)
    refund_speed: Literal["STANDARD", "INSTANT"] | None = Field(
        None, description="Accepted; every refund goes at the bank's own speed."
    )
    refund_amount_available: Amount | None = Field(
        None, description="What you believe to be left: if it is not, nothing is refunded."
    )
    refund_splits: Annotated[Any, _refuse([], "payments are not split; leave it out."), _empty("array")] = None


class UpdateRefundRequest(Body):
    """CANCELLED is the only state that can be asked for."""

    refund_status: Literal["CANCELLED"]
    remarks: Text = Field(None, max_length=250)
