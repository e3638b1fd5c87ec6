"""Logs a machine can read, one correlation id from the browser to the last message, and no person in any of it.

``log = observe.logger(__name__)``, then ``log.info("copy_finalised", copy_id=…, items=14)``: an event name and fields.
A text field is kept when ``chassis.privacy`` lists its key; anything else becomes ``[withheld]``.
"""

from __future__ import annotations

import logging
import logging.handlers
import re
import sys
import threading
from collections.abc import MutableMapping, Sequence
from contextvars import ContextVar, Token
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import structlog

from chassis import privacy
from chassis.ids import uuid7
from chassis.settings import Process
from contracts.catalogue import SERVICES

OWNERS = {*SERVICES, "gateway"}
AUDIT = "audit"
"""Name of the logger for who did what; a stream of its own where files are used."""

_FILE_BYTES, _FILE_COUNT = 10_485_760, 10
_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_correlation: ContextVar[str | None] = ContextVar("korrigo_correlation", default=None)


def correlation_id() -> str | None:
    """Id of the request or message being served by this thread or greenthread; ``None`` outside of one."""
    return _correlation.get()


def new_correlation_id() -> str:
    return str(uuid7())


class bind_correlation:  # noqa: N801  # reads as a verb, like contextlib.suppress
    """Bind the id from now on; as a context manager, only until the end of the block.

    An absent or ill-formed id (it may come from a stranger's header) is replaced by a fresh one: ``.id``.
    """

    def __init__(self, id: str | None) -> None:
        self.id = id if id and _WELL_FORMED.fullmatch(id) else new_correlation_id()
        self._token: Token[str | None] = _correlation.set(self.id)

    def __enter__(self) -> str:
        return self.id

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _correlation.reset(self._token)


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger; usable before ``configure``, which then decides the format."""
    return cast(structlog.stdlib.BoundLogger, structlog.get_logger(name))


Event = MutableMapping[str, Any]


def _add_correlation(_: Any, __: str, event: Event) -> Event:
    current = _correlation.get()
    if current is not None:
        event.setdefault("correlation_id", current)
    return event


def _describe_exception(_: Any, __: str, event: Event) -> Event:
    """Turn ``exc_info`` into a trace without values, before anything else can format it."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["exception"] = privacy.trace(error)
        event.setdefault("error", type(error).__qualname__)
    return event


def _withhold(_: Any, __: str, event: Event) -> Event:
    """The allow-list; keys that start with an underscore belong to structlog and are dropped later."""
    for key, value in event.items():
        if not key.startswith("_"):
            event[key] = privacy.writable(key, value)
    return event


class _ForeignText(logging.Filter):
    """Libraries write prose around values: exceptions among them are described instead of quoted."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                privacy.describe(each) if isinstance(each, BaseException) else each for each in record.args
            )
        if isinstance(record.msg, BaseException):
            record.msg = privacy.describe(record.msg)
        return True


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _add_correlation,
    _describe_exception,
]

# Before ``configure`` (tests, small programs) the same allow-list holds; structlog's own default prints locals.
structlog.configure(
    processors=[structlog.stdlib.filter_by_level, *_SHARED, _withhold, structlog.dev.ConsoleRenderer(colors=False)],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=False,
)

# Their lines hold URLs, addresses or values; our own middleware logs requests by route template instead.
_MUTED = ("werkzeug", "gunicorn.access", "eventlet.wsgi", "urllib3.connectionpool", "amqp", "sqlalchemy.engine.Engine")


def configure(service: str, settings: Process, *, sentry_integrations: Sequence[Any] = ()) -> None:
    """Set up logs for the whole process, and crash reports when there is a ``SENTRY_DSN``. May be called again.

    Args:
        service: written in every line, except where the logger belongs to another service of the same process.
        settings: format, level, directory, names of release and environment.
        sentry_integrations: for the gateway, ``FlaskIntegration(transaction_style="url")``.
    """

    def add_service(_: Any, __: str, event: Event) -> Event:
        # Several services may share one process; the logger's name knows whose line it is.
        package, _, module = str(event.get("logger", "")).partition(".")
        owner = module.partition(".")[0] if package == "services" else package
        event.setdefault("service", owner if owner in OWNERS else service)
        return event

    shared = [*_SHARED, add_service]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # a second configure (tests, embedded) must reach existing loggers
    )
    if settings.log_format == "console":
        renderer: Any = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    else:
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _withhold, renderer],
        keep_exc_info=False,
    )
    root = logging.getLogger()
    root.handlers = _handlers(settings, formatter)
    root.setLevel(settings.log_level.upper())
    audit = logging.getLogger(AUDIT)
    audit.handlers = [_file(Path(settings.log_directory) / "audit.log", formatter)] if settings.log_directory else []
    audit.propagate = not settings.log_directory  # it has a file of its own there
    audit.setLevel(logging.INFO)
    for name in _MUTED:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread
    if settings.sentry_dsn:
        from chassis import crash_reports

        crash_reports.start(service, settings, sentry_integrations)


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Python's own hook prints the message of the exception, and with it what it quotes."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logger("chassis.defect").critical("uncaught", exc_info=error)


def _log_uncaught_in_thread(uncaught: threading.ExceptHookArgs) -> None:
    if uncaught.exc_value is not None and not isinstance(uncaught.exc_value, SystemExit):
        logger("chassis.defect").error("uncaught", exc_info=uncaught.exc_value)


def _handlers(settings: Process, formatter: logging.Formatter) -> list[logging.Handler]:
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if settings.log_directory:
        handlers.append(_file(Path(settings.log_directory) / "korrigo.log", formatter))
    for handler in handlers:
        handler.setFormatter(formatter)
        handler.addFilter(_ForeignText())
    return handlers


def _file(path: Path, formatter: logging.Formatter) -> logging.Handler:
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=_FILE_BYTES, backupCount=_FILE_COUNT - 1, delay=True)
    handler.setFormatter(formatter)
    handler.addFilter(_ForeignText())
    return handler


def report_defect(event: str, error: BaseException, **fields: Any) -> None:
    """Log a failure that nobody foresaw, with its trace, and send it to Sentry when there is one."""
    logger("chassis.defect").error(event, exc_info=error, **fields)
    if "sentry_sdk" in sys.modules:
        import sentry_sdk

        sentry_sdk.capture_exception(error)
