"""What there is to look at: every service's database, and the one object store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from chassis.db import Database
from chassis.invariants import Check, Subjects
from chassis.objects import Objects
from chassis.servers import ObjectStore, Postgres
from oversight.documents import Documents
from oversight.settings import Settings

READER = "oversight"
"""The role that reads everything and changes nothing, where we make the roles ourselves."""
PATIENCE_MS = 600_000
SERVICES = ("ingest", "ocr", "grading", "render", "gateway")


Reader = Callable[[str], sa.Connection]
"""A service's name to a connection that only reads."""


def now(read: Reader) -> datetime:
    """The time by which ages are told: the database's, never this process's."""
    told: datetime = read("grading").execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return told


def _none() -> Collection[UUID]:
    return ()


@dataclass(frozen=True)
class Installation:
    """Databases by service, all five of them.

    Attributes:
        audit_key: what seals the heads of grading's audit trails.
        dead_letters: ids of the messages known to wait among the dead: they are not lost.
    """

    databases: Mapping[str, Database]
    objects: Objects
    audit_key: str = field(repr=False)
    dead_letters: Callable[[], Collection[UUID]] = _none
    documents: Documents = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "documents", Documents(self.objects))

    @classmethod
    def of(cls, settings: Settings) -> Installation:
        urls = {service: getattr(settings, f"{service}_database_url") for service in SERVICES}
        return cls(_databases(urls), Objects.of(settings), settings.audit_key)

    @classmethod
    def embedded(cls, directory: Path) -> Installation:
        """That of a running ``python -m demo --data <directory>``.

        Raises:
            ServerFailed: nothing was ever kept there.
        """
        postgres = Postgres(directory / "postgres", durable=True).recall()
        store = ObjectStore(directory / "objects", durable=True).recall()
        objects = Objects(store.endpoint, store.access_key, store.secret_key, store.bucket)
        key = (directory / "audit-key").read_text()
        return cls(_databases({service: postgres.url(service, READER) for service in SERVICES}), objects, key)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Read-only connections, opened when first used and kept to the end: each statement sees what is there then."""
        with ExitStack() as opened:
            connections: dict[str, sa.Connection] = {}

            def reader(service: str) -> sa.Connection:
                if service not in connections:
                    connections[service] = opened.enter_context(self.databases[service].reading())
                return connections[service]

            yield reader

    def close(self) -> None:
        for database in self.databases.values():
            database.close()
        self.objects.close()


def _databases(urls: Mapping[str, str]) -> dict[str, Database]:
    """Few connections, and time for whole pages: nobody waits for them, and they hold nothing while they are idle."""
    return {
        service: Database(
            url,
            service=service,
            pool_size=1,
            max_overflow=1,
            statement_timeout_ms=PATIENCE_MS,
            idle_timeout_ms=PATIENCE_MS,
        )
        for service, url in urls.items()
    }


_UNSENT = """
    SELECT id, format('%s is due and was not sent', type) FROM outbox
    WHERE {id} AND sent_at IS NULL AND not_before < clock_timestamp() - make_interval(secs => :settled_after_s)
"""
# Every row still kept counts, sent or not: what a message names is kept until whoever hears it names it, and longer.
_IN_MESSAGES = """
    SELECT id::text, named ->> 'key', (named ->> 'size')::bigint
    FROM outbox, jsonb_path_query(data, 'strict $.** ? (exists (@.key) && exists (@.sha256) && exists (@.media_type))')
        named
    WHERE {id}
"""
OUTBOX = Subjects(
    "outbox", type="bigint", checks=(Check("I7", "what is due is sent", _UNSENT),), objects=(_IN_MESSAGES,)
)
INBOX = Subjects("inbox", key="message_id")


def subjects(service: str) -> tuple[Subjects, ...]:
    """All that a service's database holds and that can be looked at, its messages last."""
    own: tuple[Subjects, ...] = import_module(f"services.{service}.invariants").SUBJECTS
    return (*own, OUTBOX, INBOX)
