"""SIGKILL at every moment that every service comes to, many times over, while people work."""

from __future__ import annotations

import os
import random

import pytest

from tests.faults.real.campaign import Campaign
from tests.faults.real.supervisor import Supervisor, plans
from tests.faults.real.workload import Workload
from tests.story.world import World

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

KILLS = int(os.environ.get("KORRIGO_KILLS", "200"))


def test_no_kill_of_a_service_loses_or_doubles_anything(world: World) -> None:
    campaign = Campaign("kills", world)
    never: list[str] = []

    def faults(workload: Workload, rng: random.Random) -> None:
        planned = plans(KILLS, rng)
        supervisor = Supervisor(world.system, planned)
        supervisor.run()
        campaign.deaths = supervisor.deaths
        campaign.failures += supervisor.failures
        reached = {(death.service, death.where) for death in supervisor.deaths}
        wanted = {(service, arm.point) for service, arms in planned.items() for arm in arms}
        never.extend(f"{service} {point}" for service, point in sorted(wanted - reached))
        campaign.figures |= {"points reached": len(wanted & reached), "armed but never reached": never}

    assert campaign.run(faults) == []
    assert len(campaign.deaths) >= KILLS
    assert never == []
