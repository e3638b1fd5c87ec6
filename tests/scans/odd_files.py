"""Hostile and odd PDFs, each made by code and each with what must become of it.

A case says one thing about one file: *accepted* with so many sides, some of them perhaps doubtful; or *refused* with a
code, when it is looked into or, for what only drawing it shows, when it is cut. Files are small: what is vast in them
is compressed or claimed.
"""

from __future__ import annotations

import io
import random
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import pymupdf

from tests.scans.paper import Leaf, face, leaf, pdf

A4 = b"[0 0 595 842]"


@dataclass(frozen=True)
class Accepted:
    """``doubts`` are of the whole file, told when it is registered; ``unsound`` the sides with something missing."""

    sides: int
    doubts: tuple[str, ...] = ()
    unsound: tuple[int, ...] = ()


@dataclass(frozen=True)
class Refused:
    """``cutting``: the file looks harmless until its pages are drawn; the refusal then settles the upload."""

    code: str
    cutting: bool = False


@dataclass(frozen=True)
class Odd:
    name: str
    build: Callable[[], bytes]
    outcome: Accepted | Refused


CASES: list[Odd] = []


def odd(name: str, outcome: Accepted | Refused) -> Callable[[Callable[[], bytes]], Callable[[], bytes]]:
    """Declare the decorated builder as a case."""

    def declare(build: Callable[[], bytes]) -> Callable[[], bytes]:
        CASES.append(Odd(name, build, outcome))
        return build

    return declare


def each(outcome: Accepted | Refused, cases: Mapping[str, Callable[[], bytes]]) -> None:
    CASES.extend(Odd(name, build, outcome) for name, build in cases.items())


# Building blocks


@cache
def scan(seed: int = 1) -> Leaf:
    """One A4 face at 50 dpi: a real JPEG of a few kilobytes."""
    page = face(seed).resize((413, 585))
    return leaf(page, dpi=50, quality=60)


def two() -> bytes:
    """A sound scan of two sides, its page tree first."""
    return pdf([scan(1), scan(2)])


def written(objects: Mapping[int, bytes], *, head: bytes = b"%PDF-1.7\n", trailer: bytes = b"/Root 1 0 R") -> bytes:
    """The objects as a file with a true cross-reference table."""
    out, offsets = bytearray(head), {}
    for no, body in objects.items():
        offsets[no] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (no, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (max(objects) + 1)
    for no in range(1, max(objects) + 1):
        out += b"%010d 00000 n \n" % offsets[no] if no in offsets else b"0000000000 65535 f \n"
    out += b"trailer<</Size %d%s>>\nstartxref\n%d\n%%%%EOF\n" % (max(objects) + 1, trailer, start)
    return bytes(out)


def stream(dictionary: bytes, data: bytes) -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (dictionary, len(data), data)


def jpeg_object(image: Leaf) -> bytes:
    return stream(b"/Type/XObject/Subtype/Image" + image.dictionary, image.data)


FULL = b"q 595 0 0 842 0 0 cm /I0 Do Q"


def one(
    *,
    page: bytes = b"",
    box: bytes = b"/MediaBox" + A4,
    image: bytes | None = None,
    content: bytes = FULL,
    pages: bytes = b"/Count 1/Kids[3 0 R]",
    catalog: bytes = b"",
    resources: bytes = b"/XObject<</I0 5 0 R>>",
    more: Mapping[int, bytes] | None = None,
    **file: bytes,
) -> bytes:
    """A file of one page, object 3, whose content is object 4 and whose image is object 5; any part may be odd."""
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R%s>>" % catalog,
        2: b"<</Type/Pages%s>>" % pages,
        3: b"<</Type/Page/Parent 2 0 R%s/Contents 4 0 R/Resources<<%s>>%s>>" % (box, resources, page),
        4: stream(b"", content),
        5: jpeg_object(scan()) if image is None else image,
    }
    return written(objects | dict(more or {}), **file)


def pictured(dictionary: bytes, data: bytes, **rest: bytes) -> bytes:
    """One page that shows one stored image."""
    return one(image=stream(b"/Type/XObject/Subtype/Image" + dictionary, data), **rest)


def grey(width: int = 413, height: int = 585) -> bytes:
    return face(1).resize((width, height)).tobytes()


SIZE = b"/Width 413/Height 585"
GREY8 = SIZE + b"/ColorSpace/DeviceGray/BitsPerComponent 8"


