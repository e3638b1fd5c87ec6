"""Settings come from the environment, are read once, and either all make sense or the process does not start."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar, overload
from urllib.parse import urlsplit

S = TypeVar("S")
T = TypeVar("T")
Parser = Callable[[str], T]


class SettingsError(Exception):
    """The environment is wrong; ``problems`` has one sentence per variable, so that one restart fixes all."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(["the environment is not usable:", *(f"  {problem}" for problem in problems)]))
        self.problems = problems


@dataclass(frozen=True)
class Variable:
    """One environment variable as its settings class declares it. ``default`` is ``None`` when it is required."""

    name: str
    field: str
    expects: str
    doc: str
    required: bool
    default: str | None
    secret: bool


@overload
def env(name: str, parse: Parser[T], *, doc: str, secret: bool = False) -> T: ...
@overload
def env(name: str, parse: Parser[T], *, default: None, doc: str, secret: bool = False) -> T | None: ...
@overload
def env(name: str, parse: Parser[T], *, default: T, doc: str, secret: bool = False) -> T: ...
def env(name: str, parse: Parser[Any], *, default: Any = MISSING, doc: str, secret: bool = False) -> Any:
    """Declare a settings field read from the variable ``name``; an empty variable counts as absent.

    Args:
        name: upper case; ours begin with ``KORRIGO_``.
        parse: turns the text into the value and raises ``ValueError`` with what is wrong; see the functions below.
        default: the value itself, not its text. Left out, the variable is required.
        doc: what the setting is for, in one sentence: printed when it is missing, and in docs/configuration.md.
        secret: keeps the value out of ``repr`` and out of every message.
    """
    metadata = {"env": name, "parse": parse, "doc": doc, "secret": secret}
    if default is MISSING:
        return field(metadata=metadata, repr=not secret, kw_only=True)
    return field(default=default, metadata=metadata, repr=not secret, kw_only=True)


