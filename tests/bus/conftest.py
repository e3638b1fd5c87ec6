"""A database with the probe's tables, and the probe as a real process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chassis.bus.rpc_client import RpcClient
from chassis.db import Database
from chassis.testing.servers import Postgres
from tests.bus import probe
from tests.bus.watching import Watch, until

ROOT = Path(__file__).parents[2]


class ProbeProcess:
    """The probe on a bus; may be killed and started again. After twice the heartbeat a silent broker is given up."""

    def __init__(self, bus: str, database_url: str, log: Path, *, heartbeat_s: int = 4) -> None:
        self._environ = {
            **os.environ,
            "PROBE_HEARTBEAT_S": str(heartbeat_s),
            "KORRIGO_BUS_URL": bus,
            "KORRIGO_DATABASE_URL": database_url,
            "KORRIGO_S3_ENDPOINT": "127.0.0.1:1",
            "KORRIGO_S3_ACCESS_KEY": "unused",
            "KORRIGO_S3_SECRET_KEY": "unused",
        }
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, ready: bool = True) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.bus.probe"], cwd=ROOT, env=self._environ, stderr=log
            )
        mark = self.written()
        if ready:
            until(lambda: self.said("services_started", mark), seconds=30, what=f"started, see {self._log}")

    def written(self) -> int:
        return self._log.stat().st_size

    def said(self, event: str, after: int = 0) -> bool:
        return event.encode() in self._log.read_bytes()[after:]

    def signal(self, number: signal.Signals) -> int:
        """Send it and wait for the end; the exit status."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(30)

    def wait(self) -> int:
        assert self._process is not None
        return self._process.wait(30)

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        if self.alive():
            self.signal(signal.SIGKILL)


@pytest.fixture(scope="module")
def probe_database_url(postgres: Postgres, request: pytest.FixtureRequest) -> Iterator[str]:
    name = "probe_" + request.module.__name__.rpartition(".")[2]
    url = postgres.create_database(name)
    database = Database(url, service="ingest")
    probe.tables.create_all(database.engine)
    database.close()
    yield url
    postgres.drop_database(name)


@pytest.fixture(scope="module")
def probe_database(probe_database_url: str) -> Iterator[Database]:
    database = Database(probe_database_url, service="ingest")
    yield database
    database.close()


@pytest.fixture(scope="module")
def watching(probe_database: Database) -> Iterator[Callable[[str], Watch]]:
    """``watching(url)``: a ``Watch`` on that bus."""
    clients: list[RpcClient] = []

    def watch(url: str) -> Watch:
        clients.append(RpcClient(url))
        return Watch(url, probe_database, clients[-1])

    yield watch
    for client in clients:
        client.close()
