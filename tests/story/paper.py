"""Looking at a final PDF with other eyes than the ones that made it."""

from __future__ import annotations

import hashlib

import numpy as np
import pymupdf
import pypdfium2 as pdfium

Frame = tuple[float, float, float, float]


def image_digests(pdf: bytes) -> list[list[str]]:
    """SHA-256 of every image stream as stored, page by page."""
    with pymupdf.open(stream=pdf, filetype="pdf") as document:
        return [
            [hashlib.sha256(document.xref_stream_raw(image[0])).hexdigest() for image in page.get_images(full=True)]
            for page in document
        ]


def text(pdf: bytes, page_no: int) -> str:
    document = pdfium.PdfDocument(pdf)
    try:
        return str(document[page_no - 1].get_textpage().get_text_bounded())
    finally:
        document.close()


def page_sizes(pdf: bytes) -> list[tuple[float, float]]:
    document = pdfium.PdfDocument(pdf)
    try:
        return [(page.get_width(), page.get_height()) for page in document]
    finally:
        document.close()


def coloured_frame(pdf: bytes, page_no: int) -> Frame:
    """Smallest frame (left, top, right, bottom; points) around what is not grey: the scan is, our ink is not."""
    document = pdfium.PdfDocument(pdf)
    try:
        pixels = document[page_no - 1].render(scale=4).to_numpy().astype(int)
    finally:
        document.close()
    colourful = (pixels[..., :3].max(axis=2) - pixels[..., :3].min(axis=2)) > 24
    rows, columns = np.flatnonzero(colourful.any(axis=1)), np.flatnonzero(colourful.any(axis=0))
    return columns[0] / 4, rows[0] / 4, (columns[-1] + 1) / 4, (rows[-1] + 1) / 4


def scan_alone(pdf: bytes, page_no: int, height_px: int) -> np.ndarray:
    """The page as a small grey picture without our ink: the brightest channel of what is coloured is nearly white."""
    document = pdfium.PdfDocument(pdf)
    try:
        page = document[page_no - 1]
        return page.render(scale=height_px / page.get_height()).to_numpy()[..., :3].max(axis=2).astype(float)
    finally:
        document.close()
