"""A thousand schedules break no promise, and every planted defect breaks one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing

import pytest

from chassis.failpoints import Failpoint
from chassis.testing.servers import Postgres
from contracts.catalogue import SERVICES
from tests.faults.simulation import campaign, defects, schedule
from tests.faults.simulation.campaign import Tally
from tests.faults.simulation.schedule import Outcome
from tests.faults.simulation.world import World

SCHEDULES = 1000
PROCESSES = os.cpu_count() or 1
REPLAYED = "freezes_without_a_second_look"

GATEWAYS = {Failpoint.HTTP_TAKEN, Failpoint.HTTP_ANSWERING, Failpoint.RPC_HEARD}
UNHEARD = {Failpoint.RPC_TAKEN, Failpoint.RPC_ANSWERING}  # ocr and render answer no calls
COLLECTORS = {Failpoint.OBJECT_DELETING}
CHILDLESS = {Failpoint.SANDBOX_ANSWERED}
EXPECTED = {
    *(
        (service, point)
        for service in SERVICES
        for point in set(Failpoint) - GATEWAYS - UNHEARD - COLLECTORS - CHILDLESS
    ),
    *((service, point) for service in ("ingest", "grading") for point in UNHEARD),
    *((service, point) for service in ("ingest", "ocr", "render") for point in CHILDLESS),
} - {("ocr", Failpoint.OBJECT_STORING), ("ocr", Failpoint.OBJECT_STORED)}  # it keeps lines, no objects


@pytest.fixture(scope="module")
def tally(postgres: Postgres) -> Tally:
    return campaign.run(postgres, campaign.fresh_seeds(SCHEDULES), PROCESSES)


@pytest.mark.timeout(900)
def test_no_schedule_breaks_a_promise(tally: Tally) -> None:
    assert len(tally.outcomes) == SCHEDULES
    assert not tally.failures, str(tally)


@pytest.mark.timeout(900)
def test_every_service_could_have_died_at_each_of_its_failpoints(tally: Tally) -> None:
    assert {each for each in EXPECTED if not tally.passed[each]} == set()
    assert sum(outcome.crashes for outcome in tally.outcomes) > SCHEDULES / 2


@pytest.mark.timeout(900)
def test_every_planted_defect_is_found(postgres: Postgres) -> None:
    assert len(defects.DEFECTS) >= 25
    found = campaign.hunt(postgres, sorted(defects.DEFECTS), PROCESSES, campaign.last_shown())
    assert {name for name, outcome in found.items() if outcome is None} == set()


@pytest.fixture
def world(postgres: Postgres) -> Iterator[World]:
    with campaign.quiet(), closing(campaign.prepared(postgres, "replayed")) as opened:
        yield opened


@pytest.mark.timeout(300)
def test_a_failing_seed_replays_identically_ten_times(world: World) -> None:
    seeds = campaign.hunted(campaign.last_shown().get(REPLAYED))
    failing = defects.first_caught(world, REPLAYED, seeds, schedule.run)
    with defects.DEFECTS[REPLAYED].plant(world):
        replays = [schedule.run(world, failing.seed, digested=True) for _ in range(10)]
    assert {replay.digest for replay in replays} == {replays[0].digest}
    assert {replay.violations for replay in replays} == {failing.violations}


def test_two_seeds_are_two_schedules(world: World) -> None:
    # The digest would be worth nothing if it did not see what happened.
    assert schedule.run(world, 1, digested=True).digest != schedule.run(world, 2, digested=True).digest


def test_a_seed_at_which_a_defect_no_longer_shows_is_not_the_end_of_the_hunt() -> None:
    tried = []

    def run(_: object, seed: int) -> Outcome:
        tried.append(seed)
        return Outcome(seed, ("I3 as planted",) if seed == 2 else ("I5 something else",), crashes=0, acknowledged=0)

    found = defects.first_caught(None, REPLAYED, campaign.hunted(shown=100), run)  # type: ignore[arg-type]
    assert (found.seed, tried) == (2, [100, 0, 1, 2])
