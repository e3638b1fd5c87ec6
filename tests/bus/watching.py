"""What a test does to the probe and sees of it; works with threads and with greenthreads."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from chassis.bus.publisher import Publisher, connect
from chassis.bus.rpc_client import RpcClient
from chassis.db import Database
from contracts.catalogue import BY_MODEL
from contracts.messages.ingest import SplitSheets
from contracts.model import Actor, Role
from contracts.rpc import ingest
from tests.bus.probe import calls, effects, plans

MESSAGE = BY_MODEL[SplitSheets]
QUEUE = MESSAGE.queue("ingest")
SOMEBODY = Actor(id=UUID(int=1), name="Somebody", role=Role.OPERATOR)


def until(true: Callable[[], Any], *, seconds: float = 10, what: str = "") -> Any:
    """The first true value of it; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := true():
            return value
        time.sleep(0.03)
    raise AssertionError(f"not within {seconds} s: {what or true}")


@dataclass
class Watch:
    """One probe: its bus, its database, a client."""

    url: str
    db: Database
    client: RpcClient

    def plan(self, plan: str, upload: UUID | None = None) -> UUID:
        upload = upload or uuid4()
        with self.db.transaction() as work:
            work.sql.execute(plans.delete().where(plans.c.upload == upload))
            work.sql.execute(plans.insert().values(upload=upload, plan=plan))
        return upload

    def send(self, plan: str, times: int = 1) -> UUID:
        """Through the outbox of the probe, as the probe itself would."""
        upload = self.plan(plan)
        with self.db.transaction() as work:
            for side in range(1, times + 1):
                work.send(SplitSheets(upload_id=upload, first_side=side, last_side=side), subject=str(upload))
        return upload

    def publish(self, body: bytes) -> None:
        """Past the outbox: what a relay that crashed, or a stranger, may do."""
        publisher = Publisher(self.url)
        publisher.publish(body, exchange=MESSAGE.exchange, routing_key=MESSAGE.type, message_id=str(uuid4()))
        publisher.close()

    def event(self, upload: UUID) -> bytes:
        payload = SplitSheets(upload_id=upload, first_side=1, last_side=1)
        event = {"specversion": "1.0", "id": str(uuid4()), "source": "/korrigo/ingest", "type": MESSAGE.type}
        return json.dumps({**event, "data": payload.model_dump(mode="json")}).encode()

    def calls(self, upload: UUID) -> list[int]:
        """The attempt numbers the handler saw."""
        return self._rows(sa.select(calls.c.attempt).where(calls.c.upload == upload).order_by(calls.c.attempt))

    def effects(self, upload: UUID) -> list[str]:
        return self._rows(sa.select(effects.c.kind).where(effects.c.upload == upload))

    def _rows(self, statement: Any) -> list[Any]:
        with self.db.reading() as sql:
            return list(sql.scalars(statement))

    def dead(self) -> list[tuple[str, bytes]]:
        """Takes the dead letters: (reason, body) of each."""
        found = []
        with connect(self.url) as connection:
            channel = connection.channel()
            while (message := channel.basic_get(f"{QUEUE}.dead", no_ack=True)) is not None:
                headers = getattr(message, "headers", None) or message.properties.get("application_headers")
                body = message.body if isinstance(message.body, bytes) else message.body.encode()
                found.append((headers["korrigo-reason"], body))
        return found

    def drop(self, version: int, booklet: UUID | None = None, *, timeout_s: float = 5) -> None:
        request = ingest.DropBooklet(booklet_id=booklet or uuid4(), version=version, by=SOMEBODY)
        self.client.call(ingest.DROP_BOOKLET, request, timeout_s=timeout_s)
