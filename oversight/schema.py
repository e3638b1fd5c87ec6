"""What the databases themselves must refuse, found in PostgreSQL's catalogue (I16)."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from chassis.roles import append_only
from oversight.installation import SERVICES, Reader
from oversight.report import Finding

# Deleting keys, and for each table what a trigger refuses to everybody but replicas (tgtype: 2 before, 8 delete,
# 16 update, 32 truncate).
_CATALOGUE = sa.text(
    "SELECT conrelid::regclass::text AS name, conname, 0 AS refused FROM pg_constraint"
    " WHERE contype = 'f' AND confdeltype NOT IN ('r', 'a')"
    " UNION ALL SELECT tgrelid::regclass::text, NULL, bit_or(tgtype::integer & 56) FROM pg_trigger"
    " WHERE NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgtype::integer & 2 = 2 GROUP BY tgrelid"
)
_CHANGES = {8: "deleted", 16: "changed", 32: "truncated"}


def look(read: Reader) -> Iterator[Finding]:
    """Foreign keys that delete, and append-only tables that are not."""
    for service in SERVICES:
        refused: dict[str, int] = {}
        for row in read(service).execute(_CATALOGUE):
            if row.conname is None:
                refused[row.name] = row.refused
            else:
                what = f"{row.name}.{row.conname}"
                yield Finding("I16", service, what, "deleting what it points to would delete or change rows")
        for table in append_only(service):
            for bit, what in _CHANGES.items():
                if not refused.get(table, 0) & bit:
                    yield Finding("I16", service, table, f"its rows can be {what}, they are only to be added to")
