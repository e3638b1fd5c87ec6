"""The uploaded PDF: what is refused, and which pages are one scan image. Runs only in the child process."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pymupdf

from contracts.errors.ingest import (
    Damaged,
    EmptyFile,
    Encrypted,
    NotAPdf,
    PageTooLarge,
    TooManyPages,
    UnsafeImage,
)
from services.ingest.pixels import jpeg

OTHER_MAGIC = (b"PK", b"MZ", b"<", b"\x89PNG", b"GIF8", b"\xff\xd8", b"II*\0", b"MM\0*", b"RIFF", b"\x7fELF", b"{")
MIN_SIDE_PT = 36
MAX_SIDE_PT = 14_400  # the largest page PDF 1.6 knows
MAX_ASPECT = 10
MAX_PIXELS = 120_000_000  # A3 at 600 dpi has 70 million
# A baseline colour JPEG has 1 to 3 scans, a progressive one about 10; 2000 of them keep a decoder busy for minutes.
MAX_JPEG_SCANS = 32
MAX_TREE_DEPTH = 64
REPORTED_SIDES = 20

_NUMBER = rb"[-+]?(?:\d+\.?\d*|\.\d+)"
_ONE_IMAGE = re.compile(
    rb"\s*(?:q\s+)*" + rb"\s+".join([rb"(" + _NUMBER + rb")"] * 6) + rb"\s+cm\s+/(\S+)\s+Do\s*(?:Q\s*)*"
)
_REFERENCE = re.compile(r"(\d+) \d+ R")


@dataclass(frozen=True)
class Scan:
    """A page that is exactly one full-page, axis-aligned image, and how that image is stored.

    ``kind`` is ``jpeg`` or ``fax``; ``turn_deg`` is the page's own /Rotate, clockwise.
    """

    kind: str
    xref: int
    width_px: int
    height_px: int
    grey: bool
    turn_deg: int


def open_pdf(path: str) -> pymupdf.Document:
    """Open a file that begins like a PDF and is one; anything else is refused before a parser guesses."""
    with Path(path).open("rb") as file:
        head = file.read(1024)
    if not head:
        raise EmptyFile
    if b"%PDF-" not in head or head.startswith(OTHER_MAGIC):
        raise NotAPdf
    try:
        document = pymupdf.open(path, filetype="pdf")
        if not document.is_pdf:
            raise NotAPdf
        if document.needs_pass or document.is_encrypted:
            raise Encrypted
        return document
    except (pymupdf.FileDataError, pymupdf.EmptyFileError) as error:
        raise Damaged(reason="structure", sides=[]) from error


def check(document: pymupdf.Document, max_sides: int) -> int:
    """Refuse what cannot be split faithfully; the number of sides otherwise. Reads every image, decodes none."""
    sides: int = document.page_count
    if sides > max_sides:
        raise TooManyPages(pages=sides, max=max_sides)
    if document.is_repaired:
        raise Damaged(reason="structure", sides=[])
    if sides == 0:
        raise EmptyFile
    if _count_leaves(document, max_sides) != sides:
        raise Damaged(reason="pages", sides=[])
    damaged = []
    for index in range(sides):
        _check_paper(document, index)
        if not _images_whole(document, index):
            damaged.append(index + 1)
    if damaged:
        raise Damaged(reason="image", sides=damaged[:REPORTED_SIDES])
    return sides


def _count_leaves(document: pymupdf.Document, max_sides: int) -> int:
    """Pages that really are in the tree: MuPDF believes /Count and shows pages that are not there as white."""
    root = _reference(document, document.pdf_catalog(), "Pages")
    if root is None:
        raise Damaged(reason="structure", sides=[])
    leaves, seen, waiting = 0, set(), [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        if node in seen or depth > MAX_TREE_DEPTH or leaves > max_sides or not 0 < node < document.xref_length():
            raise Damaged(reason="pages", sides=[])
        seen.add(node)
        kind = document.xref_get_key(node, "Type")[1]
        if kind == "/Page":
            leaves += 1
            continue
        kids = document.xref_get_key(node, "Kids")
        if kind != "/Pages" or kids[0] not in ("array", "xref"):
            raise Damaged(reason="pages", sides=[])
        listing = document.xref_object(int(kids[1].split()[0])) if kids[0] == "xref" else kids[1]
        waiting += [(int(kid), depth + 1) for kid in _REFERENCE.findall(listing)]
    counted = document.xref_get_key(root, "Count")[1]
    return leaves if counted == str(leaves) else -1


def _reference(document: pymupdf.Document, xref: int, key: str) -> int | None:
    kind, value = document.xref_get_key(xref, key)
    return int(value.split()[0]) if kind == "xref" else None


def _check_paper(document: pymupdf.Document, index: int) -> None:
    box = document[index].rect
    short, long = sorted((box.width, box.height))
    if short < MIN_SIDE_PT or long > MAX_SIDE_PT or long > MAX_ASPECT * short:
        raise PageTooLarge(side_no=index + 1, reason="paper")


def _images_whole(document: pymupdf.Document, index: int) -> bool:
    """Whether every image of a page is all there. MuPDF draws what is missing of a cut JPEG as white, silently."""
    for xref, _, width, height, *_, filters, _ in document.get_page_images(index, full=True):
        if width * height > MAX_PIXELS:
            raise PageTooLarge(side_no=index + 1, reason="pixels")
        if filters != "DCTDecode":
            continue
        raw = document.xref_stream_raw(xref)
        if raw is None or not jpeg.is_whole(raw):
            return False
        head = jpeg.read_head(raw)  # the dictionary may lie about the size, the decoder believes the stream
        if head is not None and head.width_px * head.height_px > MAX_PIXELS:
            raise PageTooLarge(side_no=index + 1, reason="pixels")
        if jpeg.count_scans(raw) > MAX_JPEG_SCANS:
            raise UnsafeImage(side_no=index + 1)
    return True


def as_scan(document: pymupdf.Document, index: int) -> Scan | None:
    """The scan a page consists of, when showing its stored image shows the page; ``None`` means: draw the page."""
    page = document[index]
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
        head = jpeg.read_head(document.xref_stream_raw(xref))
        if head is None or not head.plain:
            return None
        return Scan("jpeg", xref, head.width_px, head.height_px, head.components == 1, turn)
    if filters == "CCITTFaxDecode" and bits == 1 and space in ("DeviceGray", "CalGray"):
        return Scan("fax", xref, width, height, True, turn)
    return None


def _covers(page: pymupdf.Page, matrix: list[float]) -> bool:
    a, b, c, d, e, f = matrix
    if b or c or a <= 0 or d <= 0:
        return False
    placed = pymupdf.Rect(e, f, e + a, f + d) * page.transformation_matrix
    paper = pymupdf.Rect(0, 0, page.cropbox.width, page.cropbox.height)
    slack = 0.005 * max(paper.width, paper.height)
    at = placed.normalize()
    return all(
        abs(distance) <= slack for distance in (at.x0 - paper.x0, at.y0 - paper.y0, at.x1 - paper.x1, at.y1 - paper.y1)
    )
