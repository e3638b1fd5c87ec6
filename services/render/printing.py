"""Putting answer sheets together. Runs in the child process: a thousand copies keep a processor busy for seconds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

import pymupdf
import segno

from contracts.records.codes import PageCode
from services.render import skeleton
from services.render.answer_sheet import Form, Matrix, coded, printed, sides
from services.render.canvas import Canvas
from services.render.typeface import Reader
from services.render.wording import label
from services.render.writing import add_stream, written


def answer_sheets(
    _files: Sequence[str],
    _blob: bytes,
    *,
    exam_id: str,
    title: str,
    date: str | None,
    language: str,
    copies: Sequence[int],
    pages: int,
    layout: str,
    ruled: bool,
) -> tuple[dict[str, int], list[bytes]]:
    """The PDF to print: one copy after the other. The same arguments give the same bytes.

    ``copies`` are the copies' numbers, random, and all in which they differ; ``date`` is ISO 8601.

    Returns:
        ``page_count`` of the PDF, whose pages are printed sides.

    Raises:
        NotFoldable, TooManySheets.
    """
    form = Form(title, None if date is None else dt.date.fromisoformat(date), language, pages, ruled)
    order = sides(layout, len(copies), pages)
    with pymupdf.open(stream=skeleton.skeleton(), filetype="pdf") as doc:
        common = [add_stream(doc, printed(form, side).content(), "<<>>") for side in order]
        kids = []
        for copy_no in copies:
            for side, shared in zip(order, common, strict=True):
                symbols = [None if page is None else symbol(UUID(exam_id), copy_no, page) for page in side]
                kids.append(_add_page(doc, shared, coded(symbols, copy_no)))
        return {"page_count": len(kids)}, [_finished(doc, kids, form, layout)]


def symbol(exam_id: UUID, copy_no: int, page_no: int) -> Matrix:
    """The code of one page: QR version 4, level H, which repairs 30 % of it.

    The mask is fixed: choosing the best of eight takes six times as long, and readers correct far worse.
    """
    text = PageCode(exam_id, copy_no, page_no).to_text()
    code = segno.make(text, version=4, error="h", mode="alphanumeric", mask=3, boost_error=False)
    return [bytes(row) for row in code.matrix]


def _add_page(doc: pymupdf.Document, shared: int, own: Canvas) -> int:
    content = add_stream(doc, own.content(), "<<>>")
    page: int = doc.get_new_xref()
    doc.update_object(
        page,
        f"<</Type/Page/Parent {skeleton.PAGES} 0 R/MediaBox[0 0 {own.width:.3f} {own.height:.3f}]"
        f"/Resources {skeleton.RESOURCES} 0 R/Contents[{shared} 0 R {content} 0 R]>>",
    )
    return page


def _finished(doc: pymupdf.Document, kids: Sequence[int], form: Form, layout: str) -> bytes:
    """Viewers are told to print at full size, codes have one, and on both sides, along the fold or the long edge."""
    doc.update_object(
        skeleton.PAGES, f"<</Type/Pages/Kids[{' '.join(f'{page} 0 R' for page in kids)}]/Count {len(kids)}>>"
    )
    duplex = "DuplexFlipShortEdge" if layout == "a3" else "DuplexFlipLongEdge"
    catalogue = doc.pdf_catalog()
    doc.xref_set_key(catalogue, "ViewerPreferences", f"<</DisplayDocTitle true/PrintScaling/None/Duplex/{duplex}>>")
    doc.xref_set_key(catalogue, "Lang", f"({'fr-FR' if form.language == 'fr' else 'en-GB'})")
    info = int(doc.xref_get_key(-1, "Info")[1].split()[0])
    title = f"{label(form.language, 'answer_sheets')} – {Reader().line(form.title)}"
    doc.xref_set_key(info, "Title", pymupdf.get_pdf_str(title))
    return written(doc)
