"""What a face says about itself: tilt, ink, which way up, where its header is, how well it was scanned.

Runs only in the child process, on the measuring grid of ``contrast``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.ingest.pixels import contrast as paper
from services.ingest.pixels import marks, quality
from services.ingest.pixels.contrast import MM, Grey, Mask
from services.ingest.pixels.header import Header, find_header

EDGE_SHARE = 0.04  # of width and height: shadows, punched holes and the neighbour's gutter are no evidence
OPPOSITE = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}


@dataclass(frozen=True)
class Face:
    """One A4 face as it stands on the grid.

    ``lean`` says which way up: positive upright, negative upside down, near 0 undecided; a header settles it alone.
    ``header`` is on the face as it stands, ``turned_header`` on the face turned by half a turn. ``margin``: the side
    of the printed margin line. ``squares``: ``marks.squares`` of its ink. ``blur`` and ``bleed`` go from 0 to 1.
    ``contrast``: as it was scanned, not laid level.
    """

    skew_deg: float
    lean: float
    margin: str | None
    header: Header | None
    turned_header: Header | None
    squares: marks.Squares
    blank: bool
    blank_unsure: bool
    blur: float
    bleed: float
    clipped: tuple[str, ...]
    contrast: Grey

    @property
    def ink_squares(self) -> int:
        return int(marks.inked(self.squares).sum())

    @property
    def written(self) -> tuple[float, float] | None:
        """Where the ink begins and ends, as shares of the height; None on a blank face."""
        if self.blank:
            return None
        rows = np.flatnonzero(marks.inked(self.squares).any(axis=1))
        return (float(rows[0] / len(self.squares)), float((rows[-1] + 1) / len(self.squares))) if rows.size else None

    def upside_down(self) -> Face:
        """The same face after half a turn."""
        return replace(
            self,
            lean=-self.lean,
            margin=self.margin and OPPOSITE[self.margin],
            header=self.turned_header,
            turned_header=self.header,
            squares=self.squares[::-1, ::-1],
            clipped=tuple(OPPOSITE[edge] for edge in self.clipped),
            contrast=self.contrast[::-1, ::-1],
        )


def measure(lying: Grey, skew_deg: float, edges: Iterable[str] = tuple(OPPOSITE)) -> Face:
    """Look at one A4 face, portrait, (height, width) on the grid.

    ``lying``: its contrast as it was scanned, ``skew_deg``: its sheet's tilt, ``edges``: those where its paper ends.
    """
    contrast = paper.level(lying, skew_deg)
    rows = paper.row_medians(contrast)
    columns = paper.column_medians(contrast)
    residue = inside(paper.without_ruling(contrast, rows, columns))
    ink = residue > marks.INK
    squares = marks.squares(ink)
    blank, blank_unsure = marks.judge_blank(ink, squares, residue)
    header = find_header(contrast, MM)
    margin = margin_lean(contrast)
    margin_side = "left" if margin > 0 else "right"
    return Face(
        skew_deg=skew_deg,
        lean=2.5 * margin + alignment_lean(ink) + 0.5 * ruling_lean(rows),
        margin=margin_side if margin and has_line(columns, margin_side) else None,
        header=header,
        turned_header=find_header(contrast, MM, upside_down=True) if header is None else None,
        squares=squares,
        blank=blank,
        blank_unsure=blank_unsure,
        blur=0.0 if blank else quality.find_blur(lying, squares),
        bleed=marks.show_through(squares, residue, rows),
        clipped=tuple(quality.find_clipped(lying, edges)),
        contrast=lying,
    )


def inside(residue: Grey) -> Grey:
    """Nothing at the edges."""
    height, width = residue.shape
    dy, dx = int(height * EDGE_SHARE), int(width * EDGE_SHARE)
    residue[:dy] = residue[height - dy :] = 0
    residue[:, :dx] = residue[:, width - dx :] = 0
    return residue


def margin_lean(contrast: Grey) -> float:
    """+1: the printed margin line stands at the left; -1: at the right; 0: there is none, or two.

    A margin line is darker than both neighbours in nearly every band of the page's height, even where it is faint.
    """
    height, width = contrast.shape
    bands, depth = 16, height // 16
    usable = contrast[: depth * bands].reshape(bands, depth, width)
    columns = usable.sum(axis=1, dtype=np.uint16).astype(np.float32) / depth
    centre = np.maximum(columns[:, 4:-4], np.maximum(columns[:, 3:-5], columns[:, 5:-3]))
    around = np.maximum(np.minimum(columns[:, 1:-7], columns[:, :-8]), np.minimum(columns[:, 7:-1], columns[:, 8:]))
    peak = np.sort(centre - around, axis=0)[5]  # absent from a third of the bands: header, holes, fading
    first, last = int(width * EDGE_SHARE), int(width * 0.3)
    left = float(peak[first - 4 : last - 4].max())
    right = float(peak[::-1][first - 4 : last - 4].max())
    strong, weak = max(left, right), min(left, right)
    if strong < 2.0 or weak > 0.6 * strong:
        return 0.0
    return 1.0 if left > right else -1.0


def has_line(columns: Grey, side: str) -> bool:
    """Whether that side has a printed line, not only writing that begins in line: a line is there in most rows.

    ``columns``: the median of each column.
    """
    first, last = int(len(columns) * EDGE_SHARE), int(len(columns) * 0.3)
    outer = (columns if side == "left" else columns[::-1])[first:last].astype(np.int16)
    return bool((outer[4:-4] - np.maximum(outer[:-8], outer[8:])).max() >= 3)


def alignment_lean(ink: Mask) -> float:
    """Writing starts in line at the left and ends ragged at the right: log of the ratio of the two spreads."""
    packed = np.packbits(ink, axis=1)
    rows = np.bitwise_count(packed).sum(axis=1, dtype=np.uint16) >= 3
    edges = np.flatnonzero(np.diff(np.concatenate(([False], rows, [False])))).reshape(-1, 2)
    heights = edges[:, 1] - edges[:, 0]
    lines = edges[(heights >= 1.2 * MM) & (heights <= 12 * MM)]
    if len(lines) < 4:
        return 0.0
    written = np.unpackbits(np.bitwise_or.reduceat(packed, lines.ravel())[::2], axis=1)  # nothing is at the edges
    starts, ends = written.argmax(axis=1), written.shape[1] - 1 - written[:, ::-1].argmax(axis=1)
    long = ends - starts > 10 * MM
    if (count := int(long.sum())) < 4:
        return 0.0
    return min(1.0, count / 8) * math.log((_spread(ends[long]) + 2 * MM) / (_spread(starts[long]) + 2 * MM))


def _spread(columns: NDArray[np.intp]) -> int:
    """The middle half of them lies within so many pixels."""
    ordered = np.sort(columns)
    return int(ordered[(3 * len(ordered) - 1) // 4] - ordered[len(ordered) // 4])


def ruling_lean(rows: Grey) -> float:
    """Ruled paper keeps more room above its first line than below its last: +1, -1 or 0 when there is no ruling."""
    ruled = np.flatnonzero(rows >= 4)
    if len(ruled) < 10:
        return 0.0
    above, below = float(ruled[0]), float(len(rows) - 1 - ruled[-1])
    if abs(above - below) < 4 * MM:
        return 0.0
    return 1.0 if above > below else -1.0


def find_fold(grey: Grey) -> float | None:
    """Share of an A3 side's width where its fold is: the darkest column within 2.5 % of the middle; None: no fold."""
    height, width = grey.shape
    reach = round(width * 0.025)
    first = width // 2 - reach
    band = grey[height // 20 : -height // 20 : 4, first - 4 : first + 2 * reach + 4].mean(axis=0, dtype=np.float32)
    # A tilted fold is a smear of some columns: look for the middle of the smear.
    smooth = np.convolve(band, np.full(9, 1 / 9, np.float32), mode="valid")
    if np.sort(smooth)[len(smooth) // 2] - smooth.min() < 4:
        return None
    return float((first + int(smooth.argmin()) + 0.5) / width)
