"""A broker inside one process, shaped like AMQP 0-9-1: what RabbitMQ does for us, without RabbitMQ.

Event driven, nothing polls; every method takes the one lock. Works with real threads and with green ones.
Nothing is written to disk: a message that was queued when the process ended is sent again by the outbox relay.
"""

from __future__ import annotations

import heapq
import itertools
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from amqp.exceptions import ChannelError, NotFound, PreconditionFailed, ResourceLocked

_EXCHANGE_DECLARE, _QUEUE_DECLARE, _PUBLISH = (40, 10), (50, 10), (60, 40)
_NO_ROUTE = 312


@dataclass(frozen=True)
class Message:
    """A message in a queue. ``expires_at`` is monotonic seconds."""

    body: bytes | str
    content_type: str | None
    content_encoding: str | None
    headers: dict[str, Any]
    properties: dict[str, Any]
    exchange: str = ""
    routing_key: str = ""
    redelivered: bool = False
    expires_at: float | None = None


class Receiver(Protocol):
    """One consumer as the broker sees it (a channel's)."""

    def has_room(self) -> bool: ...

    def receive(self, queue: Queue, message: Message) -> None: ...

    def cancelled(self) -> None:
        """The queue is gone."""


@dataclass(eq=False)
class Queue:
    """``owner`` is the connection that alone may use it, or ``None``."""

    name: str
    durable: bool
    auto_delete: bool
    arguments: dict[str, Any]
    owner: object | None
    ready: deque[Message] = field(default_factory=deque)
    receivers: deque[Receiver] = field(default_factory=deque)
    unused_since: float = field(default_factory=time.monotonic)


