"""QR codes as SVG paths: dark on a white tile, with the quiet zone that scanners need."""

from dataclasses import dataclass
from itertools import groupby

import segno

QUIET_ZONE = 4
PHONE_PX, WIDE_PX = 116, 168


@dataclass(frozen=True, slots=True)
class Code:
    """A QR code for the page. Modules are whole pixels wide, so that no edge is blurred: sizes are near the wanted."""

    path: str
    modules: int
    """Along one side, without the quiet zone."""

    @property
    def side(self) -> int:
        return self.modules + 2 * QUIET_ZONE

    @property
    def phone_px(self) -> int:
        return self.side * max(2, round(PHONE_PX / self.modules))

    @property
    def wide_px(self) -> int:
        return self.side * max(3, round(WIDE_PX / self.modules))


def qr_code(text: str) -> Code:
    """Draw a text, each run of dark modules in a row as one rectangle; no Micro QR, which UPI apps can't read."""
    made = segno.make_qr(text, error="m")
    path = []
    for y, row in enumerate(made.matrix_iter(border=QUIET_ZONE)):
        x = 0
        for is_dark, run in groupby(row):
            width = len(list(run))
            if is_dark:
                path.append(f"M{x} {y}h{width}v1h-{width}z")
            x += width
    return Code("".join(path), len(made.matrix))
