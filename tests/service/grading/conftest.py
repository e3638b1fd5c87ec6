"""``desk``: one exam with its scheme on a fresh database and bucket."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chassis.db import Database
from chassis.objects import Objects
from tests.service.grading.desk import Desk, open_desk


@pytest.fixture
def desk(database: Callable[[str], Database], objects: Objects) -> Desk:
    return open_desk(database("grading"), objects)
