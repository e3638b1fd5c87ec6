"""Draws scans for the tests of ingest: small, quick, and odd in exactly one way each.

Everything is drawn from a seed; no file and no person's writing is involved.
"""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

DPI = 100
MM = DPI / 25.4
A4_PX = (round(210 * MM), round(297 * MM))


def face(
    seed: int = 0, *, header: bool = False, lines: int = 18, ruled: bool = True, table: bool = False
) -> Image.Image:
    """One A4 face. ``lines`` of ragged writing; 0 leaves it blank. ``table``: a ruled table at the top."""
    rng = random.Random(seed)
    page = Image.new("L", A4_PX, 250)
    draw = ImageDraw.Draw(page)
    if ruled:
        for y in range(15, 290, 8):
            draw.line((8 * MM, y * MM, 202 * MM, y * MM), fill=222)
        draw.line((25 * MM, 0, 25 * MM, page.height), fill=222)
    if header:
        _header(draw, rng)
    if table:
        _table(draw)
    font = ImageFont.load_default(round(4 * MM))
    for line in range(lines):
        words = " ".join("".join(rng.choices("aeinortuls", k=rng.randint(2, 8))) for _ in range(rng.randint(2, 9)))
        draw.text(((28 + rng.random() * 3) * MM, (64 + 12 * line) * MM), words, fill=60, font=font)
    return page


def _header(draw: ImageDraw.ImageDraw, rng: random.Random) -> None:
    draw.rectangle((0, 0, A4_PX[0], 61 * MM), fill=250)
    printed, written = ImageFont.load_default(round(4 * MM)), ImageFont.load_default(round(5 * MM))
    draw.text((15 * MM, 10 * MM), "Épreuve : MATHÉMATIQUES", fill=20, font=printed)
    for label, top, width in (("NOM :", 22, 95), ("Prénom :", 34, 95), ("N° INE :", 46, 77)):
        draw.text((15 * MM, (top + 2) * MM), label, fill=20, font=printed)
        draw.rectangle((40 * MM, top * MM, (40 + width) * MM, (top + 9) * MM), outline=60, width=2)
        draw.text((43 * MM, (top + 2) * MM), "".join(rng.choices("ABCDEFGHIJ", k=8)), fill=50, font=written)
    draw.line((10 * MM, 60 * MM, 200 * MM, 60 * MM), fill=80, width=2)


def _table(draw: ImageDraw.ImageDraw) -> None:
    for row in range(4):
        draw.line((40 * MM, (20 + 9 * row) * MM, 160 * MM, (20 + 9 * row) * MM), fill=60, width=2)
    for column in range(4):
        draw.line(((40 + 40 * column) * MM, 20 * MM, (40 + 40 * column) * MM, 47 * MM), fill=60, width=2)


def spread(left: Image.Image, right: Image.Image, *, fold: float = 0.5) -> Image.Image:
    """Two faces side by side, with the shadow of the fold; ``fold`` is its place as a share of the width."""
    side = Image.new("L", (left.width + right.width, left.height), 250)
    middle = round(side.width * fold)
    side.paste(left, (middle - left.width, 0))
    side.paste(right, (middle, 0))
    shadow = Image.new("L", side.size, 255)
    ImageDraw.Draw(shadow).line((middle, 0, middle, side.height), fill=150, width=5)
    return ImageChops.multiply(side, shadow.filter(ImageFilter.GaussianBlur(1.5)))


def sheets(count: int, seed: int = 0, *, fold: float = 0.5) -> list[Image.Image]:
    """The sides of one copy of ``count`` nested double sheets: 4|1, 2|3, or 8|1, 2|7, 6|3, 4|5 …"""
    faces = {no: face(100 * seed + no, header=no == 1, lines=8 + no % 5) for no in range(1, 4 * count + 1)}
    sides = []
    for sheet in range(1, count + 1):
        last = 4 * count - 2 * sheet + 2
        sides.append(spread(faces[last], faces[2 * sheet - 1], fold=fold))
        sides.append(spread(faces[2 * sheet], faces[last - 1], fold=fold))
    return sides


def tilted(page: Image.Image, degrees: float) -> Image.Image:
    return page.rotate(degrees, Image.Resampling.BILINEAR, fillcolor=245)


def noisy(page: Image.Image, sigma: float) -> Image.Image:
    """Scanner noise; the same for the same size."""
    return ImageChops.add(page, Image.effect_noise(page.size, sigma * 2), scale=1.0, offset=-128)


# Files


