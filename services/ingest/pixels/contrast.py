"""A face as ink on paper: contrast against the paper around it, laid level, ruling taken off. Runs only in the child.

Everything is done in bytes on one *measuring grid* of 75 dpi, in few passes over whole rows: a millisecond a page is
what can be spent. Lengths are in millimetres or in pixels of that grid.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Mask = NDArray[np.bool_]

GRID_DPI = 75
MM = GRID_DPI / 25.4  # grid pixels in a millimetre

MAX_SKEW_DEG = 2.0
LEVEL_DEG = 0.1  # less is not worth laying level: a pixel over the page's width

_BLOCK = 8
_STRIP_PX = 52
_BAR = np.uint8(96)  # contrast that counts towards a row at most
_RULED = np.uint8(96)  # contrast that a printed row or column has at most


def against_paper(grey: Grey) -> Grey:
    """How much darker each pixel is than the paper around it: shadows, yellowing and vignettes fall away."""
    width = grey.shape[1]
    paper = _blocks(grey)
    # The brightest block within two blocks, 13 mm across: wider than any stroke, narrower than any shadow.
    for _ in range(2):
        paper = _brightest(_brightest(paper).T).T
    paper = np.repeat(paper, _BLOCK, axis=1)
    paper = np.hstack([paper, paper[:, -1:].repeat(width - paper.shape[1], axis=1)])
    contrast = np.empty_like(grey)
    whole = len(paper) * _BLOCK
    shape = (len(paper), _BLOCK, width)
    np.maximum(grey[:whole].reshape(shape), paper[:, None], out=contrast[:whole].reshape(shape))
    np.maximum(grey[whole:], paper[-1], out=contrast[whole:])
    contrast -= grey
    return contrast


def _blocks(grey: Grey) -> Grey:
    """The mean of each whole block of 8 × 8 pixels; half the time Pillow takes."""
    rows, columns = (edge // _BLOCK for edge in grey.shape)
    bands = grey[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, -1).sum(axis=1, dtype=np.uint16)
    # A block's columns foremost, so that whole rows are added at a time.
    sums = np.ascontiguousarray(bands.reshape(rows, columns, _BLOCK).transpose(2, 0, 1)).sum(axis=0, dtype=np.uint16)
    means: Grey = ((sums + np.uint16(_BLOCK**2 // 2)) // np.uint16(_BLOCK**2)).astype(np.uint8)
    return means


def _brightest(blocks: Grey) -> Grey:
    """Of each block and the ones above and below it."""
    result = blocks.copy()
    np.maximum(blocks[1:], blocks[:-1], out=result[1:])
    np.maximum(result[:-1], blocks[1:], out=result[:-1])
    return result


def find_skew(contrast: Grey) -> float:
    """Tilt of ruling and writing, degrees; positive when rows slide down to the right.

    Vertical strips are slid against each other: the right slide piles lines onto lines and gives the sharpest row
    profile. Within a strip a tilt of 1 degree is less than a pixel.
    """
    height, width = contrast.shape
    strips = max(2, round(width / _STRIP_PX))
    pitch = width // strips
    # Clipped so that one black bar (a fold's shadow) does not outvote every line of the page.
    clipped = np.minimum(contrast, np.full(width, _BAR))[:, : pitch * strips]
    sums = np.add.reduceat(clipped, np.arange(strips) * pitch, axis=1, dtype=np.uint16)
    rows = np.ascontiguousarray(sums.T, dtype=np.float32)
    centres = (np.arange(strips) + 0.5 - strips / 2) * pitch
    halved = rows[:, : height // 2 * 2 : 2] + rows[:, 1::2]
    coarse = np.linspace(-MAX_SKEW_DEG, MAX_SKEW_DEG, 17)
    around = coarse[_sharpness(halved, centres / 2, coarse).argmax()]
    fine = np.append(around + np.linspace(-0.2, 0.2, 9), 0.0)
    sharp = _sharpness(rows, centres, fine)
    # A page without lines has no sharpest angle worth turning for.
    if sharp.max() <= 1.15 * sharp[-1]:
        return 0.0
    return float(fine[sharp >= 0.97 * sharp.max()].mean())  # slides are whole pixels: neighbours are as good


def _sharpness(
    rows: NDArray[np.float32], centres: NDArray[np.float64], degrees: NDArray[np.float64]
) -> NDArray[np.float32]:
    """How much the sum of all strips changes from row to row, for each angle. ``rows``: one line for each strip."""
    slides = np.rint(np.tan(np.radians(degrees))[:, None] * centres).astype(np.intp)
    reach = int(np.abs(slides).max())
    windows = np.lib.stride_tricks.sliding_window_view(rows, rows.shape[1] - 2 * reach, axis=1)
    profiles = windows[np.arange(len(rows))[:, None], reach + slides.T].sum(axis=0)
    sharp: NDArray[np.float32] = np.square(profiles[:, 1:] - profiles[:, :-1]).sum(axis=1)
    return sharp


def level(contrast: Grey, skew_deg: float) -> Grey:
    """Turn back by a small angle: columns slide against each other, then rows; the nearest pixel is taken."""
    if abs(skew_deg) < LEVEL_DEG:
        return contrast
    slope = float(np.tan(np.radians(skew_deg)))
    return _slid(_slid(contrast, slope).T, -slope).T


def _slid(pixels: Grey, slope: float) -> Grey:
    """Each column from ``slope`` times its distance from the middle further down; what comes from outside is paper."""
    height, width = pixels.shape
    slides = np.rint(slope * (np.arange(width) - (width - 1) / 2)).astype(int)
    ends = [0, *(np.flatnonzero(np.diff(slides)) + 1), width]
    result = np.zeros_like(pixels)
    for first, last in pairwise(ends):
        slide = int(slides[first])
        if slide >= 0:
            result[: height - slide, first:last] = pixels[slide:, first:last]
        else:
            result[-slide:, first:last] = pixels[:slide, first:last]
    return result


def row_medians(contrast: Grey) -> Grey:
    """The median of each row, up to 127: of every eighth pixel, which is enough."""
    return _medians(np.ascontiguousarray(contrast[:, ::8].T))


def column_medians(contrast: Grey) -> Grey:
    return _medians(contrast[::8])


def _medians(samples: Grey) -> Grey:
    """The lower median of each column below 128, bit by bit: several times as fast as sorting."""
    half = len(samples) // 2
    counted = np.uint8 if len(samples) < 256 else np.uint16
    median = np.zeros(samples.shape[1], np.uint8)
    for bit in (64, 32, 16, 8, 4, 2, 1):
        tried = median | np.uint8(bit)
        above = (samples >= tried).view(np.uint8).sum(axis=0, dtype=counted)
        np.copyto(median, tried, where=above > half)
    return median


def without_ruling(contrast: Grey, rows: Grey, columns: Grey) -> Grey:
    """What is left when printed ruling is taken off: it is uniform along its row or column, so medians show it."""
    result = np.add.outer(np.minimum(rows, _RULED), np.minimum(columns, _RULED))
    np.minimum(result, contrast, out=result)
    np.subtract(contrast, result, out=result)
    return result
