"""A broker that keeps every promise RabbitMQ makes and none that it does not.

What it confirmed it keeps, over any outage. It delivers at least once: late, twice, in any order.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chassis.bus import topology
from chassis.bus.publisher import Unroutable
from contracts.catalogue import BY_TYPE, Audience
from contracts.errors import Unavailable

LATE_S = (0, 0, 0, 1, 4, 20)
REPEATED = 0.1
CONFIRM_LOST = 0.03


@dataclass(eq=False)
class Message:
    """What a handler gets; it has the few parts of a kombu message that ``Subscription`` uses."""

    queue: str
    body: bytes
    headers: dict[str, Any]
    properties: dict[str, Any]
    due: datetime
    deliveries: int = 0
    settled: str | None = field(default=None, init=False)

    def ack(self) -> None:
        self.settled = "ack"

    def requeue(self) -> None:
        self.settled = "requeue"


class Broker:
    """``chance`` decides about delays and repetitions while ``faulty``; ``up`` is whether it answers."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._bindings: dict[tuple[str, str], list[str]] = {}
        self._queues: dict[str, dict[str, Any]] = {}
        for queue in topology.topology().queues:
            self._queues[queue.name] = queue.arguments
            for binding in queue.bindings:
                self._bindings.setdefault(binding, []).append(queue.name)
        self.reset(random.Random(0))

    def reset(self, chance: random.Random) -> None:
        self.chance = chance
        self.faulty = False
        self.up = True
        self.ready: list[Message] = []
        self.in_hand: list[Message] = []
        self.dead: list[Message] = []
        self.public: list[bytes] = []
        self.confirmed = 0

    def publish(
        self, body: bytes, *, exchange: str, routing_key: str, mandatory: bool, headers: dict[str, Any],
        properties: dict[str, Any],
    ) -> None:  # fmt: skip
        if not self.up:
            raise Unavailable("bus", "down")
        if exchange == "":
            queues = [routing_key] if routing_key in self._queues else []
        else:
            queues = self._bindings.get((exchange, routing_key), [])
            message = BY_TYPE.get(routing_key)
            if message is not None and message.audience is Audience.PUBLIC:
                self.public.append(body)
        if mandatory and not queues:
            raise Unroutable(f"{exchange} {routing_key}")
        for queue in queues:
            for _ in range(1 + self._happens(REPEATED)):
                self._enqueue(queue, body, headers, properties)
        self.confirmed += 1
        if self._happens(CONFIRM_LOST):
            raise Unavailable("bus", "the confirm was lost")

    def _enqueue(self, queue: str, body: bytes, headers: dict[str, Any], properties: dict[str, Any]) -> None:
        arguments = self._queues[queue]
        due = self._now() + timedelta(seconds=self.chance.choice(LATE_S) if self.faulty else 0)
        if "x-message-ttl" in arguments:  # a waiting queue: time up, the message passes on to its main queue
            due += timedelta(milliseconds=arguments["x-message-ttl"])
            queue = arguments["x-dead-letter-routing-key"]
        message = Message(queue, body, dict(headers), dict(properties), due)
        (self.dead if queue.endswith(".dead") else self.ready).append(message)

    def _happens(self, probability: float) -> bool:
        return self.faulty and self.chance.random() < probability

    def deliverable(self, service: str) -> list[Message]:
        """What the service could get now, in no order that anybody may rely on."""
        if not self.up:
            return []
        now = self._now()
        return [each for each in self.ready if each.due <= now and each.queue.startswith(f"{service}.on.")]

    def take(self, message: Message) -> None:
        self.ready.remove(message)
        self.in_hand.append(message)
        message.deliveries += 1
        message.settled = None

    def settle(self, message: Message) -> None:
        """What became of a message whose handler is done, or whose service has died with it in hand."""
        self.in_hand.remove(message)
        if message.settled == "ack":
            return
        if message.deliveries > topology.DELIVERY_LIMIT:
            self.dead.append(message)
        else:
            self.ready.append(message)


class Publisher:
    """Stands where a service has ``chassis.bus.publisher.Publisher``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def publish(
        self, body: bytes, *, exchange: str, routing_key: str, mandatory: bool = True,
        headers: dict[str, Any] | None = None, **properties: Any,
    ) -> None:  # fmt: skip
        self._broker.publish(
            body, exchange=exchange, routing_key=routing_key, mandatory=mandatory, headers=headers or {},
            properties=properties,
        )  # fmt: skip

    def close(self) -> None:
        """Nothing is open."""
