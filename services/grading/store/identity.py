"""Headers as read, and whose copy is whose. Only staff's use cases read this; marking never does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONPATH, insert
from sqlalchemy.exc import IntegrityError

from chassis.db import UnitOfWork
from services.grading.domain.identity import Candidate
from services.grading.domain.seating import Place
from services.grading.domain.verdict import DOUBTS, Doubt
from services.grading.store.tables import candidates, copies, exams, identifications, matching_due

DecidedBy = Literal["person", "machine"]

_header = sa.func.jsonb_path_query_first(
    copies.c.pages, sa.cast('$[*].header_image ? (@.type() == "object")', JSONPATH)
).label("header")
_kinds = sa.func.jsonb_path_query_array(
    identifications.c.fields, sa.cast('$[*] ? (@.letters.type() == "string").kind', JSONPATH)
).label("kinds")
_columns = [
    copies.c.id,
    copies.c.exam_id,
    copies.c.anonymous_id,
    copies.c.candidate_id,
    identifications.c.outcome,
    identifications.c.lines,
    identifications.c.ranked,
    identifications.c.ranked_for,
    identifications.c.decided_by,
    identifications.c.probability,
    identifications.c.doubt,
    _kinds,
    _header,
]
_query = sa.select(*_columns).join_from(copies, identifications, identifications.c.copy_id == copies.c.id, isouter=True)


def readings(sql: sa.Connection, exam_id: UUID, *, pending_only: bool) -> list[Any]:
    """Copies of an exam with what was read from their header and its image, in the order of anonymous ids.

    ``kinds`` are those of the fields that were read by letters.

    Pending are those without a candidate, and those whose candidate a person should look at again.
    """
    query = _query.where(copies.c.exam_id == exam_id).order_by(copies.c.anonymous_id)
    if pending_only:
        doubtful = identifications.c.doubt.in_(sorted(DOUBTS))
        query = query.where(sa.or_(copies.c.candidate_id.is_(None), doubtful))
    return list(sql.execute(query))


def standing(sql: sa.Connection, exam_id: UUID) -> dict[str, int]:
    """How many of the exam's ``copies`` are ``identified``, and ``by_machine``, ``doubtful``, ``unread``."""
    identified = copies.c.candidate_id.is_not(None)
    counts = {
        "copies": sa.true(),
        "identified": identified,
        "by_machine": sa.and_(identified, identifications.c.decided_by == "machine"),
        "doubtful": identifications.c.doubt.in_(sorted(DOUBTS)),
        "unread": identifications.c.outcome.is_distinct_from("done"),
    }
    query = sa.select(*(sa.func.count().filter(which).label(name) for name, which in counts.items()))
    query = query.select_from(copies.outerjoin(identifications, identifications.c.copy_id == copies.c.id))
    return dict(sql.execute(query.where(copies.c.exam_id == exam_id)).mappings().one())


def letters(sql: sa.Connection, copy_ids: Sequence[UUID]) -> list[Any]:
    """What was read of these copies, in full: (``copy_id``, ``paper_revision``, ``fields``, ``lines``)."""
    columns = ("copy_id", "paper_revision", "fields", "lines")
    query = sa.select(*(identifications.c[name] for name in columns))
    return list(sql.execute(query.where(identifications.c.copy_id.in_(copy_ids))))


def places(sql: sa.Connection, exam_id: UUID) -> dict[UUID, Place]:
    """Where in which scan the first page of each copy lies. Never for markers: piles are in the order of names."""
    source = copies.c.pages[0]["source"]
    query = sa.select(
        copies.c.id, source["upload"]["sha256"].astext.label("pile"), source["side_no"].as_integer().label("side_no")
    )
    rows = sql.execute(query.where(copies.c.exam_id == exam_id).order_by(copies.c.id))
    return {row.id: Place(row.pile, row.side_no) for row in rows}


def reading(sql: sa.Connection, copy_id: UUID) -> Any:
    return sql.execute(_query.where(copies.c.id == copy_id)).one()


def roster(sql: sa.Connection, exam_id: UUID) -> list[Any]:
    """Candidates by name, each with the ``copy_id`` identified as theirs."""
    theirs = sa.and_(copies.c.candidate_id == candidates.c.id, copies.c.exam_id == candidates.c.exam_id)
    query = (
        sa.select(candidates, copies.c.id.label("copy_id"))
        .join_from(candidates, copies, theirs, isouter=True)
        .where(candidates.c.exam_id == exam_id)
        .order_by(candidates.c.last_name, candidates.c.first_name, candidates.c.id)
    )
    return list(sql.execute(query))


