"""The overview's panels: figures in words, drawings, and the same figures as tables."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.urls import reverse

from checkout.amounts import format_money, grouped, on_scale, rounded, signed
from checkout.staff import plots
from checkout.staff.plots import Columns, Part, Value
from payments.due import Due
from payments.figures import NotKnown, Outcome, Period, Refunded, RefundStage, Scope, Taken, Tries
from payments.states import Method

NOTHING = "–"
METHOD_WORDS = {Method.UPI: "UPI", Method.CARD: "Card", Method.NETBANKING: "Netbanking", Method.WALLET: "Wallet"}
OUTCOME_WORDS = {
    Outcome.PAID: "Paid",
    Outcome.HELD: "Held",
    Outcome.FAILED: "Failed",
    Outcome.LEFT: "Customer left",
    Outcome.UNKNOWN: "Not known yet",
}
STAGE_WORDS = {
    RefundStage.WAITING: "Waiting for approval",
    RefundStage.SENT: "With the bank",
    RefundStage.DONE: "Done",
    RefundStage.FAILED: "Failed",
}


@dataclass(frozen=True, slots=True)
class Look:
    """What all panels are about: whose figures, when, in which currency, and what time it is."""

    scope: Scope
    period: Period
    currency: str
    at: datetime

    @property
    def is_one_day(self) -> bool:
        return len(self.period.days) == 1

    @property
    def days_words(self) -> str:
        """today, or 24 Oct to 22 Nov."""
        days = self.period.days
        return "today" if self.is_one_day else f"{short_day(days[0])} to {short_day(days[-1])}"

    def count(self, number: int, noun: str, plural: str = "") -> str:
        """1 payment, 1,912 payments; try has a plural of its own."""
        return f"{grouped(number, self.currency)} {noun if number == 1 else plural or f'{noun}s'}"

    def list_of(self, model: str, **wanted: str) -> str:
        """The address of a list of payments, refunds or settlements in this mode and of this merchant."""
        wanted |= {"mode__exact": self.scope.mode.value}
        if self.scope.merchant_id is not None:
            wanted["merchant__id__exact"] = str(self.scope.merchant_id)
        return f"{reverse(f'admin:payments_{model}_changelist')}?{urlencode(wanted)}"


@dataclass(frozen=True, slots=True)
class Headline:
    """One figure on its own, with what it counts and, where there is something to look at, a link."""

    label: str
    value: str
    note: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Cells:
    """A drawing's figures as a table: the first column names, the others are figures; `total` may be empty."""

    head: list[str]
    rows: list[list[str]]
    total: list[str]


def short_day(day: date) -> str:
    return f"{day.day} {day:%b}"


def long_day(day: date) -> str:
    return f"{day:%a} {short_day(day)}"


# --- Figures on their own ---


def headlines(
    look: Look, taken: list[Taken], tries: Tries, open_: NotKnown, due: list[Due], several: bool
) -> list[Headline]:
    """What was taken, how often it worked, what is open and what is owed; `several` currencies are in use."""
    minor = sum(row.minor for row in taken if row.currency == look.currency)
    payments = sum(row.payments for row in taken if row.currency == look.currency)
    mine = _tries_of(look, tries)
    return [
        Headline(f"Taken{' ' if look.is_one_day else ', '}{look.days_words}", format_money(minor, look.currency),
                 look.count(payments, "payment")),
        Headline("Success rate", rate(mine), f"of {look.count(mine.total(), 'try', 'tries')}"),
        _open_headline(look, open_, several),
        _due_headline(look, due),
    ]  # fmt: skip


def _tries_of(look: Look, tries: Tries) -> Counter[Outcome]:
    mine: Counter[Outcome] = Counter()
    for (currency, _, outcome), number in tries.items():
        if currency == look.currency:
            mine[outcome] += number
    return mine


def rate(tries: Counter[Outcome]) -> str:
    """88.9 %, the share of tries to which the bank said yes; rounded down, so that 100 % means all of them."""
    if not tries.total():
        return NOTHING
    tenths = (tries[Outcome.PAID] + tries[Outcome.HELD]) * 1_000 // tries.total()
    return f"{tenths // 10}.{tenths % 10}\u00a0%"


