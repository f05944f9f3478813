from datetime import timedelta

import pytest
from django.db.models import Q

from payments import ids
from payments.errors import BadInput, InvalidMove, NoGateway, OrderIdTaken, StaleRow
from payments.gateways.registry import GATEWAYS
from payments.models import Customer, Event, GatewayAccount, Order
from payments.money import Money
from payments.services.orders import create_order, lock_order, move_order
from payments.states import ORDER_MOVES, OrderStatus
from tests.factories import CustomerFactory, MerchantFactory, OrderFactory, new_order


def _create(merchant, now, mode="test", **fields):
    return create_order(new_order(**fields), merchant=merchant, mode=mode, at=now)


def _reason(merchant, now, **fields):
    with pytest.raises(BadInput) as refused:
        _create(merchant, now, **fields)
    assert not Order.objects.exists()
    assert not Event.objects.exists()
    return refused.value.field, refused.value.reason


def test_four_fields_make_an_order_with_the_merchants_defaults(merchant, now):
    order = Order.objects.get(pk=_create(merchant, now).pk)
    assert (order.amount, order.status, order.mode) == (Money(29_999, "INR"), "created", "test")
    assert (order.return_url, order.notify_url, order.payment_methods) == (merchant.return_url, "", [])
    assert (order.created_at, order.expires_at) == (now, now + timedelta(hours=24))
    assert order.order_id == order.uid
    assert ids.looks_like_session_id(order.session_id)


def test_making_an_order_is_its_first_event(merchant, now):
    event = Event.objects.get(order=_create(merchant, now))
    assert (event.sequence, event.kind, event.old, event.new, event.cause) == (
        1,
        "order.created",
        "",
        "created",
        "merchant",
    )
    assert event.at == now


def test_everything_a_merchant_may_say_is_kept(merchant, now):
    order = _create(
        merchant,
        now,
        order_id="INV-1",
        return_url="https://shop.example.com/x/{order_id}",
        notify_url="https://hooks.example/x",
        payment_methods=["cc", "upi"],
        expiry_time=(now + timedelta(hours=2)).isoformat(),
        note="Gift <b>wrap</b>",
        tags={"name": "Retail", "age": "New"},
    )
    order.refresh_from_db()
    assert (order.order_id, order.return_url) == ("INV-1", "https://shop.example.com/x/{order_id}")
    assert (order.notify_url, order.payment_methods) == ("https://hooks.example/x", ["cc", "upi"])
    assert (order.note, order.tags) == ("Gift <b>wrap</b>", {"name": "Retail", "age": "New"})
    assert order.expires_at == now + timedelta(hours=2)


def test_the_order_keeps_what_the_customer_was_called(merchant, now):
    order = _create(merchant, now, customer_name=" Alice ", customer_phone="99999 99999")
    Customer.objects.update(name="Someone Else")
    order.refresh_from_db()
    assert (order.customer_name, order.customer_email) == ("Alice", "alice@example.com")
    assert order.customer_phone == "+919999999999"


def test_the_merchants_own_expiry_is_the_default(db, now):
    order = _create(MerchantFactory(order_expiry_s=300), now)
    assert order.expires_at == now + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"customer_name": " "}, "customer_name", "missing"),
        ({"customer_name": "x" * 101}, "customer_name", "too_long"),
        ({"customer_name": "A\x00B"}, "customer_name", "control_characters"),
        ({"customer_email": "a@b.com\r\nBcc: x@y.de"}, "customer_email", "control_characters"),
        ({"customer_phone": "'; DROP"}, "customer_phone", "phone_invalid"),
        ({"note": "4242 4242 4242 4242"}, "order_note", "card_data_not_allowed"),
        ({"note": "x" * 201}, "order_note", "too_long"),
        ({"tags": {"a": "4242-4242-4242-4242"}}, "order_tags", "card_data_not_allowed"),
        ({"order_id": "a b"}, "order_id", "order_id_invalid"),
        ({"return_url": "https://evil.com/"}, "return_url", "return_url_not_allowed"),
        ({"return_url": "javascript:alert(1)"}, "return_url", "url_invalid"),
        ({"notify_url": "file:///x"}, "notify_url", "url_invalid"),
        ({"payment_methods": ["cash"]}, "payment_methods", "unknown_method"),
        ({"payment_methods": ["upi"], "amount": Money(1, "USD")}, "payment_methods", "nothing_to_offer"),
        ({"tags": {"till_fault": "explode"}}, "order_tags", "test_fault_unknown"),
        ({"payment_methods": ["paypal", "paylater"]}, "payment_methods", "nothing_to_offer"),
        ({"expiry_time": "soon"}, "order_expiry_time", "time_invalid"),
        ({"expiry_time": "2020-01-01T00:00:00Z"}, "order_expiry_time", "time_out_of_range"),
        ({"customer_id": 999_999}, "customer_id", "customer_unknown"),
        ({"customer_id": -1}, "customer_id", "customer_unknown"),
        ({"customer_id": 2**32}, "customer_id", "customer_unknown"),
        ({"customer_id": 2**70}, "customer_id", "customer_unknown"),
        ({"customer_reference": "a b"}, "customer_reference", "customer_reference_invalid"),
    ],
)
def test_a_field_that_cannot_be_taken_makes_nothing(merchant, now, fields, field, reason):
    assert _reason(merchant, now, **fields) == (field, reason)
    assert not Customer.objects.exists()


