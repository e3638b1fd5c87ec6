"""Many schedules, on as many processes as there are cores, each with databases of its own on one server."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import secrets
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from chassis.servers import Postgres
from tests.faults.simulation import defects, schedule
from tests.faults.simulation.presets import PRESETS
from tests.faults.simulation.schedule import Outcome
from tests.faults.simulation.world import World

CHUNK = 10
WITHIN = 300
"""Schedules within which a planted defect must show."""

SHOWN = Path(__file__).with_name("shown.json")

PAST = (68, 2140, 28)
"""Seeds that once found something; cheap to look at again, though a schedule changes with the code."""


@dataclass
class Tally:
    """What a campaign did. ``passed``: how often each failpoint was reached in each service, faults being possible."""

    outcomes: list[Outcome] = field(default_factory=list)
    passed: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: float = 0

    @property
    def failures(self) -> list[Outcome]:
        return [each for each in self.outcomes if each.violations]

    def add(self, outcomes: Iterable[Outcome], passed: Counter[tuple[str, str]]) -> None:
        self.outcomes += outcomes
        self.passed += passed

    def figures(self) -> dict[str, int]:
        return {
            "schedules": len(self.outcomes),
            "violated": len(self.failures),
            "crashes": sum(each.crashes for each in self.outcomes),
            "acknowledged acts": sum(each.acknowledged for each in self.outcomes),
            "failpoints reached": self.passed.total(),
            "seconds": round(self.seconds),
        }

    def __str__(self) -> str:
        lines = []
        for failure in self.failures[:20]:
            lines += [f"seed {failure.seed} (commit {commit()}):", *(f"  {each}" for each in failure.violations[:5])]
            lines.append(f"  python -m tests.faults.simulation --replay {failure.seed}")
        return "\n".join(lines) or "no violation"


def commit() -> str:
    """A seed means a schedule of one version of the code."""
    asked = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "unknown"


def fresh_seeds(count: int) -> list[int]:
    """Past failures, and seeds that were never used."""
    first = secrets.randbits(40)
    return [*PAST, *range(first, first + count - len(PAST))]


def hunted(shown: int | None = None) -> list[int]:
    """Where a planted defect is looked for: where it was last ``shown``, then everywhere."""
    everywhere = list(range(WITHIN))
    return everywhere if shown is None else [shown, *everywhere]


def last_shown() -> dict[str, int]:
    """The seed at which each planted defect showed in the last long hunt. The code has changed since: only a hint."""
    known: dict[str, int] = json.loads(SHOWN.read_text())
    return known


def prepared(postgres: Postgres, name: str) -> World:
    """A world that is ready for its first schedule."""
    world = World(postgres, name)
    for preset, build in PRESETS.items():
        world.prepare(preset, build)
    return world


@contextmanager
def quiet() -> Iterator[None]:
    """Failures are what this is about; nobody wants to read a line about each."""
    before, disabled = structlog.get_config(), logging.root.manager.disable
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        structlog.configure(**before)
        logging.disable(disabled)


# Processes

_world: World | None = None


def _open(directory: Path) -> None:
    global _world
    with quiet():
        _world = prepared(Postgres(directory, durable=False).recall(), f"sim{os.getpid()}")


def _run(seeds: Sequence[int]) -> tuple[list[Outcome], Counter[tuple[str, str]]]:
    assert _world is not None
    _world.passed.clear()
    with quiet():
        return [schedule.run(_world, seed) for seed in seeds], Counter(_world.passed)


def _hunt(defect: str, seeds: Sequence[int]) -> tuple[str, Outcome | None]:
    assert _world is not None
    with quiet():
        return defect, defects.first_caught(_world, defect, seeds, schedule.run)


@contextmanager
def _processes(postgres: Postgres, count: int) -> Iterator[ProcessPoolExecutor]:
    # Sets of words are walked in another order in every process, unless told otherwise: a seed would not replay.
    os.environ |= {"PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore"}  # eventlet warns that it is old, in each of them
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, context, initializer=_open, initargs=(postgres.directory,)) as pool:
        yield pool


def run(postgres: Postgres, seeds: Sequence[int], processes: int) -> Tally:
    """Carry out all these schedules."""
    begun, tally = time.monotonic(), Tally()
    chunks = [seeds[at : at + CHUNK] for at in range(0, len(seeds), CHUNK)]
    with _processes(postgres, processes) as pool:
        for outcomes, passed in pool.map(_run, chunks):
            tally.add(outcomes, passed)
    tally.seconds = time.monotonic() - begun
    return tally


def hunt(
    postgres: Postgres, names: Sequence[str], processes: int, shown: Mapping[str, int] | None = None
) -> dict[str, Outcome | None]:
    """Plant each defect; the schedule that showed it, ``None`` when none did within ``WITHIN``.

    ``shown``: by defect, a seed to look at first.
    """
    shown = shown or {}
    with _processes(postgres, processes) as pool:
        return dict(pool.map(_hunt, names, [hunted(shown.get(name)) for name in names]))
