"""`python -m checkout.messages`: bring the catalogues up to what customers' pages and mails say.

What is said in a new way is left empty for translators, and what is said no more goes: nothing is guessed. The .mo
files are committed, so that a clone speaks every language without any tool. With --check nothing is written: it fails
where something would be.
"""

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polib
from babel.messages.extract import extract_python
from django.utils.translation.template import templatize

from checkout.languages import ENGLISH, LANGUAGES

ROOT = Path(__file__).resolve().parent.parent
LOCALES = ROOT / "checkout" / "locale"
PLACES = ("checkout/*.py", "checkout/hosted/*.py", "templates/hosted/*.html", "templates/mail/*")
"""What customers read. Staff pages, the API, the simulator and the sample shop are in English."""
FUNCTIONS = dict.fromkeys(
    ("_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy", "npgettext")
)
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|\{\w+\}")
FOUR_MORE_IN_ARABIC = "n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 && n%100<=99 ? 4 : 5"
PLURALS = {
    "ar": f"nplurals=6; plural=(n==0 ? 0 : {FOUR_MORE_IN_ARABIC});",
    "ja": "nplurals=1; plural=0;",
    **dict.fromkeys(("bn", "fr", "hi", "pt"), "nplurals=2; plural=(n > 1);"),
}
"""How many forms a language has, and which stands for a number, where that is not as in English."""
Key = tuple[str, str]
"""Context and message."""


def extracted() -> dict[Key, polib.POEntry]:
    """Every message, once, with the files it stands in."""
    found: dict[Key, polib.POEntry] = {}
    for path in [path for place in PLACES for path in sorted(ROOT.glob(place))]:
        name = str(path.relative_to(ROOT))
        for context, single, many in _messages_of(path):
            entry = found.setdefault((context, single), polib.POEntry(msgid=single, msgctxt=context or None))
            entry.msgid_plural = entry.msgid_plural or many
            if (name, "") not in entry.occurrences:
                entry.occurrences.append((name, ""))
    return found


def _messages_of(path: Path) -> Iterator[tuple[str, str, str]]:
    """Context, message and its plural, of a module or a template."""
    source = path.read_text(encoding="utf-8")
    # Of a template's text only calls are left; inside brackets Python does not mind how they are indented.
    code = source if path.suffix == ".py" else f"(\n{templatize(source)}\n)"
    for _, function, arguments, _ in extract_python(io.BytesIO(code.encode()), FUNCTIONS, [], {}):
        words: list[Any] = list(arguments) if isinstance(arguments, tuple) else [arguments]
        context = words.pop(0) if "pgettext" in str(function) else ""
        if words and words[0]:
            yield context, words[0], words[1] if str(function).startswith(("ngettext", "npgettext")) else ""


def plural_forms(code: str) -> int:
    """How many forms a translation has to give where something is counted."""
    return int(PLURALS.get(code, "nplurals=2")[len("nplurals=")])


def catalogue(code: str) -> polib.POFile:
    """A language's catalogue as it has to be: every message, with the translation it has already."""
    path = po_path(code)
    kept = {(old.msgctxt or "", old.msgid): old for old in polib.pofile(str(path))} if path.exists() else {}
    made = polib.POFile(wrapwidth=110)
    made.metadata = {
        "Project-Id-Version": "Till",
        "Language": code,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": PLURALS.get(code, "nplurals=2; plural=(n != 1);"),
    }
    for key, entry in extracted().items():
        old = kept.get(key)
        if entry.msgid_plural:
            entry.msgstr_plural = dict.fromkeys(range(plural_forms(code)), "")
            entry.msgstr_plural |= old.msgstr_plural if old and old.msgid_plural == entry.msgid_plural else {}
        elif old:
            entry.msgstr = old.msgstr
        made.append(entry)
    return made


def po_path(code: str) -> Path:
    return LOCALES / code / "LC_MESSAGES" / "django.po"


def bring_up_to_date(*, check: bool = False) -> list[str]:
    """Write what differs, or only name it."""
    changed = []
    for code in LANGUAGES:
        if code == ENGLISH:
            continue
        made, path = catalogue(code), po_path(code)
        for target, content in ((path, str(made).encode() + b"\n"), (path.with_suffix(".mo"), made.to_binary())):
            if target.exists() and target.read_bytes() == content:
                continue
            changed.append(str(target.relative_to(ROOT)))
            if not check:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        empty = len(made.untranslated_entries())
        if empty:
            sys.stdout.write(f"{code}: {empty} without a translation\n")
    return changed


if __name__ == "__main__":
    only_check = sys.argv[1:] == ["--check"]
    names = bring_up_to_date(check=only_check)
    sys.stdout.writelines(f"{name}\n" for name in names)
    sys.exit("The catalogues are not up to date: run `make messages`." if only_check and names else 0)
