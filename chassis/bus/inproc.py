"""``inproc://``: the broker of this process as a kombu transport, so that the bus URL alone chooses the bus.

The host of the URL names the broker (``inproc://tests``). Import this module before opening a connection.
"""

from __future__ import annotations

import itertools
import socket
import threading
from collections import deque
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import kombu
from amqp.exceptions import RecoverableConnectionError
from amqp.protocol import queue_declare_ok_t
from kombu.transport import TRANSPORT_ALIASES, base

from chassis.bus import broker

TRANSPORT_ALIASES["inproc"] = f"{__name__}:Transport"


def is_inproc(url: str) -> bool:
    """Whether messages on this bus end with the process."""
    return url.startswith("inproc:")


class Delivered(base.Message):  # type: ignore[misc]  # kombu is untyped
    """A delivery."""

    def __init__(self, message: broker.Message, channel: Channel, tag: int, consumer_tag: str | None) -> None:
        described = {"content_type": message.content_type, "content_encoding": message.content_encoding}
        super().__init__(
            body=message.body,
            channel=channel,
            delivery_tag=tag,
            headers=dict(message.headers),
            properties={**message.properties, **described},  # where py-amqp has them, and nameko looks
            delivery_info={
                "consumer_tag": consumer_tag,
                "exchange": message.exchange,
                "routing_key": message.routing_key,
                "redelivered": message.redelivered,
            },
            **described,
        )


class _Consumer:
    """A consumer of a channel; ``prefetch`` 0 is without bound."""

    def __init__(
        self, channel: Channel, tag: str, queue: broker.Queue, callback: Callable[[Delivered], object],
        prefetch: int, no_ack: bool,
    ) -> None:  # fmt: skip
        self.channel, self.tag, self.queue, self.callback = channel, tag, queue, callback
        self.prefetch, self.no_ack, self.unsettled = prefetch, no_ack, 0

    def has_room(self) -> bool:
        return self.no_ack or not self.prefetch or self.unsettled < self.prefetch

    def receive(self, queue: broker.Queue, message: broker.Message) -> None:
        self.channel.receive(self, queue, message)

    def cancelled(self) -> None:
        self.channel.consumers.pop(self.tag, None)


