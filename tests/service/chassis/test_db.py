"""The database on a real PostgreSQL: bounded waits, named failures, one transaction for effect and message."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from chassis import db, observe, privacy
from chassis.db import Database
from chassis.processes import PORTS
from chassis.testing.servers import Postgres
from contracts.errors import Unavailable
from contracts.messages.ingest import SplitSheets, UploadSettled
from contracts.messages.ocr import ExtractText
from tests.faults.proxy import Proxy, Wire

NAME = "Dupont"
SPLIT = SplitSheets(upload_id=uuid.UUID(int=1), first_side=1, last_side=2)


@pytest.fixture
def database(empty_database_url: str) -> Iterator[Database]:
    tables = db.metadata()
    sa.Table("seats", tables, sa.Column("number", sa.Integer, primary_key=True), sa.Column("who", sa.Text, unique=True))
    found = Database(empty_database_url, service="ingest", pool_size=1, max_overflow=1, pool_timeout_s=0.3)
    tables.create_all(found.engine)
    yield found
    found.close()


def _rows(database: Database, query: str) -> list[Any]:
    with database.reading() as connection:
        return list(connection.execute(sa.text(query)).scalars())


def _take_seat(work: db.UnitOfWork, number: int, who: str = "x") -> None:
    work.sql.execute(sa.text("INSERT INTO seats VALUES (:number, :who)"), {"number": number, "who": who})


def test_every_wait_of_a_session_is_bounded(database):
    wanted = {
        "lock_timeout": "5s", "statement_timeout": "30s", "idle_in_transaction_session_timeout": "1min",
        "timezone": "UTC", "transaction_isolation": "read committed", "application_name": "korrigo-ingest",
    }  # fmt: skip
    with database.reading() as connection:
        assert {name: connection.execute(sa.text(f"SHOW {name}")).scalar() for name in wanted} == wanted
        driver = connection.connection.driver_connection
        assert driver is not None
        given = driver.info.get_parameters()
    client = {"connect_timeout": "10", "keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3"}
    assert {name: given[name] for name in client} == client


def test_effect_and_message_are_kept_together(database):
    with observe.bind_correlation("req-1"), database.transaction() as work:
        _take_seat(work, 1)
        message_id = work.send(SPLIT, subject="upload-1")
    with database.reading() as connection:
        (row,) = connection.execute(sa.text("SELECT * FROM outbox")).mappings()
    assert row["message_id"] == message_id
    assert (row["type"], row["exchange"]) == ("ingest.sheets.split.v1", "ingest.commands")
    assert (row["subject"], row["correlation_id"]) == ("upload-1", "req-1")
    assert row["data"] == {"upload_id": str(uuid.UUID(int=1)), "first_side": 1, "last_side": 2}
    assert row["sent_at"] is None
    assert row["not_before"] >= row["created_at"]


def test_effect_and_message_are_lost_together(database):
    with pytest.raises(KeyError), database.transaction() as work:
        _take_seat(work, 1)
        work.send(SPLIT, subject="upload-1")
        raise KeyError
    assert _rows(database, "SELECT count(*) FROM seats UNION ALL SELECT count(*) FROM outbox") == [0, 0]


def test_messages_keep_the_order_of_their_sends(database):
    with database.transaction() as work:
        sent = [work.send(SPLIT, subject=str(number)) for number in range(5)]
    assert _rows(database, "SELECT message_id FROM outbox ORDER BY id") == sent == sorted(sent)


def test_a_delayed_message_may_not_leave_before_its_time(database):
    with database.transaction() as work:
        work.send(SPLIT, subject="later", delay_s=90)
    (wait,) = _rows(database, "SELECT extract(epoch FROM not_before - created_at) FROM outbox")
    assert 89 < wait < 91


def test_only_catalogued_messages_of_this_service_are_sent(database):
    with database.transaction() as work, pytest.raises(TypeError, match=r"not a sender of ocr\.text\.extract"):
        work.send(ExtractText.model_construct(), subject="x")
    with database.transaction() as work, pytest.raises(TypeError, match="not in contracts"):
        work.send(uuid.uuid4(), subject="x")  # type: ignore[arg-type]


def test_the_relay_is_woken_after_the_commit_and_only_if_something_was_sent(database):
    seen: list[int] = []
    database.on_sent.append(lambda: seen.extend(_rows(database, "SELECT count(*) FROM outbox")))
    with database.transaction() as work:
        _take_seat(work, 1)
    assert seen == []
    with database.transaction() as work:
        work.send(SPLIT, subject="x")
    assert seen == [1]  # 0 if it were called before the commit
    with pytest.raises(KeyError), database.transaction() as work:
        work.send(SPLIT, subject="x")
        raise KeyError
    assert seen == [1]


def test_a_listener_that_fails_does_not_undo_the_commit(database):
    def fail() -> None:
        raise RuntimeError

    database.on_sent.append(fail)
    with database.transaction() as work:
        work.send(SPLIT, subject="x")
    assert _rows(database, "SELECT count(*) FROM outbox") == [1]


def test_now_is_the_start_of_the_transaction_in_utc(database):
    with database.transaction() as work:
        first = work.now()
        time.sleep(0.02)
        assert work.now() == first
        (begun,) = work.sql.execute(sa.text("SELECT transaction_timestamp()")).scalars()
    assert first == begun
    assert first.utcoffset() == datetime.now(UTC).utcoffset()


def test_reading_cannot_write_and_does_not_spoil_the_connection(database):
    with pytest.raises(exc.DBAPIError, match="read-only"), database.reading() as connection:
        connection.execute(sa.text("INSERT INTO seats VALUES (1, 'x')"))
    with database.transaction() as work:  # the same pooled connection
        _take_seat(work, 1)
    assert _rows(database, "SELECT number FROM seats") == [1]


def test_a_broken_rule_is_not_an_outage_and_quotes_no_row(database):
    with database.transaction() as work:
        _take_seat(work, 1, NAME)
    with pytest.raises(exc.IntegrityError) as refused, database.transaction() as work:
        _take_seat(work, 2, NAME)
    assert NAME not in privacy.trace(refused.value)
    assert "[SQL parameters hidden" in str(refused.value)
    assert NAME in str(refused.value.orig)  # so the line above is not empty praise
    assert "uq_seats_who" in privacy.describe(refused.value)


def test_an_exhausted_pool_is_an_outage_after_its_time_out(database):
    with database.reading(), database.reading():  # pool_size 1 + max_overflow 1
        started = time.monotonic()
        with pytest.raises(Unavailable, match="database: no free connection"), database.reading():
            pass
        assert 0.2 < time.monotonic() - started < 2
    database.ping()


def test_a_lock_that_does_not_come_is_an_outage(empty_database_url):
    impatient = Database(empty_database_url, service="ingest", lock_timeout_ms=100)
    db.metadata().create_all(impatient.engine)
    with (
        impatient.transaction() as holder,
        pytest.raises(Unavailable, match="LockNotAvailable 55P03"),
        impatient.transaction() as waiter,
    ):
        holder.sql.execute(sa.text("LOCK TABLE inbox"))
        waiter.sql.execute(sa.text("LOCK TABLE inbox"))
    impatient.close()


def test_a_statement_that_does_not_end_is_an_outage(empty_database_url):
    impatient = Database(empty_database_url, service="ingest", statement_timeout_ms=100)
    with pytest.raises(Unavailable, match="QueryCanceled 57014"), impatient.reading() as connection:
        connection.execute(sa.text("SELECT pg_sleep(5)"))
    impatient.close()


def test_two_that_wait_for_each_other_are_an_outage_for_one(database):
    with database.transaction() as work:
        _take_seat(work, 1, "a")
        _take_seat(work, 2, "b")
    meet = threading.Barrier(2)
    outcomes: list[str] = []

    def touch(first: int, second: int) -> None:
        try:
            with database.transaction() as work:
                for number in (first, second):
                    work.sql.execute(sa.text("UPDATE seats SET who = who WHERE number = :n"), {"n": number})
                    if number == first:
                        meet.wait(5)
            outcomes.append("done")
        except Unavailable as error:
            outcomes.append(error.reason)

    threads = [threading.Thread(target=touch, args=order) for order in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["DeadlockDetected 40P01", "done"]


def test_a_session_ended_in_mid_transaction_is_an_outage_and_the_next_one_works(database, empty_database_url):
    with pytest.raises(Unavailable, match="database"), database.transaction() as work:
        pid = work.sql.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
        with psycopg.connect(empty_database_url.replace("+psycopg", ""), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (pid,))
        time.sleep(0.1)
        work.sql.execute(sa.text("SELECT 1"))
    database.ping()


def test_a_session_ended_while_pooled_is_replaced_unseen(database, empty_database_url):
    with database.reading() as connection:
        pid = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
    with psycopg.connect(empty_database_url.replace("+psycopg", ""), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (pid,))
    time.sleep(0.1)
    database.ping()


def test_idling_inside_a_transaction_is_ended_by_the_server(database):
    with pytest.raises(Unavailable), database.transaction() as work:
        work.sql.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = 50"))
        time.sleep(0.3)
        work.sql.execute(sa.text("SELECT 1"))


def test_no_server_is_an_outage():
    (port,) = PORTS.take(1)
    nowhere = Database(f"postgresql+psycopg://x@127.0.0.1:{port}/x", service="ingest")
    with pytest.raises(Unavailable, match="database: OperationalError"):
        nowhere.ping()
    PORTS.release(port)


def test_a_server_that_vanishes_without_a_word_is_an_outage_in_time_and_forgotten_when_it_is_back(
    postgres: Postgres, empty_database_url: str
) -> None:
    with Proxy(postgres.port) as wire:
        url = empty_database_url.replace(f":{postgres.port}/", f":{wire.port}/")
        vanishing = Database(url, service="ingest", statement_timeout_ms=500, connect_timeout_s=2)
        held = [vanishing.engine.connect() for _ in range(2)]
        for connection in held:
            connection.close()
        wire.mute()
        for bound_s in (0.5 + db.ANSWER_GRACE_S + 2, 2):  # the answer of a pooled connection, then a new connection
            started = time.monotonic()
            with pytest.raises(Unavailable, match="database"):
                vanishing.ping()
            assert time.monotonic() - started < bound_s + 1
        wire.clear()
        vanishing.ping()  # the second pooled connection, which will never answer again, is not used
        vanishing.close()


def test_a_statement_whose_answer_never_comes_is_an_outage_and_its_late_answer_nobodys(
    postgres: Postgres, empty_database_url: str
) -> None:
    with Proxy(postgres.port) as wire:
        url = empty_database_url.replace(f":{postgres.port}/", f":{wire.port}/")
        vanishing = Database(url, service="ingest", statement_timeout_ms=500)
        with pytest.raises(Unavailable, match="ConnectionTimeout"), vanishing.transaction() as work:
            work.sql.execute(sa.text("SELECT 1"))
            wire.carry(Wire(delay_s=4))
            work.sql.execute(sa.text("SELECT 2"))
        wire.clear()
        with vanishing.reading() as sql:
            assert sql.scalar(sa.text("SELECT 3")) == 3
        vanishing.close()


def test_pool_use_is_a_metric(database):
    from prometheus_client import REGISTRY

    def in_use() -> float | None:
        return REGISTRY.get_sample_value("korrigo_database_connections_in_use", {"service": "ingest"})

    assert in_use() == 0
    with database.reading():
        assert in_use() == 1


GREEN = """
import warnings; warnings.simplefilter("ignore")
import eventlet; eventlet.monkey_patch()
import sys, time
from chassis.db import Database
import sqlalchemy as sa
database = Database(sys.argv[1], service="ingest")
def nap():
    with database.reading() as connection:
        connection.execute(sa.text("SELECT pg_sleep(0.5)"))
started = time.monotonic()
for thread in [eventlet.spawn(nap) for _ in range(4)]: thread.wait()
assert time.monotonic() - started < 1.5, time.monotonic() - started
"""


def test_queries_overlap_under_eventlet(empty_database_url):
    subprocess.run(
        [sys.executable, "-c", GREEN, empty_database_url], check=True, timeout=60,
        env={"PSYCOPG_WAIT_FUNC": "wait_selector", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


def test_waits_that_are_not_green_are_refused_under_eventlet(empty_database_url):
    done = subprocess.run(
        [sys.executable, "-c", GREEN, empty_database_url], capture_output=True, text=True, timeout=60,
        env={"PATH": "/usr/bin:/bin"}, check=False,
    )  # fmt: skip
    assert "set PSYCOPG_WAIT_FUNC=wait_selector" in done.stderr


def test_an_event_is_sent_to_the_exchange_of_its_owner(database):
    settled = UploadSettled(upload_id=uuid.uuid4(), exam_id=uuid.uuid4(), outcome="ready", sides=2, pages=2, booklets=1)
    with database.transaction() as work:
        work.send(settled, subject=str(settled.upload_id))
    assert _rows(database, "SELECT exchange FROM outbox") == ["ingest.events"]
