"""Hiding a header, and looking again whether it is hidden. Runs only in the child process."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.ingest.pixels.contrast import MM, against_paper, find_skew, level
from services.ingest.pixels.header import find_header
from services.ingest.pixels.jpeg import Pixels
from services.ingest.pixels.sides import grid


def masked_pixels(pixels: Pixels, box: Sequence[float]) -> Pixels:
    """The picture with a box (x, y, w, h as shares) painted white."""
    result = np.array(pixels)
    result[_inside(result, box)] = 255
    return result


def hides(masked: Pixels, box: Sequence[float], look: Pixels | None = None) -> bool:
    """Whether a masked upright face shows nothing of a header any more: the box is white, and no header is found.

    The second finds what the first cannot: boxes that stand lower than whoever measured the header thought.
    ``look``: the same face on the measuring grid, whose own box does not matter, if it is at hand.
    """
    inside = _inside(masked, box)
    if masked[inside].min(initial=255) < 255:
        return False
    look = grid(masked) if look is None else look
    look = np.array(look[..., 1] if look.ndim == 3 else look)
    # Beside a white band yellowed paper would look like ink: look at the face as if its paper went on.
    inside = _inside(look, box)
    below = look[inside[0].stop :]
    look[inside] = np.percentile(below[:80:2, ::2], 75) if below.size else 255
    contrast = against_paper(look)
    return find_header(level(contrast, find_skew(contrast)), MM) is None


def _inside(pixels: Pixels, box: Sequence[float]) -> tuple[slice, slice]:
    height, width = pixels.shape[:2]
    x, y, w, h = box
    return (
        slice(int(y * height), min(height, round((y + h) * height) + 1)),
        slice(int(x * width), min(width, round((x + w) * width) + 1)),
    )