def test_an_order_id_is_used_once_by_a_merchant_and_leaves_no_customer_behind(merchant, now):
    _create(merchant, now, order_id="INV-1")
    with pytest.raises(OrderIdTaken):
        _create(merchant, now, order_id="INV-1")
    assert (Order.objects.count(), Customer.objects.count(), Event.objects.count()) == (1, 1, 1)


def test_two_merchants_may_use_the_same_order_id(merchant, now):
    _create(merchant, now, order_id="INV-1")
    assert _create(MerchantFactory(), now, order_id="INV-1").order_id == "INV-1"


def test_without_a_reference_each_order_has_a_customer_of_its_own(merchant, now):
    assert _create(merchant, now).customer != _create(merchant, now).customer


def test_a_reference_finds_its_customer_again_in_its_merchant_and_mode_only(merchant, now, monkeypatch):
    monkeypatch.setitem(GATEWAYS, "some_bank", GATEWAYS["simulator"])
    first, again = (_create(merchant, now, customer_reference="cust-1") for _ in range(2))
    other = _create(MerchantFactory(), now, customer_reference="cust-1")
    GatewayAccount.objects.create(merchant=merchant, mode="live", gateway="some_bank")
    live = _create(merchant, now, mode="live", customer_reference="cust-1")
    assert first.customer == again.customer
    assert len({first.customer, other.customer, live.customer}) == 3


def test_a_known_customer_id_is_taken_and_the_snapshot_is_the_orders_own(merchant, now):
    customer = CustomerFactory(merchant=merchant, reference="cust-1", name="Asha")
    order = _create(merchant, now, customer_id=customer.pk, customer_reference="cust-1")
    assert (order.customer, order.customer_name) == (customer, "Alice")
    customer.refresh_from_db()
    assert customer.name == "Asha"


@pytest.mark.parametrize(
    "columns", [{}, {"mode": "live"}, {"reference": "other"}], ids=["foreign", "live", "reference"]
)
def test_a_customer_that_is_not_the_one_meant_is_unknown(merchant, now, columns):
    mine = {"merchant": merchant} if columns else {}
    customer = CustomerFactory(**mine, **columns)
    with pytest.raises(BadInput, match="customer_id"):
        _create(merchant, now, customer_id=customer.pk, customer_reference="cust-1" if columns else "")
    assert not Order.objects.exists()


def test_a_live_order_needs_a_live_gateway(merchant, now):
    with pytest.raises(NoGateway):
        _create(merchant, now, mode="live")
    assert not Order.objects.exists()


def test_a_live_order_never_goes_back_over_plain_http(db, now):
    merchant = MerchantFactory(return_url="http://shop.example.com/", return_origins=["http://shop.example.com"])
    GatewayAccount.objects.create(merchant=merchant, mode="live", gateway="some_bank")
    with pytest.raises(BadInput, match="return_url"):
        _create(merchant, now, mode="live")
    assert not Order.objects.exists()


LEGAL = [(old, new) for old, news in ORDER_MOVES.items() for new in sorted(news)]
ILLEGAL = [(old, new) for old in OrderStatus for new in OrderStatus if (old, new) not in LEGAL]


@pytest.mark.parametrize(("old", "new"), LEGAL)
def test_a_legal_move_changes_the_row_and_writes_one_event(db, now, old, new):
    order = OrderFactory(status=old)
    move_order(order, new, cause="test", at=now, attempts_declined=3)
    stored, event = Order.objects.get(), Event.objects.get()
    assert (stored.status, stored.last_sequence, stored.attempts_declined) == (new, 1, 3)
    assert (event.kind, event.old, event.new, event.sequence) == (f"order.{new}", old, new, 1)
    assert (order.status, order.last_sequence) == (new, 1)


@pytest.mark.parametrize(("old", "new"), ILLEGAL)
def test_an_illegal_move_is_refused(db, now, old, new):
    order = OrderFactory(status=old)
    with pytest.raises(InvalidMove):
        move_order(order, new, cause="test", at=now)
    assert Order.objects.get().status == old
    assert not Event.objects.exists()


@pytest.mark.parametrize("changed", [{"status": "expired"}, {"last_sequence": 7}])
def test_a_row_that_somebody_moved_meanwhile_is_stale(order, now, changed):
    Order.objects.update(**changed)
    with pytest.raises(StaleRow):
        move_order(order, OrderStatus.PENDING, cause="test", at=now)
    assert (order.status, order.last_sequence) == ("created", 0)
    assert not Event.objects.exists()


def test_the_database_decides_a_deadline(order, now):
    with pytest.raises(StaleRow):
        move_order(order, OrderStatus.PENDING, cause="test", at=now, only_if=Q(expires_at__lte=now))
    assert Order.objects.get().status == "created"


def test_a_locked_order_is_read_anew(order):
    Order.objects.update(status="expired")
    assert lock_order(order.pk).status == "expired"


def test_a_tag_named_like_a_test_fault_is_the_merchants_own_in_live_mode(merchant, now, monkeypatch):
    monkeypatch.setattr("payments.services.orders.routes_of", lambda order, *, at: {"card": order})
    order = create_order(new_order(tags={"till_fault": "mine"}, return_url="https://shop.example.com/x"),
                         merchant=merchant, mode="live", at=now)  # fmt: skip
    assert order.tags == {"till_fault": "mine"}
