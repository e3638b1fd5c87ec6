"""Hiding a header, and looking again whether it is hidden. Runs only in the child process."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from services.ingest.pixels.contrast import MM, against_paper, find_skew, level
from services.ingest.pixels.header import SEARCHED_SHARE, find_header
from services.ingest.pixels.jpeg import Pixels
from services.ingest.pixels.sides import grid

LOOKED_AT_SHARE = SEARCHED_SHARE + 0.02  # what is searched, on paper laid askew


def masked_pixels(pixels: Pixels, box: Sequence[float], *, height_px: int | None = None) -> Pixels:
    """The picture with a box (x, y, w, h as shares) painted white.

    ``height_px``: of the whole picture, when ``pixels`` are its upper rows.
    """
    result = np.array(pixels)
    result[_inside(result, box, height_px)] = 255
    return result


def covered_rows(box: Sequence[float], height_px: int) -> int:
    """Where a box ends on a picture."""
    _, y, _, h = box
    return min(height_px, round((y + h) * height_px) + 1)


def hides(
    masked: Pixels,
    box: Sequence[float],
    look: Pixels | None = None,
    skew_deg: float | None = None,
    *,
    height_px: int | None = None,
) -> bool:
    """Whether a masked upright face shows nothing of a header any more: the box is white, and no header is found.

    The second finds what the first cannot: boxes that stand lower than whoever measured the header thought.
    ``look``: the same face on the measuring grid, whose own box does not matter, and ``skew_deg``, its tilt, if they
    are at hand. ``height_px``: of the whole face, when ``masked`` are its upper rows.
    """
    if masked[_inside(masked, box, height_px)].min(initial=255) < 255:
        return False
    look = grid(masked) if look is None else look
    searched = np.array(look[: math.ceil(LOOKED_AT_SHARE * len(look))])
    searched = np.ascontiguousarray(searched[..., 1]) if searched.ndim == 3 else searched
    # Beside a white band yellowed paper would look like ink: look at the face as if its paper went on.
    inside = _inside(searched, box, len(look))
    below = look[inside[0].stop :][:80:2, ::2]
    searched[inside] = np.percentile(below, 75) if below.size else 255
    contrast = against_paper(searched)
    lying = level(contrast, find_skew(contrast) if skew_deg is None else skew_deg)
    return find_header(lying, MM, height_px=len(look)) is None


def _inside(pixels: Pixels, box: Sequence[float], height_px: int | None = None) -> tuple[slice, slice]:
    rows, width = pixels.shape[:2]
    height = height_px or rows
    x, y, w, _ = box
    return (
        slice(int(y * height), covered_rows(box, height)),
        slice(int(x * width), min(width, round((x + w) * width) + 1)),
    )
