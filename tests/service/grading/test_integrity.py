"""Whatever one row is changed to behind the service's back, it shows; and nothing shows that was not changed."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError

from contracts.rpc.grading.copies import (
    AnnotationFields,
    ChangeAnnotation,
    CreateAnnotation,
    HeldLock,
    OneCopy,
    RemoveAnnotation,
    Reopen,
)
from contracts.rpc.grading.exams import DeleteExam, OneExam, Publish, UpdateExam
from services.grading import seal
from services.grading.domain.audit import digest
from services.grading.domain.copies import Move
from services.grading.store import audit, tables
from services.grading.store.integrity import Broken, broken
from services.grading.usecases import copies, exams, identity, locks, marking, publication, reopening
from tests.conftest import AUDIT_KEY
from tests.service.grading.desk import FULL, NODES, Desk, counted
from tests.service.grading.school import candidate_ids, identify, import_roster, new_exam, put_scheme

TAMPERINGS = 200
TABLES = ("audit", "audit_heads", "copies", "marks", "annotations", "results", "exams", "schemes", "publications",
          "published_copies", "reopenings")  # fmt: skip

UNWATCHED = {
    ("copies", "attempted_at"), ("copies", "updated_at"), ("marks", "updated_at"), ("annotations", "created_at"),
    ("annotations", "deleted_at"),
}  # fmt: skip
"""Columns that say when the service last did something, by a clock the trail does not repeat."""


def found(desk: Desk, limit: int = 200) -> list[Broken]:
    """All that is broken, looked for page by page."""
    everything: list[Broken] = []
    after: uuid.UUID | None = None
    while True:
        with desk.db.reading(snapshot=True) as sql:
            some, after = broken(sql, AUDIT_KEY, after=after, limit=limit)
        everything += some
        if after is None:
            return everything


@pytest.fixture
def school(desk: Desk) -> Desk:
    """A year of work: every kind of event there is, by real use cases."""
    app, by = desk.app, desk.admin
    import_roster(app, desk.exam_id, by)
    people = candidate_ids(app, desk.exam_id, by)

    graded = [desk.graded() for _ in range(2)]
    annotated, token = desk.marked()
    held = {"token": token, "by": desk.marker}
    for page in (1, 2, 2):
        note = AnnotationFields(
            page=page, type="comment", x=0.1, y=0.2, w=0.3, h=0.04, content="Bien vu", score_delta="0.5"
        )
        last = marking.create_annotation(app, CreateAnnotation(copy_id=annotated, annotation=note, **held))
    moved = marking.change_annotation(app, ChangeAnnotation(annotation_id=last.id, version=1, x=0.7, **held))
    marking.remove_annotation(app, RemoveAnnotation(annotation_id=moved.id, version=2, **held))
    desk.score(annotated, token, FULL | {"q1": Decimal("2.5")}, version=1)
    desk.finalise(annotated, token)
    desk.composed(annotated, outcome="crashed")
    desk.composed(annotated, attempt=2)

    for copy_id, name in zip([*graded, annotated], people, strict=True):
        identify(desk, copy_id, people[name])
    publication.publish(app, Publish(exam_id=desk.exam_id, by=by))
    publication.withdraw(app, Publish(exam_id=desk.exam_id, by=by))
    reopening.reopen(app, Reopen(copy_id=graded[0], reason="Erreur de report", by=by))
    token = desk.token(graded[0])
    desk.finalise(graded[0], token)
    desk.composed(graded[0], revision=2)
    publication.publish(app, Publish(exam_id=desk.exam_id, by=by))
    publication.withdraw(app, Publish(exam_id=desk.exam_id, by=by))
    copies.copy_assembled(app, desk.paper(graded[1], revision=2), desk.delivery)

    other = new_exam(app, by, "Devoir")
    put_scheme(app, other.id, by, nodes=NODES)
    told = {"exam_id": other.id, "by": by}
    exams.update_exam(app, UpdateExam(version=1, title="Devoir 2", total_points="21", **told))
    exams.update_exam(app, UpdateExam(version=2, total_points="20", date=date(2026, 6, 1), **told))
    put_scheme(app, other.id, by, nodes=NODES)
    exams.delete_exam(app, DeleteExam(version=3, **told))
    exams.restore_exam(app, OneExam(**told))
    second = Desk(app, other.id, desk.marker, by)
    second.lock(second.add_copy())
    given_back = second.add_copy()
    held = {"token": second.token(given_back), "by": desk.marker}
    locks.release_lock(app, HeldLock(copy_id=given_back, **held))
    forgotten = second.add_copy()
    second.lock(forgotten)
    second.expire(forgotten)
    locks.release_ended(app)
    copies.copy_assembled(app, second.paper(forgotten, revision=2, pages=3), desk.delivery)
    failed, token = second.marked()
    second.finalise(failed, token)
    second.composed(failed, outcome="refused_input")
    second.finalise(failed, None)
    second.composed(failed, attempt=2, outcome="refused_input")
    import_roster(app, other.id, by)
    identify(second, failed, next(iter(candidate_ids(app, other.id, by).values())))
    identity.unidentify(app, OneCopy(copy_id=failed, by=by))
    new_paper = second.graded()
    copies.copy_assembled(app, second.paper(new_paper, revision=2), desk.delivery)
    in_progress, token = second.marked()
    second.finalise(in_progress, token)
    return desk


def test_real_work_leaves_nothing_to_report(school: Desk) -> None:
    assert found(school) == []
    done = {row.action for row in school.all(sa.select(tables.audit.c.action).distinct())}
    assert done == {
        *Move, "ASSEMBLE", "ALLOCATE", "IDENTIFY", "UNIDENTIFY", "SCORES", "ANNOTATION_CREATED", "ANNOTATION_CHANGED",
        "ANNOTATION_REMOVED", "CREATE_EXAM", "CHANGE_EXAM", "DELETE_EXAM", "RESTORE_EXAM", "PUT_SCHEME",
        "IMPORT_ROSTER", "PUBLISH", "WITHDRAW",
    }  # fmt: skip


class Tampering:
    """One row, changed by somebody who may do anything to the database but does not have the key."""

    def __init__(self, sql: sa.Connection, chance: random.Random) -> None:
        self._sql, self._chance = sql, chance

    def once(self) -> str:
        """What was done. What a CHECK or a unique index refuses is tried otherwise."""
        while True:
            table = tables.metadata.tables[self._chance.choice(TABLES)]
            rows = sorted(self._sql.execute(sa.select(table)).mappings(), key=str)
            row = dict(self._chance.choice(rows))
            act = self._chance.choice([self._alter, self._alter, self._alter, self._delete, self._insert, self._swap])
            savepoint = self._sql.begin_nested()
            try:
                done = act(table, row)
            except IntegrityError:
                done = None
            if done:
                savepoint.commit()
                return done
            savepoint.rollback()

    def _alter(self, table: sa.Table, row: dict[str, Any]) -> str | None:
        column = self._chance.choice([each for each in table.c if (table.name, each.name) not in UNWATCHED])
        value = self._other(column, row[column.name])
        if value == row[column.name]:
            return None
        self._sql.execute(table.update().where(*_this(table, row)).values({column.name: value}))
        return f"{table.name}.{column.name} {row[column.name]!r} -> {value!r}"

    def _delete(self, table: sa.Table, row: dict[str, Any]) -> str:
        self._sql.execute(table.delete().where(*_this(table, row)))
        return f"{table.name} deleted {row!r}"

    def _insert(self, table: sa.Table, row: dict[str, Any]) -> str | None:
        """The same again under another key; one that names a copy names one that there is."""
        keys = [each for each in table.primary_key if each.name not in {"exam_id", "subject_id", "copy_id"}]
        forged = dict(row)
        if keys:
            forged |= {key.name: self._other(key, row[key.name]) for key in keys}
        else:
            forged["subject_id" if table.name == "audit_heads" else "copy_id"] = self._some_copy(table)
        self._sql.execute(table.insert().values(forged))
        return f"{table.name} inserted {forged!r}"

    def _swap(self, table: sa.Table, row: dict[str, Any]) -> str | None:
        """Two neighbours of one subject's trail change places."""
        if table is not tables.audit or row["seq"] == 1:
            return None
        elsewhere = 1_000_000
        for old, new in ((row["seq"], elsewhere), (row["seq"] - 1, row["seq"]), (elsewhere, row["seq"] - 1)):
            self._sql.execute(table.update().where(*_this(table, row | {"seq": old})).values(seq=new))
        return f"audit swapped {row!r} with the one before"

    def _some_copy(self, table: sa.Table) -> uuid.UUID:
        known = self._sql.execute(sa.select(tables.copies.c.id)).scalars().all()
        return uuid.uuid4() if table is tables.audit_heads else self._chance.choice(sorted(known))

    def _other(self, column: sa.Column[Any], value: Any) -> Any:
        if value is not None and column.nullable and self._chance.random() < 0.2:
            return sa.null()
        if isinstance(column.type, JSONB):
            return self._other_json(value)
        sample = value if value is not None else _SAMPLES[type(column.type)]
        match sample:
            case uuid.UUID():
                return uuid.UUID(int=self._chance.getrandbits(128))
            case str():
                return self._chance.choice([sample + "x", sample[:-1], sample.swapcase() + "0", ""])
            case datetime():
                return sample + self._chance.choice([timedelta(microseconds=1), timedelta(days=-1)])
            case date():
                return sample + timedelta(days=1)
            case Decimal() | float():
                return sample / 2 + type(sample)("0.1")
            case _:
                return sample + self._chance.choice([-1, 1, 100])

    def _other_json(self, value: Any) -> Any:
        """One leaf changed, wherever it is, or one part gone."""
        if isinstance(value, dict) and value:
            name = self._chance.choice(sorted(value))
            if self._chance.random() < 0.2:
                return {other: kept for other, kept in value.items() if other != name}
            return value | {name: self._other_json(value[name])}
        if isinstance(value, list) and value:
            at = self._chance.randrange(len(value))
            return [*value[:at], self._other_json(value[at]), *value[at + 1 :]]
        return {"forged": True} if isinstance(value, dict) or value is None else f"{value}0"


