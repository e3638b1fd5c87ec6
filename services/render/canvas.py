"""One page's content stream, written by hand. Pure; points, ``x`` to the right and ``y`` *down* from the top left."""

from __future__ import annotations

from collections.abc import Sequence

from services.render.typeface import Face

Colour = tuple[float, float, float]
Point = tuple[float, float]

BLACK: Colour = (0.11, 0.12, 0.15)
GREY: Colour = (0.40, 0.42, 0.47)
HAIR: Colour = (0.82, 0.83, 0.86)
WHITE: Colour = (1, 1, 1)
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
        self, x: float, y: float, w: float, h: float, *, fill: Colour, state: str = "", radius: float = 0
    ) -> None:
        """Filled; ``state`` names a graphics state (translucent paper, highlighter veil)."""
        setting = f"/{state} gs " if state else ""
        self._ops.append(f"q {setting}{_rgb(fill)} rg {self._rounded(x, y, w, h, radius)} f Q")

    def frame(self, x: float, y: float, w: float, h: float, *, colour: Colour, line: float, radius: float = 0) -> None:
        self._ops.append(f"q {_rgb(colour)} RG {line:.2f} w {self._rounded(x, y, w, h, radius)} S Q")

    def line(self, start: Point, end: Point, *, colour: Colour, line: float) -> None:
        self.polyline([start, end], colour=colour, line=line)

    def polyline(self, points: Sequence[Point], *, colour: Colour, line: float) -> None:
        path = " ".join(f"{x:.2f} {self.height - y:.2f} {'l' if i else 'm'}" for i, (x, y) in enumerate(points))
        self._stroke(path, colour, line)

    def curve(self, points: Sequence[Point], *, colour: Colour, line: float) -> None:
        """A smooth pen stroke through every point (Catmull-Rom as Béziers); a pen that did not move made a dot."""
        if all(point == points[0] for point in points):
            self.dot(*points[0], colour=colour, size=line)
            return
        flipped = [(x, self.height - y) for x, y in points]
        path = [f"{flipped[0][0]:.2f} {flipped[0][1]:.2f} m"]
        last = len(flipped) - 1
        for i in range(last):
            (ax, ay), (bx, by), (cx, cy), (dx, dy) = (
                flipped[max(i - 1, 0)], flipped[i], flipped[i + 1], flipped[min(i + 2, last)]
            )  # fmt: skip
            path.append(
                f"{bx + (cx - ax) / 6:.2f} {by + (cy - ay) / 6:.2f} {cx - (dx - bx) / 6:.2f} {cy - (dy - by) / 6:.2f}"
                f" {cx:.2f} {cy:.2f} c"
            )
        self._stroke(" ".join(path), colour, line)

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
            (x + r, bottom, "m"), (right - r, bottom, "l"),
            (right - k, bottom, right, bottom + k, right, bottom + r, "c"), (right, top - r, "l"),
            (right, top - k, right - k, top, right - r, top, "c"), (x + r, top, "l"),
            (x + k, top, x, top - k, x, top - r, "c"), (x, bottom + r, "l"),
            (x, bottom + k, x + k, bottom, x + r, bottom, "c"),
        )  # fmt: skip
        return " ".join(" ".join(f"{v:.2f}" if isinstance(v, float | int) else v for v in c) for c in corners) + " h"


def _rgb(colour: Colour) -> str:
    return f"{colour[0]:.3f} {colour[1]:.3f} {colour[2]:.3f}"
