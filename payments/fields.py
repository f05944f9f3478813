"""What merchants write about an order and its customer: each field checked in one place for every door."""

import re
import zoneinfo
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

from payments.cards import find_card_numbers
from payments.errors import BadInput

MIN_EXPIRY = timedelta(minutes=5)
MAX_EXPIRY = timedelta(days=30)
MAX_TAGS = 10
ACCENT_PATTERN = r"#[0-9a-f]{6}"
ACCENT_HINT = "write a colour like #7a1f57, in small letters."
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ORDER_ID = re.compile(r"[A-Za-z0-9_-]{3,45}")
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{3,50}")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_RESERVED_ORDER_IDS = frozenset({"sessions", "settlements", "pay"})  # parts of REST paths beside order ids
_is_email = EmailValidator()


def storable(text: str) -> str:
    """A gateway's words as the database can keep them: no NUL, no half characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def line(field: str, text: str, *, at_most: int, required: bool = False, is_number: bool = False) -> str:
    """One line of text without control characters, trimmed; no card numbers, unless it is another number."""
    text = text.strip()
    if required and not text:
        raise BadInput(field, "missing", f"{field}: this field is required.")
    if len(text) > at_most:
        raise BadInput(field, "too_long", f"{field}: write at most {at_most} characters.")
    if _CONTROL.search(text) or _SURROGATE.search(text):
        raise BadInput(field, "control_characters", f"{field}: write plain text on one line, no control characters.")
    if not is_number and find_card_numbers(text):
        raise BadInput(field, "card_data_not_allowed", f"{field}: this looks like a card number; never send one here.")
    return text


def email(text: str, *, field: str = "customer_email") -> str:
    """An e-mail address of at most 100 characters. Raises BadInput."""
    text = line(field, text, at_most=100, required=True)
    try:
        _is_email(text)
    except ValidationError:
        raise BadInput(field, "email_invalid", f"{field}: write an address like asha@example.com.") from None
    return text


def phone(text: str, *, region: str, field: str = "customer_phone") -> str:
    """A phone number in E.164; one without a country code is read as the region's. Raises BadInput."""
    text = line(field, text, at_most=30, required=True, is_number=True)
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not re.fullmatch(r"[0-9+() .-]+", text) or not phonenumbers.is_possible_number(number):
        raise BadInput(
            field,
            "phone_invalid",
            f"{field}: write a number like 9999999999 or, with its country, +919999999999.",
        )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_in_words(number: str) -> str:
    """A number in E.164 as people write it: +91 99999 99999."""
    return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def region(text: str) -> str:
    """An ISO 3166 region whose phone numbers we can read. Raises BadInput."""
    if text not in phonenumbers.SUPPORTED_REGIONS:
        raise BadInput("region", "region_invalid", "region: write an ISO 3166 code of two capital letters, like IN.")
    return text


_AREAS = (
    "Africa/", "America/", "Antarctica/", "Arctic/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/",
    "Pacific/",
)  # fmt: skip


@cache
def time_zones() -> list[str]:
    """The zones of places by their names in the IANA database, and UTC.

    Customers read a place's name: US/Eastern has none, and Etc/GMT+5 lies five hours the other way.
    """
    return sorted(zone for zone in zoneinfo.available_timezones() if zone.startswith(_AREAS) or zone == "UTC")


def time_zone(text: str) -> str:
    """A time zone by its name in the IANA database. Raises BadInput."""
    if text not in time_zones():
        raise BadInput("time_zone", "time_zone_invalid", "time_zone: write an IANA name like Asia/Kolkata.")
    return text


def accent(text: str) -> str:
    """A colour as the hosted page takes it. Raises BadInput."""
    if not re.fullmatch(ACCENT_PATTERN, text):
        raise BadInput("accent", "accent_invalid", f"accent: {ACCENT_HINT}")
    return text


def order_id(text: str) -> str:
    """The merchant's own order id. Raises BadInput."""
    if not _ORDER_ID.fullmatch(text) or text in _RESERVED_ORDER_IDS:
        raise BadInput(
            "order_id", "order_id_invalid", "order_id: write 3 to 45 letters, digits, _ or -; or leave it out."
        )
    if find_card_numbers(text):
        raise BadInput("order_id", "card_data_not_allowed", "order_id: this looks like a card number; use another.")
    return text


def reference(text: str) -> str:
    """The merchant's own id of a customer. Raises BadInput."""
    if not _REFERENCE.fullmatch(text) or find_card_numbers(text):
        raise BadInput(
            "customer_reference",
            "customer_reference_invalid",
            "customer_reference: write 3 to 50 letters, digits, _ or -.",
        )
    return text


def refund_id(text: str) -> str:
    """The merchant's own id of a refund. Raises BadInput."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{3,40}", text) or find_card_numbers(text):
        raise BadInput("refund_id", "refund_id_invalid", "refund_id: write 3 to 40 letters, digits, _ or -.")
    return text


def tags(given: Mapping[str, str]) -> dict[str, str]:
    """At most ten tags: names of 1 to 50 characters, values of 1 to 255. Raises BadInput."""
    if len(given) > MAX_TAGS:
        raise BadInput("order_tags", "too_many", f"order_tags: write at most {MAX_TAGS}.")
    checked = {}
    for name, value in given.items():
        name = line("order_tags", name, at_most=50, required=True)
        checked[name] = line("order_tags", value, at_most=255, required=True)
    return checked


def moment(field: str, text: str) -> datetime:
    """A moment in RFC 3339 with an offset, as UTC: PostgreSQL takes no offset of 16 hours. Raises BadInput."""
    try:
        found = datetime.fromisoformat(text.upper()).astimezone(UTC) if _RFC3339.fullmatch(text) else None
    except (ValueError, OverflowError):  # no such day, or in UTC one before the calendar or after it
        found = None
    if found is None:
        raise BadInput(
            field, "time_invalid", f"{field}: write RFC 3339 with an offset, like 2026-11-29T16:30:00+05:30."
        )
    return found


def expiry(text: str, *, at: datetime) -> datetime:
    """When the order stops being payable: RFC 3339 with an offset, 5 minutes to 30 days ahead. Raises BadInput."""
    until = moment("order_expiry_time", text)
    if not MIN_EXPIRY <= until - at <= MAX_EXPIRY:
        raise BadInput(
            "order_expiry_time", "time_out_of_range", "order_expiry_time: choose 5 minutes to 30 days from now."
        )
    return until
