"""A whole system of its own for each campaign, on servers that may be killed: they keep what they confirmed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chassis.testing.servers import ObjectStore, Postgres, workspace
from tests.story.world import World, running_world


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with workspace("faults") as directory, Postgres(directory / "pg", durable=True) as server:
        yield server


@pytest.fixture(scope="module")
def world(postgres: Postgres, vhost: str, s3: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(postgres, vhost, s3, tmp_path_factory.mktemp("logs")) as world:
        yield world