@dataclass(frozen=True)
class Leaf:
    """One page of a PDF: an image stream, its dictionary, and the page around it."""

    data: bytes
    dictionary: bytes
    width_pt: float
    height_pt: float
    extra: bytes = b""
    content: bytes | None = None


def leaf(page: Image.Image, *, kind: str = "grey", dpi: int = DPI, extra: bytes = b"", quality: int = 75) -> Leaf:
    """``kind``: ``grey``, ``colour`` (JPEG), ``fax`` (CCITT G4) or ``flate`` (no scan stream: has to be drawn)."""
    size = b"/Width %d/Height %d" % page.size
    if kind == "fax":
        data = _g4(page)
        dictionary = (
            size + b"/ColorSpace/DeviceGray/BitsPerComponent 1/Filter/CCITTFaxDecode"
            b"/DecodeParms<</K -1/Columns %d/Rows %d>>" % page.size
        )
    elif kind == "flate":
        import zlib

        data = zlib.compress(page.tobytes())
        dictionary = size + b"/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode"
    else:
        buffer = io.BytesIO()
        page.convert("RGB" if kind == "colour" else "L").save(buffer, "JPEG", quality=quality)
        data = buffer.getvalue()
        space = b"/DeviceRGB" if kind == "colour" else b"/DeviceGray"
        dictionary = size + b"/ColorSpace" + space + b"/BitsPerComponent 8/Filter/DCTDecode"
    return Leaf(data, dictionary, page.width * 72 / dpi, page.height * 72 / dpi, extra)


def _g4(page: Image.Image) -> bytes:
    buffer = io.BytesIO()
    negative = page.point(lambda level: 0 if level > 170 else 255)  # black is 0 in a PDF, 1 in a TIFF
    negative.convert("1").save(buffer, "TIFF", compression="group4", strip_size=1 << 30)
    tiff: Any = Image.open(buffer)
    raw = buffer.getvalue()
    at, size = tiff.tag_v2[273][0], tiff.tag_v2[279][0]
    return raw[at : at + size]


def pdf(leaves: Sequence[Leaf], *, count: int | None = None) -> bytes:
    """The leaves as a PDF whose page tree comes first, as scanners write it; ``count`` lies about their number."""
    objects: dict[int, bytes] = {1: b"<</Type/Catalog/Pages 2 0 R>>"}
    kids = []
    for index, each in enumerate(leaves):
        image, content, page = (3 + 3 * index + part for part in range(3))
        drawing = each.content or b"q %.3f 0 0 %.3f 0 0 cm /I0 Do Q\n" % (each.width_pt, each.height_pt)
        objects[image] = _stream(b"/Type/XObject/Subtype/Image" + each.dictionary, each.data)
        objects[content] = _stream(b"", drawing)
        objects[page] = (
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %.3f %.3f]/Contents %d 0 R/Resources<</XObject<</I0 %d 0 R>>>>%s>>"
            % (each.width_pt, each.height_pt, content, image, each.extra)
        )
        kids.append(b"%d 0 R" % page)
    number = len(leaves) if count is None else count
    objects[2] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (number, b" ".join(kids))
    out, offsets = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n"), {}
    for no in sorted(objects):
        offsets[no] = len(out)
        out += b"%d 0 obj\n" % no + objects[no] + b"\nendobj\n"
    xref = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offsets[no] for no in sorted(objects))
    out += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, xref)
    return bytes(out)


def _stream(dictionary: bytes, data: bytes) -> bytes:
    return b"<<" + dictionary + b"/Length %d>>\nstream\n" % len(data) + data + b"\nendstream"


def pile(copies: Sequence[int], *, kind: str = "grey", upside_down: Sequence[int] = (), fold: float = 0.5) -> bytes:
    """An A3 pile: one copy of so many double sheets after the other; the sides named (from 1) lie upside down."""
    sides = [side for seed, count in enumerate(copies, start=1) for side in sheets(count, seed, fold=fold)]
    return pdf(
        [leaf(side.rotate(180) if no in upside_down else side, kind=kind) for no, side in enumerate(sides, start=1)]
    )


def a4_pile(copies: int, pages: int = 4, *, blank: Sequence[int] = (), headers: bool = True) -> bytes:
    """An A4 pile; the pages named (from 1) are blank."""
    return pdf(
        [
            leaf(
                face(
                    no,
                    header=headers and no % pages == 1 % pages,
                    lines=0 if no in blank else 10,
                    ruled=no not in blank,
                )
            )
            for no in range(1, copies * pages + 1)
        ]
    )
