"""From the outbox to the bus: what was committed is published, at least once, in the order of the rows."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from chassis import metrics, observe, outbox
from chassis.bus.inproc import is_inproc
from chassis.bus.publisher import Publisher, Unroutable
from chassis.db import Database, UnitOfWork
from chassis.failpoints import Failpoint, reached
from contracts.catalogue import BY_TYPE
from contracts.errors import Unavailable

POLL_S = 1.0
BATCH = 200
BATCH_TIME_S = 5.0  # the batch is one transaction, and that must not grow old
SET_ASIDE_S = 10.0
KEEP = timedelta(days=14)
KEEP_INBOX = 2 * KEEP  # longer than any outbox row it guards against
PURGE_EVERY_S = 3600.0
PURGE_AT_MOST = 10_000


_outbox, _inbox = outbox.tables(sa.MetaData())
_clock = sa.func.clock_timestamp
log = observe.logger("chassis.bus.relay")


class Relay:
    """Publishes one database's outbox. Any number may run: a lock in the database lets one at a time through.

    The bus inside one process forgets its queues when the process ends, so there ``run`` begins by sending again
    everything the outbox still holds. What had its effect is in an inbox and has no second one; what was published
    but not yet consumed is thus never lost. No journal of the bus could know as much.
    """

    def __init__(self, database: Database, url: str) -> None:
        self._database, self._url = database, url
        self._publisher = Publisher(url)
        self._wake_up = threading.Event()
        self._stopping = False
        database.on_sent.append(self._wake_up.set)

    def run(self) -> None:
        """Until ``stop``; survives every failure."""
        send_again = is_inproc(self._url)
        next_purge = time.monotonic() + PURGE_EVERY_S
        while True:
            try:
                if send_again:
                    self._forget_sent()
                    send_again = False
                self.measure()  # first: while the bus is away ``flush`` raises, and the lag must be seen to grow
                full = self.flush() >= BATCH
                if time.monotonic() >= next_purge:
                    next_purge = time.monotonic() + PURGE_EVERY_S
                    self.purge()
            except Unavailable as error:
                full = False
                log.warning("relay_waits", service=self._database.service, dependency=error.dependency)
            except Exception as error:
                full = False
                observe.report_defect("relay_failed", error, service=self._database.service)
            if self._stopping:
                break
            if not full:
                self._wake_up.wait(POLL_S)
                self._wake_up.clear()
        self._publisher.close()

    def stop(self) -> None:
        """``run`` publishes what is there once more, then returns."""
        self._stopping = True
        self._wake_up.set()

    def flush(self) -> int:
        """Publish one batch; returns how many rows were looked at.

        Raises:
            Unavailable: the database, or the bus; what was confirmed before is marked as sent.
        """
        lost: Unavailable | None = None
        with self._database.transaction() as work:
            if not work.sql.scalar(sa.text("SELECT pg_try_advisory_xact_lock(hashtext('korrigo.outbox'))")):
                return 0
            due = (_outbox.c.sent_at.is_(None)) & (_outbox.c.not_before <= _clock())
            rows = work.sql.execute(sa.select(_outbox).where(due).order_by(_outbox.c.id).limit(BATCH)).all()
            sent: list[int] = []
            aside: list[int] = []
            until = time.monotonic() + BATCH_TIME_S
            for row in rows:
                reached(Failpoint.OUTBOX_PUBLISHING)
                try:
                    self._publish(row)
                    reached(Failpoint.OUTBOX_PUBLISHED)
                    sent.append(row.id)
                except Unroutable:
                    log.error("message_unroutable", type=row.type, message_id=row.message_id)
                    aside.append(row.id)
                except Unavailable as error:
                    lost = error
                if lost or time.monotonic() > until:
                    break
            _update(work, sent, sent_at=_clock())
            _update(work, aside, not_before=_clock() + timedelta(seconds=SET_ASIDE_S))
        if lost is not None:
            raise lost
        return len(rows)

    def _publish(self, row: Any) -> None:
        message = BY_TYPE.get(row.type)
        event = {
            "specversion": "1.0",
            "id": str(row.message_id),
            "source": f"/korrigo/{self._database.service}",
            "type": row.type,
            "subject": row.subject,
            "time": row.created_at.isoformat(),
            "datacontenttype": "application/json",
            "data": row.data,
        }
        if row.correlation_id:
            event["correlationid"] = row.correlation_id
        self._publisher.publish(
            json.dumps(event).encode(),
            exchange=row.exchange,
            routing_key=row.type,
            # An event of ours with a consumer is as little to be lost as a command; one nobody hears may vanish.
            mandatory=message is None or bool(message.consumers),
            content_type="application/cloudevents+json",
            message_id=str(row.message_id),
            type=row.type,
        )
        metrics.OUTBOX_SENT.labels(service=self._database.service, message=row.type).inc()

    def _forget_sent(self) -> None:
        with self._database.transaction() as work:
            sent = work.sql.execute(_outbox.update().where(_outbox.c.sent_at.is_not(None)).values(sent_at=None))
        log.info("outbox_sent_again", service=self._database.service, rows=sent.rowcount)

    def measure(self) -> None:
        """Set the lag gauge: age in seconds of the oldest row that is due."""
        due = (_outbox.c.sent_at.is_(None)) & (_outbox.c.not_before <= _clock())
        with self._database.reading() as sql:
            lag = sql.scalar(sa.select(sa.extract("epoch", _clock() - sa.func.min(_outbox.c.not_before))).where(due))
        metrics.OUTBOX_LAG_SECONDS.labels(service=self._database.service).set(float(lag or 0))

    def purge(self) -> tuple[int, int]:
        """Delete old rows, a bounded number at a time; returns (outbox, inbox) rows deleted.

        By age of creation: ``sent_at`` is renewed when the embedded bus sends again, and an outbox row must never
        outlive the inbox row that keeps it harmless.
        """
        old = (_outbox.c.sent_at.is_not(None)) & (_outbox.c.created_at < _clock() - KEEP)
        with self._database.transaction() as work:
            ids = sa.select(_outbox.c.id).where(old).order_by(_outbox.c.id).limit(PURGE_AT_MOST)
            sent = work.sql.execute(_outbox.delete().where(_outbox.c.id.in_(ids))).rowcount
            key = sa.tuple_(_inbox.c.consumer, _inbox.c.message_id)
            forgotten = sa.select(_inbox.c.consumer, _inbox.c.message_id)
            forgotten = forgotten.where(_inbox.c.received_at < _clock() - KEEP_INBOX).limit(PURGE_AT_MOST)
            received = work.sql.execute(_inbox.delete().where(key.in_(forgotten))).rowcount
        return sent, received


def _update(work: UnitOfWork, ids: list[int], **values: Any) -> None:
    if ids:
        work.sql.execute(_outbox.update().where(_outbox.c.id.in_(ids)).values(**values))
