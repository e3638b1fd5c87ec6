"""What the databases themselves must refuse, found in PostgreSQL's catalogue (I16)."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from oversight.installation import SERVICES, Installation, append_only
from oversight.report import Finding

_DELETING_KEYS = sa.text(
    "SELECT conrelid::regclass::text || '.' || conname FROM pg_constraint"
    " WHERE contype = 'f' AND confdeltype NOT IN ('r', 'a')"
)
# tgtype: 1 each row, 2 before, 8 delete, 16 update, 32 truncate; tgenabled: always, or for everybody but replicas
_GUARDED = sa.text(
    "SELECT tgrelid::regclass::text, bit_or(tgtype::integer & 56) FROM pg_trigger"
    " WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgtype::integer & 2 = 2 GROUP BY tgrelid"
)
_CHANGES = {8: "deleted", 16: "changed", 32: "truncated"}


def look(installation: Installation) -> Iterator[Finding]:
    """Foreign keys that delete, and append-only tables that are not."""
    for service in SERVICES:
        with installation.databases[service].reading() as sql:
            for (key,) in sql.execute(_DELETING_KEYS):
                yield Finding("I16", service, key, "deleting what it points to would delete or change rows")
            tables = append_only(service)
            guarded: dict[str, int] = {row[0]: row[1] for row in sql.execute(_GUARDED)} if tables else {}
        for table in tables:
            for bit, what in _CHANGES.items():
                if not guarded.get(table, 0) & bit:
                    yield Finding("I16", service, table, f"its rows can be {what}, they are only to be added to")
