"""WCAG 2.2 AA, as far as a program can tell, in every state of every page: one walk in one context a question."""

import pytest

from checkout.gallery.states import STATES
from payments import clock
from tests.browser.walk import DIRECTIONS, FORCED, PRINTED, STRUCTURE, TARGETS, axe_finds, opened, overflow, walk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.in_memory]

slow = pytest.mark.slow


@pytest.fixture
def gallery(live_server, settings):
    settings.PUBLIC_URL = live_server.url
    settings.DEBUG = True
    return f"{live_server.url}/checkout-gallery"


def wrong(found):
    """The states with something wrong, and what."""
    return {name: faults for name, faults in found.items() if faults}


@pytest.mark.parametrize(
    ("scheme", "direction"),
    [
        ("light", "ltr"),
        *(pytest.param("light", other, marks=slow) for other in DIRECTIONS if other != "ltr"),
        *(pytest.param("dark", each, marks=slow) for each in DIRECTIONS),
    ],
)
def test_everybody_finds_their_way_in_every_state(browser, gallery, scheme, direction):
    """axe finds nothing; headings, landmarks, names and descriptions fit; all is big enough to hit; nothing moves."""
    found, headings = {}, {}
    with opened(browser, color_scheme=scheme, reduced_motion="reduce") as page:
        for name in walk(page, gallery, direction):
            found[name] = axe_finds(page) + page.evaluate(STRUCTURE) + page.evaluate(TARGETS)
            assert page.locator("html").get_attribute("dir") == direction.partition(" ")[0]
            headings.setdefault(page.title(), set()).add(page.locator("h1").inner_text().partition(",")[0])
    assert wrong(found) == {}
    same = {title: told for title, told in headings.items() if len(told) > 1 and "Patang" not in title}
    assert same == {}, "pages of different headings have one title"


@slow
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_axe_finds_nothing_where_our_script_does_not_arrive(browser, gallery, direction):
    with opened(browser, without_our_script=True) as page:
        found = {name: axe_finds(page) for name in walk(page, gallery, direction)}
    assert wrong(found) == {}


@pytest.mark.parametrize("direction", [pytest.param("ltr", marks=slow), *(d for d in DIRECTIONS if d != "ltr")])
def test_nothing_runs_out_of_the_screen(browser, gallery, direction):
    """On the smallest phone, on a desktop at 400 %, and with the text alone at 200 %."""
    wide = []
    with opened(browser) as page:
        for name in walk(page, gallery, direction):
            for size, widths in (("", (320, 768, 960, 1280)), ("200%", (375, 1280))):
                page.evaluate(f"document.documentElement.style.fontSize = '{size}'")
                for width in widths:
                    page.set_viewport_size({"width": width, "height": 256 if width == 320 else 812})
                    wide += [(name, width, size)] if overflow(page) > 0 else []
    assert wide == []


def test_forced_colours_keep_all_marks_and_print_the_slip_and_whose_it_is(browser, gallery):
    """Borders, beads, radios and errors are seen whatever the colours."""
    found, outside = {}, {}
    with opened(browser, forced_colors="active") as page:
        for name in walk(page, gallery):
            found[name] = page.evaluate(FORCED)
            if page.locator(".slip").count() == 1:
                page.emulate_media(media="print")
                outside[name] = page.evaluate(PRINTED)
                page.emulate_media(media="screen")
    assert wrong(found) == {}
    assert wrong(outside) == {}
    assert len(outside) > 50


@slow
def test_without_scripts_every_state_says_the_same(browser, gallery, monkeypatch):
    """All but the button to print, which only a script can press."""
    at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: at)
    said = {}
    for scripts in (True, False):
        with opened(browser, java_script_enabled=scripts) as page:
            said[scripts] = {name: page.locator("body").inner_text() for name in walk(page, gallery)}
    assert {name: words.replace("Print this receipt\n", "") for name, words in said[True].items()} == said[False]
    assert set(said[False]) == set(STATES)
