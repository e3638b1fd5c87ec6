"""One schedule: from its seed alone, what happens in which order, what fails, and what came of it."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass

from oversight.verify import verify
from tests.faults.simulation.ending import violations
from tests.faults.simulation.history import History
from tests.faults.simulation.people import People
from tests.faults.simulation.presets import PRESETS, settle
from tests.faults.simulation.world import World

STEPS = 48
CLOCK_JUMPS_S = (60, 700, 2_000, 7_200, -600)
PRESET_WEIGHTS = (2, 4, 8, 2, 2)
TIDY = 0.15
"""How many schedules also see days go by and the collector at work."""
A_DAY_AND_MORE_S = 90_000
BETWEEN_PASSES_S = 60
"""Operators may run the collector as often as they like: only its grace protects what is a minute old."""


@dataclass(frozen=True)
class Outcome:
    """``digest`` is over every step and all that databases and store hold at the end: equal digests, equal runs."""

    seed: int
    violations: tuple[str, ...]
    crashes: int
    acknowledged: int
    digest: str = ""


def run(world: World, seed: int, *, digested: bool = False) -> Outcome:
    """Carry out the schedule of ``seed`` in ``world``, which is set back first."""
    chance = random.Random(seed)
    preset = chance.choices(list(PRESETS), PRESET_WEIGHTS)[0]
    trace: list[str] = []
    crashes = 0
    with world.begin(seed, preset) as scene:
        history = History()
        people = People(world, scene, chance, history)
        tidy = chance.random() < TIDY
        world.set_faulty(True)
        for _ in range(STEPS):
            trace.append(_step(world, people, chance, tidy=tidy))
            buried = world.bury()
            while buried:
                crashes += len(buried)
                trace += [f"crash {service}" for service in buried]
                buried = world.bury()
        world.set_faulty(False)
        world.tasks.finish()
        settle(world)
        _desks_left(world)
        if tidy:
            _tidied(world)
        found = (*violations(world, history), *_overseen(world, tidy=tidy))
        digest = _digest(world, trace) if digested else ""
    acknowledged = len(history.acts) + len(history.drafts) + len(history.finalised) + len(history.uploads)
    return Outcome(seed, found, crashes, acknowledged, digest)


def _desks_left(world: World) -> None:
    """Everybody has gone home: leases end and are swept. In mid schedule somebody mostly takes them over first."""
    grading = world.hosted["grading"]
    world.clock.move(2 * grading.service.app.settings.lock_lease_s)
    (sweep,) = (timer for timer in grading.timers if timer.method == "release_ended_locks")
    world.tick(grading, sweep)
    world.tasks.finish()


def _tidied(world: World) -> None:
    """Two nights, after which the store holds what is named and nothing else."""
    for _ in range(3):
        world.clock.move(A_DAY_AND_MORE_S)
        world.collect()


def _overseen(world: World, *, tidy: bool) -> list[str]:
    """What the operators' own command finds in the same databases and store."""
    report = verify(world.installation, settled_after_s=0, second_look_s=0, strict=tidy)
    return [f"{each.invariant} {each.service} {each.subject}: {each.what}" for each in report.findings]


def _step(world: World, people: People, chance: random.Random, *, tidy: bool) -> str:
    """One thing that can happen now; what did."""
    world.recover()
    choices: list[tuple[str, float]] = [("act", 9), ("poll", 0.5), ("fault", 0.6), ("time", 2)]
    woken = [name for name, hosted in world.hosted.items() if hosted.woken and not hosted.away]
    deliverable = world.may_deliver()
    timers = world.due_timers()
    # More than once while somebody is between an object and its row: after a single pass the bin would still have it.
    choices += [("collect", 5 if world.tasks.waiting else 1.5)] if tidy else []
    # Nothing that is under way takes a day: the grace of the collector is far longer than any deadline.
    choices += [("days", 2)] if tidy and not world.tasks.waiting else []
    choices += [("resume", 8)] if world.tasks.waiting else []
    choices += [("relay", 9)] if woken else []
    choices += [("deliver", 12)] if deliverable else []
    choices += [("tick", 2)] if timers else []
    names, weights = zip(*choices, strict=True)
    match chance.choices(names, weights)[0]:
        case "act":
            people.act()
            return "act"
        case "relay" | "poll" as why:
            service = chance.choice(woken if why == "relay" else list(world.hosted))
            world.relay(service)
            return f"{why} {service}"
        case "resume":
            task = chance.choice(world.tasks.waiting)
            world.tasks.resume(task)
            return f"resume {task.name}"
        case "deliver":
            message = chance.choice(deliverable)
            world.deliver(message)
            return f"deliver {message.queue}"
        case "tick":
            hosted, timer = chance.choice(timers)
            world.tick(hosted, timer)
            return f"tick {timer.method}"
        case "collect":
            world.clock.move(BETWEEN_PASSES_S)
            world.collect()
            return "collect"
        case "days":
            world.clock.move(A_DAY_AND_MORE_S)
            return "days"
        case "time":
            world.clock.move(chance.choice((0.2, 1, 5, 15)))
            return "time"
        case _:
            return _fault(world, chance)


def _fault(world: World, chance: random.Random) -> str:
    """A dependency goes away for some steps, or the clock jumps."""
    kind = chance.choice(("bus", "object_store", *world.databases, "clock", "clock"))
    if kind == "clock":
        world.turn_clock(chance.choice(CLOCK_JUMPS_S))
    else:
        world.lose(kind, steps=chance.randint(1, 12))
    return f"fault {kind}"


def _digest(world: World, trace: list[str]) -> str:
    sha256 = hashlib.sha256("\n".join(trace).encode())
    for service in world.databases:
        sha256.update(_contents(world, service))
    for key in sorted(world.store.entries):
        sha256.update(key.encode())
    return sha256.hexdigest()


def _contents(world: World, service: str) -> bytes:
    """Every row as text, but for the numbers that sequences of the database gave."""
    connection = world.connections[service]
    rows = []
    for table in world.tables[service]:
        rows += [
            f"{table} {row}"
            for (row,) in connection.execute(f"SELECT (to_jsonb(t) - 'id')::text FROM {table} t ORDER BY 1").fetchall()
        ]
    return "\n".join(rows).encode()
