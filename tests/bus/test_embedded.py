"""The whole bus in one process that is killed: nothing committed may be lost, nothing may happen twice."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from chassis import outbox
from chassis.bus.rpc_client import RpcClient
from chassis.db import Database
from tests.bus.conftest import ProbeProcess
from tests.bus.watching import Watch, until


@pytest.fixture
def service(probe_database_url: str, tmp_path: Path) -> Iterator[ProbeProcess]:
    process = ProbeProcess("inproc://", probe_database_url, tmp_path / "log")
    yield process
    process.stop()


def test_killed_after_the_relay_sent_and_before_the_consumer_committed(
    service: ProbeProcess, probe_database: Database
) -> None:
    watch = Watch("inproc://", probe_database, RpcClient("inproc://unused"))
    service.start()
    done, held = watch.send("do"), watch.send("hold")
    queued = [watch.send("hold") for _ in range(4)]
    until(lambda: watch.effects(done) and watch.calls(held))
    table, _ = outbox.tables(sa.MetaData())

    def unsent() -> int:
        with probe_database.reading() as sql:
            return sql.scalar(sa.select(sa.func.count()).select_from(table).where(table.c.sent_at.is_(None))) or 0

    until(lambda: unsent() == 0)  # for the outbox all is said
    service.signal(signal.SIGKILL)
    for upload in (held, *queued):
        watch.plan("do", upload)
    service.start()
    until(lambda: all(watch.effects(upload) for upload in (held, *queued)))
    until(lambda: unsent() == 0)
    assert [watch.effects(upload) for upload in (done, held, *queued)] == [["split"]] * 6
    assert watch.calls(done) == [1]  # sent again, and the inbox knew it
