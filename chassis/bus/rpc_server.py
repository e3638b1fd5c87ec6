"""``@serve``: answers one method of ``contracts.rpc``. Somebody waits, so: at most once, and never late.

On the wire nameko's protocol (exchange ``nameko-rpc``, key ``<service>.<method>``, body
``{"args": […], "kwargs": {}}``) with a result that says which of the three things happened::

    {"result": {"result": …}}   {"result": {"refusal": {code, details}}}   {"result": {"unavailable": {…}}}

and ``{"result": null, "error": {…}}`` for a defect. Replies are transient and unconfirmed: a caller whose reply is
lost meets its deadline, and confirmed replies cost 3.5 times the p95.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, cast

import kombu
from nameko.extensions import SharedExtension
from pydantic import ValidationError

from chassis import metrics, observe
from chassis.bus.container import Consumers, Work, settle
from chassis.bus.publisher import TRANSIENT, Publisher, Unroutable
from chassis.bus.topology import CORRELATION_HEADER, RPC_EXCHANGE
from chassis.failpoints import Failpoint, reached
from contracts.errors import Refusal, Unavailable
from contracts.rpc import A, Method, Q

CONCURRENCY = 10
"""Calls at a time in one process: as many as the database pool has connections."""
SLOW_CALL_S = 5.0
log = observe.logger("chassis.bus.rpc_server")


class Calls(SharedExtension):  # type: ignore[misc]  # nameko is untyped
    """The one queue of a service's calls. It vanishes with its last consumer, so callers learn at once."""

    consumers = Consumers()

    def __init__(self) -> None:
        super().__init__()
        self.methods: dict[str, Serve] = {}
        self._stopping = False

    def register(self, entrypoint: Serve) -> None:
        if entrypoint.method.name in self.methods:
            raise TypeError(f"{entrypoint.method.name} is served twice")
        if not self.methods:
            service, config = self.container.service_name, self.container.config
            self.concurrency = config.get("rpc_concurrency", CONCURRENCY)
            self.queue = kombu.Queue(
                f"rpc-{service}",
                exchange=kombu.Exchange(RPC_EXCHANGE, type="topic", durable=True),
                routing_key=f"{service}.*",
                durable=True,
                auto_delete=True,
                queue_arguments={"x-queue-type": "classic"},  # by default it may be quorum, which cannot vanish
            )
            self.publisher = Publisher(config["AMQP_URI"], confirmed=False)
            self.consumers.on_connected.append(self.publisher.drop)
            self.consumers.register_provider(self)
        self.methods[entrypoint.method.name] = entrypoint

    def stop_taking(self) -> None:
        if not self._stopping:
            self._stopping = True
            self.consumers.unregister_provider(self)

    def take(self, message: Any) -> None:
        name = str(message.delivery_info["routing_key"]).partition(".")[2]
        # An unknown method is answered by any of them: they share the way to reply.
        entrypoint = self.methods.get(name) or next(iter(self.methods.values()))
        self.container.spawn_worker(entrypoint, (message, name), {})

    def reply(self, message: Any, body: bytes) -> None:
        reply_to = message.properties.get("reply_to")
        if not reply_to:
            return
        try:
            self.publisher.publish(
                body,
                exchange=RPC_EXCHANGE,
                routing_key=reply_to,
                mandatory=False,
                delivery_mode=TRANSIENT,
                correlation_id=message.properties.get("correlation_id"),
            )
        except (Unavailable, Unroutable) as error:
            log.warning("reply_lost", error=type(error).__name__)


