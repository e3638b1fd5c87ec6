"""All five services on fresh databases, a fresh bucket and a given vhost, with one administrator."""

from __future__ import annotations

import contextlib
import itertools
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chassis import migrations
from chassis.db import Database
from chassis.objects import Objects
from chassis.roles import Roles
from chassis.testing.servers import ObjectStore, Postgres, RabbitMQ, workspace
from contracts.model import Role
from services.gateway import people
from services.gateway.passwords import Passwords
from tests.conftest import AUDIT_KEY
from tests.story.system import SERVICES, System

_serial = itertools.count(1)


@dataclass
class World:
    """The running system and what stands behind it. ``databases`` are the owner's; the services have fewer rights."""

    system: System
    bus_url: str
    databases: dict[str, str]
    objects: Objects
    admin_password: str


@contextlib.contextmanager
def running_world(postgres: Postgres, bus_url: str, s3: ObjectStore, logs: Path) -> Iterator[World]:
    number = next(_serial)
    databases = {name: postgres.create_database(f"story{number}_{name}") for name in SERVICES}
    reader = postgres.ensure_role("oversight")
    for name, url in databases.items():
        migrations.upgrade(name, url, roles=Roles(postgres.ensure_role(name), reader))
    bucket = f"story-{number}"
    objects = s3.objects(bucket)
    password = secrets.token_urlsafe(16)
    gateway = Database(databases["gateway"], service="gateway")
    people.create_account(
        gateway, Passwords(1, waiting=1), username="admin", display_name="Admin", role=Role.ADMIN, password=password
    )
    gateway.close()
    environ = {
        name: {
            **s3.environ(),
            "KORRIGO_S3_BUCKET": bucket,
            "KORRIGO_DATABASE_URL": postgres.url(f"story{number}_{name}", role=name),
            "KORRIGO_BUS_URL": bus_url,
            "KORRIGO_SECRET_KEY": "k" * 40,
            "KORRIGO_AUDIT_KEY": AUDIT_KEY,
            "KORRIGO_SECURE": "no",
            "KORRIGO_ALLOWED_HOSTS": "127.0.0.1,localhost,server.lan",
            "KORRIGO_RATE_FACTOR": "1000",
            "KORRIGO_ENVIRONMENT": "test",
        }
        for name in SERVICES
    }
    system = System(environ, logs)
    try:
        system.start()
        yield World(system, bus_url, databases, objects, password)
    finally:
        system.stop()
        objects.close()
        for name in SERVICES:
            postgres.drop_database(f"story{number}_{name}")


@contextlib.contextmanager
def passing_world(name: str) -> Iterator[World]:
    """With servers of its own, which end with it."""
    with (
        workspace(name) as directory,
        Postgres(directory / "pg", durable=False) as postgres,
        RabbitMQ(directory / "mq") as rabbitmq,
        ObjectStore(directory / "s3", durable=False) as s3,
        running_world(postgres, rabbitmq.create_vhost(name), s3, directory) as world,
    ):
        yield world
