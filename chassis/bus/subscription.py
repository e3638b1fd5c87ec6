"""``@subscribe``: one message, one effect, however often it is delivered."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

import eventlet
import kombu
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.dialects import postgresql

from chassis import metrics, observe, outbox
from chassis.bus import topology
from chassis.bus.container import Consumers, Work, settle
from chassis.bus.publisher import Publisher
from chassis.bus.topology import ATTEMPT_HEADER, CONTENT_TYPE, WAITS_HEADER
from chassis.db import Database, UnitOfWork
from chassis.failpoints import Failpoint, reached
from contracts.catalogue import BY_MODEL, Message
from contracts.errors import Refusal, Unavailable
from contracts.model import Tolerant

P = TypeVar("P", bound=Tolerant)

# How often a message waits for a dependency before that counts as an attempt: none of them is the message's fault.
# Without end for those of which on_exhausted could tell nobody: the database is where failure is recorded, the sandbox
# is full with our own work. The store has a minute and a half (1 + 5 + 30 + 30 + 30 s), then the attempts: a person who
# waits for a document must be told in the end that the store has been down for too long.
PATIENCE = {"database": math.inf, "sandbox": math.inf, "object_store": 5}

_, _inbox = outbox.tables(sa.MetaData())
log = observe.logger("chassis.bus.subscription")


class AlreadyHandled(Exception):
    """Another delivery of this message took effect first: nothing is left to do."""


class _Envelope(BaseModel):
    """The CloudEvents 1.0 attributes we need; ``data`` is checked against the catalogue's model."""

    model_config = ConfigDict(extra="ignore")

    specversion: str
    id: UUID
    type: str
    data: dict[str, Any]
    correlationid: str | None = None


@dataclass
class Delivery(Generic[P]):
    """One delivery of a message to one consumer.

    Attributes:
        attempt: from 1; grows with each failure that counts.
        exhausted: this is the call of ``on_exhausted``; ``error`` is what went wrong last.
    """

    payload: P
    message_id: UUID
    attempt: int
    consumer: str
    database: Database
    exhausted: bool = False
    error: BaseException | None = None
    before_commit: Any = None
    entered: int = field(default=0, init=False)
    duplicate: bool = field(default=False, init=False)

    @contextmanager
    def transaction(self) -> Iterator[UnitOfWork]:
        """The transaction of the effect; to be entered exactly once, after the heavy work.

        Raises:
            AlreadyHandled: a rival delivery was faster; let it pass through.
        """
        self.entered += 1
        if self.entered > 1:
            raise RuntimeError("a delivery has one transaction: a second would commit half an effect")
        with self.database.transaction() as work:
            mark = postgresql.insert(_inbox).values(consumer=self.consumer, message_id=self.message_id)
            # returning, not rowcount: SQLAlchemy 2 does not keep the row count of such an insert
            if work.sql.execute(mark.on_conflict_do_nothing().returning(_inbox.c.message_id)).first() is None:
                self.duplicate = True
                raise AlreadyHandled(self.message_id)
            yield work
            if self.before_commit is not None:
                self.before_commit()


