"""Final PDFs a second, against copying the same pages without drawing anything, and against rebuilding from rasters.

    python -m benchmarks.final_pdfs [--copies N] [--naive N]

The three ways take the same 4-page copies out of the same generated scan (A4, 200 dpi grey JPEG), in turns in one
process; each time includes opening the scan. Ours has six annotations a page (two of them pen lines of 60 points) and
a score sheet of 20 items. Figures are medians of processor time; only the ratios mean something. The first one grows
with the weight of the scan: copying costs by the byte, drawing by the mark.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pymupdf
from PIL import Image, ImageDraw, ImageFilter

from contracts.objects import ObjectRef
from contracts.records.marking import MarkingRecord, RecordedAnnotation, RecordedItem, RecordedPage
from contracts.records.pages import PageSource
from services.render import pixels

PAGES = 4
TEXT = "Très bonne idée, mais l’hypothèse de récurrence n’est pas énoncée ! Il faut vérifier P(0) d’abord."
SIZE = (1654, 2339)  # A4 at 200 dpi


def scanned(seed: int) -> bytes:
    """A page with lines of scribble and a scanner's grain; about 250 KB."""
    rng = random.Random(seed)
    image = Image.effect_noise(SIZE, 4).point(lambda value: min(255, value + 110))
    draw = ImageDraw.Draw(image)
    for line in range(25):
        x, y = 140, 300 + 78 * line
        while x < 1450:
            step = rng.randint(8, 26)
            draw.line([x, y, x + step, y + rng.randint(-24, 24)], fill=60, width=4)
            x += step
    out = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(0.7)).save(out, "JPEG", quality=70)
    return out.getvalue()


def scan(path: Path, sides: int) -> None:
    images = [scanned(seed) for seed in range(4)]
    with pymupdf.open() as document:
        for side in range(sides):
            page = document.new_page(width=595.2, height=841.9)
            # A comment after the end marker makes each side's stream another one, as in a real pile.
            page.insert_image(page.rect, stream=images[side % 4][:-2] + b"\xff\xfe\x00\x04%02x\xff\xd9" % side)
        document.save(path)


def ink_on(page_no: int, rng: random.Random) -> list[RecordedAnnotation]:
    def mark(kind: str, **more: object) -> RecordedAnnotation:
        place = {"x": rng.uniform(0.1, 0.6), "y": rng.uniform(0.1, 0.9), "w": 0.0, "h": 0.0}
        return RecordedAnnotation.model_validate(
            {"id": uuid.uuid4(), "page_no": page_no, "type": kind, **place, **more}
        )

    def stroke() -> list[tuple[float, float]]:
        x, y = rng.uniform(0.1, 0.5), rng.uniform(0.2, 0.7)
        line = []
        for _ in range(60):
            x, y = x + rng.uniform(-0.004, 0.009), y + rng.uniform(-0.004, 0.004)
            line.append((x, y))
        return line

    return [
        mark("pen", strokes=[stroke()]), mark("pen", strokes=[stroke()]), mark("highlight", w=0.35, h=0.018),
        mark("comment", content=TEXT, score_delta="-0.5"), mark("comment", content=TEXT[:60]), mark("tick"),
    ]  # fmt: skip


def marked(copy: int, upload: ObjectRef) -> bytes:
    rng = random.Random(copy)
    pages = [
        RecordedPage(page_no=n, blank=False, source=PageSource(upload=upload, side_no=copy * PAGES + n))
        for n in range(1, PAGES + 1)
    ]
    items = [
        RecordedItem(item_id=str(n), path=(f"Exercice {n // 4}", f"Question {n}"), max_points=Decimal(1),
                     score=Decimal("0.75"), remark=TEXT if n % 4 == 0 else "")
        for n in range(20)
    ]  # fmt: skip
    record = MarkingRecord(
        exam_id=uuid.UUID(int=1), exam_title="Bac blanc", exam_date=date(2026, 3, 12), copy_id=uuid.UUID(int=copy),
        anonymous_id=f"A-{copy}", revision=1, scheme_version=1, pages=tuple(pages),
        annotations=tuple(a for n in range(1, PAGES + 1) for a in ink_on(n, rng)), items=tuple(items),
        total=Decimal("15"), total_points=Decimal(20), appraisal=TEXT, finalised_at=datetime(2026, 3, 20, tzinfo=UTC),
    )  # fmt: skip
    return record.model_dump_json().encode()


def raw_copy(path: Path, copy: int) -> bytes:
    first = copy * PAGES
    with pymupdf.open(path) as source, pymupdf.open() as document:
        document.insert_pdf(
            source, from_page=first, to_page=first + PAGES - 1, annots=False, links=False, widgets=False
        )
        return bytes(document.tobytes())


def rebuilt(path: Path, copy: int) -> bytes:
    """The naive way, and still without any annotation."""
    with pymupdf.open(path) as source, pymupdf.open() as document:
        for side in range(copy * PAGES, (copy + 1) * PAGES):
            picture = source[side].get_pixmap(dpi=150).tobytes("png")
            page = document.new_page(width=source[side].rect.width, height=source[side].rect.height)
            page.insert_image(page.rect, stream=picture)
        return bytes(document.tobytes(deflate=True, deflate_images=True))


def timed(way: Callable[[], bytes]) -> tuple[float, int]:
    started = time.process_time()
    size = len(way())
    return time.process_time() - started, size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--copies", type=int, default=25)
    parser.add_argument("--naive", type=int, default=3, help="how many of them also the slow way")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="korrigo-benchmark-") as directory:
        path = Path(directory) / "scan.pdf"
        scan(path, wanted.copies * PAGES)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        upload = ObjectRef(key=f"uploads/{sha256[:2]}/{sha256}", sha256=sha256, size=path.stat().st_size,
                           media_type="application/pdf")  # fmt: skip
        records = [marked(copy, upload) for copy in range(wanted.copies)]

        def ours(copy: int) -> bytes:
            return pixels.compose(
                [str(path)], records[copy], uploads=[sha256], record_sha256=hashlib.sha256(records[copy]).hexdigest()
            )[1][0]

        ours(0), raw_copy(path, 0)  # a warm child is the usual one
        took: dict[str, list[tuple[float, int]]] = {"raw copy": [], "ours": [], "rebuilt": []}
        for copy in range(wanted.copies):
            took["raw copy"].append(timed(lambda copy=copy: raw_copy(path, copy)))  # type: ignore[misc]
            took["ours"].append(timed(lambda copy=copy: ours(copy)))  # type: ignore[misc]
            if copy < wanted.naive:
                took["rebuilt"].append(timed(lambda copy=copy: rebuilt(path, copy)))  # type: ignore[misc]
    median = {way: statistics.median(seconds for seconds, _ in times) for way, times in took.items()}
    size = {way: statistics.median(size for _, size in times) for way, times in took.items()}
    for way, seconds in median.items():
        print(f"{way:9} {seconds * 1000:8.1f} ms a copy  {1 / seconds:7.1f} copies/s  {size[way] / 1024:7.0f} KiB")
    drawn = (median["ours"] - median["raw copy"]) / PAGES
    print(f"marks and score sheet: {drawn * 1000:.1f} ms a page")
    print(f"ours / raw copy: {median['raw copy'] / median['ours']:.2f} of its speed, "
          f"{(size['ours'] - size['raw copy']) / 1024:+.0f} KiB")  # fmt: skip
    print(f"ours / rebuilt:  {median['rebuilt'] / median['ours']:.0f} times its speed, "
          f"{size['ours'] / size['rebuilt']:.2f} of its size")  # fmt: skip


if __name__ == "__main__":
    main()