_SAMPLES = {sa.Uuid: uuid.UUID(int=0), sa.Text: "text", sa.Date: date(2026, 1, 1), sa.Integer: 1, sa.BigInteger: 1,
            sa.Numeric: Decimal(5), sa.DateTime: datetime(2026, 1, 1, tzinfo=UTC)}  # fmt: skip


def _this(table: sa.Table, row: dict[str, Any]) -> list[sa.ColumnElement[bool]]:
    return [key == row[key.name] for key in table.primary_key]


@contextmanager
def tampered(desk: Desk, chance: random.Random) -> Iterator[tuple[sa.Connection, str]]:
    """The database after one tampering, without triggers and foreign keys; as it was, afterwards."""
    with desk.db.engine.connect().execution_options(isolation_level="REPEATABLE READ") as sql:
        sql.execute(sa.text("SET LOCAL session_replication_role = replica"))
        yield sql, Tampering(sql, chance).once()
        sql.rollback()


def test_two_hundred_random_tamperings_of_one_row_are_all_detected(school: Desk) -> None:
    chance = random.Random(20260601)  # a fixed choice of tamperings, no secret
    missed, false_alarms, kinds = [], [], Counter[str]()
    for _ in range(TAMPERINGS):
        with tampered(school, chance) as (sql, what):
            if not broken(sql, AUDIT_KEY)[0]:
                missed.append(what)
        kinds[what.split(" ")[0].split(".")[0] + " " + ("altered" if "->" in what else what.split(" ")[1])] += 1
        false_alarms += found(school)
    assert (missed, false_alarms) == ([], [])
    assert {kind.split()[0] for kind in kinds} == {*TABLES}, "every table has its turn"
    assert {kind.split()[1] for kind in kinds} == {"altered", "deleted", "inserted", "swapped"}


