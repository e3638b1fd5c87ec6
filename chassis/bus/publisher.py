"""Publishing: one connection, one message at a time, and no doubt about what became of it."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any, cast

import kombu
from amqp.exceptions import AMQPError, ChannelError, MessageNacked, NotFound
from kombu.exceptions import KombuError

import chassis.bus.inproc  # noqa: F401  # registers inproc://
from chassis import observe
from contracts.errors import Unavailable

CONNECT_TIMEOUT_S = 5
CONFIRM_TIMEOUT_S = 5  # a broker out of memory or disk holds publishers back without a word
ANSWER_TIMEOUT_S = 5.0
HEARTBEAT_S = 6
"""RabbitMQ looks every half of it whether it has said anything since it last looked, so it is never silent for longer
than this; after twice as long py-amqp gives the connection up.
"""
BUS_ERRORS: tuple[type[BaseException], ...] = (AMQPError, KombuError, MessageNacked, OSError)
"""All that a lost, refused or broken connection raises."""

PERSISTENT, TRANSIENT = 2, 1
log = observe.logger("chassis.bus.publisher")


class Unroutable(Exception):
    """No queue takes the message, or there is no such exchange: nobody has declared its consumer."""


class Connection(kombu.Connection):  # type: ignore[misc]  # kombu is untyped
    """A connection on which no wait is endless, and which is dropped, not closed, by whatever goes wrong on it.

    py-amqp waits without a bound for the answer to every synchronous method, the one that closes included: a broker
    that has vanished without a word would keep us for ever.
    """

    def _establish_connection(self) -> Any:
        raw = super()._establish_connection()
        if hasattr(raw, "sock"):  # not the broker inside this process
            raw.sock.settimeout(ANSWER_TIMEOUT_S)
        return raw

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.release()
        else:
            self.collect()


class Silence:
    """Tells when the broker has said nothing for longer than its heartbeats allow; ``listen`` has to be called often.

    Readiness asks here: py-amqp itself is patient for twice the heartbeat.
    """

    def __init__(self, connection: Connection, heartbeat_s: float) -> None:
        self._raw = connection.connection
        self._bound_s = 1.25 * heartbeat_s
        self._received = -1
        self._heard = time.monotonic()

    def listen(self) -> None:
        received = getattr(self._raw, "bytes_recv", None)  # the broker inside this process is never silent
        if received is None or received != self._received:
            self._received, self._heard = cast(int, received), time.monotonic()

    def too_long(self) -> bool:
        return time.monotonic() - self._heard > self._bound_s


def connect(url: str, *, confirmed: bool = False, heartbeat_s: int = 0) -> Connection:
    """An open connection, or ``Unavailable`` within seconds."""
    connection = Connection(
        url,
        connect_timeout=CONNECT_TIMEOUT_S,
        heartbeat=heartbeat_s,
        transport_options={"confirm_publish": confirmed},
    )
    try:
        connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=CONNECT_TIMEOUT_S)
    except BUS_ERRORS as error:
        raise Unavailable("bus", type(error).__name__) from error
    return connection


class Publisher:
    """Publishes from any thread, in turn. ``confirmed``: return only when the broker has the message on disk."""

    def __init__(self, url: str, *, confirmed: bool = True) -> None:
        self._url, self._confirmed = url, confirmed
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._channel: Any = None

    def publish(
        self,
        body: bytes,
        *,
        exchange: str,
        routing_key: str,
        mandatory: bool = True,
        delivery_mode: int = PERSISTENT,
        content_type: str = "application/json",
        headers: dict[str, Any] | None = None,
        **properties: Any,
    ) -> None:
        """Publish one message; ``properties`` are AMQP's (``message_id``, ``type``, ``correlation_id`` …).

        A connection that turns out to be dead is replaced once, so a message may be published twice.

        Raises:
            Unroutable: ``mandatory`` and no queue takes it. Only noticed when ``confirmed``.
            Unavailable: ``bus``; the message may or may not have arrived.
        """
        publish = partial(
            self._publish, body, exchange, routing_key, mandatory, content_type, headers,
            {**properties, "delivery_mode": delivery_mode},
        )  # fmt: skip
        with self._lock:
            fresh = self._channel is None
            try:
                publish()
            except Unavailable:
                if fresh:
                    raise
                publish()

    def _publish(
        self, body: bytes, exchange: str, routing_key: str, mandatory: bool, content_type: str,
        headers: dict[str, Any] | None, properties: dict[str, Any],
    ) -> None:  # fmt: skip
        try:
            if self._channel is None:
                self._connection = connect(self._url, confirmed=self._confirmed)
                self._channel = self._connection.channel()
            message = self._channel.prepare_message(body, None, content_type, "utf-8", headers or {}, properties)
            self._channel.basic_publish(
                message,
                exchange=exchange,
                routing_key=routing_key,
                mandatory=mandatory and self._confirmed,
                timeout=CONFIRM_TIMEOUT_S,
            )
        except BaseException as error:
            # A return is followed by a confirm that nobody awaits any more: the next message would take it for its
            # own. So no channel outlives an error, nor a killed greenthread.
            self._drop()
            if isinstance(error, NotFound) or (isinstance(error, ChannelError) and "NO_ROUTE" in str(error)):
                raise Unroutable(f"{exchange} {routing_key}") from error
            if isinstance(error, BUS_ERRORS):
                raise Unavailable("bus", type(error).__name__) from error
            raise

    def close(self) -> None:
        with self._lock:
            connection, self._connection, self._channel = self._connection, None, None
            if connection is not None:
                try:
                    connection.close()
                except BUS_ERRORS as error:
                    log.debug("publisher_close_failed", error=type(error).__name__)

    def drop(self) -> None:
        """Forget the connection without a word to the broker; the next message takes a new one."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            connection.collect()
