"""kill -9 of the broker and of the database, again and again, while people work; nobody repairs anything."""

from __future__ import annotations

import os
import random
import time

import pytest

from chassis.servers import Server
from chassis.testing.servers import Postgres, RabbitMQ
from tests.faults.real.campaign import Campaign
from tests.faults.real.supervisor import ANYWHERE, Death
from tests.faults.real.workload import Workload
from tests.story.world import World

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

BROKER_KILLS = int(os.environ.get("KORRIGO_BROKER_KILLS", "30"))
DATABASE_KILLS = int(os.environ.get("KORRIGO_DATABASE_KILLS", "30"))
BETWEEN = 30
"""At most so many writes are acknowledged before the next kill."""
WORKING = 3
"""So many writes acknowledged again, and the system is back."""


def test_no_kill_of_the_broker_loses_or_doubles_anything(world: World, rabbitmq: RabbitMQ) -> None:
    _hunt("broker", world, rabbitmq, BROKER_KILLS)


def test_no_kill_of_the_database_loses_or_doubles_anything(world: World, postgres: Postgres) -> None:
    _hunt("database", world, postgres, DATABASE_KILLS)


def _hunt(name: str, world: World, server: Server, kills: int) -> None:
    """Nobody starts a service again: each finds its own way back to the server."""
    campaign = Campaign(name, world)

    def faults(workload: Workload, rng: random.Random) -> None:
        for _ in range(kills):
            workload.await_writes(rng.randint(1, BETWEEN))
            death = Death(name, ANYWHERE, time.monotonic())
            server.kill()
            server.start()
            workload.await_writes(WORKING)
            death.back = time.monotonic()
            campaign.deaths.append(death)

    assert campaign.run(faults) == []
    assert len(campaign.deaths) == kills
