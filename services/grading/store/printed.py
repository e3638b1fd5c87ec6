"""The printed text of pages and the names found in it. Only staff's use cases read this; marking never does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from chassis.db import UnitOfWork
from services.grading.store.tables import copies, exams, identifications, printed_pages

_clock = sa.func.clock_timestamp()
_checked = sa.and_(exams.c.check_printed_names, exams.c.deleted_at.is_(None), exams.c.published_at.is_(None))
_of_exam = sa.join(printed_pages, copies, copies.c.id == printed_pages.c.copy_id).join(
    exams, exams.c.id == copies.c.exam_id
)
_pages = sa.func.jsonb_array_elements(copies.c.pages).table_valued(sa.column("value", JSONB), name="page")
_page = _pages.c.value
_shown = sa.func.coalesce(  # what markers see of a page
    _page[("masked", "screen", "object", "sha256")].astext, _page[("images", "screen", "object", "sha256")].astext
)


def expect(uow: UnitOfWork, *which: sa.ColumnElement[bool]) -> None:
    """The pages of these copies are to be read that never were, if their exam checks them. Blank ones say nothing."""
    pages = (
        sa.select(copies.c.id, _shown)
        .select_from(sa.join(copies, exams, exams.c.id == copies.c.exam_id).join(_pages, sa.true()))
        .where(exams.c.check_printed_names, _page["blank"].astext == "false", *which)
        .distinct()
    )
    statement = insert(printed_pages).from_select(["copy_id", "image_sha256"], pages)
    uow.sql.execute(statement.on_conflict_do_nothing())


def expect_copy(uow: UnitOfWork, copy_id: UUID) -> None:
    expect(uow, copies.c.id == copy_id)


def expect_exam(uow: UnitOfWork, exam_id: UUID) -> None:
    """Also compare again what was read before."""
    expect(uow, copies.c.exam_id == exam_id)
    roster_changed(uow, exam_id)


def roster_changed(uow: UnitOfWork, exam_id: UUID) -> None:
    """What was read is to be compared with the roster again."""
    theirs = sa.select(copies.c.id).where(copies.c.exam_id == exam_id)
    statement = printed_pages.update().where(printed_pages.c.copy_id.in_(theirs), printed_pages.c.roster_current)
    uow.sql.execute(statement.values(roster_current=False))


def take_unread(uow: UnitOfWork, most: int, again_after_s: float) -> list[Any]:
    """Pages to be asked for now, so that at most ``most`` are waited for; none while a header is to be read.

    What was asked for longer ago than ``again_after_s`` counts as never asked.
    """
    since = _clock - dt.timedelta(seconds=again_after_s)
    waiting = sa.and_(printed_pages.c.outcome.is_(None), _checked)
    free = sa.or_(printed_pages.c.asked_at.is_(None), printed_pages.c.asked_at < since)
    asked = uow.sql.execute(
        sa.select(sa.func.count())
        .select_from(printed_pages)
        .where(printed_pages.c.outcome.is_(None), printed_pages.c.asked_at >= since)
    ).scalar_one()
    query = (
        sa.select(printed_pages.c.copy_id, printed_pages.c.image_sha256)
        .select_from(_of_exam)
        .where(waiting, free)
        .order_by(printed_pages.c.copy_id, printed_pages.c.image_sha256)
        .limit(max(0, most - asked))
        .with_for_update(of=printed_pages, skip_locked=True)
    )
    rows = list(uow.sql.execute(query))
    if not rows or uow.sql.execute(sa.select(sa.exists().where(identifications.c.outcome.is_(None)))).scalar_one():
        return []
    for row in rows:
        uow.sql.execute(printed_pages.update().where(*_is(row.copy_id, row.image_sha256)).values(asked_at=_clock))
    return rows


def forget(uow: UnitOfWork, copy_id: UUID, image_sha256: str) -> None:
    uow.sql.execute(printed_pages.delete().where(*_is(copy_id, image_sha256)))


def keep_words(
    uow: UnitOfWork, copy_id: UUID, image_sha256: str, outcome: str, words: Sequence[Sequence[Any]] | None
) -> bool:
    """``False`` when nobody waits for it any more; a page that was read stays read."""
    statement = (
        printed_pages.update()
        .where(*_is(copy_id, image_sha256), printed_pages.c.outcome.is_distinct_from("done"))
        .values(
            outcome=outcome,
            words=words,
            roster_current=False,
            asked_at=sa.func.coalesce(printed_pages.c.asked_at, _clock),
        )
    )
    return uow.sql.execute(statement).rowcount == 1


def exam_to_compare(sql: sa.Connection) -> UUID | None:
    """An exam with pages that were not compared with its roster."""
    query = sa.select(copies.c.exam_id).select_from(_of_exam).where(_to_compare(), _checked).limit(1)
    return sql.execute(query).scalar_one_or_none()


def to_compare(sql: sa.Connection, exam_id: UUID, most: int) -> list[Any]:
    query = (
        sa.select(printed_pages.c.copy_id, printed_pages.c.image_sha256, printed_pages.c.words)
        .select_from(_of_exam)
        .where(_to_compare(), copies.c.exam_id == exam_id)
        .order_by(printed_pages.c.copy_id, printed_pages.c.image_sha256)
        .limit(most)
    )
    return list(sql.execute(query))


def keep_found(uow: UnitOfWork, copy_id: UUID, image_sha256: str, found: Sequence[Mapping[str, Any]]) -> None:
    statement = printed_pages.update().where(*_is(copy_id, image_sha256))
    uow.sql.execute(statement.values(found=list(found), roster_current=True))


def pages(sql: sa.Connection, *which: sa.ColumnElement[bool]) -> list[Any]:
    """Pages that copies have now, as far as they were to be read, in the order of anonymous ids and pages."""
    number = _page["page_no"].as_integer()
    same = sa.and_(printed_pages.c.copy_id == copies.c.id, printed_pages.c.image_sha256 == _shown)
    query = (
        sa.select(
            copies.c.id.label("copy_id"),
            copies.c.anonymous_id,
            number.label("page_no"),
            *(printed_pages.c[name] for name in ("image_sha256", "outcome", "roster_current", "found", "dismissed")),
        )
        .select_from(sa.join(copies, _pages, sa.true()).join(printed_pages, same))
        .where(*which)
        .order_by(copies.c.anonymous_id, number)
    )
    return list(sql.execute(query))


def pages_of_exam(sql: sa.Connection, exam_id: UUID) -> list[Any]:
    return pages(sql, copies.c.exam_id == exam_id)


def pages_of_copy(sql: sa.Connection, copy_id: UUID) -> list[Any]:
    return pages(sql, copies.c.id == copy_id)


def dismiss(uow: UnitOfWork, copy_id: UUID, image_sha256: str, place: str, said: Mapping[str, Any]) -> None:
    """A person says that there is no name at this place; the first who says so stands."""
    told = sa.func.jsonb_build_object(place, sa.cast(dict(said), JSONB))
    statement = printed_pages.update().where(*_is(copy_id, image_sha256))
    uow.sql.execute(statement.values(dismissed=told.op("||", return_type=JSONB())(printed_pages.c.dismissed)))


def read_failed_again(uow: UnitOfWork, exam_id: UUID) -> int:
    """Expect every page once more that could not be read; how many there are."""
    theirs = sa.select(copies.c.id).where(copies.c.exam_id == exam_id)
    statement = printed_pages.update().where(
        printed_pages.c.copy_id.in_(theirs), printed_pages.c.outcome.is_not(None), printed_pages.c.outcome != "done"
    )
    return uow.sql.execute(statement.values(outcome=None, asked_at=None)).rowcount


def _is(copy_id: UUID, image_sha256: str) -> tuple[sa.ColumnElement[bool], ...]:
    return printed_pages.c.copy_id == copy_id, printed_pages.c.image_sha256 == image_sha256


def _to_compare() -> sa.ColumnElement[bool]:
    return sa.and_(printed_pages.c.outcome == "done", ~printed_pages.c.roster_current)
