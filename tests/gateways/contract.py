"""The cases every gateway's adapter passes, against that gateway's own book. A subclass brings its `world` fixture."""

import itertools
import json
from dataclasses import replace

import pytest

from payments import clock
from payments.gateways.base import (
    EVENT_SECRET,
    PREVIOUS_EVENT_SECRET,
    BadCredentials,
    CancelAnswer,
    ForgedEvent,
    NotSupported,
    NotTaken,
    PaymentFact,
    Reference,
    RefundFact,
    Standing,
    Unanswered,
    UnreadableEvent,
)
from payments.money import Money
from payments.services.calls import call_gateway
from tests.gateways import odd
from tests.gateways.world import PRICE, World

PART = Money(10_000, "INR")
LOST = ["before", "after", "error"]
"""A time-out before the gateway acts, one after, and a 500 after."""


def paid(world, **over):
    """An attempt that was approved, and what the gateway said of it."""
    trip = world.go(**over)
    world.approve(trip)
    return trip, world.ask(trip)


def success(world):
    """The event that says that money was taken, after somebody paid."""
    if not world.taken():
        paid(world)
    read = [(world.gateway.parse_event(world.account, *event, at=clock.now()), event) for event in world.events()]
    return next(event for said, event in read if isinstance(said.fact, PaymentFact) and said.fact.status == "success")


class Starting:
    def test_the_same_key_again_is_the_same_attempt(self, world: World):
        trip = world.go()
        again = world.gateway.start(trip.attempt)
        assert type(again) is type(trip.outcome)
        assert getattr(again, "gateway_order_id", "") == getattr(trip.outcome, "gateway_order_id", "")
        world.approve(trip)
        assert world.taken() == [PRICE]

    def test_a_key_nobody_started_is_absent(self, world: World):
        assert world.gateway.inquire(world.account, Reference("att_0", started_at=clock.now())) is Standing.ABSENT

    def test_an_attempt_is_open_until_the_customer_acts(self, world: World):
        assert world.ask(world.go()) is Standing.OPEN
        assert world.taken() == []

    @pytest.mark.parametrize("fault", LOST)
    def test_a_start_whose_answer_is_lost_is_a_question_and_its_key_still_one_attempt(self, world: World, fault):
        attempt = world.attempt()
        world.lose("start", fault)
        with pytest.raises(Unanswered):
            world.gateway.start(attempt)
        trip = world.go(key=attempt.key)
        assert world.ask(trip) is Standing.OPEN
        world.approve(trip)
        assert world.ask(trip).status == "success"
        assert world.taken() == [PRICE]


class Deciding:
    def test_money_taken_is_told_whole(self, world: World):
        trip, fact = paid(world)
        assert (fact.status, fact.key, fact.amount) == ("success", trip.attempt.key, PRICE)
        assert fact.gateway_payment_id
        assert world.taken() == [PRICE]
        assert world.ask(trip) == fact, "asking again says the same"

    def test_a_customer_who_comes_back_paid_has_paid(self, world: World):
        trip = world.go()
        world.approve(trip)
        assert world.come_back(trip).status == "success"

    def test_a_refusal_is_told_with_its_reason_and_no_amount(self, world: World):
        trip = world.go()
        world.decline(trip)
        fact = world.come_back(trip)
        assert (fact.status, fact.declined, fact.amount) == ("failed", True, None)
        assert fact.error_code
        assert fact.message

    def test_a_customer_who_leaves_took_nothing_and_was_not_declined(self, world: World):
        trip = world.go()
        world.leave(trip)
        fact = world.come_back(trip)
        assert (fact.status, fact.declined, fact.error_code) == ("user_dropped", False, "left")
        assert world.taken() == []

    def test_what_a_browser_claims_alone_pays_nothing(self, world: World):
        claimed, other = world.go(), world.go()
        world.approve(other)
        claimed.brought = other.brought
        try:
            said = world.come_back(claimed)
        except Exception as refusal:  # noqa: BLE001  (forged or not, it is no success)
            said = refusal
        assert getattr(said, "status", "") != "success"

    def test_another_amount_is_told_as_it_is(self, world: World):
        """The core compares: a gateway that echoed what we asked for would hide the difference."""
        trip = world.go()
        world.approve(trip, Money(100, "INR"))
        assert world.ask(trip).amount == Money(100, "INR")


