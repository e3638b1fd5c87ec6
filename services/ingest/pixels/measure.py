"""What a page says about itself: tilt, ink, which way up, where its header is. Runs only in the child process.

Every length is in millimetres or in pixels of one *measuring grid* of 75 dpi: fine enough for a pencil stroke,
small enough for a few milliseconds a page.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from services.ingest.pixels.header import Header, find_header

Grey = NDArray[np.uint8]

GRID_DPI = 75
MM = GRID_DPI / 25.4  # grid pixels in a millimetre

# Contrast against the paper around, in grey levels of 255.
INK = 32  # a pencil stroke keeps 35 and more on the grid; show-through and ruling stay below 28
EDGE_SHARE = 0.04  # of width and height: shadows, punched holes and the neighbour's gutter are no evidence

CELL_PX = 12  # 4 mm: one written character
MIN_CELL_INK_PX = 4
# One inked cell is a speck of dust; two characters already fill two.
BLANK_BELOW_CELLS = 2

MAX_SKEW_DEG = 2.0


@dataclass(frozen=True)
class Face:
    """One A4 face as it stands on the grid.

    ``lean`` says which way up: positive upright, negative upside down, near 0 undecided; a header settles it alone.
    ``header`` is on the face as it stands, ``turned_header`` on the face turned by half a turn.
    """

    skew_deg: float
    ink_cells: int
    lean: float
    header: Header | None
    turned_header: Header | None

    @property
    def blank(self) -> bool:
        return self.ink_cells < BLANK_BELOW_CELLS


def measure(grey: Grey) -> Face:
    """Look at one A4 face, ink dark on light, portrait, (height, width) on the grid."""
    contrast = against_paper(grey)
    skew_deg = find_skew(contrast)
    if abs(skew_deg) >= 0.1:
        contrast = np.asarray(Image.fromarray(contrast).rotate(skew_deg))
    rows = np.median(contrast[:, ::8], axis=1)  # every eighth pixel is enough for a median, and eight times as fast
    ink = written(contrast, rows)
    header = find_header(contrast, MM)
    turned = find_header(np.ascontiguousarray(contrast[::-1, ::-1]), MM) if header is None else None
    lean = 2.5 * margin_lean(contrast) + alignment_lean(ink) + 0.5 * ruling_lean(rows)
    return Face(skew_deg, inked_cells(ink), lean, header, turned)


def against_paper(grey: Grey) -> Grey:
    """How much darker each pixel is than the paper around it: shadows, yellowing and vignettes fall away."""
    page = Image.fromarray(grey)
    paper = np.pad(np.asarray(page.reduce(8)), 2, mode="edge")
    # The brightest block within two blocks, 13 mm across: wider than any stroke, narrower than any shadow.
    for _ in range(2):
        paper = np.maximum(np.maximum(paper[:-2], paper[1:-1]), paper[2:])
        paper = np.maximum(np.maximum(paper[:, :-2], paper[:, 1:-1]), paper[:, 2:])
    return np.asarray(ImageChops.subtract(Image.fromarray(paper).resize(page.size, Image.Resampling.BILINEAR), page))


def find_skew(contrast: Grey) -> float:
    """Tilt of ruling and writing, degrees; positive when rows slide down to the right.

    Twelve vertical strips are slid against each other: the right slide piles lines onto lines and gives the
    sharpest row profile. Within a strip a tilt of 1 degree is less than a pixel.
    """
    height, width = contrast.shape
    strips = 12
    usable = contrast[:, : width // strips * strips].reshape(height, strips, -1)
    # Clipped so that one black bar (a fold's shadow) does not outvote every line of the page.
    rows = np.ascontiguousarray(np.minimum(usable, 96).sum(axis=2, dtype=np.int32).T)
    centres = (np.arange(strips) + 0.5 - strips / 2) * (width // strips)
    pad = int(np.tan(np.radians(MAX_SKEW_DEG)) * width / 2) + 2
    inner = np.arange(pad, height - pad)

    def sharpness(degrees: NDArray[np.float64]) -> NDArray[np.int64]:
        slides = np.rint(np.tan(np.radians(degrees))[:, None] * centres).astype(np.intp)
        places = slides[:, :, None] + (inner + np.arange(strips)[:, None] * height)
        profiles = rows.ravel()[places].sum(axis=1, dtype=np.int64)
        sharp: NDArray[np.int64] = np.square(np.diff(profiles)).sum(axis=1)
        return sharp

    coarse_degrees = np.linspace(-MAX_SKEW_DEG, MAX_SKEW_DEG, 17)
    coarse = sharpness(coarse_degrees)
    fine_degrees = coarse_degrees[coarse.argmax()] + np.linspace(-0.2, 0.2, 9)
    fine = sharpness(fine_degrees)
    # A page without lines has no sharpest angle worth turning for.
    return float(fine_degrees[fine.argmax()]) if fine.max() > 1.15 * coarse[len(coarse) // 2] else 0.0


def written(contrast: Grey, rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where there is ink: printed ruling is uniform along its row or column and is taken off first.

    ``rows``: the median of each row.
    """
    columns = np.median(np.ascontiguousarray(contrast[::8].T), axis=1).astype(np.int16)
    ink: NDArray[np.bool_] = contrast > rows.astype(np.int16)[:, None] + columns + INK
    height, width = ink.shape
    dy, dx = int(height * EDGE_SHARE), int(width * EDGE_SHARE)
    ink[:dy] = ink[-dy:] = False
    ink[:, :dx] = ink[:, -dx:] = False
    return ink