class Serve(Work):
    """Serves ``method``: the service's method takes its request model and returns its reply model."""

    calls = Calls()

    def __init__(self, method: Method[Any, Any], **kw: Any) -> None:
        super().__init__(**kw)
        self.method = method

    def setup(self) -> None:
        if self.method.service != self.container.service_name:
            raise TypeError(f"{self.method.service}.{self.method.name} is not {self.container.service_name}'s to serve")
        self.calls.register(self)

    def stop(self) -> None:
        self.calls.stop_taking()

    def run(self, service: Any, *args: Any) -> None:
        message, name = args
        started = time.monotonic()
        outcome, answer = "defect", _defect("Defect", "")
        try:
            with observe.bind_correlation(message.headers.get(CORRELATION_HEADER)):
                reached(Failpoint.RPC_TAKEN)
                outcome, answer = self._answer(service, message, name)
                reached(Failpoint.RPC_ANSWERING)
                elapsed_s = time.monotonic() - started
                if elapsed_s > SLOW_CALL_S:
                    log.warning("slow_call", method=name, elapsed_s=round(elapsed_s, 3), outcome=outcome)
            self.calls.reply(message, _body(answer, name))
        finally:
            settle(message)
            self.calls.consumers.finished()
            known = name if name in self.calls.methods else "unknown"
            labels = {"service": self.container.service_name, "method": known, "outcome": outcome}
            metrics.RPC_SECONDS.labels(**labels).observe(time.monotonic() - started)

    def _answer(self, service: Any, message: Any, name: str) -> tuple[str, dict[str, Any]]:
        fields = {"method": f"{self.container.service_name}.{name}"}
        if message.delivery_info.get("redelivered"):
            # Its first worker vanished, perhaps after the effect. The person decides whether to ask again.
            return "unavailable", _unavailable(Unavailable(self.method.service, "interrupted", retry_after_s=1))
        if name != self.method.name:
            log.error("method_unknown", **fields)
            return "defect", _defect("MethodNotFound", name)
        try:
            request = self.method.request.model_validate_json(json.dumps(json.loads(message.body)["args"][0]))
        except (ValidationError, ValueError, LookupError, TypeError) as error:
            log.error("request_malformed", **fields, error=type(error).__name__)
            return "defect", _defect("MalformedRequest", type(error).__name__)
        try:
            reply = getattr(service, self.method_name)(request)
            if not isinstance(reply, self.method.reply):
                raise TypeError(f"{name} returned {type(reply).__name__}, not {self.method.reply.__name__}")
            return "ok", _result({"result": reply.model_dump(mode="json")})
        except Refusal as refusal:
            log.info("call_refused", **fields, code=refusal.code)
            return "refused", _result({"refusal": refusal.to_wire()})
        except Unavailable as error:
            log.warning("call_unavailable", **fields, dependency=error.dependency)
            return "unavailable", _unavailable(error)
        except Exception as error:
            observe.report_defect("call_failed", error, **fields)
            return "defect", _defect(type(error).__name__, "")


def _body(answer: dict[str, Any], name: str) -> bytes:
    try:
        return json.dumps(answer).encode()
    except (TypeError, ValueError) as error:  # a refusal whose details are not JSON
        observe.report_defect("reply_not_json", error, method=name)
        return json.dumps(_defect("UnserializableReply", "")).encode()


def _result(result: dict[str, Any]) -> dict[str, Any]:
    return {"result": result, "error": None}


def _unavailable(error: Unavailable) -> dict[str, Any]:
    wire = {"dependency": error.dependency, "reason": error.reason, "retry_after_s": error.retry_after_s}
    return _result({"unavailable": wire})


def _defect(kind: str, value: str) -> dict[str, Any]:
    """The form nameko gives it. The text of an unforeseen error stays in our log: it may quote anything."""
    error = {"exc_type": kind, "exc_path": "", "exc_args": [], "value": value}
    return {"result": None, "error": error}


Answering = Callable[[Any, Q], A]


def serve(method: Method[Q, A]) -> Callable[[Answering[Q, A]], Answering[Q, A]]:
    """Answer ``method`` with a service's method, whose types are held to the contract; see ``Serve``."""
    return cast(Callable[[Answering[Q, A]], Answering[Q, A]], Serve.decorator(method))
