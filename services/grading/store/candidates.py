"""Candidates and persons: who may sit an exam. Read for staff and for the persons themselves, never for markers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from chassis.db import UnitOfWork
from chassis.ids import uuid7
from services.grading.domain.roster import Person
from services.grading.store.tables import candidates, copies, persons


def people(sql: sa.Connection, exam_id: UUID) -> dict[UUID, Person]:
    """The exam's roster, by candidate id."""
    columns = ("id", "last_name", "first_name", "ine", "class_name", "birth_date")
    query = sa.select(*(candidates.c[name] for name in columns)).where(candidates.c.exam_id == exam_id)
    return {
        row.id: Person(row.last_name, row.first_name, row.ine, row.class_name, row.birth_date)
        for row in sql.execute(query)
    }


def add(uow: UnitOfWork, exam_id: UUID, new: Sequence[Person]) -> None:
    """New candidates of an exam whose row is held; each is the person known by the same key, or a new one."""
    if not new:
        return
    keys = [person.key for person in new if person.certain]
    known = _known_persons(uow, exam_id, keys)
    rows = []
    unknown = []
    for person in new:
        candidate_id = uuid7()
        person_id = known.get(person.key) if person.certain else None
        if person_id is None:
            person_id = uuid7()
            # Not shared with other exams: the key is no proof, or somebody else of this exam has that person already.
            unknown.append({"id": person_id, "candidate_key": f"candidate:{candidate_id}"})
        rows.append({"id": candidate_id, "exam_id": exam_id, "person_id": person_id, **_columns(person)})
    if unknown:
        uow.sql.execute(persons.insert(), unknown)
    uow.sql.execute(candidates.insert(), rows)


def change(uow: UnitOfWork, changed: Mapping[UUID, Person]) -> None:
    """What the roster now says about known candidates. Their person stays: access codes hang on it."""
    if not changed:
        return
    statement = (
        candidates.update()
        .where(candidates.c.id == sa.bindparam("which"))
        .values(
            **{name: sa.bindparam(f"new_{name}") for name in _columns(next(iter(changed.values())))},
            updated_at=sa.func.clock_timestamp(),
        )
    )
    uow.sql.execute(
        statement,
        [
            {"which": which} | {f"new_{name}": value for name, value in _columns(person).items()}
            for which, person in changed.items()
        ],
    )


def _known_persons(uow: UnitOfWork, exam_id: UUID, keys: Sequence[str]) -> dict[str, UUID]:
    """Persons by key, made where there is none; without those who are a candidate of this exam already."""
    if not keys:
        return {}
    made = [{"id": uuid7(), "candidate_key": key} for key in sorted(set(keys))]  # sorted: two imports never deadlock
    uow.sql.execute(insert(persons).on_conflict_do_nothing(), made)
    here = sa.exists().where(candidates.c.exam_id == exam_id, candidates.c.person_id == persons.c.id)
    query = sa.select(persons.c.candidate_key, persons.c.id).where(
        persons.c.candidate_key == sa.any_(sa.literal(list(keys), sa.ARRAY(sa.Text))), ~here
    )
    return {row.candidate_key: row.id for row in uow.sql.execute(query)}


def _columns(person: Person) -> dict[str, Any]:
    return {
        "candidate_key": person.key,
        "ine": person.ine,
        "last_name": person.last_name,
        "first_name": person.first_name,
        "class_name": person.class_name,
        "birth_date": person.birth_date,
    }


def listed(sql: sa.Connection, exam_id: UUID, *, after: UUID | None, limit: int) -> tuple[list[Any], int]:
    """Candidates by name, each with the ``copy_id`` identified as theirs, and how many there are. Two statements."""
    scope = candidates.c.exam_id == exam_id
    total = sql.execute(sa.select(sa.func.count()).select_from(candidates).where(scope)).scalar_one()
    theirs = sa.and_(copies.c.candidate_id == candidates.c.id, copies.c.exam_id == candidates.c.exam_id)
    place = sa.tuple_(candidates.c.last_name, candidates.c.first_name, candidates.c.id)
    query = sa.select(candidates, copies.c.id.label("copy_id")).join_from(candidates, copies, theirs, isouter=True)
    query = query.where(scope)
    if after is not None:
        last = candidates.alias()
        seen = sa.select(last.c.last_name, last.c.first_name, last.c.id).where(last.c.id == after)
        query = query.where(place > seen.scalar_subquery())
    query = query.order_by(candidates.c.last_name, candidates.c.first_name, candidates.c.id).limit(limit)
    return list(sql.execute(query)), int(total)


def latest_of_person(sql: sa.Connection, person_id: UUID) -> Any:
    """The newest candidate row of a person, ``None`` for a stranger: how their name is spelt now."""
    query = sa.select(candidates).where(candidates.c.person_id == person_id).order_by(candidates.c.updated_at.desc())
    return sql.execute(query.limit(1)).one_or_none()
