"""The gallery shows every page that a customer may see, to engineers alone, and writes nothing."""

import ast
import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from django.utils import translation

from checkout.gallery.states import STATES
from payments import clock

ROOT = Path(__file__).resolve().parent.parent.parent
ALL = "/checkout-gallery"


@pytest.fixture
def shown(client, settings):
    """The gallery as engineers see it."""
    settings.DEBUG = True
    return client


@pytest.mark.parametrize("path", [ALL, f"{ALL}/pay-card"])
def test_elsewhere_there_is_no_such_page(client, path):
    assert client.get(path).status_code == 404


def test_no_state_has_a_name_of_no_state(shown):
    assert shown.get(f"{ALL}/nonsense").status_code == 404


def test_every_state_has_a_frame_and_a_link(shown):
    page = shown.get(ALL).content.decode()
    for name in STATES:
        assert f'<iframe src="{ALL}/{name}"' in page
        assert f'<a href="{ALL}/{name}"' in page


def test_switches_reach_every_frame(shown):
    page = unescape(shown.get(f"{ALL}?lang=en&dir=rtl&other=1").content.decode())
    assert f'<iframe src="{ALL}/pay-card?lang=en&dir=rtl"' in page
    assert 'href="?lang=en&dir=ltr"' in page


@pytest.mark.parametrize(("asked", "told"), [("", "ltr"), ("?dir=rtl", "rtl"), ("?dir=up", "ltr")])
def test_a_state_is_mirrored_where_that_is_asked_for(shown, asked, told):
    assert f'dir="{told}"' in shown.get(f"{ALL}/paid{asked}").content.decode().partition("<head>")[0]


@pytest.mark.django_db
@pytest.mark.parametrize("name", STATES)
def test_a_state_needs_no_row_and_leads_nowhere_by_itself(shown, name, django_assert_num_queries):
    with django_assert_num_queries(0):
        page = shown.get(f"{ALL}/{name}")
    assert "<h1" in page.content.decode()
    assert "Refresh" not in page
    assert page["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in page["Content-Security-Policy"]
    assert "unsafe" not in page["Content-Security-Policy"]


def test_every_page_of_an_order_has_one_sentence_on_its_money_and_no_other_page_has_any(shown):
    for name, state in STATES.items():
        page = state.make(clock.now())
        sentences = shown.get(f"{ALL}/{name}").content.decode().count('<p class="sentence">')
        assert sentences == bool(page.merchant_name), name


def _in_code(path):
    """What a module gives to gettext."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and "gettext" in _imported(node.func.id):
            yield from (
                word.value for word in node.args if isinstance(word, ast.Constant) and isinstance(word.value, str)
            )


def _imported(name):
    return {"_": "gettext", "gettext_lazy": "gettext", "ngettext": "ngettext"}.get(name, "")


def _in_templates(path):
    """What a template gives to gettext, with Django's own marks for its words."""
    text = path.read_text(encoding="utf-8")
    yield from (found[2] for found in re.finditer(r"{% translate (['\"])(.+?)\1", text))
    for found in re.finditer(r"{% blocktranslate[^%]*%}(.+?){% endblocktranslate %}", text, re.DOTALL):
        yield re.sub(r"{{ (\w+) }}", r"%(\1)s", " ".join(found[1].split()))


def words_of_ours():
    for path in sorted((ROOT / "checkout/hosted").glob("*.py")):
        yield from _in_code(path)
    for path in sorted((ROOT / "templates/hosted").glob("*.html")):
        yield from _in_templates(path)


def test_every_word_for_customers_is_shown_by_some_state(shown, monkeypatch):
    said = set()
    for name in ("gettext", "ngettext", "pgettext"):
        told = getattr(translation._trans, name)
        monkeypatch.setattr(translation._trans, name, lambda *words, told=told: said.update(words) or told(*words))
    for half_a_day in range(2):
        with clock.shifted(timedelta(hours=12 * half_a_day)):
            for name in STATES:
                shown.get(f"{ALL}/{name}")
    assert sorted(set(words_of_ours()) - said) == []
    assert len(said) > 200
