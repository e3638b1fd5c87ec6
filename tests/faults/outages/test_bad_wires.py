"""A whole journey while one link is slow, uneven and breaks now and then: the same end as without."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from demo.client import JSON
from tests.faults.figures import report
from tests.faults.outages.careful import finish, journey_of
from tests.faults.outages.ground import Ground
from tests.faults.proxy import Proxy, Wire

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

BAD = Wire(delay_s=0.1, jitter_s=0.05, resets_per_s=0.05)
"""200 ± 100 ms for a question and its answer; of 100 open connections 5 are reset each second."""


@pytest.fixture(scope="module")
def took() -> Iterator[JSON]:
    found: JSON = {}
    yield found
    report("outages_bad_wires", found)


def _wires(ground: Ground, link: str) -> list[Proxy]:
    return list(ground.databases.values()) if link == "databases" else [getattr(ground, link)]


# One copy for the databases: there every statement is a question and an answer.
@pytest.mark.parametrize(("link", "pupils"), [("store", 2), ("bus", 2), ("databases", 1)])
def test_a_bad_wire_slows_a_journey_and_changes_nothing_in_it(
    grounds: Ground, took: JSON, link: str, pupils: int
) -> None:
    started = time.monotonic()
    pids = grounds.system.pids()
    journey = journey_of(grounds, f"Fil lent {link}", pupils, seed=len(link))
    wires = _wires(grounds, link)
    resets = sum(wire.resets for wire in wires)
    for wire in wires:
        wire.carry(BAD)
    try:
        journey.open(grounds.admin_password)
        journey.finish_upload(journey.start_upload())
        journey.assemble()
        journey.wait_for_readings()
        journey.identify()
        journey.allocate()
        journey.mark_all()
        finish(journey)
    finally:
        for wire in wires:
            wire.clear()
        took[link] = {
            "seconds": round(time.monotonic() - started, 1), "resets": sum(wire.resets for wire in wires) - resets
        }  # fmt: skip
    assert grounds.system.pids() == pids
