"""One PostgreSQL database per service: a bounded pool, every wait bounded, one transaction per use case."""

from __future__ import annotations

import sys
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import psycopg
import psycopg.waiting
import sqlalchemy as sa
from psycopg.abc import PQGen
from sqlalchemy import exc

from chassis import metrics, observe, outbox
from chassis.failpoints import Failpoint, reached
from chassis.ids import uuid7
from chassis.settings import Common
from contracts.catalogue import BY_MODEL
from contracts.errors import Unavailable
from contracts.model import Tolerant

CONNECT_TIMEOUT_S = 10
LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 30_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000
POOL_TIMEOUT_S = 10
ANSWER_GRACE_S = 1.0
"""The server ends a statement that takes too long, and says so; this much later it must have vanished."""

R = TypeVar("R")

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

_outbox, _ = outbox.tables(sa.MetaData(naming_convention=NAMING_CONVENTION))
log = observe.logger("chassis.db")


def metadata() -> sa.MetaData:
    """A service's tables: constraints get predictable names, and the outbox and inbox are already in it."""
    result = sa.MetaData(naming_convention=NAMING_CONVENTION)
    outbox.tables(result)
    return result


class UnitOfWork:
    """One transaction: what changes and what is told about it are committed together or not at all.

    ``after_commit`` is called once it is committed, for what must not be said of a change that was rolled back and may
    be lost with the process: a log line.
    """

    def __init__(self, sql: sa.Connection, service: str, audit_key: str | None = None) -> None:
        self.sql = sql
        self.sent = 0
        self.after_commit: list[Callable[[], None]] = []
        self._service = service
        self._audit_key = audit_key
        self._now: datetime | None = None

    @property
    def audit_key(self) -> str:
        """What the service seals its audit trail with; it is not in the database."""
        if self._audit_key is None:
            raise RuntimeError(f"the database of {self._service} was opened without an audit key")
        return self._audit_key

    def send(self, payload: Tolerant, *, subject: str, delay_s: float = 0) -> UUID:
        """Tell others, if and when this transaction commits. At least once; the order of sends is kept.

        Args:
            payload: an event or command of the catalogue of which this service is a sender.
            subject: id of what the message is about (CloudEvents ``subject``).
            delay_s: published no sooner than that many seconds from now.

        Returns:
            Message id, time ordered; consumers see each id take effect once.
        """
        message = BY_MODEL.get(type(payload))
        if message is None:
            raise TypeError(f"{type(payload).__name__} is not in contracts.catalogue.MESSAGES")
        if self._service not in message.senders:
            raise TypeError(f"{self._service} is not a sender of {message.type}")
        message_id = uuid7()
        row = {
            "message_id": message_id,
            "type": message.type,
            "exchange": message.exchange,
            "subject": subject,
            "data": payload.model_dump(mode="json"),
            "correlation_id": observe.correlation_id(),
        }
        statement = _outbox.insert().values(**row)
        if delay_s > 0:
            delay = sa.func.make_interval(0, 0, 0, 0, 0, 0, delay_s)
            statement = statement.values(not_before=sa.func.clock_timestamp() + delay)
        self.sql.execute(statement)
        self.sent += 1
        return message_id

    def now(self) -> datetime:
        """The database's clock when the transaction began, aware UTC; the same throughout."""
        if self._now is None:
            self._now = self.sql.execute(sa.text("SELECT now()")).scalar_one()
        return self._now


class _Connection(psycopg.Connection[Any]):
    """A connection that does not wait for ever: the server's own time-outs are of no use when the server is gone.

    Keepalives are no substitute. Something in between may answer them, and while sent data waits for its
    acknowledgement the kernel sends none.
    """

    answer_timeout_s: float

    def wait(self, gen: PQGen[R], interval: float = 0.1, timeout: float | None = None) -> R:
        bound_s = self.answer_timeout_s if timeout is None else timeout
        started = time.monotonic()
        try:
            return super().wait(gen, interval, bound_s)
        except psycopg.OperationalError as error:
            if time.monotonic() - started < bound_s:
                raise
            self.pgconn.finish()  # an answer that came after all would be taken for that of the next statement
            raise psycopg.errors.ConnectionTimeout("no answer") from error


Transaction: TypeAlias = Callable[[], AbstractContextManager[UnitOfWork]]


