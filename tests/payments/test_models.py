"""Every promise of the database, proved by trying to break it behind the services' backs."""

from datetime import date, timedelta

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import CheckConstraint, F, ProtectedError

from payments import clock
from payments.gateways.simulator.models import SimulatedPayment, SimulatedRefund
from payments.models import (
    Adjustment,
    ApiKey,
    AuditEntry,
    Authorization,
    Customer,
    Delivery,
    DeliveryTry,
    Endpoint,
    Event,
    FeePlan,
    GatewayAccount,
    GatewayEvent,
    GatewaySettlement,
    IdempotencyKey,
    LedgerAccount,
    Merchant,
    MerchantLogo,
    Order,
    Payment,
    Payout,
    RecoveryCode,
    Refund,
    SecondFactor,
    Settlement,
    SettlementEvent,
    StatementFile,
    StatementLine,
    Transfer,
)
from payments.services.disputes import post_adjustment
from tests.factories import (
    CustomerFactory,
    GatewayAccountFactory,
    MerchantFactory,
    OrderFactory,
    PaymentFactory,
    RefundFactory,
    RoutingRuleFactory,
    UserFactory,
    act,
)
from tests.payments.settlement_breaks import SETTLEMENT_BREAKS

BEYOND_UINT32 = 2**32


def _set(row, **columns):
    type(row).objects.filter(pk=row.pk).update(**columns)


def _key(merchant, slot, **columns):
    known = {"mode": "test", "client_id": f"key_{ApiKey.objects.count()}"}
    made = {"secret_hash": b"h", "secret_ciphertext": b"c", "secret_last4": "abcd", "created_at": merchant.created_at}
    return ApiKey.objects.create(merchant=merchant, slot=slot, **{**known, **made, **columns})


def _two_keys_in_a_slot():
    merchant = MerchantFactory()
    _key(merchant, 1, client_id="key_a")
    _key(merchant, 1, client_id="key_b")


def _event(order, sequence):
    Event.objects.create(order=order, sequence=sequence, kind="k", new="n", cause="c", at=order.created_at)


def _two_events_of_a_number():
    order = OrderFactory()
    _event(order, 1)
    _event(order, 1)


def _two_accounts():
    account = GatewayAccountFactory()
    GatewayAccount.objects.create(merchant=account.merchant, mode="test", gateway="simulator")


def _two_customers_of_a_reference():
    first = CustomerFactory(reference="cust-1")
    CustomerFactory(merchant=first.merchant, reference="cust-1")


def _two_orders_of_an_id():
    first = OrderFactory()
    OrderFactory(merchant=first.merchant, order_id=first.order_id)


def _two_captures():
    first = PaymentFactory(success=True)
    PaymentFactory(success=True, order=first.order)


def _two_attempts_of_a_form():
    first = PaymentFactory(failed=True)
    PaymentFactory(failed=True, order=first.order, form_nonce=first.form_nonce)


def _two_rows_of_a_gateway_payment():
    first = PaymentFactory(success=True)
    other = OrderFactory(merchant=first.merchant)
    PaymentFactory(success=True, order=other, gateway_payment_id=first.gateway_payment_id)


def _authorization(**columns):
    Authorization.objects.create(payment=PaymentFactory(), **columns)


def _idempotency_key(merchant=None, mode="test"):
    merchant = merchant or MerchantFactory()
    IdempotencyKey.objects.create(
        merchant=merchant, mode=mode, key="k", fingerprint=b"f", created_at=merchant.created_at
    )


def _gateway_event(account=None):
    GatewayEvent.objects.create(
        gateway="simulator", event_id="evt_1", kind="x", body="{}", received_at=clock.now(), account=account
    )


def _simulated(status, **columns):
    SimulatedPayment.objects.create(
        key="k", account_id=1, amount_minor=1, status=status, made_at=MerchantFactory().created_at, **columns
    )


def _adjustment(**columns):
    post_adjustment(MerchantFactory(), 100, "INR", mode="test", by=act(), at=clock.now())
    Adjustment.objects.update(**columns)


def _accounts(*kinds, **columns):
    merchant = MerchantFactory()
    known = {"merchant": merchant, "mode": "test", "currency": "INR"}
    return [LedgerAccount.objects.create(**{**known, "kind": kind, **columns}) for kind in kinds]


