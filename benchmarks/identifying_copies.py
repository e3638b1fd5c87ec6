"""How many copies are identified without a person, and how many of those wrongly, from the strips of their headers.

    python -m benchmarks.identifying_copies [DIRECTORY ...] [--missing 12] [--draws 5]

A DIRECTORY (by default ``headers`` in ``KORRIGO_SAMPLES``) holds the strips, ``roster.csv`` and ``truth.json``
([{file, last, first, ine}]). Each strip is read once as ocr does; then the exam is matched as grading does: with names
and numbers, with names alone (the roster has no numbers), and each also with some of those who wrote a copy taken from
the roster, several draws. The reliability table puts every candidate of a likeliest assignment into a band by the
probability it was given. Fonts imitate handwriting here: the figures say nothing about real pupils.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import json
import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.grading.domain import roster, roster_file
from services.grading.domain.evidence import Field, Roster
from services.grading.domain.identity import Candidate
from services.grading.domain.letters import letters_of
from services.grading.domain.verdict import Header, judge, ranking
from services.ocr.domain import Reading
from services.ocr.engines import FieldsFirst, PpOcr, Tesseract, reading_sandbox
from tests.scans import SAMPLES

BUDGET = 0.001
BANDS = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0)
LANGUAGES = ("fra", "eng")

Person = Candidate[str]


@dataclass
class Tally:
    """``present`` copies whose candidate is on the roster, and what became of them."""

    present: int = 0
    strangers: int = 0
    accepted: int = 0
    wrong: int = 0
    among_three: int = 0
    bands: Counter[tuple[float, bool]] = field(default_factory=Counter)


def candidates(directory: Path, today: dt.date) -> list[Person]:
    plan: roster.Plan[str] = roster.plan(roster_file.read((directory / "roster.csv").read_bytes()), {}, today=today)
    return [
        Candidate(each.key, each.last_name, each.first_name, each.ine, each.class_name, each.birth_date)
        for each in plan.created
    ]


def read(directory: Path, files: Iterable[str]) -> dict[str, Reading]:
    sandbox = reading_sandbox(size=1, environ=os.environ)
    engine = FieldsFirst(PpOcr(sandbox), Tesseract(sandbox))
    began, used = time.monotonic(), os.times()
    found = {name: engine.read((directory / name).read_bytes(), LANGUAGES, (), None) for name in files}
    print(
        f"  read by {engine.version(LANGUAGES)}: {1000 * (time.monotonic() - began) / len(found):.0f} ms a header",
        end="",
    )
    sandbox.close()
    spent = os.times().children_user + os.times().children_system - used.children_user - used.children_system
    print(f", {1000 * spent / len(found):.0f} ms of CPU")
    return found


def fields(reading: Reading) -> list[Field]:
    return [
        Field(each.kind, each.text, letters_of(each.letters, each.steps) if each.letters else None)
        for each in reading.fields
    ]


def match(readings: Mapping[str, Reading], truth: Mapping[str, str], people: Sequence[Person], tally: Tally) -> None:
    known = Roster(people)
    ids = [each.id for each in people]
    headers = {}
    for name, reading in readings.items():
        nats = known.weigh(fields(reading), [line.text for line in reading.lines])
        headers[name] = Header(None if nats is None else ranking(ids, nats))
    for name, verdict in judge(headers, len(people), BUDGET).items():
        on_roster = truth[name] in set(ids)
        right = verdict.candidate == truth[name]
        tally.present += on_roster
        tally.strangers += not on_roster
        tally.accepted += verdict.accepted and on_roster
        tally.wrong += verdict.accepted and not right
        tally.among_three += truth[name] in [which for which, _ in (headers[name].ranked or ())[:3]]
        if verdict.candidate is not None:
            tally.bands[max(band for band in BANDS if verdict.probability >= band), right] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directories", type=Path, nargs="*", default=[SAMPLES / "headers"])
    parser.add_argument("--missing", type=int, default=12, help="candidates taken from the roster")
    parser.add_argument("--draws", type=int, default=5)
    arguments = parser.parse_args()
    for directory in arguments.directories:
        if not (directory / "truth.json").exists():
            print(f"no headers in {directory}: nothing measured")
            continue
        measure(directory, arguments.missing, arguments.draws)


def measure(directory: Path, missing: int, draws: int) -> None:
    told = json.loads((directory / "truth.json").read_text(encoding="utf-8"))
    people = candidates(directory, dt.datetime.now(dt.UTC).date())
    by_ine = {each.ine: each.id for each in people if each.ine}
    truth = {each["file"]: by_ine.get(each["ine"], "nobody") for each in told}
    print(f"{directory.name}: {len(truth)} headers, roster of {len(people)}")
    readings = read(directory, truth)
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    began = time.process_time()
    for draw in range(draws + 1):
        away = set(random.Random(draw).sample(sorted(set(truth.values())), missing)) if draw else set()
        present = [each for each in people if each.id not in away]
        case = f"{missing} not on the roster" if draw else "all on the roster"
        match(readings, truth, present, tallies["names and numbers", case])
        match(readings, truth, [dataclasses.replace(each, ine=None) for each in present], tallies["names alone", case])
    spent = (time.process_time() - began) / (2 * (draws + 1) * len(truth))
    print(f"  matched: {1000 * spent:.1f} ms of CPU a copy")
    for (evidence, case), each in sorted(tallies.items(), reverse=True):
        taken, three = (count / each.present for count in (each.accepted, each.among_three))
        print(
            f"  {evidence:18} {case:22} accepted {taken:6.1%} of {each.present}, {each.wrong} wrong;"
            f" among the first three {three:6.1%}"
        )
    print("  probability given: right of all (every case)")
    for low, high in zip(BANDS, [*BANDS[1:], 1.1], strict=True):
        right, wrong = (sum(each.bands[low, was] for each in tallies.values()) for was in (True, False))
        if right + wrong:
            print(f"    {low:.4f} to {min(high, 1):.4f}  {right:5} of {right + wrong:5}")


if __name__ == "__main__":
    main()
