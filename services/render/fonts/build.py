"""Cut the two typefaces of final PDFs out of Debian's DejaVu: ``python -m services.render.fonts.build``.

Writes ``regular.ttf``, ``bold.ttf`` and ``metrics.json`` beside itself. Needs fonttools and Debian's
``fonts-dejavu-extra``; nobody needs to run it unless the list of characters changes.
Hinting and layout tables go: print at 600 dpi and screens at zoom need neither, and every final PDF carries the file.
"""

from __future__ import annotations

import json
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

HERE = Path(__file__).parent
DEBIAN = Path("/usr/share/fonts/truetype/dejavu")

LATIN = [(0x20, 0x7E), (0xA0, 0x17F), (0x192, 0x192), (0x218, 0x21B), (0x2C6, 0x2C7), (0x2D8, 0x2DD)]
PUNCTUATION = [(0x2009, 0x200A), (0x2010, 0x2015), (0x2018, 0x2022), (0x2026, 0x2026), (0x202F, 0x202F),
               (0x2030, 0x2033), (0x2039, 0x203A), (0x2044, 0x2044), (0x20AC, 0x20AC)]  # fmt: skip
GREEK = [(0x386, 0x3CE), (0x3D1, 0x3D1), (0x3D5, 0x3D6), (0x3F5, 0x3F5)]
RAISED = [(0x2070, 0x2071), (0x2074, 0x208E), (0x2090, 0x209C), (0x1D62, 0x1D6A), (0x2E2, 0x2E3), (0x2B0, 0x2B8)]
MATHS = [
    (0x2102, 0x2102), (0x210D, 0x210D), (0x2113, 0x2113), (0x2115, 0x2116), (0x2119, 0x211A), (0x211D, 0x211D),
    (0x2122, 0x2122), (0x2124, 0x2124), (0x2126, 0x2126), (0x212B, 0x212B), (0x2153, 0x215E), (0x2190, 0x2199),
    (0x21A6, 0x21A6), (0x21C0, 0x21C0), (0x21C4, 0x21C4), (0x21CC, 0x21CC), (0x21D0, 0x21D5), (0x2200, 0x223C),
    (0x2243, 0x2248), (0x2254, 0x2254), (0x2259, 0x226B), (0x226E, 0x2273), (0x2282, 0x228B), (0x2295, 0x2299),
    (0x22A2, 0x22A5), (0x22C0, 0x22C5), (0x22EE, 0x22F1), (0x2308, 0x230B), (0x27E8, 0x27E9), (0x2A7D, 0x2A7E),
]  # fmt: skip
SIGNS = [(0x25A0, 0x25A1), (0x25B2, 0x25B3), (0x25BA, 0x25BA), (0x25CB, 0x25CB), (0x25CF, 0x25CF), (0x2605, 0x2606),
         (0x2610, 0x2612), (0x2660, 0x2667), (0x266D, 0x266F), (0x2713, 0x2718), (0xFB01, 0xFB02),
         (0xFFFD, 0xFFFD)]  # fmt: skip
CYRILLIC = [(0x401, 0x401), (0x410, 0x44F), (0x451, 0x451)]
ACCENTS = [(0x300, 0x304), (0x306, 0x308), (0x30A, 0x30C), (0x327, 0x328)]

FACES = {
    "regular": ("DejaVuSansCondensed.ttf",
                [*LATIN, *PUNCTUATION, *GREEK, *RAISED, *MATHS, *SIGNS, *CYRILLIC, *ACCENTS]),
    "bold": ("DejaVuSansCondensed-Bold.ttf", [(0x20, 0x7E), (0xA0, 0xFF), (0x152, 0x153), (0x178, 0x178),
                                              *PUNCTUATION, (0x2212, 0x2212)]),
}  # fmt: skip  # what bold lacks is drawn in regular


def cut(source: Path, ranges: list[tuple[int, int]], target: Path) -> dict[str, object]:
    """Write the subset and return what layout and PDF need to know of it, in thousandths of an em."""
    font = TTFont(source, recalcTimestamp=False)
    options = Options(hinting=False, layout_features=[], name_IDs=[0, 1, 2, 4, 6, 13, 14], notdef_outline=True,
                      drop_tables=["GPOS", "GSUB", "GDEF", "FFTM", "kern", "DSIG"])  # fmt: skip
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[code for first, last in ranges for code in range(first, last + 1)])
    subsetter.subset(font)
    font.save(target, reorderTables=True)
    em, order, cmap = font["head"].unitsPerEm, font.getReverseGlyphMap(), font.getBestCmap()
    scale = 1000 / em
    return {
        "name": font["name"].getDebugName(6),
        "ascent": round(font["hhea"].ascent * scale),
        "descent": round(font["hhea"].descent * scale),
        "cap_height": round(font["OS/2"].sCapHeight * scale) if font["OS/2"].version > 1 else 729,
        "bbox": [round(font["head"].xMin * scale), round(font["head"].yMin * scale),
                 round(font["head"].xMax * scale), round(font["head"].yMax * scale)],
        "glyphs": {str(code): [order[name], round(font["hmtx"][name][0] * scale)]
                   for code, name in sorted(cmap.items())},
    }  # fmt: skip


def main() -> None:
    metrics = {face: cut(DEBIAN / file, ranges, HERE / f"{face}.ttf") for face, (file, ranges) in sorted(FACES.items())}
    (HERE / "metrics.json").write_text(json.dumps(metrics, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