def saved(mode: str, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    face(1).resize((413, 585)).convert(mode).save(out, kind, **options)
    return out.getvalue()


def reopened(**options: object) -> bytes:
    with pymupdf.open(stream=two(), filetype="pdf") as document:
        return bytes(document.tobytes(**options))


def zipped(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, data)
    return out.getvalue()


# Not PDFs

each(
    Refused("ingest.empty_file"),
    {
        "no byte at all": lambda: b"",
        "a document without a page": lambda: one(pages=b"/Count 0/Kids[]"),
    },
)
each(
    Refused("ingest.not_a_pdf"),
    {
        "random bytes": lambda: random.Random(1).randbytes(5000),
        "a text": lambda: b"Copies de la classe TG2\n" * 50,
        "a web page": lambda: b"<!DOCTYPE html><html>" + b"<div>" * 50_000,
        "a web page that mentions %PDF-": lambda: b"<html>%PDF-1.7" + two(),
        "a drawing (svg)": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "a PNG named .pdf": lambda: saved("L", "PNG"),
        "a JPEG named .pdf": lambda: saved("L", "JPEG"),
        "a JPEG that is a PDF too": lambda: b"\xff\xd8\xff\xe0" + two(),
        "a GIF that is a PDF too": lambda: b"GIF89a" + two(),
        "a TIFF": lambda: saved("L", "TIFF"),
        "a comic book (zip of images)": lambda: zipped("1.png", saved("L", "PNG")),
        "a word processor file with a PDF inside": lambda: zipped("word/a.pdf", two()),
        "a program that is a PDF too": lambda: b"MZ\x90\0" + bytes(60) + two(),
        "PostScript": lambda: b"%!PS-Adobe-3.0\nshowpage\n" * 20,
        "gzip": lambda: zlib.compress(two(), wbits=31),
        "a PDF behind 2000 other bytes": lambda: b"#" * 2000 + two(),
    },
)

# Odd beginnings and ends

each(
    Accepted(2),
    {
        "no end-of-file mark": lambda: two().removesuffix(b"%%EOF\n"),
        "a PDF of version 2.0": lambda: two().replace(b"%PDF-1.5", b"%PDF-2.0"),
        "a PDF of a version nobody knows": lambda: two().replace(b"%PDF-1.5", b"%PDF-9.9"),
        "zeros behind the end": lambda: two() + bytes(500),
    },
)


@odd("a PDF behind 900 other bytes", Accepted(2))
def _behind() -> bytes:
    return b"#" * 899 + b"\n" + two()


@odd("a zip behind the PDF", Accepted(2, ("file_repaired",)))
def _polyglot() -> bytes:
    return two() + zipped("a.png", random.Random(2).randbytes(9000))


def cut_at(whole: Callable[[], bytes], share: float) -> Callable[[], bytes]:
    def build() -> bytes:
        data = whole()
        return data[: int(len(data) * share)]

    return build


def forty() -> bytes:
    return pdf([scan(n) for n in range(1, 41)])


def tree_last() -> bytes:
    """As many programs write it: the page tree behind the pages."""
    objects = {3 + 2 * n: jpeg_object(scan(n)) for n in range(1, 9)}
    for n in range(1, 9):
        page = b"<</Type/Page/Parent 2 0 R/MediaBox%s/Contents 4 0 R/Resources<</XObject<</I0 %d 0 R>>>>>>"
        objects[4 + 2 * n] = page % (A4, 3 + 2 * n)
    objects[4] = stream(b"", FULL)
    objects[2] = b"<</Type/Pages/Count 8/Kids[%s]>>" % b" ".join(b"%d 0 R" % (4 + 2 * n) for n in range(1, 9))
    objects[1] = b"<</Type/Catalog/Pages 2 0 R>>"
    return written(objects)


each(
    Refused("ingest.damaged"),
    {f"tree first, cut at {share:.0%}": cut_at(forty, share) for share in (0.1, 0.5, 0.9, 0.98)}
    | {f"tree last, cut at {share:.0%}": cut_at(tree_last, share) for share in (0.1, 0.5, 0.95)}
    | {
        "nothing but a header": lambda: b"%PDF-1.7\n",
        "its middle overwritten with zeros": lambda: _zeroed(forty()),
    },
)
each(
    Accepted(2, ("file_repaired",)),
    {
        "only its table of contents cut off": lambda: two()[: two().rindex(b"xref\n0 ")],
        "three bytes inserted near the beginning": lambda: two().replace(b"%\xe2\xe3", b"%\xe2\xe3abc", 1),
        "a table of contents that points nowhere": lambda: re.sub(rb"startxref\n\d+", b"startxref\n7", two()),
    },
)


@odd("line ends changed on the way", Accepted(2, ("file_repaired",), unsound=(1, 2)))
def _line_ends() -> bytes:
    return two().replace(b"\n", b"\r\n")


def _zeroed(data: bytes) -> bytes:
    half = len(data) // 2
    return data[:half] + bytes(20_000) + data[half + 20_000 :]


# Passwords

_AES, _RC4 = 5, 2

each(
    Accepted(2),
    {
        "printing and changing forbidden (AES)": lambda: reopened(encryption=_AES, owner_pw="owner", user_pw=""),
        "printing and changing forbidden (RC4)": lambda: reopened(encryption=_RC4, owner_pw="owner", user_pw=""),
    },
)
each(
    Refused("ingest.encrypted"),
    {
        "a password to open it (AES)": lambda: reopened(encryption=_AES, owner_pw="owner", user_pw="user"),
        "a password to open it (RC4)": lambda: reopened(encryption=_RC4, owner_pw="owner", user_pw="user"),
    },
)


@odd("locked by a scheme of a company of its own", Refused("ingest.encrypted"))
def _foreign_lock() -> bytes:
    lock = b"<</Filter/Acme.DRM/V 4/R 4/O(%s)/U(%s)/P -4>>" % (b"o" * 32, b"u" * 32)
    return one(more={6: lock}, trailer=b"/Root 1 0 R/Encrypt 6 0 R/ID[(a)(a)]")


# Trees of pages

THREE = b"<</Type/Page/Parent 2 0 R/MediaBox" + A4 + b"/Contents 4 0 R/Resources<</XObject<</I0 5 0 R>>>>>>"


def nested(depth: int) -> bytes:
    """One page under so many nodes."""
    more = {10 + n: b"<</Type/Pages/Parent %d 0 R/Count 1/Kids[%d 0 R]>>" % (9 + n, 11 + n) for n in range(depth)}
    more[10 + depth] = THREE
    return one(pages=b"/Count 1/Kids[10 0 R]", more=more)


def many_kids() -> bytes:
    """A quarter of a million times the same page."""
    return one(pages=b"/Count 40/Kids[" + b"3 0 R " * 250_000 + b"]")


each(
    Refused("ingest.damaged"),
    {
        "a tree that contains itself": lambda: one(pages=b"/Count 1/Kids[2 0 R]"),
        "a tree that turns in a circle": lambda: one(
            pages=b"/Count 1/Kids[6 0 R]", more={6: b"<</Type/Pages/Count 1/Kids[2 0 R]>>"}
        ),
        "a tree that counts too many": lambda: pdf([scan(1), scan(2)], count=5),
        "a tree that counts too few": lambda: pdf([scan(1), scan(2), scan(3)], count=1),
        "a tree that counts below zero": lambda: pdf([scan(1)], count=-1),
        "a tree that counts nothing": lambda: one(pages=b"/Kids[3 0 R]"),
        "a page that is not in the file": lambda: one(pages=b"/Count 2/Kids[3 0 R 99 0 R]"),
        "a page that is no page": lambda: one(pages=b"/Count 2/Kids[3 0 R 5 0 R]"),
        "a page without a type": lambda: written(
            {
                1: b"<</Type/Catalog/Pages 2 0 R>>",
                2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
                3: b"<</MediaBox[0 0 9 9]>>",
            }
        ),
        "one page twice": lambda: one(pages=b"/Count 2/Kids[3 0 R 3 0 R]"),
        "the same page a quarter of a million times": many_kids,
        "twenty thousand nodes deep": lambda: nested(20_000),
        "no tree at all": lambda: written({1: b"<</Type/Catalog>>"}),
        "no catalogue": lambda: written({1: b"<</Type/Font>>"}),
        "a trailer that names nothing": lambda: one(trailer=b""),
        "a page that was lost in a cut tree": lambda: _lost(),
    },
)
each(
    Accepted(1),
    {
        "fifty nodes deep": lambda: nested(50),
        "kids in an object of their own": lambda: one(pages=b"/Count 1/Kids 6 0 R", more={6: b"[3 0 R]"}),
    },
)


def _lost() -> bytes:
    """Repaired, and one of its three pages is in no tree: what repairing found must not pass for the whole."""
    data = pdf([scan(1), scan(2), scan(3)]).replace(b"/Count 3/Kids[5 0 R 8 0 R 11 0 R]", b"/Count 2/Kids[5 0 R 8 0 R]")
    return data[: data.rindex(b"xref\n0 ")]


@odd("more pages than one upload takes", Refused("ingest.too_many_pages"))
def _too_many() -> bytes:
    return pdf([scan(1)] * 61)


@odd("a count of two thousand million", Refused("ingest.damaged"))
def _boasting() -> bytes:
    return pdf([scan(1)], count=2_000_000_000)


# Tables, object streams, versions of a file in one another

each(
    Accepted(2),
    {
        "objects in compressed streams": lambda: reopened(use_objstms=1, deflate=True),
        "changed once, the change appended": lambda: appended(b"/Rotate 90"),
        "changed a hundred times": lambda: appended(*[b"/Rotate %d" % (90 * n) for n in range(100)]),
    },
)


def appended(*changes: bytes) -> bytes:
    """A scan whose first page was changed, each change at the end of the file."""
    data = two()
    for change in changes:
        previous = int(data[data.rindex(b"startxref\n") :].split()[1])
        at = len(data)
        found = re.search(rb"5 0 obj\n<<(.*?)>>\nendobj", two(), re.DOTALL)
        assert found is not None
        data += b"5 0 obj\n<<" + found[1] + change + b">>\nendobj\n"
        start = len(data)
        data += b"xref\n5 1\n%010d 00000 n \ntrailer<</Size 9/Root 1 0 R/Prev %d>>\n" % (at, previous)
        data += b"startxref\n%d\n%%%%EOF\n" % start
    return data


@odd("a last page withdrawn by a later version", Accepted(1))
def _withdrawn() -> bytes:
    data = two()
    previous, at = int(data[data.rindex(b"startxref\n") :].split()[1]), len(data)
    data += b"2 0 obj\n<</Type/Pages/Count 1/Kids[5 0 R]>>\nendobj\n"
    start = len(data)
    return data + (
        b"xref\n2 1\n%010d 00000 n \ntrailer<</Size 9/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n"
        % (at, previous, start)
    )


@odd("versions that follow each other in a circle", Accepted(1, ("file_repaired",)))
def _prev_loop() -> bytes:
    data = one()
    return one(trailer=b"/Root 1 0 R/Prev %d" % data.rindex(b"xref\n0 "))


@odd("a table of contents that claims ten million objects", Accepted(1, ("file_repaired",)))
def _size_lie() -> bytes:
    return one().replace(b"xref\n0 6\n", b"xref\n0 9999999\n")


@odd("an object stream that unpacks to 150 MB", Accepted(1))
def _object_bomb() -> bytes:
    bomb = zlib.compress(bytes(150_000_000), 9)
    return one(more={6: stream(b"/Type/ObjStm/N 100000/First 100000/Filter/FlateDecode", bomb)})


@odd("a cross-reference stream that unpacks to 150 MB", Refused("ingest.damaged"))
def _xref_bomb() -> bytes:
    bomb = zlib.compress(bytes(150_000_000), 9)
    head = b"%PDF-1.7\n"
    table = stream(b"/Type/XRef/W[1 8 2]/Size 30000000/Root 1 0 R/Filter/FlateDecode", bomb)
    return head + b"6 0 obj\n" + table + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(head)


@odd("a name with control characters in it", Accepted(1))
def _names() -> bytes:
    return one(content=b"q 595 0 0 842 0 0 cm /I#00#1b#0a Do Q", resources=b"/XObject<</I#00#1b#0a 5 0 R>>")


@odd("arrays a hundred thousand deep", Accepted(1))
def _deep_arrays() -> bytes:
    return one(more={6: b"[" * 100_000 + b"]" * 100_000})


@odd("an object number of a thousand million", Accepted(1, ("file_repaired",)))
def _object_number() -> bytes:
    return one().replace(b"xref\n0 6\n", b"1000000000 0 obj\n<<>>\nendobj\nxref\n0 6\n")
