"""The report of the signature debugger in words, for the command and the admin page alike."""

from payments.signature_debugger import ID, NAMES, SHOWN_BYTES, Difference, Report, SchemeReport
from payments.signature_mistakes import STANDARD

Section = tuple[str, dict[str, str]]


def verdict(report: Report) -> str:
    """The whole report in one sentence."""
    right = [f"{scheme.name} with {scheme.secret}" for scheme in report.schemes if scheme.verified]
    return f"The signature verifies: {' and '.join(right)}." if right else "The signature does not verify."


def sections(report: Report) -> list[Section]:
    """Headings with named facts below each, in plain text; facts that say nothing are left out."""
    told = [(scheme.name, _facts(scheme)) for scheme in report.schemes]
    if report.difference is not None:
        told.append(("First difference from the body we sent", _difference(report.difference)))
    elif report.is_stored:
        told.append(("Body", {"compared": "It is, byte for byte, the one we sent."}))
    return [(title, {name: text for name, text in facts.items() if text}) for title, facts in told]


def _facts(scheme: SchemeReport) -> dict[str, str]:
    cut = f", of which the first {SHOWN_BYTES} are shown" if scheme.signed_length > SHOWN_BYTES else ""
    return {
        "result": f"verifies with {scheme.secret}" if scheme.verified else "does not verify",
        "mistake": f"{scheme.mistake} ({scheme.detail})" if scheme.detail else scheme.mistake,
        "what to do": scheme.advice,
        "headers missing": ", ".join(scheme.missing),
        "signed string": f"{scheme.signed_length} bytes{cut}: {scheme.signed}" if scheme.signed_length else "",
        "signature expected": scheme.expected,
        "signature received": scheme.received,
        "clock": scheme.skew,
    }


def _difference(found: Difference) -> dict[str, str]:
    return {
        "at byte": str(found.offset),
        "given": f"{found.given or '(it ends here)'}   ({found.given_length} bytes in all)",
        "sent": f"{found.stored or '(it ends here)'}   ({found.stored_length} bytes in all)",
    }


HEADERS_HELP = (
    "One “Name: value” a line, as your server got them: "
    f"{ID[STANDARD]}, webhook-timestamp and webhook-signature ({NAMES[STANDARD]}), "
    "or x-webhook-timestamp and x-webhook-signature."
)
