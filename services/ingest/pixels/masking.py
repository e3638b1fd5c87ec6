"""Hiding a header, and looking again whether it is hidden. Runs only in the child process."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from services.ingest.pixels.contrast import MM, Grey, level
from services.ingest.pixels.header import SEARCHED_SHARE, find_header
from services.ingest.pixels.jpeg import Pixels

COVER_TONE = 200  # grey: what a person covered is told from paper that was left empty
LOOKED_AT_SHARE = SEARCHED_SHARE + 0.02  # what is searched, on paper laid askew


def masked_pixels(pixels: Pixels, box: Sequence[float], *, height_px: int | None = None, tone: int = 255) -> Pixels:
    """The picture with a box (x, y, w, h as shares) painted over.

    ``height_px``: of the whole picture, when ``pixels`` are its upper rows.
    """
    result = np.array(pixels)
    result[_inside(result, box, height_px)] = tone
    return result


def shown_pixels(pixels: Pixels, header: Sequence[float] | None, covered: Sequence[Sequence[float]]) -> Pixels:
    """An upright page as markers see it: without its ``header`` and what a person ``covered``."""
    result = pixels if header is None else masked_pixels(pixels, header)
    for box in covered:
        result = masked_pixels(result, box, tone=COVER_TONE)
    return result


def covered_rows(box: Sequence[float], height_px: int) -> int:
    """Where a box ends on a picture."""
    _, y, _, h = box
    return min(height_px, round((y + h) * height_px) + 1)


def hides(
    masked: Pixels, box: Sequence[float], contrast: Grey, skew_deg: float, *, height_px: int | None = None
) -> bool:
    """Whether a masked upright face shows nothing of a header any more: the box is white, and no header is found.

    The second finds what the first cannot: boxes that stand lower than whoever measured the header thought.
    ``contrast``: of the same face on the measuring grid, before it was masked; ``skew_deg``: its
    tilt. ``height_px``: of the whole face, when ``masked`` are its upper rows.
    """
    if masked[_inside(masked, box, height_px)].min(initial=255) < 255:
        return False
    searched = np.array(contrast[: math.ceil(LOOKED_AT_SHARE * len(contrast))])
    searched[_inside(searched, box, len(contrast))] = 0
    return find_header(level(searched, skew_deg), MM, height_px=len(contrast)) is None


def _inside(pixels: Pixels, box: Sequence[float], height_px: int | None = None) -> tuple[slice, slice]:
    rows, width = pixels.shape[:2]
    height = height_px or rows
    x, y, w, _ = box
    return (
        slice(int(y * height), covered_rows(box, height)),
        slice(int(x * width), min(width, round((x + w) * width) + 1)),
    )
