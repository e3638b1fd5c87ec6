"""Find what a person wrote on a header strip: straighten it, erase printed rules, cut out fields and comb cells.

Runs only in the child process. Images are numpy arrays (height_px, width_px), uint8, ink dark on light; masks are
boolean, True where there is ink. Lengths are shares of the strip's width, so that the resolution does not matter:
a strip is about as wide as an A4 page, 210 mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image

Grey = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

MAX_SKEW_DEG = 3.0
SKEW_STEP_DEG = 0.05  # over the longest rule, 150 mm, this drifts 0.13 mm: one pixel at 200 dpi
INK = 0.78  # darker than this share of the paper around it; pencil at 200 dpi stays below 0.7
WHITER = 1.08  # pushes the paper's grain to plain white
RULE = 22 / 210  # shortest printed rule; handwriting has no straight stroke of 22 mm
FIELD_HEIGHT = (4 / 210, 15 / 210)
SAME_EDGE = 2.5 / 210  # how far the ends of a box's top and bottom rule may lie apart
MIN_CELLS = 4  # fewer uprights than that are letters or the box itself
OFF_PITCH = 0.15  # share of a cell's width by which its side may be off: skew and paper that is not flat
SPECK = 4  # pixels of ink; less is dust


@dataclass(frozen=True)
class Header:
    """A straightened strip: ``clean`` without printed rules, and the handwriting of each field, top to bottom."""

    clean: Grey
    fields: tuple[Grey, ...]


def read_layout(strip: Image.Image) -> Header:
    """Everything recognition needs of one strip. A strip without boxes gives no fields and is cleaned all the same."""
    grey = _flatten(np.asarray(strip, np.uint8))
    angle = skew(grey < 255 * INK)
    if abs(angle) >= SKEW_STEP_DEG:
        # Pillow turns anticlockwise, so a clockwise slope is undone by its own value.
        turned = Image.fromarray(grey).rotate(angle, Image.Resampling.BILINEAR, fillcolor=255)
        grey = np.asarray(turned, np.uint8)
    ink = grey < 255 * INK
    width = grey.shape[1]
    rules = long_runs(ink, round(RULE * width))
    fields = []
    erased = rules.copy()
    for top, bottom, left, right in boxes(rules):
        inside = ink[top:bottom, left:right]
        uprights = _comb(long_runs(inside.T, max(2, round(0.8 * (bottom - top)))).T)
        erased[top:bottom, left:right] |= uprights
        written = _without(grey[top:bottom, left:right], uprights | rules[top:bottom, left:right])
        field = _join_cells(written, uprights)
        if field is not None:
            fields.append(field)
    return Header(_without(grey, erased), tuple(fields))


def skew(ink: Mask) -> float:
    """Slope of the rules and lines of writing in degrees, clockwise positive, within MAX_SKEW_DEG.

    The strip is summed row by row in narrow columns; at the right slope the shifted sums pile up in few rows.
    """
    height, width = ink.shape
    columns = 48
    step = max(1, width // columns)
    profiles = np.stack([ink[:, x : x + step].sum(axis=1) for x in range(0, step * columns, step)]).astype(np.int64)
    reach = int(np.ceil(np.tan(np.radians(MAX_SKEW_DEG)) * width)) + 1
    padded = np.pad(profiles, ((0, 0), (reach, reach)))
    rows = np.arange(height) + reach
    best, best_angle = -1.0, 0.0
    for angle in np.arange(-MAX_SKEW_DEG, MAX_SKEW_DEG + SKEW_STEP_DEG / 2, SKEW_STEP_DEG):
        shifts = np.round(np.tan(np.radians(angle)) * (np.arange(columns) * step - width / 2)).astype(int)
        piled = np.zeros(height)
        for profile, shift in zip(padded, shifts, strict=True):
            piled += profile[rows + shift]
        score = float((piled**2).sum())
        if score > best * 1.0001:
            best, best_angle = score, float(angle)
    return best_angle


def long_runs(ink: Mask, length: int) -> Mask:
    """The pixels of horizontal strokes at least ``length`` long, one pixel of wobble and 10 % of gaps allowed."""
    length = max(2, length)
    if ink.shape[1] <= length:
        return np.zeros_like(ink)
    thick = ink.copy()
    thick[1:] |= ink[:-1]
    thick[:-1] |= ink[1:]
    sums = np.pad(np.cumsum(thick, axis=1, dtype=np.int32), ((0, 0), (1, 0)))
    starts = sums[:, length:] - sums[:, :-length] >= 0.9 * length
    # A pixel belongs to a run when any window that covers it is full: count windows opened minus windows closed.
    marks = np.zeros((ink.shape[0], ink.shape[1] + 1), np.int32)
    marks[:, : starts.shape[1]] += starts
    marks[:, length : length + starts.shape[1]] -= starts[:, : marks.shape[1] - length]
    return np.asarray((np.cumsum(marks, axis=1)[:, :-1] > 0) & thick)


def boxes(rules: Mask) -> list[tuple[int, int, int, int]]:
    """Inside of each printed box as (top, bottom, left, right), top to bottom: two rules with common ends."""
    width = rules.shape[1]
    low, high = (share * width for share in FIELD_HEIGHT)
    segments = _segments(rules)
    found: list[tuple[int, int, int, int]] = []
    taken: set[int] = set()
    for i, (_, upper_end, left, right) in enumerate(segments):
        if i in taken:
            continue
        for j in range(i + 1, len(segments)):
            lower, _, other_left, other_right = segments[j]
            apart = max(abs(left - other_left), abs(right - other_right))
            if j not in taken and low <= lower - upper_end <= high and apart <= SAME_EDGE * width:
                found.append((upper_end, lower, min(left, other_left), max(right, other_right)))
                taken |= {i, j}
                break
    return found


def _segments(rules: Mask) -> list[tuple[int, int, int, int]]:
    """Each horizontal rule as (first row, row after the last, first column, column after the last)."""
    found = []
    for top, bottom in _spans(rules.any(axis=1)):
        for left, right in _spans(rules[top:bottom].any(axis=0), gap=round(SAME_EDGE * rules.shape[1])):
            rows = np.flatnonzero(rules[top:bottom, left:right].any(axis=1))
            found.append((top + int(rows[0]), top + int(rows[-1]) + 1, left, right))
    return sorted(found)


def _spans(flags: npt.NDArray[np.bool_] | np.bool_, gap: int = 0) -> list[tuple[int, int]]:
    """Stretches of True as (start, end); stretches closer than ``gap`` count as one."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], np.atleast_1d(flags), [False])).astype(np.int8)))
    spans: list[tuple[int, int]] = []
    for start, end in edges.reshape(-1, 2):
        if spans and start - spans[-1][1] <= gap:
            spans[-1] = (spans[-1][0], int(end))
        else:
            spans.append((int(start), int(end)))
    return spans


