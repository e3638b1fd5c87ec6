"""Looking into an upload before it is taken: accepted, accepted with doubts, or refused. Runs only in the child.

MuPDF opens nearly anything and shows what is missing as white, so that "it opened" says nothing: the pages are counted
where they stand, and what had to be guessed becomes a doubt that a person settles.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pymupdf

from contracts.errors.ingest import Damaged, EmptyFile, PageTooLarge, TooManyPages
from services.ingest.pixels import document as documents
from services.ingest.pixels import stored

MIN_SIDE_PT = 36
MAX_SIDE_PT = 4000  # A2 has 1684
LARGEST_PT = 14_400  # the largest page PDF 1.6 knows
MAX_ASPECT = 10
MAX_TREE_DEPTH = 64
MOST_DOUBTS = 20  # of one kind: enough to see what is wrong

_REFERENCE = re.compile(r"(\d+) \d+ R")
_NUMBER = re.compile(r"-?\d*\.?\d+")
# What MuPDF tells of files in which nothing is missing.
_HARMLESS = (
    "unknown PDF version",
    "garbage bytes before version marker",
    "gstate underflow",
    "bogus font",
    "... repeated",
)


@dataclass(frozen=True)
class Doubt:
    """Of the whole upload, or of one side. Codes are explained in the service's README."""

    code: str
    side_no: int | None = None


def check(document: pymupdf.Document, max_sides: int) -> tuple[int, list[Doubt]]:
    """The number of sides, and what a person must confirm.

    Raises:
        TooManyPages, EmptyFile, Damaged, PageTooLarge, UnsafeImage: it cannot be split faithfully or safely.
    """
    try:
        sides: int = document.page_count
    except RuntimeError as error:  # a count below zero or beyond all numbers
        raise Damaged(reason="pages", sides=[]) from error
    if sides > max_sides:
        raise TooManyPages(pages=sides, max=max_sides)
    leaves = _leaves(document, max_sides)
    if not leaves and not sides:
        raise EmptyFile
    if leaves != sides:
        raise Damaged(reason="pages", sides=[])
    if document.is_repaired and leaves < _pages_anywhere(document):
        raise Damaged(reason="pages", sides=[])
    doubts = [Doubt("file_repaired")] if document.is_repaired or grave_warnings() else []
    unlikely = [Doubt("paper_size", index + 1) for index in range(sides) if not _paper_is_likely(document, index)]
    for index in range(sides):
        stored.check(document, index)
    return sides, doubts + unlikely[:MOST_DOUBTS]


def grave_warnings() -> list[str]:
    """What MuPDF said since it was last asked, without what means nothing for the pages."""
    told = pymupdf.TOOLS.mupdf_warnings()
    return [line for line in told.splitlines() if line and not line.startswith(_HARMLESS)]


def _leaves(document: pymupdf.Document, max_sides: int) -> int:
    """How many pages really are in the tree: MuPDF believes /Count and shows pages that are not there as white.

    Raises:
        Damaged: the tree is none, or names pages that the file does not hold: those in ``sides``.
    """
    catalog = document.pdf_catalog()
    root = _reference(document, catalog, "Pages") if catalog > 0 else None
    if root is None:
        raise Damaged(reason="structure", sides=[])
    leaves, seen, missing = 0, set(), []
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        if node in seen or depth > MAX_TREE_DEPTH or leaves > max_sides:
            raise Damaged(reason="pages", sides=[])
        seen.add(node)
        kind = document.xref_get_key(node, "Type")[1] if 0 < node < document.xref_length() else ""
        if kind == "/Pages":
            waiting += [(kid, depth + 1) for kid in reversed(_kids(document, node))]
            continue
        leaves += 1
        if kind != "/Page":
            missing.append(leaves)
    if missing:
        raise Damaged(reason="pages", sides=missing)
    if document.xref_get_key(root, "Count")[1] != str(leaves):
        raise Damaged(reason="pages", sides=[])
    return leaves


def _kids(document: pymupdf.Document, node: int) -> list[int]:
    kind, value = document.xref_get_key(node, "Kids")
    if kind == "xref":
        value = document.xref_object(int(value.split()[0]))
    return [int(kid) for kid in _REFERENCE.findall(value)]


def _pages_anywhere(document: pymupdf.Document) -> int:
    """Pages in the file, in the tree or not: of a repaired file, those outside may be its lost ones."""
    return sum(document.xref_get_key(xref, "Type")[1] == "/Page" for xref in range(1, document.xref_length()))


def _reference(document: pymupdf.Document, xref: int, key: str) -> int | None:
    kind, value = document.xref_get_key(xref, key)
    return int(value.split()[0]) if kind == "xref" else None


def _paper_is_likely(document: pymupdf.Document, index: int) -> bool:
    """Whether the paper has a size, and one that a copier feeds.

    Scanners that know no resolution write a point for a pixel: a page larger than any paper is taken, with a doubt,
    when it is exactly one scan of that many pixels.

    Raises:
        PageTooLarge: no sheet of paper has that size or shape.
    """
    box = document[index].rect
    short, long = sorted((box.width, box.height))
    if short < MIN_SIDE_PT or long > LARGEST_PT or long > MAX_ASPECT * short:
        raise PageTooLarge(side_no=index + 1, reason="paper")
    if long > MAX_SIDE_PT:
        scan = documents.as_scan(document, index)
        if scan is None or abs(max(scan.width_px, scan.height_px) - long) > 1:
            raise PageTooLarge(side_no=index + 1, reason="paper")
        return False
    return _has_box(document, document.page_xref(index))


def _has_box(document: pymupdf.Document, xref: int) -> bool:
    """Whether the page or a node above it says its size; without one MuPDF takes a sheet of Letter."""
    for _ in range(MAX_TREE_DEPTH):
        kind, value = document.xref_get_key(xref, "MediaBox")
        if kind == "xref":
            value = document.xref_object(int(value.split()[0]))
        if kind != "null":
            numbers = [float(number) for number in _NUMBER.findall(value)]
            return len(numbers) == 4 and numbers[0] != numbers[2] and numbers[1] != numbers[3]
        parent = _reference(document, xref, "Parent")
        if parent is None:
            return False
        xref = parent
    return False
