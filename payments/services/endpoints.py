"""Endpoints of merchants: made, changed and switched off by people; and messages that are sent again at their wish."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet

from payments import ids, urls, webhooks
from payments.errors import BadInput, EndpointLimitReached, EndpointOff, EndpointTaken, NoLiveKey, NotFound
from payments.models import ApiKey, Delivery, Endpoint, Event, Merchant, SettlementEvent
from payments.services.audit import Act, record_act
from payments.services.deliveries import new_delivery, switch_off
from payments.states import DeliveryStatus, Mode

Told = tuple[Event | SettlementEvent, str]
"""An event and the wire's name of it."""

MOST_ENDPOINTS = 16
"""Live ones of a merchant in one mode: each of them multiplies what is sent."""
LONGEST_SPAN = timedelta(days=31)
"""Of one replay: deliveries are kept for thirty days, and a search for events walks through everybody's."""
PAGE = 500
"""Rows that one statement of a replay reads and one transaction changes."""
AT_ONCE = 50_000
"""Messages that one request sends again at most."""


# --- Endpoints ---


def add_endpoint(
    merchant: Merchant,
    mode: str,
    url: str,
    kinds: Iterable[str],
    *,
    at: datetime,
    by: Act | None = None,
    why_not: str | None = None,
) -> Endpoint:
    """Make an address that gets the merchant's events of these kinds; none named means all.

    `by` is staff; without it the merchant did it. `why_not` is what `urls.why_not_called` said of the address, where it
    was asked before the transaction. Raises BadInput, EndpointTaken, EndpointLimitReached.
    """
    urls.check_notify_url(url, live=mode == Mode.LIVE, field="url", why_not=why_not)
    chosen = _checked_kinds(kinds)
    with transaction.atomic():
        Merchant.objects.select_for_update(no_key=True).get(pk=merchant.pk)  # two at once count one after the other
        live = Endpoint.objects.filter(merchant=merchant, mode=mode, disabled_at=None)
        if live.filter(url=url).exists():
            raise EndpointTaken(f"{merchant} has a {mode} endpoint at this URL: change its kinds instead.")
        if live.count() >= MOST_ENDPOINTS:
            raise EndpointLimitReached(f"{merchant} has {MOST_ENDPOINTS} {mode} endpoints: switch one off first.")
        endpoint = Endpoint.objects.create(
            uid=ids.new_endpoint_id(), merchant=merchant, mode=mode, url=url, kinds=chosen, made_at=at
        )
        _record("endpoint.add", by, endpoint, at=at, url=url, kinds=chosen)
    return endpoint


def change_endpoint(endpoint_pk: int, kinds: Iterable[str], *, at: datetime, by: Act | None = None) -> Endpoint:
    """Let an endpoint get other kinds of events, from the next event on. Raises BadInput, EndpointOff, NotFound."""
    chosen = _checked_kinds(kinds)
    with transaction.atomic():
        endpoint = _live_endpoint(endpoint_pk)
        if endpoint.kinds != chosen:
            moves = {"kinds": [endpoint.kinds, chosen]}
            endpoint.kinds = chosen
            endpoint.save(update_fields=["kinds"])
            _record("endpoint.change", by, endpoint, at=at, moves=moves)
    return endpoint


def disable_endpoint(endpoint_pk: int, *, at: datetime, by: Act | None = None) -> Endpoint:
    """Switch an endpoint off for good, at a person's wish: what waits for it is abandoned. Safe to call twice.

    Raises NotFound.
    """
    with transaction.atomic():
        whose = "Staff" if by else "The merchant"
        changed = switch_off(endpoint_pk, f"{whose} switched it off.", at=at)
        endpoint = _endpoint(endpoint_pk, Endpoint.objects.all())
        if changed:
            _record("endpoint.disable", by, endpoint, at=at, url=endpoint.url)
    return endpoint


def send_test(endpoint_pk: int, *, at: datetime, by: Act | None = None) -> Delivery:
    """Queue a test message, which is signed, sent and tried again like all others.

    Raises EndpointOff, NoLiveKey, NotFound.
    """
    with transaction.atomic():
        endpoint = _live_endpoint(endpoint_pk)
        _refuse_without_key(endpoint.merchant_id, endpoint.mode)
        delivery = Delivery.objects.create(
            uid=ids.new_message_id(),
            endpoint=endpoint,
            merchant_id=endpoint.merchant_id,
            mode=endpoint.mode,
            kind=webhooks.TEST,
            url=endpoint.url,
            origin=urls.origin_of("url", endpoint.url),
            body=webhooks.body_of_test(at=at),
            made_at=at,
            due_at=at,
        )
        _record("endpoint.test", by, endpoint, at=at, message=delivery.uid)
    return delivery


def _checked_kinds(kinds: Iterable[str]) -> list[str]:
    """The kinds in their own order, each once. Raises BadInput for a name nobody knows."""
    given = list(kinds)
    if [kind for kind in given if kind not in webhooks.KINDS]:
        raise BadInput("kinds", "kinds_invalid", f"kinds: write names among {', '.join(webhooks.KINDS)}, or none.")
    return [kind for kind in webhooks.KINDS if kind in given]


