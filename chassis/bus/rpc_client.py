"""The caller's end: one connection and one reply queue per process, shared by all its threads."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

from amqp.exceptions import ChannelError

from chassis import metrics, observe
from chassis.bus.publisher import BUS_ERRORS, HEARTBEAT_S, Silence, connect
from chassis.bus.topology import CORRELATION_HEADER, RPC_EXCHANGE
from chassis.failpoints import Failpoint, reached
from contracts.errors import Refusal, RemoteDefect, Unavailable, from_wire
from contracts.model import Model
from contracts.rpc import Method

Q = TypeVar("Q", bound=Model)
A = TypeVar("A", bound=Model)

MAX_IN_FLIGHT = 200
CONNECT_PATIENCE_S = 1.0
"""How long a call waits for a connection that is being made. Then 503: a person should not wait for a broker."""
_RECONNECT_S = (0.1, 0.2, 0.5, 1, 2)
_LOST: tuple[type[BaseException], ...] = (*BUS_ERRORS, Unavailable)
log = observe.logger("chassis.bus.rpc_client")


@dataclass(eq=False)
class _Call:
    """A question on its way, until ``deadline`` (monotonic); ``answer`` is the reply's body or the failure."""

    routing_key: str
    body: bytes
    deadline: float
    correlation_id: str | None
    id: str = field(default_factory=lambda: uuid4().hex)
    done: threading.Event = field(default_factory=threading.Event)
    answer: Any = None

    def settle(self, answer: Any) -> None:
        self.answer = answer
        self.done.set()


class RpcClient:
    """Calls services. Create it after a fork; the first use starts its thread (a green one under eventlet).

    One thread owns the connection, since py-amqp has no locks: it sleeps on the socket and on a pipe by which callers
    wake it. Over ``inproc://`` it sleeps on the connection itself.
    """

    def __init__(self, url: str, *, max_in_flight: int = MAX_IN_FLIGHT) -> None:
        self._url, self._max_in_flight = url, max_in_flight
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._connected = threading.Event()
        self._stopping = threading.Event()
        self._unsent: deque[_Call] = deque()
        self._in_flight: dict[str, _Call] = {}
        self._wake_up: Any = None
        self._silence: Silence | None = None

    def call(self, method: Method[Q, A], request: Q, *, timeout_s: float | None = None) -> A:
        """Ask and wait, at most ``timeout_s`` (by default the method's own).

        Raises:
            Refusal: the service's own.
            Unavailable: ``bus`` (no connection, too many calls) or the service's name (not running, no answer in
                time; the question may have had its effect).
            RemoteDefect: the service failed in a way nobody foresaw; its log has the trace.
        """
        started = time.monotonic()
        outcome = "defect"
        try:
            reply = self._call(method, request, method.timeout_s if timeout_s is None else timeout_s)
            outcome = "ok"
            return reply
        except Refusal:
            outcome = "refused"
            raise
        except Unavailable:
            outcome = "unavailable"
            raise
        finally:
            labels = {"service": method.service, "method": method.name, "outcome": outcome}
            metrics.RPC_CLIENT_SECONDS.labels(**labels).observe(time.monotonic() - started)

    def _call(self, method: Method[Q, A], request: Q, timeout_s: float) -> A:
        deadline = time.monotonic() + timeout_s
        self._start()
        if not self._connected.wait(min(CONNECT_PATIENCE_S, timeout_s)):
            raise Unavailable("bus", "not connected")
        if self._deaf():
            raise Unavailable("bus", "silent")
        if len(self._in_flight) >= self._max_in_flight:
            raise Unavailable("bus", "too many calls in flight", retry_after_s=1)
        body = json.dumps({"args": [request.model_dump(mode="json")], "kwargs": {}}).encode()
        call = _Call(f"{method.service}.{method.name}", body, deadline, observe.correlation_id())
        self._in_flight[call.id] = call
        self._unsent.append(call)
        self._wake()
        try:
            if not call.done.wait(max(0.0, deadline - time.monotonic())):
                raise Unavailable(method.service, "no answer in time")
        finally:
            self._in_flight.pop(call.id, None)
        reached(Failpoint.RPC_HEARD)
        if isinstance(call.answer, Exception):
            raise call.answer
        return _read(method, call.answer)

    def ready(self) -> bool:
        """Whether a call would leave now; for the readiness probe. Starts connecting if nobody called yet."""
        self._start()
        return self._connected.is_set() and not self._deaf()

    def _deaf(self) -> bool:
        silence = self._silence
        return silence is not None and silence.too_long()

    def close(self) -> None:
        self._stopping.set()
        self._wake()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _start(self) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    thread = threading.Thread(target=self._run, name="rpc-client", daemon=True)
                    thread.start()
                    self._thread = thread

    def _wake(self) -> None:
        wake_up = self._wake_up
        if wake_up is not None:
            wake_up()

    # the thread

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                self._session()
            except _LOST as error:
                log.warning("rpc_connection_lost", error=type(error).__name__)
            except Exception as error:  # the thread must outlive anything: without it no call would ever leave
                observe.report_defect("rpc_client_failed", error)
            self._connected.clear()
            self._wake_up = None
            self._unsent.clear()
            for call in list(self._in_flight.values()):
                call.settle(Unavailable("bus", "connection lost"))
            failures = 0 if time.monotonic() - started > 5 else failures + 1
            self._stopping.wait(_RECONNECT_S[min(failures, len(_RECONNECT_S) - 1)])

    def _session(self) -> None:
        with connect(self._url, heartbeat_s=HEARTBEAT_S) as connection, _Sleeper(connection) as sleeper:
            channel = connection.channel()
            reply_to = uuid4().hex
            queue = f"rpc.reply-{reply_to}"
            channel.exchange_declare(exchange=RPC_EXCHANGE, type="topic", durable=True, auto_delete=False)
            channel.queue_declare(queue=queue, durable=False, exclusive=True, auto_delete=True)
            channel.queue_bind(queue=queue, exchange=RPC_EXCHANGE, routing_key=reply_to)
            channel.basic_consume(queue=queue, no_ack=True, callback=self._on_reply)
            if hasattr(channel, "events"):  # py-amqp reports a return later; the broker in this process raises
                channel.events["basic_return"].add(self._on_return)
            self._wake_up = sleeper.wake
            silence = self._silence = Silence(connection, HEARTBEAT_S)
            self._connected.set()
            next_heartbeat = 0.0
            while not self._stopping.is_set():
                while self._unsent:
                    self._send(channel, reply_to, self._unsent.popleft())
                sleeper.sleep(0 if self._unsent else 1.0)
                silence.listen()
                if time.monotonic() >= next_heartbeat:
                    connection.heartbeat_check()
                    next_heartbeat = time.monotonic() + 1

    @staticmethod
    def _send(channel: Any, reply_to: str, call: _Call) -> None:
        left_s = call.deadline - time.monotonic()
        if left_s <= 0:
            return
        headers = {CORRELATION_HEADER: call.correlation_id} if call.correlation_id else {}
        properties = {
            "reply_to": reply_to,
            "correlation_id": call.id,
            "delivery_mode": 1,
            "expiration": str(max(1, round(left_s * 1000))),  # nobody waits for the answer any more
        }
        message = channel.prepare_message(call.body, None, "application/json", "utf-8", headers, properties)
        try:
            channel.basic_publish(message, exchange=RPC_EXCHANGE, routing_key=call.routing_key, mandatory=True)
        except ChannelError as error:
            if "NO_ROUTE" not in str(error):
                raise
            call.settle(_not_running(call.routing_key))

    def _on_return(self, *returned: Any) -> None:
        *_, routing_key, message = returned
        call = self._in_flight.get(message.properties.get("correlation_id"))
        if call is not None:
            call.settle(_not_running(routing_key))

    def _on_reply(self, message: Any) -> None:
        call = self._in_flight.get(message.properties.get("correlation_id"))
        if call is not None:  # else the caller's time was over
            call.settle(message.body)


