"""How often the right candidate comes first, or among the first three, from what ocr reads on sample headers, and what
a header costs in processor time, one thread. In the same run: fields letter by letter (warm, as in a batch), and lines
with tesseract, on the strip as ocr prepares it and as it is.

    python -m benchmarks.reading_headers [DIRECTORY] [--limit N] [--letters-only]

DIRECTORY (by default ``headers`` in ``KORRIGO_SAMPLES``) holds the strips and ``truth.json``
([{file, last, first, ine, style, fault}]); everybody in it is the roster. Letters are scored by the likelihood of each
name, lines by a plain fuzzy ratio: both only compare ways of reading; the matcher that serves people belongs to
grading. Fonts imitate handwriting here: the figures say nothing about real pupils.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from chassis.sandbox import Sandbox
from contracts.records.letters import COLUMNS, PER_NAT, columns, unpack
from contracts.records.letters import folded as spelt
from services.ocr.engines import reading_sandbox
from tests.scans import SAMPLES

Person = tuple[str, str]
LETTERS = "fields, letters"
WAYS = {LETTERS: "read_fields", "tesseract, fields and strip": "read", "tesseract, untouched": "read_untouched"}
FLOOR = 1e-5  # no letter is impossible
MISSING = -14.0  # nats, for a field that is not there


def folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.upper())
    return "".join(letter for letter in plain if letter.isalpha())


def likeness(person: Person, lines: Sequence[str]) -> float:
    """Best line for each name, longer names counting more; both on one line count as well."""
    last, first = person
    apart = sum(len(name) * max((fuzz.ratio(name, line) for line in lines), default=0) for name in (last, first))
    together = max((fuzz.partial_ratio(last + first, line) for line in lines if len(line) >= 6), default=0)
    return max(apart / (len(last) + len(first)), 0.9 * together)


def likelihood(rows: Any, text: str) -> float:
    """Log-probability that the rows spell ``text``: the sum over all alignments (CTC's forward pass)."""
    letters = columns(text)
    path = [0] + [each for letter in letters for each in (letter, 0)]
    skips = np.array([place > 1 and path[place] not in (0, path[place - 2]) for place in range(len(path))])
    logs = np.log(np.exp(-rows / PER_NAT) + FLOOR)[:, path]
    alpha = np.full(len(path), -np.inf)
    alpha[:2] = logs[0, :2]
    for row in logs[1:]:
        once = np.concatenate(([-np.inf], alpha[:-1]))
        twice = np.where(skips, np.concatenate(([-np.inf, -np.inf], alpha[:-2]))[: len(path)], -np.inf)
        alpha = row + np.logaddexp(np.logaddexp(alpha, once), twice)
    return float(np.logaddexp.reduce(alpha[-2:]))


def letters_rank(fields: Sequence[dict[str, Any]], roster: Sequence[Person], right: Person) -> int:
    """By name alone: last and first name in either order."""
    rows = {each["kind"]: np.frombuffer(unpack(each["letters"], each["steps"]), np.uint8) for each in fields}
    last, first = (rows.get(kind) for kind in ("last_name", "first_name"))

    def score(part: Any, name: str) -> float:
        return MISSING if part is None or not len(part) else likelihood(part.reshape(-1, COLUMNS).astype(float), name)

    names = {each for person in roster for each in person}
    as_last, as_first = ({name: score(part, name) for name in names} for part in (last, first))
    scores = {p: max(as_last[p[0]] + as_first[p[1]], as_last[p[1]] + as_first[p[0]] - 3) for p in roster}
    return 1 + sum(each > scores[right] for each in scores.values())


def errors(fields: Sequence[dict[str, Any]], kind: str, truth: str) -> int:
    """Letters to be changed for the best guess to be right."""
    read = "".join(spelt(each["text"]).replace(" ", "") for each in fields if each["kind"] == kind)
    return int(Levenshtein.distance(read, spelt(truth).replace(" ", "")))


def measure(sandbox: Sandbox, task: str, strip: bytes) -> tuple[Any, float]:
    """What the task gives and the child's processor time in seconds, programs it started included."""
    before = _child_seconds()
    languages = {} if task == "read_fields" else {"languages": ["fra", "eng"]}
    result = sandbox.run(task, blob=strip, **languages).result
    return result, _child_seconds() - before


def _child_seconds() -> float:
    """Processor time of the one child and what it waited for: fields 14-17 of /proc/PID/stat (proc(5))."""
    total = 0.0
    for pid in Path("/proc/self/task").glob("*/children"):
        for child in pid.read_text(encoding="ascii").split():
            fields = Path(f"/proc/{child}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
            total += sum(int(each) for each in fields[11:15]) / os.sysconf("SC_CLK_TCK")
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, nargs="?", default=SAMPLES / "headers")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--letters-only", action="store_true")
    arguments = parser.parse_args()
    if not (arguments.directory / "truth.json").exists():
        print(f"no sample headers in {arguments.directory}: nothing measured")
        return
    truth = json.loads((arguments.directory / "truth.json").read_text(encoding="utf-8"))[: arguments.limit]
    ways = {LETTERS: WAYS[LETTERS]} if arguments.letters_only else WAYS
    sandbox = reading_sandbox(size=1, environ=os.environ)
    for task in ways.values():  # warm: libraries, model, the look of the labels
        measure(sandbox, task, (arguments.directory / truth[0]["file"]).read_bytes())
    people = {spelling: sorted({(spelling(each["last"]), spelling(each["first"])) for each in truth})
              for spelling in (spelt, folded)}  # fmt: skip
    ranks: dict[tuple[str, str], list[int]] = defaultdict(list)
    seconds: dict[str, list[float]] = defaultdict(list)
    wrong: dict[str, list[tuple[int, int]]] = defaultdict(list)
    wall: dict[str, float] = defaultdict(float)
    for each in truth:
        strip = (arguments.directory / each["file"]).read_bytes()
        for way, task in ways.items():
            started = time.monotonic()
            result, used = measure(sandbox, task, strip)
            wall[way] += time.monotonic() - started
            seconds[way].append(used)
            if way == LETTERS:
                rank = letters_rank(result, people[spelt], (spelt(each["last"]), spelt(each["first"])))
                if each.get("fault") is None:
                    for kind, name in (("last_name", "last"), ("first_name", "first"), ("number", "ine")):
                        wrong[kind].append((errors(result, kind, each[name]), len(each[name])))
            else:
                lines = [folded(text) for text, _ in result]
                order = sorted(people[folded], key=lambda person: -likeness(person, lines))
                rank = order.index((folded(each["last"]), folded(each["first"]))) + 1
            ranks[way, each["style"]].append(rank)
    sandbox.close()
    print(f"{len(truth)} headers, roster of {len(people[spelt])}, names alone")
    for (way, style), found in sorted(ranks.items()):
        first, three = (sum(rank <= top for rank in found) / len(found) for top in (1, 3))
        print(f"  {way:28} {style:6} right one first {first:6.1%}, among the first three {three:6.1%} ({len(found)})")
    for kind, found in wrong.items():
        letters, right = sum(n for n, _ in found) / sum(n for _, n in found), sum(n == 0 for n, _ in found) / len(found)
        print(f"  {kind:28} best guess: {letters:5.1%} of letters wrong, {right:6.1%} of fields right ({len(found)})")
    for way, used in seconds.items():
        print(
            f"  {way:28} {1000 * statistics.mean(used):4.0f} ms of processor time each"
            f" (wall {1000 * wall[way] / len(truth):.0f} ms)"
        )


if __name__ == "__main__":
    main()
