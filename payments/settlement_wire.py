"""Settlements as merchants' clients read them: of one order, as rows of a list, and line by line.

The words are those of payments.wire. Whatever the wire has that we charge nothing for is null.
"""

from typing import Any

from payments.models import Order, Payment, Payout, Refund, Settlement, SettlementLine
from payments.money import Money
from payments.states import Collects, LineKind, PayoutStatus, SettlementStatus
from payments.wire import customer_details, payment_amount, payment_word, refund_word, wire_time

WORDS = ("SUCCESS", "PENDING", "PENDING_WITH_CASHFREE", "PENDING_WITH_BANK", "FAILED")
"""What clients know. Nothing is ever PENDING_WITH_CASHFREE here."""
NORMAL = "NORMAL_SETTLEMENT"
EVENT_TYPES = {
    LineKind.PAYMENT: "PAYMENT",
    LineKind.REFUND: "REFUND",
    LineKind.REVERSAL: "REFUND_REVERSAL",
    LineKind.ADJUSTMENT: "OTHER_ADJUSTMENT",
}


def newest_payout(settlement: Settlement) -> Payout | None:
    """The last try to bring it to the bank: the live one, if there is one."""
    return max(settlement.payouts.all(), key=lambda payout: payout.pk, default=None)


def settlement_standing(settlement: Settlement, payout: Payout | None) -> tuple[str, str]:
    """A closed settlement's state in the wire's words, and what that means."""
    if settlement.status == SettlementStatus.PAID_OUT:
        return "SUCCESS", "The bank has paid it."
    if settlement.status == SettlementStatus.FAILED:
        why = payout.message if payout else ""
        return "FAILED", f"The transfer did not arrive, and is made again: {why}"
    if not settlement.is_to_pay_out:
        return "SUCCESS", _why_nothing_is_paid_out(settlement)
    if payout is not None and payout.status != PayoutStatus.FAILED:
        return "PENDING_WITH_BANK", "The transfer was given to the bank."
    return "PENDING", "It is closed, and the transfer is not made yet."


def _why_nothing_is_paid_out(settlement: Settlement) -> str:
    rest = " What you owe is taken out of the next settlement." if settlement.net_minor < 0 else ""
    if settlement.collects == Collects.MERCHANT:
        return f"The gateway pays you itself, so there is no transfer from us.{rest}"
    return f"There is nothing to pay out.{rest}"


def _in(settlement: Settlement, minor: int) -> Money:
    return Money(minor, settlement.currency)


def _payout_times(payout: Payout | None) -> dict[str, Any]:
    """The newest transfer: its reference, and when it was made and arrived."""
    return {
        "settlement_utr": (payout.utr or None) if payout else None,
        "settlement_initiated_on": wire_time(payout.sent_at) if payout else None,
        "settlement_processed_on": wire_time(payout.paid_at) if payout else None,
    }


def settlement_sums(settlement: Settlement) -> dict[str, Any]:
    """What it comes to: payment_amount - service_charge - service_tax + adjustment = amount_settled."""
    net, gross = settlement.net_minor, settlement.gross_minor
    return {
        "payment_amount": _in(settlement, gross),
        "service_charge": _in(settlement, settlement.fees_minor),
        "service_tax": _in(settlement, settlement.tax_minor),
        "adjustment": _in(settlement, net - gross + settlement.fees_minor + settlement.tax_minor),
        "amount_settled": settlement.net,
    }


def settlement_facts(settlement: Settlement) -> dict[str, Any]:
    """A settlement in our own words: what it is made of, without a remainder."""
    sums = ("refunds", "adjustments", "paid_directly", "carried_in", "net")
    return {
        "status": settlement.status,
        "collects": settlement.collects,
        "currency": settlement.currency,
        "payments": settlement.payments,
        **{name: _in(settlement, getattr(settlement, f"{name}_minor")) for name in sums},
        "closed_at": wire_time(settlement.closed_at),
    }


# --- Of one order ---


def order_settlement(line: SettlementLine) -> dict[str, Any]:
    """The settlement that an order's payment is in: the flat fields of older clients and the groups of newer ones."""
    settlement, payment = line.settlement, line.payment
    assert payment is not None  # noqa: S101  (a payment's line)
    order, payout = payment.order, newest_payout(settlement)
    word, why = settlement_standing(settlement, payout)
    amount, fee, tax = (_in(settlement, minor) for minor in (line.amount_minor, line.fee_minor, line.tax_minor))
    net = _in(settlement, line.net_minor)
    times = _payout_times(payout)
    return {
        "entity": "settlement",
        "cf_payment_id": payment.uid,
        "cf_settlement_id": settlement.uid,
        "settlement_id": settlement.pk,
        "transfer_id": payout.pk if payout else None,
        "order_id": order.order_id,
        "order_amount": order.amount,
        "settlement_currency": settlement.currency,
        "payment_time": wire_time(payment.started_at),
        "service_charge": fee,
        "service_tax": tax,
        "settlement_amount": net,
        "transfer_time": times["settlement_processed_on"] or times["settlement_initiated_on"],
        "transfer_utr": times["settlement_utr"],
        "charges_currency": settlement.currency,
        "order_details": _order_details(order),
        "payment_details": {
            "cf_payment_id": payment.uid,
            "payment_time": wire_time(payment.started_at),
            "payment_currency": payment.currency,
            "payment_amount": amount,
            "pg_service_charge": fee,
            "pg_service_tax": tax,
            "charges_currency": settlement.currency,
            "settlement_amount": net,
            "charge_type": None,
            "charged_to": "MERCHANT",
        },
        "customer_details": customer_details(order),
        "settlement_details": {
            "cf_settlement_id": settlement.uid,
            "status": word,
            "status_description": why,
            **times,
            "settlement_currency": settlement.currency,
            "settlement_type": NORMAL,
        },
        "till": settlement_facts(settlement),
    }


