"""Starting and stopping services: one to a process, or several in one.

The caller has made the process green before it imported anything of this (``chassis.run`` does, ``demo`` does).
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import eventlet
import psycopg.waiting
from amqp.exceptions import PreconditionFailed
from eventlet import patcher
from nameko.runners import ServiceRunner

from chassis import observe
from chassis.bus import topology
from chassis.bus.app import App
from chassis.bus.publisher import BUS_ERRORS, HEARTBEAT_S, connect
from contracts.errors import Unavailable

GRACE_S = 25.0
_BUS_PATIENCE_S = (0.2, 0.5, 1, 2, 5)
_NOT_YET: tuple[type[BaseException], ...] = (*BUS_ERRORS, Unavailable)
log = observe.logger("chassis.bus.hosting")


class Hosted:
    """Services of this process. ``config``: ``AMQP_URI``, and if wanted ``environ`` (by service name), ``HEARTBEAT``,
    ``retry_delays_s``, ``rpc_concurrency``.
    """

    def __init__(self, classes: Sequence[type], config: Mapping[str, Any]) -> None:
        _assert_green()
        defaults = {"HEARTBEAT": HEARTBEAT_S, "retry_delays_s": topology.RETRY_DELAYS_S}
        self._config = {**defaults, **config, "SERVICE_CONTAINER_CLS": "chassis.bus.container.Container"}
        self._runner = ServiceRunner(self._config)
        for each in classes:
            self._runner.add_service(each)

    def start(self) -> None:
        """Returns when every service consumes. Waits, as long as it takes, for the bus and for the databases."""
        self._declare()
        self._runner.start()
        log.info("services_started", service=",".join(sorted(self._runner.service_names)))

    def _declare(self) -> None:
        for attempt in range(10**9):
            try:
                with connect(self._config["AMQP_URI"]) as connection, connection.channel() as channel:
                    topology.declare(channel, topology.topology(retry_delays_s=self._config["retry_delays_s"]))
                return
            except PreconditionFailed:  # a queue of the same name is something else: waiting will not help
                raise
            except _NOT_YET as error:
                pause_s = _BUS_PATIENCE_S[min(attempt, len(_BUS_PATIENCE_S) - 1)]
                log.warning("bus_unreachable", error=type(error).__name__, reason=str(error), retry_s=pause_s)
                eventlet.sleep(pause_s)

    def stop(self, grace_s: float = GRACE_S) -> bool:
        """Take nothing new, finish what is begun, publish what was sent. False: time ran out, and the rest was cut off.

        What was cut off is delivered again, and its database transaction was rolled back.
        """
        with contextlib.suppress(eventlet.Timeout), eventlet.Timeout(grace_s):
            self._runner.stop()
            return True
        log.warning("stop_cut_short", seconds=grace_s)
        return False

    def wait(self) -> None:
        """Until all have stopped; raises what killed one of them."""
        self._runner.wait()

    def context(self, name: str) -> Any:
        """The context of a service, ``None`` until it is built."""
        for dependency in self._runner.service_map[name].dependencies:
            if isinstance(dependency, App):
                return dependency.context
        raise LookupError(f"{name} has no App")

    def check_bus(self, name: str) -> None:
        """For the readiness probe: ``Unavailable`` unless every queue of the service is consumed."""
        if not self._runner.service_map[name].bus_connected():
            raise Unavailable("bus", "not consuming")


def service_class(name: str) -> type:
    """The class that ``services/<name>/service.py`` offers as ``service``."""
    found: type = importlib.import_module(f"services.{name}.service").service
    return found


def start_services(names: Sequence[str], config: Mapping[str, Any]) -> Hosted:
    """Run these services in this process; see ``Hosted`` for ``config``. For the embedded run: ``inproc://``."""
    hosted = Hosted([service_class(name) for name in names], config)
    hosted.start()
    return hosted


def _assert_green() -> None:
    waits = getattr(psycopg.waiting.wait, "__name__", "")
    if not patcher.is_monkey_patched("socket") or waits not in {"wait_select", "wait_selector"}:
        raise RuntimeError("first of all set PSYCOPG_WAIT_FUNC=wait_selector and call eventlet.monkey_patch()")
