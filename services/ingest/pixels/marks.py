"""Ink counted in squares of 4 mm: whether a face is blank, what shines through, what it looks like from afar.

Runs only in the child process.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from services.ingest.pixels.contrast import MM, Grey, Mask

Squares = NDArray[np.uint8]
"""Ink pixels in each square of 4 mm, (rows, columns)."""

SQUARE_PX = 12  # one written character
MIN_SQUARE_INK_PX = 4

# Contrast against the paper around, in grey levels of 255.
INK = 32  # a pencil stroke keeps 35 and more on the grid; show-through and ruling stay below 28
NEARLY_INK = 28  # what shines through seldom reaches it, and a hard pencil may stay below ink
FAINT = 10
MIN_SQUARE_FAINT_PX = 8

# A face with more inked squares is written on; with fewer each mark is looked at.
FEW_SQUARES = 24
MARK_MM = 2.0  # dust, and a dot, stay below
SURE_MM = 5.0  # one character, or a hair, stays below
SOLID_MM, SOLID_SHARE = 3.0, 0.6  # a punched hole is filled, whatever is written is a stroke around paper
MANY_SPECKS = 6
TOO_MANY_PX = 4000

# The writing's place on the page, as waves down to 20 mm: longer ones say how pages of one kind look.
WAVES = 20
STRONGEST = 128
MIN_SQUARES = 4


def squares(mask: Mask) -> Squares:
    rows, columns = (edge // SQUARE_PX for edge in mask.shape)
    whole = mask.view(np.uint8)[: rows * SQUARE_PX, : columns * SQUARE_PX]
    bands = whole.reshape(rows, SQUARE_PX, -1).sum(axis=1, dtype=np.uint8)
    # A square's columns foremost, so that whole rows are added at a time.
    aside = np.ascontiguousarray(bands.reshape(rows, columns, SQUARE_PX).transpose(2, 0, 1))
    counts: Squares = aside.sum(axis=0, dtype=np.uint8)
    return counts


def inked(counts: Squares) -> Mask:
    return counts >= MIN_SQUARE_INK_PX


def show_through(ink_counts: Squares, residue: Grey, rows: Grey) -> float:
    """Share of the squares beside the writing with faint marks in them: the other page's ink, seen through the paper.

    ``residue``: contrast without ruling, ``rows``: the ruling, which may not have gone from the rows next to it.
    """
    near = np.zeros((ink_counts.shape[0] + 2, ink_counts.shape[1] + 2), np.bool_)
    near[1:-1, 1:-1] = ink_counts > 0
    near = near[:-2] | near[1:-1] | near[2:]  # strokes have faint edges
    beside = ~(near[:, :-2] | near[:, 1:-1] | near[:, 2:])
    free = int(beside.sum())
    if free < beside.size // 20:
        return 0.0
    around = rows.copy()
    np.maximum(rows[1:], rows[:-1], out=around[1:])
    np.maximum(around[:-1], rows[1:], out=around[:-1])
    counts = squares(residue > (around - rows + np.uint8(FAINT))[:, None])[beside]
    noise = int(np.sort(counts)[free // 4])  # strokes leave a quarter of the squares alone, noise and grain none
    return float((counts >= MIN_SQUARE_FAINT_PX + 2.0 * noise).mean())


def judge_blank(ink: Mask, ink_counts: Squares, residue: Grey) -> tuple[bool, bool]:
    """Whether a face is blank, and whether that is in doubt.

    Blank is dust, ruling, holes and what shines through. In doubt: one lonely mark, much dust, or strokes just too
    faint for ink.
    """
    if int(inked(ink_counts).sum()) > FEW_SQUARES or int(ink_counts.sum(dtype=np.int64)) > TOO_MANY_PX:
        return False, False
    specks, marked_px = 0, 0
    for height, width, pixels in _blobs(ink):
        if max(height, width) < MARK_MM * MM:
            specks += pixels >= MIN_SQUARE_INK_PX
        elif min(height, width) < SOLID_MM * MM or pixels < SOLID_SHARE * height * width:
            marked_px += max(height, width)
    if marked_px:
        return False, marked_px < SURE_MM * MM
    nearly = int((squares(residue > NEARLY_INK) >= MIN_SQUARE_INK_PX).sum())
    return True, specks >= MANY_SPECKS or nearly >= 2 + specks


def _blobs(ink: Mask) -> Iterator[tuple[int, int, int]]:
    """Height, width and number of pixels of every group of pixels that touch, or nearly do. For little ink."""
    left = {(int(y), int(x)) for y, x in np.argwhere(ink)}
    while left:
        waiting = [left.pop()]
        blob = []
        while waiting:
            y, x = waiting.pop()
            blob.append((y, x))
            near = {(y + dy, x + dx) for dy in range(-2, 3) for dx in range(-2, 3)} & left
            left -= near
            waiting.extend(near)
        ys, xs = zip(*blob, strict=True)
        yield max(ys) - min(ys) + 1, max(xs) - min(xs) + 1, len(blob)


def fingerprint(counts: Squares, header_ends: float = 0.0) -> str | None:
    """How ink is spread over the page, in hex, for ``ingest.fingerprints``; None when there is next to none.

    Of the cosine transform around the ink's centre, which another scan moves along with everything: which waves are
    strongest, and the sign of each. A printed header, above ``header_ends``, is the same on every first page.
    """
    spread = counts.astype(np.float32)
    spread[: math.ceil(header_ends * len(spread))] = 0
    if int((spread >= MIN_SQUARE_INK_PX).sum()) < MIN_SQUARES:
        return None
    down, across = (_cosines(spread.sum(axis=axis)) for axis in (1, 0))
    waves = (down @ spread @ across.T).ravel()
    strength = np.abs(waves)
    strong = strength >= np.sort(strength)[-STRONGEST]
    return (np.packbits(strong).tobytes() + np.packbits(strong & (waves > 0)).tobytes()).hex()


def _cosines(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Waves 1 to 20 along a line of squares, in phase with the middle of its ink."""
    length = len(ink)
    places = np.arange(length, dtype=np.float32)
    from_middle = places - np.dot(places, ink) / ink.sum()
    waves = np.arange(1, WAVES + 1, dtype=np.float32) * np.float32(np.pi / length)
    return np.cos(np.outer(waves, from_middle + np.float32(length / 2)))
