"""How well a face was scanned: blur, and writing cut off at an edge. Runs only in the child process."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from services.ingest.pixels.contrast import MM, Grey
from services.ingest.pixels.marks import SQUARE_PX, Squares

Levels = NDArray[np.float32]

STROKE = 40  # contrast of the darkest pixel in a square that shows a stroke
ROWS = 12
# The steepest step between neighbours as a share of the stroke's contrast: a sharp scan, and one nobody can read.
SHARP_STEP, BLURRED_STEP = 0.62, 0.15
# A printed line changes no more than this along itself, on a whole square: there it has no edge to be sharp or not. One
# that was tilted is shared by two rows in turn; a quarter would not do for 1.8 degrees, a half loses strong blur.
ALONG_A_LINE = 0.4

CROSSING = 40
EDGE_MM = 1.2
CROSSINGS = {"left": 4, "right": 4, "top": 8, "bottom": 8}  # a cut line of text crosses once at a side, often above


def find_blur(contrast: Grey, counts: Squares) -> float:
    """0: sharp, 1: unreadable. A stroke's edge takes one pixel of the grid on a sharp scan, whatever its contrast.

    The scanner's head blurs one way, a lens both: the worse of both directions counts, on the rows of squares with
    most ink. ``counts``: the face's ink; it keeps off the edges, where the fold's shadow has no sharp ones.
    """
    written = counts > 0
    most = np.sort(np.argsort(written.sum(axis=1))[-ROWS:])
    strokes, directions = _steepest(contrast, most)
    shown = (strokes >= STROKE) & written[most]
    sharpness = SHARP_STEP  # nothing to read
    for step, change in directions:
        edges = shown & (change > ALONG_A_LINE * strokes)
        if edges.any():
            shares = np.sort(step[edges] / strokes[edges])
            sharpness = min(sharpness, float(shares[len(shares) // 2]))
    return float(np.clip((SHARP_STEP - sharpness) / (SHARP_STEP - BLURRED_STEP), 0, 1))


def _steepest(contrast: Grey, rows: NDArray[np.intp]) -> tuple[Levels, list[tuple[Levels, Levels]]]:
    """Of each square in some rows of them: the darkest pixel; right and down, the steepest step and all change."""
    columns = contrast.shape[1] // SQUARE_PX
    bands = contrast[: len(contrast) // SQUARE_PX * SQUARE_PX].reshape(-1, SQUARE_PX, contrast.shape[1])[rows]
    across = np.zeros_like(bands)
    before, after = bands[:, :, :-1], bands[:, :, 1:]
    np.subtract(np.maximum(before, after), np.minimum(before, after), out=across[:, :, :-1])
    above, below = bands[:, :-1], bands[:, 1:]
    down = np.maximum(above, below) - np.minimum(above, below)

    def most(tops: Grey) -> Levels:
        """Of every square, from what is highest in each of its columns."""
        return _along(np.maximum, tops)[:, : columns * SQUARE_PX : SQUARE_PX].astype(np.float32)

    darkest = bands.max(axis=1)
    change_across = (_along(np.maximum, bands) - _along(np.minimum, bands)).max(axis=1)[:, ::SQUARE_PX]
    change_down = most(darkest - bands.min(axis=1))
    return most(darkest), [
        (most(across.max(axis=1)), change_across.astype(np.float32)),
        (most(down.max(axis=1)), change_down),
    ]


def _along(extreme: np.ufunc, lines: Grey) -> Grey:
    """Of each pixel and the eleven after it: the width of a square. Whole rows at a time."""
    for step in (1, 2, 4, 4):  # reaches 2, 4, 8, 12
        lines = extreme(lines[..., :-step], lines[..., step:])
    return lines


def find_clipped(contrast: Grey, edges: Iterable[str]) -> list[str]:
    """Which of the edges cut through writing: many separate strokes run into them.

    A torn corner, a shadow or a lid beside the paper is one stroke, ruling is fainter than ``CROSSING``.
    """
    depth = max(1, round(EDGE_MM * MM))
    bands = {
        "left": contrast[:, :depth].T,
        "right": contrast[:, -depth:].T,
        "top": contrast[:depth],
        "bottom": contrast[-depth:],
    }
    return [edge for edge in edges if _crossings(bands[edge]) >= CROSSINGS[edge]]


def _crossings(band: Grey) -> int:
    """Separate strokes that go through the whole depth of a band."""
    through = band.min(axis=0) > CROSSING
    if 2 * int(through.sum()) > len(through):
        return 0
    return int((through[1:] > through[:-1]).sum()) + int(through[0])
