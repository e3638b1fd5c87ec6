"""A small pile of scanned double sheets, drawn from nothing: the demo exam needs no file and no real pupil.

Runs in the demo's own process: it only draws, it never reads untrusted bytes.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont
from PIL.ImageFont import FreeTypeFont

DPI = 150
A4_MM = (210.0, 297.0)
HEADER_BOTTOM_MM = 58.0
LINE_PITCH_MM = 8.0
MARGIN_LINE_MM = 26.0

SOLUTION = (
    "donc la fonction est croissante sur cet intervalle car sa dérivée est positive on en déduit que la suite "
    "converge vers sa limite par récurrence pour tout entier naturel d'après le théorème des valeurs "
    "intermédiaires il existe une unique solution notée alpha le vecteur normal au plan vérifie cette équation"
)
WORDS = SOLUTION.split()


@dataclass(frozen=True)
class Pupil:
    """One invented candidate. ``sheets`` is how many A3 double sheets they filled, nested in each other."""

    last_name: str
    first_name: str
    ine: str
    birth_date: str
    sheets: int = 1
    class_name: str = "TG2"


PUPILS = (
    Pupil("LEFÈVRE", "Anaïs", "120456789AB", "14/03/2008"),
    Pupil("BENSAÏD", "Yanis", "130567891CD", "02/09/2008"),
    Pupil("MOREAU", "Chloé", "140678912EF", "27/06/2008", sheets=2),
    Pupil("NGUYEN", "Minh-Anh", "150789123GH", "11/12/2007"),
    Pupil("DA COSTA", "Inês", "160891234JK", "30/01/2008"),
    Pupil("GARNIER", "Éloi", "170912345LM", "19/05/2008"),
)
ABSENT = (
    Pupil("ROUSSEL", "Jade", "180123456NP", "08/08/2008"),
    Pupil("TRAORÉ", "Ismaël", "190234567QR", "23/10/2008"),
)


def roster_csv(pupils: Sequence[Pupil] = (*PUPILS, *ABSENT)) -> bytes:
    """The roster as a French school's software exports it: UTF-8 with BOM, semicolons, CRLF."""
    rows = ["INE;Nom;Prénom;Classe;Date de naissance"]
    rows += [f"{p.ine};{p.last_name};{p.first_name};{p.class_name};{p.birth_date}" for p in pupils]
    return ("\r\n".join(rows) + "\r\n").encode("utf-8-sig")


def a3_pile(pupils: Sequence[Pupil] = PUPILS, *, dpi: int = DPI, seed: int = 2008) -> bytes:
    """PDF of the pile as a copier makes it: each side one grey JPEG of 420 × 297 mm.

    Per double sheet the outer side (last page | first page) comes before the inner one; nested sheets follow from
    the outside in.
    """
    rng = random.Random(seed)
    sides: list[Image.Image] = []
    for pupil in pupils:
        sides += list(_sides(_Pen(rng, dpi), pupil))
    return _pdf(sides, dpi)


def a4_pile(pupils: Sequence[Pupil] = PUPILS, *, pages: int = 4, dpi: int = DPI, seed: int = 2008) -> bytes:
    """PDF of single A4 pages, ``pages`` per copy, in reading order."""
    rng = random.Random(seed)
    sides = []
    for pupil in pupils:
        pen = _Pen(rng, dpi)
        sides += [pen.page(pupil if number == 1 else None, full=number < pages) for number in range(1, pages + 1)]
    return _pdf(sides, dpi)


def _sides(pen: _Pen, pupil: Pupil) -> Iterator[Image.Image]:
    last = 4 * pupil.sheets
    pages = {n: pen.page(pupil if n == 1 else None, full=n < last) for n in range(1, last + 1)}
    for depth in range(pupil.sheets):
        first = 1 + 2 * depth
        yield pen.spread(pages[last - 2 * depth], pages[first])
        yield pen.spread(pages[first + 1], pages[last - 2 * depth - 1])


def _pdf(sides: Sequence[Image.Image], dpi: int) -> bytes:
    out = io.BytesIO()
    sides[0].save(out, "PDF", save_all=True, append_images=sides[1:], resolution=float(dpi), quality=80)
    return out.getvalue()


