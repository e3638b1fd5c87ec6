"""SIGKILL at every moment that every service comes to, many times over, while people work."""

from __future__ import annotations

import os
import random

import pytest

from tests.faults.real.campaign import Campaign
from tests.faults.real.supervisor import Supervisor, plans
from tests.faults.real.workload import Workload
from tests.story.world import World

KILLS = int(os.environ.get("KORRIGO_KILLS", "200"))


@pytest.mark.timeout(1800)
def test_no_kill_of_a_service_loses_or_doubles_anything(world: World) -> None:
    campaign = Campaign("kills", world)

    def faults(workload: Workload, rng: random.Random) -> None:
        supervisor = Supervisor(world.system, plans(KILLS, rng))
        supervisor.run()
        campaign.deaths = supervisor.deaths
        campaign.failures += supervisor.failures
        campaign.figures["missed"] = [f"{service} {arm}" for service, arm in supervisor.missed]

    violations = campaign.run(faults)
    assert not violations
    assert len(campaign.deaths) >= KILLS
