"""How often the right candidate comes first, or among the first three, from what ocr reads on sample headers, and what
a header costs in processor time, one thread. In the same run: fields letter by letter (warm, as in a batch), and lines
with tesseract, on the strip as ocr prepares it and as it is.

    python -m benchmarks.reading_headers [DIRECTORY] [--limit N] [--letters-only]

DIRECTORY (by default ``headers`` in ``KORRIGO_SAMPLES``) holds the strips, ``roster.csv`` (INE;Nom;Prénom) and
``truth.json`` ([{file, last, first, ine, style, fault}]). What is read is weighed and judged as grading does it. Fonts
imitate handwriting here: the figures say nothing about real pupils.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein

from chassis.sandbox import Sandbox
from contracts.records.letters import folded
from services.grading.domain.evidence import NAMES, Field, Roster
from services.grading.domain.identity import Candidate
from services.grading.domain.letters import letters_of
from services.grading.domain.verdict import Header, judge, ranking
from services.ocr.engines import reading_sandbox
from tests.scans import SAMPLES

LETTERS = "fields, letters"
WAYS = {LETTERS: "read_fields", "tesseract, fields and strip": "read", "tesseract, untouched": "read_untouched"}
ERROR_BUDGET = 0.001  # grading's default


def candidates(path: Path) -> list[Candidate[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return [Candidate(row["INE"], row["Nom"], row["Prénom"], row["INE"]) for row in rows]


def seen(result: Any, task: str, *, names_alone: bool) -> tuple[list[Field], list[str]]:
    """What grading would be told, as it is given to its matcher."""
    if task != "read_fields":
        return [], [text for text, _ in result]
    fields = [Field(each["kind"], each["text"], letters_of(each["letters"], each["steps"])) for each in result]
    return [field for field in fields if not names_alone or field.kind in NAMES], []


def errors(fields: Sequence[dict[str, Any]], kind: str, truth: str) -> int:
    """Letters to be changed for the best guess to be right."""
    read = "".join(folded(each["text"]).replace(" ", "") for each in fields if each["kind"] == kind)
    return int(Levenshtein.distance(read, folded(truth).replace(" ", "")))


def measure(sandbox: Sandbox, task: str, strip: bytes) -> tuple[Any, float]:
    """What the task gives and the child's processor time in seconds, programs it started included."""
    before = _child_seconds()
    languages = {} if task == "read_fields" else {"languages": ["fra", "eng"]}
    result = sandbox.run(task, blob=strip, **languages).result
    return result, _child_seconds() - before


def _child_seconds() -> float:
    """Processor time of the one child and of what it waited for: fields 14-17 of /proc/PID/stat, proc(5)."""
    total = 0.0
    for children in Path("/proc/self/task").glob("*/children"):
        for child in children.read_text(encoding="ascii").split():
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
    people = candidates(arguments.directory / "roster.csv")
    roster = Roster(people)
    strips = [(arguments.directory / each["file"]).read_bytes() for each in truth]
    print(f"{len(truth)} headers, roster of {len(people)}")
    sandbox = reading_sandbox(size=1, environ=os.environ)
    for way, task in list(WAYS.items())[: 1 if arguments.letters_only else None]:
        measure(sandbox, task, strips[0])  # warm: libraries, the model, the look of the labels
        read = [measure(sandbox, task, strip) for strip in strips]
        print(f"{way}: {1000 * sum(used for _, used in read) / len(read):.0f} ms of processor time a header")
        results = [result for result, _ in read]
        for names_alone in (True, False) if way == LETTERS else (False,):
            match(results, task, truth, roster, names_alone=names_alone)
        if way == LETTERS:
            spell(results, truth)
    sandbox.close()


def match(
    results: Sequence[Any], task: str, truth: Sequence[dict[str, Any]], roster: Roster[str], *, names_alone: bool
) -> None:
    started = time.process_time()
    ids = [person.id for person in roster.candidates]
    weighed = [roster.weigh(*seen(result, task, names_alone=names_alone)) for result in results]
    headers = {
        each["file"]: Header(None if nats is None else ranking(ids, nats))
        for each, nats in zip(truth, weighed, strict=True)
    }
    verdicts = judge(headers, len(ids), ERROR_BUDGET)
    used = time.process_time() - started
    ranks: dict[str, list[int]] = defaultdict(list)
    accepted = wrong = 0
    for each, nats in zip(truth, weighed, strict=True):
        names = (folded(each["last"]), folded(each["first"]))
        right = [
            place for place, person in enumerate(roster.candidates)
            if (folded(person.last_name), folded(person.first_name)) == names
        ]  # fmt: skip
        verdict = verdicts[each["file"]]
        accepted += verdict.accepted
        wrong += verdict.accepted and verdict.candidate not in [ids[place] for place in right]
        if right:
            rank = len(ids) if nats is None else 1 + int((np.asarray(nats) > nats[right[0]]).sum())
            ranks[each["style"]].append(rank)
    said = "names alone" if names_alone else "all that was read"
    for style, found in sorted(ranks.items()):
        first, three = (sum(rank <= top for rank in found) / len(found) for top in (1, 3))
        print(f"  {said}, {style:5} right one first {first:6.1%}, among the first three {three:6.1%} ({len(found)})")
    print(
        f"  {said}: accepted without a person {accepted / len(truth):.1%}, of which wrong {wrong};"
        f" matching {1000 * used / len(truth):.1f} ms of processor time a header"
    )


def spell(results: Sequence[Any], truth: Sequence[dict[str, Any]]) -> None:
    """How good the best guess of each field is, where the candidate made no mistake."""
    for kind, name in (("last_name", "last"), ("first_name", "first"), ("number", "ine")):
        pairs = [(result, each[name]) for result, each in zip(results, truth, strict=True) if each.get("fault") is None]
        wrong = [errors(result, kind, right) for result, right in pairs]
        letters = sum(wrong) / max(1, sum(len(right) for _, right in pairs))
        exact = sum(each == 0 for each in wrong) / max(1, len(wrong))
        print(f"  best guess, {kind:10} {letters:5.1%} of letters wrong, {exact:6.1%} of fields right ({len(wrong)})")


if __name__ == "__main__":
    main()
