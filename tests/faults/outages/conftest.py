"""A system of its own for each campaign: what one breaks is not another's to mend."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chassis.testing.servers import ObjectStore, Postgres
from tests.faults.outages.careful import CarefulClient
from tests.faults.outages.ground import Ground, ground
from tests.story import journey


@pytest.fixture(scope="module")
def grounds(
    postgres: Postgres,
    vhost: str,
    s3: ObjectStore,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Ground]:
    name = request.module.__name__.rsplit(".", 1)[-1].removeprefix("test_")
    with ground(name, postgres, vhost, s3, tmp_path_factory.mktemp(name)) as built:
        yield built


@pytest.fixture
def careful(monkeypatch: pytest.MonkeyPatch) -> None:
    """The people of every journey look before they repeat a write."""
    monkeypatch.setattr(journey, "PatientClient", CarefulClient)
