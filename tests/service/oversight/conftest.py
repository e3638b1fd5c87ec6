"""``school``: databases and store filled by the real use cases, made once and given to each test as copies."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from chassis.db import Database
from chassis.sandbox import Sandbox
from chassis.testing.servers import Postgres
from oversight.installation import SERVICES, Installation
from tests.service.oversight.school import AUDIT_KEY, Known, School, database_of, fill
from tests.service.oversight.shelf import Shelf, ShelfObjects

_serial = itertools.count(1)


@dataclass(frozen=True)
class Filled:
    """Names of the databases to copy, what is in the store, and which copies there are."""

    templates: dict[str, str]
    shelf: Shelf
    known: Known


@pytest.fixture(scope="session")
def cut() -> Iterator[Sandbox]:
    pool = Sandbox("services.ingest.pixels", size=1)
    yield pool
    pool.close()


@pytest.fixture(scope="session")
def compose() -> Iterator[Sandbox]:
    pool = Sandbox("services.render.pixels", size=1)
    yield pool
    pool.close()


@pytest.fixture(scope="session")
def filled(postgres: Postgres, _template: Callable[[str], str], cut: Sandbox, compose: Sandbox) -> Filled:
    names = {service: f"filled_{service}" for service in SERVICES}
    databases = {
        service: database_of(service, postgres.create_database(name, template=_template(service)))
        for service, name in names.items()
    }
    shelf = Shelf()
    school = School.open(databases, ShelfObjects(shelf), cut, compose)
    known = fill(school)
    school.close()
    school.installation.close()
    return Filled(names, shelf, known)


@contextmanager
def _copies(postgres: Postgres, templates: Mapping[str, str]) -> Iterator[dict[str, Database]]:
    """Databases like the templates, by service; dropped at the end."""
    number = next(_serial)
    names = {service: f"{template}_{number}" for service, template in templates.items()}
    databases = {
        service: database_of(service, postgres.create_database(names[service], template=template))
        for service, template in templates.items()
    }
    yield databases
    for service, database in databases.items():
        database.close()
        postgres.drop_database(names[service])


@pytest.fixture
def school(postgres: Postgres, filled: Filled, cut: Sandbox, compose: Sandbox) -> Iterator[School]:
    """All of it the test's own."""
    with _copies(postgres, filled.templates) as databases:
        opened = School.open(databases, ShelfObjects(Shelf(filled.shelf.entries)), cut, compose)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def _shared(postgres: Postgres, filled: Filled) -> Iterator[dict[str, Database]]:
    with _copies(postgres, filled.templates) as databases:
        yield databases


@pytest.fixture
def own(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Which databases are the test's own to spoil; the others are shared by all tests."""
    marked: tuple[str, ...] = getattr(request, "param", ("grading",))
    return marked


@pytest.fixture
def installation(
    postgres: Postgres, filled: Filled, _shared: dict[str, Database], own: tuple[str, ...]
) -> Iterator[Installation]:
    with _copies(postgres, {service: filled.templates[service] for service in own}) as databases:
        yield Installation(_shared | databases, ShelfObjects(Shelf(filled.shelf.entries)), AUDIT_KEY)


@pytest.fixture
def known(filled: Filled) -> Known:
    return filled.known
