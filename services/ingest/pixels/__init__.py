"""The tasks of ingest's child process: look into an upload, cut its sides, show a page.

Nothing outside this package imports PyMuPDF, NumPy or Pillow, and nothing in it knows a database, the bus or the
store: files come as descriptors, images go back as bytes. A task is ``(files, blob, **params) -> (json, blobs)``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from contracts.errors.ingest import NotFound
from services.ingest.pixels import archive, checking, document, jpeg
from services.ingest.pixels.cutting import READING_QUALITY, Cutter
from services.ingest.pixels.masking import masked_pixels, shown_pixels
from services.ingest.pixels.sides import Side, turned

Answer = tuple[dict[str, Any], list[bytes]]

FULL_QUALITY = 85
TOGETHER = 4  # sides in memory at once; a grey A3 side at 200 dpi takes 6 MB


def inspect(files: Sequence[str], _blob: bytes, *, max_sides: int) -> Answer:
    """Refuse what cannot be split faithfully, else say how many sides there are and what a person must confirm.

    Returns:
        ``{"sides": 12, "doubts": [{"code": "paper_size", "side_no": 3 | null}]}``
    """
    with document.open_pdf(files[0]) as pdf:
        sides, doubts = checking.check(pdf, max_sides)
        return {"sides": sides, "doubts": [vars(doubt) for doubt in doubts]}, []


def entries(files: Sequence[str], _blob: bytes) -> Answer:
    """The files of a zip, or a refusal: ``{"entries": [{"place": 0, "name": "a.pdf"}]}``."""
    return {"entries": archive.listed(files[0])}, []


def cut(files: Sequence[str], _blob: bytes, *, first_side: int, last_side: int, spreads: bool) -> Answer:
    """Measure and cut some sides, one after the other; ``spreads``: landscape sides show two faces.

    Returns:
        ``{"sides": [...]}`` as ``cutting.Cutter`` describes a side; image entries name a blob by its index.
    """
    with document.open_pdf(files[0]) as pdf:
        cutter = Cutter()
        for first in range(first_side, last_side + 1, TOGETHER):
            numbers = range(first, min(first + TOGETHER, last_side + 1))
            cutter.add({side_no: Side(pdf, side_no - 1, spreads=spreads) for side_no in numbers})
        return {"sides": cutter.sides}, cutter.blobs


def full(
    files: Sequence[str],
    _blob: bytes,
    *,
    side_no: int,
    spreads: bool,
    clip: Sequence[float],
    turn_deg: int,
    header: Sequence[float] | None,
    covered: Sequence[Sequence[float]],
) -> Answer:
    """One page at the scan's own resolution, upright, without its ``header`` and what is ``covered`` (boxes)."""
    with document.open_pdf(files[0]) as pdf:
        if not 1 <= side_no <= pdf.page_count:
            raise NotFound
        pixels = Side(pdf, side_no - 1, spreads=spreads).pixels(None)
    height, width = pixels.shape[:2]
    x, y, w, h = clip
    part = pixels[round(y * height) : round((y + h) * height), round(x * width) : round((x + w) * width)]
    page = shown_pixels(turned(part, turn_deg), header, covered)
    return _size(page), [jpeg.encode(page, FULL_QUALITY)]


def turn(_files: Sequence[str], blob: bytes, *, sizes: Sequence[int], turn_deg: int) -> Answer:
    """Turn JPEG images clockwise; ``blob`` holds them back to back."""
    pages = [turned(page, turn_deg) for page in _decoded(blob, sizes)]
    return {"images": [_size(page) for page in pages]}, [jpeg.encode(page, FULL_QUALITY) for page in pages]


def hide(_files: Sequence[str], blob: bytes, *, sizes: Sequence[int], share: float) -> Answer:
    """The upper ``share`` of a page painted over on each of its images (JPEG, back to back), then that part of the
    first, for whoever reads names.
    """
    box = [0.0, 0.0, 1.0, share]
    pages = _decoded(blob, sizes)
    upper = pages[0][: round(share * len(pages[0]))]
    shown = [*(masked_pixels(page, box) for page in pages), upper]
    qualities = [*(FULL_QUALITY for _ in pages), READING_QUALITY]
    images = [jpeg.encode(each, quality) for each, quality in zip(shown, qualities, strict=True)]
    return {"images": [_size(each) for each in shown]}, images


def cover(
    _files: Sequence[str],
    blob: bytes,
    *,
    sizes: Sequence[int],
    header: Sequence[float] | None,
    covered: Sequence[Sequence[float]],
) -> Answer:
    """Images of one page (JPEG, back to back) without its ``header`` and what is ``covered`` (boxes)."""
    pages = [shown_pixels(page, header, covered) for page in _decoded(blob, sizes)]
    return {"images": [_size(page) for page in pages]}, [jpeg.encode(page, FULL_QUALITY) for page in pages]


def _decoded(blob: bytes, sizes: Sequence[int]) -> list[jpeg.Pixels]:
    pages, at = [], 0
    for size in sizes:
        raw = blob[at : at + size]
        at += size
        head = jpeg.read_head(raw)
        pixels, _ = jpeg.decode(raw, grey=head is not None and head.components == 1, min_height_px=1 << 15)
        pages.append(pixels)
    return pages


def _size(pixels: np.ndarray[Any, Any]) -> dict[str, int]:
    return {"width_px": pixels.shape[1], "height_px": pixels.shape[0]}
