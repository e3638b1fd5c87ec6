"""PDF objects into a document, and the document into bytes. Runs only in the child process."""

from __future__ import annotations

import zlib

import pymupdf
from pymupdf import mupdf


def add_stream(doc: pymupdf.Document, data: bytes, dictionary: str) -> int:
    """A compressed stream; MuPDF's own "best" compression takes four times as long for the last few percent."""
    target = mupdf.pdf_document_from_fz_document(doc.this)
    xref: int = doc.get_new_xref()
    doc.update_object(xref, f"{dictionary[:-2]}/Filter/FlateDecode>>")
    packed = mupdf.fz_new_buffer_from_copied_data(zlib.compress(data, 1))
    mupdf.pdf_update_stream(target, mupdf.pdf_new_indirect(target, xref, 0), packed, 1)
    return xref


def written(doc: pymupdf.Document) -> bytes:
    """The file. ``Document.tobytes`` would come back into Python for each line of it: a third of the time."""
    options = mupdf.PdfWriteOptions()
    options.do_garbage = 1  # drops what strip_active cut off
    options.do_compress = 1
    options.dont_regenerate_id = 1  # without new ids and dates the bytes depend on the record alone
    buffer = mupdf.fz_new_buffer(1 << 20)
    output = mupdf.FzOutput(buffer)
    mupdf.pdf_write_document(mupdf.pdf_document_from_fz_document(doc.this), output, options)
    mupdf.fz_close_output(output)
    written: bytes = buffer.fz_buffer_extract_copy()
    return written
