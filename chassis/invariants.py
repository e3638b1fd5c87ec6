"""What must hold in one database: each service says it in SQL that only reads, and ``oversight`` looks.

Subjects (the rows of one table) are looked at page by page in the order of their keys. All checks of a page take one
statement each, however many subjects it has, so a look costs the same whether there is one copy or a thousand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa

_IN_PAGE = re.compile(r"\{(\w+(?:\.\w+)?)\}")
_FIRST = {"uuid": "00000000-0000-0000-0000-000000000000", "bigint": "0", "text": ""}
"""Below every key of that type."""

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
        objects: SQL that selects subject, key and size of every object that the rows of a page name, also inside JSON.
    """

    table: str
    key: str = "id"
    type: str = "uuid"
    checks: tuple[Check, ...] = ()
    objects: tuple[str, ...] = ()

    @property
    def first(self) -> str:
        return _FIRST[self.type]

    def bounds(self, sql: sa.Connection, after: str, limit: int) -> tuple[int, str]:
        """How many subjects the page after ``after`` has, at most ``limit``, and the key of its last."""
        query = (
            f"SELECT count(*), (array_agg(key ORDER BY key DESC))[1]::text FROM (SELECT {self.key} AS key"  # noqa: S608  # our names
            f" FROM {self.table} WHERE {self.key} > CAST(:after AS {self.type})"
            f" ORDER BY {self.key} LIMIT CAST(:limit AS integer)) page"
        )
        count, last = sql.execute(sa.text(query), {"after": after, "limit": limit}).one()
        return count, after if last is None else last

    def breaches(self, sql: sa.Connection, check: Check, page: Page) -> list[Breach]:
        if not isinstance(check.find, str):
            return list(check.find(sql, page))
        return [Breach(str(subject), what) for subject, what in sql.execute(*self.query(check.find, page))]

    def named(self, sql: sa.Connection, page: Page) -> Iterator[Named]:
        """Every object the page's rows name; one that is named twice comes twice."""
        for query in self.objects:
            for subject, key, size in sql.execute(*self.query(query, page)):
                yield Named(str(subject), key, size)

    def query(self, text: str, page: Page) -> tuple[sa.TextClause, dict[str, object]]:
        """A statement of this page and its parameters."""
        within = rf"(\1 > CAST(:after AS {self.type}) AND \1 <= CAST(:last AS {self.type}))"
        statement = sa.text(_IN_PAGE.sub(within, text))
        known = vars(page)
        return statement, {name: known[name] for name in statement._bindparams}  # noqa: SLF001  # the names it uses


def objects_in(table: str, *columns: str, key: str = "id") -> str:
    """SQL for ``Subjects.objects``: the objects named by JSON ``columns``, wherever in them."""
    documents = ", ".join(columns)
    return (
        f"SELECT {key}, named ->> 'key', (named ->> 'size')::bigint"  # noqa: S608  # our names
        f" FROM {table}, jsonb_path_query(jsonb_build_array({documents}), '{_NAMED}') named WHERE {{{key}}}"
    )
