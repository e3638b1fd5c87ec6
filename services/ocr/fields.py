"""Find the printed boxes of a strip and cut out what a person wrote in them, comb cells moved together.

Runs only in the child process; images and lengths as in strip.py.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from services.ocr.strip import INK, MM, Grey, Mask, Strip, long_runs, spans, without

FIELD_HEIGHT = (4 * MM, 15 * MM)
NARROWEST_FIELD = 5 * MM
LONGEST_FIELD = 160 * MM  # a longer rule parts the header from the page
WRITING = 9 * MM  # room for writing above a rule
SAME_EDGE = 2.5 * MM  # how far the ends of a box's top and bottom rule may lie apart
MAX_BOXES = 24  # a grid of marks is no header to be read
MIN_CELLS = 4  # fewer uprights than that are letters or the box itself
WIDEST_CELL = 12 * MM
OFF_PITCH = 0.15  # share of a cell's width by which its side may be off: skew and paper that is not flat
SPECK = 4  # pixels of ink; less is dust
MARGIN = 0.2  # white around a line of writing, as a share of its height
LABEL_ABOVE, LABEL_LEFT = 7 * MM, 60 * MM  # how far from its box a label may begin
LABEL_GAP = 25 * MM  # between a label's end and its box
WORD_GAP = 3 * MM


@dataclass(frozen=True)
class Box:
    """The inside of a printed box in pixels, end not included; ``uprights`` are columns of cell sides, from its left.

    ``printed`` are pixels inside that are known to be print, besides rules and uprights. ``open`` is the room above a
    single rule: a place to write only if a label says so.
    """

    top: int
    bottom: int
    left: int
    right: int
    uprights: tuple[tuple[int, int], ...] = ()
    printed: Mask | None = None
    open: bool = False

    @property
    def comb(self) -> bool:
        return len(self.uprights) > MIN_CELLS


def boxes(strip: Strip) -> list[Box]:
    """The boxes a person may write in, row by row; a box divided by uprights that make no comb is several."""
    found: list[Box] = []
    frames = _frames(strip)
    for box in frames:
        inside = strip.ink[box.top : box.bottom, box.left : box.right]
        sides = _sides(inside)
        comb = _evenly(sides)
        pitch = (comb[-1][0] - comb[0][0]) / (len(comb) - 1) if len(comb) > 1 else 0
        if len(comb) > MIN_CELLS and pitch <= WIDEST_CELL * strip.grey.shape[1]:
            found.append(replace(box, uprights=comb))
        else:
            found += _divided(box, [side for side in sides if _touches_both(inside, side)], strip)
    found += _above_lines(strip, frames)
    return sorted(found, key=lambda box: (box.top, box.left))[:MAX_BOXES]


def written(strip: Strip, box: Box) -> Grey | None:
    """The handwriting in a box, trimmed, on white; ``None`` when there is none."""
    area = (slice(box.top, box.bottom), slice(box.left, box.right))
    erased = strip.rules[area].copy()
    for start, end in box.uprights:
        erased[:, start:end] |= strip.ink[area][:, start:end]
    if box.printed is not None:
        erased |= box.printed
    clean = without(strip.grey[area], erased)
    return _trim(_joined(clean, box.uprights) if box.comb else clean)


def erased(strip: Strip, found: list[Box]) -> Grey:
    """The whole strip without its rules and the sides of cells."""
    lines = strip.rules.copy()
    for box in found:
        for start, end in box.uprights:
            lines[box.top : box.bottom, box.left + start : box.left + end] = True
    return without(strip.grey, lines & strip.ink)


def label(strip: Strip, box: Box, others: list[Box]) -> Grey | None:
    """The print that names a box: on its left, or else above it; ``None`` when there is none."""
    width = strip.grey.shape[1]
    margin = max(2, round(0.7 * strip.mm))
    bound = max((other.right for other in others if other.right <= box.left and _level(box, other)), default=0)
    left = max(bound + margin if bound else 0, box.left - round(LABEL_LEFT * width))
    beside = _unruled(strip, box.top, box.bottom, left, max(left, box.left - margin))
    words = _words(beside, strip)
    if words and beside.shape[1] - words[-1][1] <= LABEL_GAP * width:
        return _trim(beside[:, words[-1][0] : words[-1][1]])
    ceiling = max((other.bottom for other in others if other.bottom <= box.top and _in_column(box, other)), default=0)
    top = max(ceiling, box.top - margin - round(LABEL_ABOVE * width))
    above = _unruled(strip, top, max(top, box.top - margin), box.left, box.right)
    lines = [line for line in spans((above < 255 * INK).any(axis=1), gap=1) if line[1] - line[0] >= strip.mm]
    if not lines:
        return None
    line = above[lines[-1][0] : lines[-1][1]]
    words = _words(line, strip)
    return _trim(line[:, words[0][0] : words[0][1]]) if words else None


def _words(line: Grey, strip: Strip) -> list[tuple[int, int]]:
    """Stretches of print; what is left of a box's side is thinner."""
    found = spans((line < 255 * INK).any(axis=0), gap=round(WORD_GAP * strip.grey.shape[1]))
    return [(start, end) for start, end in found if end - start >= strip.mm]


