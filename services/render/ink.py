"""The marker's ink on one page, as PDF operators. Pure.

Lengths are thousandths of the page's width, as on the marking desk, so a mark covers the same paper in both.
``x, y`` of a tick or cross is its centre (the centre of its box when it has one); of everything else, the top left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from contracts.records.marking import AnnotationColour, AnnotationType, RecordedAnnotation
from services.render.canvas import BLACK, HAIR, WHITE, Canvas, Colour
from services.render.typeface import BOLD, REGULAR, Reader, wrap
from services.render.wording import label, signed_points

RED: Colour = (0.816, 0.122, 0.169)
GREEN: Colour = (0.043, 0.478, 0.275)
BLUE: Colour = (0.122, 0.310, 0.847)
YELLOW: Colour = (1.0, 0.882, 0.302)

EDGE = 6.0  # nothing we write comes nearer to the page's edge
PEN = 3.4
ANCHOR = 5.0
LEADING = 1.32
PAD_X, PAD_Y, BAR = 8.0, 5.5, 3.2
LINE_OF_WRITING = 40.0  # a marked error up to this high is a line of writing: underlined; higher: framed
# Comment boxes from the most pleasant to the most patient: width, letter size (15 is 8.9 pt on A4), share of the
# page's height the box may take. A text that fits none is cut here and printed whole after the score sheet.
SHAPES = ((310.0, 15.0, 0.30), (430.0, 15.0, 0.35), (620.0, 13.5, 0.55), (940.0, 11.5, 0.93))
MARGIN, NARROW = 250.0, (13.0, 0.30)  # a comment that asks for less than this width gets it, and smaller letters

THINNEST, THICKEST = 0.45, 1.7  # what pressure 0 and pressure 1 make of the pen, as on the marking desk

_OF_TYPE = {AnnotationType.BONUS: GREEN, AnnotationType.TICK: GREEN, AnnotationType.COMMENT: BLUE}
_CHOSEN = {AnnotationColour.RED: RED, AnnotationColour.GREEN: GREEN, AnnotationColour.BLUE: BLUE}


@dataclass(frozen=True)
class Continued:
    """A comment too long for its page: printed whole after the score sheet under ``number``."""

    number: int
    page_no: int
    text: str


@dataclass
class InkedCopy:
    """What the pages of one copy share while they are drawn."""

    language: str
    reader: Reader
    continued: list[Continued] = field(default_factory=list)


@dataclass(frozen=True)
class _Rect:
    x: float
    y: float
    w: float
    h: float

    def meets(self, other: _Rect) -> bool:
        return (
            self.x < other.x + other.w
            and other.x < self.x + self.w
            and self.y < other.y + other.h
            and other.y < self.y + self.h
        )


@dataclass(frozen=True)
class _Box:
    """A comment ready to draw: where it may stand is decided later."""

    lines: list[str]
    delta: str
    delta_alone: bool
    size: float
    w: float
    h: float


def draw(canvas: Canvas, annotations: Iterable[RecordedAnnotation], page_no: int, copy: InkedCopy) -> None:
    """Highlights first, shapes next, comment boxes last: no mark hides a comment."""
    order = sorted(annotations, key=lambda a: a.type is not AnnotationType.HIGHLIGHT)
    page = _Page(canvas, page_no, copy)
    for annotation in order:
        page.shape(annotation)
    for annotation in order:
        page.comment(annotation)


def _colour(a: RecordedAnnotation) -> Colour:
    return _OF_TYPE.get(a.type, RED) if a.colour is None else _CHOSEN[a.colour]


class _Page:
    def __init__(self, canvas: Canvas, page_no: int, copy: InkedCopy) -> None:
        self.canvas, self.page_no, self.copy = canvas, page_no, copy
        self.k = canvas.width / 1000
        self.notes: list[_Rect] = []

    def shape(self, a: RecordedAnnotation) -> None:
        """Everything but the words."""
        x, y = a.x * self.canvas.width, a.y * self.canvas.height
        w, h = a.w * self.canvas.width, a.h * self.canvas.height
        colour = _colour(a)
        if a.type is AnnotationType.HIGHLIGHT:
            if w and h:
                self.canvas.rectangle(x, y, w, h, fill=YELLOW, state="Veil", radius=3 * self.k)
        elif a.type is AnnotationType.ERROR:
            self._error(x, y, w, h, colour)
        elif a.type is AnnotationType.BONUS and w and h:
            self.canvas.frame(x, y, w, h, colour=colour, line=2.2 * self.k, radius=5 * self.k)
        elif a.type in (AnnotationType.TICK, AnnotationType.CROSS):
            self._stamp(a.type, x + w / 2, y + h / 2, colour)
        for stroke, pressures in zip_longest(a.strokes, a.pressures[: len(a.strokes)], fillvalue=()):
            if stroke:
                self._stroke(stroke, pressures, colour)

    def _stroke(self, stroke: Sequence[tuple[float, float]], pressures: Sequence[float], colour: Colour) -> None:
        points = [(x * self.canvas.width, y * self.canvas.height) for x, y in stroke]
        pen = PEN * self.k
        if len(pressures) != len(points):
            self.canvas.pen(points, colour=colour, line=pen)
        else:
            widths = [pen * (THINNEST + (THICKEST - THINNEST) * pressure) for pressure in pressures]
            self.canvas.brush(points, widths, colour=colour)

    def _stamp(self, kind: AnnotationType, x: float, y: float, colour: Colour) -> None:
        k = self.k
        if kind is AnnotationType.TICK:
            path = [(x - 15.5 * k, y + 1.5 * k), (x - 5.5 * k, y + 12.5 * k), (x + 15.5 * k, y - 14.5 * k)]
            self.canvas.polyline(path, colour=colour, line=5.5 * k)
        else:
            r = 13 * k
            self.canvas.line((x - r, y - r), (x + r, y + r), colour=colour, line=5 * k)
            self.canvas.line((x + r, y - r), (x - r, y + r), colour=colour, line=5 * k)

    def _error(self, x: float, y: float, w: float, h: float, colour: Colour) -> None:
        k = self.k
        if not w:
            return
        if h > LINE_OF_WRITING * k:
            self.canvas.frame(x, y, w, h, colour=colour, line=2.2 * k, radius=4 * k)
            return
        step = 6.5 * k
        waves = max(2, round(w / step))
        base = min(y + h, self.canvas.height - 3 * k)
        path = [(x + w * i / waves, base + (2.2 * k if i % 2 else -2.2 * k)) for i in range(waves + 1)]
        self.canvas.polyline(path, colour=colour, line=2.2 * k)

    def comment(self, a: RecordedAnnotation) -> None:
        """The words and the points of any annotation, in a box that stays on the page, beside its anchor dot."""
        text = self.copy.reader.clean(a.content.strip())
        delta = "" if a.score_delta is None else signed_points(a.score_delta, self.copy.language)
        if a.type is AnnotationType.BONUS and not text:
            text = label(self.copy.language, "bonus_mark")
        if not text and not delta:
            return
        box = self._fit(text, delta, a.w * self.canvas.width if a.type is AnnotationType.COMMENT else 0.0)
        x, y = self._anchor(a)
        self._draw(box, x, y, _colour(a), dotted=a.type is AnnotationType.COMMENT)

    def _anchor(self, a: RecordedAnnotation) -> tuple[float, float]:
        """Where the box would like its top left corner."""
        x, y = a.x * self.canvas.width, a.y * self.canvas.height
        w, h = a.w * self.canvas.width, a.h * self.canvas.height
        if a.type in (AnnotationType.TICK, AnnotationType.CROSS):
            return x + w / 2 + 22 * self.k, y + h / 2 - 14 * self.k
        if a.type is AnnotationType.PEN and a.strokes:
            points = [p for stroke in a.strokes for p in stroke]
            if points:
                return (max(p[0] for p in points) * self.canvas.width + 6 * self.k,
                        min(p[1] for p in points) * self.canvas.height)  # fmt: skip
        return (x, y + h + 6 * self.k) if a.type is not AnnotationType.COMMENT and h else (x, y)

    def _fit(self, text: str, delta: str, wished: float) -> _Box:
        limit = self.canvas.width - 2 * EDGE * self.k
        asked = ((wished / self.k, *NARROW),) if 0 < wished < MARGIN * self.k else ()
        for width, size, share in asked + SHAPES:
            inner = min(max(width * self.k, wished), limit) - self._margins()
            box = self._lay(text, delta, inner, size * self.k)
            if box.h <= share * self.canvas.height:
                return box
        return self._cut(text, delta, limit)

    def _cut(self, text: str, delta: str, limit: float) -> _Box:
        number = len(self.copy.continued) + 1
        self.copy.continued.append(Continued(number, self.page_no, text))
        _, size, _ = SHAPES[-1]
        room = self.canvas.height * 0.5 - 2 * PAD_Y * self.k
        inner = limit - self._margins()
        keep = max(1, int(room / (size * self.k * LEADING)) - 2)
        lines = wrap(text, REGULAR, size * self.k, inner)[:keep]
        return self._lay("\n".join([*lines, label(self.copy.language, "see", number=number)]), delta, inner,
                         size * self.k)  # fmt: skip

    def _margins(self) -> float:
        return (2 * PAD_X + BAR) * self.k

    def _lay(self, text: str, delta: str, inner: float, size: float) -> _Box:
        lines = wrap(text, REGULAR, size, inner) if text else [""]
        delta_w = BOLD.width(delta, size) + (size * 0.55 if lines[-1] else 0)
        alone = bool(delta and lines[-1]) and REGULAR.width(lines[-1], size) + delta_w > inner
        widest = max(REGULAR.width(line, size) for line in lines)
        if delta:
            widest = max(widest, delta_w if alone else REGULAR.width(lines[-1], size) + delta_w)
        height = (len(lines) + alone) * size * LEADING + 2 * PAD_Y * self.k
        return _Box(lines, delta, alone, size, widest + self._margins(), height)

    def _place(self, box: _Box, x: float, y: float) -> _Rect:
        """At the anchor, moved as little as keeps it on the page and off the boxes already there."""
        edge = EDGE * self.k
        x = max(edge, min(x, self.canvas.width - edge - box.w))
        highest, lowest = edge, max(edge, self.canvas.height - edge - box.h)
        y = max(highest, min(y, lowest))
        here = _Rect(x, y, box.w, box.h)
        met = [other for other in self.notes if other.meets(here)]
        if not met:
            return here
        gap = 3 * self.k
        columns = [o for o in self.notes if o.x < x + box.w and x < o.x + o.w]
        tops = [o.y + o.h + gap for o in columns] + [o.y - gap - box.h for o in columns]
        for top in sorted((t for t in tops if highest <= t <= lowest), key=lambda t: abs(t - y)):
            moved = _Rect(x, top, box.w, box.h)
            if not any(other.meets(moved) for other in self.notes):
                return moved
        return here

    def _draw(self, box: _Box, x: float, y: float, colour: Colour, *, dotted: bool) -> None:
        k, at = self.k, self._place(box, x, y)
        self.notes.append(at)
        if dotted and abs(at.y - y) > 12 * k:
            target = at.y if at.y > y else at.y + at.h
            self.canvas.line((x, y), (max(at.x, min(x, at.x + at.w)), target), colour=colour, line=1.1 * k)
        self.canvas.rectangle(at.x, at.y, at.w, at.h, fill=WHITE, state="Paper", radius=3 * k, edge=HAIR, line=0.8 * k)
        self.canvas.rectangle(at.x, at.y, BAR * k, at.h, fill=colour, radius=1.4 * k)
        left, baseline = at.x + (BAR + PAD_X) * k, at.y + PAD_Y * k + box.size * 0.98
        for line in box.lines:
            self.canvas.text(left, baseline, line, REGULAR, box.size, BLACK)
            baseline += box.size * LEADING
        if box.delta:
            if not box.delta_alone:
                baseline -= box.size * LEADING
                if box.lines[-1]:
                    left += REGULAR.width(box.lines[-1], box.size) + box.size * 0.55
            self.canvas.text(left, baseline, box.delta, BOLD, box.size, colour)
        if dotted:
            self.canvas.dot(x, y, colour=colour, size=ANCHOR * k)