class Subscription(Work):
    """Consumes one message type of the catalogue.

    Args:
        model: the message's payload class.
        concurrency: deliveries at a time in each process; it bounds the queue's prefetch, so no queue starves another.
        on_exhausted: name of the method called, once, with a delivery that has failed for good.
    """

    consumers = Consumers()

    def __init__(
        self, model: type[Tolerant], *, concurrency: int = 1, on_exhausted: str | None = None, **kw: Any
    ) -> None:
        super().__init__(**kw)
        self.model, self.concurrency, self.on_exhausted = model, concurrency, on_exhausted
        self.message: Message = BY_MODEL[model]

    def setup(self) -> None:
        service = self.container.service_name
        if service not in self.message.consumers:
            raise TypeError(f"contracts.catalogue does not list {service} as a consumer of {self.message.type}")
        if self.on_exhausted is not None and not hasattr(self.container.service_cls, self.on_exhausted):
            raise TypeError(f"{self.container.service_cls.__name__} has no method {self.on_exhausted}")
        config = self.container.config
        self.retry_delays_s = tuple(config.get("retry_delays_s", topology.RETRY_DELAYS_S))
        main, *_ = topology.queues_of(self.message, service, self.retry_delays_s)
        self.name = main.name
        self.queue = kombu.Queue(main.name, no_declare=True)  # declared with the whole topology before we start
        self.publisher = Publisher(config["AMQP_URI"])
        self.consumers.register_provider(self)

    def stop(self) -> None:
        self.consumers.unregister_provider(self)

    def take(self, message: Any) -> None:
        self.container.spawn_worker(self, (message,), {})

    def run(self, service: Any, *args: Any) -> None:
        (message,) = args
        started = time.monotonic()
        outcome = "retried"
        try:
            reached(Failpoint.MESSAGE_TAKEN)
            outcome = self._handle(service, message)
            reached(Failpoint.MESSAGE_EFFECTED)
            settle(message)
        except Unavailable as error:  # not even the retry queue can be reached
            log.warning("message_given_back", queue=self.name, error=str(error))
            eventlet.sleep(1)
            settle(message, requeue=True)
        except Exception as error:  # ours, not the handler's: without this the message would stay in hand for ever
            observe.report_defect("message_not_handled", error, queue=self.name)
            eventlet.sleep(1)
            settle(message, requeue=True)
        finally:
            self.consumers.finished()
            labels = {"service": self.container.service_name, "message": self.message.type}
            metrics.MESSAGES.labels(**labels, outcome=outcome).inc()
            metrics.MESSAGE_SECONDS.labels(**labels).observe(time.monotonic() - started)

    def _handle(self, service: Any, message: Any) -> str:
        try:
            envelope = _Envelope.model_validate_json(message.body)
            if envelope.type != self.message.type:
                raise ValueError(f"not a {self.message.type}")
            payload = self.model.model_validate_json(json.dumps(envelope.data))
            attempt = int(message.headers.get(ATTEMPT_HEADER, 1))
        except (ValidationError, ValueError, TypeError) as error:
            log.error("message_malformed", queue=self.name, error=type(error).__name__)
            self._bury(message, "malformed", error)
            return "dead"
        with observe.bind_correlation(envelope.correlationid):
            delivery = Delivery(payload, envelope.id, attempt, self.name, service.app.db)
            return self._deliver(service, message, delivery)

    def _deliver(self, service: Any, message: Any, delivery: Delivery[Any]) -> str:
        fields = {"queue": self.name, "message_id": delivery.message_id, "attempt": delivery.attempt}
        try:
            if self._in_inbox(delivery):
                log.info("message_repeated", **fields)
                return "duplicate"
            getattr(service, self.method_name)(delivery)
            if not delivery.entered:
                raise RuntimeError(f"{self.method_name} did not enter delivery.transaction()")
        except Exception as error:
            if delivery.duplicate:
                return "duplicate"
            return self._failed(service, message, delivery, error)
        return "duplicate" if delivery.duplicate else "done"

    @staticmethod
    def _in_inbox(delivery: Delivery[Any]) -> bool:
        """Also keeps a row that is still being asked for from being purged (the embedded bus sends again at start)."""
        here = (_inbox.c.consumer == delivery.consumer) & (_inbox.c.message_id == delivery.message_id)
        with delivery.database.reading() as sql:
            age_s = sql.scalar(
                sa.select(sa.extract("epoch", sa.func.clock_timestamp() - _inbox.c.received_at)).where(here)
            )
        if age_s is not None and age_s > 86_400:
            with delivery.database.transaction() as work:
                work.sql.execute(_inbox.update().where(here).values(received_at=sa.func.clock_timestamp()))
        return age_s is not None

    # failure

    def _failed(self, service: Any, message: Any, delivery: Delivery[Any], error: Exception) -> str:
        fields = {"queue": self.name, "message_id": delivery.message_id, "attempt": delivery.attempt}
        if isinstance(error, Refusal):
            log.warning("message_refused", **fields, code=error.code)
            return self._exhaust(service, message, delivery, "refused", error)
        waits = int(message.headers.get(WAITS_HEADER, 0))
        if isinstance(error, Unavailable) and waits < PATIENCE.get(error.dependency, 0):
            log.warning("message_waits", **fields, dependency=error.dependency)
            return self._retry(message, delivery.attempt, waits + 1)
        if delivery.attempt <= len(self.retry_delays_s):
            log.warning("message_failed", **fields, exc_info=error)
            return self._retry(message, delivery.attempt + 1, waits)
        observe.report_defect("message_exhausted", error, **fields)
        return self._exhaust(service, message, delivery, "exhausted", error)

    def _retry(self, message: Any, attempt: int, waits: int) -> str:
        """Publish to the waiting queue; the caller acks, and not before it is confirmed."""
        step = min(attempt - 2 + waits, len(self.retry_delays_s) - 1)
        headers = {ATTEMPT_HEADER: attempt, WAITS_HEADER: waits}
        self._publish(message, topology.retry_queue(self.name, self.retry_delays_s[step]), headers)
        return "retried"

    def _exhaust(self, service: Any, message: Any, delivery: Delivery[Any], reason: str, error: Exception) -> str:
        """Let the owner record the failure and keep the message for a person, both or neither.

        The dead letter is confirmed before the commit: a crash in between leaves it twice, never not at all.
        """
        if self.on_exhausted is None:
            self._bury(message, reason, error)
            return "dead"
        last = Delivery(
            delivery.payload, delivery.message_id, delivery.attempt, self.name, delivery.database,
            exhausted=True, error=error, before_commit=lambda: self._bury(message, reason, error),
        )  # fmt: skip
        try:
            getattr(service, self.on_exhausted)(last)
            if not last.entered:
                raise RuntimeError(f"{self.on_exhausted} did not enter delivery.transaction()")
        except Unavailable as unavailable:
            # The same attempt again, later: it may even succeed.
            log.warning("failure_not_recorded", queue=self.name, dependency=unavailable.dependency)
            return self._retry(message, delivery.attempt, int(message.headers.get(WAITS_HEADER, 0)) + 1)
        except Exception as defect:
            if not last.duplicate:
                observe.report_defect("on_exhausted_failed", defect, queue=self.name, message_id=delivery.message_id)
                self._bury(message, "on_exhausted_failed", error)
        return "duplicate" if last.duplicate else "dead"

    def _bury(self, message: Any, reason: str, error: BaseException) -> None:
        headers = {"korrigo-reason": reason, "korrigo-error": getattr(error, "code", type(error).__name__)}
        self._publish(message, topology.dead_queue(self.name), headers)

    def _publish(self, message: Any, queue: str, headers: dict[str, Any]) -> None:
        body = message.body if isinstance(message.body, bytes) else message.body.encode()
        kept = {key: value for key, value in (message.headers or {}).items() if key.startswith("korrigo-")}
        self.publisher.publish(
            body,
            exchange="",
            routing_key=queue,
            content_type=CONTENT_TYPE,
            headers={**kept, **headers},
            message_id=message.properties.get("message_id"),
            type=self.message.type,
        )


Handler = Callable[[Any, Delivery[P]], None]


def subscribe(
    model: type[P], *, concurrency: int = 1, on_exhausted: str | None = None
) -> Callable[[Handler[P]], Handler[P]]:
    """Hear one message type with a service's method; see ``Subscription``."""
    decorator = Subscription.decorator(model, concurrency=concurrency, on_exhausted=on_exhausted)
    return cast(Callable[[Handler[P]], Handler[P]], decorator)