def load(cls: type[S], environ: Mapping[str, str] = os.environ) -> S:
    """Read every field of the dataclass ``cls``; all problems are found before one is reported.

    Raises:
        SettingsError: lists each missing and each invalid variable with what it is for.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for each in fields(cls):  # type: ignore[arg-type]  # typing cannot say "a dataclass type"
        if "env" not in each.metadata:
            continue
        name, parse, doc = each.metadata["env"], each.metadata["parse"], each.metadata["doc"]
        text = environ.get(name, "").strip()
        if not text:
            if each.default is MISSING:
                problems.append(f"{name} is missing: {doc}")
            continue
        try:
            values[each.name] = parse(text)
        except ValueError as error:
            shown = "" if each.metadata["secret"] else f" (got {text!r})"
            problems.append(f"{name} is not valid: {error}{shown}: {doc}")
    if problems:
        raise SettingsError(problems)
    try:
        return cls(**values)
    except ValueError as error:  # a __post_init__ that compares two fields
        raise SettingsError([str(error)]) from error


def variables(cls: type[Any]) -> list[Variable]:
    """Every variable that ``cls`` reads, in the order of its fields; docs/configuration.md is generated from it."""
    return [
        Variable(
            name=each.metadata["env"],
            field=each.name,
            expects=getattr(each.metadata["parse"], "expects", "text"),
            doc=each.metadata["doc"],
            required=each.default is MISSING,
            default=None if each.default is MISSING else _shown(each.default),
            secret=each.metadata["secret"],
        )
        for each in fields(cls)
        if "env" in each.metadata
    ]


def _shown(default: Any) -> str:
    if default is None:
        return "none"
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return str(default)


# Parsers. Each carries ``expects``, the words the documentation uses.


def _expecting(words: str) -> Callable[[Parser[T]], Parser[T]]:
    def mark(parse: Parser[T]) -> Parser[T]:
        parse.expects = words  # type: ignore[attr-defined]
        return parse

    return mark


@_expecting("text")
def text(value: str) -> str:
    return value


@_expecting("yes or no")
def flag(value: str) -> bool:
    truth = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if value.lower() not in truth:
        raise ValueError("must be yes or no")
    return truth[value.lower()]


def whole(minimum: int, maximum: int) -> Parser[int]:
    """A whole number within the bounds, both included."""
    words = f"whole number from {minimum} to {maximum}"

    @_expecting(words)
    def parse(value: str) -> int:
        if not re.fullmatch(r"-?\d{1,18}", value) or not minimum <= int(value) <= maximum:
            raise ValueError(f"must be a {words}")
        return int(value)

    return parse


def number(minimum: float, maximum: float) -> Parser[float]:
    """A decimal number within the bounds, both included."""
    words = f"number from {minimum:g} to {maximum:g}"

    @_expecting(words)
    def parse(value: str) -> float:
        try:
            result = float(value)
        except ValueError:
            raise ValueError(f"must be a {words}") from None
        if not minimum <= result <= maximum:  # also refuses nan
            raise ValueError(f"must be a {words}")
        return result

    return parse


def one_of(*choices: str) -> Parser[str]:
    words = " or ".join(choices)

    @_expecting(words)
    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be {words}")
        return value

    return parse


def secret_text(minimum_length: int) -> Parser[str]:
    """A secret long enough to be one."""
    words = f"at least {minimum_length} characters"

    @_expecting(words)
    def parse(value: str) -> str:
        if len(value) < minimum_length:
            raise ValueError(f"must have {words}")
        return value

    return parse


def word_list(value: str) -> tuple[str, ...]:
    """Words separated by commas or blanks."""
    return tuple(re.split(r"[\s,]+", value.strip(" ,")))


word_list.expects = "words separated by commas"  # type: ignore[attr-defined]


def url(*schemes: str) -> Parser[str]:
    """An absolute URL with one of the schemes."""
    expects = f"URL that begins with {' or '.join(f'{scheme}:' for scheme in schemes)}"

    @_expecting(expects)
    def parse(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in schemes or "://" not in value:
            raise ValueError(f"must be a {expects}")
        return value

    return parse


def postgres_url(value: str) -> str:
    """PostgreSQL through psycopg 3, whichever of the two usual spellings is given."""
    checked = url("postgresql", "postgresql+psycopg")(value)
    return checked.replace("postgresql://", "postgresql+psycopg://", 1)


postgres_url.expects = "postgresql:// URL"  # type: ignore[attr-defined]


def host_and_port(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.\-]+(:\d{1,5})?|\[[0-9A-Fa-f:]+\](:\d{1,5})?", value):
        raise ValueError("must be host or host:port, without http://")
    return value


host_and_port.expects = "host:port"  # type: ignore[attr-defined]


@dataclass(frozen=True, kw_only=True)
class Process:
    """What every process needs, whatever it does."""

    environment: str = env(
        "KORRIGO_ENVIRONMENT", text, default="development", doc="names the installation in logs and crash reports"
    )
    release: str = env(
        "KORRIGO_RELEASE", text, default="unreleased", doc="version of the code in logs and crash reports"
    )
    log_format: str = env(
        "KORRIGO_LOG_FORMAT",
        one_of("json", "console"),
        default="json",
        doc="json for machines, console for a person at a terminal",
    )
    log_level: str = env(
        "KORRIGO_LOG_LEVEL",
        one_of("debug", "info", "warning", "error"),
        default="info",
        doc="the least severe log line that is written",
    )
    log_directory: str | None = env(
        "KORRIGO_LOG_DIRECTORY",
        text,
        default=None,
        doc="also write rotating files there (10 of 10 MiB for each stream)",
    )
    internal_port: int = env(
        "KORRIGO_INTERNAL_PORT",
        whole(0, 65535),
        default=0,
        doc="port of health and metrics, never to be exposed; 0 turns it off",
    )
    sentry_dsn: str | None = env(
        "SENTRY_DSN",
        url("https", "http"),
        default=None,
        secret=True,
        doc="where crash reports go; without it nothing is ever sent",
    )


@dataclass(frozen=True, kw_only=True)
class StoreUser(Process):
    """What a process needs that reads or writes objects."""

    s3_endpoint: str = env("KORRIGO_S3_ENDPOINT", host_and_port, doc="the object store")
    s3_access_key: str = env("KORRIGO_S3_ACCESS_KEY", text, secret=True, doc="who we are to the object store")
    s3_secret_key: str = env("KORRIGO_S3_SECRET_KEY", text, secret=True, doc="proves who we are to the object store")
    s3_bucket: str = env("KORRIGO_S3_BUCKET", text, default="korrigo", doc="bucket that holds every object")
    s3_secure: bool = env("KORRIGO_S3_SECURE", flag, default=False, doc="speak HTTPS to the object store")
    s3_region: str = env(
        "KORRIGO_S3_REGION", text, default="us-east-1", doc="region signed into requests to the object store"
    )


@dataclass(frozen=True, kw_only=True)
class Common(StoreUser):
    """What every service needs: its database, the bus and the object store."""

    database_url: str = env(
        "KORRIGO_DATABASE_URL", postgres_url, secret=True, doc="the service's own PostgreSQL database"
    )
    database_pool: int = env(
        "KORRIGO_DATABASE_POOL", whole(1, 100), default=10, doc="most connections one process opens to its database"
    )
    bus_url: str = env(
        "KORRIGO_BUS_URL",
        url("amqp", "amqps", "inproc"),
        secret=True,
        doc="the RabbitMQ broker that all services share",
    )
