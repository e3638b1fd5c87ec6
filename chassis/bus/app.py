"""What every service declares: its context, and what it does by the clock."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

import eventlet
from nameko.extensions import DependencyProvider

from chassis import observe
from chassis.bus import topology
from chassis.bus.container import Work
from chassis.bus.depth import Depth
from chassis.bus.relay import Relay
from contracts.errors import Refusal, Unavailable

_DATABASE_PATIENCE_S = (0.2, 0.5, 1, 2, 5)
log = observe.logger("chassis.bus.app")


class App(DependencyProvider):  # type: ignore[misc]  # nameko is untyped
    """``app = App()``: the context that the service's ``build`` makes of its environment, one for all its workers.

    Waits for the database before anything else starts, and runs the outbox relay of ``context.db``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.context: Any = None

    def setup(self) -> None:
        name = self.container.service_name
        environ = self.container.config.get("environ", {}).get(name, os.environ)
        self.context = self.container.service_cls.build(environ)
        self._wait_for_database()
        config = self.container.config
        self.relay = Relay(self.context.db, config["AMQP_URI"])
        self.depth = Depth(config["AMQP_URI"], name, config.get("retry_delays_s", topology.RETRY_DELAYS_S))

    def _wait_for_database(self) -> None:
        for attempt in range(10**9):
            try:
                self.context.db.ping()
                return
            except Unavailable:
                pause_s = _DATABASE_PATIENCE_S[min(attempt, len(_DATABASE_PATIENCE_S) - 1)]
                log.warning("database_unreachable", service=self.container.service_name, retry_s=pause_s)
                eventlet.sleep(pause_s)

    def start(self) -> None:
        self._relaying = self.container.spawn_managed_thread(self.relay.run, identifier="relay")
        self._measuring = self.container.spawn_managed_thread(self.depth.run, identifier="depth")

    def stop(self) -> None:
        """The workers are done: publish what they left, then let go."""
        self.depth.stop()
        self.relay.stop()
        self._relaying.wait()
        self._measuring.wait()
        self.context.close()

    def get_dependency(self, worker_ctx: Any) -> Any:  # noqa: ARG002  # overrides
        return self.context


class Every(Work):
    """Calls the method every ``seconds``, the first time after that long, never twice at once."""

    def __init__(self, *, seconds: float, **kw: Any) -> None:
        super().__init__(**kw)
        self.seconds = seconds
        self._stopped = threading.Event()
        self._idle = threading.Event()

    def start(self) -> None:
        self._ticking = self.container.spawn_managed_thread(self._tick)

    def stop(self) -> None:
        self._stopped.set()
        self._ticking.wait()

    def _tick(self) -> None:
        due = time.monotonic() + self.seconds
        while True:
            if self._stopped.wait(max(0.0, due - time.monotonic())):
                return
            self._idle.clear()
            self.container.spawn_worker(self, (), {})
            self._idle.wait()
            # A tick that took longer than the interval delays the next ones instead of piling them up.
            due = max(due + self.seconds, time.monotonic())

    def run(self, service: Any, *args: Any) -> None:  # noqa: ARG002  # overrides
        try:
            with observe.bind_correlation(None):
                getattr(service, self.method_name)()
        except (Refusal, Unavailable) as error:
            log.warning("timer_failed", method=self.method_name, error=type(error).__name__)
        except Exception as error:
            observe.report_defect("timer_failed", error, method=self.method_name)
        finally:
            self._idle.set()


Tick = TypeVar("Tick", bound=Callable[[Any], None])


def every(*, seconds: float) -> Callable[[Tick], Tick]:
    """Call the method by the clock; see ``Every``."""
    return cast(Callable[[Tick], Tick], Every.decorator(seconds=seconds))
