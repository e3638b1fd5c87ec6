"""SIGTERM to each service while people work, as at every release: it ends by itself, in time, and owes nothing."""

from __future__ import annotations

import os
import random
import time

import pytest

from tests.faults.real.campaign import Campaign
from tests.faults.real.supervisor import ANYWHERE, Death
from tests.faults.real.workload import Workload
from tests.story.system import SERVICES
from tests.story.world import World

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

ROUNDS = int(os.environ.get("KORRIGO_STOPS", "2"))
GRACE_S = 25.0


def test_a_service_told_to_stop_ends_in_time_and_owes_nothing(world: World) -> None:
    campaign = Campaign("stops", world)
    took: list[float] = []

    def faults(workload: Workload, rng: random.Random) -> None:
        for name in [*SERVICES] * ROUNDS:
            workload.await_writes(rng.randint(10, 30))
            death = Death(name, ANYWHERE, time.monotonic())
            status = world.system.terminate(name)
            took.append(time.monotonic() - death.at)
            if status != 0:
                campaign.failures.append(f"{name} ended with status {status} on SIGTERM")
            world.system.start(name)
            death.back = time.monotonic()
            campaign.deaths.append(death)
        campaign.figures["longest stop s"] = round(max(took), 1)

    assert campaign.run(faults) == []
    assert max(took) <= GRACE_S
