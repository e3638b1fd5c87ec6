"""Find the printed header of a first page: stacked boxes for name, first name and number, and a rule below.

The header is *found*, not assumed: its place and its boxes differ from one school's sheet to the next. What is asked
of it is what all of them share: straight boxes of one line's height, stacked with aligned left edges, near the top.
Runs only in the child process.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Contrast of a line, added up over two neighbouring pixels of the grid: a thin printed line falls between them and
# keeps 35 and more. Ruling may come near that, but it lacks the sides of a box.
DARK = 30
_SUMMABLE = np.uint8(127)  # two of them fit into a byte
SEARCHED_SHARE = 0.45  # of the page's height, from the top


@dataclass(frozen=True)
class Header:
    """Shares of the page's height, at the middle of a level page.

    ``floor``: lower edge of the lowest box. ``bottom``: where the header ends. ``sure``: 2 boxes and a rule, or 3.
    """

    floor: float
    bottom: float
    boxes: int
    sure: bool


@dataclass
class _Line:
    top: int
    bottom: int
    left: int
    right: int

    @property
    def length(self) -> int:
        return self.right - self.left


@dataclass(frozen=True)
class _Box:
    top: int
    bottom: int
    left: int
    right: int


def find_header(
    contrast: NDArray[np.uint8], mm: float, *, upside_down: bool = False, height_px: int | None = None
) -> Header | None:
    """Look for the header at the top of a level page. ``mm`` is the number of pixels in a millimetre.

    ``height_px``: of the page, when only its upper part is given.
    """
    rows, width = contrast.shape
    height = height_px or rows
    depth = int(height * SEARCHED_SHARE) // 2 * 2
    searched = np.minimum(contrast[rows - depth :] if upside_down else contrast[:depth], np.full(width, _SUMMABLE))
    # A page without lines costs half the work: each, even one between two rows, shows in one of these pairs.
    if len(_rows_with_lines(searched[0::2] + searched[1::2] > DARK // 2, round(18 * mm), 4)) < 3:
        return None
    if upside_down:
        searched = np.ascontiguousarray(searched[::-1, ::-1])
    dark = searched[:-1] + searched[1:] > DARK
    possible = _rows_with_lines(dark, round(18 * mm), 2)
    lines = _level_lines(dark, possible, round(18 * mm))
    if len(lines) < 3:
        return None
    stack = _stack(_boxes(searched[:, :-1] + searched[:, 1:] > DARK, lines, mm), mm)
    if not stack:
        return None
    floor = stack[-1].bottom
    rule = next(
        (line for line in lines if floor + mm < line.top < floor + 25 * mm and line.length > 0.6 * width),
        None,
    )
    # One box is a framed result; with a rule below it a person must look: a header missed in silence would give one
    # candidate's sheets to another.
    if len(stack) == 1 and rule is None:
        return None
    # Without a rule nothing says where answers begin: a line's height below the last box is still the header's.
    bottom = rule.top if rule else floor + 6 * mm
    return Header(
        floor=floor / height,
        bottom=min(1.0, bottom / height),
        boxes=len(stack),
        sure=len(stack) >= (2 if rule else 3),
    )


def _rows_with_lines(dark: NDArray[np.bool_], min_length: int, run: int) -> NDArray[np.intp]:
    """Rows that may hold a line, by bytes of eight pixels: dark enough in all, and nearly all along ``run`` bytes."""
    count = np.bitwise_count(np.packbits(dark, axis=1))
    rows = np.flatnonzero(count.sum(axis=1, dtype=np.uint16) >= min_length)
    count = count[rows]
    along = count[:, : count.shape[1] - run + 1].copy()
    for byte in range(1, run):
        along += count[:, byte : byte + along.shape[1]]
    lined: NDArray[np.intp] = rows[along.max(axis=1) >= 8 * run - run // 2]
    return lined


def _level_lines(dark: NDArray[np.bool_], possible: NDArray[np.intp], min_length: int) -> list[_Line]:
    """Straight dark lines, top to bottom, on the rows that may hold one."""
    window = min_length // 2
    count = np.zeros((len(possible), dark.shape[1] + 1), np.int32)
    np.cumsum(dark[possible], axis=1, out=count[:, 1:])
    runs = (count[:, window:] - count[:, :-window]) >= window - 1  # one missing pixel is a speck, not an end
    lines: list[_Line] = []
    for index in np.flatnonzero(runs.any(axis=1)):
        row = possible[index]
        edges = np.flatnonzero(np.diff(np.concatenate(([False], runs[index], [False]))))
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            _add(lines, _Line(int(row), int(row) + 1, int(first), int(last) - 1 + window))
    return [line for line in lines if line.length >= min_length]


def _add(lines: list[_Line], run: _Line) -> None:
    """Grow a line that ends just above the run and overlaps or touches it, or start a new one."""
    for line in reversed(lines):
        if line.bottom < run.top - 1:
            continue
        if run.left <= line.right + 6 and line.left <= run.right + 6:
            line.bottom = max(line.bottom, run.bottom)
            line.left, line.right = min(line.left, run.left), max(line.right, run.right)
            return
    lines.append(run)


def _boxes(dark: NDArray[np.bool_], lines: list[_Line], mm: float) -> list[_Box]:
    """Pairs of lines one written line apart, equally long, joined by a side at each end; not the rows of a table."""
    boxes = []
    for index, upper in enumerate(lines):
        lower = next((line for line in lines[index + 1 :] if _under(upper, line, mm)), None)
        if lower is None or not 4 * mm <= lower.top - upper.bottom <= 15 * mm:
            continue  # 2 mm below a box's lower edge comes the next box's upper one
        inside = dark[upper.bottom : lower.top]
        if _has_side(inside, upper.left, mm) and _has_side(inside, upper.right, mm):
            boxes.append(_Box(upper.top, lower.bottom, upper.left, upper.right))
    return [box for box in boxes if not any(_share_a_line(box, other) for other in boxes)]


def _under(upper: _Line, line: _Line, mm: float) -> bool:
    """Whether a line lies below another and spans the same columns."""
    aligned = abs(line.left - upper.left) <= 3 * mm and abs(line.right - upper.right) <= 3 * mm
    return aligned and line.top > upper.bottom


def _share_a_line(box: _Box, other: _Box) -> bool:
    """Rows of one table do: the line that ends the upper row begins the lower one. A table is no header."""
    return box.top < other.top < box.bottom or other.top < box.top < other.bottom


def _has_side(inside: NDArray[np.bool_], column: int, mm: float) -> bool:
    reach = round(1.5 * mm)
    nearby = inside[:, max(0, column - reach) : column + reach + 1]
    return nearby.shape[1] > 0 and float(nearby.mean(axis=0).max()) > 0.75


def _stack(boxes: list[_Box], mm: float) -> list[_Box]:
    """The longest stack of boxes with aligned left edges that begins in the top 70 mm; boxes of 40 mm or more."""
    best: list[_Box] = []
    for start, first in enumerate(boxes):
        if first.top > 70 * mm:
            break
        if first.right - first.left < 40 * mm:
            continue
        stack = [first]
        for box in boxes[start + 1 :]:
            gap = box.top - stack[-1].bottom
            if 0.6 * mm <= gap <= 14 * mm and abs(box.left - first.left) < 4 * mm:
                stack.append(box)
        if len(stack) > len(best):
            best = stack
    return best
