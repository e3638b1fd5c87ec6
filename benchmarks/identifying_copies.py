"""How many copies are identified without a person, and how many of those wrongly, from the strips of their headers.

    python -m benchmarks.identifying_copies [DIRECTORY ...] [--missing 12] [--draws 5]

A DIRECTORY (by default ``headers`` in ``KORRIGO_SAMPLES``) holds the strips, ``roster.csv`` and ``truth.json``
([{file, last, first, ine}]). Each strip is read once as ocr does; then the exam is matched as grading does: with names
and numbers, with names alone (the roster has no numbers), and each also with some of those who wrote a copy taken from
the roster, several draws. Each of these cases is matched without places and with the copies lying as a pile may: along
the list, from its end, with one copy in ten put anywhere else, with one in ten exchanged with the next, shuffled. The
last figures are about headers of which nothing was read, one in ten: the right candidate among the first three that the
place alone offers. The reliability table puts every candidate of a likeliest assignment into a band by the probability
it was given. Fonts imitate handwriting here: the figures say nothing about real pupils.
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
from services.grading.domain.evidence import NAMES, Field, Roster
from services.grading.domain.identity import Candidate
from services.grading.domain.letters import letters_of
from services.grading.domain.seating import Place, Seating, reranked
from services.grading.domain.verdict import Header, judge, ranking
from services.ocr.domain import Reading
from services.ocr.engines import FieldsFirst, PpOcr, Tesseract, reading_sandbox
from tests.scans import SAMPLES

BUDGET = 0.001
BANDS = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0)
LANGUAGES = ("fra", "eng")
NO_PLACES = "no places"

Person = Candidate[str]


def piles(listed: Sequence[str], rng: random.Random) -> dict[str, list[str]]:
    """How copies may lie that belong in this order."""
    moved = [*listed]
    for name in rng.sample(listed, len(listed) // 10):
        moved.remove(name)
        moved.insert(rng.randrange(len(moved) + 1), name)
    exchanged = [*listed]
    for at in rng.sample(range(0, len(listed) - 1, 2), len(listed) // 20):
        exchanged[at], exchanged[at + 1] = exchanged[at + 1], exchanged[at]
    return {
        "along the list": [*listed],
        "from its end": [*reversed(listed)],
        "one in ten elsewhere": moved,
        "one in ten exchanged": exchanged,
        "shuffled": rng.sample(listed, len(listed)),
    }


@dataclass
class Tally:
    """``present`` copies whose candidate is on the roster, and what became of them."""

    present: int = 0
    strangers: int = 0
    accepted: int = 0
    wrong: int = 0
    among_three: int = 0
    unread: int = 0
    offered: int = 0
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


def weigh(readings: Mapping[str, Reading], people: Sequence[Person]) -> dict[str, Header[str]]:
    known = Roster(people)
    ids = [each.id for each in people]
    headers: dict[str, Header[str]] = {}
    for name, reading in readings.items():
        nats = known.weigh(fields(reading), [line.text for line in reading.lines])
        named = set(NAMES) <= {each.kind for each in reading.fields if each.letters}
        headers[name] = Header(None if nats is None else ranking(ids, nats), named=named)
    return headers


def match(
    headers: Mapping[str, Header[str]],
    truth: Mapping[str, str],
    people: Sequence[Person],
    tally: Tally,
    pile: Sequence[str] = (),
) -> None:
    """``pile``: the copies in the order in which they lie, or none."""
    on_roster = {each.id for each in people}
    seating = Seating({name: Place("scan", at) for at, name in enumerate(pile)}, people)
    for name, verdict in judge(headers, len(people), BUDGET, seating if pile else None).items():
        known = truth[name] in on_roster
        right = verdict.candidate == truth[name]
        tally.present += known
        tally.strangers += not known
        tally.accepted += verdict.accepted and known
        tally.wrong += verdict.accepted and not right
        tally.among_three += truth[name] in [which for which, _ in (headers[name].ranked or ())[:3]]
        if verdict.candidate is not None:
            tally.bands[max(band for band in BANDS if verdict.probability >= band), right] += 1


def offer(
    headers: Mapping[str, Header[str]],
    truth: Mapping[str, str],
    people: Sequence[Person],
    tally: Tally,
    pile: Sequence[str],
    rng: random.Random,
) -> None:
    """What the place offers to a person when one header in ten says nothing, as grading does."""
    on_roster = {each.id for each in people}
    unread = set(rng.sample(sorted(pile), len(pile) // 10))
    kept = {name: Header[str](None) if name in unread else header for name, header in headers.items()}
    seating = Seating({name: Place("scan", at) for at, name in enumerate(pile)}, people)
    accepted = {
        name: verdict.candidate
        for name, verdict in judge(kept, len(people), BUDGET, seating).items()
        if verdict.accepted and verdict.candidate is not None
    }
    hints = seating.hints(accepted, on_roster)
    for name in unread:
        if truth[name] in on_roster:
            tally.unread += 1
            tally.offered += truth[name] in [which for which, _ in reranked((), hints.get(name))[:3]]


def _on_list(person: Person | None) -> tuple[str, str]:
    return ("", "") if person is None else (roster_file.fold(person.last_name), roster_file.fold(person.first_name))


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
    tallies: dict[tuple[str, str, str], Tally] = defaultdict(Tally)
    by_id = {each.id: each for each in people}
    listed = sorted(truth, key=lambda name: _on_list(by_id.get(truth[name])))
    spent = 0.0
    for draw in range(draws + 1):
        away = set(random.Random(draw).sample(sorted(set(truth.values())), missing)) if draw else set()
        present = [each for each in people if each.id not in away]
        case = f"{missing} not on the roster" if draw else "all on the roster"
        without = [dataclasses.replace(each, ine=None) for each in present]
        for evidence, roster_now in (("names and numbers", present), ("names alone", without)):
            began = time.process_time()
            headers = weigh(readings, roster_now)
            match(headers, truth, roster_now, tallies[evidence, case, NO_PLACES])
            spent += time.process_time() - began
            for how, pile in piles(listed, random.Random(draw)).items():
                tally = tallies[evidence, case, how]
                match(headers, truth, roster_now, tally, pile)
                offer(headers, truth, roster_now, tally, pile, random.Random(draw))
    print(f"  matched: {1000 * spent / (2 * (draws + 1) * len(truth)):.1f} ms of CPU a copy")
    for (evidence, case, how), each in sorted(tallies.items(), key=lambda item: item[0][:2], reverse=True):
        if how == NO_PLACES:
            three = each.among_three / each.present
            print(f"  {evidence}, {case}: the right one among the first three of the headers {three:.1%}")
        said = f"; unread and offered {each.offered / each.unread:6.1%} of {each.unread}" if each.unread else ""
        taken = each.accepted / each.present
        print(f"    {how:20} accepted {taken:6.1%} of {each.present}, {each.wrong} wrong{said}")
    print("  probability given: right of all (every case)")
    for low, high in zip(BANDS, [*BANDS[1:], 1.1], strict=True):
        right, wrong = (sum(each.bands[low, was] for each in tallies.values()) for was in (True, False))
        if right + wrong:
            print(f"    {low:.4f} to {min(high, 1):.4f}  {right:5} of {right + wrong:5}")


if __name__ == "__main__":
    main()
