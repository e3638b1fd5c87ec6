"""Outbox, inbox, and what is told of failures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from chassis import outbox
from chassis.bus.container import settle
from chassis.bus.publisher import Unroutable
from chassis.bus.relay import Relay
from chassis.bus.subscription import Delivery, Subscription
from chassis.db import UnitOfWork
from contracts.catalogue import BY_MODEL
from contracts.errors import Unavailable
from tests.faults.simulation.defects.planting import defect, replaced
from tests.faults.simulation.world import World

_outbox, _ = outbox.tables(sa.MetaData())


@defect("I5")
def sends_after_the_commit(world: World) -> Iterator[None]:
    """The event is lost with a process that dies between the two."""

    def send(self: Any, payload: Any, *, subject: str, delay_s: float = 0) -> Any:
        message = BY_MODEL[type(payload)]
        message_id = original(self, payload, subject=subject, delay_s=delay_s)
        row = self.sql.execute(_outbox.delete().where(_outbox.c.message_id == message_id).returning(_outbox)).one()
        relay = world.hosted[self._service].relay
        self.after_commit.append(lambda: relay._publish(row))
        assert message.type == row.type
        return message_id

    original = UnitOfWork.send
    with replaced((UnitOfWork, "send", send)):
        yield


@defect("I5")
def marks_as_sent_what_it_is_about_to_send(_: World) -> Iterator[None]:
    def flush(self: Any) -> int:
        due = (_outbox.c.sent_at.is_(None)) & (_outbox.c.not_before <= sa.func.clock_timestamp())
        with self._database.transaction() as work:
            rows = work.sql.execute(sa.select(_outbox).where(due).order_by(_outbox.c.id)).all()
            work.sql.execute(
                _outbox.update()
                .where(_outbox.c.id.in_([row.id for row in rows]))
                .values(sent_at=sa.func.clock_timestamp())
            )
        for row in rows:
            self._publish(row)
        return len(rows)

    with replaced((Relay, "flush", flush)):
        yield


@defect("I5")
def sends_without_waiting_for_the_confirm(_: World) -> Iterator[None]:
    def publish(self: Any, row: Any) -> None:
        try:
            original(self, row)
        except (Unavailable, Unroutable):
            return

    original = Relay._publish
    with replaced((Relay, "_publish", publish)):
        yield


@defect("I5")
def acknowledges_before_the_effect(_: World) -> Iterator[None]:
    def handle(self: Any, service: Any, message: Any) -> str:
        settle(message)
        return str(original(self, service, message))

    original = Subscription._handle
    with replaced((Subscription, "_handle", handle)):
        yield


@defect("I5")
def acknowledges_what_failed(_: World) -> Iterator[None]:
    """nameko's default."""
    with replaced((Subscription, "_failed", lambda *_: "retried")):
        yield


@defect("I7")
def keeps_no_inbox(_: World) -> Iterator[None]:
    @contextmanager
    def transaction(self: Any) -> Iterator[Any]:
        self.entered += 1
        with self.database.transaction() as work:
            yield work

    with replaced((Delivery, "transaction", transaction)):
        yield


@defect("I5")
def marks_the_inbox_before_the_effect(_: World) -> Iterator[None]:
    @contextmanager
    def transaction(self: Any) -> Iterator[Any]:
        with original(self):
            pass
        with self.database.transaction() as work:
            yield work

    original = Delivery.transaction
    with replaced((Delivery, "transaction", transaction)):
        yield


@defect("I5")
def tells_nobody_that_it_gave_up(world: World) -> Iterator[None]:
    heard = [each for hosted in world.hosted.values() for each in hosted.subscriptions.values()]
    with replaced(*((each, "on_exhausted", None) for each in heard)):
        yield


@defect("I7")
def settles_an_upload_and_tells_nobody(_: World) -> Iterator[None]:
    def send(self: Any, payload: Any, *, subject: str, delay_s: float = 0) -> Any:
        if type(payload).__name__ == "UploadSettled":
            return None
        return original(self, payload, subject=subject, delay_s=delay_s)

    original = UnitOfWork.send
    with replaced((UnitOfWork, "send", send)):
        yield