def as_candidates(rows: Sequence[Any]) -> list[Candidate[UUID]]:
    return [Candidate(row.id, row.last_name, row.first_name, row.ine, row.class_name, row.birth_date) for row in rows]


def is_candidate(sql: sa.Connection, exam_id: UUID, candidate_id: UUID) -> bool:
    query = sa.select(candidates.c.id).where(candidates.c.id == candidate_id, candidates.c.exam_id == exam_id)
    return sql.execute(query).one_or_none() is not None


def keep_reading(uow: UnitOfWork, copy_id: UUID, paper_revision: int, **said: Any) -> bool:
    """Store the answer about this paper; ``False`` when other paper lies there by now, or no such copy.

    ``said`` are ``outcome``, ``engine``, ``lines`` and ``fields``. Whom the header fits is to be found again.
    """
    statement = (
        identifications.update()
        .where(identifications.c.copy_id == copy_id, identifications.c.paper_revision == paper_revision)
        .values(**said, ranked=None, ranked_for=None, updated_at=sa.func.clock_timestamp())
    )
    return uow.sql.execute(statement).rowcount == 1


def keep_rankings(
    uow: UnitOfWork, rankings: Mapping[UUID, tuple[int, Sequence[tuple[UUID, float]]]], roster: str
) -> None:
    """Remember whom each header of this paper revision fits on this roster; nobody when it says nothing."""
    statement = (
        identifications.update()
        .where(
            identifications.c.copy_id == sa.bindparam("which"),
            identifications.c.paper_revision == sa.bindparam("revision"),
        )
        .values(ranked=sa.bindparam("best", type_=identifications.c.ranked.type), ranked_for=roster)
    )
    rows = [
        {
            "which": copy_id,
            "revision": revision,
            "best": [[str(which), nats] for which, nats in ranked],
        }
        for copy_id, (revision, ranked) in sorted(rankings.items())
    ]
    uow.sql.execute(statement, rows)


def expect_matching(uow: UnitOfWork, exam_id: UUID) -> None:
    """The exam's copies are to be matched with its roster again, by the clock."""
    uow.sql.execute(insert(matching_due).values(exam_id=exam_id).on_conflict_do_nothing())


def expect_matching_of(uow: UnitOfWork, copy_id: UUID) -> None:
    source = sa.select(copies.c.exam_id).where(copies.c.id == copy_id)
    uow.sql.execute(insert(matching_due).from_select(["exam_id"], source).on_conflict_do_nothing())


def matching_done(uow: UnitOfWork, exam_id: UUID) -> None:
    uow.sql.execute(matching_due.delete().where(matching_due.c.exam_id == exam_id))


def due(sql: sa.Connection, patience_s: float) -> list[UUID]:
    """Exams to be matched again whose headers were all read, or have waited ``patience_s`` for one that was not."""
    since = sa.func.clock_timestamp() - sa.func.make_interval(0, 0, 0, 0, 0, 0, patience_s)
    awaited = (
        sa.exists()
        .where(copies.c.exam_id == matching_due.c.exam_id, identifications.c.copy_id == copies.c.id)
        .where(identifications.c.outcome.is_(None))
    )
    query = sa.select(matching_due.c.exam_id).where(sa.or_(~awaited, matching_due.c.since < since))
    return list(sql.execute(query.order_by(matching_due.c.since)).scalars())


def hold_open(uow: UnitOfWork, exam_id: UUID) -> Any:
    """The exam, if its copies may get other candidates: it is neither published nor deleted, until this ends."""
    held = sa.select(exams).where(exams.c.id == exam_id, exams.c.published_at.is_(None), exams.c.deleted_at.is_(None))
    return uow.sql.execute(held.with_for_update(key_share=True)).one_or_none()


def keep_verdicts(uow: UnitOfWork, verdicts: Mapping[UUID, tuple[float, Doubt | None]]) -> None:
    """How probable the likeliest candidate of each copy is, and what a person should look at again."""
    if not verdicts:
        return
    doubt = sa.bindparam("reason", type_=sa.Text)
    statement = (
        identifications.update()
        .where(identifications.c.copy_id == sa.bindparam("which"))
        .values(
            probability=sa.bindparam("chance"),
            doubt=sa.case((identifications.c.doubt == "dismissed", identifications.c.doubt), else_=doubt),
        )
    )
    rows = [
        {"which": copy_id, "chance": chance, "reason": reason} for copy_id, (chance, reason) in sorted(verdicts.items())
    ]
    uow.sql.execute(statement, rows)


