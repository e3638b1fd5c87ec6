"""Exchanges, queues and bindings, derived from the catalogue and nothing else.

For each consumer of a message three kinds of queue: the main one, one per retry delay whose messages return to the
main one when their time is over, and the dead one, which nobody consumes: a person looks. All are quorum queues, and
that is said here rather than left to a policy: a type cannot be set by policy, and a message would be lost if it were
forgotten. Passing on from queue to queue is "at least once" for the same reason. What an operator may want to
change while it runs (length limits, alarms) is left to policies.

Everybody declares everything: then an event sent before its consumer was ever started finds the queue waiting.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from contracts.catalogue import MESSAGES, Message

RETRY_DELAYS_S: tuple[float, ...] = (1, 5, 30)
RPC_EXCHANGE = "nameko-rpc"
CORRELATION_HEADER = "nameko.correlation_id"
ATTEMPT_HEADER, WAITS_HEADER = "korrigo-attempt", "korrigo-waits"
CONTENT_TYPE = "application/cloudevents+json"
DELIVERY_LIMIT = 20
"""Deliveries that ended without a word (the consumer died) before the broker itself calls a message dead."""

NEVER = 2**31 - 1
"""No limit of deliveries: RabbitMQ 4 drops a letter that was looked at 20 times unless a limit is set; -1 would be its
way to say so, which RabbitMQ 3 takes at its word and drops all of them.
"""

_DURABLE_QUORUM: dict[str, Any] = {"x-queue-type": "quorum"}
_SAFE_PASSING_ON: dict[str, Any] = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}


@dataclass(frozen=True)
class Queue:
    """A durable queue; ``bindings`` are (exchange, routing key) pairs."""

    name: str
    arguments: dict[str, Any]
    bindings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Topology:
    """All of it; every exchange is a durable topic exchange."""

    exchanges: tuple[str, ...]
    queues: tuple[Queue, ...]


def retry_queue(queue: str, delay_s: float) -> str:
    return f"{queue}.retry.{delay_s:g}s"


def dead_queue(queue: str) -> str:
    return f"{queue}.dead"


def queues_of(message: Message, consumer: str, retry_delays_s: Sequence[float] = RETRY_DELAYS_S) -> tuple[Queue, ...]:
    """The main queue, the retry queues, the dead queue."""
    name = message.queue(consumer)
    main = {**_passing_on_to(dead_queue(name)), "x-delivery-limit": DELIVERY_LIMIT}
    retries = (
        Queue(retry_queue(name, delay_s), {**_passing_on_to(name), "x-message-ttl": round(delay_s * 1000)})
        for delay_s in retry_delays_s
    )
    dead = Queue(dead_queue(name), {**_DURABLE_QUORUM, "x-delivery-limit": NEVER})
    return (Queue(name, main, ((message.exchange, message.type),)), *retries, dead)


def _passing_on_to(queue: str) -> dict[str, Any]:
    return {
        **_DURABLE_QUORUM,
        **_SAFE_PASSING_ON,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
    }


def topology(messages: Sequence[Message] = MESSAGES, retry_delays_s: Sequence[float] = RETRY_DELAYS_S) -> Topology:
    """What the catalogue asks for."""
    exchanges = dict.fromkeys([*(message.exchange for message in messages), RPC_EXCHANGE])
    queues = (
        queue
        for message in messages
        for consumer in message.consumers
        for queue in queues_of(message, consumer, retry_delays_s)
    )
    return Topology(tuple(exchanges), tuple(queues))


def declare(channel: Any, wanted: Topology) -> None:
    """Make it so, on a channel of kombu; repeating is harmless.

    Everything is said at once and one answer awaited: one by one, on a wire of 200 ms, it took 13 s after each
    reconnection. The broker works a channel's methods off in order, so the last answer stands for all.

    Raises:
        amqp.PreconditionFailed: a queue exists with other arguments. Empty it, delete it, start again.
    """
    for exchange in wanted.exchanges:
        channel.exchange_declare(exchange=exchange, type="topic", durable=True, auto_delete=False, nowait=True)
    for queue in wanted.queues:
        channel.queue_declare(
            queue=queue.name, durable=True, exclusive=False, auto_delete=False, arguments=queue.arguments, nowait=True
        )
        for exchange, routing_key in queue.bindings:
            channel.queue_bind(queue=queue.name, exchange=exchange, routing_key=routing_key, nowait=True)
    channel.exchange_declare(exchange=RPC_EXCHANGE, type="topic", durable=True, auto_delete=False)


def plain() -> dict[str, Any]:
    """The whole topology as plain values, for the generator of contracts/generated."""
    return asdict(topology())


if __name__ == "__main__":
    print(json.dumps(plain(), indent=2))