class _Sleeper:
    """Waits for deliveries or a wake-up, whichever comes first, and drains what has come."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._raw = connection.connection  # py-amqp's connection, or the one of inproc
        self._selector: selectors.BaseSelector | None = None
        if not hasattr(self._raw, "wake"):
            self._read_end, self._write_end = os.pipe()
            os.set_blocking(self._read_end, False)
            os.set_blocking(self._write_end, False)
            self._selector = selectors.DefaultSelector()
            self._selector.register(self._raw.sock, selectors.EVENT_READ)
            self._selector.register(self._read_end, selectors.EVENT_READ)
        self._open = True
        self._lock = threading.Lock()

    def __enter__(self) -> _Sleeper:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._open = False
            if self._selector is not None:
                self._selector.close()
                os.close(self._read_end)
                os.close(self._write_end)

    def wake(self) -> None:
        """May come from any thread, and after the end."""
        with self._lock:
            if not self._open:
                return
            if self._selector is None:
                self._raw.wake()
            else:
                with contextlib.suppress(BlockingIOError):  # a full pipe wakes just as well
                    os.write(self._write_end, b"x")

    def sleep(self, timeout_s: float) -> None:
        if self._selector is not None:
            readable = {key.fd for key, _ in self._selector.select(timeout_s)}
            if self._read_end in readable:  # never on the off chance: eventlet's read would wait for a wake-up
                os.read(self._read_end, 4096)
            timeout_s = 0
        with contextlib.suppress(socket.timeout, BlockingIOError):
            self._connection.drain_events(timeout=timeout_s)
            while True:
                self._connection.drain_events(timeout=0)


def _not_running(routing_key: str) -> Unavailable:
    return Unavailable(routing_key.partition(".")[0], "not running")


def _read(method: Method[Any, A], body: bytes | str) -> A:
    wire = json.loads(body)
    if wire.get("error"):
        raise RemoteDefect(f"{method.service}.{method.name}: {wire['error'].get('exc_type')}")
    answer = wire["result"]
    if "refusal" in answer:
        raise from_wire(answer["refusal"])
    if "unavailable" in answer:
        failure = answer["unavailable"]
        raise Unavailable(failure["dependency"], failure["reason"], retry_after_s=failure["retry_after_s"])
    return method.reply.model_validate_json(json.dumps(answer["result"]))
