"""nameko's container, hardened: whatever happens to one message, the service lives.

Stock nameko kills the whole container when a reply or an ack cannot be sent, shares one worker pool between fast and
slow handlers, and acks what it could not decode. Only three of its ideas are kept: extensions, the runner, the drain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import eventlet
from eventlet.event import Event
from kombu import Queue
from kombu.messaging import Consumer
from nameko.constants import DEFAULT_TRANSPORT_OPTIONS
from nameko.containers import ServiceContainer, WorkerContext
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint
from nameko.messaging import QueueConsumer

import chassis.bus.inproc  # noqa: F401  # registers inproc://
from chassis import observe
from chassis.bus import topology
from chassis.bus.publisher import BUS_ERRORS, CONNECT_TIMEOUT_S, HEARTBEAT_S, Connection, Silence

log = observe.logger("chassis.bus.container")
_RECONNECT_S = {"interval_start": 0.2, "interval_step": 0.5, "interval_max": 3}
_LOOK_ROUND_S = 0.25  # how often a consumer looks up from an idle connection; kombu's second makes stopping slow
_CLOSED: tuple[type[BaseException], ...] = (*BUS_ERRORS, AttributeError)  # py-amqp forgets its connection at its end


class Work(Entrypoint):  # type: ignore[misc]  # nameko is untyped
    """An entrypoint that sees its work through to the end, failures included: ``run`` is not to raise."""

    def run(self, service: Any, *args: Any) -> None:
        raise NotImplementedError


class Container(ServiceContainer):  # type: ignore[misc]  # nameko is untyped
    """Runs services whose entrypoints are ours."""

    def __init__(self, service_cls: type, config: dict[str, Any]) -> None:
        # Each queue bounds its own workers by its prefetch; one shared, smaller pool would let a slow queue starve all.
        super().__init__(service_cls, {**config, "max_workers": 10_000})
        for entrypoint in self.entrypoints:
            if not isinstance(entrypoint, Work):
                kind = type(entrypoint).__name__
                raise TypeError(f"{service_cls.__name__}.{entrypoint.method_name}: {kind} loses messages")

    def _run_worker(self, worker_ctx: WorkerContext, handle_result: object) -> None:  # noqa: ARG002  # overrides
        try:
            self._inject_dependencies(worker_ctx)
            worker_ctx.entrypoint.run(worker_ctx.service, *worker_ctx.args)
        except Exception as error:
            observe.report_defect("worker_failed", error, method=worker_ctx.entrypoint.method_name)

    def bus_connected(self) -> bool:
        """Whether every queue of the service is being consumed."""
        return all(each.hearing() for each in self.subextensions if isinstance(each, Consumers))


class _PrefetchingConsumer(Consumer):  # type: ignore[misc]  # kombu is untyped
    """AMQP applies a prefetch to the consumers that are started after it: set it right before."""

    prefetch = 1

    def consume(self, no_ack: bool | None = None) -> None:
        self.qos(prefetch_count=self.prefetch)
        super().consume(no_ack)


class Consumers(QueueConsumer):  # type: ignore[misc]  # nameko is untyped
    """The one connection on which a container consumes.

    A provider has ``queue`` (kombu), ``concurrency`` (messages at a time) and ``take(message)``, which must not
    block. It calls ``finished()`` once per message when it will do no more with it. ``on_connected`` is called at each
    new connection: who publishes without confirms learns only there that the old broker is gone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.connected = False
        self.on_connected: list[Callable[[], None]] = []
        self._silence: Silence | None = None
        self._pending_remove_providers: dict[Any, Event] = {}
        self._unfinished = 0
        self._gone: set[Any] = set()

    def hearing(self) -> bool:
        """Whether messages would come, as far as heartbeats tell."""
        return self.connected and self._silence is not None and not self._silence.too_long()

    @property
    def _heartbeat_s(self) -> float:
        return float(self.container.config.get("HEARTBEAT", HEARTBEAT_S))

    @property
    def connection(self) -> Connection:
        """The parameters of a connection, not yet made: nameko's, of our own class."""
        return Connection(
            self.amqp_uri,
            connect_timeout=CONNECT_TIMEOUT_S,
            heartbeat=self._heartbeat_s,
            transport_options=DEFAULT_TRANSPORT_OPTIONS,
        )

    @contextmanager
    def establish_connection(self) -> Iterator[Connection]:
        """As kombu does it, which comes to wait half a minute between attempts when the broker is away for long."""
        with self.create_connection() as connection:
            connection.ensure_connection(self.on_connection_error, **_RECONNECT_S)
            self._silence = Silence(connection, self._heartbeat_s)
            for act in self.on_connected:
                act()
            try:
                yield connection
            finally:
                self.connected = False

    def get_consumers(self, consumer_cls: Any, channel: Any) -> Iterable[Consumer]:  # noqa: ARG002  # overrides
        # Again at every connection: the broker that came back may be a new one, and empty.
        delays_s = self.container.config.get("retry_delays_s", topology.RETRY_DELAYS_S)
        topology.declare(channel, topology.topology(retry_delays_s=delays_s))
        self._consumers = {}
        for provider in self._providers - self._gone:
            queue: Queue = provider.queue
            consumer = _PrefetchingConsumer(
                channel, queues=[queue], on_message=partial(self._take, provider), auto_declare=not queue.no_declare
            )
            consumer.prefetch = provider.concurrency
            self._consumers[provider] = consumer
        return list(self._consumers.values())

    def _take(self, provider: Any, message: Any) -> None:
        self._unfinished += 1
        try:
            provider.take(message)
        except ContainerBeingKilled:
            self.finished()  # the connection is about to close: the broker takes the message back

    def finished(self) -> None:
        self._unfinished -= 1

    def run(self) -> None:
        while not self.should_stop:
            try:
                super().run(safety_interval=_LOOK_ROUND_S)
            except Exception as error:
                observe.report_defect("consuming_failed", error)
                eventlet.sleep(1)
            finally:
                self.connected = False

    def on_consume_ready(self, connection: Any, channel: Any, consumers: Any, **kwargs: Any) -> None:
        self.connected = True
        log.info("consuming", service=self.container.service_name, queues=len(consumers))
        super().on_consume_ready(connection, channel, consumers, **kwargs)

    def on_connection_error(self, error: Exception, interval_s: float) -> None:
        self.connected = False
        name = self.container.service_name
        log.warning("bus_unreachable", service=name, error=type(error).__name__, retry_s=interval_s)
        if self._pending_remove_providers:
            self._forget_removed()
            if not self._consumers:
                self.should_stop = True
                raise error

    def on_iteration(self) -> None:
        """Stop consuming where asked; leave when nothing is consumed and all that was taken is settled."""
        if self._silence is not None:
            self._silence.listen()
        for provider in list(self._pending_remove_providers):
            consumer = self._consumers.get(provider)
            if consumer is not None:
                try:
                    consumer.cancel()
                except BUS_ERRORS as error:
                    log.warning("cancel_failed", error=type(error).__name__)
        self._forget_removed()
        if not self._consumers and self._unfinished <= 0:
            self.should_stop = True

    def _forget_removed(self) -> None:
        removed, self._pending_remove_providers = self._pending_remove_providers, {}
        for provider, event in removed.items():
            self._gone.add(provider)
            self._consumers.pop(provider, None)
            event.send()


def settle(message: Any, *, requeue: bool = False) -> None:
    """Ack, or give back. On a connection that is gone the broker has the message again already."""
    try:
        if requeue:
            message.requeue()
        else:
            message.ack()
    except _CLOSED as error:
        log.warning("message_not_settled", error=type(error).__name__)
