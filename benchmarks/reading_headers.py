"""How often the right candidate comes first, or among the first three, from what ocr reads on sample headers
and, in the same run, from what tesseract reads on the strips as they are.

    python -m benchmarks.reading_headers [DIRECTORY] [--limit N]

DIRECTORY (by default ``headers`` in ``KORRIGO_SAMPLES``) holds the strips and ``truth.json``
([{file, last, first, ine, style}]); everybody in it is the roster. The ranking is a plain fuzzy ratio, the same for
every way of reading, so that the figures compare readings; the matcher that serves people belongs to grading. Fonts
imitate handwriting here: the figures say nothing about real pupils.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from rapidfuzz import fuzz

from services.ocr.engines import reading_sandbox
from tests.scans import SAMPLES

Person = tuple[str, str]
WAYS = {"fields and strip": "read", "untouched strip": "read_untouched"}


def folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.upper())
    return "".join(letter for letter in plain if letter.isalpha())


def likeness(person: Person, lines: Sequence[str]) -> float:
    """Best line for each name, longer names counting more; both on one line count as well."""
    last, first = person
    apart = sum(len(name) * max((fuzz.ratio(name, line) for line in lines), default=0) for name in (last, first))
    together = max((fuzz.partial_ratio(last + first, line) for line in lines if len(line) >= 6), default=0)
    return max(apart / (len(last) + len(first)), 0.9 * together)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, nargs="?", default=SAMPLES / "headers")
    parser.add_argument("--limit", type=int)
    arguments = parser.parse_args()
    if not (arguments.directory / "truth.json").exists():
        print(f"no sample headers in {arguments.directory}: nothing measured")
        return
    truth = json.loads((arguments.directory / "truth.json").read_text(encoding="utf-8"))[: arguments.limit]
    roster = sorted({(folded(each["last"]), folded(each["first"])) for each in truth})
    sandbox = reading_sandbox(size=1, environ=os.environ)
    ranks: dict[tuple[str, str], list[int]] = defaultdict(list)
    seconds: dict[str, float] = defaultdict(float)
    for each in truth:
        right = (folded(each["last"]), folded(each["first"]))
        strip = (arguments.directory / each["file"]).read_bytes()
        for way, task in WAYS.items():
            started = time.monotonic()
            reply = sandbox.run(task, blob=strip, languages=["fra", "eng"])
            seconds[way] += time.monotonic() - started
            lines = [folded(text) for text, _ in reply.result]
            order = sorted(roster, key=lambda person: -likeness(person, lines))
            ranks[way, each["style"]].append(order.index(right) + 1)
    sandbox.close()
    print(f"{len(truth)} headers, roster of {len(roster)}")
    for (way, style), found in sorted(ranks.items()):
        first, three = (sum(rank <= top for rank in found) / len(found) for top in (1, 3))
        print(
            f"  {way:16} {style:6} right one first {first:6.1%}, among the first three {three:6.1%}"
            f" ({len(found)} headers, {1000 * seconds[way] / len(truth):.0f} ms each)"
        )


if __name__ == "__main__":
    main()
