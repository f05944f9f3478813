"""Orders: made, and moved through their one door."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery

from payments import faults, fields, ids, methods, urls
from payments.banks import BANKS, WALLETS
from payments.errors import BadInput, InvalidMove, NoGateway, NotExtendable, OrderIdTaken, StaleRow
from payments.gateways.registry import TEST_FAULT_TAG, TEST_FAULTS
from payments.models import Customer, Event, Merchant, Order, Payment
from payments.models.order import CHOICE_OF
from payments.money import Money
from payments.routing import open_accounts, routes_of
from payments.services.audit import Act, record_act
from payments.services.events import new_event, write_events
from payments.services.letters import due_columns
from payments.states import EXTENSION, MAX_DECLINES, ORDER_MOVES, PAYABLE, CaptureKind, Method, Mode, OrderStatus


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What a merchant asks for. Empty means the merchant's default, except where a customer must be named.

    `may_be_nameless` lets name and e-mail be left out, for clients that send a phone number alone. `why_not_notified`
    is what `urls.why_not_called` says of the notify_url, where it was asked before the transaction.
    """

    amount: Money
    customer_name: str
    customer_email: str
    customer_phone: str
    order_id: str = ""
    return_url: str = ""
    notify_url: str = ""
    payment_methods: list[str] = field(default_factory=list)
    expiry_time: str = ""
    note: str = ""
    language: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    customer_id: int = 0
    customer_reference: str = ""
    manual_capture: bool | None = None
    may_be_nameless: bool = False
    why_not_notified: str | None = None


def create_order(new: NewOrder, *, merchant: Merchant, mode: str, at: datetime, by: Act | None = None) -> Order:
    """Make an order and its payment session. `by` is who of the staff makes it; its act is recorded.

    Raises BadInput for a field that cannot be taken, OrderIdTaken, NoGateway.
    """
    columns = _checked_columns(new, merchant=merchant, mode=mode, at=at)
    reference = fields.reference(new.customer_reference) if new.customer_reference else ""
    uid = ids.new_order_id()
    order = Order(
        uid=uid,
        order_id=fields.order_id(new.order_id) if new.order_id else uid,
        merchant=merchant,
        mode=mode,
        session_id=ids.new_session_id(),
        amount_minor=new.amount.minor,
        currency=new.amount.currency,
        created_at=at,
        last_sequence=1,
        **columns,
    )
    _refuse_unpayable(order, at=at)
    with transaction.atomic():
        order.customer = _customer(order, customer_id=new.customer_id, reference=reference, at=at)
        _note_last_way(order)
        try:
            with transaction.atomic():
                order.save(force_insert=True)
        except IntegrityError:
            if Order.objects.filter(merchant=merchant, mode=mode, order_id=order.order_id).exists():
                raise OrderIdTaken(
                    f"order_id: {order.order_id} is already used; choose another, or ask for that order."
                ) from None
            raise
        told = {"kind": "order.created", "old": "", "new": OrderStatus.CREATED, "at": at}
        write_events(new_event(order, number=1, cause="staff" if by else "merchant", **told))
        if by is not None:
            amount = {"amount": str(order.amount), "mode": str(mode)}
            record_act("order.create", by, object_type="order", object_id=uid, order=order, at=at, **amount)
        faults.point("create.before_commit")
    transaction.on_commit(lambda: faults.point("create.after_commit"))
    return order


def _refuse_unpayable(order: Order, *, at: datetime) -> None:
    """Refuse an order that no gateway of the merchant could take. Raises NoGateway or BadInput."""
    if routes_of(order, at=at):
        return
    if not open_accounts(order):
        raise NoGateway(f"This merchant has no open {order.mode} gateway: staff must connect one first.")
    if order.payment_methods:
        raise BadInput(
            "payment_methods",
            "nothing_to_offer",
            f"payment_methods: no gateway of this merchant takes {order.amount} by these; add card or leave it empty.",
        )
    raise BadInput(
        "order_amount",
        "nothing_to_offer",
        f"order_amount: no gateway of this merchant takes {order.amount}; send another amount or currency, or ask "
        "staff to change its gateways or rules.",
    )


def _checked_columns(new: NewOrder, *, merchant: Merchant, mode: str, at: datetime) -> dict[str, Any]:
    """The columns that come from the merchant's own words, each checked."""
    live = mode == Mode.LIVE
    return_url = new.return_url or merchant.return_url
    urls.check_return_url(return_url, origins=merchant.return_origins, live=live)
    notify_url = new.notify_url or merchant.notify_url
    if notify_url:
        urls.check_notify_url(notify_url, live=live, is_new=bool(new.notify_url), why_not=new.why_not_notified)
    methods.check(new.payment_methods)
    is_named = not new.may_be_nameless
    lifetime = timedelta(seconds=merchant.order_expiry_s)
    return {
        "customer_name": fields.line("customer_name", new.customer_name, at_most=100, required=is_named),
        "customer_email": fields.email(new.customer_email) if is_named or new.customer_email else "",
        "customer_phone": fields.phone(new.customer_phone, region=merchant.region),
        "return_url": return_url,
        "notify_url": notify_url,
        "payment_methods": new.payment_methods,
        "manual_capture": merchant.manual_capture if new.manual_capture is None else new.manual_capture,
        "language": fields.line("language", new.language, at_most=8),
        "note": fields.line("order_note", new.note, at_most=200),
        "tags": _checked_tags(new.tags, live=live),
        "expires_at": fields.expiry(new.expiry_time, at=at) if new.expiry_time else at + lifetime,
    }


