"""Dead letters: messages that failed for good, each waiting beside its queue until a person has decided.

To look at a letter is to take it in hand and give it back: all that were in a queue return to it in their order, also
when this process ends in the middle.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from amqp.exceptions import NotFound
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.dialects import postgresql

from chassis import observe, outbox
from chassis.bus import topology
from chassis.bus.publisher import BUS_ERRORS, Publisher, connect
from chassis.bus.topology import ATTEMPT_HEADER, CONTENT_TYPE
from chassis.db import Database
from contracts.catalogue import MESSAGES
from contracts.errors import Unavailable

_, _inbox = outbox.tables(sa.MetaData())
audit = observe.logger(observe.AUDIT)
_BACK_WITHIN_S = 5.0  # after that somebody else must have taken some

QUEUES = {message.queue(consumer): consumer for message in MESSAGES for consumer in message.consumers}
"""Who consumes each queue that may have dead letters."""

Wanted = Callable[["Letter"], bool]


class _Event(BaseModel):
    """As much as can be told of a message that perhaps nobody could read."""

    model_config = ConfigDict(extra="ignore")

    id: UUID
    subject: str = ""
    time: datetime | None = None
    data: dict[str, Any] = {}


@dataclass(frozen=True)
class Letter:
    """One dead letter.

    Attributes:
        queue: the queue it failed in.
        message_id: ``None`` when it is nothing that we can read.
        reason: ``exhausted``, ``refused``, ``malformed``, ``on_exhausted_failed``, or, said by the broker,
            ``delivery_limit``: its consumer died over it, and nobody was told.
        error: class of the exception, or code of the refusal.
        sent_at: when it was first sent, aware UTC, as far as it says.
    """

    queue: str
    message_id: UUID | None
    subject: str
    sent_at: datetime | None
    attempt: int
    reason: str
    error: str
    data: dict[str, Any]
    body: bytes

    @property
    def consumer(self) -> str:
        return QUEUES[self.queue]

    @property
    def type(self) -> str:
        return self.queue.partition(".on.")[2]


def all_of(url: str, queues: Iterable[str] = QUEUES) -> list[Letter]:
    """Every dead letter of these queues, the longest there first; they stay.

    Raises:
        Unavailable: ``bus``.
    """
    return [letter for queue in queues for letter, _ in _go_through(url, queue, lambda _: False)]


def replay(url: str, wanted: Wanted, queues: Iterable[str] = QUEUES) -> list[Letter]:
    """Send the wanted ones to their queue again, as new messages that count their attempts anew; returns which.

    A letter is let go when its successor is confirmed. After a crash in between both are there: the successor's id is
    told by the letter's, so that it has one effect however often it is sent. What nobody can read stays.

    Raises:
        Unavailable: ``bus``; what was sent until then is sent.
    """
    publisher = Publisher(url)

    def send(letter: Letter) -> bool:
        if letter.message_id is None or not wanted(letter):
            return False
        successor = outbox.replayed_id(letter.message_id)
        event = json.loads(letter.body) | {"id": str(successor)}
        publisher.publish(
            json.dumps(event).encode(),
            exchange="",
            routing_key=letter.queue,
            content_type=CONTENT_TYPE,
            message_id=str(successor),
            type=letter.type,
        )
        audit.info("dead_letter_replayed", queue=letter.queue, message_id=letter.message_id, replayed_id=successor)
        return True

    try:
        return [letter for queue in queues for letter, sent in _go_through(url, queue, send) if sent]
    finally:
        publisher.close()


def discard(
    url: str, wanted: Wanted, why: str, database: Callable[[str], Database], queues: Iterable[str] = QUEUES
) -> list[Letter]:
    """Give the wanted ones up; returns which.

    Each counts as handled from then on: its id is in the inbox of its consumer, whose database ``database`` gives.

    Raises:
        Unavailable: ``bus`` or ``database``; what was discarded until then is discarded.
    """

    def give_up(letter: Letter) -> bool:
        if not wanted(letter):
            return False
        if letter.message_id is not None:
            handled = postgresql.insert(_inbox).values(consumer=letter.queue, message_id=letter.message_id)
            with database(letter.consumer).transaction() as work:
                work.sql.execute(handled.on_conflict_do_nothing())
        audit.info("dead_letter_discarded", queue=letter.queue, message_id=letter.message_id, reason=why)
        return True

    return [letter for queue in queues for letter, given_up in _go_through(url, queue, give_up) if given_up]


def _go_through(url: str, queue: str, act: Wanted) -> list[tuple[Letter, bool]]:
    """Each letter of a queue with what ``act`` said of it: those for which it said yes are let go."""
    dead = topology.dead_queue(queue)
    found = []
    try:
        with connect(url) as connection:
            channel: Any = connection.channel()
            try:
                waiting = _depth(channel, dead)
            except NotFound:  # no service was ever started on this broker
                return []
            for _ in range(waiting):  # and not until it is empty: somebody may put letters back meanwhile
                message = channel.basic_get(dead, no_ack=False)
                if message is None:
                    break
                letter = _read(queue, message)
                taken = act(letter)
                if taken:
                    channel.basic_ack(message.delivery_tag)
                found.append((letter, taken))
            channel.close()  # gives back what was not let go, which takes the broker a moment
            left = sum(not taken for _, taken in found)
            until = time.monotonic() + _BACK_WITHIN_S
            while _depth(connection.default_channel, dead) < left and time.monotonic() < until:
                time.sleep(0.02)
    except BUS_ERRORS as error:
        raise Unavailable("bus", type(error).__name__) from error
    return found


def _depth(channel: Any, queue: str) -> int:
    depth: int = channel.queue_declare(queue=queue, passive=True).message_count
    return depth


def _read(queue: str, message: Any) -> Letter:
    headers = message.headers or {}
    body = message.body if isinstance(message.body, bytes) else message.body.encode()
    try:
        event = _Event.model_validate_json(body)
    except ValidationError:
        event = None
    # Without a reason of ours it was the broker that gave up, and says so.
    deaths = headers.get("x-death") or [{"reason": "unknown"}]
    return Letter(
        queue=queue,
        message_id=event.id if event else None,
        subject=event.subject if event else "",
        sent_at=event.time if event and event.time and event.time.tzinfo else None,
        attempt=int(headers.get(ATTEMPT_HEADER, 1)),
        reason=str(headers.get("korrigo-reason") or deaths[0]["reason"]),
        error=str(headers.get("korrigo-error", "")),
        data=event.data if event else {},
        body=body,
    )