def _open_headline(look: Look, found: NotKnown, several: bool) -> Headline:
    number = grouped(found.payments, look.currency)
    if found.oldest is None:
        return Headline("Not known yet", number, "nothing is open")
    note = f"oldest {age_words(look.at - found.oldest)}{', in all currencies' if several else ''}"
    return Headline("Not known yet", number, note, look.list_of("payment", review="unknown"))


def age_words(age: timedelta) -> str:
    """under a minute, 11 minutes, 3 hours, 5 days: rounded down."""
    minutes = age // timedelta(minutes=1)
    for size, noun in ((1_440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            many = minutes // size
            return f"{many:,} {noun}{'' if many == 1 else 's'}"
    return "under a minute"


def _due_headline(look: Look, due: list[Due]) -> Headline:
    mine = [row for row in due if row.currency == look.currency]
    waiting = sum(row.settlements for row in mine)
    dates = [row.pay_out_on for row in mine if row.pay_out_on]
    if waiting:
        note = f"{look.count(waiting, 'settlement')} to pay out now"
    elif dates:
        note = f"next pay-out {long_day(min(dates))}"
    else:
        note = "settled by hand" if mine else "nothing is due"
    return Headline("Due to merchants", signed(sum(row.net for row in mine), look.currency), note)


# --- Taken ---


@dataclass(frozen=True, slots=True)
class TakenPlot:
    """Columns of what was taken; `name` says it all to those who do not see them."""

    title: str
    name: str
    plot: Columns
    is_empty: bool
    table: Cells


def taken_plot(look: Look, taken: list[Taken]) -> TakenPlot:
    """By day or, of one day, by hour; the day or hour it is now is still growing."""
    slots: Sequence[date | int] = range(24) if look.is_one_day else look.period.days
    now = look.at.astimezone(look.period.zone)
    unfinished = now.hour if look.is_one_day else len(slots) - 1
    found = {row.slot: row for row in taken if row.currency == look.currency}
    rows = [found.get(slot, Taken(look.currency, slot, 0, 0)) for slot in slots]
    values = [Value(row.minor, _told(look, row), _tick(slot, look)) for slot, row in zip(slots, rows, strict=True)]

    def at_peak(number: int) -> str:
        so_far = f" {unfinished_words}" if number == unfinished else f" {_when(slots[number])}"
        return f"{rounded(rows[number].minor, look.currency)}{so_far}"

    unfinished_words = "this hour, so far" if look.is_one_day else "today, so far"
    plot = plots.columns(
        values,
        unfinished=unfinished,
        scale_words=lambda minor: on_scale(minor, look.currency),
        peak_words=at_peak,
        unfinished_words=unfinished_words,
    )
    title = "Taken today, by hour" if look.is_one_day else "Taken per day"
    most = f": at most {plot.labels[0].text}" if plot.labels else ": nothing"
    return TakenPlot(title, f"{title}, {look.days_words}{most}", plot, not plot.labels, _taken_table(look, rows))


def _when(slot: date | int) -> str:
    return f"from {slot:02}:00" if isinstance(slot, int) else f"on {long_day(slot)}"


def _name(slot: date | int) -> str:
    return f"{slot:02}:00 to {slot + 1:02}:00" if isinstance(slot, int) else long_day(slot)


def _told(look: Look, row: Taken) -> str:
    return f"{_name(row.slot)}: {format_money(row.minor, look.currency)}, {look.count(row.payments, 'payment')}"


def _tick(slot: date | int, look: Look) -> str:
    """Words under a column, few enough for a phone: weekdays, Mondays, the first of months, every sixth hour."""
    if isinstance(slot, int):
        return f"{slot:02}:00" if slot % 6 == 0 else ""
    if len(look.period.days) <= 7:
        return f"{slot:%a}"
    is_marked = slot.weekday() == 0 if len(look.period.days) <= 31 else slot.day == 1
    return short_day(slot) if is_marked else ""


def _taken_table(look: Look, rows: list[Taken]) -> Cells:
    def cells(name: str, payments: int, minor: int) -> list[str]:
        return [name, grouped(payments, look.currency), format_money(minor, look.currency)]

    head = ["Hour" if look.is_one_day else "Day", "Payments", "Taken"]
    total = cells("In all", sum(row.payments for row in rows), sum(row.minor for row in rows))
    return Cells(head, [cells(_name(row.slot), row.payments, row.minor) for row in rows], total)


# --- Tries ---


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with its name, figures at its end, and what to say of it in full."""

    name: str
    count: str
    figure: str
    parts: list[Part]
    title: str


@dataclass(frozen=True, slots=True)
class BarPlot:
    """Bars under each other. `legend` pairs each part's name with its words."""

    bars: list[Bar]
    legend: list[tuple[str, str]]
    table: Cells
    links: list[tuple[str, str]]


def methods_plot(look: Look, tries: Tries) -> BarPlot:
    """What became of tries, for each method that was tried; money that is held is spoken of where there is any."""
    has_held = any(currency == look.currency and outcome == Outcome.HELD for currency, _, outcome in tries)
    outcomes = [outcome for outcome in Outcome if has_held or outcome != Outcome.HELD]
    bars, rows = [], []
    for method in Method:
        mine = Counter({outcome: tries[look.currency, method, outcome] for outcome in outcomes})
        if not mine.total():
            continue
        told = ", ".join(f"{number} {OUTCOME_WORDS[outcome].lower()}" for outcome, number in mine.items() if number)
        laid = plots.parts([(outcome.value, mine[outcome]) for outcome in outcomes])
        name, of = METHOD_WORDS[method], f"of {look.count(mine.total(), 'try', 'tries')}"
        bars.append(Bar(name, of, rate(mine), laid, f"{name}: {told}"))
        rows.append([name, *(grouped(mine[outcome], look.currency) for outcome in outcomes), rate(mine)])
    legend = [(outcome.value, OUTCOME_WORDS[outcome]) for outcome in outcomes]
    head = ["Method", *(words for _, words in legend), "Success"]
    return BarPlot(bars, legend, Cells(head, rows, []), [])


# --- Refunds ---


def refunds_plot(look: Look, refunds: dict[tuple[str, RefundStage], Refunded]) -> BarPlot:
    """How much waits, is with the bank, went back or failed."""
    mine = {stage: refunds.get((look.currency, stage), Refunded()) for stage in RefundStage}
    most = max(of.minor for of in mine.values())
    bars, rows = [], []
    for stage, of in mine.items():
        name, amount = STAGE_WORDS[stage], format_money(of.minor, look.currency)
        part = Part(stage.value, "0%", plots.share_of(of.minor, most))
        number = grouped(of.refunds, look.currency)
        bars.append(Bar(name, number, amount, [part], f"{name}: {look.count(of.refunds, 'refund')}, {amount}"))
        when = "now" if stage in (RefundStage.WAITING, RefundStage.SENT) else look.days_words
        rows.append([f"{name}, {when}", number, amount])
    return BarPlot(bars, [], Cells(["Refunds", "Number", "Amount"], rows, []), _refund_links(look, mine))


def _refund_links(look: Look, mine: dict[RefundStage, Refunded]) -> list[tuple[str, str]]:
    """To those that somebody should look at; none where there are none."""
    waiting, failed = mine[RefundStage.WAITING].refunds, mine[RefundStage.FAILED].refunds
    links = []
    if waiting:
        url = look.list_of("refund", queue="approval", currency=look.currency)
        links.append((f"Review {grouped(waiting, look.currency)} waiting", url))
    if failed:
        days = {"completed_at__gte": look.period.since.isoformat(), "completed_at__lt": look.period.until.isoformat()}
        url = look.list_of("refund", status__exact="failed", currency=look.currency, **days)
        links.append((f"See the {grouped(failed, look.currency)} that failed", url))
    return links