def _transfer(times=1, kind="capture", kinds=("gateway_receivable", "merchant_payable"), **columns):
    accounts = _accounts(*kinds)
    given = {"amount_minor": 1, "currency": "INR", "source_type": "payment", "source_id": 1, "at": clock.now()}
    for _ in range(times):
        Transfer.objects.create(debit=accounts[0], credit=accounts[-1], kind=kind, **{**given, **columns})


def _two_refunds_of_an_id():
    first = RefundFactory()
    RefundFactory(payment=first.payment, refund_id=first.refund_id)


def _simulated_refund(**columns):
    _simulated("open")
    row = SimulatedPayment.objects.get()
    SimulatedRefund.objects.create(payment=row, key="r", status="done", made_at=row.made_at, **columns)


def _second_factor(**columns):
    SecondFactor.objects.create(user=UserFactory(), **columns)


def _twice_the_same_recovery_code():
    code = {"user": UserFactory(), "digest": b"d" * 32, "made_at": clock.now()}
    for _ in range(2):
        RecoveryCode.objects.create(**code)


def _logo(picture):
    return MerchantLogo.objects.create(merchant=MerchantFactory(), picture=picture)


def _fee_plan(**columns):
    FeePlan.objects.create(merchant=Merchant.objects.first() or MerchantFactory(), **columns)


def _endpoint(merchant=None, mode="test"):
    merchant = merchant or MerchantFactory()
    told = {"uid": f"we_{Endpoint.objects.count()}", "url": "https://x.example/", "made_at": merchant.created_at}
    return Endpoint.objects.create(merchant=merchant, mode=mode, **told)


def _delivery(event=None, **columns):
    order = event.order if event else OrderFactory()
    _event(order, 1) if event is None else None
    known = {
        "event": event or order.events.get(),
        "merchant": order.merchant,
        "mode": "test",
        "url": "https://x.example/",
    }
    known |= {"uid": f"msg_{Delivery.objects.count()}", "made_at": order.created_at, "due_at": order.created_at}
    return Delivery.objects.create(**{**known, **columns})


def _two_deliveries(with_endpoint):
    first = _delivery()
    endpoint = _endpoint(first.merchant) if with_endpoint else None
    for _ in range(2):
        _delivery(first.event, endpoint=endpoint)


def _settled_delivery(**columns):
    """A message of one settlement event to one endpoint, whichever call it is."""
    if not SettlementEvent.objects.exists():
        merchant = MerchantFactory()
        now = {"collects": "operator", "cutoff_at": merchant.created_at, "opened_at": merchant.created_at}
        settlement = Settlement.objects.create(uid="settle_1", merchant=merchant, mode="test", currency="INR", **now)
        settlement.events.create(sequence=1, kind="settlement.closed", cause="test", at=merchant.created_at)
        _endpoint(merchant)
    event, endpoint = SettlementEvent.objects.get(), Endpoint.objects.get()
    known = {"settlement_event": event, "endpoint": endpoint, "merchant": endpoint.merchant, "mode": "test"}
    known |= {"uid": f"msg_{Delivery.objects.count()}", "url": endpoint.url, "made_at": event.at, "due_at": event.at}
    return Delivery.objects.create(**{**known, **columns})


def _statement(**columns):
    """The one file there is, or a new one."""
    told = {"kind": "bank", "mode": "test", "name": "x.csv", "sha256": "0" * 64, "line_count": 1}
    days = {"period_from": date(2026, 11, 1), "period_to": date(2026, 11, 2)}
    by = {"imported_by": UserFactory(username="teller"), "imported_at": clock.now()}
    return StatementFile.objects.create(**{**told, **days, **by, **columns})


def _gateway_settlement():
    account = GatewayAccount.objects.first() or GatewayAccountFactory()
    file = StatementFile.objects.first() or _statement()
    told = {"reference": "S1", "currency": "INR", "date": file.period_from}
    sums = {"total_minor": 0, "paid_minor": 0, "cost_minor": 0}
    GatewaySettlement.objects.create(file=file, account=account, **told, **sums)


def _statement_line(**columns):
    file = StatementFile.objects.first() or _statement()
    told = {"number": 2, "type": "payment", "date": file.period_from, "currency": "INR", "bucket": "matched"}
    StatementLine.objects.create(file=file, **{**told, **columns})