class Cancelling:
    def test_money_that_was_taken_is_alive(self, world: World):
        trip, _ = paid(world)
        assert world.gateway.cancel(world.account, trip.reference) is CancelAnswer.ALIVE
        assert world.taken() == [PRICE]

    def test_a_key_nobody_started_does_not_keep_the_order(self, world: World):
        answer = world.gateway.cancel(world.account, Reference("att_0", started_at=clock.now()))
        assert answer in (CancelAnswer.DEAD, CancelAnswer.UNKNOWN)


class Holding:
    @pytest.fixture
    def held(self, world: World):
        trip = world.go(manual_capture=True)
        world.approve(trip)
        self.fact = world.ask(trip)
        return trip

    def test_held_money_is_not_taken_and_says_how_long(self, world: World, held):
        assert (self.fact.status, self.fact.amount) == ("authorized", PRICE)
        assert self.fact.approve_by > clock.now()
        assert self.fact.gateway_payment_id
        assert world.taken() == []

    def test_a_capture_takes_it_once_however_often_it_is_asked(self, world: World, held):
        facts = [world.gateway.capture(world.account, held.reference, PRICE) for _ in range(2)]
        assert [(fact.status, fact.amount) for fact in facts] == [("success", PRICE)] * 2
        assert world.taken() == [PRICE]

    def test_a_capture_of_a_part(self, world: World, held):
        if not world.captures_in_part:
            with pytest.raises(NotSupported):
                world.gateway.capture(world.account, held.reference, PART)
            assert world.taken() == []
            return
        fact = world.gateway.capture(world.account, held.reference, PART)
        assert (fact.status, fact.amount) == ("success", PART)
        assert world.taken() == [PART]

    @pytest.mark.parametrize("fault", LOST)
    def test_a_capture_whose_answer_is_lost_is_found_and_takes_nothing_twice(self, world: World, held, fault):
        world.lose("capture", fault)
        with pytest.raises(Unanswered):
            world.gateway.capture(world.account, held.reference, PRICE)
        assert world.ask(held).status == ("authorized" if fault == "before" else "success")
        assert world.gateway.capture(world.account, held.reference, PRICE).status == "success"
        assert world.taken() == [PRICE]

    def test_a_release(self, world: World, held):
        if not world.releases:
            with pytest.raises(NotSupported):
                world.gateway.void(world.account, held.reference)
            return
        assert [world.gateway.void(world.account, held.reference).status for _ in range(2)] == ["void", "void"]
        assert world.gateway.capture(world.account, held.reference, PRICE).status == "void"
        assert world.taken() == []

    def test_a_release_of_money_that_was_taken_comes_too_late(self, world: World, held):
        world.gateway.capture(world.account, held.reference, PRICE)
        assert world.gateway.void(world.account, held.reference).status == "success"