def _endpoint(endpoint_pk: int, endpoints: QuerySet[Endpoint]) -> Endpoint:
    endpoint = endpoints.filter(pk=endpoint_pk).first()
    if endpoint is None:
        raise NotFound("There is no such endpoint.")
    return endpoint


def _live_endpoint(endpoint_pk: int) -> Endpoint:
    """The endpoint, held till the transaction ends, so that nobody switches it off meanwhile."""
    endpoint = _endpoint(endpoint_pk, Endpoint.objects.select_for_update(no_key=True))
    _refuse_off(endpoint)
    return endpoint


def _refuse_off(endpoint: Endpoint) -> None:
    if endpoint.disabled_at is not None:
        raise EndpointOff("This endpoint is switched off. Add it again: a new one can be sent what it missed.")


def _refuse_without_key(merchant_id: int, mode: str) -> None:
    if not ApiKey.objects.filter(merchant_id=merchant_id, mode=mode, revoked_at=None).exists():
        raise NoLiveKey(f"The merchant has no active {mode} key, and its secret signs: make one first.")


def _record(act: str, by: Act | None, endpoint: Endpoint, *, at: datetime, **details: Any) -> None:
    if by is not None:
        about: dict[str, Any] = {"merchant": endpoint.merchant_id, "mode": str(endpoint.mode)}
        record_act(act, by, object_type="endpoint", object_id=endpoint.uid, at=at, **about, **details)


# --- Sending again ---


def replay_delivery(delivery_pk: int, *, at: datetime, by: Act | None = None) -> Delivery:
    """Send a message again that was delivered or given up: the same id and body, on a schedule that starts anew.

    One that waits for its next try is tried now; one that is being sent is left alone. Safe to call twice.
    Raises EndpointOff, NoLiveKey, NotFound.
    """
    with transaction.atomic():
        held = Delivery.objects.select_for_update(of=("self",))  # what is old may be deleted meanwhile
        delivery = held.select_related("endpoint", *webhooks.ABOUT).filter(pk=delivery_pk).first()
        if delivery is None:
            raise NotFound("There is no such delivery.")
        if delivery.endpoint is not None:
            _refuse_off(delivery.endpoint)
        _refuse_without_key(delivery.merchant_id, delivery.mode)
        if _send_again(Delivery.objects.filter(pk=delivery_pk), at=at) and by is not None:
            order = delivery.event.order if delivery.event else None
            about = {"kind": delivery.kind, "origin": delivery.origin}
            record_act(
                "delivery.replay", by, object_type="delivery", object_id=delivery.uid, at=at, order=order, **about
            )
        delivery.refresh_from_db()
    return delivery


def _send_again(deliveries: QuerySet[Delivery], *, at: datetime) -> int:
    """Make those due now that are over, and those that wait for a later try; how many changed."""
    unleased = Q(leased_until=None) | Q(leased_until__lte=at)
    forward = deliveries.filter(unleased, status=DeliveryStatus.DUE, due_at__gt=at).update(due_at=at)
    over = deliveries.exclude(status=DeliveryStatus.DUE)
    anew = {"status": DeliveryStatus.DUE, "due_at": at, "leased_until": None, "completed_at": None}
    return forward + over.update(**anew, tries_before=F("tries"))


def replay_range(
    merchant_id: int,
    mode: str,
    *,
    since: datetime,
    until: datetime,
    endpoint: Endpoint | None = None,
    only_failed: bool = True,
    at: datetime,
    by: Act | None = None,
) -> int:
    """Send again what was made from `since` until before `until`; how many messages.

    `only_failed` means those given up, and those that failed so far and wait for a later try. Without it everything is
    sent, and to an `endpoint` also the events that it was never told of, or whose messages are deleted. Test messages
    and what went to switched-off endpoints are left out. Row by row it does what `replay_delivery` does, in small
    transactions: stopped half-way, it can be called again with the same `at`.
    Raises EndpointOff, NoLiveKey, and NotFound for somebody else's endpoint.
    """
    _refuse_without_key(merchant_id, mode)
    if endpoint is not None:
        if (endpoint.merchant_id, endpoint.mode) != (merchant_id, mode):
            raise NotFound("There is no such endpoint.")
        _refuse_off(endpoint)
    if by is not None:
        told: dict[str, Any] = {"mode": str(mode), "since": since.isoformat(), "until": until.isoformat()}
        told |= {"only_failed": only_failed, "endpoint": endpoint.uid if endpoint else "all"}
        with transaction.atomic():
            record_act("delivery.replay_range", by, object_type="merchant", object_id=str(merchant_id), at=at, **told)
    sent = 0
    span: dict[str, Any] = {"since": since, "until": until, "endpoint": endpoint, "only_failed": only_failed, "at": at}
    for page in _pages(merchant_id, mode, **span):
        with transaction.atomic():
            sent += _send_again(page, at=at)
    if endpoint is not None and not only_failed:
        for told_of in _untold(endpoint, since=since, until=until):
            sent += _queue(endpoint, told_of, at=at)
    return sent


