"""The uploaded PDF: opening it, and which pages are one scan image. Runs only in the child process."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from pathlib import Path

import pymupdf

from contracts import files
from contracts.errors.ingest import Damaged, EmptyFile, Encrypted, NotAPdf
from services.ingest.pixels import jpeg

TAIL = 4096  # holds the trailer

_NUMBER = rb"[-+]?(?:\d+\.?\d*|\.\d+)"
_ONE_IMAGE = re.compile(
    rb"\s*(?:q\s+)*" + rb"\s+".join([rb"(" + _NUMBER + rb")"] * 6) + rb"\s+cm\s+/(\S+)\s+Do\s*(?:Q\s*)*"
)


@dataclass(frozen=True)
class Scan:
    """A page that is exactly one full-page, axis-aligned image, and how that image is stored.

    ``kind`` is ``jpeg`` or ``fax``; ``turn_deg`` is the page's own /Rotate, clockwise. ``stream``: the stored JPEG.
    """

    kind: str
    xref: int
    width_px: int
    height_px: int
    grey: bool
    turn_deg: int
    stream: bytes = field(default=b"", repr=False)


def open_pdf(path: str) -> pymupdf.Document:
    """Open a file that begins like a PDF and is one; anything else is refused before a parser guesses."""
    with Path(path).open("rb") as file:
        head = file.read(files.HEAD)
        file.seek(max(0, file.seek(0, io.SEEK_END) - TAIL))
        tail = file.read()
    if not head:
        raise EmptyFile
    if files.kind_of(head) != files.PDF:
        raise NotAPdf
    pymupdf.TOOLS.reset_mupdf_warnings()
    try:
        document = pymupdf.open(path, filetype="pdf")
        if not document.is_pdf:
            raise NotAPdf
        if document.needs_pass or document.is_encrypted:
            raise Encrypted
        return document
    except (pymupdf.FileDataError, pymupdf.EmptyFileError) as error:
        if b"/Encrypt" in tail:  # a lock that MuPDF does not know
            raise Encrypted from error
        raise Damaged(reason="structure", sides=[]) from error


def as_scan(document: pymupdf.Document, index: int, page: pymupdf.Page | None = None) -> Scan | None:
    """The scan a page consists of, when showing its stored image shows the page; ``None`` means: draw the page."""
    page = document[index] if page is None else page
    if page.first_annot is not None or page.first_widget is not None:
        return None
    content = _ONE_IMAGE.fullmatch(page.read_contents())
    images = document.get_page_images(index, full=True)
    if content is None or len(images) != 1:
        return None
    xref, soft_mask, width, height, bits, space, _, name, filters, _ = images[0]
    if content[7].decode("latin-1") != name or soft_mask or not _covers(page, [float(n) for n in content.groups()[:6]]):
        return None
    if any(document.xref_get_key(xref, key)[0] != "null" for key in ("Decode", "Mask", "ImageMask")):
        return None
    if document.xref_get_key(document.page_xref(index), "UserUnit")[0] != "null":
        return None
    turn = page.rotation % 360
    if filters == "DCTDecode" and bits == 8 and space in ("DeviceGray", "DeviceRGB", "ICCBased", "CalRGB", "CalGray"):
        stream = bytes(document.xref_stream_raw(xref))
        head = jpeg.read_head(stream)
        if head is None or not head.plain:
            return None
        return Scan("jpeg", xref, head.width_px, head.height_px, head.components == 1, turn, stream)
    if filters == "CCITTFaxDecode" and bits == 1 and space in ("DeviceGray", "CalGray"):
        return Scan("fax", xref, width, height, True, turn)
    return None


def _covers(page: pymupdf.Page, matrix: list[float]) -> bool:
    a, b, c, d, e, f = matrix
    if b or c or a <= 0 or d <= 0:
        return False
    to = page.transformation_matrix
    crop = page.cropbox
    xs = sorted(x * to.a + y * to.c + to.e for x, y in ((e, f), (e + a, f + d)))
    ys = sorted(x * to.b + y * to.d + to.f for x, y in ((e, f), (e + a, f + d)))
    slack = 0.005 * max(crop.width, crop.height)
    return all(abs(distance) <= slack for distance in (xs[0], ys[0], xs[1] - crop.width, ys[1] - crop.height))
