"""Logos are drawn anew: what is no plain picture is refused with what to do, and nothing of the file is kept."""

import io
import os
import struct
import zlib

import pytest
from PIL import Image, PngImagePlugin

from payments.errors import BadInput
from payments.logos import MAX_BYTES, MAX_UPLOAD, digest_of, reencoded

SCRIPT = "<script>alert(1)</script>"


def mark(size=(200, 200), mode="RGB", colour=(122, 31, 87)):
    """A coloured block on white, or on nothing where there is transparency."""
    back = {"RGBA": (0, 0, 0, 0), "CMYK": (0, 0, 0, 0), "L": 255}.get(mode, (255, 255, 255))
    ink = {"RGBA": (*colour, 255), "CMYK": (0, 200, 100, 80), "L": 40}.get(mode, colour)
    picture = Image.new(mode, size, back)
    picture.paste(ink, (size[0] // 4, size[1] // 4, size[0] * 3 // 4, size[1] // 2))
    return picture


def file_of(picture, form="PNG", **options):
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def claimed_png(width, height):
    """A few bytes that claim to be a picture of this size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def claimed_webp(width, height, flags=0):
    body = bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunks = b"WEBPVP8X" + struct.pack("<I", 10) + body
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def opened(data):
    drawn = reencoded(data)
    assert len(drawn) <= MAX_BYTES
    with Image.open(io.BytesIO(drawn)) as picture:
        picture.load()
        assert picture.format == "WEBP"
        assert picture.width == picture.height <= 80
        return picture.convert("RGB")


PALETTE = mark(mode="RGBA").quantize(8)
GOOD = {
    "PNG": file_of(mark()),
    "transparent PNG": file_of(mark(mode="RGBA")),
    "palette PNG with transparency": file_of(PALETTE),
    "grey PNG": file_of(mark(mode="L")),
    "16 bits of grey": file_of(mark(mode="L").convert("I").point(lambda v: v * 256).convert("I;16")),
    "one bit": file_of(mark(mode="L").convert("1")),
    "JPEG": file_of(mark(), "JPEG"),
    "progressive JPEG": file_of(mark(), "JPEG", progressive=True),
    "CMYK JPEG": file_of(mark(mode="CMYK"), "JPEG"),
    "WebP": file_of(mark(), "WEBP"),
    "lossless WebP with transparency": file_of(mark(mode="RGBA"), "WEBP", lossless=True),
    "a long one": file_of(mark((400, 120))),
    "noise": file_of(Image.frombytes("RGB", (120, 120), os.urandom(43_200))),
    "large": file_of(mark((3000, 3000)), "JPEG"),
}


@pytest.mark.parametrize("kind", GOOD)
def test_every_plain_picture_becomes_a_small_square(kind):
    picture = opened(GOOD[kind])
    shades = {picture.getpixel((x, y)) for x in range(picture.width) for y in range(picture.height)}
    assert any(sum(shade) < 500 for shade in shades)


@pytest.mark.parametrize("kind", ["PNG", "transparent PNG", "palette PNG with transparency", "grey PNG"])
def test_it_stands_on_white(kind):
    assert min(opened(GOOD[kind]).getpixel((1, 1))) > 245


def test_one_with_a_ground_of_its_own_fills_the_tile():
    picture = opened(file_of(Image.new("RGB", (200, 200), (15, 106, 110))))
    assert max(picture.getpixel((0, 0))) < 130


gif, bomb = file_of(mark(), "GIF"), claimed_png(60_000, 60_000)
moving = [mark(colour=(80 * n, 0, 0)) for n in range(3)]
BAD = {
    "nothing": (b"", "no PNG, JPEG or WebP"),
    "SVG": (f"<svg xmlns='http://www.w3.org/2000/svg'>{SCRIPT}</svg>".encode(), "no PNG, JPEG or WebP"),
    "GIF under another name": (gif, "no PNG, JPEG or WebP"),
    "HTML": (SCRIPT.encode(), "no PNG, JPEG or WebP"),
    "a first line alone": (b"\x89PNG\r\n\x1a\n", "damaged"),
    "truncated PNG": (GOOD["noise"][:-2000], "damaged"),
    "truncated JPEG": (GOOD["large"][:3000], "damaged"),
    "truncated WebP": (GOOD["WebP"][:60], "damaged"),
    "wrong bytes": (GOOD["PNG"][:60] + os.urandom(30) + GOOD["PNG"][90:], "damaged"),
    "a claim of 3.6 thousand million pixels": (bomb, "million pixels"),
    "the same as WebP": (claimed_webp(16_000, 16_000), "million pixels"),
    "a JPEG of 17 million": (file_of(Image.new("L", (4200, 4200)), "JPEG"), "million pixels"),
    "1 x 1": (file_of(Image.new("RGB", (1, 1))), "too small"),
    "10000 x 1": (file_of(Image.new("RGB", (10_000, 1))), "too small"),
    "a word": (file_of(mark((400, 50))), "too long for a square"),
    "white": (file_of(Image.new("RGB", (100, 100), "white")), "would not be seen"),
    "white on nothing": (file_of(mark(mode="RGBA", colour=(255, 255, 255))), "would not be seen"),
    "nothing at all": (file_of(Image.new("RGBA", (100, 100), (0, 0, 0, 0))), "would not be seen"),
    "a moving PNG": (file_of(moving[0], save_all=True, append_images=moving[1:]), "moves"),
    "a moving WebP": (file_of(moving[0], "WEBP", save_all=True, append_images=moving[1:]), "moves"),
    "a ZIP behind": (GOOD["PNG"] + b"PK\x05\x06" + bytes(18), "something beside it"),
    "a page behind a JPEG": (GOOD["JPEG"] + SCRIPT.encode(), "something beside it"),
    "a page behind a WebP": (GOOD["WebP"] + SCRIPT.encode(), "something beside it"),
    "over 1 MB": (GOOD["PNG"] + bytes(MAX_UPLOAD), "larger than 1 MB"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_plain_picture_is_refused_with_what_to_do(kind):
    data, words = BAD[kind]
    with pytest.raises(BadInput) as refused:
        reencoded(data)
    assert refused.value.field == "logo"
    assert words in refused.value.text
    assert "upload" in refused.value.text or "better 400" in refused.value.text


def test_nothing_of_the_file_is_kept():
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", SCRIPT)
    told.add_itxt("XML:com.adobe.xmp", f"<x:xmpmeta>{SCRIPT}</x:xmpmeta>")
    exif = Image.Exif()
    exif[0x010E] = SCRIPT
    exif[0x8825] = {1: "N", 2: (18.0, 58.0, 30.0)}
    for data in (
        file_of(mark(), pnginfo=told, exif=exif, icc_profile=b"profile" * 99),
        file_of(mark(), "JPEG", exif=exif, comment=SCRIPT, icc_profile=b"profile" * 99),
        file_of(mark(), "WEBP", exif=exif, xmp=SCRIPT.encode(), icc_profile=b"profile" * 99),
    ):
        assert SCRIPT.encode() in data
        drawn = reencoded(data)
        assert not any(word in drawn for word in (b"script", b"profile", b"EXIF", b"XMP", b"ICCP", b"VP8X"))


def test_a_photograph_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 3
    picture = opened(file_of(mark((200, 300)), "JPEG", exif=exif, quality=95))
    upright = opened(file_of(mark((200, 300)).rotate(180), "JPEG", quality=95))
    assert abs(sum(picture.getpixel((40, 20))) - sum(upright.getpixel((40, 20)))) < 60


def test_the_same_picture_has_the_same_name_and_no_picture_none():
    assert digest_of(reencoded(GOOD["PNG"])) == digest_of(reencoded(GOOD["PNG"]))
    assert digest_of(b"") == ""