class _Pen:
    """One pupil's paper and hand."""

    def __init__(self, rng: random.Random, dpi: int) -> None:
        self.rng = rng
        self.dpi = dpi
        self.slant = rng.uniform(-0.18, 0.28)
        self.size_mm = rng.uniform(4.2, 5.4)
        self.ink = rng.randint(35, 80)

    def px(self, mm: float) -> int:
        return round(mm * self.dpi / 25.4)

    def page(self, pupil: Pupil | None, *, full: bool) -> Image.Image:
        """One upright A4 face; ``pupil`` prints and fills the header, ``full`` writes to the bottom."""
        width, height = self.px(A4_MM[0]), self.px(A4_MM[1])
        page = Image.new("L", (width, height), 250)
        draw = ImageDraw.Draw(page)
        top = HEADER_BOTTOM_MM + 6 if pupil else 20
        for index in range(int((A4_MM[1] - top - 8) / LINE_PITCH_MM)):
            y = self.px(top + index * LINE_PITCH_MM)
            draw.line([(0, y), (width, y)], fill=232)
        draw.line([(self.px(MARGIN_LINE_MM), 0), (self.px(MARGIN_LINE_MM), height)], fill=205, width=2)
        if pupil:
            self._header(page, draw, pupil)
        lines = range(1, int((A4_MM[1] - top - 12) / LINE_PITCH_MM))
        for index in lines if full else lines[: len(lines) // 3]:
            if self.rng.random() < 0.18:
                continue
            text = " ".join(self.rng.choice(WORDS) for _ in range(self.rng.randint(4, 9)))
            x_mm = MARGIN_LINE_MM + self.rng.uniform(3, 9)
            self._write(page, text, x_mm, top + index * LINE_PITCH_MM - 0.8)
        return self._scanned(page)

    def spread(self, left: Image.Image, right: Image.Image) -> Image.Image:
        """Two faces side by side on the glass, the fold a dark line between them."""
        side = Image.new("L", (left.width + right.width, left.height), 250)
        side.paste(left, (0, 0))
        side.paste(right, (left.width, 0))
        fold = ImageDraw.Draw(side)
        fold.line([(left.width, 0), (left.width, side.height)], fill=150, width=max(2, self.px(0.6)))
        return side

    def _header(self, page: Image.Image, draw: ImageDraw.ImageDraw, pupil: Pupil) -> None:
        draw.text((self.px(13), self.px(8)), "Épreuve : MATHÉMATIQUES  -  Terminale spécialité", 20, _font(self.px(5)))
        fields = (("NOM :", pupil.last_name), ("Prénom :", pupil.first_name.upper()), ("N° INE :", pupil.ine))
        cell_mm = 7.5
        for row, (label, value) in enumerate(fields):
            y_mm = 20 + row * 12.0
            draw.text((self.px(13), self.px(y_mm + 1.5)), label, 20, _font(self.px(4)))
            for index in range(15):
                x_mm = 38 + index * cell_mm
                box = [self.px(x_mm), self.px(y_mm), self.px(x_mm + cell_mm), self.px(y_mm + 9)]
                draw.rectangle(box, outline=70)
                if index < len(value):
                    self._write(page, value[index], x_mm + 1.6, y_mm + 7.6, size_mm=6.2)
        rule = self.px(HEADER_BOTTOM_MM)
        draw.line([(self.px(10), rule), (self.px(200), rule)], fill=60, width=2)

    def _write(self, page: Image.Image, text: str, x_mm: float, baseline_mm: float, size_mm: float = 0) -> None:
        size = self.px(size_mm or self.size_mm)
        font = _font(size)
        box = font.getbbox(text)
        ink = Image.new("L", (int(box[2]) + 2 * size, 2 * size), 0)
        ImageDraw.Draw(ink).text((size // 2, size // 2), text, 255, font)
        ink = ink.transform(ink.size, Image.Transform.AFFINE, (1, self.slant, -self.slant * size, 0, 1, 0))
        left = self.px(x_mm) - size // 2 + self.rng.randint(-1, 1)
        page.paste(self.ink, (left, self.px(baseline_mm) - size - size // 3), ink)

    def _scanned(self, page: Image.Image) -> Image.Image:
        dirty = ImageChops.subtract(page, _grain(page.size))
        return dirty.filter(ImageFilter.GaussianBlur(0.4))


@cache
def _grain(size: tuple[int, int]) -> Image.Image:
    """What a scanner adds to white paper: a few grey levels, the same on every page."""
    return Image.effect_noise(size, 3).point(lambda value: max(0, value - 128))


@cache
def _font(size_px: int) -> FreeTypeFont:
    """The font of the final PDF: Pillow's own has no accents."""
    with as_file(files("services.render") / "fonts" / "regular.ttf") as path:
        return ImageFont.truetype(str(path), size_px)