def _comb(uprights: Mask) -> Mask:
    """Only the uprights that stand at equal distances: the tail of a tall y is long too, but stands anywhere."""
    spans = _spans(uprights.any(axis=0), gap=2)
    if len(spans) <= MIN_CELLS:
        return uprights
    centres = np.array([(start + end) / 2 for start, end in spans])
    pitch = float(np.median(np.diff(centres)))
    steps = (centres - centres[0]) / pitch
    kept = np.zeros_like(uprights)
    for (start, end), step in zip(spans, steps, strict=True):
        if abs(step - round(step)) < OFF_PITCH:
            kept[:, start:end] = uprights[:, start:end]
    return kept


def _join_cells(written: Grey, uprights: Mask) -> Grey | None:
    """The handwriting of one box on white, letters of a comb moved together; ``None`` when nothing is written."""
    height = written.shape[0]
    lines = _spans(uprights.any(axis=0), gap=2)
    cells = [(a[1], b[0]) for a, b in pairwise(lines)]
    gap = max(2, height // 8)
    if len(cells) >= MIN_CELLS:
        pieces: list[Grey] = []
        blank = np.full((height, gap * 4), 255, np.uint8)
        for left, right in cells:
            letter = _trim(written[:, left:right])
            if letter is not None:
                pieces += [letter, np.full((height, gap), 255, np.uint8)]
            elif pieces and pieces[-1] is not blank:
                pieces.append(blank)
        while pieces and pieces[-1] is blank:
            pieces.pop()
        joined = np.hstack(pieces) if pieces else None
    else:
        joined = _trim(written)
    return None if joined is None else np.pad(joined, height // 3, constant_values=255)


def _trim(written: Grey) -> Grey | None:
    """Only the columns with ink; specks do not count."""
    columns = np.flatnonzero((written < 255 * INK).sum(axis=0))
    if (written < 255 * INK).sum() <= SPECK:
        return None
    return written[:, columns[0] : columns[-1] + 1]


def _without(grey: Grey, lines: Mask) -> Grey:
    """White where the lines are, their grey fringe included."""
    fringe = lines.copy()
    fringe[1:] |= lines[:-1]
    fringe[:-1] |= lines[1:]
    fringe[:, 1:] |= lines[:, :-1]
    fringe[:, :-1] |= lines[:, 1:]
    return np.where(fringe, np.uint8(255), grey)


def _flatten(grey: Grey) -> Grey:
    """Divide by the paper's own brightness, so that shadows and grey paper become white."""
    height, width = grey.shape
    tile = max(8, width // 25)  # 8 mm: wider than any stroke, narrower than a shadow
    rows, columns = max(1, height // tile), max(1, width // tile)
    cut = grey[: rows * tile, : columns * tile] if height >= tile and width >= tile else grey
    tiles = cut.reshape(rows, cut.shape[0] // rows, columns, cut.shape[1] // columns)
    paper = Image.fromarray(np.percentile(tiles, 90, axis=(1, 3)).astype(np.uint8))
    spread = np.asarray(paper.resize((width, height), Image.Resampling.BILINEAR), np.float32)
    return np.asarray(np.clip(grey / np.maximum(spread, 1) * 255 * WHITER, 0, 255), np.uint8)
