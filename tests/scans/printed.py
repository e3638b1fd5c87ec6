"""Scans of sheets printed by Korrigo: rasterised, written on, scribbled over, laid askew, noisy. All from a seed."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from uuid import UUID

import pypdfium2
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from services.render.printing import answer_sheets
from tests.scans.paper import noisy

EXAM = UUID("0192f5c0-1111-7222-8333-444455556666")


def sheets(copies: Sequence[int], *, pages: int = 4, layout: str = "a4", exam_id: UUID = EXAM) -> bytes:
    """The PDF that somebody prints."""
    _, (document,) = answer_sheets(
        [], b"", exam_id=str(exam_id), title="Bac blanc", date=None, language="fr", copies=copies, pages=pages,
        layout=layout, ruled=True,
    )  # fmt: skip
    return document


def sides(document: bytes, dpi: int) -> list[Image.Image]:
    """Its sides on paper, grey."""
    with pypdfium2.PdfDocument(document) as pdf:
        return [page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L") for page in pdf]


def scanned(side: Image.Image, seed: int, dpi: int, *, upside_down: bool = False, scribble: str = "") -> Image.Image:
    """A side written on and scanned; ``scribble``: ``light``, a stroke over one code; ``heavy``, over both corners.

    Shifted up to 3 mm, tilted up to 2 degrees, blurred, printed pale or dark, with noise and JPEG at 50 to 85.
    """
    rng, mm = random.Random(seed), dpi / 25.4
    page = side.copy()
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(round(5 * mm))
    for line in range(rng.randint(0, 20)):
        words = "".join(rng.choices("aeinortuls ", k=rng.randint(10, 50)))
        draw.text((rng.uniform(38, 42) * mm, (78 + 8 * line) * mm), words, fill=rng.randint(40, 110), font=font)
    corners = [(190, 20), (20, 277)]
    for x, y in corners[: {"": 0, "light": 1, "heavy": 2}[scribble]]:
        for _ in range(1 if scribble == "light" else 3):
            ends = [((x + rng.uniform(-13, 13)) * mm, (y + rng.uniform(-13, 13)) * mm) for _ in range(3)]
            draw.line(ends, fill=rng.randint(50, 100), width=max(2, round(0.5 * mm)), joint="curve")
    paper, toner = rng.randint(225, 255), rng.randint(10, 90)
    page = page.point([round(toner + (paper - toner) * level / 255) for level in range(256)])
    page = page.rotate(
        rng.uniform(-2, 2), Image.Resampling.BICUBIC, fillcolor=paper,
        translate=(round(rng.uniform(-3, 3) * mm), round(rng.uniform(-3, 3) * mm)),
    )  # fmt: skip
    page = page.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.8) * dpi / 200))
    page = noisy(page, rng.uniform(1, 7))
    if upside_down:
        page = page.rotate(180)
    stored = io.BytesIO()
    page.save(stored, "JPEG", quality=rng.randint(50, 85))
    return Image.open(stored)
