"""What the store holds beside what rows name, in a temporary database: memory stays small, whatever the store holds.

The order matters while the system works: the store is listed *before* the rows are read. What was listed and named
later is thus seen as named, and what is named and missing in the list is asked for once more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import sqlalchemy as sa

from chassis.invariants import Page, Subjects
from chassis.objects import StoredObject
from oversight.installation import SERVICES, Installation, Reader, subjects

PAGE = 1000
_TABLES = """
    CREATE TABLE stored (key TEXT PRIMARY KEY, size INTEGER, modified REAL) WITHOUT ROWID;
    CREATE TABLE named (key TEXT, size INTEGER, service TEXT, subject TEXT, PRIMARY KEY (key, size)) WITHOUT ROWID;
"""


class Reference(NamedTuple):
    """An object, and the first row found that names it."""

    key: str
    size: int
    service: str
    subject: str


class Inventory:
    """Lists and sets of keys; each reads as it is when it is iterated."""

    def __init__(self) -> None:
        self._sqlite = sqlite3.connect("")  # a file of its own that vanishes with it, in memory while small
        self._sqlite.executescript(_TABLES)

    def close(self) -> None:
        self._sqlite.close()

    def list(self, installation: Installation, prefix: str = "") -> None:
        rows = ((each.key, each.size, each.modified.timestamp()) for each in installation.objects.list(prefix))
        self._sqlite.executemany("INSERT OR REPLACE INTO stored VALUES (?, ?, ?)", rows)

    def read_names(self, read: Reader) -> None:
        """Every object any row of any service names; again finds what was added meanwhile."""
        for service in SERVICES:
            for each in subjects(service):
                if each.objects:
                    self._sqlite.executemany(
                        "INSERT OR IGNORE INTO named VALUES (?, ?, ?, ?)", _named(read(service), service, each)
                    )

    def missing(self) -> Iterator[Reference]:
        """Named, and not listed with that size."""
        query = (
            "SELECT n.key, n.size, n.service, n.subject FROM named n"
            " WHERE NOT EXISTS (SELECT 1 FROM stored s WHERE s.key = n.key AND s.size = n.size) ORDER BY n.key"
        )
        return (Reference(*row) for row in self._sqlite.execute(query))

    def unnamed(self) -> Iterator[StoredObject]:
        """Listed, and named by nobody; not what lies in the bin."""
        query = (
            "SELECT key, size, modified FROM stored s WHERE key NOT LIKE 'bin/%'"
            " AND NOT EXISTS (SELECT 1 FROM named n WHERE n.key = s.key) ORDER BY key"
        )
        for key, size, modified in self._sqlite.execute(query):
            yield StoredObject(key, size, datetime.fromtimestamp(modified, UTC))

    def named(self, after: str = "") -> Iterator[Reference]:
        """Every object that is named, in the order of keys."""
        query = "SELECT key, size, service, subject FROM named WHERE key > ? ORDER BY key"
        return (Reference(*row) for row in self._sqlite.execute(query, (after,)))

    def count(self) -> tuple[int, int]:
        """Objects listed, objects named."""
        listed, named = self._sqlite.execute(
            "SELECT (SELECT count(*) FROM stored), (SELECT count(DISTINCT key) FROM named)"
        ).fetchone()
        return listed, named


def _named(sql: sa.Connection, service: str, group: Subjects) -> Iterator[tuple[str, int, str, str]]:
    after, count = group.first, PAGE
    while count == PAGE:
        count, last = group.bounds(sql, after, PAGE)
        if count:
            for each in group.named(sql, Page(after, last)):
                yield each.key, each.size, service, each.subject
        after = last