class Channel(base.StdChannel):  # type: ignore[misc]  # kombu is untyped
    """Deliveries are settled per channel; what is unsettled when it closes goes back to its queue."""

    Message = Delivered
    _ids = itertools.count(1)

    def __init__(self, connection: Connection) -> None:
        self.connection: Connection | None = connection
        self.broker = connection.broker
        self.channel_id = next(self._ids)
        self.consumers: dict[str, _Consumer] = {}
        self.is_open = True
        self._prefetch = 0
        self._tags = itertools.count(1)
        self._unsettled: dict[int, tuple[broker.Queue, _Consumer | None, broker.Message]] = {}

    # what kombu asks of a channel

    def prepare_queue_arguments(self, arguments: dict[str, Any] | None, **options: Any) -> dict[str, Any]:
        return dict(base.to_rabbitmq_queue_arguments(arguments or {}, **options))

    def prepare_message(
        self, body: Any, priority: int | None = None, content_type: str | None = None,
        content_encoding: str | None = None, headers: dict[str, Any] | None = None,
        properties: dict[str, Any] | None = None, **_: Any,
    ) -> broker.Message:  # fmt: skip
        return broker.Message(
            body, content_type, content_encoding, dict(headers or {}), {**(properties or {}), "priority": priority}
        )

    def message_to_python(self, raw: Delivered) -> Delivered:
        return raw

    def _alive(self) -> Connection:
        if self.connection is None:
            raise RecoverableConnectionError("channel is closed")
        return self.connection

    # topology

    def exchange_declare(self, exchange: str = "", type: str = "direct", passive: bool = False, **_: Any) -> None:
        self._alive()
        self.broker.declare_exchange(exchange, type, passive)

    def exchange_delete(self, exchange: str, **_: Any) -> None:
        self.broker.delete_exchange(exchange)

    def queue_declare(
        self, queue: str = "", passive: bool = False, durable: bool = False, exclusive: bool = False,
        auto_delete: bool = False, arguments: dict[str, Any] | None = None, **_: Any,
    ) -> Any:  # fmt: skip
        declared = self.broker.declare_queue(
            queue or f"amq.gen-{uuid4()}", passive=passive, durable=durable, auto_delete=auto_delete,
            arguments=dict(arguments or {}), connection=self._alive(), exclusive=exclusive,
        )  # fmt: skip
        return queue_declare_ok_t(declared.name, len(declared.ready), len(declared.receivers))

    def queue_bind(self, queue: str, exchange: str = "", routing_key: str = "", **_: Any) -> None:
        self.broker.bind(queue, exchange, routing_key or "")

    def queue_unbind(self, queue: str, exchange: str = "", routing_key: str = "", **_: Any) -> None:
        self.broker.unbind(queue, exchange, routing_key or "")

    def queue_delete(self, queue: str, **_: Any) -> None:
        self.broker.delete_queue(queue)

    def queue_purge(self, queue: str, **_: Any) -> int:
        with self.broker.lock:
            found = self.broker.find_queue(queue, self._alive())
            count = len(found.ready)
            found.ready.clear()
            return count

    # publishing and consuming

    def basic_qos(self, prefetch_size: int = 0, prefetch_count: int = 0, *_: Any) -> None:  # noqa: ARG002
        self._prefetch = prefetch_count

    def basic_publish(
        self, message: broker.Message, exchange: str = "", routing_key: str = "", mandatory: bool = False, **_: Any
    ) -> None:
        self._alive()
        self.broker.publish(message, exchange, routing_key, mandatory)

    def basic_consume(
        self, queue: str = "", no_ack: bool = False, callback: Callable[[Delivered], object] | None = None,
        consumer_tag: str = "", **_: Any,
    ) -> str:  # fmt: skip
        if callback is None:
            raise TypeError("a consumer needs a callback")
        with self.broker.lock:
            found = self.broker.find_queue(queue, self._alive())
            tag = consumer_tag or f"ctag-{uuid4()}"
            self.consumers[tag] = _Consumer(self, tag, found, callback, self._prefetch, no_ack)
            self.broker.add_receiver(found, self.consumers[tag])
            return tag

    def basic_cancel(self, consumer_tag: str, **_: Any) -> None:
        with self.broker.lock:
            consumer = self.consumers.pop(consumer_tag, None)
            if consumer is not None:
                self.broker.remove_receiver(consumer.queue, consumer)

    def basic_get(self, queue: str = "", no_ack: bool = False, **_: Any) -> Delivered | None:
        with self.broker.lock:
            found = self.broker.find_queue(queue, self._alive())
            if not found.ready:
                return None
            message, tag = found.ready.popleft(), next(self._tags)
            if not no_ack:
                self._unsettled[tag] = (found, None, message)
            return Delivered(message, self, tag, None)

    def receive(self, consumer: _Consumer, queue: broker.Queue, message: broker.Message) -> None:
        """Called by the broker, its lock held."""
        tag = next(self._tags)
        if not consumer.no_ack:
            consumer.unsettled += 1
            self._unsettled[tag] = (queue, consumer, message)
        self._alive().push(consumer, Delivered(message, self, tag, consumer.tag))

    # settling

    def _settle(self, tag: int, multiple: bool = False) -> list[tuple[broker.Queue, broker.Message]]:
        settled = []
        for each in [known for known in self._unsettled if known <= tag] if multiple else [tag]:
            if each not in self._unsettled:
                continue  # its channel was closed, and the broker has it again
            queue, consumer, message = self._unsettled.pop(each)
            if consumer is not None:
                consumer.unsettled -= 1
            settled.append((queue, message))
        return settled

    def basic_ack(self, delivery_tag: int, multiple: bool = False) -> None:
        with self.broker.lock:
            self._alive()
            for queue, _ in self._settle(delivery_tag, multiple):
                self.broker.deliver(queue)

    def basic_reject(self, delivery_tag: int, requeue: bool = False) -> None:
        with self.broker.lock:
            self._alive()
            for queue, message in self._settle(delivery_tag):
                if requeue:
                    self.broker.requeue(queue, message)
                else:
                    self.broker.dead_letter(queue, message, "rejected")
                    self.broker.deliver(queue)

    def basic_recover(self, **_: Any) -> None:
        with self.broker.lock:
            for tag in sorted(self._unsettled, reverse=True):  # the oldest ends at the head again
                for queue, message in self._settle(tag):
                    self.broker.requeue(queue, message)

    def flow(self, active: bool = True) -> None:
        """Nothing to pause: the publisher is in this process."""

    def close(self) -> None:
        with self.broker.lock:
            connection, self.connection, self.is_open = self.connection, None, False
            if connection is None:
                return
            for tag in list(self.consumers):
                self.basic_cancel(tag)
            self.basic_recover()
            connection.channels.remove(self)


