"""Answer sheets to print before an exam: header, margin, ruling, and on every page a code that says which it is. Pure.

Drawn in millimetres on A4 faces, so that whoever measures a print finds these numbers. Ruling and margin are pale:
ink stands out on them. The header is three boxes and a rule, as on the sheets schools know, and as ingest looks for.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from contracts.errors.render import NotFoldable, TooManySheets
from contracts.records.codes import copy_label
from services.render.canvas import BLACK, GREY, Canvas, Colour
from services.render.typeface import BOLD, REGULAR, Reader, wrap
from services.render.wording import day, label

MOST_PAGES = 4000  # 1000 copies of 4 pages: 4 s and 7 MB
SHEETS_VERSION = 1
"""One more whenever the same wishes are to be drawn differently. What is printed already must stay readable."""

MM = 72 / 25.4
FACE_W, FACE_H = 210 * MM, 297 * MM

LEFT, RIGHT = 12.0, 201.0
MARGIN = 36.0
BOXES = 42.0  # left edge of the boxes of the header
BOXES_TOP = 26.0
BOX_H = 9.0
ROW = BOX_H + 2.8
CELL = 7.5  # of the candidate's number: 12 cells; a French INE has 11 characters
RULE = 64.0  # ends the header
LINE = 8.0
FIRST_LINE, LAST_LINE = 44.0, 284.0
FOOT = 291.0

# Two codes on opposite corners, so that one survives a scribble, a staple or a torn corner. 33 modules of 0.67 mm are
# 4 pixels each at 150 dpi. Each lies where the other does when the page is turned upside down.
CODE = 22.0
CODES = ((RIGHT - CODE, 9.0), (210 - RIGHT, 297 - 9.0 - CODE))

RULING: Colour = (0.74, 0.82, 0.90)
MARGIN_RED: Colour = (0.98, 0.76, 0.76)
EDGE: Colour = (0.30, 0.32, 0.36)
CELL_EDGE: Colour = (0.62, 0.65, 0.70)

Matrix = Sequence[bytes]
"""A code's modules, row by row; 1 is dark."""

_DARK = re.compile(b"\x01+")


@dataclass(frozen=True)
class Form:
    """What all copies have in common. ``pages`` of one copy."""

    title: str
    date: dt.date | None
    language: str
    pages: int
    ruled: bool