def match(uow: UnitOfWork, given: Mapping[UUID, UUID | None]) -> None:
    """Give copies the candidates that the matching found, or none; nobody else changes this exam meanwhile."""
    if not given:
        return
    statement = (
        copies.update()
        .where(copies.c.id == sa.bindparam("which"))
        .values(
            candidate_id=sa.bindparam("candidate", type_=sa.Uuid),
            version=copies.c.version + 1,
            updated_at=sa.func.clock_timestamp(),
        )
    )
    uow.sql.execute(statement, [{"which": which, "candidate": candidate} for which, candidate in given.items()])
    found = [which for which, candidate in given.items() if candidate is not None]
    decide(uow, found, "machine")
    decide(uow, [which for which, candidate in given.items() if candidate is None], None)


def decide(uow: UnitOfWork, copy_ids: Sequence[UUID], by: DecidedBy | None, doubt: str | None = None) -> None:
    """Who is answerable for the candidates of these copies from now on, and the doubt that is left."""
    statement = identifications.update().where(identifications.c.copy_id.in_(copy_ids))
    uow.sql.execute(statement.values(decided_by=by, doubt=doubt))


def unread(sql: sa.Connection, after_s: float) -> list[UUID]:
    """Copies whose header was to be read more than ``after_s`` seconds ago."""
    since = sa.func.clock_timestamp() - sa.func.make_interval(0, 0, 0, 0, 0, 0, after_s)
    query = sa.select(identifications.c.copy_id).where(
        identifications.c.outcome.is_(None), identifications.c.updated_at < since
    )
    return list(sql.execute(query.order_by(identifications.c.copy_id)).scalars())


def failed(sql: sa.Connection, exam_id: UUID) -> list[UUID]:
    """Copies without a candidate whose header is there and could not be read, in the order of their ids."""
    given_up = identifications.c.outcome.not_in(["done", "no_header"])
    return _copies(sql, exam_id, given_up, copies.c.candidate_id.is_(None))


def undecided(sql: sa.Connection, exam_id: UUID) -> list[UUID]:
    """Copies that no person identified, in the order of their ids."""
    return _copies(sql, exam_id, identifications.c.decided_by.is_distinct_from("person"))


def _copies(sql: sa.Connection, exam_id: UUID, *which: sa.ColumnElement[bool]) -> list[UUID]:
    query = sa.select(copies.c.id).join_from(copies, identifications, identifications.c.copy_id == copies.c.id)
    return list(sql.execute(query.where(copies.c.exam_id == exam_id, *which).order_by(copies.c.id)).scalars())


def stop_waiting(uow: UnitOfWork, copy_id: UUID) -> int | None:
    """Let no answer be the outcome; the paper it was about, or ``None`` when an answer came meanwhile."""
    statement = (
        identifications.update()
        .where(identifications.c.copy_id == copy_id, identifications.c.outcome.is_(None))
        .values(outcome="timeout", updated_at=sa.func.clock_timestamp())
        .returning(identifications.c.paper_revision)
    )
    return uow.sql.execute(statement).scalar_one_or_none()


def identify(uow: UnitOfWork, copy_id: UUID, candidate_id: UUID | None) -> bool:
    """Say whose copy this is; ``False`` when the candidate has one already. The unique index decides, not a look."""
    statement = (
        copies.update()
        .where(copies.c.id == copy_id)
        .values(candidate_id=candidate_id, version=copies.c.version + 1, updated_at=sa.func.clock_timestamp())
    )
    try:
        with uow.sql.begin_nested():
            uow.sql.execute(statement)
    except IntegrityError as error:
        if getattr(getattr(error.orig, "diag", None), "constraint_name", None) != "uq_copies_candidate":
            raise
        return False
    return True


def copy_of(sql: sa.Connection, exam_id: UUID, candidate_id: UUID) -> Any:
    """(``id``, ``anonymous_id``, ``decided_by``) of the candidate's copy, ``None`` without one."""
    query = (
        sa.select(copies.c.id, copies.c.anonymous_id, identifications.c.decided_by)
        .join_from(copies, identifications, identifications.c.copy_id == copies.c.id, isouter=True)
        .where(copies.c.exam_id == exam_id, copies.c.candidate_id == candidate_id)
    )
    return sql.execute(query).one_or_none()
