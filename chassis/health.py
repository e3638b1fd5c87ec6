"""The internal port of a process: is it alive, can it work, what has it counted.

``GET /health/live`` is 200 while the process runs. ``GET /health/ready`` is 200 or 503 with a verdict for each
dependency. ``GET /metrics`` is for Prometheus. There is no login: the port must not be reachable from outside.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from chassis import metrics, observe
from chassis.db import Database
from chassis.objects import Objects
from contracts.errors import Unavailable

Check = Callable[[], None]
CHECK_TIMEOUT_S = 2.0
EVERYWHERE = "0.0.0.0"  # noqa: S104  # probes and Prometheus come from other machines

log = observe.logger("chassis.health")


@dataclass(frozen=True)
class Verdict:
    """Whether one dependency can be used; ``reason`` is empty when it can."""

    ok: bool
    seconds: float
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        verdict: dict[str, Any] = {"ok": self.ok, "seconds": round(self.seconds, 3)}
        return verdict | ({"reason": self.reason} if self.reason else {})


def dependencies(database: Database, objects: Objects, **others: Check) -> dict[str, Check]:
    """The checks of an ordinary service; ``bus=…`` comes from the bus."""
    return {"database": database.ping, "object_store": objects.ping, **others}


class Readiness:
    """Runs all checks at once, each for at most ``timeout_s``. Works with threads and with greenthreads.

    A check that hangs is not started again before it has ended: a dead dependency costs one thread, not one a probe.
    """

    def __init__(self, checks: Mapping[str, Check], *, timeout_s: float = CHECK_TIMEOUT_S) -> None:
        self._checks = dict(checks)
        self._timeout_s = timeout_s
        self._running: dict[str, _Run] = {}
        self._lock = threading.Lock()

    def verdicts(self) -> dict[str, Verdict]:
        with self._lock:
            for name, check in self._checks.items():
                if name not in self._running or self._running[name].verdict is not None:
                    self._running[name] = _Run(name, check)
            runs = dict(self._running)
        deadline = time.monotonic() + self._timeout_s
        verdicts = {name: run.wait(deadline) for name, run in runs.items()}
        for name, verdict in verdicts.items():
            metrics.DEPENDENCY_READY.labels(dependency=name).set(verdict.ok)
        return verdicts


class _Run:
    def __init__(self, name: str, check: Check) -> None:
        self.verdict: Verdict | None = None
        self._started = time.monotonic()
        self._done = threading.Event()
        threading.Thread(target=self._check, args=(check,), name=f"check-{name}", daemon=True).start()

    def _check(self, check: Check) -> None:
        reason = ""
        try:
            check()
        except Unavailable as error:
            reason = error.reason or "unavailable"
        except Exception as error:  # a check that is itself wrong must show as "not ready", not end the server
            reason = type(error).__name__
            log.exception("health_check_failed")
        self.verdict = Verdict(not reason, time.monotonic() - self._started, reason)
        self._done.set()

    def wait(self, deadline: float) -> Verdict:
        self._done.wait(max(0.0, deadline - time.monotonic()))
        return self.verdict or Verdict(False, time.monotonic() - self._started, "no answer")


class InternalServer:
    """The internal port, served by a daemon thread (a greenthread under eventlet)."""

    def __init__(self, port: int, checks: Mapping[str, Check], *, host: str = EVERYWHERE) -> None:
        readiness = Readiness(checks)

        class Handler(_Handler):
            ready = readiness

        self._server = _Server((host, port), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="internal-port", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve(port: int, checks: Mapping[str, Check], *, host: str = EVERYWHERE) -> InternalServer | None:
    """Open the internal port; ``port`` 0 means none (``KORRIGO_INTERNAL_PORT``)."""
    return InternalServer(port, checks, host=host) if port else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 32

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        log.warning("internal_request_failed", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    ready: Readiness
    timeout = 10  # seconds for a client to say what it wants
    server_version = "korrigo"
    sys_version = ""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/health/live":
            self._answer(200, b'{"live": true}\n')
        elif path == "/health/ready":
            verdicts = self.ready.verdicts()
            ok = all(verdict.ok for verdict in verdicts.values())
            body = {"ready": ok, "dependencies": {name: verdict.to_json() for name, verdict in verdicts.items()}}
            self._answer(200 if ok else 503, json.dumps(body).encode() + b"\n")
        elif path == "/metrics":
            self._answer(200, generate_latest(), CONTENT_TYPE_LATEST)
        else:
            self._answer(404, b'{"error": "not found"}\n')

    def _answer(self, status: int, body: bytes, media_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Probes come every few seconds; they are not news."""