def _unruled(strip: Strip, top: int, bottom: int, left: int, right: int) -> Grey:
    return without(strip.grey[top:bottom, left:right], strip.rules[top:bottom, left:right])


def _level(box: Box, other: Box) -> bool:
    return min(box.bottom, other.bottom) - max(box.top, other.top) > 0


def _in_column(box: Box, other: Box) -> bool:
    return min(box.right, other.right) - max(box.left, other.left) > 0


def _frames(strip: Strip) -> list[Box]:
    """Pairs of rules: those closed by a side at both ends, then open pairs with common ends, each rule used once."""
    width = strip.grey.shape[1]
    low, high = (share * width for share in FIELD_HEIGHT)
    segments = _segments(strip.rules)
    pairs = [
        (i, j)
        for i, upper in enumerate(segments)
        for j, lower in enumerate(segments[i + 1 :], i + 1)
        if low <= lower[0] - upper[1] <= high
    ]
    found: list[Box] = []
    taken: set[int] = set()
    for i, j in pairs:
        box = _between(segments[i], segments[j])
        if box is not None and _closed(strip, box) and not any(_inside(other, box) for other in found):
            found.append(box)
            taken |= {i, j}
    for i, j in pairs:
        (_, _, left, right), (_, _, other_left, other_right) = segments[i], segments[j]
        apart = max(abs(left - other_left), abs(right - other_right))
        box = _between(segments[i], segments[j])
        if box is not None and not {i, j} & taken and apart <= SAME_EDGE * width:
            found.append(box)
            taken |= {i, j}
    return found


def _above_lines(strip: Strip, frames: list[Box]) -> list[Box]:
    """The room above each rule that is no side of a frame and does not go across the paper.

    What looks like a frame without sides may be two lines to write on: its upper rule counts.
    """
    margin = max(2, round(strip.mm))
    sided = [(frame, _closed(strip, frame)) for frame in frames]
    found = []
    for top, bottom, left, right in _segments(strip.rules):
        room = Box(max(0, top - round(WRITING * strip.grey.shape[1])), top, left, right, open=True)
        near = replace(room, top=top - margin, bottom=bottom + margin)
        of_a_frame = any(
            _level(near, frame) and _in_column(near, frame) and (closed or frame.bottom <= bottom)
            for frame, closed in sided
        )
        if right - left <= LONGEST_FIELD * strip.grey.shape[1] and not of_a_frame and room.top < room.bottom:
            found.append(room)
    return found


def _between(upper: tuple[int, int, int, int], lower: tuple[int, int, int, int]) -> Box | None:
    left, right = max(upper[2], lower[2]), min(upper[3], lower[3])
    return Box(upper[1], lower[0], left, right) if left < right else None


def _inside(inner: Box, outer: Box) -> bool:
    """Whether ``inner`` is a part of ``outer``: three rules make two boxes, not three."""
    middle = ((inner.top + inner.bottom) / 2, (inner.left + inner.right) / 2)
    return outer.top <= middle[0] <= outer.bottom and outer.left <= middle[1] <= outer.right