class Refunding:
    @pytest.fixture
    def bought(self, world: World):
        return paid(world)[0]

    def back(self, world, trip, amount, key="ref_0000000001"):
        return world.gateway.refund(world.account, trip.reference, key, amount)

    @pytest.mark.parametrize("amount", [PRICE, PART], ids=["whole", "part"])
    def test_money_goes_back_once_however_often_one_key_is_sent(self, world: World, bought, amount):
        facts = [self.back(world, bought, amount) for _ in range(2)]
        assert {fact.status for fact in facts} <= {"success", "pending"}
        assert {(fact.key, fact.amount) for fact in facts} == {("ref_0000000001", amount)}
        assert facts[0].gateway_refund_id == facts[1].gateway_refund_id != ""
        assert world.given_back() == [amount]

    def test_two_keys_are_two_refunds(self, world: World, bought):
        for key in ("ref_0000000001", "ref_0000000002"):
            self.back(world, bought, PART, key)
        assert world.given_back() == [PART, PART]

    def test_more_than_is_left_is_refused(self, world: World, bought):
        self.back(world, bought, PRICE)
        fact = self.back(world, bought, PART, "ref_0000000002")
        assert (fact.status, bool(fact.error_code), bool(fact.message)) == ("failed", True, True)
        assert world.given_back() == [PRICE]

    def test_a_refund_is_found_by_its_key_and_an_unknown_one_is_absent(self, world: World, bought):
        said = self.back(world, bought, PART)
        found = world.gateway.inquire_refund(world.account, bought.reference, "ref_0000000001")
        assert (found.key, found.amount, found.gateway_refund_id) == (said.key, PART, said.gateway_refund_id)
        assert world.gateway.inquire_refund(world.account, bought.reference, "ref_9999999999") is Standing.ABSENT

    @pytest.mark.parametrize("fault", LOST)
    def test_a_refund_whose_answer_is_lost_is_found_and_gives_nothing_twice(self, world: World, bought, fault):
        world.lose("refund", fault)
        with pytest.raises(Unanswered):
            self.back(world, bought, PART)
        found = world.gateway.inquire_refund(world.account, bought.reference, "ref_0000000001")
        assert (found is Standing.ABSENT) is (fault == "before")
        self.back(world, bought, PART)
        assert world.given_back() == [PART]


class Telling:
    """Server events."""

    @pytest.fixture
    def told(self, world: World):
        self.trip, self.fact = paid(world)
        return world.events()

    def read(self, world, body, headers, account=None):
        return world.gateway.parse_event(account or world.account, body, headers, at=clock.now())

    def test_a_genuine_event_says_what_an_inquiry_says(self, world: World, told):
        said = self.read(world, *success(world)).fact
        assert (said.status, said.amount) == ("success", PRICE)
        assert said.gateway_payment_id == self.fact.gateway_payment_id
        assert said.key == self.trip.attempt.key or said.gateway_order_id == self.trip.reference.gateway_order_id

    def test_a_replay_has_its_first_id_and_two_events_have_two(self, world: World, told):
        ids = [self.read(world, *event).event_id for event in told + told]
        assert ids[: len(told)] == ids[len(told) :]
        assert len(set(ids)) == len(told)
        assert all(1 <= len(event_id) <= 100 for event_id in ids)

    def test_events_have_a_kind_that_fits_its_column(self, world: World, told):
        assert all(1 <= len(self.read(world, *event).kind) <= 40 for event in told)

    @pytest.mark.parametrize("place", [0, 0.5, -1])
    def test_a_changed_byte_is_forged(self, world: World, told, place):
        body, headers = success(world)
        at = int(place * len(body)) if place >= 0 else len(body) - 1
        changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        with pytest.raises(ForgedEvent):
            self.read(world, changed, headers)

    def test_no_signature_is_forged(self, world: World, told):
        body, _ = success(world)
        with pytest.raises(ForgedEvent):
            self.read(world, body, {})

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b"null", b"{}", b'"x"', b"\xff\xfe", b'{"id": "a\\u0000b"}', b"[" * 9_999]
    )
    def test_a_genuine_event_that_makes_no_sense_is_unreadable(self, world: World, told, body):
        headers = world.signed(body, world.account, told[-1][1])
        with pytest.raises(UnreadableEvent):
            self.read(world, body, headers)

    def test_values_of_a_wrong_type_in_a_genuine_event_are_unreadable_or_can_be_kept(self, world: World, told):
        world.gateway.refund(world.account, self.trip.reference, "ref_0000000001", PART)
        for event, headers in world.events():
            whole = json.loads(event)
            for place, value in itertools.product(odd.places(whole), odd.VALUES):
                body = json.dumps(odd.replaced(whole, place, value)).encode()
                try:
                    said = self.read(world, body, world.signed(body, world.account, headers))
                except UnreadableEvent:
                    continue
                odd.assert_can_be_kept(said)
                assert said.event_id
                assert said.kind

    def test_an_event_of_a_kind_we_do_not_know_tells_nothing(self, world: World, told):
        body, headers = success(world)
        event = json.loads(body)
        kind = "event" if "event" in event and isinstance(event["event"], str) else "type"
        other = json.dumps({**event, kind: "settlement.wibbled"}).encode()
        said = self.read(world, other, world.signed(other, world.account, headers))
        assert said.kind == "settlement.wibbled"
        assert said.fact is None or said.fact.status in ("pending", "success")

    def test_a_refund_is_told_under_its_key(self, world: World, told):
        world.gateway.refund(world.account, self.trip.reference, "ref_0000000001", PART)
        world.gateway.inquire_refund(world.account, self.trip.reference, "ref_0000000001")
        facts = [self.read(world, *event).fact for event in world.events()]
        refunds = [fact for fact in facts if isinstance(fact, RefundFact)]
        assert {(fact.key, fact.amount) for fact in refunds} <= {("ref_0000000001", PART)}


