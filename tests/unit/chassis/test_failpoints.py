"""Failpoints are inert unless a test environment arms one, and then they kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis import failpoints
from chassis.failpoints import Failpoint, arm, reached, watch

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _nobody_watches() -> Iterator[None]:
    yield
    watch(None)


def test_a_point_that_nobody_watches_does_nothing() -> None:
    reached(Failpoint.OBJECT_STORED)


def test_whatever_the_watcher_raises_passes_through() -> None:
    def crash(point: Failpoint) -> None:
        raise SystemExit(point)

    watch(crash)
    with pytest.raises(SystemExit, match=r"object\.stored"):
        reached(Failpoint.OBJECT_STORED)


def test_nothing_is_armed_outside_a_test_environment() -> None:
    with pytest.raises(ValueError, match="KORRIGO_ENVIRONMENT=test"):
        arm({failpoints.ENVIRONMENT: "http.taken:1", "KORRIGO_ENVIRONMENT": "production"})


def test_an_unknown_point_is_not_armed() -> None:
    with pytest.raises(ValueError, match="no\\.such\\.point"):
        arm({failpoints.ENVIRONMENT: "no.such.point", "KORRIGO_ENVIRONMENT": "test"})


def test_the_process_is_killed_at_the_pass_that_was_asked_for_and_its_children_with_it() -> None:
    program = (
        "import subprocess\n"
        "from chassis.failpoints import Failpoint, arm, reached\n"
        "arm()\n"
        "print(subprocess.Popen(['sleep', '60']).pid)\n"
        "reached(Failpoint.HTTP_TAKEN)\n"
        "for number in (1, 2, 3):\n"
        "    print(number, flush=True)\n"
        "    reached(Failpoint.OUTBOX_PUBLISHED)\n"
    )
    environ = {**os.environ, failpoints.ENVIRONMENT: "outbox.published:2", "KORRIGO_ENVIRONMENT": "test"}
    # The child keeps stdout open: if it lived on, this would wait for it until the time is over.
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, env=environ, capture_output=True, text=True, start_new_session=True, timeout=30,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split()[1:] == ["1", "2"]
