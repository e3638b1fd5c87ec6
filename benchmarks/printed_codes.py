"""How many codes of printed sheets are read from their scans, and what looking for them costs.

    python -m benchmarks.printed_codes [--scans 24]

Scans are drawn (tests/scans/printed.py): 150, 200 and 300 dpi, tilted up to 2 degrees, shifted, pale, noisy, stored as
JPEG, a third of them upside down; untouched, with a pen stroke over one code, or with strokes over both. Then drawn
pages without a code. Costs are processor time of one process, so that a busy machine moves them little.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from PIL import Image

from contracts.records.codes import PageCode
from services.ingest.pixels import codes
from services.ingest.pixels.sides import READING_PX, grid
from tests.scans.paper import face, noisy
from tests.scans.printed import EXAM, scanned, sheets, sides

COPIES = [random.Random(seed).getrandbits(40) for seed in (1, 2)]
TRUTH = [PageCode(EXAM, copy_no, page_no) for copy_no in COPIES for page_no in (1, 2, 3, 4)]
T = TypeVar("T")


def timed(times: list[float], work: Callable[[], T]) -> T:
    started = time.process_time()
    result = work()
    times.append((time.process_time() - started) * 1000)
    return result


def reading_size(scan: Image.Image) -> np.ndarray:
    """As ingest decodes it: no larger than 200 dpi."""
    if scan.height <= READING_PX:
        return np.asarray(scan)
    return np.asarray(scan.resize((round(scan.width * READING_PX / scan.height), READING_PX), Image.Resampling.BOX))


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--scans", type=int, default=24, help="of each kind and resolution")
    count = arguments.parse_args().scans
    looking: list[float] = []
    reading: list[float] = []
    printed = {dpi: sides(sheets(COPIES), dpi) for dpi in (150, 200, 300)}
    for scribble in ("", "light", "heavy"):
        for dpi, pages in printed.items():
            read = wrong = turned = 0
            for no in range(count):
                over = no % 3 == 0
                scan = scanned(pages[no % 8], 1000 * dpi + no, dpi, upside_down=over, scribble=scribble)
                look = grid(np.asarray(scan))
                if not timed(looking, lambda look=look: codes.suspected(look)):  # type: ignore[misc]
                    continue
                large = reading_size(scan)
                found = timed(reading, lambda large=large: codes.read(large))  # type: ignore[misc]
                if found is not None:
                    read += found.code == TRUTH[no % 8]
                    wrong += found.code != TRUTH[no % 8]
                    turned += found.upright is not over
            print(f"{scribble or 'untouched':10} {dpi} dpi: read {read}/{count}, wrong {wrong}, way up right {turned}")
    without: list[float] = []
    pages_without = [
        noisy(face(seed, header=seed % 4 == 0, lines=seed % 20, ruled=seed % 2 == 0, table=seed % 5 == 1), 4)
        for seed in range(count)
    ]
    seen = sum(timed(without, lambda page=page: codes.suspected(grid(np.asarray(page)))) for page in pages_without)  # type: ignore[misc]
    print(f"pages without a code: {seen}/{count} looked at twice; {statistics.median(without):.2f} ms with their grid")
    print(f"looking {statistics.median(looking):.2f} ms a page, reading {statistics.median(reading):.2f} ms")


if __name__ == "__main__":
    main()
