"""Putting a final PDF together. Runs only in the child process: it reads untrusted scans with native code.

Each side of the scan becomes a form XObject that shares the upload's image streams byte for byte; each page of the
record shows its part of one, upright, and carries one content stream of ours. Nothing else of the upload comes along:
no page dictionary, so no annotation, action or attachment.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pymupdf
from pydantic import ValidationError
from pymupdf import mupdf

from contracts.errors.render import PageDamaged, PageMissing, RecordUnreadable, ScanUnreadable
from contracts.records.marking import MarkingRecord, RecordedAnnotation, RecordedPage
from services.render import ink, sheet, skeleton
from services.render.canvas import Canvas
from services.render.geometry import Side, place, quarter_turn, visible
from services.render.inventory import cut_short, damaged, strip_active
from services.render.printing import answer_sheets as answer_sheets  # a task of this child too
from services.render.typeface import Reader
from services.render.wording import label
from services.render.writing import add_stream, written

pymupdf.TOOLS.mupdf_display_errors(False)
pymupdf.TOOLS.mupdf_display_warnings(False)

_NO_MEMORY = re.compile(r"malloc|calloc|realloc|out of memory", re.IGNORECASE)


def compose(
    files: Sequence[str], blob: bytes, *, uploads: Sequence[str], record_sha256: str
) -> tuple[dict[str, int], list[bytes]]:
    """Make the final PDF of one marking record. The same arguments give the same bytes.

    Args:
        files: the uploads, readable; may be large, only what the record shows is read.
        blob: the MarkingRecord v1 as stored.
        uploads: sha256 of each file, in the same order.
        record_sha256: of ``blob``; becomes the document's /ID.

    Returns:
        ``page_count``, and ``replaced``: how many characters the typefaces lack and show as a sign; one blob, the PDF.

    Raises:
        RecordUnreadable, ScanUnreadable, PageMissing, PageDamaged: there is no complete document to make.
        MemoryError: whichever allocator said so.
    """
    record = _read_record(blob)
    try:
        with _Assembly(record, dict(zip(uploads, files, strict=True))) as assembly:
            assembly.draw_pages()
            assembly.draw_sheet()
            return assembly.finish(record_sha256)
    except mupdf.FzErrorBase as error:
        if _NO_MEMORY.search(str(error)):
            raise MemoryError from error
        raise


def _read_record(blob: bytes) -> MarkingRecord:
    try:
        record = MarkingRecord.model_validate_json(blob)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise RecordUnreadable(problem=".".join(map(str, first["loc"])) or first["type"]) from error
    numbers = [page.page_no for page in record.pages]
    if not numbers:
        raise RecordUnreadable(problem="no pages")
    if len(set(numbers)) < len(numbers):
        raise RecordUnreadable(problem="a page number twice")
    if any(annotation.page_no not in set(numbers) for annotation in record.annotations):
        raise RecordUnreadable(problem="an annotation on a page that is not there")
    return record


class _Assembly:
    """One document being made, and the scans it takes from."""

    def __init__(self, record: MarkingRecord, paths: Mapping[str, str]) -> None:
        self.record, self.paths = record, paths
        self.doc = pymupdf.open(stream=skeleton.skeleton(), filetype="pdf")
        self.scans: dict[str, _Scan] = {}
        self.resources: str = self.doc.xref_object(skeleton.RESOURCES, compressed=True)
        self.pages: list[int] = []
        self.copy = ink.InkedCopy(record.language, Reader())
        self.marks: dict[int, list[RecordedAnnotation]] = defaultdict(list)
        for annotation in record.annotations:
            self.marks[annotation.page_no].append(annotation)

    def __enter__(self) -> _Assembly:
        return self

    def __exit__(self, *exc: object) -> None:
        for scan in self.scans.values():
            scan.close()
        self.doc.close()

    def draw_pages(self) -> None:
        for page in self.record.pages:
            self._draw_page(page)

    def _draw_page(self, page: RecordedPage) -> None:
        source = page.source
        if source.clip.w <= 0 or source.clip.h <= 0:
            raise RecordUnreadable(problem="a page without area")
        form, side = self._scan(source.upload.sha256).form(source.side_no, page.page_no)
        placed = place(side, source.clip, source.turn_deg)
        canvas = Canvas(placed.width, placed.height)
        canvas.raw(f"q 0 0 {placed.width:.3f} {placed.height:.3f} re W n {placed.matrix.operands()} cm /Scan Do Q")
        ink.draw(canvas, self.marks[page.page_no], page.page_no, self.copy)
        self._add(canvas, form)

    def _scan(self, sha256: str) -> _Scan:
        if sha256 not in self.scans:
            self.scans[sha256] = _Scan(self.doc, self.paths[sha256], sha256)
        return self.scans[sha256]

    def draw_sheet(self) -> None:
        for canvas in sheet.draw(self.record, self.copy):
            self._add(canvas, None)

    def _add(self, canvas: Canvas, form: int | None) -> None:
        content = add_stream(self.doc, canvas.content(), "<<>>")
        shared = self.resources
        resources = f"{skeleton.RESOURCES} 0 R" if form is None else f"{shared[:-2]}/XObject<</Scan {form} 0 R>>>>"
        page = self.doc.get_new_xref()
        self.doc.update_object(
            page,
            f"<</Type/Page/Parent {skeleton.PAGES} 0 R/MediaBox[0 0 {canvas.width:.3f} {canvas.height:.3f}]"
            f"/Resources {resources}/Contents {content} 0 R>>",
        )
        self.pages.append(page)

    def finish(self, record_sha256: str) -> tuple[dict[str, int], list[bytes]]:
        doc, language = self.doc, self.record.language
        kids = " ".join(f"{page} 0 R" for page in self.pages)
        doc.update_object(skeleton.PAGES, f"<</Type/Pages/Kids[{kids}]/Count {len(self.pages)}>>")
        catalogue = doc.pdf_catalog()
        doc.xref_set_key(catalogue, "Lang", f"({'fr-FR' if language == 'fr' else 'en-GB'})")
        title = f"{self.record.exam_title} – {label(language, 'anonymous')} {self.record.anonymous_id}"
        info = int(doc.xref_get_key(-1, "Info")[1].split()[0])
        doc.xref_set_key(info, "Title", pymupdf.get_pdf_str(title))
        doc.xref_set_key(-1, "ID", f"[<{record_sha256[:32]}><{record_sha256[:32]}>]")
        return {"page_count": len(self.pages), "replaced": self.copy.reader.replaced}, [written(doc)]


class _Scan:
    """One upload, open for reading; its sides are taken over into the document at most once each."""

    def __init__(self, into: pymupdf.Document, path: str, sha256: str) -> None:
        try:
            self.doc = pymupdf.open(path, filetype="pdf")
            usable = self.doc.is_pdf and not self.doc.needs_pass
        except (RuntimeError, mupdf.FzErrorBase) as error:
            if _NO_MEMORY.search(str(error)):
                raise MemoryError from error
            raise ScanUnreadable(upload=sha256) from error
        if not usable:
            self.doc.close()
            raise ScanUnreadable(upload=sha256)
        self.into = into
        self.source = mupdf.pdf_document_from_fz_document(self.doc.this)
        self.target = mupdf.pdf_document_from_fz_document(into.this)
        self.grafts = mupdf.pdf_new_graft_map(self.target)
        self.sides: dict[int, tuple[int, Side]] = {}

    def close(self) -> None:
        del self.grafts, self.source, self.target
        self.doc.close()

    def form(self, side_no: int, page_no: int) -> tuple[int, Side]:
        """The form XObject (its number in the document) that shows a side, and the side's geometry."""
        if side_no not in self.sides:
            if side_no > self.doc.page_count:
                raise PageMissing(page_no=page_no, side_no=side_no)
            try:
                self.sides[side_no] = self._take(side_no)
            except _Incomplete as error:
                raise PageDamaged(page_no=page_no, side_no=side_no) from error
            except (RuntimeError, mupdf.FzErrorBase) as error:
                if _NO_MEMORY.search(str(error)):
                    raise MemoryError from error
                raise PageDamaged(page_no=page_no, side_no=side_no) from error
        return self.sides[side_no]

    def _take(self, side_no: int) -> tuple[int, Side]:
        page = mupdf.pdf_lookup_page_obj(self.source, side_no - 1)
        if not mupdf.pdf_is_dict(page):
            raise _Incomplete
        side = _side(page)
        content = self._content(page)
        first_new = self.into.xref_length()
        resources = mupdf.pdf_dict_get_inheritable(page, mupdf.pdf_new_name("Resources"))
        taken = mupdf.pdf_graft_mapped_object(self.grafts, resources)
        group = mupdf.pdf_graft_mapped_object(self.grafts, mupdf.pdf_dict_get(page, mupdf.pdf_new_name("Group")))
        if damaged(taken, thorough=self.doc.is_repaired):
            raise _Incomplete
        form = add_stream(
            self.into, content,
            f"<</Type/XObject/Subtype/Form/BBox[{side.x0:.4f} {side.y0:.4f} {side.x1:.4f} {side.y1:.4f}]>>",
        )  # fmt: skip
        of = mupdf.pdf_load_object(self.target, form)
        mupdf.pdf_dict_put(of, mupdf.pdf_new_name("Resources"), taken)
        if mupdf.pdf_is_dict(group):
            mupdf.pdf_dict_put(of, mupdf.pdf_new_name("Group"), group)
        strip_active(self.into, first_new)
        return form, side

    def _content(self, page: mupdf.PdfObj) -> bytes:
        """The side's operators. A form keeps them apart: whatever state they leave behind ends with it."""
        contents = mupdf.pdf_dict_get(page, mupdf.pdf_new_name("Contents"))
        if mupdf.pdf_is_array(contents):
            parts = [mupdf.pdf_array_get(contents, i) for i in range(mupdf.pdf_array_len(contents))]
        elif mupdf.pdf_is_indirect(contents):
            parts = [contents]
        else:
            return b""  # a side without contents is an empty side, as a blank page of a word processor
        if not all(mupdf.pdf_is_stream(part) for part in parts):
            raise _Incomplete
        if self.doc.is_repaired and any(cut_short(part) for part in parts):
            raise _Incomplete
        return b"\n".join(mupdf.pdf_load_stream(part).fz_buffer_extract_copy() for part in parts)


class _Incomplete(Exception):  # a finding that becomes a refusal, not an error of ours
    """Part of a side is not in the file."""


def _side(page: mupdf.PdfObj) -> Side:
    def of(key: str) -> Any:
        return mupdf.pdf_dict_get_inheritable(page, mupdf.pdf_new_name(key))

    def box(key: str) -> tuple[float, float, float, float] | None:
        if not mupdf.pdf_is_array(of(key)):
            return None
        rect = mupdf.pdf_to_rect(of(key))
        return rect.x0, rect.y0, rect.x1, rect.y1

    media = box("MediaBox") or (0.0, 0.0, 612.0, 792.0)
    x0, y0, x1, y1 = visible(media, box("CropBox"))
    if x1 - x0 <= 0 or y1 - y0 <= 0:
        raise _Incomplete
    unit = mupdf.pdf_to_real(of("UserUnit")) if mupdf.pdf_is_number(of("UserUnit")) else 1.0
    turn = quarter_turn(mupdf.pdf_to_real(of("Rotate"))) if mupdf.pdf_is_number(of("Rotate")) else 0
    return Side(x0, y0, x1, y1, turn, unit if unit > 0 else 1.0)
