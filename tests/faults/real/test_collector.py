"""SIGKILL of the collector at its deletions: what is named stays, and what is not goes with the next whole run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from chassis.failpoints import ENVIRONMENT
from chassis.objects import ObjectMissing
from tests.faults.real.campaign import Campaign
from tests.faults.real.supervisor import COLLECTOR_REACHES
from tests.faults.real.workload import Workload
from tests.story.system import ROOT, SERVICES
from tests.story.world import World

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

ORPHANS = 12
KILLED_AT = (1, 2, 3, 3)
DAY = timedelta(hours=25)
COLLECT = """
import sys
from datetime import datetime
from chassis import failpoints
from chassis.settings import load
from oversight.garbage import collect
from oversight.installation import Installation
from oversight.settings import Settings
failpoints.arm()
collect(Installation.of(load(Settings)), at=datetime.fromisoformat(sys.argv[1]))
"""


def test_no_kill_of_the_collector_takes_what_is_named_or_leaves_what_is_not(world: World) -> None:
    orphans = []

    def faults(workload: Workload, rng: random.Random) -> None:
        workload.await_writes(100)
        orphans.extend(world.objects.put("uploads", os.urandom(100), "application/pdf") for _ in range(ORPHANS))

    campaign = Campaign("collector", world)
    assert campaign.run(faults) == []
    for days in (1, 2):  # into the bin, and out of it
        at = datetime.now(UTC) + days * DAY
        assert [_collect(world, at, passes) for passes in KILLED_AT] == [-signal.SIGKILL] * len(KILLED_AT)
        assert _collect(world, at) == 0
    assert campaign.oversight_finds() == []
    for orphan in orphans:
        with pytest.raises(ObjectMissing):
            world.objects.get(orphan)


def _collect(world: World, at: datetime, passes: int = 0) -> int:
    """Run the collector as if it were ``at``; it is killed at deletion ``passes``, if any. Its exit status."""
    databases = {f"KORRIGO_{name.upper()}_DATABASE_URL": world.databases[name] for name in SERVICES}
    environ = {**world.system.environ("ingest"), **databases}
    if passes:
        environ[ENVIRONMENT] = f"{COLLECTOR_REACHES[0]}:{passes}"
    command = [sys.executable, "-c", COLLECT, at.isoformat()]
    return subprocess.run(command, cwd=ROOT, env=environ, start_new_session=True, timeout=120).returncode
