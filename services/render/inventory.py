"""What came over from an upload: is it whole, and is all of it ink? Runs only in the child process."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pymupdf
from pymupdf import mupdf

# Keys that carry programs, files or other documents. None of them changes what a page looks like.
ACTIVE = frozenset({
    "AA", "AF", "Alternates", "Annots", "EF", "EmbeddedFiles", "JS", "JavaScript", "Launch", "Metadata", "OPI",
    "OpenAction", "PieceInfo", "Ref", "RichMedia", "URI", "XFA",
})  # fmt: skip
_SUSPECT = re.compile(rf"/(?:{'|'.join(sorted(ACTIVE))})\b")
_DEEPEST = 40
_DEPTH = "BitsPerComponent"  # absent from masks, which have one
_TO_SAMPLES = {"FlateDecode", "LZWDecode", "RunLengthDecode", "CCITTFaxDecode"}
_JPEG_END = b"\xff\xd9"


def strip_active(doc: pymupdf.Document, first_new: int) -> None:
    """Remove every key in ``ACTIVE``, at any depth, from the objects of ``doc`` numbered ``first_new`` and above."""
    for xref in range(first_new, doc.xref_length()):
        if _SUSPECT.search(doc.xref_object(xref, compressed=True)):
            _strip(mupdf.pdf_load_object(mupdf.pdf_document_from_fz_document(doc.this), xref), 0)


def _strip(obj: mupdf.PdfObj, depth: int) -> None:
    """Only direct objects: the indirect ones are visited by their number."""
    if depth > _DEEPEST:
        return
    if mupdf.pdf_is_dict(obj):
        for key in [mupdf.pdf_to_name(mupdf.pdf_dict_get_key(obj, i)) for i in range(mupdf.pdf_dict_len(obj))]:
            if key in ACTIVE:
                mupdf.pdf_dict_dels(obj, key)
        values = [mupdf.pdf_dict_get_val(obj, i) for i in range(mupdf.pdf_dict_len(obj))]
    elif mupdf.pdf_is_array(obj):
        values = [mupdf.pdf_array_get(obj, i) for i in range(mupdf.pdf_array_len(obj))]
    else:
        return
    for value in values:
        if not mupdf.pdf_is_indirect(value):
            _strip(value, depth + 1)


def damaged(resources: mupdf.PdfObj, *, thorough: bool) -> bool:
    """Whether an image or form that these resources name is missing or cut short.

    ``thorough`` also decodes what is not JPEG. It is for files whose cross-reference had to be guessed: there a
    stream may end where the file was cut, without any error.
    """
    return any(_incomplete(xobject, thorough=thorough) for xobject in _xobjects(resources, set(), 0))


def _xobjects(resources: mupdf.PdfObj, seen: set[int], depth: int) -> Iterator[mupdf.PdfObj]:
    named = mupdf.pdf_dict_gets(resources, "XObject")
    for index in range(mupdf.pdf_dict_len(named) if mupdf.pdf_is_dict(named) else 0):
        xobject = mupdf.pdf_dict_get_val(named, index)
        number = mupdf.pdf_to_num(xobject)
        if number in seen:
            continue
        seen.add(number)
        yield xobject
        if depth < _DEEPEST and mupdf.pdf_is_dict(xobject):
            yield from _xobjects(mupdf.pdf_dict_gets(xobject, "Resources"), seen, depth + 1)


def _incomplete(xobject: mupdf.PdfObj, *, thorough: bool) -> bool:
    if not mupdf.pdf_is_stream(xobject):
        return True
    if mupdf.pdf_to_name(mupdf.pdf_dict_gets(xobject, "Subtype")) != "Image":
        return False
    filters = _filters(xobject)
    raw = mupdf.pdf_load_raw_stream(xobject)
    size = mupdf.fz_buffer_storage(raw)[0]
    if filters == ["DCTDecode"]:
        tail = mupdf.fz_slice_buffer(raw, max(0, size - 64), size).fz_buffer_extract_copy()
        return _JPEG_END not in tail  # some writers pad after the end marker
    return not size or (thorough and cut_short(xobject))


def cut_short(stream: mupdf.PdfObj) -> bool:
    """Whether decoding a stream makes the decoder complain, or gives less than an image of its size needs."""
    pymupdf.TOOLS.reset_mupdf_warnings()
    plain = mupdf.fz_buffer_storage(mupdf.pdf_load_stream(stream))[0]
    complaints = pymupdf.TOOLS.mupdf_warnings(reset=True)
    return bool(complaints) or plain < _least_size(stream)


def _least_size(stream: mupdf.PdfObj) -> int:
    """Bytes a decoded image has at least (one component); fax decoders end early without a word."""
    filters = _filters(stream)
    if filters and filters[-1] not in _TO_SAMPLES:
        return 1
    width, height, depth = (mupdf.pdf_to_int(mupdf.pdf_dict_gets(stream, k)) for k in ("Width", "Height", _DEPTH))
    return int((width * max(depth, 1) + 7) // 8 * height)


def _filters(xobject: mupdf.PdfObj) -> list[str]:
    of = mupdf.pdf_dict_gets(xobject, "Filter")
    if mupdf.pdf_is_array(of):
        return [mupdf.pdf_to_name(mupdf.pdf_array_get(of, i)) for i in range(mupdf.pdf_array_len(of))]
    return [mupdf.pdf_to_name(of)] if mupdf.pdf_is_name(of) else []
