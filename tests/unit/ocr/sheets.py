"""Headers of other schools, drawn from a seed: boxes, combs, tables, labels beside, above or inside, French or English.

Print is DejaVu, handwriting the same font slanted and warped: enough to tell whether the right ink is found in the
right field, and no evidence of how pupils' hands are read.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from contracts.records.sheet import FieldKind

FONT = Path(__file__).resolve().parents[3] / "services" / "render" / "fonts" / "regular.ttf"
WIDTH_MM = 210


@dataclass(frozen=True)
class Place:
    """A field in millimetres; ``cells`` > 0 makes a comb, ``table`` a cell for the label that touches the field's.

    ``kind`` None is no field of the candidate's.
    """

    kind: FieldKind | None
    label: str
    label_at: tuple[float, float]
    box: tuple[float, float, float, float]
    cells: int = 0
    table: bool = False


@dataclass(frozen=True)
class Paper:
    title: str
    places: tuple[Place, ...]
    ruling: Literal["boxes", "underlines", "dots", "nothing"] = "boxes"
    height_mm: float = 75


def _beside(kind: FieldKind | None, label: str, y: float, w: float = 95, cells: int = 0) -> Place:
    return Place(kind, label, (15, y + 2.2), (48, y, w, 9), cells)


PAPERS: dict[str, Paper] = {
    "boxes beside their labels": Paper(
        "Épreuve de philosophie",
        (_beside("last_name", "NOM :", 20), _beside("first_name", "Prénom :", 32), _beside("class", "Classe :", 44, 40),
         _beside("number", "N° candidat :", 58, 77, 11)),
    ),
    "combs, number first": Paper(
        "Baccalauréat blanc",
        (_beside("number", "N° INE :", 18, 77, 11), _beside("last_name", "Nom de famille :", 32, 140, 20),
         _beside("first_name", "Prénom(s) :", 46, 140, 20)),
    ),
    "side by side, labels above, in English": Paper(
        "Mock examination, physics",
        (Place("last_name", "Last name", (15, 16.5), (15, 22, 80, 10)),
         Place("first_name", "First name", (110, 16.5), (110, 22, 80, 10)),
         Place("number", "Candidate number", (15, 38.5), (15, 44, 77, 9), 11),
         Place("class", "Class", (110, 38.5), (110, 44, 30, 9))),
    ),
    "labels inside": Paper(
        "Contrôle commun",
        (Place("last_name", "Nom :", (17, 22.5), (15, 20, 120, 10)),
         Place("first_name", "Prénom :", (17, 36.5), (15, 34, 120, 10)),
         Place("class", "Classe :", (142, 22.5), (140, 20, 55, 10))),
    ),
    "a mark and a room that are no names": Paper(
        "Brevet blanc",
        (_beside("last_name", "Nom :", 20), _beside("first_name", "Prénom :", 34),
         Place(None, "Note :", (150, 22.2), (168, 20, 25, 10)),
         Place(None, "Salle :", (150, 36.2), (168, 34, 25, 10))),
    ),
    "a table of labels and fields": Paper(
        "Devoir surveillé",
        (Place("last_name", "Nom", (17, 22.4), (42, 20, 70, 10), table=True),
         Place("class", "Classe", (114, 22.4), (137, 20, 50, 10), table=True),
         Place("first_name", "Prénom", (17, 32.4), (42, 30, 70, 10), table=True),
         Place("number", "N° INE", (114, 32.4), (137, 30, 60, 10), table=True)),
    ),
}  # fmt: skip
# Nothing but labels: here only a sheet model says where the fields are.
BARE = Paper(
    "Interrogation écrite",
    (_beside("last_name", "Nom", 20), _beside("first_name", "Prénom", 33), _beside("number", "N° INE", 46, 77)),
    ruling="nothing",
)

WRITTEN: Mapping[FieldKind | None, str] = {
    "last_name": "MARTINEZ", "first_name": "Sandrine", "number": "4071852963K", "class": "TG4", None: "B204",
}  # fmt: skip


def draw(
    paper: Paper,
    written: Mapping[FieldKind | None, str] = WRITTEN,
    *,
    seed: int,
    dpi: int = 200,
    slope_deg: float = 0.0,
    ink: int = 45,
    noise: float = 3.0,
    moved_mm: tuple[float, float] = (0.0, 0.0),
) -> Image.Image:
    """One scanned header; ``slope_deg`` clockwise, ``ink`` 0 black to 255, ``moved_mm`` right and down."""
    random = np.random.default_rng(seed)
    mm = dpi / 25.4
    image = Image.new("L", (round(WIDTH_MM * mm), round(paper.height_mm * mm)), 255)
    pen = ImageDraw.Draw(image)
    pen.text((15 * mm, 7 * mm), paper.title, fill=25, font=_font(4.6 * mm))
    for place in paper.places:
        pen.text((place.label_at[0] * mm, place.label_at[1] * mm), place.label, fill=25, font=_font(4 * mm))
        x, y, w, h = (each * mm for each in place.box)
        if place.table:
            pen.rectangle((place.label_at[0] * mm - 2 * mm, y, x, y + h), outline=60, width=max(1, round(0.25 * mm)))
        if paper.ruling == "underlines":
            pen.line((x, y + h, x + w, y + h), fill=60, width=max(1, round(0.25 * mm)))
        elif paper.ruling == "dots":
            for at in np.arange(x, x + w, 1.2 * mm):
                pen.rectangle((at, y + h - 0.4 * mm, at + 0.4 * mm, y + h), fill=60)
        elif paper.ruling == "boxes":
            pen.rectangle((x, y, x + w, y + h), outline=60, width=max(1, round(0.25 * mm)))
            for cell in range(1, place.cells):
                at = x + cell * w / place.cells
                pen.line((at, y, at, y + h), fill=60, width=max(1, round(0.25 * mm)))
        text = written.get(place.kind, "")
        inside = max(0.0, place.label_at[0] * mm + pen.textlength(place.label, _font(4 * mm)) - x)
        start = x + (inside if y <= place.label_at[1] * mm <= y + h else 0) + random.uniform(2, 4) * mm
        if place.cells:
            for cell, letter in enumerate(text):
                _write(image, letter.upper(), (x + (cell + 0.2) * w / place.cells, y + 1.6 * mm), 4.8 * mm, ink, random)
        elif text:
            _write(image, text, (start, y + 1.8 * mm), 5.0 * mm, ink, random)
    across, down = (each * mm for each in moved_mm)
    image = image.rotate(-slope_deg, Image.Resampling.BICUBIC, translate=(across, down), fillcolor=255)
    grain = np.asarray(image, np.float32) * random.uniform(0.92, 0.99) + random.normal(0, noise, image.size[::-1])
    return Image.fromarray(np.clip(grain, 0, 255).astype(np.uint8))


def jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=70)
    return buffer.getvalue()


def _font(size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT), max(6, round(size)))


def _write(
    image: Image.Image, text: str, at: tuple[float, float], size: float, ink: int, random: np.random.Generator
) -> None:
    """Slanted and warped, multiplied onto the paper."""
    font = _font(size * random.uniform(0.9, 1.1))
    room = round(size)
    mask = Image.new("L", (round(font.getlength(text)) + 2 * room, 3 * room), 0)
    ImageDraw.Draw(mask).text((room, room), text, fill=255, font=font)
    pixels = np.asarray(mask, np.float32)
    height, width = pixels.shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    slant = random.uniform(-0.1, 0.25)
    columns = columns + slant * (rows - height / 2) + _waves(random, (height, width), size)
    rows = rows + _waves(random, (height, width), size)
    warped = pixels[np.clip(rows, 0, height - 1).astype(int), np.clip(columns, 0, width - 1).astype(int)]
    image.paste(ink, (round(at[0]) - room, round(at[1]) - room), Image.fromarray((warped * 0.9).astype(np.uint8)))


def _waves(random: np.random.Generator, shape: tuple[int, int], size: float) -> np.ndarray:
    grid = random.normal(0, 0.04 * size, (max(2, round(shape[0] / size)), max(2, round(shape[1] / size))))
    return np.asarray(Image.fromarray(grid.astype(np.float32)).resize(shape[::-1], Image.Resampling.BICUBIC))