class GatewayContract(Starting, Deciding, Cancelling, Holding, Refunding, Telling):
    """What every gateway passes. A test class of a gateway inherits from this, and from what fits below, and defines
    the `world` fixture.
    """


class OverTheNetwork:
    """For gateways with a server of their own."""

    def test_nobody_there_is_not_taken(self, world: World):
        world.refuse_connections()
        with pytest.raises(NotTaken):
            world.go()

    def test_a_connection_is_checked_by_signing_in(self, world: World):
        world.gateway.check(world.account)
        for name in world.account.credentials:
            if name != EVENT_SECRET:
                wrong = {**world.account.credentials, name: world.account.credentials[name][:-1] + "x"}
                with pytest.raises(BadCredentials):
                    world.gateway.check(replace(world.account, credentials=wrong))

    def test_wrong_keys_are_a_question_to_whoever_asks(self, world: World):
        trip, _ = paid(world)
        wrong = replace(world.account, credentials=dict.fromkeys(world.account.credentials, "x"))
        for ask in (world.gateway.inquire, world.gateway.cancel, world.gateway.void):
            with pytest.raises((Unanswered, NotSupported)):
                ask(wrong, trip.reference)

    def test_an_unknown_word_is_pending(self, world: World):
        trip = world.go()
        world.approve(trip)
        world.say(trip, "wibbling")
        said = world.ask(trip)
        assert isinstance(said, PaymentFact)
        assert (said.status, said.amount) == ("pending", None)

    def test_another_account_knows_nothing_of_it(self, world: World):
        trip, _ = paid(world)
        try:
            said = world.gateway.inquire(world.other, trip.reference)
        except (NotSupported, Unanswered):
            return
        assert said is Standing.ABSENT

    @pytest.mark.parametrize("call", ["start", "capture", "refund"])
    @pytest.mark.parametrize("fault", ["nonsense", "drip", "flood"])
    def test_an_answer_that_is_no_answer_is_a_question(self, world: World, call, fault):
        trip = world.go(manual_capture=True)
        world.approve(trip)
        world.ask(trip)
        if call == "refund":
            world.gateway.capture(world.account, trip.reference, PRICE)
        world.lose(call, fault)
        acts = {
            "start": lambda: world.go(),
            "capture": lambda: world.gateway.capture(world.account, trip.reference, PRICE),
            "refund": lambda: world.gateway.refund(world.account, trip.reference, "ref_0000000001", PART),
        }
        with pytest.raises(Unanswered):
            acts[call]()

    @pytest.mark.parametrize("status", ["408", "409", "425"])
    def test_a_start_that_is_only_put_off_is_a_question(self, world: World, status):
        """It is still running there, or was looked at too early: another gateway must not get the order."""
        world.lose("start", status)
        with pytest.raises(Unanswered):
            world.go()

    @pytest.mark.parametrize("status", ["401", "403", "408", "409", "425", "429"])
    def test_a_refund_is_not_refused_for_the_key_or_the_hour(self, world: World, status):
        trip, _ = paid(world)
        world.lose("refund", status)
        with pytest.raises(Unanswered):
            world.gateway.refund(world.account, trip.reference, "ref_0000000001", PART)
        assert world.given_back() == []

    @pytest.mark.parametrize("call", ["start", "inquire", "refund"])
    def test_values_of_a_wrong_type_in_an_answer_are_a_question_or_can_be_kept(self, world: World, call):
        trip, _ = paid(world)
        acts = {
            "start": lambda: world.gateway.start(world.attempt()),
            "inquire": lambda: world.gateway.inquire(world.account, trip.reference),
            "refund": lambda: world.gateway.refund(world.account, trip.reference, "ref_0000000001", PART),
        }
        answers: list[object] = []
        world.server.bend = lambda told: answers.append(told) or told
        acts[call]()
        places = {place for told in answers for place in odd.places(told)}
        for place, value in itertools.product(places, odd.VALUES):
            world.server.bend = lambda told, place=place, value=value: odd.replaced(told, place, value)
            try:
                said = call_gateway(acts[call])
            except (Unanswered, NotTaken, NotSupported):
                continue
            odd.assert_can_be_kept(said)


