"""A system of its own for each campaign: what one breaks is not another's to mend."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chassis.testing.servers import ObjectStore, Postgres
from tests.faults.outages.ground import Ground, ground


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
