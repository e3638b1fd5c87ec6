"""Where a point of the displayed page lies in the upload's own coordinates. Pure.

A PDF page is seen through its boxes, its /Rotate and its /UserUnit. Libraries' "derotation" matrices are wrong on a
third of the odd pages that scanners and printer drivers write, so the mapping is computed from the page dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from contracts.records.pages import Box

LARGEST_SIDE_PT = 14_400  # what a viewer must accept (ISO 32000-1, annex C)


class Matrix(NamedTuple):
    """``x' = a x + c y + e``, ``y' = b x + d y + f``, as PDF writes it."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    def then(self, after: Matrix) -> Matrix:
        """This one first, ``after`` second."""
        return Matrix(
            self.a * after.a + self.b * after.c,
            self.a * after.b + self.b * after.d,
            self.c * after.a + self.d * after.c,
            self.c * after.b + self.d * after.d,
            self.e * after.a + self.f * after.c + after.e,
            self.e * after.b + self.f * after.d + after.f,
        )

    def inverse(self) -> Matrix:
        det = self.a * self.d - self.b * self.c
        a, b, c, d = self.d / det, -self.b / det, -self.c / det, self.a / det
        return Matrix(a, b, c, d, -(self.e * a + self.f * c), -(self.e * b + self.f * d))

    def operands(self) -> str:
        return " ".join(f"{v:.6f}".rstrip("0").rstrip(".") for v in (self.a, self.b, self.c, self.d, self.e, self.f))


@dataclass(frozen=True)
class Side:
    """A PDF page as its dictionary says: the visible rectangle in user space, the turn, the unit in 1/72 inch."""

    x0: float
    y0: float
    x1: float
    y1: float
    rotate_deg: int
    unit: float = 1.0

    def shown_to_user(self) -> Matrix:
        """From shares of the displayed page (origin top left, y down) to user space."""
        w, h = self.x1 - self.x0, self.y1 - self.y0
        return {
            0: Matrix(w, 0, 0, -h, self.x0, self.y1),
            90: Matrix(0, h, w, 0, self.x0, self.y0),
            180: Matrix(-w, 0, 0, h, self.x1, self.y0),
            270: Matrix(0, -h, -w, 0, self.x1, self.y1),
        }[self.rotate_deg]

    def shown_size(self) -> tuple[float, float]:
        w, h = (self.x1 - self.x0) * self.unit, (self.y1 - self.y0) * self.unit
        return (h, w) if self.rotate_deg in (90, 270) else (w, h)


def visible(media: tuple[float, ...], crop: tuple[float, ...] | None) -> tuple[float, float, float, float]:
    """MediaBox ∩ CropBox; a CropBox that misses the page is ignored, as viewers do."""
    x0, y0, x1, y1 = media
    if crop is not None:
        cut = max(x0, crop[0]), max(y0, crop[1]), min(x1, crop[2]), min(y1, crop[3])
        if cut[2] > cut[0] and cut[3] > cut[1]:
            return cut
    return x0, y0, x1, y1


def quarter_turn(rotate: float) -> int:
    """/Rotate as 0, 90, 180 or 270, clockwise; the invalid value between two turns goes to the nearer, ties up."""
    return int((rotate % 360 + 45) // 90 * 90) % 360


def upright(clip: Box, turn_deg: int) -> Matrix:
    """From shares of the upright page to shares of the displayed PDF page; ``turn_deg`` clockwise makes it upright."""
    turned = {
        0: Matrix(1, 0, 0, 1, 0, 0),
        90: Matrix(0, -1, 1, 0, 0, 1),
        180: Matrix(-1, 0, 0, -1, 1, 1),
        270: Matrix(0, 1, -1, 0, 1, 0),
    }[turn_deg]
    return turned.then(Matrix(clip.w, 0, 0, clip.h, clip.x, clip.y))


@dataclass(frozen=True)
class Placed:
    """How one record page shows its side: the output page's size in points, and user space → output page."""

    width: float
    height: float
    matrix: Matrix


def place(side: Side, clip: Box, turn_deg: int) -> Placed:
    """The upright part of a side on a page of its own, at natural size (less only where PDF's limit says so)."""
    shown_w, shown_h = side.shown_size()
    width, height = shown_w * clip.w, shown_h * clip.h
    if turn_deg in (90, 270):
        width, height = height, width
    shrink = min(1.0, LARGEST_SIDE_PT / max(width, height))
    width, height = width * shrink, height * shrink
    page_to_user = upright(clip, turn_deg).then(side.shown_to_user())
    return Placed(width, height, page_to_user.inverse().then(Matrix(width, 0, 0, -height, 0, height)))
