"""render's use cases on a real database, store and child."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest

from chassis.db import Database
from chassis.disk_cache import DiskCache
from chassis.objects import Objects
from chassis.sandbox import Sandbox
from services.render.context import Context
from services.render.settings import Settings

SETTINGS = Settings(
    database_url="postgresql://unused/unused", bus_url="amqp://unused", s3_endpoint="unused:1",
    s3_access_key="unused", s3_secret_key="unused",
)  # fmt: skip


class NoSandbox(Sandbox):
    """For tests in which nothing may be composed."""

    def __init__(self) -> None:
        """Without children."""

    def run(self, *_: Any, **__: Any) -> NoReturn:
        pytest.fail("the child was asked to work")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    pool = Sandbox("services.render.pixels", size=1)
    yield pool
    pool.close()


@pytest.fixture
def app(database: Callable[[str], Database], objects: Objects, sandbox: Sandbox) -> Iterator[Context]:
    originals = DiskCache(objects, max_bytes=64 << 20)
    yield Context(SETTINGS, database("render"), objects, sandbox, originals)
    originals.close()