def test_a_tampering_that_nobody_looks_for_would_be_reported_as_missed(school: Desk) -> None:
    # The count above must be able to fail: what is outside the trail does not show.
    with school.db.engine.connect().execution_options(isolation_level="REPEATABLE READ") as sql:
        sql.execute(tables.copies.update().values(updated_at=sa.func.now()))
        assert broken(sql, AUDIT_KEY)[0] == []
        sql.rollback()


def test_a_page_takes_the_same_statements_however_many_subjects_it_has(school: Desk) -> None:
    with counted(school.db) as one, school.db.reading(snapshot=True) as sql:
        broken(sql, AUDIT_KEY, limit=1)
    with counted(school.db) as all_of_them, school.db.reading(snapshot=True) as sql:
        broken(sql, AUDIT_KEY, limit=200)
    assert len(one) == len(all_of_them) == 13


def test_pages_meet_and_each_subject_is_looked_at_once(school: Desk) -> None:
    school.write(sa.text("UPDATE audit_heads SET seal = NULL"))
    in_all = found(school)
    assert found(school, limit=2) == in_all
    subjects = school.all(sa.select(tables.audit_heads.c.subject_id).order_by(tables.audit_heads.c.subject_id))
    assert in_all == [Broken(row.subject_id, "its trail was never sealed") for row in subjects]