def _closed(strip: Strip, box: Box) -> bool:
    """Whether a printed upright joins both rules at either end."""
    reach = max(2, round(SAME_EDGE / 2 * strip.grey.shape[1]))
    for end in (box.left, box.right):
        column = strip.ink[box.top : box.bottom, max(0, end - reach) : end + reach]
        thick = column[:, 1:] | column[:, :-1]
        if not thick.size or thick.mean(axis=0).max() < 0.9:
            return False
    return True


def _segments(rules: Mask) -> list[tuple[int, int, int, int]]:
    """Each horizontal rule as (first row, row after the last, first column, column after the last)."""
    found = []
    for top, bottom in spans(rules.any(axis=1)):
        for left, right in spans(rules[top:bottom].any(axis=0), gap=round(SAME_EDGE * rules.shape[1])):
            rows = np.flatnonzero(rules[top:bottom, left:right].any(axis=1))
            found.append((top + int(rows[0]), top + int(rows[-1]) + 1, left, right))
    return sorted(found)


def _sides(inside: Mask) -> tuple[tuple[int, int], ...]:
    """Columns of straight uprights nearly as tall as the box."""
    return tuple(spans(long_runs(inside.T, max(2, round(0.8 * len(inside)))).any(axis=1), gap=2))


def _evenly(sides: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Only the uprights that stand at equal distances: the tail of a tall y is long too, but stands anywhere."""
    if len(sides) <= MIN_CELLS:
        return sides
    centres = np.array([(start + end) / 2 for start, end in sides])
    pitch = float(np.median(np.diff(centres)))
    steps = (centres - centres[0]) / pitch
    return tuple(side for side, step in zip(sides, steps, strict=True) if abs(step - round(step)) < OFF_PITCH)


def _touches_both(inside: Mask, side: tuple[int, int]) -> bool:
    return bool(inside[:, max(0, side[0] - 1) : side[1] + 1].any(axis=1).mean() > 0.97)


def _divided(box: Box, sides: list[tuple[int, int]], strip: Strip) -> list[Box]:
    """The parts between full uprights that are wide enough to write in."""
    margin = max(1, round(0.3 * strip.mm))
    edges = [(0, 0), *sides, (box.right - box.left, box.right - box.left)]
    parts = []
    for (_, start), (end, _) in pairwise(edges):
        if end - start >= NARROWEST_FIELD * strip.grey.shape[1]:
            left, right = start + (margin if start else 0), end - (margin if end < box.right - box.left else 0)
            parts.append(replace(box, left=box.left + left, right=box.left + right))
    return parts


def _joined(clean: Grey, uprights: tuple[tuple[int, int], ...]) -> Grey:
    """Letters of a comb moved together; empty cells between letters become one space."""
    height = len(clean)
    gap = max(2, height // 8)
    pieces: list[Grey] = []
    blank = np.full((height, gap * 4), 255, np.uint8)
    for (_, left), (right, _) in pairwise(uprights):
        letter = _columns(clean[:, left:right])
        if letter is not None:
            pieces += [letter, np.full((height, gap), 255, np.uint8)]
        elif pieces and pieces[-1] is not blank:
            pieces.append(blank)
    return np.hstack(pieces) if pieces else np.full((height, 1), 255, np.uint8)


def _columns(clean: Grey) -> Grey | None:
    """Only the columns with ink; specks do not count."""
    ink = clean < 255 * INK
    if ink.sum() <= SPECK:
        return None
    columns = np.flatnonzero(ink.any(axis=0))
    return clean[:, columns[0] : columns[-1] + 1]


def _trim(clean: Grey) -> Grey | None:
    """Only what has ink, with a white margin; never lower than half the box, so that a hyphen stays small."""
    line = _columns(clean)
    if line is None:
        return None
    rows = np.flatnonzero((line < 255 * INK).sum(axis=1) > 1)
    if not len(rows):
        return None
    short = max(0, len(clean) // 2 - int(rows[-1] + 1 - rows[0]))
    line = np.pad(line[rows[0] : rows[-1] + 1], (((short + 1) // 2,) * 2, (0, 0)), constant_values=255)
    return np.pad(line, round(MARGIN * len(line)), constant_values=255)
