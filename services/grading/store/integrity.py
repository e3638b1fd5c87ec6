"""Whether the audit trail is whole and the tables are what it says. Reads only, and while the service runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from pydantic import ValidationError

from services.grading.domain.audit import Event, Head, fault, sha256
from services.grading.domain.marking import annotation_digest
from services.grading.domain.replay import BEGINNINGS, Rows, differences, replay
from services.grading.domain.results import points
from services.grading.store import audit, marking, publications, tables

Chain = list[tuple[Event, str]]


class Broken(NamedTuple):
    """A copy or an exam of which something is not as it was written; ``reason`` names no person."""

    subject_id: UUID
    reason: str


def broken(
    sql: sa.Connection, key: str, *, after: UUID | None = None, limit: int = 200
) -> tuple[list[Broken], UUID | None]:
    """Look at up to ``limit`` subjects beyond ``after``, in the order of their ids; a constant number of statements.

    ``sql`` is of ``Database.reading(snapshot=True)``: trail and tables must be seen at one moment. ``key`` is what the
    service seals with.

    Returns:
        What is wrong, and where to go on; ``None`` after the last subject.
    """
    if sql.execute(sa.text("SHOW transaction_isolation")).scalar_one() == "read committed":
        raise ValueError("the trail and the tables must be read in one snapshot")
    subjects = _subjects(sql, after, limit)
    chains: dict[UUID, Chain] = {subject: [] for subject in subjects}
    for row in sql.execute(_among(tables.audit, "subject_id", subjects).order_by(tables.audit.c.seq)):
        chains[row.subject_id].append(audit.with_digest(row))
    heads = {row["subject_id"]: Head(**row) for row in _rows(sql, tables.audit_heads, "subject_id", subjects)}
    stored = _stored(sql, subjects)
    found = []
    for subject, chain in chains.items():
        wrong = fault(key, chain, heads.get(subject))
        reasons = [wrong] if wrong else _against_trail(chain, stored[subject])
        found += [Broken(subject, reason) for reason in reasons]
    return found, subjects[-1] if len(subjects) == limit else None


def _against_trail(chain: Chain, stored: Rows) -> list[str]:
    events = [event for event, _ in chain]
    if events[0].action not in BEGINNINGS:
        return ["its trail has no beginning"]
    return differences(replay(events), stored)


def _subjects(sql: sa.Connection, after: UUID | None, limit: int) -> list[UUID]:
    """Ids of all that has a trail or ought to have one."""
    parts = []
    for column in (tables.exams.c.id, tables.copies.c.id, tables.audit_heads.c.subject_id, tables.audit.c.subject_id):
        part = sa.select(column.label("id")).distinct().order_by(column).limit(limit)
        parts.append(part if after is None else part.where(column > after))
    every = sa.union(*(sa.select(part.subquery()) for part in parts)).subquery()
    return list(sql.execute(sa.select(every.c.id).order_by(every.c.id).limit(limit)).scalars())


def _stored(sql: sa.Connection, subjects: Sequence[UUID]) -> defaultdict[UUID, Rows]:
    """The rows of every subject as ``replay`` tells them."""
    found: defaultdict[UUID, Rows] = defaultdict(dict)
    for row in _rows(sql, tables.copies, "id", subjects):
        found[row["id"]]["copies", row["id"]] = _copy(row)
    for row in _rows(sql, tables.marks, "copy_id", subjects):
        texts = {"remarks": row["remarks"], "appraisal": row["appraisal"]}
        found[row["copy_id"]]["marks", row["copy_id"]] = row | {"texts_sha256": sha256(texts)}
    for row in _rows(sql, tables.annotations, "copy_id", subjects):
        pinned = {"sha256": _annotation(row), "removed": row["deleted_at"] is not None}
        found[row["copy_id"]]["annotations", row["id"]] = row | pinned
    for row in _rows(sql, tables.results, "copy_id", subjects):
        digests = {f"{name}_sha256": _sha256_of(row[name]) for name in ("record", "document")}
        found[row["copy_id"]]["results", row["revision"]] = row | digests
    for row in _rows(sql, tables.reopenings, "copy_id", subjects):
        found[row["copy_id"]]["reopenings", row["revision"]] = row | {"reason_sha256": sha256(row["reason"])}
    for row in _rows(sql, tables.exams, "id", subjects):
        found[row["id"]]["exams", row["id"]] = row | {"title_sha256": sha256(row["title"])}
    for row in _rows(sql, tables.schemes, "exam_id", subjects):
        rules = {"sha256": sha256([row["nodes"], points(row["step"])])}
        found[row["exam_id"]]["schemes", row["version"]] = row | rules
    for row in _rows(sql, tables.publications, "exam_id", subjects):
        found[row["exam_id"]]["publications", row["publication"]] = row
    for (exam_id, publication), shown in publications.shown(sql, subjects).items():
        found[exam_id]["published_copies", publication] = {"copies": len(shown), "sha256": sha256(shown)}
    return found


def _copy(row: dict[str, Any]) -> dict[str, Any]:
    message, marker = row["error_message"], row["marker"]
    return row | {
        "manifest_sha256": _sha256_of(row["manifest"]),
        "paper_sha256": sha256([row["manifest"], row["pages"]]),
        "record_sha256": _sha256_of(row["record"]),
        "message_sha256": None if message is None else sha256(message),
        "marker_sha256": None if marker is None else sha256(marker),
    }


def _annotation(row: dict[str, Any]) -> str | None:
    try:
        return annotation_digest(marking.view_of(row))
    except ValidationError:  # nothing of ours wrote that
        return None


def _sha256_of(reference: Any) -> Any:
    """Of an object's reference as stored; ``None`` where there is none or it is none."""
    return reference.get("sha256") if isinstance(reference, dict) else None


def _among(table: sa.Table, column: str, subjects: Iterable[UUID]) -> sa.Select[Any]:
    return sa.select(table).where(table.c[column] == sa.any_(sa.literal(list(subjects), sa.ARRAY(sa.Uuid))))


def _rows(sql: sa.Connection, table: sa.Table, column: str, subjects: Iterable[UUID]) -> list[dict[str, Any]]:
    return [dict(row) for row in sql.execute(_among(table, column, subjects)).mappings()]