def test_trail_and_tables_are_only_compared_in_one_snapshot(desk: Desk) -> None:
    # Between two statements of an ordinary transaction somebody may commit: a false alarm.
    with desk.db.reading() as sql, pytest.raises(ValueError, match="one snapshot"):
        broken(sql, AUDIT_KEY)


def test_another_key_seals_nothing(desk: Desk) -> None:
    with desk.db.reading(snapshot=True) as sql:
        assert broken(sql, "b" * 32)[0] == [Broken(desk.exam_id, "its seal is not ours")]


def test_honest_work_does_not_seal_a_trail_that_was_rewritten(desk: Desk) -> None:
    # Sealed with the next event, a forged past would be good from then on.
    copy_id = desk.add_copy()
    with desk.db.transaction() as uow:
        uow.sql.execute(sa.text("SET LOCAL session_replication_role = replica"))
        last, _ = audit.trail(uow.sql, copy_id)[-1]
        forged = {"actor": "nobody", "hash": digest(replace(last, actor="nobody"))}
        this = sa.and_(tables.audit.c.subject_id == copy_id, tables.audit.c.seq == last.seq)
        uow.sql.execute(tables.audit.update().where(this).values(**forged))
        head = tables.audit_heads.c.subject_id == copy_id
        uow.sql.execute(tables.audit_heads.update().where(head).values(hash=forged["hash"]))
    desk.lock(copy_id)
    assert found(desk) == [Broken(copy_id, "its seal is not ours")]


# Sealing what is older than the seals


@pytest.fixture
def environ(desk: Desk) -> dict[str, str]:
    address = desk.db.engine.url.render_as_string(hide_password=False)
    return {"KORRIGO_DATABASE_URL": address, "KORRIGO_AUDIT_KEY": AUDIT_KEY}


def test_trails_older_than_the_seals_are_reported_until_they_are_sealed(
    desk: Desk, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    copy_id = desk.graded()
    desk.write(sa.text("UPDATE audit_heads SET seal = NULL"))
    assert {each.reason for each in found(desk)} == {"its trail was never sealed"}
    assert seal.main([], environ) == 0
    assert sorted(capsys.readouterr().out.split()) == sorted([str(copy_id), "sealed", str(desk.exam_id), "sealed"])
    assert found(desk) == []
    assert desk.actions(copy_id)[-1] == "SEAL"
    assert (seal.main([], environ), capsys.readouterr().out) == (0, "")


def test_a_trail_that_does_not_hold_is_not_sealed(
    desk: Desk, environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    copy_id = desk.graded()
    desk.write(sa.text("UPDATE audit_heads SET seq = 3"))
    assert seal.main([str(copy_id)], environ) == 1
    assert capsys.readouterr().out == f"{copy_id} its trail ends at event 6, its head at 3\n"


def test_after_a_change_of_the_key_trails_are_sealed_by_name(desk: Desk, environ: dict[str, str]) -> None:
    new_key = {"KORRIGO_AUDIT_KEY": "b" * 32}
    assert seal.main([], environ | new_key) == 0  # none of them was never sealed
    assert seal.main([str(desk.exam_id)], environ | new_key) == 0
    with desk.db.reading(snapshot=True) as sql:
        assert broken(sql, "b" * 32) == ([], None)
