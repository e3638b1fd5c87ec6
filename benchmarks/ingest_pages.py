"""Pages per second of ingest's child, against two raw loops and the naive pipeline, interleaved in one run.

    python -m benchmarks.ingest_pages [scan.pdf] [--intake a3|a4] [--rounds 3]

- *cut*: the code path of production, ``services.ingest.pixels.cut`` on chunks of 8 sides: cuts, turns, measures, masks.
- *floor*: what any such pipeline pays on the same pages: extract the stream, one scaled decode, one encode per page.
- *naive*: draw at 150 dpi, save as PNG, open it again to cut and shrink it.

Every round takes the same sides in the three ways, one after the other. Figures are CPU seconds of one process, so a
busy machine moves them little; ratios are the claim. With a path the input is that file, else a drawn pile.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pymupdf
from PIL import Image

from services.ingest import pixels
from services.ingest.pixels import document, jpeg
from services.ingest.pixels.sides import SCREEN_PX

CHUNK = 8


def cut(path: str, first: int, last: int, spreads: bool) -> int:
    result, _ = pixels.cut([path], b"", first_side=first, last_side=last, spreads=spreads)
    return sum(len(side["faces"]) for side in result["sides"])


def floor(path: str, first: int, last: int, spreads: bool) -> int:
    pages = 0
    with document.open_pdf(path) as pdf:
        for index in range(first - 1, last):
            xref, _, width, height, _, space, *_ = pdf.get_page_images(index)[0]
            grey = space == "DeviceGray"
            native_px = min(width, height) if spreads else max(width, height)
            shown, _ = jpeg.decode(
                pdf.xref_stream_raw(xref), grey=grey, min_height_px=round(height * min(1, SCREEN_PX / native_px))
            )
            parts = (shown[:, : shown.shape[1] // 2], shown[:, shown.shape[1] // 2 :]) if spreads else (shown,)
            for part in parts:
                jpeg.encode(part, jpeg.SCREEN_QUALITY)
                pages += 1
    return pages


def naive(path: str, first: int, last: int, spreads: bool) -> int:
    pages = 0
    with pymupdf.open(path) as pdf, tempfile.TemporaryDirectory() as folder:
        for index in range(first - 1, last):
            whole = Path(folder, "side.png")
            pdf[index].get_pixmap(dpi=150).save(whole)
            side = Image.open(whole)
            middle = side.width // 2
            boxes = ((0, middle), (middle, side.width)) if spreads else ((0, side.width),)
            for left, right in boxes:
                part = side.crop((left, 0, right, side.height))
                part.save(Path(folder, "page.png"))
                part.resize((220, round(part.height * 220 / part.width))).save(Path(folder, "thumb.png"))
                pages += 1
    return pages


WAYS: dict[str, Callable[[str, int, int, bool], int]] = {"cut": cut, "floor": floor, "naive": naive}


def drawn_pile() -> bytes:
    """An A3 pile at 200 dpi: 6 copies, one of them of two sheets."""
    from tests.scans.paper import leaf, pdf, sheets

    sides = [side for seed, count in enumerate((1, 1, 2, 1, 1, 1), start=1) for side in sheets(count, seed)]
    return pdf([leaf(side.resize((side.width * 2, side.height * 2)), dpi=200) for side in sides])


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", nargs="?")
    parser.add_argument("--intake", choices=["a3", "a4"], default="a3")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = asked.path
        if path is None:
            path = str(Path(folder, "pile.pdf"))
            Path(path).write_bytes(drawn_pile())
        measure(path, asked.intake == "a3", asked.rounds)


def measure(path: str, spreads: bool, rounds: int) -> None:
    with document.open_pdf(path) as pdf:
        sides = pdf.page_count
    cut(path, 1, min(2, sides), spreads)  # imports and caches are nobody's cost
    early = peak_mb()
    ms: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name in ("cut", "floor"):  # naive last: its 256 MB of MuPDF store would hide our peak
            ms[name] += [_timed(name, path, first, sides, spreads) for first in range(1, sides + 1, CHUNK)]
    flat = peak_mb()
    for _ in range(rounds):
        for name in WAYS:
            ms[name].append(_timed(name, path, 1, min(CHUNK, sides), spreads))
    middle = {name: statistics.median(values) for name, values in ms.items()}
    for name, value in middle.items():
        print(f"{name:6} {value:7.1f} CPU ms a page   {1000 / value:6.1f} pages/s a core")
    against = {name: middle[name] / middle["cut"] for name in ("floor", "naive")}
    print(f"speed against the floor: {against['floor']:.2f}   against naive: {against['naive']:.1f}")
    print(f"peak memory: {early:.0f} MB after 2 sides, {flat:.0f} MB after {sides} sides x {rounds}")


def _timed(name: str, path: str, first: int, sides: int, spreads: bool) -> float:
    started = time.process_time()
    pages = WAYS[name](path, first, min(first + CHUNK - 1, sides), spreads)
    return (time.process_time() - started) * 1000 / pages


if __name__ == "__main__":
    main()
