"""Walks every state of the gallery in one browser context, and what to look for on each page."""

import gzip
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe

from checkout.gallery.states import STATES

DIRECTIONS = {"ltr": "lang=en", "rtl": "lang=ar"}
"""How the gallery is asked for each reading direction."""
PHONE = {"width": 375, "height": 812}


@contextmanager
def opened(browser, *, without_our_script=False, **context):
    """A page in a context of its own, which ends with it."""
    context = browser.new_context(**{"viewport": PHONE, **context})
    if without_our_script:
        context.route("**/hosted/checkout*.js", lambda route: route.abort())
    yield context.new_page()
    context.close()


def walk(page, gallery, direction="ltr", names=STATES):
    """Go to each state, and give its name."""
    for name in names:
        page.goto(f"{gallery}/{name}?{DIRECTIONS[direction]}")
        yield name


def axe_finds(page):
    """What axe has against a page, in short."""
    found = Axe().run(page).response["violations"]
    return [f"{fault['id']}: {fault['nodes'][0]['html'][:160]}" for fault in found]


def overflow(page):
    """By how many pixels a page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def sent_bytes(answer):
    """What goes over the wire where staticfiles are collected: all compressed, the page itself only if it says so."""
    body = answer.body()
    is_static = "html" not in answer.headers["content-type"]
    return len(gzip.compress(body) if is_static or answer.headers.get("content-encoding") == "gzip" else body)


SEEN = "(e) => e.getClientRects().length > 0 && getComputedStyle(e).visibility === 'visible'"

STRUCTURE = f"""() => {{
  const faults = [], seen = {SEEN}, all = (s) => [...document.querySelectorAll(s)];
  const say = (ok, what) => ok || faults.push(what);
  const root = document.documentElement;
  say(root.lang && ["ltr", "rtl"].includes(root.dir), "lang or dir");
  const levels = all("h1,h2,h3,h4,h5,h6").filter(seen).map((h) => +h.tagName[1]);
  say(levels.filter((l) => l === 1).length === 1, "not one h1");
  const tops = all("h1,h2,h3").filter(seen).map((h) => +h.tagName[1]);
  tops.slice(tops.indexOf(1)).reduce((a, b) => (say(b <= a + 1, "a heading jumps"), b), 1);
  for (const tag of ["header", "main", "footer"]) say(all("body > " + tag).length === 1, "not one " + tag);
  const ids = all("[id]").map((e) => e.id);
  say(new Set(ids).size === ids.length, "an id twice");
  for (const name of ["aria-describedby", "aria-labelledby"])
    for (const e of all(`[${{name}}]`))
      for (const id of e.getAttribute(name).trim().split(" ")) say(document.getElementById(id), "no " + id);
  for (const e of all("input:not([type=hidden]),select"))
    say(e.labels.length && e.labels[0].textContent.trim(), "no label: " + e.id);
  for (const e of all("fieldset"))
    say(e.getAttribute("aria-labelledby") || e.querySelector("legend"), "a nameless fieldset");
  for (const e of all("input[type=text]")) say(e.autocomplete, "no autocomplete: " + e.id);
  for (const e of all(".field-wrong")) {{
    const told = e.querySelector(".error"), field = e.matches("fieldset") ? e : e.querySelector("input,select");
    say(told && field.getAttribute("aria-describedby").includes(told.id), "an error that its field does not name");
    say(e.matches("fieldset") || field.getAttribute("aria-invalid") === "true", "a wrong field that does not say so");
  }}
  for (const e of all("#error-summary a")) say(document.querySelector(e.getAttribute("href")), "a link to no field");
  for (const e of all("svg")) say(e.closest("[aria-hidden=true]") || e.role === "img", "a bare svg");
  say(all(".slip").length === 0 || all(".sentence").filter(seen).length === 1, "not one sentence on the money");
  for (const e of all("*")) {{
    const style = getComputedStyle(e);
    say(style.animationName === "none" && /^0s(, 0s)*$/.test(style.transitionDuration), "moves: " + e.className);
  }}
  return [...new Set(faults)];
}}"""

TARGETS = f"""() => {{
  const faults = [], seen = {SEEN};
  const LEAST = [
    [".languages summary, .button-link", 44], [".button", 52], [".method-row", 52], [".option", 44],
    ["input,select", 50], ["summary", 48], ["*", 24],
  ];
  const box = (e) => e.getBoundingClientRect();
  const least = (e, height) => {{
    if (box(e).height < height - 0.01) faults.push(`${{box(e).height}} of ${{height}}: ${{e.outerHTML.slice(0, 90)}}`);
  }};
  const hasTextBeside = (e) => [...e.parentElement.childNodes].some((n) => n !== e && n.textContent.trim());
  const isInText = (e) => getComputedStyle(e).display === "inline" && hasTextBeside(e);
  const pressed = "a, button:not(.hidden), summary, select, input:not([type=hidden])";
  for (const e of [...document.querySelectorAll(pressed)].filter(seen)) {{
    if (e.matches("a:not(.button)") && isInText(e)) continue;
    const target = e.matches("[type=radio]") ? e.closest("label") : e;
    if (box(target).width < 24) faults.push("narrow: " + e.outerHTML.slice(0, 90));
    least(target, LEAST.find(([what]) => target.matches(what))[1]);
  }}
  for (const row of [...document.querySelectorAll(".method-row")].filter(seen)) {{
    const margin = parseFloat(getComputedStyle(row).marginTop);
    if (box(row).height + 2 * margin < 64) faults.push("a row under 64");
  }}
  return faults;
}}"""

FORCED = f"""() => {{
  const faults = [], seen = {SEEN}, style = (e) => getComputedStyle(e);
  const each = (s, look) => [...document.querySelectorAll(s)].filter(seen).forEach((e) => look(e) || faults.push(s));
  const ground = style(document.body).backgroundColor, width = (e) => e.getBoundingClientRect().width;
  const bordered = (e) => style(e).borderTopStyle !== "none" && parseFloat(style(e).borderTopWidth) >= 1;
  each(".slip", bordered);
  each(".notice", bordered);
  each(".button:not(.button-link)", bordered);
  each(".field input:not(.radio), .field select", bordered);
  each(".radio", (e) => style(e).appearance === "auto" && width(e) >= 20);
  each(".error", (e) => e.textContent.trim() && style(e).color !== ground);
  each(".bead", (e) => width(e) >= 12 && (style(e).backgroundColor !== ground || bordered(e)));
  each(".field-wrong", (e) => parseFloat(style(e).borderInlineStartWidth) === 4);
  return faults;
}}"""

PRINTED = f"""() => {{
  const seen = {SEEN}, texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), outside = [];
  for (let text; (text = texts.nextNode()); ) {{
    const isShown = text.data.trim() && seen(text.parentElement);
    if (isShown && !text.parentElement.closest(".slip, .logo, .merchant")) outside.push(text.data.trim());
  }}
  return outside;
}}"""
