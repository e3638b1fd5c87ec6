"""``python -m chassis.run ingest``: one process of the system. ``gateway`` becomes gunicorn; the rest are services.

A process that cannot reach its database or the bus waits for them; it does not die. SIGTERM ends it within 25 s.
"""

import os
import sys
import warnings

if __name__ == "__main__" and sys.argv[1:2] != ["gateway"]:
    # First of all, or psycopg blocks the whole process and half the sockets are not green.
    os.environ["PSYCOPG_WAIT_FUNC"] = "wait_selector"
    warnings.filterwarnings("ignore", message="\\s*Eventlet is deprecated")  # nameko needs it; docs/adr/0003
    import eventlet

    eventlet.monkey_patch()

import signal
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from chassis import failpoints, health, observe
from chassis.confined.limits import close_to_others
from chassis.settings import Common, SettingsError, env, load, text, whole
from contracts.errors import Unavailable

NAMES = ("ingest", "ocr", "grading", "render", "gateway")
GATEWAY = "services.gateway.app:create_app()"
log = observe.logger("chassis.run")


@dataclass(frozen=True, kw_only=True)
class Web:
    """How the gateway's process listens. Use more processes by running more of them, behind one address."""

    bind: str = env("KORRIGO_HTTP_BIND", text, default="127.0.0.1:8000",
                    doc="address and port the gateway listens on")  # fmt: skip
    threads: int = env("KORRIGO_HTTP_THREADS", whole(1, 500), default=64,
                       doc="requests the gateway serves at a time")  # fmt: skip


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in NAMES:
        print(f"usage: python -m chassis.run {'|'.join(NAMES)}", file=sys.stderr)
        return 2
    (name,) = arguments
    try:
        if name == "gateway":
            become_gunicorn(_web())
        settings = load(_settings(name))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    from chassis.bus.hosting import service_class

    return run_service(service_class(name), settings, {})


def _web() -> Web:
    """How to listen, once all the application needs is there: gunicorn would tell of it in a trace, and start again."""
    problems: list[str] = []
    for part in (Web, _settings("gateway")):
        try:
            load(part)
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(problems)
    return load(Web)


def _settings(service: str) -> type[Common]:
    found: type[Common] = import_module(f"services.{service}.settings").Settings
    return found


def become_gunicorn(web: Web) -> None:
    """Replace this process by gunicorn; does not return."""
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *gunicorn_options(web), GATEWAY])  # noqa: S606


def gunicorn_options(web: Web) -> list[str]:
    # One worker: one connection to the bus, one set of metrics, one internal port. gunicorn would otherwise write
    # below the home directory (control socket) and beat its heart on the disk (worker directory).
    memory = "/dev/shm"  # noqa: S108
    return [
        "--bind", web.bind,
        "--workers", "1",
        "--worker-class", "gthread",
        "--threads", str(web.threads),
        "--keep-alive", "30",
        "--graceful-timeout", "25",
        "--timeout", "60",
        "--no-control-socket",
        "--logger-class", "chassis.web_log.WebLog",
        *(["--worker-tmp-dir", memory] if Path(memory).is_dir() else []),
    ]  # fmt: skip


def run_service(service: Any, settings: Common, config: dict[str, Any]) -> int:
    """Run until SIGTERM or SIGINT; returns the exit status."""
    import eventlet

    from chassis.bus.hosting import Hosted

    name: str = service.name
    close_to_others()
    observe.configure(name, settings)
    failpoints.arm()
    hosted = Hosted([service], {"AMQP_URI": settings.bus_url, **config})
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: told.append(number))
    internal = health.serve(settings.internal_port, _checks(hosted, name))
    starting = eventlet.spawn(hosted.start)
    running = None
    while not told:
        # Short sleeps: the hub does not notice a signal before its next timer.
        eventlet.sleep(0.2)
        if running is None and starting.dead:
            starting.wait()  # raises what went wrong
            running = eventlet.spawn(hosted.wait)
        if running is not None and running.dead:
            running.wait()
            return 1
    log.info("stopping", signal=signal.Signals(told[0]).name)
    if running is not None:
        hosted.stop()
    if internal is not None:
        internal.close()
    return 0


def _checks(hosted: Any, name: str) -> dict[str, health.Check]:
    def asking(dependency: str, attribute: str) -> health.Check:
        def check() -> None:
            context = hosted.context(name)
            if context is None:
                raise Unavailable(dependency, "starting")
            getattr(context, attribute).ping()

        return check

    return {
        "database": asking("database", "db"),
        "object_store": asking("object_store", "objects"),
        "bus": lambda: hosted.check_bus(name),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
