"""What may be written down about a failure: ids and counts, never a person.

Logs and crash reports leave the system that protects personal data, so nothing enters them by default. A field is
kept when its type cannot carry a name (numbers, ids, times) or its key is listed here; an exception's message is kept
only when its class is known not to quote data.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

WITHHELD = "[withheld]"

# Keys whose text is written by our code or by a server, never by or about a person.
TEXT_KEYS = {
    "action", "attempt", "build", "cause", "channel", "check", "checks", "code", "command", "component",
    "consumer", "correlation_id", "dependency", "digest", "endpoint", "engine", "environment", "error", "event",
    "event_type", "exception", "exchange", "host", "kind", "level", "library", "logger", "media_type",
    "message_id", "message_type", "method", "migration", "mode", "module", "operation", "outcome", "phase",
    "pid", "process", "profile", "queue", "reason", "release", "request_id", "result", "revision", "role",
    "route", "routing_key", "rule", "schema", "server", "service", "sha256", "signal", "source", "stage",
    "state", "status", "step", "stream", "subject", "table", "task", "template", "thread", "timestamp",
    "trigger", "type", "unit", "vhost", "worker",
}  # fmt: skip
TEXT_SUFFIXES = ("_id", "_ids", "_code", "_codes", "_state", "_status", "_kind", "_type", "_digest", "_outcome", "_key")

# Withheld whatever the type: a number can be an INE too.
PERSONAL = re.compile(
    r"(^|_)(ine|e?mails?|first_?names?|last_?names?|surnames?|nom|prenom|birth\w*|born|phone|address|ip|login|username"
    r"|passwords?|passphrases?|secrets?|tokens?|cookies?|authorization|access_key|file_?names?)($|_)"
)

# INE: 11 characters, most of them digits, ending in a letter (9 digits + 2 letters since 2018; 10 + 1 before, or with
# letters mixed in). As a word of its own: digests and UUID parts have other lengths.
_INE = re.compile(
    r"(?<![0-9A-Za-z])(?=[0-9A-Za-z]{11}(?![0-9A-Za-z]))\d[0-9A-Za-z]{0,3}\d{5,9}[0-9A-Za-z]{0,3}[A-Za-z]"
)
_EMAIL = re.compile(r"[^\s@\"'<>()=,;:/]+@[^\s@\"'<>()=,;:/]+\.[A-Za-z]{2,}")
_URL_PASSWORD = re.compile(r"(?<=://)[^\s/@]*(?=@)")
_TYPE_NAME = re.compile(r"[A-Za-z_][\w.]*")
_HARMLESS = (bool, int, float, Decimal, UUID, datetime, date, time, timedelta, Enum, type(None))


def scrub(text: str) -> str:
    """Withhold what is recognisable wherever it stands: INE, mail addresses, credentials in a URL."""
    text = _URL_PASSWORD.sub(WITHHELD, text)
    text = _EMAIL.sub(WITHHELD, text)
    return _INE.sub(WITHHELD, text)


def writable(key: str, value: Any) -> Any:
    """``value`` if it may be written under ``key``, else ``[withheld]``."""
    if PERSONAL.search(key.lower()):
        return WITHHELD
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID | Decimal | timedelta):
        return str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, _HARMLESS):
        return value
    if isinstance(value, str):
        if key == "error" and not _TYPE_NAME.fullmatch(value):
            return WITHHELD  # str(error) quotes whatever it likes; give the exception itself, or its class
        known = key in TEXT_KEYS or key.endswith(TEXT_SUFFIXES)
        return scrub(value) if known else WITHHELD
    if isinstance(value, list | tuple | set | frozenset):
        return [writable(key, item) for item in value]
    if isinstance(value, dict):
        return {inner: writable(inner, item) for inner, item in value.items() if isinstance(inner, str)}
    if isinstance(value, BaseException):
        return describe(value)
    return WITHHELD


# Built-in errors whose text names code, not data.
_CODE_ERRORS = (TypeError, AttributeError, NameError, ImportError, NotImplementedError, RecursionError, MemoryError)
_OWN_MODULES = ("chassis", "contracts", "services", "demo", "oversight", "amqp", "kombu", "eventlet", "urllib3")


def describe(error: BaseException) -> str:
    """``Type: message``, the message only as far as it cannot quote a person's data.

    Database errors give their SQLSTATE and constraint (their text quotes the row), the operating system's give their
    errno (their text quotes file names), pydantic's give place and kind (their text quotes the input).
    """
    name = type(error).__qualname__
    module = type(error).__module__.partition(".")[0]
    original = getattr(error, "orig", None)
    if module == "sqlalchemy" and isinstance(original, BaseException):
        return f"{name}: {describe(original)}"
    if module == "psycopg":
        diag = getattr(error, "diag", None)
        parts = [
            getattr(error, "sqlstate", None),
            getattr(diag, "table_name", None),
            getattr(diag, "constraint_name", None),
        ]
        return ": ".join([name, " ".join(part for part in parts if part) or WITHHELD])
    if module.startswith("pydantic"):
        return f"{name}: {_places(error)}"
    if isinstance(error, OSError):
        return f"{name}: [Errno {error.errno}] {error.strerror}" if error.errno else name
    if module in _OWN_MODULES or isinstance(error, _CODE_ERRORS):
        return scrub(f"{name}: {error}") if str(error) else name
    return f"{name}: {WITHHELD}" if str(error) else name


def _places(error: Any) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, each['loc']))} {each['type']}" for each in problems[:10])


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error, then what caused it, oldest last."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def trace(error: BaseException) -> str:
    """A traceback as Python prints it, without values: frames, source lines, described errors; newest last."""
    parts: list[str] = []
    for each in reversed(list(chain(error))):
        frames = "".join(traceback.format_tb(each.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{frames}{describe(each)}")
    return "\n\nled to:\n\n".join(parts)
