"""Merchants' logos, drawn anew: whatever is uploaded is read as a picture, and only a small one of ours is kept."""

import hashlib
import io
import struct
import zlib
from collections.abc import Iterator

from PIL import Image, ImageChops, ImageOps

from payments.errors import BadInput

MAX_UPLOAD = 1_000_000
MAX_PIXELS = 16_000_000
MIN_SIDE = 40
MAX_RATIO = 4
MAX_BYTES = 2_048
"""Of what we keep: it travels inside the style sheet, and the first view of the pay page stays under 20 KB."""

FORMATS = ("PNG", "JPEG", "WEBP")
DIGEST_LENGTH = 16
_WHITE = (255, 255, 255)
_NEAR_WHITE = 24
"""How much darker than white a pixel has to be to be seen on the white tile."""
_SIDES, _QUALITIES = (80, 64, 48, 40), (90, 80, 70, 60, 50, 40, 30)
_HINT = "save the logo as a PNG of about 400 by 400 pixels and upload that."
_UNREADABLE = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, MemoryError,
    struct.error, zlib.error,
)  # fmt: skip


def digest_of(picture: bytes) -> str:
    """What a logo is called in addresses; nothing for no logo."""
    return hashlib.sha256(picture).hexdigest()[:DIGEST_LENGTH] if picture else ""


def reencoded(data: bytes) -> bytes:
    """An uploaded picture as a square WebP on white of at most MAX_BYTES, without anything else the file held.

    Raises BadInput, with what to do instead.
    """
    if len(data) > MAX_UPLOAD:
        raise _refused(f"this file is larger than {MAX_UPLOAD // 1_000_000} MB: {_HINT}")
    kind = _kind_of(data)
    try:
        _refuse_animated_webp(data)
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            _refuse_odd(picture)
            square = _on_tile(_loaded(picture))
    except Image.DecompressionBombError:
        raise _too_large() from None
    except _UNREADABLE:
        raise _refused(f"this picture is damaged or incomplete: {_HINT}") from None
    if not _ends_as(kind, data):
        raise _refused(f"this file holds more than one picture, or something beside it: {_HINT}")
    return _encoded(square)


def _refused(text: str) -> BadInput:
    return BadInput("logo", "logo_invalid", f"logo: {text}")


def _too_large() -> BadInput:
    return _refused(f"this picture has more than {MAX_PIXELS // 1_000_000} million pixels: {_HINT}")


def _kind_of(data: bytes) -> str:
    """The format by the file's first bytes: its name says nothing."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    raise _refused(f"this is no PNG, JPEG or WebP picture: {_HINT}")


def _refuse_animated_webp(data: bytes) -> None:
    """Judge a WebP by its header: opening one reserves memory for the whole canvas it claims, frames included."""
    if data[:4] != b"RIFF" or data[12:16] != b"VP8X":
        return
    flags, width, height = data[20], int.from_bytes(data[24:27], "little"), int.from_bytes(data[27:30], "little")
    if flags & 0x02:
        raise _refused(f"this picture moves: {_HINT}")
    _refuse_size(width + 1, height + 1)


def _refuse_odd(picture: Image.Image) -> None:
    """Judge an opened picture whose pixels are still packed."""
    _refuse_size(*picture.size)
    if picture.format in ("PNG", "WEBP") and getattr(picture, "is_animated", False):
        raise _refused(f"this picture moves: {_HINT}")


def _refuse_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise _too_large()
    if min(width, height) < MIN_SIDE:
        raise _refused(f"this picture is too small: it needs {MIN_SIDE} pixels each way, better 400.")
    if max(width, height) > MAX_RATIO * min(width, height):
        raise _refused("this picture is too long for a square: upload the mark alone, without the name beside it.")


def _loaded(picture: Image.Image) -> Image.Image:
    """Its pixels on white, upright, small enough to work with."""
    picture.draft("RGB", (320, 320))  # a JPEG can be read smaller at once
    if picture.mode.startswith("I"):  # 16 bits of grey
        upright = ImageOps.exif_transpose(picture).point(lambda value: value / 256).convert("L").convert("RGBA")
    else:
        upright = ImageOps.exif_transpose(picture).convert("RGBA")
    upright.thumbnail((640, 640), Image.Resampling.LANCZOS)
    on_white = Image.new("RGB", upright.size, _WHITE)
    on_white.paste(upright, mask=upright.getchannel("A"))
    return on_white


def _on_tile(picture: Image.Image) -> Image.Image:
    """Without its white margins, in the middle of a white square: to the edges if it has a ground of its own."""
    ink = ImageChops.difference(picture, Image.new("RGB", picture.size, _WHITE)).convert("L")
    box = ink.point(lambda value: 255 if value >= _NEAR_WHITE else 0).getbbox()
    if box is None:
        raise _refused("this logo is white or empty and would not be seen on the white tile: upload a dark one.")
    cut = picture.crop(box)
    right, bottom = cut.width - 1, cut.height - 1
    corners = [cut.getpixel(at) for at in ((0, 0), (right, 0), (0, bottom), (right, bottom))]
    has_ground = all(min(corner) < 255 - _NEAR_WHITE for corner in corners if isinstance(corner, tuple))
    side = round(max(cut.size) * (1 if has_ground else 1.16))
    square = Image.new("RGB", (side, side), _WHITE)
    square.paste(cut, ((side - cut.width) // 2, (side - cut.height) // 2))
    return square


def _ends_as(kind: str, data: bytes) -> bool:
    """Whether the file ends where its picture does."""
    if kind == "JPEG":
        return data.rstrip(b"\x00\r\n ").endswith(b"\xff\xd9")
    if kind == "WEBP":
        return len(data) == 8 + int.from_bytes(data[4:8], "little")
    at = 8
    while at + 12 <= len(data):
        at, name = at + 12 + int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if name == b"IEND":
            return at == len(data)
    return False


def _encoded(square: Image.Image) -> bytes:
    for tried in _tries(square):
        if len(tried) <= MAX_BYTES:
            return tried
    raise _refused("this picture has too much detail to be read at this size: upload a plainer mark.")


def _tries(square: Image.Image) -> Iterator[bytes]:
    """Ever smaller files. Flat marks are smallest, and sharpest, without loss."""
    for side in _SIDES:
        small = square.resize((side, side), Image.Resampling.LANCZOS)
        yield _webp(small, lossless=True)
        for quality in _QUALITIES:
            yield _webp(small, quality=quality)


def _webp(picture: Image.Image, **options: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, "WEBP", method=6, exif=b"", icc_profile=b"", xmp=b"", **options)
    return file.getvalue()
