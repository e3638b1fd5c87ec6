"""The codes of sheets printed here: is there one, what does it say, which way up is it. Runs only in the child process.

Each page carries its code twice, in the corners at the top right and the bottom left; upside down they change places,
so the same two corners are looked at. Looking for something as dense as a code on the measuring grid costs a fraction
of a millisecond; only a page that has it is decoded large enough to be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import zxingcpp
from numpy.typing import NDArray

from contracts.records.codes import PageCode
from services.ingest.pixels.sides import READING_PX, Side, turned

Grey = NDArray[np.uint8]

CORNER = 45 / 297  # of a face's height: a code ends 31 mm from both edges, and paper is laid askew
CELL_PX = 8  # of the 75 dpi grid: 2.7 mm, four modules across
# A code of 22 mm fills 49 cells or more. Handwriting leaves every second row light, a black border has no light in it.
DENSE_CELLS = 36
DARKER, MIXED = 25, 50  # grey levels: a cell's mean below paper; between its lightest and darkest pixel
AROUND = 2 / 297  # paper taken off with a symbol: blur, and what a tilted one reaches beyond its corners
_QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


@dataclass(frozen=True)
class Found:
    """``upright``: as the picture stands; ``None`` when it lies on its side. ``places``: where symbols were read, as
    left, top, right, bottom in shares of the face.
    """

    code: PageCode
    upright: bool | None
    places: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True)
class _Window:
    """Part of a face; ``left`` and ``top`` in its pixels."""

    left: int
    top: int
    pixels: Grey


class Codes:
    """Reads the codes of one task's sides. In a pile with codes a page that hides its own is searched all over."""

    def __init__(self) -> None:
        self._seen = False

    def of(self, side: Side, quarter: int, look: Grey) -> list[Found | None]:
        """The code of each face, from left to right.

        Args:
            side: to be decoded again, larger, if there is something to read.
            quarter: the turn that lays it level.
            look: the level side on the measuring grid, grey.
        """
        wanted = [self._seen or suspected(face) for face in _faces(look, side.spread)]
        if not any(wanted):
            return [None] * len(wanted)
        level = turned(side.pixels(READING_PX, grey=True), quarter)
        found = [
            read(face, everywhere=self._seen) if worth_it else None
            for face, worth_it in zip(_faces(level, side.spread), wanted, strict=True)
        ]
        self._seen = self._seen or any(found)
        return found


def without(look: Grey, found: Sequence[Found | None]) -> Grey:
    """A side with its codes taken off: what is printed is no ink of the candidate's."""
    if not any(found):
        return look
    result = np.array(look)
    for face, each in zip(_faces(result, len(found) == 2), found, strict=True):
        height, width = face.shape
        paper = np.percentile(face[::8, ::8], 90)
        for left, top, right, bottom in each.places if each else ():
            face[int(top * height) : int(bottom * height) + 1, int(left * width) : int(right * width) + 1] = paper
    return result


def as_json(code: PageCode) -> dict[str, Any]:
    return {"exam": str(code.exam_id), "copy": code.copy_no, "page": code.page_no}


def suspected(face: Grey) -> bool:
    """Whether a corner of a face on the 75 dpi grid may hold a code."""
    return any(_dense(corner.pixels) for corner in _corners(face))


def read(face: Grey, *, everywhere: bool = False) -> Found | None:
    """The code of a face, 150 dpi or finer; ``everywhere``: also outside the corners, where a crooked scan has it.

    Two codes that differ are not one page's: neither is believed.
    """
    found = [each for corner in _corners(face) for each in _first_view(corner, face)]
    if not found and everywhere:
        found = _decoded(_Window(0, 0, face), face)
    if len({each.code for each in found}) != 1:
        return None
    return replace(found[0], places=tuple(place for each in found for place in each.places))


def _faces(side: Grey, spread: bool) -> list[Grey]:
    """A code keeps farther from the fold than the fold strays from the middle."""
    middle = side.shape[1] // 2
    return [side[:, :middle], side[:, middle:]] if spread else [side]


def _corners(face: Grey) -> tuple[_Window, _Window]:
    height, width = face.shape
    size = min(width, round(CORNER * height))
    return _Window(width - size, 0, face[:size, width - size :]), _Window(
        0, height - size, face[height - size :, :size]
    )


def _dense(corner: Grey) -> bool:
    rows, columns = (length // CELL_PX for length in corner.shape)
    whole = corner[: rows * CELL_PX, : columns * CELL_PX]
    bands = whole.reshape(rows, CELL_PX, -1).sum(axis=1, dtype=np.uint16)
    sums = bands.reshape(rows, columns, CELL_PX).sum(axis=2, dtype=np.uint16)
    some = corner[::4, ::4]
    light = 9 * some.size // 10
    dark = sums < (float(np.partition(some, light, axis=None)[light]) - DARKER) * CELL_PX**2
    if int(dark.sum()) < DENSE_CELLS:  # writing seldom is
        return False
    cells = whole.reshape(rows, CELL_PX, columns, CELL_PX)
    mixed = cells.max(axis=(1, 3)).astype(np.int16) - cells.min(axis=(1, 3)) > MIXED
    return int((mixed & dark).sum()) >= DENSE_CELLS


def _first_view(corner: _Window, face: Grey) -> list[Found]:
    views = (replace(corner, pixels=pixels) for pixels in _views(corner.pixels))
    return next((found for view in views if (found := _decoded(view, face))), [])


def _views(corner: Grey) -> Iterator[Grey]:
    """The corner as it is, then with pen strokes taken out: toner is darker than ink."""
    yield corner
    paper, toner = (float(level) for level in np.percentile(corner[::2, ::2], (90, 2)))
    for share in (0.25, 0.5):
        yield np.where(corner < toner + share * (paper - toner), np.uint8(0), np.uint8(255))


def _decoded(window: _Window, face: Grey) -> list[Found]:
    # Finder patterns are found in any direction without turning the picture for them.
    symbols = zxingcpp.read_barcodes(
        np.ascontiguousarray(window.pixels),
        formats=_QR,
        try_rotate=False,
        try_downscale=False,
        try_invert=False,
    )
    return [
        Found(code, _upright(symbol), (_place(symbol, window, face),))
        for symbol in symbols
        if (code := PageCode.read(symbol.text)) is not None
    ]


def _upright(symbol: Any) -> bool | None:
    tilt = abs(symbol.orientation)
    return True if tilt < 45 else False if tilt > 135 else None


def _place(symbol: Any, window: _Window, face: Grey) -> tuple[float, float, float, float]:
    height, width = face.shape
    at = symbol.position
    corners = (at.top_left, at.top_right, at.bottom_left, at.bottom_right)
    xs = [(window.left + corner.x) / width for corner in corners]
    ys = [(window.top + corner.y) / height for corner in corners]
    aside = AROUND * height / width
    return max(0.0, min(xs) - aside), max(0.0, min(ys) - AROUND), max(xs) + aside, max(ys) + AROUND
