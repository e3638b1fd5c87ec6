"""``school``: databases and store filled by the real use cases, made once and given to each test as copies."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from chassis.db import Database
from chassis.sandbox import Sandbox
from chassis.testing.servers import Postgres
from oversight.installation import SERVICES, Installation
from tests.service.oversight.school import Known, School, fill
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
        service: Database(postgres.create_database(name, template=_template(service)), service=service)
        for service, name in names.items()
    }
    shelf = Shelf()
    school = School.open(databases, ShelfObjects(shelf), cut, compose)
    known = fill(school)
    school.close()
    school.installation.close()
    return Filled(names, shelf, known)


@pytest.fixture
def school(postgres: Postgres, filled: Filled, cut: Sandbox, compose: Sandbox) -> Iterator[School]:
    number = next(_serial)
    databases = {
        service: Database(postgres.create_database(f"{name}_{number}", template=name), service=service)
        for service, name in filled.templates.items()
    }
    opened = School.open(databases, ShelfObjects(Shelf(filled.shelf.entries)), cut, compose)
    yield opened
    opened.close()
    opened.installation.close()
    for name in filled.templates.values():
        postgres.drop_database(f"{name}_{number}")


@pytest.fixture
def installation(school: School) -> Installation:
    return school.installation


@pytest.fixture
def known(filled: Filled) -> Known:
    return filled.known
