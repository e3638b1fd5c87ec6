"""One whole system for each module of the story."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis.testing.servers import ObjectStore, Postgres
from tests.scans import SAMPLES
from tests.story.world import World, running_world


@pytest.fixture(scope="module")
def world(postgres: Postgres, vhost: str, s3: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(postgres, vhost, s3, tmp_path_factory.mktemp("logs")) as world:
        yield world


@pytest.fixture(scope="session")
def samples() -> Path:
    """The sample scans, which are too large to be part of the project."""
    if not (SAMPLES / "bac-blanc-a3.pdf").exists():
        pytest.skip("the sample scans are not in KORRIGO_SAMPLES; the generated piles run without them")
    return SAMPLES
