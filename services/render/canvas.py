"""One page's content stream, written by hand. Pure; points, ``x`` to the right and ``y`` *down* from the top left."""

from __future__ import annotations

import math
from collections.abc import Sequence

from services.render.typeface import Face

Colour = tuple[float, float, float]
Point = tuple[float, float]

BLACK: Colour = (0.11, 0.12, 0.15)
GREY: Colour = (0.40, 0.42, 0.47)
HAIR: Colour = (0.82, 0.83, 0.86)
WHITE: Colour = (1, 1, 1)
_SIDE, _CORNER = "%.2f %.2f l ", "%.2f %.2f %.2f %.2f %.2f %.2f c "
_ROUNDED = "%.2f %.2f m " + 4 * (_SIDE + _CORNER) + "h"
CLOSE = 2.0  # points nearer than so many widths of the pen need no curve between them: 1.4 mm on A4
_CUBIC = " %.2f %.2f %.2f %.2f %.2f %.2f c"
CIRCLE = 0.5523  # control points of a quarter circle, 4/3 (sqrt 2 - 1)


class Canvas:
    """Collects operators. Names used (``/R /B`` fonts, ``/Paper /Veil`` states) are those of ``skeleton.RESOURCES``."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._ops: list[str] = []

    def content(self) -> bytes:
        return "\n".join(self._ops).encode("ascii")

    def raw(self, operators: str) -> None:
        self._ops.append(operators)

    def text(self, x: float, y: float, text: str, face: Face, size: float, colour: Colour = BLACK) -> None:
        """Cleaned text with its baseline at ``y``. Codes are UTF-16: glyph choice and extraction follow from it."""
        if not text:
            return
        shown = " ".join(
            f"/{run.resource} {size:.2f} Tf <{part.encode('utf-16-be').hex()}> Tj" for run, part in face.runs(text)
        )
        self._ops.append(f"BT {_rgb(colour)} rg {x:.2f} {self.height - y:.2f} Td {shown} ET")

    def text_right(self, right: float, y: float, text: str, face: Face, size: float, colour: Colour = BLACK) -> None:
        self.text(right - face.width(text, size), y, text, face, size, colour)

    def rectangle(
        self, x: float, y: float, w: float, h: float, *, fill: Colour, state: str = "", radius: float = 0,
        edge: Colour | None = None, line: float = 0,
    ) -> None:  # fmt: skip
        """Filled, perhaps with an edge; ``state`` names a graphics state (translucent paper, highlighter veil)."""
        setting = f"/{state} gs " if state else ""
        outline = f"{_rgb(edge)} RG {line:.2f} w " if edge else ""
        path = self._rounded(x, y, w, h, radius)
        self._ops.append(f"q {setting}{_rgb(fill)} rg {outline}{path} {'B' if edge else 'f'} Q")

    def frame(self, x: float, y: float, w: float, h: float, *, colour: Colour, line: float, radius: float = 0) -> None:
        self._ops.append(f"q {_rgb(colour)} RG {line:.2f} w {self._rounded(x, y, w, h, radius)} S Q")

    def line(self, start: Point, end: Point, *, colour: Colour, line: float) -> None:
        self.polyline([start, end], colour=colour, line=line)

    def polyline(self, points: Sequence[Point], *, colour: Colour, line: float) -> None:
        numbers = [number for x, y in points for number in (x, self.height - y)]
        self._stroke(("%.2f %.2f m" + " %.2f %.2f l" * (len(points) - 1)) % tuple(numbers), colour, line)

    def pen(self, points: Sequence[Point], *, colour: Colour, line: float) -> None:
        """A pen stroke through every point; a pen that did not move made a dot."""
        length = sum(map(math.dist, points, points[1:]))
        if not length:
            self.dot(*points[0], colour=colour, size=line)
        elif length > CLOSE * line * (len(points) - 1):
            self._curve(points, colour=colour, line=line)
        else:
            self.polyline(points, colour=colour, line=line)

    def brush(self, points: Sequence[Point], widths: Sequence[float], *, colour: Colour) -> None:
        """A pen stroke that is as wide at each point as ``widths`` says.

        Between two points it has their mean width: round ends hide the steps, for a hand changes pressure slowly, and
        unlike an outline it has no holes where the pen turned back.
        """
        if not any(map(math.dist, points, points[1:])):
            self.dot(*points[0], colour=colour, size=max(widths))
            return
        numbers = _controls(points, self.height)
        parts, before = [], ""
        for i in range(len(points) - 1):
            width = f"{(widths[i] + widths[i + 1]) / 2:.1f} w"
            if width != before:
                x, y = points[i]
                parts.append(f"{' S ' if before else ''}{width} {x:.2f} {self.height - y:.2f} m")
                before = width
            parts.append(_CUBIC % tuple(numbers[6 * i : 6 * i + 6]))
        self._ops.append(f"q {_rgb(colour)} RG 1 J 1 j {''.join(parts)} S Q")

    def _curve(self, points: Sequence[Point], *, colour: Colour, line: float) -> None:
        (x, y), numbers = points[0], _controls(points, self.height)
        # One call formats a whole stroke: strokes have most of a page's numbers.
        path = ("%.2f %.2f m" + _CUBIC * (len(points) - 1)) % (x, self.height - y, *numbers)
        self._stroke(path, colour, line)

    def dot(self, x: float, y: float, *, colour: Colour, size: float) -> None:
        """A disc of diameter ``size`` whose centre is exactly there. Not every viewer caps a line without length."""
        self.rectangle(x - size / 2, y - size / 2, size, size, fill=colour, radius=size / 2)

    def _stroke(self, path: str, colour: Colour, line: float) -> None:
        self._ops.append(f"q {_rgb(colour)} RG {line:.2f} w 1 J 1 j {path} S Q")

    def _rounded(self, x: float, y: float, w: float, h: float, radius: float) -> str:
        bottom = self.height - y - h
        if radius <= 0:
            return f"{x:.2f} {bottom:.2f} {w:.2f} {h:.2f} re"
        r = min(radius, w / 2, h / 2)
        k, right, top = r * (1 - CIRCLE), x + w, bottom + h
        corners = (
            x + r, bottom, right - r, bottom,
            right - k, bottom, right, bottom + k, right, bottom + r, right, top - r,
            right, top - k, right - k, top, right - r, top, x + r, top,
            x + k, top, x, top - k, x, top - r, x, bottom + r,
            x, bottom + k, x + k, bottom, x + r, bottom,
        )  # fmt: skip
        return _ROUNDED % corners


def _controls(points: Sequence[Point], top: float) -> list[float]:
    """Catmull-Rom as Béziers: six numbers for each point but the first, ``y`` upwards from ``top``."""
    numbers: list[float] = []
    (ax, ay), (bx, by) = points[0], points[0]
    for i, (cx, cy) in enumerate(points[1:], 2):
        dx, dy = points[i] if i < len(points) else (cx, cy)
        numbers += (bx + (cx - ax) / 6, top - by - (cy - ay) / 6, cx - (dx - bx) / 6, top - cy + (dy - by) / 6,
                    cx, top - cy)  # fmt: skip
        ax, ay, bx, by = bx, by, cx, cy
    return numbers


def _rgb(colour: Colour) -> str:
    return f"{colour[0]:.3f} {colour[1]:.3f} {colour[2]:.3f}"