class Connection:
    """Deliveries of all its channels wait in one line; one reader drains it (kombu's rule)."""

    def __init__(self, client: Any, shared: broker.Broker) -> None:
        self.client, self.broker = client, shared
        self.channels: list[Channel] = []
        self.connected = True
        self._line: deque[tuple[_Consumer, Delivered]] = deque()
        self._arrived = threading.Event()

    def channel(self) -> Channel:
        created = Channel(self)
        self.channels.append(created)
        return created

    def push(self, consumer: _Consumer, message: Delivered) -> None:
        self._line.append((consumer, message))
        self._arrived.set()

    def wake(self) -> None:
        """Make a waiting ``drain_events`` return at once."""
        self._arrived.set()

    def drain_events(self, timeout: float | None = None) -> None:
        """Hand over one delivery.

        Raises:
            TimeoutError: nothing came within ``timeout`` seconds, or ``wake`` was called.
            RecoverableConnectionError: the connection was closed.
        """
        if not self._line:
            self._arrived.wait(timeout)
            self._arrived.clear()
        if not self.connected:
            raise RecoverableConnectionError("connection is closed")
        if not self._line:
            raise socket.timeout("timed out")  # noqa: UP041  # kombu's own code catches this name
        consumer, message = self._line.popleft()
        if consumer.tag in consumer.channel.consumers:
            consumer.callback(message)
        elif not consumer.no_ack and consumer.channel.is_open:
            consumer.channel.basic_reject(message.delivery_tag, requeue=True)

    def close(self) -> None:
        with self.broker.lock:
            self.connected = False
            for channel in list(self.channels):
                channel.close()
            self.broker.delete_queues_of(self)
        self._arrived.set()


_brokers: dict[str, broker.Broker] = {}
_brokers_lock = threading.Lock()


def _name(client: Any) -> str:
    return f"{client.hostname or ''}/{client.virtual_host or ''}"


class Transport(base.Transport):  # type: ignore[misc]  # kombu is untyped
    """kombu's entry to it."""

    driver_type = driver_name = "inproc"
    connection_errors = (*base.Transport.connection_errors, RecoverableConnectionError)
    recoverable_connection_errors = (RecoverableConnectionError,)
    recoverable_channel_errors = ()
    implements = base.Transport.implements.extend(
        asynchronous=False, heartbeats=False, exchange_type=frozenset({"direct", "topic", "fanout"})
    )

    def establish_connection(self) -> Connection:
        name = _name(self.client)
        with _brokers_lock:
            shared = _brokers.setdefault(name, broker.Broker())
        return Connection(self.client, shared)

    def close_connection(self, connection: Connection) -> None:
        connection.close()

    def create_channel(self, connection: Connection) -> Channel:
        return connection.channel()

    def close_channel(self, channel: Channel) -> None:
        channel.close()

    def drain_events(self, connection: Connection, **options: Any) -> None:
        connection.drain_events(**options)

    def verify_connection(self, connection: Connection) -> bool:
        return connection.connected

    def driver_version(self) -> str:
        return "1"

    def as_uri(self, uri: str, **_: Any) -> str:
        return uri


def forget(url: str) -> None:
    """Drop the broker of this URL with all it holds: what the end of the process does. For tests."""
    with _brokers_lock:
        _brokers.pop(_name(kombu.Connection(url)), None)
