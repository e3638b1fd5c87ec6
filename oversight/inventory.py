"""What the store holds beside what rows name, in a temporary database: memory stays small, whatever the store holds.

The order matters while the system works: the store is listed *before* the rows are read. What was listed and named
later is thus seen as named, and what is named and missing in the list is asked for once more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from chassis.invariants import Page, Subjects
from chassis.objects import StoredObject
from oversight.installation import SERVICES, Installation, Reader, subjects

PAGE = 1000
BIN = "bin/"
"""Before the key an object had; see ``garbage``."""
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

    def unnamed(self, before: datetime) -> Iterator[StoredObject]:
        """Listed, older than ``before`` and named by nobody; not what lies in the bin."""
        query = (
            "SELECT key, size, modified FROM stored s WHERE key NOT LIKE 'bin/%' AND modified < ?"
            " AND NOT EXISTS (SELECT 1 FROM named n WHERE n.key = s.key)"
        )
        for key, size, modified in self._each(query, before.timestamp()):
            yield StoredObject(key, size, datetime.fromtimestamp(modified, UTC))

    # The bin. Keys are those the objects had.

    def to_restore(self) -> Iterator[tuple[str, int]]:
        """Named, not where it should be, and in the bin."""
        query = (
            "SELECT DISTINCT n.key AS key, b.size AS size FROM named n JOIN stored b ON b.key = 'bin/' || n.key"
            " WHERE NOT EXISTS (SELECT 1 FROM stored s WHERE s.key = n.key)"
        )
        return self._each(query)

    def to_remove(self, before: datetime) -> Iterator[tuple[str, int]]:
        """In the bin since ``before`` and not needed: nobody names it, or it is where it should be."""
        query = (
            "SELECT substr(b.key, 5) AS key, b.size AS size FROM stored b WHERE b.key LIKE 'bin/%' AND b.modified < ?"
            " AND (NOT EXISTS (SELECT 1 FROM named n WHERE n.key = substr(b.key, 5))"
            " OR EXISTS (SELECT 1 FROM stored s WHERE s.key = substr(b.key, 5)))"
        )
        return self._each(query, before.timestamp())

    def in_bin(self) -> tuple[int, int]:
        """Objects, bytes."""
        query = "SELECT count(*), coalesce(sum(size), 0) FROM stored WHERE key LIKE 'bin/%'"
        objects, size = self._sqlite.execute(query).fetchone()
        return objects, size

    def appeared(self, key: str, size: int) -> None:
        self._sqlite.execute("INSERT OR REPLACE INTO stored VALUES (?, ?, ?)", (key, size, float("inf")))

    def vanished(self, key: str) -> None:
        self._sqlite.execute("DELETE FROM stored WHERE key = ?", (key,))

    def _each(self, query: str, *values: float) -> Iterator[Any]:
        """The rows, in pages by key: what is changed on the way does not disturb what follows."""
        page = f"SELECT * FROM ({query}) AS q WHERE q.key > ? ORDER BY q.key LIMIT {PAGE}"  # noqa: S608  # our SQL
        after = ""
        while rows := self._sqlite.execute(page, (*values, after)).fetchall():
            yield from rows
            after = rows[-1][0]

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