def sides(layout: str, copies: int, pages: int) -> list[tuple[int | None, ...]]:
    """The printed sides of one copy, as page numbers from left to right; ``None`` is left empty.

    A4 with an odd number of pages ends with an empty side: printed on both sides, the next copy begins a sheet.
    A3, n double sheets, the s-th from outside: 4n-2s+2 | 2s-1 and 2s | 4n-2s+1.

    Raises:
        NotFoldable, TooManySheets.
    """
    if copies * pages > MOST_PAGES:
        raise TooManySheets(pages=copies * pages, max=MOST_PAGES)
    if layout == "a4":
        return [(page,) for page in range(1, pages + 1)] + [(None,)] * (pages % 2)
    if pages % 4:
        raise NotFoldable(pages=pages)
    folded: list[tuple[int | None, ...]] = []
    for recto in range(1, pages // 2, 2):
        verso = recto + 1
        folded += [(pages + 1 - recto, recto), (verso, pages + 1 - verso)]
    return folded


def printed(form: Form, page_nos: Sequence[int | None]) -> Canvas:
    """One side without its codes: the same for every copy."""
    canvas = Canvas(FACE_W * len(page_nos), FACE_H)
    for place, page_no in enumerate(page_nos):
        if page_no is not None:
            _Face(canvas, form, place * FACE_W).draw(page_no)
    return canvas


def coded(symbols: Sequence[Matrix | None], copy_no: int) -> Canvas:
    """What one side of one copy adds: the codes of its faces, from left to right, and the copy's number."""
    canvas = Canvas(FACE_W * len(symbols), FACE_H)
    number = copy_label(copy_no)
    for place, symbol in enumerate(symbols):
        if symbol is None:
            continue
        unit, path = CODE * MM / len(symbol), _dark(symbol)
        for x, y in CODES:
            left, top = place * FACE_W + x * MM, FACE_H - y * MM
            canvas.raw(f"q 0 g {unit:.4f} 0 0 {-unit:.4f} {left:.3f} {top:.3f} cm {path} f Q")
        canvas.text(place * FACE_W + MARGIN * MM, FOOT * MM, f"{number[:4]} {number[4:]}", REGULAR, 8, GREY)
    return canvas


def _dark(symbol: Matrix) -> str:
    """Dark modules as one path, unit 1: areas of one path that touch show no seam."""
    return " ".join(
        f"{run.start()} {row} {run.end() - run.start()} 1 re"
        for row, modules in enumerate(symbol)
        for run in _DARK.finditer(modules)
    )


class _Face:
    """One A4 face whose left edge lies ``left`` points from the side's; lengths are millimetres."""

    def __init__(self, canvas: Canvas, form: Form, left: float) -> None:
        self.canvas, self.form, self.left = canvas, form, left

    def draw(self, page_no: int) -> None:
        top = RULE if page_no == 1 else 9.0
        if self.form.ruled:
            first = FIRST_LINE if page_no > 1 else FIRST_LINE + 4 * LINE
            for line in range(round((LAST_LINE - first) / LINE) + 1):
                y = first + line * LINE
                self._line((MARGIN, y), (RIGHT, y), RULING, 0.45)
        self._line((MARGIN, top), (MARGIN, 288.0), MARGIN_RED, 0.5)
        if page_no == 1:
            self._header()
        self._foot(page_no)

    def _header(self) -> None:
        lines = wrap(Reader().line(self.form.title), BOLD, 14, (RIGHT - CODE - 6 - LEFT) * MM)
        for place, line in enumerate(lines[:2]):
            self._text(LEFT, 15 + 6 * place, line, size=14, bold=True)
        if self.form.date is not None and len(lines) == 1:
            self._text(LEFT, 21, day(self.form.date, self.form.language), size=10, colour=GREY)
        for row, name in enumerate(("last_name", "first_name", "number")):
            top = BOXES_TOP + row * ROW
            self._text(LEFT, top + (4.6 if row == 0 else 5.8), self._say(name), size=10, bold=row == 0)
            self._box(BOXES, top, 12 * CELL if name == "number" else RIGHT - CODE - 6 - BOXES)
        self._text(LEFT, BOXES_TOP + 7.8, self._say("capitals"), size=7, colour=GREY)
        cells = BOXES_TOP + 2 * ROW
        for cell in range(1, 12):
            x = BOXES + cell * CELL
            self._line((x, cells + 3), (x, cells + BOX_H), CELL_EDGE, 0.5)
        self._text(BOXES + 12 * CELL + 5, cells + 5.8, self._say("class"), size=10)
        self._box(BOXES + 12 * CELL + 19, cells, RIGHT - BOXES - 12 * CELL - 19)
        self._line((LEFT, RULE), (RIGHT, RULE), EDGE, 1.1)

    def _foot(self, page_no: int) -> None:
        of = self._say("sheet_page", page=page_no, pages=self.form.pages)
        self._text(RIGHT - BOLD.width(of, 9) / MM, FOOT, of, size=9, bold=True)
        warning = self._say("codes_free")
        self._text((MARGIN + RIGHT - REGULAR.width(warning, 7) / MM) / 2, FOOT, warning, size=7, colour=GREY)

    def _say(self, key: str, **values: object) -> str:
        return label(self.form.language, key, **values)

    def _text(self, x: float, y: float, text: str, *, size: float, bold: bool = False, colour: Colour = BLACK) -> None:
        self.canvas.text(self.left + x * MM, y * MM, text, BOLD if bold else REGULAR, size, colour)

    def _line(self, start: tuple[float, float], end: tuple[float, float], colour: Colour, width: float) -> None:
        (ax, ay), (bx, by) = start, end
        self.canvas.line((self.left + ax * MM, ay * MM), (self.left + bx * MM, by * MM), colour=colour, line=width)

    def _box(self, x: float, y: float, w: float) -> None:
        self.canvas.frame(self.left + x * MM, y * MM, w * MM, BOX_H * MM, colour=EDGE, line=0.9)
