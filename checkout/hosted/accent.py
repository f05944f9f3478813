"""The merchant's one colour, guarded: readable on its own label, visible on our paper, lightened for the dark."""

import colorsys

SHEET, GROUND, INK = "#ffffff", "#eef2ef", "#16201b"
DARK_SHEET = "#1c2320"
TEXT, MARK, DARK_TARGET = 4.5, 3.0, 7.0


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def _hex(red: float, green: float, blue: float) -> str:
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in (red, green, blue))


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2, from 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lightened(colour: str) -> str:
    """The same hue, calmer, as light as it takes to reach 7 on the dark sheet."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(colour))
    saturation *= 0.72
    while True:
        candidate = _hex(*colorsys.hls_to_rgb(hue, lightness, saturation))
        if contrast(candidate, DARK_SHEET) >= DARK_TARGET or lightness >= 1:
            return candidate
        lightness = min(1.0, lightness + 0.01)


def _near_black(colour: str) -> str:
    hue, _, saturation = colorsys.rgb_to_hls(*_channels(colour))
    return _hex(*colorsys.hls_to_rgb(hue, 0.07, min(saturation, 0.6)))


def accent_css(colour: str) -> str:
    """The style rules that put a colour like #7a1f57 in place of ink; nothing for no colour."""
    if not colour:
        return ""
    # In the middle greys and reds neither white nor ink reaches the ratio; black always does where white does not.
    on_accent = next((label for label in (SHEET, INK) if contrast(colour, label) >= TEXT), "#000000")
    visible = min(contrast(colour, SHEET), contrast(colour, GROUND)) >= MARK
    dark = lightened(colour)
    return (
        f":root{{--accent:{colour};--on-accent:{on_accent};--accent-edge:{colour if visible else INK}}}"
        "@media (prefers-color-scheme:dark){"
        f":root{{--accent:{dark};--on-accent:{_near_black(colour)};--accent-edge:{dark}}}}}"
    )
