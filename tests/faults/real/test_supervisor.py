"""The plan of deaths leaves no moment out."""

from __future__ import annotations

import random
from collections import Counter

from chassis.failpoints import Failpoint
from tests.faults.real.supervisor import COLLECTOR_REACHES, REACHES, plans
from tests.story.system import SERVICES


def test_every_failpoint_is_reached_by_a_service_or_the_collector() -> None:
    assert {point for points in (*REACHES.values(), COLLECTOR_REACHES) for point in points} == set(Failpoint)


def test_every_service_has_a_plan() -> None:
    assert set(REACHES) == set(SERVICES)


def test_deaths_are_spread_evenly_over_services_and_points() -> None:
    planned = plans(200, random.Random(1))
    counts = Counter((service, arm.point) for service, arms in planned.items() for arm in arms)
    assert counts.total() == 200
    assert set(counts) == {(service, point) for service, points in REACHES.items() for point in points}
    assert max(counts.values()) - min(counts.values()) <= 1