def _order_details(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "order_amount": order.amount,
        "order_currency": order.currency,
        "order_tags": order.tags or None,
    }


# --- The list ---


def settlement_entity(settlement: Settlement) -> dict[str, Any]:
    """A closed settlement as a row of the list."""
    payout = newest_payout(settlement)
    word, why = settlement_standing(settlement, payout)
    sums = settlement_sums(settlement)
    return {
        "cf_settlement_id": settlement.uid,
        "settlement_id": settlement.pk,
        "status": word,
        "status_description": why,
        **_payout_times(payout),
        "payment_from": wire_time(settlement.payment_from),
        "payment_till": wire_time(settlement.payment_till),
        "payment_amount": sums["payment_amount"],
        "pg_service_charge": sums["service_charge"],
        "pg_service_tax": sums["service_tax"],
        "adjustment": sums["adjustment"],
        "amount_settled": sums["amount_settled"],
        "settlement_currency": settlement.currency,
        "settlement_type": NORMAL,
        **_never("settlement_charge", "settlement_tax", "vendor_commission", "charge_type", *_SPLITS),
        "till": settlement_facts(settlement),
    }


_SPLITS = ("split_service_charge", "split_service_tax")


def _never(*names: str) -> dict[str, None]:
    """Fields of the wire for what does not exist here."""
    return dict.fromkeys(names)


# --- Line by line ---


def recon_entity(line: SettlementLine) -> dict[str, Any]:
    """One line of a settlement, in both shapes. The lines of one add up to what it settles, less what `till` names."""
    refund, adjustment = line.refund, line.adjustment
    payment = line.payment or (refund.payment if refund else adjustment.payment if adjustment else None)
    order = payment.order if payment else None
    groups = {
        "event_details": _event_details(line),
        "order_details": _order_details(order) if order else None,
        "customer_details": customer_details(order) if order else None,
        "payment_details": _payment_details(payment) if payment else None,
        "settlement_details": _settlement_details(line.settlement),
        "dispute_details": None,
        "refund_details": _refund_details(refund) if refund else None,
    }
    return _flat(groups) | groups


def _flat(groups: dict[str, dict[str, Any] | None]) -> dict[str, Any]:
    """The same without groups, as older clients read it."""
    told = {name: value for group in groups.values() for name, value in (group or {}).items()}
    told["payment_utr"] = told.get("bank_reference")
    return {name: value for name, value in told.items() if name not in _GROUPED_ONLY}


_GROUPED_ONLY = ("status", "event_remarks", "utr", "bank_reference", "order_tags")


def _event_details(line: SettlementLine) -> dict[str, Any]:
    settlement = line.settlement
    return {
        "event_id": _event_id(line),
        "event_type": EVENT_TYPES[LineKind(line.kind)],
        "event_amount": _in(settlement, abs(line.amount_minor)),
        "event_settlement_amount": _in(settlement, abs(line.net_minor)),
        "sale_type": "CREDIT" if line.net_minor >= 0 else "DEBIT",
        "event_status": _event_status(line),
        "entity": "recon",
        "event_time": wire_time(line.at),
        "event_currency": settlement.currency,
        "event_service_charge": _in(settlement, line.fee_minor),
        "event_service_tax": _in(settlement, line.tax_minor),
        "event_remarks": None,
    }


def _event_id(line: SettlementLine) -> str:
    row: Payment | Refund | None = line.payment or line.refund
    return row.uid if row else f"adjustment_{line.adjustment_id}"


def _event_status(line: SettlementLine) -> str:
    """A refund's own state: it may still be on its way, or come back in a later settlement."""
    return refund_word(line.refund) if line.refund and line.kind == LineKind.REFUND else "SUCCESS"


def _payment_details(payment: Payment) -> dict[str, Any]:
    return {
        "cf_payment_id": payment.uid,
        "status": payment_word(payment),
        "payment_amount": payment_amount(payment),
        "payment_currency": payment.currency,
        "payment_group": payment.payment_group or None,
        "payment_mode": payment.payment_group or None,
        "payment_time": wire_time(payment.started_at),
        "payment_service_charge": Money(payment.fee_minor, payment.currency),
        "payment_service_tax": Money(payment.fee_tax_minor, payment.currency),
        "bank_reference": payment.bank_reference or None,
        "charges_currency": payment.currency,
        **_never("forex_conversion_handling_charge", "forex_conversion_handling_tax"),
    }


def _settlement_details(settlement: Settlement) -> dict[str, Any]:
    times = _payout_times(newest_payout(settlement))
    sums = settlement_sums(settlement)
    return {
        "cf_settlement_id": settlement.uid,
        "settlement_date": wire_time(settlement.closed_at),
        "utr": times["settlement_utr"],
        **times,
        "payment_from": wire_time(settlement.payment_from),
        "payment_till": wire_time(settlement.payment_till),
        "service_charge": sums["service_charge"],
        "service_tax": sums["service_tax"],
        "settlement_type": NORMAL,
        **_never("settlement_charge", "settlement_tax", "vendor_commission", "reason", "remarks", *_SPLITS),
    }


def _refund_details(refund: Refund) -> dict[str, Any]:
    return {
        "refund_id": refund.refund_id,
        "refund_arn": refund.bank_reference or None,
        "refund_note": refund.note or None,
        "refund_processed_at": wire_time(refund.completed_at),
    }
