"""The outbox relay against a real database; the bus is the one inside this process, with real threads."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from prometheus_client import REGISTRY

from chassis import observe, outbox
from chassis.bus import inproc, relay, topology
from chassis.bus.depth import Depth
from chassis.bus.publisher import connect
from chassis.bus.relay import Relay
from chassis.db import Database
from contracts.errors import Unavailable
from contracts.messages.ingest import SplitSheets, UploadSettled
from tests.bus.watching import QUEUE, until

_outbox, _inbox = outbox.tables(sa.MetaData())
URL = "inproc://relay"


@pytest.fixture
def bus() -> Iterator[str]:
    with connect(URL) as connection:
        topology.declare(connection.channel(), topology.topology())
    yield URL
    inproc.forget(URL)


@pytest.fixture
def db(probe_database: Database) -> Database:
    with probe_database.transaction() as work:
        work.sql.execute(_outbox.delete())
        work.sql.execute(_inbox.delete())
    return probe_database


@pytest.fixture
def running(db: Database) -> Iterator[Callable[[str], Relay]]:
    started: list[tuple[Relay, threading.Thread]] = []

    def run(url: str) -> Relay:
        subject = Relay(db, url)
        thread = threading.Thread(target=subject.run)
        thread.start()
        started.append((subject, thread))
        return subject

    yield run
    for subject, thread in started:
        subject.stop()
        thread.join(10)
        assert not thread.is_alive()
        db.on_sent.clear()


def send(db: Database, count: int = 1) -> UUID:
    upload = uuid4()
    with db.transaction() as work:
        for side in range(1, count + 1):
            work.send(SplitSheets(upload_id=upload, first_side=side, last_side=side), subject=str(upload))
    return upload


def taken(queue: str = QUEUE) -> list[Any]:
    """Everything in the queue, in order."""
    found = []
    with connect(URL) as connection:
        channel = connection.channel()
        while (message := channel.basic_get(queue, no_ack=True)) is not None:
            found.append(message)
    return found


def sides(messages: list[Any]) -> list[int]:
    return [json.loads(message.body)["data"]["first_side"] for message in messages]


def unsent(db: Database) -> int:
    with db.reading() as sql:
        return sql.scalar(sa.select(sa.func.count()).select_from(_outbox).where(_outbox.c.sent_at.is_(None))) or 0


def lag(db: Database) -> float:
    return REGISTRY.get_sample_value("korrigo_outbox_lag_seconds", {"service": db.service}) or 0.0


def test_a_commit_wakes_the_relay(bus: str, db: Database, running: Callable[[str], Relay]) -> None:
    running(bus)
    time.sleep(0.3)
    started = time.monotonic()
    send(db)
    until(taken, seconds=2)
    assert time.monotonic() - started < 0.5  # the poll alone would take up to a second


def test_rows_leave_in_their_order_and_as_cloud_events(bus: str, db: Database) -> None:
    with observe.bind_correlation("request-7"):
        upload = send(db, 250)
    subject = Relay(db, bus)
    assert (subject.flush(), subject.flush(), subject.flush()) == (200, 50, 0)
    messages = taken()
    assert sides(messages) == list(range(1, 251))
    event = json.loads(messages[0].body)
    assert {key: event[key] for key in ("specversion", "source", "type", "subject", "correlationid")} == {
        "specversion": "1.0", "source": "/korrigo/ingest", "type": "ingest.sheets.split.v1",
        "subject": str(upload), "correlationid": "request-7",
    }  # fmt: skip
    assert messages[0].properties["message_id"] == event["id"]
    assert messages[0].properties["delivery_mode"] == 2
    assert unsent(db) == 0


def test_two_relays_of_one_database_do_not_publish_twice(
    bus: str, db: Database, running: Callable[[str], Relay]
) -> None:
    # not through ``running`` twice on the in-process bus: each would begin by sending all again
    send(db, 400)
    relays = [Relay(db, bus) for _ in range(4)]

    def work(subject: Relay) -> None:
        while unsent(db):
            subject.flush()

    threads = [threading.Thread(target=work, args=(subject,)) for subject in relays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sides(taken()) == list(range(1, 401))


def test_without_a_bus_rows_wait_and_the_lag_grows(db: Database, running: Callable[[str], Relay]) -> None:
    closed = "amqp://guest:guest@127.0.0.1:1//"
    send(db)
    with pytest.raises(Unavailable):
        Relay(db, closed).flush()
    with db.transaction() as work:
        work.sql.execute(_outbox.update().values(not_before=sa.func.clock_timestamp() - timedelta(seconds=90)))
    running(closed)
    until(lambda: 90 <= (seen := lag(db)) < 100 and until(lambda: lag(db) > seen, seconds=5))
    assert unsent(db) == 1


def test_the_lag_is_the_age_of_the_oldest_due_row(bus: str, db: Database) -> None:
    subject = Relay(db, bus)
    send(db)
    with db.transaction() as work:
        work.sql.execute(_outbox.update().values(not_before=sa.func.clock_timestamp() - timedelta(seconds=90)))
    subject.measure()
    assert 90 <= lag(db) < 100
    subject.flush()
    subject.measure()
    assert lag(db) == 0


def test_an_unroutable_row_is_set_aside_and_holds_up_nothing(bus: str, db: Database) -> None:
    with connect(bus) as connection:
        connection.channel().queue_delete("grading.on.ingest.upload.settled.v1")
    with db.transaction() as work:
        settled = UploadSettled(upload_id=uuid4(), exam_id=uuid4(), outcome="ready", sides=1, pages=1, booklets=1)
        work.send(settled, subject="x")
    send(db)
    subject = Relay(db, bus)
    subject.flush()
    assert len(taken()) == 1
    assert subject.flush() == 0  # its time has not come again
    assert unsent(db) == 1
    with connect(bus) as connection:
        topology.declare(connection.channel(), topology.topology())
    with db.transaction() as work:
        work.sql.execute(_outbox.update().values(not_before=sa.func.clock_timestamp()))
    subject.flush()
    assert len(taken("grading.on.ingest.upload.settled.v1")) == 1


def test_a_new_bus_inside_the_process_gets_everything_again(
    bus: str, db: Database, running: Callable[[str], Relay]
) -> None:
    send(db, 3)
    Relay(db, bus).flush()
    assert unsent(db) == 0
    inproc.forget(bus)  # the process ended, and with it what was queued
    with connect(bus) as connection:
        topology.declare(connection.channel(), topology.topology())
    running(bus)
    again: list[Any] = []
    until(lambda: len(again) == 3 or again.extend(taken()))
    assert sides(again) == [1, 2, 3]
    until(lambda: unsent(db) == 0)


def test_the_depth_of_every_queue_is_known(bus: str, db: Database) -> None:
    send(db, 3)
    Relay(db, bus).flush()
    Depth(bus, "ingest", topology.RETRY_DELAYS_S).measure()

    def depth(queue: str) -> float | None:
        return REGISTRY.get_sample_value("korrigo_queue_messages", {"service": "ingest", "queue": queue})

    assert depth(QUEUE) == 3
    assert depth(f"{QUEUE}.dead") == 0


def test_a_defect_does_not_end_the_relay(
    bus: str, db: Database, running: Callable[[str], Relay], monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = running(bus)
    broken = threading.Event()

    def fail() -> int:
        broken.set()
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(subject, "flush", fail)
        assert broken.wait(3)
    send(db)
    until(taken, seconds=3)


def test_the_purge_keeps_what_is_unsent_and_the_inbox_longer(bus: str, db: Database) -> None:
    def aged(days: float) -> Any:
        return sa.func.clock_timestamp() - timedelta(days=days)

    send(db, 3)
    with db.transaction() as work:
        first, second, third = work.sql.scalars(sa.select(_outbox.c.id).order_by(_outbox.c.id)).all()
        set_row = _outbox.update()
        # Sent again yesterday by the embedded bus, but created long ago: it goes.
        work.sql.execute(set_row.where(_outbox.c.id == first).values(created_at=aged(15), sent_at=aged(1)))
        work.sql.execute(set_row.where(_outbox.c.id == second).values(created_at=aged(13), sent_at=aged(13)))
        work.sql.execute(set_row.where(_outbox.c.id == third).values(created_at=aged(99)))
        for days in (15, 27, 29):
            mark = _inbox.insert().values(consumer=f"{days}", message_id=uuid4(), received_at=aged(days))
            work.sql.execute(mark)
    assert relay.KEEP_INBOX > relay.KEEP
    assert Relay(db, bus).purge() == (1, 1)
    with db.reading() as sql:
        assert list(sql.scalars(sa.select(_outbox.c.id).order_by(_outbox.c.id))) == [second, third]
        assert sorted(sql.scalars(sa.select(_inbox.c.consumer))) == ["15", "27"]
