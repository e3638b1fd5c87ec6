"""Each scenario on RabbitMQ (the probe in its own process) and on the bus inside one process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chassis.db import Database
from chassis.testing.servers import Postgres
from tests.bus import probe
from tests.bus.conftest import ROOT, ProbeProcess
from tests.bus.scenarios import SCENARIOS
from tests.bus.watching import Watch, until


@pytest.fixture(scope="module")
def on_rabbitmq(
    inside_one_process: object,  # it takes its time by itself: let it start first
    vhost: str,
    probe_database_url: str,
    watching: Callable[[str], Watch],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Watch]:
    service = ProbeProcess(vhost, probe_database_url, tmp_path_factory.mktemp("probe") / "log")
    service.start()
    yield watching(vhost)
    service.stop()


@pytest.mark.parametrize("name", SCENARIOS)
def test_rabbitmq(name: str, on_rabbitmq: Watch) -> None:
    SCENARIOS[name](on_rabbitmq)


@pytest.fixture(scope="module")
def inside_one_process(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """All scenarios run in one green process, one after the other; a test waits for its own line."""
    url = postgres.create_database("probe_inproc")
    database = Database(url, service="ingest")
    probe.tables.create_all(database.engine)
    database.close()
    directory = tmp_path_factory.mktemp("inproc")
    with (directory / "lines").open("wb") as lines, (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.bus.scenarios", url, "inproc://"], cwd=ROOT, stdout=lines, stderr=log
        )
    yield lambda name: _line(directory, process, name)
    if process.poll() is None:
        process.kill()
    process.wait()
    postgres.drop_database("probe_inproc")


def _line(directory: Path, process: subprocess.Popen[bytes], name: str) -> str:
    def said() -> dict[str, str] | None:
        ended = process.poll() is not None
        for line in (directory / "lines").read_text().splitlines(keepends=True):
            if line.endswith("\n") and (result := json.loads(line))["name"] == name:
                return dict(result)
        assert not ended, f"the process ended: {(directory / 'log').read_text()[-3000:]}"
        return None

    return until(said, seconds=60)["error"] or ""


@pytest.mark.parametrize("name", [*SCENARIOS, "stopped in time"])
def test_inproc(name: str, inside_one_process: Callable[[str], str]) -> None:
    assert inside_one_process(name) == ""