def _payout():
    if not Payout.objects.exists():
        merchant = MerchantFactory()
        now = {"collects": "operator", "cutoff_at": merchant.created_at, "opened_at": merchant.created_at}
        settlement = Settlement.objects.create(uid="settle_1", merchant=merchant, mode="test", currency="INR", **now)
        told = {"uid": "payout_1", "amount_minor": 1, "sent_at": merchant.created_at, "sent_by": UserFactory()}
        settlement.payouts.create(**told)
    return Payout.objects.get()


def _two_tries_of_a_number():
    told = {"delivery": _delivery(), "number": 1, "at": MerchantFactory().created_at, "duration_ms": 1}
    DeliveryTry.objects.create(**told)
    DeliveryTry.objects.create(**told)


# name of the constraint: the writes it must refuse, each alone
BREAKS = {
    "merchant_id_is_uint32": [lambda: MerchantFactory(pk=BEYOND_UINT32, account=None)],
    "merchant_expiry_5min_to_30days": [
        lambda: MerchantFactory(order_expiry_s=299),
        lambda: MerchantFactory(order_expiry_s=2_592_001),
    ],
    "merchant_allows_10_extensions": [lambda: MerchantFactory(extensions=11)],
    "order_extended_10_times_at_most": [lambda: _set(OrderFactory(), extensions_used=11)],
    "order_last_method_known": [lambda: _set(OrderFactory(), last_method="cash")],
    "order_last_choice_fits": [lambda: _set(OrderFactory(), last_method="card", last_choice="HDFC")],
    "merchant_terms_on_the_web": [lambda: MerchantFactory(terms_url="javascript:alert(1)")],
    "merchant_support_phone_is_e164": [lambda: MerchantFactory(support_phone="022 4000 1234")],
    "logo_is_small": [lambda: _logo(b""), lambda: _logo(b"x" * 2_049)],
    "one_person_refund_not_negative": [lambda: MerchantFactory(one_person_refund_minor=-1)],
    "fee_plan_method_known": [lambda: _fee_plan(method="cash")],
    "one_fee_plan_per_method_and_currency": [lambda: (_fee_plan(), _fee_plan())],
    "fee_plan_within_bounds": [
        lambda: _fee_plan(percent_bps=10_001),
        lambda: _fee_plan(tax_bps=10_001),
        lambda: _fee_plan(fixed_minor=-1),
    ],
    "api_key_mode_known": [lambda: _key(MerchantFactory(), 1, mode="demo")],
    "api_key_slot_1_or_2": [lambda: _key(MerchantFactory(), 0), lambda: _key(MerchantFactory(), 3)],
    "two_live_keys_per_mode": [_two_keys_in_a_slot],
    "gateway_account_mode_known": [lambda: GatewayAccountFactory(mode="demo")],
    "one_account_per_gateway_and_mode": [_two_accounts],
    "simulator_is_test_only": [
        lambda: GatewayAccountFactory(mode="live"),
        lambda: _set(GatewayAccountFactory(), mode="live"),
    ],
    "routing_position_from_one": [lambda: RoutingRuleFactory(position=0)],
    "routing_amounts_have_a_currency": [
        lambda: RoutingRuleFactory(min_minor=1),
        lambda: RoutingRuleFactory(max_minor=1),
    ],
    "routing_amounts_not_negative": [
        lambda: RoutingRuleFactory(currency="INR", min_minor=-1),
        lambda: RoutingRuleFactory(currency="INR", max_minor=0),
    ],
    "routing_range_not_empty": [lambda: RoutingRuleFactory(currency="INR", min_minor=5, max_minor=4)],
    "customer_mode_known": [lambda: CustomerFactory(mode="demo")],
    "customer_id_is_uint32": [lambda: CustomerFactory(pk=BEYOND_UINT32)],
    "one_customer_per_reference": [_two_customers_of_a_reference],
    "order_mode_known": [lambda: _set(OrderFactory(), mode="demo")],
    "order_status_known": [lambda: _set(OrderFactory(), status="refunded")],
    "order_amount_above_zero": [lambda: OrderFactory(amount_minor=0), lambda: _set(OrderFactory(), amount_minor=-1)],
    "one_order_per_order_id": [_two_orders_of_an_id],
    "payment_mode_known": [lambda: _set(PaymentFactory(), mode="demo")],
    "payment_status_known": [lambda: _set(PaymentFactory(), status="refunded")],
    "payment_method_known": [lambda: _set(PaymentFactory(), method="cash")],
    "payment_capture_kind_known": [lambda: _set(PaymentFactory(success=True), capture_kind="other")],
    "payment_amount_above_zero": [
        lambda: PaymentFactory(amount_minor=0),
        lambda: _set(PaymentFactory(surplus=True), amount_minor=-5),
    ],
    "captured_only_on_success": [
        lambda: _set(PaymentFactory(), captured_minor=1),
        lambda: _set(PaymentFactory(), capture_kind="normal"),
        lambda: _set(PaymentFactory(), status="success"),
        lambda: _set(PaymentFactory(success=True), capture_kind=""),
        lambda: _set(PaymentFactory(success=True), captured_minor=0),
        lambda: _set(PaymentFactory(success=True), status="failed"),
    ],
    "refunds_within_capture": [
        lambda: _set(PaymentFactory(success=True), refund_reserved_minor=30_000),
        lambda: _set(PaymentFactory(), refund_reserved_minor=1),
    ],
    "refunded_within_reserved": [
        lambda: _set(PaymentFactory(success=True), refund_reserved_minor=10, refunded_minor=11),
        lambda: _set(PaymentFactory(success=True), refunded_minor=-1),
    ],
    "captured_within_amount": [
        lambda: _set(PaymentFactory(success=True), captured_minor=30_000),
        lambda: _set(PaymentFactory(late=True), captured_minor=30_000),
    ],
    "fees_only_on_normal_captures": [
        lambda: _set(PaymentFactory(), fee_minor=1),
        lambda: _set(PaymentFactory(late=True), fee_tax_minor=1),
        lambda: _set(PaymentFactory(success=True), fee_minor=-1),
    ],
    "refund_mode_known": [lambda: _set(RefundFactory(), mode="demo")],
    "refund_status_known": [lambda: _set(RefundFactory(), status="lost")],
    "refund_amount_above_zero": [lambda: _set(RefundFactory(), amount_minor=0)],
    "one_refund_per_refund_id": [_two_refunds_of_an_id],
    "maker_is_not_checker": [
        lambda: _set(RefundFactory(requested_by=UserFactory()), approved_by=F("requested_by")),
        lambda: _set(
            RefundFactory(requested_by=UserFactory(), approved_by=UserFactory()), requested_by=F("approved_by")
        ),
    ],
    "ledger_account_mode_known": [lambda: _accounts("bank", mode="demo")],
    "ledger_account_kind_known": [lambda: _accounts("pocket")],
    "one_ledger_account_per_kind": [lambda: _accounts("bank", "bank")],
    "transfer_amount_above_zero": [lambda: _transfer(amount_minor=0)],
    "transfer_between_two_accounts": [lambda: _transfer(kinds=["bank"])],
    "transfer_kind_known": [lambda: _transfer(kind="gift")],
    "transfer_source_known": [lambda: _transfer(source_type="order")],
    "one_transfer_per_source_and_kind": [lambda: _transfer(times=2)],
    "adjustment_mode_known": [lambda: _adjustment(mode="demo")],
    "adjustment_is_not_nothing": [lambda: _adjustment(amount_minor=0)],
    "adjustment_has_a_reason": [lambda: _adjustment(reason="")],
    "audit_entry_is_chained": [lambda: AuditEntry.objects.create(actor_id=act().user_id, act="x", at=clock.now())],
    "one_live_attempt_per_order": [
        lambda: PaymentFactory(order=PaymentFactory().order),
        lambda: PaymentFactory(order=PaymentFactory(authorized=True).order),
        lambda: PaymentFactory(authorized=True, order=PaymentFactory().order),
    ],
    "one_normal_capture_per_order": [_two_captures],
    "one_attempt_per_form": [_two_attempts_of_a_form],
    "one_row_per_gateway_payment": [_two_rows_of_a_gateway_payment],
    "authorization_action_known": [lambda: _authorization(action="steal")],
    "authorization_status_known": [lambda: _authorization(status="maybe")],
    "authorization_capture_not_negative": [lambda: _authorization(captured_minor=-1)],
    "one_event_per_number": [_two_events_of_a_number],
    "idempotency_mode_known": [lambda: _idempotency_key(mode="prod")],
    "one_write_per_idempotency_key": [lambda: [_idempotency_key(merchant=m) for m in [MerchantFactory()] * 2]],
    "one_row_per_gateway_event": [lambda: (_gateway_event(), _gateway_event())],
    "one_row_per_event_of_an_account": [lambda: [_gateway_event(account) for account in [GatewayAccountFactory()] * 2]],
    "endpoint_mode_known": [lambda: _endpoint(mode="demo")],
    "one_live_endpoint_per_url": [lambda: [_endpoint(merchant=m) for m in [MerchantFactory()] * 2]],
    "delivery_mode_known": [lambda: _delivery(mode="demo")],
    "delivery_status_known": [lambda: _delivery(status="lost", due_at=None)],
    "one_delivery_per_event_and_endpoint": [lambda: _two_deliveries(with_endpoint=True)],
    "one_delivery_per_event_and_order": [lambda: _two_deliveries(with_endpoint=False)],
    "only_due_deliveries_have_a_time": [
        lambda: _delivery(due_at=None),
        lambda: _delivery(status="delivered"),
        lambda: _set(_delivery(), status="abandoned"),
    ],
    "one_delivery_per_settlement_event_and_endpoint": [lambda: (_settled_delivery(), _settled_delivery())],
    "delivery_is_about_one_event": [
        lambda: _settled_delivery(endpoint=None),
        lambda: _settled_delivery(event=_delivery().event),
    ],
    "one_row_per_try": [_two_tries_of_a_number],
    "statement_mode_known": [lambda: _statement(mode="both")],
    "gateway_statement_has_an_account": [lambda: _statement(kind="gateway"), lambda: _statement(kind="other")],
    "statement_period_in_order": [lambda: _statement(period_to=date(2026, 10, 31))],
    "one_gateway_settlement_per_file": [lambda: (_gateway_settlement(), _gateway_settlement())],
    "statement_net_is_gross_less_cost": [lambda: _statement_line(gross_minor=5)],
    "statement_difference_is_explained": [
        lambda: _statement_line(gross_minor=5, net_minor=5),
        lambda: _statement_line(gross_minor=5, net_minor=5, missing_minor=4),
        lambda: _statement_line(expected_minor=5),
    ],
    "books_only_is_not_in_the_file": [
        lambda: _statement_line(number=None, gross_minor=5, net_minor=5, missing_minor=5)
    ],
    "statement_bucket_known": [lambda: _statement_line(bucket="lost")],
    "statement_type_known": [lambda: _statement_line(type="other")],
    "one_row_per_statement_line": [lambda: (_statement_line(), _statement_line())],
    "one_statement_line_per_payment": [
        lambda: [_statement_line(number=n, payment=Payment.objects.first() or PaymentFactory()) for n in (1, 2)]
    ],
    "one_statement_line_per_refund": [
        lambda: [_statement_line(number=n, refund=Refund.objects.first() or RefundFactory()) for n in (1, 2)]
    ],
    "one_statement_line_per_payout_and_type": [
        lambda: [_statement_line(number=n, type="debit", payout=_payout()) for n in (1, 2)]
    ],
    "simulated_status_known": [lambda: _simulated("lost")],
    "simulated_money_on_capture_only": [
        lambda: _simulated("captured"),
        lambda: _simulated("held", captured_minor=1),
    ],
    "simulated_refund_above_zero": [lambda: _simulated_refund(amount_minor=0)],
    "second_factor_whole": [lambda: _second_factor(enrolled_at=clock.now()), lambda: _second_factor(secret=b"sealed")],
    "recovery_code_once": [_twice_the_same_recovery_code],
    "one_simulated_payment_per_key": [lambda: (_simulated("open"), _simulated("declined"))],
}
CONSTRAINTS = {
    constraint.name: constraint
    for label in ("payments", "simulator")
    for model in apps.get_app_config(label).get_models()
    for constraint in model._meta.constraints
}


