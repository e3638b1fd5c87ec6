"""A whole system of its own for each campaign, on servers that keep what they confirmed when they are killed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from chassis.testing.servers import ObjectStore, Postgres, RabbitMQ, workspace
from tests.story.world import World, running_world

_serial = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with workspace("faults") as directory, Postgres(directory / "pg", durable=True) as server:
        yield server


@pytest.fixture
def world(
    postgres: Postgres, rabbitmq: RabbitMQ, s3: ObjectStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    name = f"faults{next(_serial)}"
    with running_world(postgres, rabbitmq.create_vhost(name), s3, tmp_path_factory.mktemp("logs")) as world:
        yield world
    rabbitmq.drop_vhost(name)
