"""What must hold in one database: each service says it in SQL that only reads, and ``oversight`` looks.

Subjects (the rows of one table) are looked at page by page in the order of their keys. All checks of a page take one
statement each, however many subjects it has, so a look costs the same whether there is one copy or a thousand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa

_IN_PAGE = re.compile(r"\{(\w+(?:\.\w+)?)\}")
_FIRST = {"uuid": "00000000-0000-0000-0000-000000000000", "bigint": "0", "text": ""}
_LAST = {"uuid": "ffffffff-ffff-ffff-ffff-ffffffffffff", "bigint": str(2**63 - 1), "text": "~"}
"""Below and above every key of that type; keys that are text are digests."""

# Any object in a JSON value that looks like a contracts.objects.ObjectRef, however deep.
_NAMED = "strict $.** ? (exists (@.key) && exists (@.sha256) && exists (@.media_type))"


class Breach(NamedTuple):
    """One subject that is not as it must be. ``what`` is a plain sentence without personal data."""

    subject: str
    what: str


class Named(NamedTuple):
    """An object that a row names; ``size`` in bytes."""

    subject: str
    key: str
    size: int


@dataclass(frozen=True)
class Page:
    """Subjects after ``after`` up to ``last``, and what counts as overdue.

    Attributes:
        settled_after_s: what is older must have been told, heard and applied.
        unended_after_s: what was finalised longer ago must have come to an end.
    """

    after: str
    last: str
    settled_after_s: float = 900
    unended_after_s: float = 3600


Find = Callable[[sa.Connection, Page], Iterable[Breach]]


@dataclass(frozen=True)
class Check:
    """``find`` yields what breaks ``rule`` on a page: a function, or SQL that selects a subject's id and a sentence.

    In the SQL ``{column}`` stands for "this column lies in the page"; ``:settled_after_s`` and ``:unended_after_s`` are
    the page's.
    """

    invariant: str
    rule: str
    find: str | Find


@dataclass(frozen=True)
class Subjects:
    """The rows of one table, by a key of type ``uuid``, ``bigint`` or ``text``.

    Args:
        objects: SQL that selects subject (as text), key and size of every object that a page's rows name, also in JSON.
    """

    table: str
    key: str = "id"
    type: str = "uuid"
    checks: tuple[Check, ...] = ()
    objects: tuple[str, ...] = ()

    @property
    def first(self) -> str:
        return _FIRST[self.type]

    @property
    def last(self) -> str:
        return _LAST[self.type]

    def bounds(self, sql: sa.Connection, after: str, limit: int) -> tuple[int, str]:
        """How many subjects the page after ``after`` has, at most ``limit``, and the key of its last."""
        query = (
            f"SELECT count(*), (array_agg(key ORDER BY key DESC))[1]::text FROM (SELECT {self.key} AS key"  # noqa: S608  # our names
            f" FROM {self.table} WHERE {self.key} > CAST(:after AS {self.type})"
            f" ORDER BY {self.key} LIMIT CAST(:limit AS integer)) page"
        )
        count, last = sql.execute(sa.text(query), {"after": after, "limit": limit}).one()
        return count, after if last is None else last

    def breaches(self, sql: sa.Connection, page: Page) -> Iterator[tuple[Check, Breach]]:
        """What is wrong with the subjects of a page. All that is said in SQL is asked at once."""
        asked = [check for check in self.checks if isinstance(check.find, str)]
        parts = (
            f"SELECT {place}, subject::text, what FROM ({check.find}) AS found_{place} (subject, what)"  # noqa: S608  # our SQL
            for place, check in enumerate(asked)
        )
        if asked:
            for place, subject, what in self.select(sql, " UNION ALL ".join(parts), page):
                yield asked[place], Breach(subject, what)
        for check in self.checks:
            if not isinstance(check.find, str):
                for each in check.find(sql, page):
                    yield check, each

    def named(self, sql: sa.Connection, page: Page) -> Iterator[Named]:
        """Every object the page's rows name; one that is named twice comes twice."""
        for subject, key, size in self.select(sql, " UNION ALL ".join(self.objects), page):
            yield Named(subject, key, size)

    def select(self, sql: sa.Connection, text: str, page: Page) -> Sequence[Any]:
        """The rows of a page; in ``text`` stands what may stand in the SQL of a check."""
        statement = _statement(text, self.type)
        known = vars(page)
        return sql.execute(statement, {name: known[name] for name in statement._bindparams}).all()  # noqa: SLF001  # its names


@lru_cache
def _statement(text: str, key_type: str) -> sa.TextClause:
    within = rf"(\1 > CAST(:after AS {key_type}) AND \1 <= CAST(:last AS {key_type}))"
    return sa.text(_IN_PAGE.sub(within, text))


def count(sql: sa.Connection, groups: Sequence[Subjects], limit: int) -> dict[str, int]:
    """How many subjects each table has, counted up to ``limit``, in one statement."""
    each = (f"(SELECT count(*) FROM (SELECT FROM {group.table} LIMIT {limit}) t)" for group in groups)  # noqa: S608  # our names
    counts = sql.execute(sa.text("SELECT " + ", ".join(each))).one()
    return dict(zip((group.table for group in groups), counts, strict=True))


def objects_in(table: str, *columns: str, key: str = "id") -> str:
    """SQL for ``Subjects.objects``: the objects named by JSON ``columns``, wherever in them."""
    documents = ", ".join(columns)
    return (
        f"SELECT {key}::text, named ->> 'key', (named ->> 'size')::bigint"  # noqa: S608  # our names
        f" FROM {table}, jsonb_path_query(jsonb_build_array({documents}), '{_NAMED}') named WHERE {{{key}}}"
    )