class Broker:
    """Exchanges, queues, bindings, timers. Raises what py-amqp raises."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.queues: dict[str, Queue] = {}
        self._exchanges: dict[str, str] = {}
        self._bindings: dict[str, dict[tuple[str, str], Callable[[str], object]]] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._timer_numbers = itertools.count()
        self._timer_changed = threading.Condition(self.lock)
        self._timer_thread: threading.Thread | None = None

    # exchanges and bindings

    def declare_exchange(self, name: str, type: str, passive: bool) -> None:
        with self.lock:
            known = self._exchanges.get(name)
            if known is None:
                if passive:
                    raise NotFound(f"NOT_FOUND - no exchange {name!r}", _EXCHANGE_DECLARE)
                self._exchanges[name], self._bindings[name] = type, {}
            elif not passive and known != type:
                raise PreconditionFailed(f"PRECONDITION_FAILED - exchange {name!r} is {known}", _EXCHANGE_DECLARE)

    def delete_exchange(self, name: str) -> None:
        with self.lock:
            self._exchanges.pop(name, None)
            self._bindings.pop(name, None)

    def bind(self, queue: str, exchange: str, routing_key: str) -> None:
        with self.lock:
            if exchange not in self._exchanges:
                raise NotFound(f"NOT_FOUND - no exchange {exchange!r}", (50, 20))
            if queue not in self.queues:
                raise NotFound(f"NOT_FOUND - no queue {queue!r}", (50, 20))
            self._bindings[exchange][queue, routing_key] = _matcher(self._exchanges[exchange], routing_key)

    def unbind(self, queue: str, exchange: str, routing_key: str) -> None:
        with self.lock:
            self._bindings.get(exchange, {}).pop((queue, routing_key), None)

    # queues

    def declare_queue(
        self, name: str, *, passive: bool, durable: bool, auto_delete: bool, arguments: dict[str, Any],
        connection: object, exclusive: bool,
    ) -> Queue:  # fmt: skip
        with self.lock:
            known = self.queues.get(name)
            if known is None:
                if passive:
                    raise NotFound(f"NOT_FOUND - no queue {name!r}", _QUEUE_DECLARE)
                known = Queue(name, durable, auto_delete, arguments, connection if exclusive else None)
                self.queues[name] = known
                self._expire_when_unused(known)
            self._check_owner(known, connection)
            if not passive and (known.arguments, known.durable, known.auto_delete) != (arguments, durable, auto_delete):
                raise PreconditionFailed(f"PRECONDITION_FAILED - inequivalent arg for queue {name!r}", _QUEUE_DECLARE)
            return known

    def find_queue(self, name: str, connection: object) -> Queue:
        with self.lock:
            known = self.queues.get(name)
            if known is None:
                raise NotFound(f"NOT_FOUND - no queue {name!r}", (60, 20))
            self._check_owner(known, connection)
            return known

    @staticmethod
    def _check_owner(queue: Queue, connection: object) -> None:
        if queue.owner not in (None, connection):
            raise ResourceLocked(f"RESOURCE_LOCKED - exclusive queue {queue.name!r}", _QUEUE_DECLARE)

    def delete_queue(self, name: str) -> None:
        with self.lock:
            queue = self.queues.pop(name, None)
            if queue is None:
                return
            for bindings in self._bindings.values():
                for key in [key for key in bindings if key[0] == name]:
                    del bindings[key]
            for receiver in queue.receivers:
                receiver.cancelled()

    def delete_queues_of(self, connection: object) -> None:
        with self.lock:
            for queue in [queue for queue in self.queues.values() if queue.owner is connection]:
                self.delete_queue(queue.name)

    def add_receiver(self, queue: Queue, receiver: Receiver) -> None:
        with self.lock:
            queue.receivers.append(receiver)
            self.deliver(queue)

    def remove_receiver(self, queue: Queue, receiver: Receiver) -> None:
        with self.lock:
            if receiver in queue.receivers:
                queue.receivers.remove(receiver)
            if not queue.receivers:
                queue.unused_since = time.monotonic()
                if queue.auto_delete:
                    self.delete_queue(queue.name)
                else:
                    self._expire_when_unused(queue)

    def _expire_when_unused(self, queue: Queue) -> None:
        limit_ms = queue.arguments.get("x-expires")
        if limit_ms is None:
            return

        def expire() -> None:
            unused_ms = (time.monotonic() - queue.unused_since) * 1000
            if not queue.receivers and unused_ms >= limit_ms - 1 and self.queues.get(queue.name) is queue:
                self.delete_queue(queue.name)

        self._call_later(limit_ms / 1000, expire)

    # messages

    def publish(self, message: Message, exchange: str, routing_key: str, mandatory: bool = False) -> None:
        """Put the message into every queue it matches.

        Raises:
            ChannelError: ``NO_ROUTE`` when ``mandatory`` and no queue matches.
            NotFound: no such exchange.
        """
        with self.lock:
            queues = self._route(exchange, routing_key)
            if not queues and mandatory:
                raise ChannelError("NO_ROUTE", _PUBLISH, "basic.publish", _NO_ROUTE)
            message = replace(message, exchange=exchange, routing_key=routing_key, redelivered=False, expires_at=None)
            for queue in queues:
                self._enqueue(queue, message)

    def _route(self, exchange: str, routing_key: str) -> list[Queue]:
        if not exchange:
            direct = self.queues.get(routing_key)
            return [direct] if direct else []
        bindings = self._bindings.get(exchange)
        if bindings is None:
            raise NotFound(f"NOT_FOUND - no exchange {exchange!r}", _PUBLISH)
        names = dict.fromkeys(name for (name, _), matches in bindings.items() if matches(routing_key))
        return [self.queues[name] for name in names]

    def _enqueue(self, queue: Queue, message: Message) -> None:
        limits = [message.properties.get("expiration"), queue.arguments.get("x-message-ttl")]
        ttl_s = min((int(limit) / 1000 for limit in limits if limit is not None), default=None)
        if ttl_s is not None:
            message = replace(message, expires_at=time.monotonic() + ttl_s)
            self._call_later(ttl_s, lambda: self._expire_messages(queue))
        queue.ready.append(message)
        self.deliver(queue)

    def deliver(self, queue: Queue) -> None:
        """Hand ready messages to receivers with room, in turn."""
        with self.lock:
            idle = 0
            while queue.ready and idle < len(queue.receivers):
                receiver = queue.receivers[0]
                queue.receivers.rotate(-1)
                if receiver.has_room():
                    idle = 0
                    receiver.receive(queue, queue.ready.popleft())
                else:
                    idle += 1

    def requeue(self, queue: Queue, message: Message) -> None:
        """Put an unsettled message back where it came from, at the head."""
        with self.lock:
            if self.queues.get(queue.name) is queue:
                queue.ready.appendleft(replace(message, redelivered=True))
                if message.expires_at is not None:
                    self._expire_messages(queue)
                self.deliver(queue)

    def dead_letter(self, queue: Queue, message: Message, reason: str) -> None:
        """Drop the message, or pass it on when the queue names a dead-letter exchange; counted in ``x-death``."""
        exchange = queue.arguments.get("x-dead-letter-exchange")
        if exchange is None:
            return
        deaths = [dict(death) for death in message.headers.get("x-death", [])]
        for death in deaths:
            if (death["queue"], death["reason"]) == (queue.name, reason):
                death["count"] += 1
                break
        else:
            origin = {"exchange": message.exchange, "routing-keys": [message.routing_key]}
            deaths.insert(0, {"queue": queue.name, "reason": reason, "count": 1, **origin})
        properties = {key: value for key, value in message.properties.items() if key != "expiration"}
        passed_on = replace(message, headers={**message.headers, "x-death": deaths}, properties=properties)
        routing_key = queue.arguments.get("x-dead-letter-routing-key", message.routing_key)
        if exchange == "" or exchange in self._exchanges:
            self.publish(passed_on, exchange, routing_key)

    def _expire_messages(self, queue: Queue) -> None:
        now = time.monotonic()
        expired = [each for each in queue.ready if each.expires_at is not None and each.expires_at <= now]
        if expired:
            queue.ready = deque(each for each in queue.ready if each.expires_at is None or each.expires_at > now)
        for message in expired:
            self.dead_letter(queue, message, "expired")

    # timers

    def _call_later(self, delay_s: float, call: Callable[[], None]) -> None:
        with self.lock:
            heapq.heappush(self._timers, (time.monotonic() + delay_s, next(self._timer_numbers), call))
            if self._timer_thread is None:
                self._timer_thread = threading.Thread(target=self._run_timers, name="inproc-timers", daemon=True)
                self._timer_thread.start()
            self._timer_changed.notify()

    def _run_timers(self) -> None:
        with self.lock:
            while True:
                wait_s = self._timers[0][0] - time.monotonic() if self._timers else None
                if wait_s is None or wait_s > 0:
                    self._timer_changed.wait(wait_s)
                else:
                    heapq.heappop(self._timers)[2]()


def _matcher(type: str, binding: str) -> Callable[[str], object]:
    if type == "fanout":
        return lambda _: True
    if type == "direct":
        return binding.__eq__
    if type != "topic":
        raise PreconditionFailed(f"PRECONDITION_FAILED - exchange type {type!r} is not supported", (50, 20))
    # a leading dot on both sides lets "#" stand for no word at all, wherever it is
    words = {"*": r"\.[^.]*", "#": r"(?:\.[^.]*)*"}
    pattern = re.compile("".join(words.get(word) or re.escape(f".{word}") for word in binding.split(".")) + r"\Z")
    return lambda routing_key: pattern.match(f".{routing_key}")