def count_range(
    merchant_id: int,
    mode: str,
    *,
    since: datetime,
    until: datetime,
    endpoint: Endpoint | None = None,
    only_failed: bool = True,
    at: datetime,
    at_most: int,
) -> int:
    """How many messages `replay_range` would send now. Beyond `at_most` it stops counting."""
    count = 0
    span: dict[str, Any] = {"since": since, "until": until, "endpoint": endpoint, "only_failed": only_failed, "at": at}
    for page in _pages(merchant_id, mode, **span):
        count += page.count()
        if count > at_most:
            return count
    if endpoint is not None and not only_failed:
        for told_of in _untold(endpoint, since=since, until=until):
            count += len(told_of)
            if count > at_most:
                break
    return count


def _pages(
    merchant_id: int,
    mode: str,
    *,
    since: datetime,
    until: datetime,
    endpoint: Endpoint | None,
    only_failed: bool,
    at: datetime,
) -> Iterator[QuerySet[Delivery]]:
    """The deliveries to send again, by pages: whatever there is besides, no statement reads more than a page."""
    span = Delivery.objects.filter(merchant_id=merchant_id, mode=mode, made_at__gte=since, made_at__lt=until)
    wanted = Q(status=DeliveryStatus.ABANDONED)
    waits = Q(status=DeliveryStatus.DUE, due_at__gt=at) & (Q(leased_until=None) | Q(leased_until__lte=at))
    wanted |= waits & Q(tries__gt=F("tries_before")) if only_failed else waits | Q(status=DeliveryStatus.DELIVERED)
    # What ended after `at` was sent by this very call, before it was stopped.
    wanted &= Q(completed_at=None) | Q(completed_at__lte=at)
    live = Endpoint.objects.filter(merchant=merchant_id, mode=mode, disabled_at=None)
    wanted &= Q(endpoint=endpoint) if endpoint else Q(endpoint=None) | Q(endpoint__in=live.values("pk"))
    for keys in _keys(span, "made_at", since):
        yield Delivery.objects.filter(wanted, pk__in=keys).exclude(kind=webhooks.TEST)


def _keys(rows: QuerySet[Any], column: str, since: datetime) -> Iterator[list[int]]:
    """Row ids in the order of a time column, by pages; each begins where the last ended."""
    moment, last = since, 0
    while True:
        later = Q(**{f"{column}__gt": moment}) | Q(pk__gt=last)
        page = list(
            rows.filter(later, **{f"{column}__gte": moment}).order_by(column, "pk").values_list("pk", column)[:PAGE]
        )
        if page:
            yield [pk for pk, _ in page]
        if len(page) < PAGE:
            return
        last, moment = page[-1]


def _untold(endpoint: Endpoint, *, since: datetime, until: datetime) -> Iterator[list[Told]]:
    """Events that the endpoint's kinds choose and of which it has no message, with their names, by pages."""
    span = {"since": since, "until": until}
    for told in chain(_untold_of_orders(endpoint, **span), _untold_of_settlements(endpoint, **span)):
        yield [(event, kind) for event, kind in told if kind and (not endpoint.kinds or kind in endpoint.kinds)]


def _untold_of_orders(endpoint: Endpoint, *, since: datetime, until: datetime) -> Iterator[list[Told]]:
    rows = ("order__customer", "payment", "refund__payment")
    for keys in _keys(Event.objects.filter(at__gte=since, at__lt=until), "at", since):
        mine = Event.objects.filter(pk__in=keys, order__merchant=endpoint.merchant_id, order__mode=endpoint.mode)
        untold = mine.exclude(pk__in=Delivery.objects.filter(endpoint=endpoint, event__in=keys).values("event"))
        yield [(event, webhooks.kind_of(event)) for event in untold.select_related(*rows).order_by("at", "pk")]


def _untold_of_settlements(endpoint: Endpoint, *, since: datetime, until: datetime) -> Iterator[list[Told]]:
    span = SettlementEvent.objects.filter(at__gte=since, at__lt=until)
    mine = span.filter(settlement__merchant=endpoint.merchant_id, settlement__mode=endpoint.mode)
    for keys in _keys(mine, "at", since):
        told = Delivery.objects.filter(endpoint=endpoint, settlement_event__in=keys).values("settlement_event")
        untold = SettlementEvent.objects.filter(pk__in=keys).exclude(pk__in=told)
        events = untold.select_related("settlement", "payout").order_by("at", "pk")
        yield [(event, webhooks.settlement_kind_of(event)) for event in events]


def _queue(endpoint: Endpoint, told_of: list[Told], *, at: datetime) -> int:
    """Write messages of events that are over, with bodies made anew."""
    rows = []
    for event, kind in told_of:
        if isinstance(event, Event):
            body = webhooks.body_of(event, kind, order=event.order)
        else:
            body = webhooks.settlement_body_of(event, kind)
        row = new_delivery(event, kind, url=endpoint.url, endpoint=endpoint, body=body)
        row.due_at = at
        rows.append(row)
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)  # the same replay may run twice at once
    return len(rows)