class EndingAttempts:
    """For gateways that can end an attempt for good."""

    def test_an_open_attempt_is_dead_for_good(self, world: World):
        trip = world.go()
        answers = [world.gateway.cancel(world.account, trip.reference) for _ in range(2)]
        assert answers == [CancelAnswer.DEAD] * 2
        with pytest.raises(AssertionError):
            world.approve(trip)
        assert world.taken() == []


class CarryingOn:
    """For gateways where all attempts of an order share one order."""

    def test_an_open_attempt_is_carried_on(self, world: World):
        trip = world.go()
        answers = [world.gateway.cancel(world.account, trip.reference) for _ in range(2)]
        assert answers == [CancelAnswer.SHARED] * 2
        order_id = trip.reference.gateway_order_id
        assert world.go(gateway_order_id=order_id).outcome.gateway_order_id == order_id

    def test_two_pages_of_one_order_take_money_once(self, world: World):
        trip = world.go()
        again = world.go(gateway_order_id=trip.reference.gateway_order_id)
        world.approve(trip)
        with pytest.raises(AssertionError):
            world.approve(again)
        assert world.ask(again).status == "success"
        assert world.taken() == [PRICE]

    def test_an_attempt_on_an_order_that_was_just_paid_is_paid_and_takes_nothing(self, world: World):
        trip, fact = paid(world)
        again = world.go(gateway_order_id=trip.reference.gateway_order_id)
        assert again.outcome.fact == replace(fact, key=again.attempt.key)
        assert world.taken() == [PRICE]

    def test_a_refusal_that_ended_one_attempt_does_not_end_the_next(self, world: World):
        trip = world.go()
        world.decline(trip)
        again = world.go(gateway_order_id=trip.reference.gateway_order_id)
        again.brought = trip.brought
        assert world.come_back(again) is Standing.OPEN


class OwnEventSecrets:
    """For gateways whose accounts have a secret each for their events."""

    def test_an_event_of_another_account_is_forged(self, world: World):
        body, headers = success(world)
        with pytest.raises(ForgedEvent):
            world.gateway.parse_event(world.other, body, headers, at=clock.now())

    def test_a_secret_is_rotated_without_losing_an_event(self, world: World):
        body, headers = success(world)
        known = {**world.account.credentials, PREVIOUS_EVENT_SECRET: world.account.credentials[EVENT_SECRET]}
        rotated = replace(world.account, credentials={**known, EVENT_SECRET: "whsec_" + "n" * 32})
        for signer in (world.account, rotated):
            again = world.signed(body, signer, headers)
            assert world.gateway.parse_event(rotated, body, again, at=clock.now()).fact.status == "success"
