"""Images as a PDF stores them: how large, how long to decode, and whether all of one is there. Decodes none.

Runs only in the child process.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator

import pymupdf

from contracts.errors.ingest import PageTooLarge, UnsafeImage
from services.ingest.pixels import jpeg

MAX_PIXELS = 120_000_000  # A3 at 600 dpi has 70 million
# A baseline colour JPEG has 1 to 3 scans, a progressive one about 10; 2000 of them keep a decoder busy for minutes.
MAX_JPEG_SCANS = 32
MAX_WRAPPED = 64 << 20  # bytes of a JPEG that is packed once more; a page of 120 million pixels has about 30 MB

_FILTER = re.compile(r"/(\w+)")
_JPEG = ("DCTDecode", "DCT")
_JPX_SIZE = b"\xff\x4f\xff\x51"  # start of codestream, then its size marker (ISO 15444-1, A.5.1)
_JBIG2_UNKNOWN = 0xFFFFFFFF


def check(document: pymupdf.Document, index: int) -> None:
    """Refuse a page with an image that would take all memory or all time. Its header is believed, not the page.

    Raises:
        PageTooLarge, UnsafeImage: the page's number in ``side_no``.
    """
    for xref in _images(document, index):
        _bounded(index, _whole(document, xref, "Width"), _whole(document, xref, "Height"))
        filters = _filters(document, xref)
        if filters and filters[-1] in _JPEG:
            raw = _unwrapped(document.xref_stream_raw(xref) or b"", filters[:-1])
            if raw is None or jpeg.count_scans(raw) > MAX_JPEG_SCANS:
                raise UnsafeImage(side_no=index + 1)
            head = jpeg.read_head(raw)
            if head is not None:
                _bounded(index, head.width_px, head.height_px)
        elif filters and filters[-1] == "JPXDecode":
            _bounded(index, *_jpx_size(document.xref_stream_raw(xref) or b""))


def whole(document: pymupdf.Document, index: int) -> bool:
    """Whether every image of a page is all there, as far as its bytes tell: MuPDF draws what is missing as white."""
    for xref in _images(document, index):
        filters = _filters(document, xref)
        raw = document.xref_stream_raw(xref)
        if raw is None:
            return False
        if filters and filters[-1] in _JPEG:
            unwrapped = _unwrapped(raw, filters[:-1])
            if unwrapped is None or not jpeg.is_whole(unwrapped):
                return False
        if filters == ["JBIG2Decode"] and not _jbig2_whole(raw):
            return False
    return True


def _images(document: pymupdf.Document, index: int) -> Iterator[int]:
    """The images of a page and of the forms on it, each with its masks."""
    for xref, soft_mask, *_ in document.get_page_images(index, full=True):
        yield xref
        if soft_mask:
            yield soft_mask
        kind, value = document.xref_get_key(xref, "Mask")
        if kind == "xref":
            yield int(value.split()[0])


def _whole(document: pymupdf.Document, xref: int, key: str) -> int:
    kind, value = document.xref_get_key(xref, key)
    return int(value) if kind == "int" else 0


def _bounded(index: int, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise PageTooLarge(side_no=index + 1, reason="pixels")


def _filters(document: pymupdf.Document, xref: int) -> list[str]:
    return _FILTER.findall(document.xref_get_key(xref, "Filter")[1])


def _unwrapped(raw: bytes, filters: list[str]) -> bytes | None:
    """A stream without the filters around its last one; ``None``: too long, or a filter no scanner puts there."""
    for name in filters:
        try:
            if name in ("FlateDecode", "Fl"):
                unpacker = zlib.decompressobj()
                raw = unpacker.decompress(raw, MAX_WRAPPED)
                if unpacker.unconsumed_tail:
                    return None
            elif name in ("ASCII85Decode", "A85"):
                raw = base64.a85decode(raw.split(b"~", 1)[0])
            elif name in ("ASCIIHexDecode", "AHx"):
                raw = binascii.unhexlify(b"".join(raw.split(b">", 1)[0].split()))
            else:
                return None
        except (ValueError, zlib.error):  # what is broken is told when it is drawn
            return b""
    return raw


def _jpx_size(raw: bytes) -> tuple[int, int]:
    at = raw.find(_JPX_SIZE)
    if at < 0:
        return 0, 0
    size = raw[at + 8 : at + 16]
    return int.from_bytes(size[:4], "big"), int.from_bytes(size[4:], "big")


def _jbig2_whole(raw: bytes) -> bool:
    """Whether the segments end where the stream does (ITU-T T.88, 7.2). Its decoder leaves what is missing white."""
    at = 0
    while at < len(raw):
        if at + 11 > len(raw):
            return not any(raw[at:])  # padding
        number, flags, count = int.from_bytes(raw[at : at + 4], "big"), raw[at + 4], raw[at + 5] >> 5
        at += 6
        if count == 7:
            count = int.from_bytes(raw[at - 1 : at + 3], "big") & 0x1FFFFFFF
            at += 3 + (count + 8) // 8
        at += count * (1 if number <= 256 else 2 if number <= 65_536 else 4) + (4 if flags & 0x40 else 1)
        length = int.from_bytes(raw[at : at + 4], "big")
        at += 4
        if length == _JBIG2_UNKNOWN:  # a region that says its own end
            return True
        at += length
    return at == len(raw)
