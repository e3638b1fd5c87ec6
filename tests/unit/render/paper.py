"""Scans and records for tests of final PDFs. PDFs are written by hand: no library would write the odd ones."""

from __future__ import annotations

import hashlib
import io
import uuid
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdfium2
from PIL import Image, ImageDraw

from contracts.objects import ObjectRef
from contracts.records.marking import MarkingRecord, RecordedAnnotation, RecordedItem, RecordedPage
from contracts.records.pages import PageSource
from services.render import pixels

A4 = (595, 842)


def pdf(objects: dict[int, bytes], *, trailer: bytes = b"") -> bytes:
    """A PDF of these numbered objects; 1 is the catalogue."""
    out = bytearray(b"%PDF-1.7\n")
    offsets = {}
    for number, body in sorted(objects.items()):
        offsets[number] = len(out)
        out += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    start, size = len(out), max(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        out += b"%010d 00000 n \n" % offsets[number] if number in offsets else b"0000000000 65535 f \n"
    out += b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, start)
    return bytes(out)


def stream(data: bytes, dictionary: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (dictionary, len(data), data)


def jpeg(seed: int, size: tuple[int, int] = (496, 702)) -> bytes:
    """A page of grey writing-like bars, different for each seed and for each way up."""
    image = Image.new("L", size, 245)
    draw = ImageDraw.Draw(image)
    for line in range(6, 30):
        length = (line * 37 + seed * 53) % 60 + 20
        draw.rectangle([40, line * 22, 40 + size[0] * length // 110, line * 22 + 6], fill=90)
    draw.rectangle([10, 10, 60 + 10 * (seed % 5), 40], fill=150)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=70)
    return out.getvalue()


def image_object(data: bytes, size: tuple[int, int] = (496, 702), extra: bytes = b"") -> bytes:
    dictionary = b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8" % size
    return stream(data, dictionary + b"/Filter/DCTDecode" + extra)


def flate_object(seed: int, size: tuple[int, int] = (496, 702)) -> bytes:
    """The picture of ``jpeg(seed)`` as a scanner's "lossless" mode stores it."""
    samples = Image.open(io.BytesIO(jpeg(seed, size))).tobytes()
    dictionary = b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8" % size
    return stream(zlib.compress(samples), dictionary + b"/Filter/FlateDecode")


def fax_object(seed: int, size: tuple[int, int] = (496, 702)) -> bytes:
    """The same in black and white, CCITT group 4."""
    out = io.BytesIO()
    Image.open(io.BytesIO(jpeg(seed, size))).convert("1", dither=Image.Dither.NONE).save(
        out, "TIFF", compression="group4", strip_size=1 << 24
    )
    with Image.open(out) as tiff:
        (offset,), (length,) = tiff.tag_v2[273], tiff.tag_v2[279]  # type: ignore[attr-defined]
    dictionary = b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 1" % size
    parameters = b"/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns %d/Rows %d>>" % size
    return stream(out.getvalue()[offset : offset + length], dictionary + parameters)


def jpeg_object(seed: int) -> bytes:
    return image_object(jpeg(seed))


def scan(sides: int = 4, size: tuple[int, int] = A4, image_of: Callable[[int], bytes] = jpeg_object) -> bytes:
    """What a scanner makes: one image a side."""
    objects = {1: b"<</Type/Catalog/Pages 2 0 R>>"}
    kids = []
    for index in range(sides):
        page, content, image = 3 + 3 * index, 4 + 3 * index, 5 + 3 * index  # a cut takes the image first
        kids.append(b"%d 0 R" % page)
        objects[page] = (
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Resources<</XObject<</Im0 %d 0 R>>>>/Contents %d 0 R>>"
            % (*size, image, content)
        )
        objects[image] = image_of(index)
        objects[content] = stream(b"q %d 0 0 %d 0 0 cm /Im0 Do Q" % size)
    objects[2] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (sides, b" ".join(kids))
    return pdf(objects)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def ref(data: bytes, kind: str = "uploads", media_type: str = "application/pdf") -> ObjectRef:
    digest = sha256(data)
    return ObjectRef(key=f"{kind}/{digest[:2]}/{digest}", sha256=digest, size=len(data), media_type=media_type)


def side(upload: bytes, side_no: int, **where: Any) -> PageSource:
    return PageSource(upload=ref(upload), side_no=side_no, **where)


def mark(kind: str, x: float = 0, y: float = 0, w: float = 0, h: float = 0, *, page_no: int = 1, **more: Any) -> Any:
    number = int.from_bytes(hashlib.sha256(repr((kind, x, y, w, h, page_no)).encode()).digest()[:16], "big")
    return RecordedAnnotation(id=uuid.UUID(int=number), page_no=page_no, type=kind, x=x, y=y, w=w, h=h, **more)


def item(label: str, score: str = "1.5", out_of: str = "2", **more: Any) -> RecordedItem:
    return RecordedItem(item_id=label, path=("Exercice 1", label), max_points=out_of, score=score, **more)


def record(sources: Sequence[PageSource], annotations: Sequence[RecordedAnnotation] = (), **more: Any) -> MarkingRecord:
    values: dict[str, Any] = {
        "exam_id": uuid.UUID(int=1),
        "exam_title": "Bac blanc de mathématiques",
        "exam_date": date(2026, 3, 12),
        "copy_id": uuid.UUID(int=2),
        "anonymous_id": "A7K-042",
        "revision": 1,
        "scheme_version": 1,
        "pages": [RecordedPage(page_no=i, blank=False, source=s) for i, s in enumerate(sources, 1)],
        "annotations": annotations,
        "items": [item("Question 1"), item("Question 2", "0.25", "3")],
        "total": Decimal("14.5"),
        "total_points": Decimal(20),
        "finalised_at": datetime(2026, 3, 20, 14, 5, tzinfo=UTC),
    }
    return MarkingRecord.model_validate(values | more)


def compose(directory: Path, made: MarkingRecord, *uploads: bytes) -> tuple[bytes, dict[str, int]]:
    """The final PDF, composed in this process."""
    files = []
    for upload in uploads:
        path = directory / sha256(upload)
        path.write_bytes(upload)
        files.append(str(path))
    blob = made.model_dump_json().encode()
    result, (document,) = pixels.compose(
        files, blob, uploads=[sha256(upload) for upload in uploads], record_sha256=sha256(blob)
    )
    return document, result


def text_of(document: bytes, page: int) -> str:
    """As a second reader extracts it, on one line, plain spaces."""
    with pypdfium2.PdfDocument(document) as opened:
        found = opened[page].get_textpage().get_text_range()
    return " ".join(found.replace("\u00a0", " ").replace("\ufffe", "").split())


def all_text(document: bytes) -> str:
    with pypdfium2.PdfDocument(document) as opened:
        pages = len(opened)
    return " ".join(text_of(document, page) for page in range(pages))
