"""Make a scanned strip comparable: paper white, rules level, and a map of where ink and printed rules are.

Runs only in the child process. Images are numpy arrays (height_px, width_px), uint8, ink dark on light; masks are
boolean, True where there is ink. Lengths are shares of the strip's width, so that the resolution does not matter:
a strip is about as wide as an A4 page, 210 mm.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from contracts.errors.ocr import UnreadableImage

Grey = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

MM = 1 / 210  # as a share of the width
# A header is a strip of a page; a whole A3 side at 300 dpi has 17 Mpx and is still served.
MAX_PIXELS = 40_000_000
MAX_WIDTH_PX = 1700  # 210 mm at 205 dpi; more adds time, not certainty (paper at 300 dpi read no better)
MAX_SKEW_DEG = 3.0
SKEW_STEP_DEG = 0.05  # over the longest rule, 150 mm, this drifts 0.13 mm: one pixel at 200 dpi
ROUGH_STEP_DEG = 0.2
ROUGH_ROWS = 4  # summed together for the rough search: a rule stays in one of them between two rough steps
ROUGH_BEST = 4  # angles worth a finer look
SKEW_COLUMNS = 48
INK = 0.78  # darker than this share of the paper around it; pencil at 200 dpi stays below 0.7
WHITER = 1.08  # pushes the paper's grain to plain white
RULE = 22 * MM  # shortest printed rule; handwriting has no straight stroke of 22 mm


@dataclass(frozen=True)
class Strip:
    """Level, on white. ``rules`` are the pixels of long printed lines, which are ink too."""

    grey: Grey
    ink: Mask
    rules: Mask

    @property
    def mm(self) -> float:
        """Pixels per millimetre."""
        return float(self.grey.shape[1] * MM)


def load(data: bytes) -> Image.Image:
    """Grey, at most MAX_WIDTH_PX wide. Raises: UnreadableImage: not an image, or larger than MAX_PIXELS."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableImage(reason="too_large")
            image.draft("L", (MAX_WIDTH_PX, MAX_WIDTH_PX * image.height // image.width))
            grey = image.convert("L")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise UnreadableImage(reason="not_an_image") from None
    if grey.width > MAX_WIDTH_PX:
        grey = grey.resize((MAX_WIDTH_PX, max(1, grey.height * MAX_WIDTH_PX // grey.width)), Image.Resampling.BOX)
    return grey


def straighten(image: Image.Image) -> Strip:
    """A strip of any size, even one pixel. What is too bent to be a rule is left as ink."""
    grey = _flatten(np.asarray(image, np.uint8))
    angle = skew(grey < 255 * INK)
    if abs(angle) >= SKEW_STEP_DEG:
        # Pillow turns anticlockwise, so a clockwise slope is undone by its own value.
        turned = Image.fromarray(grey).rotate(angle, Image.Resampling.BILINEAR, fillcolor=255)
        grey = np.asarray(turned, np.uint8)
    ink = grey < 255 * INK
    return Strip(grey, ink, long_runs(ink, round(RULE * grey.shape[1])))


def skew(ink: Mask) -> float:
    """Slope of the rules and lines of writing in degrees, clockwise positive, within MAX_SKEW_DEG.

    The strip is summed row by row in narrow columns; at the right slope the shifted sums pile up in few rows. First
    with rows taken together and in rough steps, then finely around the best few: where there is no rule, a rough
    look alone is wrong by more than half a degree on every second strip.
    """
    width = ink.shape[1]
    step = max(1, width // SKEW_COLUMNS)
    profiles = np.add.reduceat(ink, np.arange(0, min(width, step * SKEW_COLUMNS), step), axis=1, dtype=np.int32).T
    distances = np.arange(len(profiles)) * step - width / 2
    rough = np.add.reduceat(profiles, np.arange(0, profiles.shape[1], ROUGH_ROWS), axis=1)
    most = round(MAX_SKEW_DEG / SKEW_STEP_DEG)
    every = round(ROUGH_STEP_DEG / SKEW_STEP_DEG)
    about = sorted(range(-most, most + 1, every), key=lambda n: -_piled(rough, distances / ROUGH_ROWS, n))[:ROUGH_BEST]
    near = {n + by for n in about for by in range(-every, every + 1)} & set(range(-most, most + 1)) | {0}
    piled = {n: _piled(profiles, distances, n) for n in near}
    highest = max(piled.values())
    return SKEW_STEP_DEG * min((n for n in near if piled[n] >= highest / 1.0001), key=abs)


def _piled(profiles: npt.NDArray[np.int32], distances: npt.NDArray[np.float64], steps: int) -> float:
    """How high the profiles pile up at ``steps`` of SKEW_STEP_DEG; ``distances`` from the middle in rows."""
    shifts = np.round(np.tan(np.radians(steps * SKEW_STEP_DEG)) * distances).astype(int)
    reach = int(np.abs(shifts).max())
    padded = np.pad(profiles, ((0, 0), (reach, reach)))
    rows = np.arange(profiles.shape[1]) + reach + shifts[:, np.newaxis]
    sums = padded[np.arange(len(profiles))[:, np.newaxis], rows].sum(axis=0, dtype=np.int64)
    return float((sums**2).sum())


def long_runs(ink: Mask, length: int) -> Mask:
    """The pixels of horizontal strokes at least ``length`` long, one pixel of wobble and 10 % of gaps allowed."""
    length = max(2, length)
    found = np.zeros_like(ink)
    if ink.shape[1] <= length:
        return found
    thick = ink.copy()
    thick[1:] |= ink[:-1]
    thick[:-1] |= ink[1:]
    rows = np.flatnonzero(thick.sum(axis=1, dtype=np.int32) >= 0.9 * length)
    thick = thick[rows]
    sums = np.pad(np.cumsum(thick, axis=1, dtype=np.int32), ((0, 0), (1, 0)))
    starts = sums[:, length:] - sums[:, :-length] >= 0.9 * length
    # A pixel belongs to a run when any window that covers it is full: count windows opened minus windows closed.
    marks = np.zeros((len(rows), ink.shape[1] + 1), np.int32)
    marks[:, : starts.shape[1]] += starts
    marks[:, length : length + starts.shape[1]] -= starts[:, : marks.shape[1] - length]
    found[rows] = (np.cumsum(marks, axis=1)[:, :-1] > 0) & thick
    return found


def spans(flags: Mask | np.bool_, gap: int = 0) -> list[tuple[int, int]]:
    """Stretches of True as (start, end); stretches closer than ``gap`` count as one."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], np.atleast_1d(flags), [False])).astype(np.int8)))
    found: list[tuple[int, int]] = []
    for start, end in edges.reshape(-1, 2):
        if found and start - found[-1][1] <= gap:
            found[-1] = (found[-1][0], int(end))
        else:
            found.append((int(start), int(end)))
    return found


def without(grey: Grey, lines: Mask) -> Grey:
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
    every = tiles[:, ::3, :, ::3]  # a ninth of the pixels says as much about paper, in a ninth of the time
    paper = np.percentile(every, 90, axis=(1, 3)).astype(np.float32)
    gain = Image.fromarray(255 * WHITER / np.maximum(paper, 1)).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(np.minimum(np.asarray(gain, np.float32) * grey, 255), np.uint8)
