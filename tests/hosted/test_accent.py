"""The merchant's colour may be anything; labels stay readable and buttons visible."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkout.hosted.accent import DARK_SHEET, GROUND, INK, SHEET, accent_css, contrast

COLOURS = ["#7a1f57", "#ffffff", "#000000", "#ffff00", "#16201b", "#0b57d0", "#ff0000", "#808080", "#00ff00", "#123456"]


def tokens(colour):
    """The three tokens in the light and in the dark."""
    found = re.findall(r"--(accent|on-accent|accent-edge):(#[0-9a-f]{6})", accent_css(colour))
    assert len(found) == 6
    return dict(found[:3]), dict(found[3:])


@pytest.mark.parametrize("colour", COLOURS)
def test_labels_are_readable_and_edges_visible_whatever_the_colour(colour):
    light, dark = tokens(colour)
    assert contrast(light["on-accent"], light["accent"]) >= 4.5
    assert min(contrast(light["accent-edge"], SHEET), contrast(light["accent-edge"], GROUND)) >= 3
    assert contrast(dark["accent"], DARK_SHEET) >= 4.5
    assert contrast(dark["on-accent"], dark["accent"]) >= 4.5


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.integers(0, 0xFFFFFF), st.integers(0, 255).map(lambda grey: grey * 0x010101)))
def test_every_colour_is_guarded(number):
    colour = f"#{number:06x}"
    test_labels_are_readable_and_edges_visible_whatever_the_colour(colour)
    light, dark = tokens(colour)
    assert light["accent"] == colour
    assert light["accent-edge"] in (colour, INK)
    assert contrast(dark["accent"], DARK_SHEET) >= 6.9


@pytest.mark.parametrize("colour", ["#7a1f57", "#0f6a6e", "#0000ff", "#400000"])
def test_a_dark_colour_keeps_its_hue_and_stops_at_about_seven(colour):
    assert contrast(tokens(colour)[1]["accent"], DARK_SHEET) < 7.6


def test_a_dark_colour_is_kept_and_a_pale_one_gets_an_edge_of_ink():
    assert tokens("#7a1f57")[0] == {"accent": "#7a1f57", "on-accent": "#ffffff", "accent-edge": "#7a1f57"}
    assert tokens("#ffffff")[0]["accent-edge"] == INK


def test_the_ratio_is_that_of_the_guidelines():
    assert contrast("#ffffff", "#000000") == 21
    assert round(contrast("#7a1f57", "#ffffff"), 1) == 9.7


def test_no_colour_means_no_rules():
    assert accent_css("") == ""
