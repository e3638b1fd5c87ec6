"""The PDF every final document starts from: catalogue, no page, the two typefaces, the graphics states.

Built once per process, with the font files already compressed, so that a document pays only for moving them.
Codes in text are UTF-16 values: /CIDToGIDMap picks the glyph and /ToUnicode is the identity, so what is drawn
and what is copied out of the document cannot disagree.
"""

from __future__ import annotations

import functools
import zlib

from services.render.typeface import BOLD, REGULAR, Face

PAGES = 2  # object numbers, fixed by the order of _objects()
RESOURCES = 3
_FACE_OBJECTS = 6
_FIRST_FACE = 5


def _stream(data: bytes, extra: str = "") -> bytes:
    packed = zlib.compress(data, 9)
    return f"<</Filter/FlateDecode/Length {len(packed)}{extra}>>\nstream\n".encode() + packed + b"\nendstream"


def _to_unicode() -> bytes:
    ranges = [f"<{high:02x}00> <{high:02x}ff> <{high:02x}00>" for high in range(256)]
    blocks = [ranges[i : i + 100] for i in range(0, 256, 100)]  # a CMap block holds at most 100 ranges
    body = "\n".join(f"{len(block)} beginbfrange\n" + "\n".join(block) + "\nendbfrange" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n"
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n"
        f"1 begincodespacerange <0000> <ffff> endcodespacerange\n{body}\n"
        "endcmap CMapName currentdict /CMap defineresource pop end end"
    ).encode()


def _widths(face: Face) -> str:
    """/W: consecutive codes share one array."""
    parts: list[str] = []
    previous = -2
    for char, (_, advance) in face.glyphs.items():
        code = ord(char)
        parts.append(f" {advance}" if code == previous + 1 else f"{']' if parts else ''}{code}[{advance}")
        previous = code
    return "[" + "".join(parts) + "]]"


def _glyph_map(face: Face) -> bytes:
    table = bytearray(2 * 0x10000)
    for char, (glyph, _) in face.glyphs.items():
        table[2 * ord(char) : 2 * ord(char) + 2] = glyph.to_bytes(2, "big")
    return bytes(table)


def _face_objects(face: Face, first: int) -> list[bytes]:
    name = f"KORRIG+{face.name}"  # the six letters mark a subset
    program = face.file.read_bytes()
    bold = 700 if face is BOLD else 400
    return [
        f"<</Type/Font/Subtype/Type0/BaseFont/{name}/Encoding/Identity-H/DescendantFonts[{first + 1} 0 R]"
        f"/ToUnicode {first + 5} 0 R>>".encode(),
        f"<</Type/Font/Subtype/CIDFontType2/BaseFont/{name}/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)"
        f"/Supplement 0>>/FontDescriptor {first + 2} 0 R/DW 600/W{_widths(face)}"
        f"/CIDToGIDMap {first + 4} 0 R>>".encode(),
        f"<</Type/FontDescriptor/FontName/{name}/Flags 4/FontBBox[{' '.join(map(str, face.bbox))}]/ItalicAngle 0"
        f"/Ascent {face.ascent}/Descent {face.descent}/CapHeight {face.cap_height}/StemV {bold // 5}/FontWeight {bold}"
        f"/FontFile2 {first + 3} 0 R>>".encode(),
        _stream(program, f"/Length1 {len(program)}"),
        _stream(_glyph_map(face)),
        _stream(_to_unicode()),
    ]


def _objects() -> list[bytes]:
    bold = _FIRST_FACE + _FACE_OBJECTS
    return [
        b"<</Type/Catalog/Pages 2 0 R/ViewerPreferences<</DisplayDocTitle true>>>>",
        b"<</Type/Pages/Kids[]/Count 0>>",
        f"<</Font<</R {_FIRST_FACE} 0 R/B {bold} 0 R>>/ExtGState<</Paper<</Type/ExtGState/ca .93>>"
        "/Veil<</Type/ExtGState/BM/Multiply/ca .62>>>>>>".encode(),
        b"<</Producer(Korrigo)>>",
        *_face_objects(REGULAR, _FIRST_FACE),
        *_face_objects(BOLD, bold),
    ]


@functools.cache
def skeleton() -> bytes:
    """A valid PDF without pages. The same bytes in every process."""
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    objects = _objects()
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets)
    out += f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R/Info 4 0 R>>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)
