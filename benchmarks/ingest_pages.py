"""Pages per second of ingest's child, against the raw loop and the naive pipeline, interleaved in one run.

    python -m benchmarks.ingest_pages [scan.pdf] [--intake a3|a4] [--dpi 200] [--rounds 3] [--cores N]
    python -m benchmarks.ingest_pages --memory

- *cut*: the code path of production, ``services.ingest.pixels.cut`` on chunks of 8 sides: cuts, turns, measures, masks.
- *floor*: what any such pipeline pays on the same pages: extract the stream, one scaled decode, one encode per page.
- *naive*: draw at 150 dpi, save as PNG, open it again to cut and shrink it.

First on all cores: cut in the children of the sandbox, as the service runs it, with every image sent back; the others
in as many processes, which send nothing back. Then in CPU seconds of one process, which a busy machine moves little.
Every round takes the same sides in each way, one after the other; ratios are the claim. In CPU seconds the quickest
round of each chunk counts: what others do on the machine only ever adds to it. Without a path the input is drawn:
piles of A3 and of A4 at 200 dpi.

The floor decodes and encodes every page in screen size. A plain upright A4 JPEG of at most 205 dpi and 400 KiB is
shown as it is stored; of it cut decodes only the grid it measures on, so cut may cost less than the floor.

``--memory``: the most memory a child of the sandbox ever held after looking into and cutting A4 piles of 40, 400 and
2000 pages.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pymupdf
from PIL import Image

from chassis.sandbox import Sandbox
from demo import scans
from services.ingest import pixels
from services.ingest.context import CHILD_ENVIRONMENT
from services.ingest.pixels import document, jpeg
from services.ingest.pixels.sides import SCREEN_PX
from tests.scans import paper

CHUNK = 8
CHUNKS_PER_CORE = 4
NAIVE_SIDES = 1  # it takes half a second and more for each page
Task = tuple[str, int, int, bool]
"""Path, first and last side, spreads."""


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


def tasks(path: str, spreads: bool) -> list[Task]:
    with document.open_pdf(path) as pdf:
        sides = pdf.page_count
    return [(path, first, min(first + CHUNK - 1, sides), spreads) for first in range(1, sides + 1, CHUNK)]


def few(task: Task) -> Task:
    path, first, _, spreads = task
    return path, first, first + NAIVE_SIDES - 1, spreads


Runner = Callable[[str, list[Task]], int]


@contextmanager
def on_all_cores(cores: int, folder: str) -> Iterator[Runner]:
    """Carries out tasks in one of the ways on all cores; returns how many pages came out. ``folder``: of the scans."""
    sandbox = Sandbox("services.ingest.pixels", size=cores, environment=CHILD_ENVIRONMENT, reads=(folder,))

    def in_child(task: Task) -> int:
        path, first, last, spreads = task
        reply = sandbox.run("cut", files=[Path(path)], first_side=first, last_side=last, spreads=spreads)
        return sum(len(side["faces"]) for side in reply.result["sides"])

    def run(way: str, asked: list[Task]) -> int:
        if way == "cut":
            return sum(threads.map(in_child, asked))
        return sum(processes.map(WAYS[way], *zip(*asked, strict=True)))

    spawn = multiprocessing.get_context("spawn")
    try:
        with ThreadPoolExecutor(cores) as threads, ProcessPoolExecutor(cores, mp_context=spawn) as processes:
            yield run
    finally:
        sandbox.close()


def parallel(name: str, pile: list[Task], rounds: int, cores: int) -> None:
    repeated = [pile[number % len(pile)] for number in range(CHUNKS_PER_CORE * cores)]
    asked = dict.fromkeys(WAYS, repeated) | {"naive": [few(task) for task in repeated[:cores]]}
    per_s: dict[str, list[float]] = {way: [] for way in WAYS}
    with on_all_cores(cores, str(Path(pile[0][0]).resolve().parent)) as run:
        for way in WAYS:
            run(way, [few(task) for task in repeated[:cores]])  # imports and caches are nobody's cost
        for _ in range(rounds):
            for way in WAYS:
                started = time.perf_counter()
                pages = run(way, asked[way])
                per_s[way].append(pages / (time.perf_counter() - started))
    middle = {way: statistics.median(values) for way, values in per_s.items()}
    shown = "   ".join(f"{way} {value:.1f} pages/s" for way, value in middle.items())
    print(f"{name}, {cores} cores: {shown}")
    print(f"  cut: {middle['cut'] / middle['floor']:.2f} of the floor, {middle['cut'] / middle['naive']:.1f} x naive")


def single(name: str, pile: list[Task], rounds: int) -> None:
    least: dict[tuple[str, Task], float] = {}
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        for way in WAYS:
            process.submit(_timed, way, few(pile[0])).result()  # imports and caches are nobody's cost
        for _ in range(rounds):
            for way, task in [(way, task) for task in pile for way in ("cut", "floor")] + [("naive", few(pile[0]))]:
                took = process.submit(_timed, way, task).result()
                least[way, task] = min(took, least.get((way, task), took))
    ms = {way: statistics.mean(value for (each, _), value in least.items() if each == way) for way in WAYS}
    print(f"{name}, one core: " + "   ".join(f"{way} {value:.1f} CPU ms a page" for way, value in ms.items()))
    print(f"  cut: {ms['floor'] / ms['cut']:.2f} of the floor, {ms['naive'] / ms['cut']:.1f} x naive")


def _timed(way: str, task: Task) -> float:
    gc.freeze()  # as the child does
    started = time.process_time()
    pages = WAYS[way](*task)
    return (time.process_time() - started) * 1000 / pages


def memory() -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "drawn.pdf")
        source.write_bytes(scans.a4_pile(dpi=150))
        with document.open_pdf(str(source)) as pdf:
            drawn = [as_leaf(pdf, index) for index in range(pdf.page_count)]
        peaks = []
        for pages in (40, 400, 2000):  # each with its own image streams
            path = Path(folder, f"{pages}.pdf")
            path.write_bytes(paper.pdf([drawn[number % len(drawn)] for number in range(pages)]))
            peaks.append(peak_mib(path))
            path.unlink()
            print(f"{pages} pages: at most {peaks[-1]:.0f} MiB, {peaks[-1] / peaks[0]:.2f} of the first", flush=True)


def as_leaf(pdf: pymupdf.Document, index: int) -> paper.Leaf:
    xref, _, width, height, *_ = pdf.get_page_images(index)[0]
    described = b"/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/DCTDecode" % (width, height)
    size = pdf[index].rect
    return paper.Leaf(pdf.xref_stream_raw(xref), described, size.width, size.height)


def peak_mib(path: Path) -> float:
    """The most resident memory of a fresh child that does the whole of a pile, as the kernel counts it."""
    sandbox = Sandbox("services.ingest.pixels", size=1, environment=CHILD_ENVIRONMENT)
    try:
        sides = sandbox.run("inspect", files=[path], max_sides=3000).result["sides"]
        for first in range(1, sides + 1, CHUNK):
            last = min(first + CHUNK - 1, sides)
            sandbox.run("cut", files=[path], first_side=first, last_side=last, spreads=False)
        child = max(
            int(pid) for listed in Path("/proc/self/task").glob("*/children") for pid in listed.read_text().split()
        )
        status = Path(f"/proc/{child}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    finally:
        sandbox.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", nargs="?")
    parser.add_argument("--intake", choices=["a3", "a4"], default="a3")
    parser.add_argument("--dpi", type=int, default=200, help="of the drawn piles")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    os.environ.update(CHILD_ENVIRONMENT)  # every way in processes that treat memory as ingest's child does
    if asked.memory:
        memory()
        return
    with tempfile.TemporaryDirectory() as folder:
        if asked.path:
            piles = {asked.intake.upper(): tasks(asked.path, asked.intake == "a3")}
        else:
            drawn = {"A3": scans.a3_pile(dpi=asked.dpi), "A4": scans.a4_pile(dpi=asked.dpi)}
            for name, data in drawn.items():
                Path(folder, name).write_bytes(data)
            piles = {name: tasks(str(Path(folder, name)), name == "A3") for name in drawn}
        for name, pile in piles.items():
            parallel(name, pile, asked.rounds, asked.cores)
            single(name, pile, asked.rounds)


if __name__ == "__main__":
    main()