class Database:
    """A service's database.

    ``on_sent`` is called after each commit that wrote to the outbox: the relay registers its wake-up there.
    ``audit_key`` is for a service that keeps a sealed audit trail.
    """

    def __init__(
        self,
        url: str,
        *,
        service: str,
        pool_size: int = 5,
        max_overflow: int = 5,
        pool_timeout_s: float = POOL_TIMEOUT_S,
        connect_timeout_s: int = CONNECT_TIMEOUT_S,
        statement_timeout_ms: int = STATEMENT_TIMEOUT_MS,
        lock_timeout_ms: int = LOCK_TIMEOUT_MS,
        audit_key: str | None = None,
        idle_timeout_ms: int = IDLE_IN_TRANSACTION_TIMEOUT_MS,
    ) -> None:
        _assert_waits_are_green()
        self.service = service
        self._audit_key = audit_key
        self.on_sent: list[Callable[[], None]] = []
        timeouts = {
            "lock_timeout": lock_timeout_ms,
            "statement_timeout": statement_timeout_ms,
            "idle_in_transaction_session_timeout": idle_timeout_ms,
        }
        self.engine = sa.create_engine(
            url,
            isolation_level="READ COMMITTED",
            hide_parameters=True,  # values of rows are personal data; they must not reach a log through an error
            pool_size=pool_size,
            max_overflow=max_overflow,
            pool_timeout=pool_timeout_s,
            pool_use_lifo=True,
            pool_pre_ping=True,
            pool_recycle=300,
            connect_args={
                "application_name": f"korrigo-{service}",
                "connect_timeout": connect_timeout_s,
                "keepalives": 1,
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "options": " ".join(f"-c {name}={value}" for name, value in timeouts.items()) + " -c timezone=UTC",
            },
        )

        @sa.event.listens_for(self.engine, "do_connect")
        def connect(_dialect: object, _record: object, arguments: list[Any], options: dict[str, Any]) -> _Connection:
            connection = _Connection.connect(*arguments, **options)
            connection.answer_timeout_s = statement_timeout_ms / 1000 + ANSWER_GRACE_S
            return connection

        metrics.POOL_IN_USE.labels(service).set_function(_connections_in_use(self.engine))

    @classmethod
    def of(cls, settings: Common, *, service: str) -> Database:
        """The database the settings name, with ``database_pool`` connections at most, half of them kept open."""
        kept = (settings.database_pool + 1) // 2
        return cls(settings.database_url, service=service, pool_size=kept, max_overflow=settings.database_pool - kept)

    @contextmanager
    def transaction(self) -> Iterator[UnitOfWork]:
        """Commit at the end, roll back on any exception; then wake the relay if something was sent.

        Raises:
            Unavailable: ``database``: no connection, no free connection, a time-out, a deadlock. Nothing was kept,
                unless the connection broke during the commit itself: then it is not known.
        """
        with _failures_named(), self.engine.begin() as connection:
            work = UnitOfWork(connection, self.service, self._audit_key)
            yield work
            reached(Failpoint.TRANSACTION_COMMITTING)
        reached(Failpoint.TRANSACTION_COMMITTED)
        for act in work.after_commit:
            act()
        if work.sent:
            self._wake()

    @contextmanager
    def reading(self, *, snapshot: bool = False) -> Iterator[sa.Connection]:
        """One read-only transaction; the server refuses writes in it.

        With ``snapshot`` every statement sees the database as it was at the first one, whatever is committed meanwhile.
        """
        with _failures_named(), self.engine.connect() as connection:
            options = {"isolation_level": "REPEATABLE READ"} if snapshot else {}
            reader = connection.execution_options(postgresql_readonly=True, **options)
            with reader.begin():
                yield reader

    def ping(self) -> None:
        """Ask the server for nothing; ``Unavailable`` when it does not answer."""
        with self.reading() as connection:
            connection.execute(sa.text("SELECT 1"))

    def close(self) -> None:
        self.engine.dispose()

    def _wake(self) -> None:
        for wake in self.on_sent:
            try:
                wake()
            except Exception:  # the commit stands whatever a listener does; the relay also polls
                log.exception("outbox_wake_failed")


def _connections_in_use(engine: sa.Engine) -> Callable[[], float]:
    """Reads the pool when Prometheus asks; keeps no closed database alive."""
    reference = weakref.ref(engine)

    def read() -> float:
        found = reference()
        return float(found.pool.checkedout()) if found is not None else 0.0  # type: ignore[attr-defined]

    return read


@contextmanager
def _failures_named() -> Iterator[None]:
    """Name the failures that a later attempt may cure. The reason never quotes the statement or its values."""
    try:
        yield
    except exc.TimeoutError as error:
        raise Unavailable("database", "no free connection") from error
    except exc.DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if not (error.connection_invalidated or isinstance(error, exc.OperationalError)):
            raise
        reason = type(error.orig).__name__ + (f" {state}" if state else "")
        raise Unavailable("database", reason) from error
    except psycopg.OperationalError as error:  # raised below SQLAlchemy, as by the pool's pre-ping
        raise Unavailable("database", type(error).__name__) from error


def _assert_waits_are_green() -> None:
    """Under eventlet psycopg's default wait stops the whole process (4 sleeps of 1 s took 4.07 s, green 1.02 s)."""
    patcher = sys.modules.get("eventlet.patcher")
    if patcher is None or not patcher.is_monkey_patched("socket"):
        return
    if getattr(psycopg.waiting.wait, "__name__", "") not in {"wait_select", "wait_selector"}:
        raise RuntimeError("set PSYCOPG_WAIT_FUNC=wait_selector before psycopg is imported: eventlet is patched in")
