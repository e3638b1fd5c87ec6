"""Odd pages: paper, images, what is drawn, what lies in wait. Continues ``odd_files``."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Mapping

from PIL import Image

from tests.scans.odd_files import (
    A4,
    FULL,
    Accepted,
    Odd,
    Refused,
    grey,
    one,
    pictured,
    saved,
    stream,
)
from tests.scans.odd_files import two as two_sides
from tests.scans.paper import Leaf, _g4, face, pdf

CASES: list[Odd] = []


def each(outcome: Accepted | Refused, cases: Mapping[str, Callable[[], bytes]]) -> None:
    CASES.extend(Odd(name, build, outcome) for name, build in cases.items())


# Paper


def boxed(*box: float, **rest: bytes) -> bytes:
    return one(box=b"/MediaBox[%s]" % b" ".join(b"%a" % each for each in box), **rest)


each(
    Refused("ingest.page_too_large"),
    {
        "paper five metres wide": lambda: boxed(0, 0, 14_400, 14_400),
        "paper a thousand kilometres wide": lambda: boxed(0, 0, 10**9, 10**9),
        "paper of 5000 points that no scanner wrote": lambda: boxed(0, 0, 3536, 5000),
        "paper a finger wide": lambda: boxed(0, 0, 20, 500),
        "a stripe": lambda: boxed(0, 0, 300, 3900),
        "units that are a million points": lambda: one(page=b"/UserUnit 1000000"),
    },
)
each(
    Accepted(1),
    {
        "a box drawn from the wrong corner": lambda: boxed(595, 842, 0, 0),
        "a box around another origin": lambda: boxed(
            -100, -50, 495, 792, content=b"q 595 0 0 842 -100 -50 cm /I0 Do Q"
        ),
        "a box of fractions": lambda: boxed(0.37, 0.91, 595.276, 841.89),
        "a crop box off the corner": lambda: one(page=b"/CropBox[50 100 500 700]"),
        "a crop box larger than the paper": lambda: one(page=b"/CropBox[-200 -200 2000 2000]"),
        "A4 in units of two points": lambda: boxed(0, 0, 297.5, 421, page=b"/UserUnit 2"),
        "a turn of 90": lambda: one(page=b"/Rotate 90"),
        "a turn of -90": lambda: one(page=b"/Rotate -90"),
        "a turn of 450": lambda: one(page=b"/Rotate 450"),
        "a turn of 45": lambda: one(page=b"/Rotate 45"),
        "a turn that is a word": lambda: one(page=b"/Rotate/Left"),
        "box, turn and crop inherited": lambda: one(
            box=b"", pages=b"/Count 1/Kids[3 0 R]/MediaBox[0 0 842 595]/Rotate 90/CropBox[20 30 800 500]"
        ),
    },
)
each(
    Accepted(1, ("paper_size",)),
    {
        "no box at all": lambda: one(box=b""),
        "a box without height": lambda: boxed(0, 0, 595, 0),
        "a box that is text": lambda: one(box=b"/MediaBox[(a)(b)(c)(d)]"),
    },
)


def unmeasured() -> bytes:
    """A3 at 300 dpi from a scanner that writes a point for a pixel."""
    side = Image.new("L", (4961, 3508), 250)
    side.paste(face(1).resize((2480, 3508)), (0, 0))
    out = io.BytesIO()
    side.save(out, "JPEG", quality=5)
    return pdf(
        [
            Leaf(
                out.getvalue(),
                b"/Width 4961/Height 3508/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/DCTDecode",
                4961,
                3508,
            )
        ]
    )


each(Accepted(1, ("paper_size",)), {"A3 at 300 dpi, a point for a pixel": unmeasured})


# Images


def fax() -> bytes:
    return _g4(face(1).resize((413, 585)))


def jbig2() -> bytes:
    """A page of one region coded as a fax: the part of JBIG2 that needs no encoder of its own."""
    coded = fax()

    def segment(no: int, kind: int, data: bytes) -> bytes:
        return struct.pack(">IBBBI", no, kind, 0, 1, len(data)) + data

    page = segment(0, 48, struct.pack(">IIIIBH", 413, 585, 0, 0, 0, 0))
    region = struct.pack(">IIIIB", 413, 585, 0, 0, 0) + b"\x01" + coded
    return page + segment(1, 38, region)


def progressive(scans: int) -> bytes:
    """A progressive JPEG with its last scan repeated."""
    data = saved("L", "JPEG", progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * scans + b"\xff\xd9"


def claiming(data: bytes, width: int, height: int) -> bytes:
    """A JPEG whose frame header says another size."""
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def jpx() -> bytes:
    return saved("L", "JPEG2000")


def vast_jpx() -> bytes:
    data = jpx()
    at = data.index(b"\xff\x4f\xff\x51") + 8
    return data[:at] + struct.pack(">II", 30_000, 30_000) + data[at + 8 :]


RGB8 = b"/Width 413/Height 585/ColorSpace/DeviceRGB/BitsPerComponent 8"
GREY8 = b"/Width 413/Height 585/ColorSpace/DeviceGray/BitsPerComponent 8"
BITS = b"/Width 413/Height 585/ColorSpace/DeviceGray/BitsPerComponent 1"
G4 = b"/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns 413/Rows 585>>"
FLATE, DCT = b"/Filter/FlateDecode", b"/Filter/DCTDecode"
VAST = b"/Width 30000/Height 30000/ColorSpace/DeviceGray/BitsPerComponent 8"


def strips() -> bytes:
    """A page in eight stripes, as some drivers write it."""
    page = face(1).resize((416, 584))
    more, names, drawing = {}, b"", b""
    for n in range(8):
        out = io.BytesIO()
        page.crop((0, 73 * n, 416, 73 * n + 73)).save(out, "JPEG")
        more[10 + n] = stream(
            b"/Type/XObject/Subtype/Image/Width 416/Height 73/ColorSpace/DeviceGray/BitsPerComponent 8" + DCT,
            out.getvalue(),
        )
        names += b"/S%d %d 0 R" % (n, 10 + n)
        drawing += b"q 595 0 0 105.25 0 %.2f cm /S%d Do Q\n" % (842 - 105.25 * (n + 1), n)
    return one(resources=b"/XObject<<" + names + b">>", content=drawing, more=more)


each(
    Accepted(1),
    {
        "a fax (G4)": lambda: pictured(BITS + G4, fax()),
        "a fax with white for black": lambda: pictured(BITS + G4 + b"/Decode[1 0]", fax()),
        "JBIG2": lambda: pictured(BITS + b"/Filter/JBIG2Decode", jbig2()),
        "JPEG 2000": lambda: pictured(b"/Width 413/Height 585/Filter/JPXDecode", jpx()),
        "CMYK JPEG": lambda: pictured(
            b"/Width 413/Height 585/ColorSpace/DeviceCMYK/BitsPerComponent 8/Decode[1 0 1 0 1 0 1 0]" + DCT,
            saved("CMYK", "JPEG"),
        ),
        "an RGB JPEG": lambda: pictured(RGB8 + DCT, saved("RGB", "JPEG")),
        "a progressive JPEG": lambda: pictured(GREY8 + DCT, saved("L", "JPEG", progressive=True)),
        "a JPEG inside Flate": lambda: pictured(
            GREY8 + b"/Filter[/FlateDecode/DCTDecode]", zlib.compress(saved("L", "JPEG"))
        ),
        "a JPEG with zeros behind its end": lambda: pictured(GREY8 + DCT, saved("L", "JPEG") + bytes(64)),
        "Flate": lambda: pictured(GREY8 + FLATE, zlib.compress(grey())),
        "16 bits": lambda: pictured(
            b"/Width 413/Height 585/ColorSpace/DeviceGray/BitsPerComponent 16" + FLATE,
            zlib.compress(b"".join(bytes((level, 0)) for level in grey())),
        ),
        "indexed colours": lambda: pictured(
            b"/Width 413/Height 585/BitsPerComponent 8/ColorSpace[/Indexed/DeviceRGB 255<%s>]"
            % (b"".join(b"%02x%02x%02x" % (n, n, n) for n in range(256)))
            + FLATE,
            zlib.compress(grey()),
        ),
        "a stencil": lambda: pictured(b"/Width 413/Height 585/ImageMask true/BitsPerComponent 1" + G4, fax()),
        "a picture with a soft mask": lambda: one(
            image=stream(b"/Type/XObject/Subtype/Image" + GREY8 + DCT + b"/SMask 6 0 R", saved("L", "JPEG")),
            more={6: stream(b"/Type/XObject/Subtype/Image" + GREY8 + FLATE, zlib.compress(b"\xff" * 413 * 585))},
        ),
        "a picture in stripes": strips,
        "a picture in the content itself": lambda: one(
            content=b"q 595 0 0 842 0 0 cm BI /W 413 /H 585 /CS /G /BPC 8 /F /Fl ID "
            + zlib.compress(grey())
            + b"\nEI Q",
        ),
    },
)
each(
    Accepted(1, unsound=(1,)),
    {
        "a JPEG that stops half way": lambda: pictured(GREY8 + DCT, saved("L", "JPEG")[:9000]),
        "a JPEG without its end": lambda: pictured(GREY8 + DCT, saved("L", "JPEG")[:-2]),
        "a JPEG with a hole": lambda: pictured(GREY8 + DCT, _holed(saved("L", "JPEG"))),
        "half a JPEG beside a text": lambda: pictured(
            GREY8 + DCT, saved("L", "JPEG")[:9000], content=FULL + b" BT (a) Tj ET"
        ),
        "half a Flate picture": lambda: pictured(GREY8 + FLATE, zlib.compress(grey())[:9000]),
        "half a fax": lambda: pictured(BITS + G4, fax()[: len(fax()) // 2]),
        "half a JPEG 2000": lambda: pictured(b"/Width 413/Height 585/Filter/JPXDecode", jpx()[:9000]),
        "half a JBIG2": lambda: pictured(BITS + b"/Filter/JBIG2Decode", jbig2()[:1500]),
        "a picture that is not in the file": lambda: one(resources=b"/XObject<</I0 99 0 R>>"),
        "a picture nobody named": lambda: one(resources=b""),
        "a content that is not in the file": lambda: one().replace(b"/Contents 4 0 R", b"/Contents 9 0 R"),
        "half a content": lambda: one(more={4: stream(FLATE, zlib.compress(b"0 0 m 1 1 l S\n" * 500 + FULL)[:40])}),
    },
)


def _holed(data: bytes) -> bytes:
    return data[:8000] + bytes(3000) + data[11_000:]


each(
    Refused("ingest.page_too_large"),
    {
        "a picture of 900 million pixels (Flate)": lambda: pictured(VAST + FLATE, zlib.compress(bytes(1_000_000))),
        "a picture of 900 million pixels (JPEG)": lambda: pictured(
            VAST + DCT, claiming(saved("L", "JPEG"), 30_000, 30_000)
        ),
        "a JPEG larger than its page says": lambda: pictured(GREY8 + DCT, claiming(saved("L", "JPEG"), 60_000, 60_000)),
        "a JPEG in Flate larger than its page says": lambda: pictured(
            GREY8 + b"/Filter[/FlateDecode/DCTDecode]", zlib.compress(claiming(saved("L", "JPEG"), 60_000, 60_000))
        ),
        "a JPEG 2000 larger than its page says": lambda: pictured(
            b"/Width 413/Height 585/Filter/JPXDecode", vast_jpx()
        ),
        "a mask of 900 million pixels": lambda: one(
            image=stream(b"/Type/XObject/Subtype/Image" + GREY8 + DCT + b"/SMask 6 0 R", saved("L", "JPEG")),
            more={6: stream(b"/Type/XObject/Subtype/Image" + VAST + FLATE, zlib.compress(bytes(1000)))},
        ),
    },
)
each(
    Refused("ingest.unsafe_image"),
    {
        "a progressive JPEG of 200 scans": lambda: pictured(GREY8 + DCT, progressive(200)),
        "a JPEG of 200 scans in Flate": lambda: pictured(
            GREY8 + b"/Filter[/FlateDecode/DCTDecode]", zlib.compress(progressive(200))
        ),
    },
)

# What is drawn, and what is not

TEXT = b"/Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>"
IMAGE = b"/XObject<</I0 5 0 R>>"


def form(content: bytes, resources: bytes = b"") -> bytes:
    return stream(b"/Type/XObject/Subtype/Form/BBox" + A4 + b"/Resources<<" + resources + b">>", content)


def exponential() -> bytes:
    """Forms that each draw the next ten times: 10^12 pictures."""
    more = {10 + n: form(b"/F Do " * 10, b"/XObject<</F %d 0 R>>" % (11 + n)) for n in range(12)}
    more[22] = form(b"0 0 100 100 re f")
    return one(content=b"/F Do", resources=b"/XObject<</F 10 0 R>>", more=more)


each(
    Accepted(1),
    {
        "a blank page": lambda: one(content=b"", resources=b""),
        "a picture and a printed line": lambda: one(
            content=FULL + b" BT /F1 20 Tf 100 400 Td (page) Tj ET", resources=IMAGE + TEXT
        ),
        "a hidden layer of text, as scanners with OCR write": lambda: one(
            content=b"BT 3 Tr /F1 20 Tf 100 400 Td (DUPONT Jean) Tj ET " + FULL, resources=IMAGE + TEXT
        ),
        "white words over the picture": lambda: one(
            content=FULL + b" BT 1 g /F1 20 Tf 100 400 Td (secret) Tj ET", resources=IMAGE + TEXT
        ),
        "a layer that prints but does not show": lambda: one(
            catalog=b"/OCProperties<</OCGs[6 0 R]/D<</OFF[6 0 R]/AS[<</Event/Print/OCGs[6 0 R]/Category[/Print]>>]>>>>",
            content=FULL + b" /OC /L BDC 0 0 200 200 re f EMC",
            resources=IMAGE + b"/Properties<</L 6 0 R>>",
            more={6: b"<</Type/OCG/Name(l)/Usage<</Print<</PrintState/ON>>/View<</ViewState/OFF>>>>>>"},
        ),
        "ink of a tablet over the picture": lambda: one(
            page=b"/Annots[<</Type/Annot/Subtype/Ink/Rect[0 0 300 300]/InkList[[10 10 200 200]]/C[1 0 0]>>]"
        ),
        "a form to fill in": lambda: one(
            catalog=b"/AcroForm<</Fields[6 0 R]>>",
            page=b"/Annots[6 0 R]",
            more={6: b"<</Type/Annot/Subtype/Widget/FT/Tx/T(nom)/V(DUPONT)/Rect[50 700 250 720]/P 3 0 R>>"},
        ),
        "an XFA form": lambda: one(
            catalog=b"/AcroForm<</Fields[]/XFA 6 0 R>>", more={6: stream(b"", b"<xdp:xdp xmlns:xdp='x'/>")}
        ),
        "a script that runs when opened": lambda: one(catalog=b"/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>"),
        "a program to launch": lambda: one(catalog=b"/OpenAction<</S/Launch/F(cmd.exe)>>"),
        "a script for each turned page": lambda: one(page=b"/AA<</O<</S/JavaScript/JS(while\\(1\\);)>>>>"),
        "a file attached": lambda: one(
            catalog=b"/Names<</EmbeddedFiles<</Names[(a.exe) 6 0 R]>>>>",
            more={6: b"<</Type/Filespec/F(a.exe)/EF<</F 7 0 R>>>>", 7: stream(b"/Type/EmbeddedFile", b"MZ")},
        ),
        "a portfolio": lambda: one(
            catalog=b"/Collection<</View/T>>/Names<</EmbeddedFiles<</Names[(a.pdf) 6 0 R]>>>>",
            more={6: b"<</Type/Filespec/F(a.pdf)/EF<</F 7 0 R>>>>", 7: stream(b"/Type/EmbeddedFile", two_sides())},
        ),
        "a picture fetched from the web": lambda: one(
            more={6: b"<</Type/Filespec/FS/URL/F(http://127.0.0.1:9/x)>>"},
            catalog=b"/URI<</Base(http://127.0.0.1:9/)>>",
        ),
        "a form that draws itself": lambda: one(
            content=FULL + b" /F Do",
            resources=b"/XObject<</I0 5 0 R/F 6 0 R>>",
            more={6: form(b"/F Do", b"/XObject<</F 6 0 R>>")},
        ),
        "a graphics state left dirty": lambda: one(content=b"q q 0.5 0 0 0.5 0 0 cm " + FULL),
        "a state restored too often": lambda: one(content=FULL + b" Q Q Q"),
    },
)
each(
    Accepted(1, unsound=(1,)),
    {"words nobody knows in the content": lambda: one(content=FULL + b" 1 2 florps <<")},
)
each(
    Refused("ingest.unreadable", cutting=True),
    {
        "forms that draw 10^12 pictures": exponential,
        "a content of 70 MB of strokes": lambda: one(
            more={4: stream(FLATE, zlib.compress(b"0 0 m 600 800 l S\n" * 4_000_000, 9))}
        ),
        "a pattern of a thousandth of a point": lambda: one(
            content=b"/Pattern cs /P scn 0 0 595 842 re f",
            resources=b"/Pattern<</P 6 0 R>>",
            more={
                6: stream(
                    b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 1 1]"
                    b"/XStep 0.001/YStep 0.001/Resources<<>>",
                    b"0 0 1 1 re f",
                )
            },
        ),
    },
)