def inked_cells(ink: NDArray[np.bool_]) -> int:
    """Squares of 4 mm with a stroke in them."""
    share = np.asarray(Image.fromarray(ink.view(np.uint8) * np.uint8(255)).reduce(CELL_PX))
    return int((share >= 255 * MIN_CELL_INK_PX // CELL_PX**2).sum())


def margin_lean(contrast: Grey) -> float:
    """+1: the printed margin line stands at the left; -1: at the right; 0: there is none, or two.

    A margin line is darker than both neighbours in nearly every band of the page's height, even where it is faint.
    """
    height, width = contrast.shape
    bands = 16
    usable = contrast[: height // bands * bands].reshape(bands, -1, width)
    columns = usable.mean(axis=1, dtype=np.float32)
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


def alignment_lean(ink: NDArray[np.bool_]) -> float:
    """Writing starts in line at the left and ends ragged at the right: log of the ratio of the two spreads."""
    rows = ink.sum(axis=1) >= 3
    edges = np.flatnonzero(np.diff(np.concatenate(([False], rows, [False]))))
    starts, ends = [], []
    for top, bottom in zip(edges[::2], edges[1::2], strict=True):
        if not 1.2 * MM <= bottom - top <= 12 * MM:
            continue
        columns = np.flatnonzero(ink[top:bottom].any(axis=0))
        if columns[-1] - columns[0] > 10 * MM:
            starts.append(columns[0])
            ends.append(columns[-1])
    if len(starts) < 4:
        return 0.0
    spread = [float(np.subtract(*np.percentile(side, (75, 25)))) for side in (starts, ends)]
    weight = min(1.0, len(starts) / 8)
    return weight * float(np.log((spread[1] + 2 * MM) / (spread[0] + 2 * MM)))


def ruling_lean(rows: NDArray[np.float64]) -> float:
    """Ruled paper keeps more room above its first line than below its last: +1, -1 or 0 when there is no ruling."""
    ruled = np.flatnonzero(rows >= 4)
    if len(ruled) < 10:
        return 0.0
    above, below = float(ruled[0]), float(len(rows) - 1 - ruled[-1])
    if abs(above - below) < 4 * MM:
        return 0.0
    return 1.0 if above > below else -1.0


def find_fold(grey: Grey) -> float:
    """Share of an A3 side's width where its fold is: the darkest column within 2.5 % of the middle, else the middle."""
    height, width = grey.shape
    reach = round(width * 0.025)
    first = width // 2 - reach
    band = grey[height // 20 : -height // 20, first : first + 2 * reach].mean(axis=0, dtype=np.float32)
    # A tilted fold is a smear of some columns: look for the middle of the smear.
    smooth = np.convolve(np.pad(band, 4, mode="edge"), np.full(9, 1 / 9, np.float32), mode="valid")
    if np.median(smooth) - smooth.min() < 4:
        return 0.5
    return float((first + int(smooth.argmin()) + 0.5) / width)
