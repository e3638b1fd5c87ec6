"""Real servers for every test that wants them, started once a session and only when first asked for.

``postgres``, ``rabbitmq`` and ``s3`` are the servers. Tests mostly want what is fresh for them: ``database("ingest")``,
``objects``, ``vhost``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chassis import migrations
from chassis.db import Database
from chassis.objects import Objects
from chassis.testing.servers import ObjectStore, Postgres, RabbitMQ, workspace

AUDIT_KEY = "a" * 32
_serial = itertools.count(1)


@pytest.fixture(scope="session")
def _workspace() -> Iterator[Path]:
    with workspace("tests") as directory:
        yield directory


@pytest.fixture(scope="session")
def postgres(_workspace: Path) -> Iterator[Postgres]:
    """PostgreSQL without fsync; databases and roles are the test's own business."""
    with Postgres(_workspace / "pg", durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq(_workspace: Path) -> Iterator[RabbitMQ]:
    """RabbitMQ; 5-7 s to start. Use ``vhost`` unless the test stops the broker."""
    with RabbitMQ(_workspace / "mq") as server:
        yield server


@pytest.fixture(scope="session")
def s3(_workspace: Path) -> Iterator[ObjectStore]:
    """An S3 store; about a second to start."""
    with ObjectStore(_workspace / "s3", durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def _template(postgres: Postgres) -> Callable[[str], str]:
    """Name of a migrated, empty database of a service, built once."""
    built: dict[str, str] = {}

    def template(service: str) -> str:
        if service not in built:
            name = f"template_{service}"
            migrations.upgrade(service, postgres.create_database(name))
            built[service] = name
        return built[service]

    return template


@pytest.fixture
def database_url(postgres: Postgres, _template: Callable[[str], str]) -> Iterator[Callable[[str], str]]:
    """``database_url("ingest")``: URL of a fresh, migrated database of that service; dropped after the test."""
    made: list[str] = []

    def fresh(service: str) -> str:
        name = f"{service}_{next(_serial)}"
        made.append(name)
        return postgres.create_database(name, template=_template(service))

    yield fresh
    for name in made:
        postgres.drop_database(name)


@pytest.fixture
def database(database_url: Callable[[str], str]) -> Iterator[Callable[[str], Database]]:
    """``database("ingest")``: a ``Database`` on a fresh, migrated database of that service."""
    opened: list[Database] = []

    def fresh(service: str) -> Database:
        opened.append(Database(database_url(service), service=service, audit_key=AUDIT_KEY))
        return opened[-1]

    yield fresh
    for each in opened:
        each.close()


@pytest.fixture
def empty_database_url(postgres: Postgres) -> Iterator[str]:
    """URL of a fresh database without a single table."""
    name = f"empty_{next(_serial)}"
    yield postgres.create_database(name)
    postgres.drop_database(name)


@pytest.fixture
def objects(s3: ObjectStore) -> Iterator[Objects]:
    """An empty bucket. Always the same, emptied after the test: each new one costs the store 0.2 s and a volume."""
    found = s3.objects()
    yield found
    for left in found.list():
        found.delete(left.key)
    found.close()


@pytest.fixture(scope="module")
def vhost(rabbitmq: RabbitMQ) -> Iterator[str]:
    """AMQP URL of a fresh vhost. One for a module: creating it takes a second."""
    name = f"test{next(_serial)}"
    yield rabbitmq.create_vhost(name)
    rabbitmq.drop_vhost(name)
