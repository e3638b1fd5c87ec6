"""Each thing the system depends on is taken away in turn, while every route is asked and every process watched."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from demo.client import JSON
from tests.faults.figures import report
from tests.faults.meanwhile import Meanwhile
from tests.faults.outages.ground import READY_WITHIN_S, Ground, Watch
from tests.faults.outages.visits import (
    GATEWAY,
    GRADING,
    INGEST,
    RENDER,
    STORE,
    VISITS,
    Answer,
    Scene,
    Stage,
    Visit,
    visit,
    visit_all,
)
from tests.story.journey import until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

REQUEST_S = 10.0
NOT_READY_S = 10.0
EVERYBODY = frozenset({"ingest", "ocr", "grading", "render", "gateway", "public"})
STEADY = ("exams.show", "marking.put_draft", "uploads.index", "images.show", "session.open")


@dataclass(frozen=True)
class Outage:
    """``lacking``: what routes cannot have meanwhile. ``unready``: the processes that must say so."""

    name: str
    strike: Callable[[Ground], None]
    heal: Callable[[Ground], None]
    lacking: frozenset[str]
    unready: frozenset[str]
    stopped: str | None = None


def _wire(name: str, kind: str, parts: str, lacking: set[str], unready: frozenset[str]) -> Outage:
    """``parts``: ``bus``, ``store``, or the services whose database it is."""

    def wires(ground: Ground) -> list[Any]:
        if parts in {"bus", "store"}:
            return [getattr(ground, parts)]
        return [ground.databases[each] for each in parts.split()]

    def strike(ground: Ground) -> None:
        for wire in wires(ground):
            wire.refuse() if kind == "refused" else wire.mute()

    def heal(ground: Ground) -> None:
        for wire in wires(ground):
            wire.clear()

    return Outage(f"{name} {kind}", strike, heal, frozenset(lacking), unready)


def _stopped(name: str, lacking: set[str]) -> Outage:
    def strike(ground: Ground) -> None:
        assert ground.system.terminate(name) == 0

    return Outage(
        f"{name} stopped", strike, lambda ground: ground.system.start(name), frozenset(lacking), frozenset(), name
    )


def _database(service: str, kind: str, lacking: set[str]) -> Outage:
    unready = {service} | ({"public"} if service == "gateway" else set())
    return _wire(f"database of {service}", kind, service, lacking, frozenset(unready))


ALL = "ingest ocr grading render gateway"
OUTAGES = [
    _wire("store", "refused", "store", {STORE}, EVERYBODY),
    _wire("store", "mute", "store", {STORE}, EVERYBODY),
    _wire("bus", "refused", "bus", {GRADING, INGEST, RENDER}, EVERYBODY),
    _wire("bus", "mute", "bus", {GRADING, INGEST, RENDER}, EVERYBODY),
    _wire("databases", "refused", ALL, {GATEWAY, GRADING, INGEST, RENDER}, EVERYBODY),
    _wire("databases", "mute", ALL, {GATEWAY, GRADING, INGEST, RENDER}, EVERYBODY),
    _database("ingest", "refused", {INGEST}),
    _database("ocr", "refused", set()),
    _database("grading", "mute", {GRADING}),
    _database("render", "refused", {RENDER}),
    _database("gateway", "refused", {GATEWAY}),
    _stopped("ingest", {INGEST}),
    _stopped("ocr", set()),
    _stopped("grading", {GRADING}),
    _stopped("render", {RENDER}),
]


@dataclass
class Measured:
    longest_request_s: float = 0.0
    longest_request: str = ""
    longest_until_not_ready_s: float = 0.0
    longest_recovery_s: float = 0.0
    requests: int = 0
    unavailable: int = 0
    outages: int = 0
    each: dict[str, JSON] = field(default_factory=dict)


@pytest.fixture(scope="module")
def stage(grounds: Ground) -> Stage:
    return Stage(grounds.base, grounds.admin_password)


@pytest.fixture(scope="module")
def measured() -> Iterator[Measured]:
    found = Measured()
    yield found
    report("outages_dependencies", vars(found))


class Steady(Meanwhile):
    """People who go on working as if nothing were: so that some requests are under way when the outage strikes."""

    def __init__(self, scene: Scene) -> None:
        self.answers: list[Answer] = []
        super().__init__([partial(self._ask, scene, each) for each in VISITS if each.endpoint in STEADY], pause_s=0.1)

    def _ask(self, scene: Scene, wanted: Visit) -> None:
        self.answers.append(visit(scene, wanted))


def test_without_an_outage_every_route_answers_from_its_depth(stage: Stage) -> None:
    """Else the table would prove nothing: a request refused at the door never meets what is down."""
    answers = visit_all(stage.scene())
    shallow = [each for each in answers if each.status >= 400 and not each.note.startswith(("grading.", "ingest."))]
    assert [each for each in shallow if each.endpoint not in {"web.asset", "static"}] == []


@pytest.mark.parametrize("outage", OUTAGES, ids=lambda outage: outage.name)
def test_an_outage_is_told_in_time_and_passes(
    grounds: Ground, stage: Stage, measured: Measured, outage: Outage
) -> None:
    scene = stage.scene()
    pids = grounds.system.pids()
    with Watch(grounds.system) as watch, Steady(scene) as steady:
        for name in EVERYBODY:
            watch.first(name, ready=True, since=time.monotonic(), timeout_s=30)
        struck = time.monotonic()
        outage.strike(grounds)
        told_s = {name: watch.first(name, ready=False, since=struck, timeout_s=30) for name in outage.unready}
        answers = visit_all(scene)
        steadily_ready = {
            name: watch.was_always_ready(name, struck) for name in EVERYBODY - outage.unready - {outage.stopped}
        }
        outage.heal(grounds)
        healed = time.monotonic()
        ready_s = [watch.first(name, ready=True, since=healed, timeout_s=READY_WITHIN_S) for name in EVERYBODY]
        until(lambda: _works(scene), "every service answering again", READY_WITHIN_S)
        recovery_s = max(*ready_s, time.monotonic() - healed)
    everything = [*answers, *steady.answers]
    slowest = max(everything, key=lambda each: each.seconds)
    measured.outages += 1
    measured.requests += len(everything)
    measured.unavailable += sum(each.status == 503 for each in everything)
    if slowest.seconds > measured.longest_request_s:
        measured.longest_request_s, measured.longest_request = slowest.seconds, f"{slowest.endpoint}, {outage.name}"
    measured.longest_until_not_ready_s = max([measured.longest_until_not_ready_s, *told_s.values()])
    measured.longest_recovery_s = max(measured.longest_recovery_s, recovery_s)
    measured.each[outage.name] = {
        "slowest_s": round(slowest.seconds, 2), "by": slowest.endpoint, "503": sum(a.status == 503 for a in answers),
        "not_ready_s": round(max(told_s.values(), default=0), 2), "recovery_s": round(recovery_s, 2),
    }  # fmt: skip

    assert [each for each in everything if each.seconds > REQUEST_S] == []
    assert [each for each in everything if not _honest(each)] == []
    needs = {id(answer): wanted.needs for answer, wanted in zip(answers, VISITS, strict=True)}
    assert [each for each in answers if each.status == 503 and not needs[id(each)] & outage.lacking] == []
    assert {name: s for name, s in told_s.items() if s > NOT_READY_S} == {}
    assert {name for name, always in steadily_ready.items() if not always} == set()
    assert {name: watch.deaths(name) for name in EVERYBODY - {outage.stopped} if watch.deaths(name)} == {}
    changed = {name for name, pid in grounds.system.pids().items() if pids[name] != pid}
    assert changed == ({outage.stopped} if outage.stopped else set())
    _nothing_acknowledged_is_lost(scene, answers)


def _honest(answer: Answer) -> bool:
    """Success, a refusal, or 503 that says when to ask again."""
    if answer.status == 503:
        return answer.retry_after is not None and int(answer.retry_after) > 0
    return 200 <= answer.status < 500


def _works(scene: Scene) -> bool:
    """One route for each part; the draft is written, the image streamed."""
    return all(visit(scene, each).status < 400 for each in VISITS if each.endpoint in STEADY)


def _nothing_acknowledged_is_lost(scene: Scene, answers: list[Answer]) -> None:
    for each in answers:
        if each.endpoint in {"uploads.create", "marking.finalise"} and each.status < 400:
            ended = scene.admin.wait(each.body)
            assert ended["status"] == "succeeded", (each.endpoint, ended)
