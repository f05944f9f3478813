"""`python -m checkout.make_env`: write .env once, with secrets of its own. Needs no package but Python."""

import base64
import os
import re
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RANDOM: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "API_KEY_PEPPER": lambda: secrets.token_urlsafe(32),
    "FIELD_ENCRYPTION_KEYS": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
}


def filled(example: str) -> str:
    """The example with a fresh value behind each secret's name."""
    for name, make in RANDOM.items():
        example = re.sub(rf"^{name}=.*$", f"{name}={make()}", example, flags=re.MULTILINE)
    return example


def write_once(target: Path, example: Path) -> bool:
    """Write .env readable by its owner alone, unless there is one. True if it was written."""
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(filled(example.read_text(encoding="utf-8")))
    return True


if __name__ == "__main__":
    if write_once(ROOT / ".env", ROOT / ".env.example"):
        sys.stdout.write("Wrote .env with random secrets, readable by you alone.\n")