def _checked_tags(tags: dict[str, str], *, live: bool) -> dict[str, str]:
    """The merchant's tags; in test mode one of them can ask the simulator to go wrong. Raises BadInput."""
    checked = fields.tags(tags)
    fault = checked.get(TEST_FAULT_TAG, "")
    if fault and not live and fault not in TEST_FAULTS:
        raise BadInput(
            "order_tags",
            "test_fault_unknown",
            f"order_tags: {TEST_FAULT_TAG} is one of {', '.join(TEST_FAULTS)}; leave it out for none.",
        )
    return checked


def _customer(order: Order, *, customer_id: int, reference: str, at: datetime) -> Customer:
    """The customer the merchant means, or a new one. Raises BadInput for one that is not the merchant's."""
    mine = _with_last_payment(Customer.objects.filter(merchant=order.merchant, mode=order.mode))
    if customer_id:
        known = mine.filter(pk=customer_id).first() if customer_id <= ids.UINT32_MAX else None
        if known is None or (reference and known.reference != reference):
            raise BadInput(
                "customer_id",
                "customer_unknown",
                "customer_id: you have no such customer; leave it out to make a new one.",
            )
        return known
    snapshot = {"name": order.customer_name, "email": order.customer_email, "phone": order.customer_phone}
    if not reference:
        return mine.create(merchant=order.merchant, mode=order.mode, created_at=at, **snapshot)
    customer, _ = mine.get_or_create(
        merchant=order.merchant, mode=order.mode, reference=reference, defaults={**snapshot, "created_at": at}
    )
    return customer


RECENT_ORDERS = 20
"""In which a customer's last payment is looked for: some merchants make all their orders for one customer."""


def _with_last_payment(customers: QuerySet[Customer]) -> QuerySet[Customer]:
    """With how each paid last, in the statement that finds the customer."""
    recent = Order.objects.filter(customer=OuterRef(OuterRef("pk"))).order_by("-pk").values("pk")[:RECENT_ORDERS]
    paid = Payment.objects.filter(order__in=recent, capture_kind=CaptureKind.NORMAL).order_by("-pk")
    return customers.annotate(
        last_method=Subquery(paid.values("method")[:1]), last_details=Subquery(paid.values("method_details")[:1])
    )


def _note_last_way(order: Order) -> None:
    """Keep on a new order how its customer paid last, if at all. Of banks and wallets only those we list."""
    method, details = (getattr(order.customer, name, None) for name in ("last_method", "last_details"))
    if method and details is not None:
        choice = details.get(CHOICE_OF.get(Method(method), ""), "")
        order.last_method, order.last_choice = method, choice if choice in BANKS | WALLETS else ""


def lock_order(order_pk: int) -> Order:
    """Read an order and hold it till the transaction ends: by row lock on PostgreSQL, by the write lock on SQLite."""
    return Order.objects.with_endpoints().select_for_update(no_key=True).get(pk=order_pk)


def move_order(
    order: Order,
    new: OrderStatus,
    *,
    cause: str,
    at: datetime,
    payment: Payment | None = None,
    only_if: Q | None = None,
    after: Event | None = None,
    **columns: Any,
) -> None:
    """The one door through which an order's status changes: compare and set, with its event.

    `after` is the event of the payment's move that brings this one about: both are written together. `only_if` is a
    further condition that the database decides, such as a deadline; `columns` change with the status.
    Raises InvalidMove if the table has no such edge, StaleRow if the row is not as it was read.
    """
    old = OrderStatus(order.status)
    if new not in ORDER_MOVES[old]:
        raise InvalidMove(order, old, new)
    number = (after.sequence if after else order.last_sequence) + 1
    kind = f"order.{new}"
    columns |= {"status": new, "last_sequence": number}
    mail = due_columns(order, kind=kind, number=number, at=at)
    unmoved = Order.objects.filter(only_if or Q(), pk=order.pk, status=old, last_sequence=order.last_sequence)
    if unmoved.update(**columns, **mail) != 1:
        raise StaleRow(order)
    for name, value in columns.items():
        setattr(order, name, value)
    event = new_event(order, number=number, kind=kind, old=old, new=new, cause=cause, at=at, payment=payment)
    write_events(after, event)


def extend_order(order_pk: int, *, used: int, at: datetime) -> Order:
    """Give the customer EXTENSION more to pay. `used` is how often that was done when they asked for it: the same wish
    sent twice is granted once, and the second one comes back as the first left it.

    Attempts keep their own deadlines. Raises NotExtendable.
    """
    with transaction.atomic():
        order = lock_order(order_pk)
        if order.extensions_used > used:
            return order
        longer = order.expires_at + EXTENSION
        if order.extensions_used < used or used >= order.merchant.extensions:
            raise NotExtendable("The time to pay this order was extended as often as its merchant allows.")
        if longer > order.created_at + fields.MAX_EXPIRY:
            raise NotExtendable("No order can be paid for more than 30 days.")
        number, status = order.last_sequence + 1, order.status
        # As for a move: whether it is still in time is the database's to say.
        payable = Order.objects.filter(
            pk=order.pk,
            status__in=PAYABLE,
            expires_at=order.expires_at,
            expires_at__gt=at,
            extensions_used=used,
            last_sequence=order.last_sequence,
            terminate_requested_at=None,
            attempts_declined__lt=MAX_DECLINES,
        )
        if payable.update(expires_at=longer, extensions_used=used + 1, last_sequence=number) != 1:
            raise NotExtendable("This order can no longer be paid, or an attempt to pay it is out.")
        order.expires_at, order.extensions_used, order.last_sequence = longer, used + 1, number
        write_events(
            new_event(order, number=number, kind="order.extended", old=status, new=status, cause="customer", at=at)
        )
    return order