def _blamed(error, constraint):
    """Whether the database refused because of this constraint and no other."""
    if connection.vendor == "postgresql":
        return error.__cause__.diag.constraint_name == constraint.name
    kind = "CHECK" if isinstance(constraint, CheckConstraint) else "UNIQUE"
    return f"{kind} constraint failed" in str(error) and (kind == "UNIQUE" or constraint.name in str(error))


@pytest.mark.parametrize(
    ("name", "breaking"),
    [
        pytest.param(name, write, id=f"{name}-{i}")
        for name, writes in (BREAKS | SETTLEMENT_BREAKS).items()
        for i, write in enumerate(writes)
    ],
)
@pytest.mark.django_db
def test_the_database_refuses(name, breaking):
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        breaking()
    assert _blamed(caught.value, CONSTRAINTS[name])


def test_every_constraint_is_tried():
    assert set(BREAKS | SETTLEMENT_BREAKS) >= set(CONSTRAINTS)


@pytest.mark.parametrize("column", ["refund_reserved_minor", "refunded_minor"])
def test_no_refund_is_negative(db, column):
    payment = PaymentFactory(success=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        _set(payment, **{column: -1})
    payment.refresh_from_db()
    assert getattr(payment, column) == 0


@pytest.mark.parametrize("column", ["uid", "session_id"])
def test_public_order_ids_are_unique_across_merchants(order, column):
    with pytest.raises(IntegrityError), transaction.atomic():
        OrderFactory(**{column: getattr(order, column)})
    assert Order.objects.count() == 1


@pytest.mark.parametrize("column", ["uid", "gateway_key"])
def test_payment_ids_and_gateway_keys_are_unique_across_orders(payment, column):
    with pytest.raises(IntegrityError), transaction.atomic():
        PaymentFactory(**{column: getattr(payment, column)})
    assert Payment.objects.count() == 1


def test_a_client_id_belongs_to_one_key(merchant):
    _key(merchant, 1, client_id="key_same")
    with pytest.raises(IntegrityError), transaction.atomic():
        _key(merchant, 2, client_id="key_same")
    assert ApiKey.objects.count() == 1


def test_two_keys_in_two_slots_and_revoked_ones_besides_are_fine(merchant, now):
    for slot, revoked in [(1, now), (1, None), (2, None), (2, now)]:
        _key(merchant, slot, revoked_at=revoked)
    assert ApiKey.objects.filter(revoked_at=None).count() == 2


def test_the_same_order_id_serves_two_merchants_and_two_modes(order):
    OrderFactory(order_id=order.order_id)
    OrderFactory(merchant=order.merchant, mode="live", order_id=order.order_id)
    assert Order.objects.filter(order_id=order.order_id).count() == 3


def test_any_number_of_customers_without_a_reference_is_fine(merchant):
    CustomerFactory.create_batch(3, merchant=merchant)
    assert Customer.objects.filter(merchant=merchant, reference="").count() == 3


def test_an_order_keeps_any_number_of_ended_attempts_beside_its_capture(db):
    paid = PaymentFactory(success=True)
    for trait in ("failed", "user_dropped", "cancelled", "void", "late", "surplus"):
        PaymentFactory(order=paid.order, **{trait: True})
    assert paid.order.payments.count() == 7


def test_attempts_without_a_gateway_payment_id_do_not_collide(db):
    PaymentFactory.create_batch(2)
    assert Payment.objects.filter(gateway_payment_id="").count() == 2


def test_the_largest_ids_of_32_bits_are_taken(db):
    merchant = MerchantFactory(pk=2**32 - 1, account=None)
    assert Merchant.objects.get(pk=2**32 - 1).org_id == merchant.org_id == 2**32 - 1


def test_a_merchant_with_orders_cannot_be_deleted(order):
    with pytest.raises(ProtectedError):
        order.merchant.delete()
    assert Order.objects.count() == 1


@pytest.mark.parametrize(("seconds", "lapsed"), [(-1, True), (0, True), (1, False)])
def test_lapsed_orders_are_those_whose_time_is_up(order, now, seconds, lapsed):
    _set(order, expires_at=now + timedelta(seconds=seconds))
    assert Order.objects.lapsed(at=now).exists() is lapsed


@pytest.mark.parametrize(("trait", "lapsed"), [("authorized", False), ("failed", True), ("success", False)])
def test_an_order_with_a_live_attempt_never_lapses(db, now, trait, lapsed):
    payment = PaymentFactory(**{trait: True}, order__expires_at=now)
    assert Order.objects.lapsed(at=now).filter(pk=payment.order_id).exists() is lapsed


def test_only_unleased_pending_payments_are_due_for_inquiry(payment, now):
    at = now + timedelta(minutes=1)
    assert list(Payment.objects.due_for_inquiry(at=at)) == [payment]
    _set(payment, leased_until=at + timedelta(microseconds=1))
    assert not Payment.objects.due_for_inquiry(at=at).exists()
    _set(payment, leased_until=at)
    assert Payment.objects.due_for_inquiry(at=at).exists()
