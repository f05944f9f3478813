"""Time that can be made longer: a warning before the deadline bites, and one button that adds 15 minutes.

No page with a form asks for itself again in order to warn: that would throw away what somebody is typing. So the server
warns in any answer that it gives late enough, a script shows the same warning on a page left open, and without scripts
the deadline in words and "Need longer?" stand there from the first. The button belongs to the form of the ways to pay,
so that what was typed comes back with the page.
"""

from datetime import timedelta
from math import ceil

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from checkout.hosted.page import Longer, Text, url_of
from checkout.hosted.times import clock_time, with_moment, zone_words
from payments.selectors import OrderState

WARN_BEFORE = timedelta(minutes=5)
_MINUTE = timedelta(minutes=1)


def longer_of(state: OrderState) -> Longer:
    """The warning, which may not be due yet, and the button where more time can be had."""
    order, zone = state.order, state.order.merchant.time_zone
    time_left, left = order.expires_at - state.at, state.extensions_left
    minutes = max(1, ceil(min(time_left, WARN_BEFORE) / _MINUTE))
    heading = ngettext("This page closes in about %(n)d minute", "This page closes in about %(n)d minutes", minutes)
    offer = _("No more time can be added.")
    if left:
        offer = ngettext(
            "You can add 15 minutes, one more time.", "You can add 15 minutes, up to %(n)d more times.", left
        ) % {"n": left}
    when = {"time": clock_time(order.expires_at, zone), "zone": zone_words(zone)}
    return Longer(
        heading=heading % {"n": minutes},
        text=format_html(_("That is at {time} ({zone}). {offer}"), offer=offer, **when),
        offer=offer,
        action=url_of(state, "extend"),
        label=_("Give me 15 more minutes") if left else "",
        used=order.extensions_used,
        due_in_s=max(0, ceil((time_left - WARN_BEFORE).total_seconds())),
    )


def answer_words(state: OrderState, *, was_added: bool) -> Text | None:
    """What became of the wish; nothing where the warning says the same."""
    order, zone = state.order, state.order.merchant.time_zone
    if was_added:
        told = _("You can pay until {moment} ({zone}).")
        return Text(_("Time was added"), with_moment(told, order.expires_at, zone, at=state.at))
    if order.expires_at - state.at <= WARN_BEFORE:
        return None
    told = _("It can be paid until {moment} ({zone}).")
    return Text(_("No more time can be added"), with_moment(told, order.expires_at, zone, at=state.at))
