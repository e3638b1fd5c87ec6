"""What the database itself refuses, whatever the code does; and the chain of the audit trail."""

from __future__ import annotations

import random
import uuid
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from chassis import migrations
from contracts.rpc.grading.copies import ListAudit, Reopen
from contracts.rpc.grading.exams import Publish
from services.grading.domain.audit import broken_at
from services.grading.store import audit, tables
from services.grading.usecases import copies, publication, reopening
from tests.service.grading.desk import Desk, counted
from tests.service.grading.school import candidate_ids, identify, import_roster
from tests.service.grading.test_operations import score, send

NOW = sa.func.now()


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"status": "LOCKED", "locked_at": NOW}, "owned_unless_ready"),
        ({"status": "LOCKED", "owner_id": uuid.uuid4(), "owner": "X"}, "locked_at_while_locked"),
        ({"locked_at": NOW}, "locked_at_while_locked"),
        ({"owner_id": uuid.uuid4(), "owner": "X"}, "owned_unless_ready"),
        ({"owner_id": uuid.uuid4()}, "owner"),
        ({"status": "STAGING"}, "status"),
        ({"final_key": "finals/x"}, "graded_has_document"),
        ({"total": 12}, "graded_has_document"),
        ({"error_code": "crashed", "error_message": "?"}, "failed_says_why"),
        ({"revision": 0}, "counts"),
    ],
)
def test_a_ready_copy_cannot_be_half_something_else(desk: Desk, values: dict[str, Any], constraint: str) -> None:
    """P0-DI-008."""
    copy_id = desk.add_copy()
    with pytest.raises(exc.IntegrityError, match=constraint):
        desk.write(tables.copies.update().where(tables.copies.c.id == copy_id).values(**values))


@pytest.mark.parametrize("lost", ["final_key", "final_sha256", "final_size", "total", "graded_at", "record"])
def test_a_graded_copy_has_its_document(desk: Desk, lost: str) -> None:
    """P0-DI-008."""
    copy_id = desk.graded()
    with pytest.raises(exc.IntegrityError, match=r"graded_has_document|finalised_has_record"):
        desk.write(tables.copies.update().where(tables.copies.c.id == copy_id).values({lost: sa.null()}))


def test_a_failed_copy_says_why_in_500_characters(desk: Desk) -> None:
    copy_id, token = desk.marked()
    desk.finalise(copy_id, token)
    desk.composed(copy_id, outcome="refused_input")
    for message in (None, "", "x" * 501):
        with pytest.raises(exc.IntegrityError, match="failed_says_why"):
            desk.write(tables.copies.update().values(error_message=message))


def test_a_candidate_has_one_copy_of_their_own_exam(desk: Desk) -> None:
    first, second = desk.add_copy(), desk.add_copy()
    person_id, candidate_id = uuid.uuid4(), uuid.uuid4()
    desk.write(tables.persons.insert().values(id=person_id, candidate_key="k"))
    desk.write(
        tables.candidates.insert().values(
            id=candidate_id, exam_id=desk.exam_id, person_id=person_id, candidate_key="k", last_name="L", first_name="A"
        )
    )
    desk.write(tables.copies.update().where(tables.copies.c.id == first).values(candidate_id=candidate_id))
    with pytest.raises(exc.IntegrityError, match="uq_copies_candidate"):
        desk.write(tables.copies.update().where(tables.copies.c.id == second).values(candidate_id=candidate_id))
    with pytest.raises(exc.IntegrityError, match="fk_copies_candidate"):
        desk.write(tables.copies.update().where(tables.copies.c.id == second).values(candidate_id=uuid.uuid4()))


def test_nothing_that_holds_marking_is_deleted_with_something_else(desk: Desk) -> None:
    """P0-DI-005."""
    desk.graded()
    for table in (tables.exams, tables.copies):
        with pytest.raises(exc.IntegrityError, match="violates"):
            desk.write(table.delete())
    cascading = "SELECT conname FROM pg_constraint WHERE contype = 'f' AND confdeltype <> 'r'"
    assert desk.all(sa.text(cascading)) == []


@pytest.mark.parametrize("table", tables.APPEND_ONLY)
def test_append_only_tables_refuse_every_change(desk: Desk, table: str) -> None:
    copy_id = desk.graded()
    import_roster(desk.app, desk.exam_id, desk.admin)
    identify(desk, copy_id, candidate_ids(desk.app, desk.exam_id, desk.admin)["Jade"])
    publication.publish(desk.app, Publish(exam_id=desk.exam_id, by=desk.admin))
    publication.withdraw(desk.app, Publish(exam_id=desk.exam_id, by=desk.admin))
    reopening.reopen(desk.app, Reopen(copy_id=copy_id, reason="Une page oubliée", by=desk.admin))
    send(desk, copy_id, desk.token(copy_id), score("1", "6.25"))
    column = next(iter(tables.metadata.tables[table].columns)).name
    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(exc.IntegrityError, match="append-only"):
            desk.write(sa.text(statement))


def test_each_attempt_is_finalised_once(desk: Desk) -> None:
    """P0-DI-003 and 008."""
    copy_id, token = desk.marked()
    desk.finalise(copy_id, token)
    entry = audit.Entry("FINALISE", None, desk.exam_id, copy_id, revision=1, attempt=1)
    with pytest.raises(exc.IntegrityError, match="uq_audit_finalise"), desk.db.transaction() as uow:
        audit.append(uow, entry)


def test_the_chain_holds_as_stored_and_every_single_tampering_shows(desk: Desk) -> None:
    copy_id = desk.graded()
    with desk.db.reading() as sql:
        chain = audit.trail(sql, copy_id)
    assert [event.action for event, _ in chain] == ["ASSEMBLE", "ALLOCATE", "LOCK", "SCORES", "FINALISE", "GRADE"]
    assert broken_at(chain) is None
    chance = random.Random(1)  # a fixed choice of tamperings, no secret
    for _ in range(200):
        spoilt, at = list(chain), chance.randrange(len(chain))
        event, stored = spoilt[at]
        match chance.randrange(5):
            case 0:
                spoilt[at] = (replace(event, details={**event.details, "total": "20"}), stored)
            case 1:
                spoilt[at] = (replace(event, actor="somebody else"), stored)
            case 2:
                spoilt[at] = (event, stored[::-1])
            case 3 if at < len(chain) - 1:
                del spoilt[at]
            case _:
                other = (at + 1) % len(chain)
                spoilt[at], spoilt[other] = spoilt[other], spoilt[at]
        assert broken_at(spoilt) is not None


def test_the_audit_log_has_the_digest_of_what_was_committed_and_no_name(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    copy_id = desk.add_copy()
    entry = audit.Entry("LOCK", desk.marker, desk.exam_id, copy_id)
    caplog.set_level("INFO", logger="audit")
    caplog.clear()
    with pytest.raises(ZeroDivisionError), desk.db.transaction() as uow:
        audit.append(uow, entry)
        1 / 0  # noqa: B018
    assert "audit" not in {record.name for record in caplog.records}
    with desk.db.transaction() as uow:
        audit.append(uow, entry)
    with desk.db.reading() as sql:
        _, digest = audit.trail(sql, copy_id)[-1]
    (said,) = [record.getMessage() for record in caplog.records if record.name == "audit"]
    assert digest in said
    assert desk.marker.name not in said


def test_several_subjects_and_several_events_in_one_append(desk: Desk) -> None:
    first, second = desk.add_copy(), desk.add_copy()
    with desk.db.transaction() as uow:
        for copy_id in sorted((first, second)):
            copies.copies.hold_any(uow, copy_id)
        entries = [audit.Entry("ALLOCATE", desk.admin, desk.exam_id, copy_id) for copy_id in (first, second, first)]
        audit.append(uow, *entries)
    assert (desk.actions(first), desk.actions(second)) == (
        ["ASSEMBLE", "ALLOCATE", "ALLOCATE", "ALLOCATE"],
        ["ASSEMBLE", "ALLOCATE", "ALLOCATE"],
    )
    with desk.db.reading() as sql:
        assert broken_at(audit.trail(sql, first)) is None


def test_telling_takes_two_statements_however_many_subjects(desk: Desk) -> None:
    entries = [audit.Entry("NOTE", None, desk.exam_id, desk.add_copy()) for _ in range(5)]
    with desk.db.transaction() as uow:
        uow.now()
        for some in (entries[:1], entries):
            with counted(desk.db) as statements:
                audit.append(uow, *some)
            assert len(statements) == 2


def test_reading_a_trail_takes_three_queries_however_long_it_is(desk: Desk) -> None:
    short, long = desk.add_copy(), desk.graded()
    copies.copy_events(desk.app, ListAudit(copy_id=short, by=desk.admin))  # the first use of a connection costs one
    for copy_id, events in ((short, 2), (long, 6)):
        with counted(desk.db) as statements:
            assert len(copies.copy_events(desk.app, ListAudit(copy_id=copy_id, by=desk.admin)).items) == events
        assert len(statements) == 3


def test_the_trail_is_read_in_pages(desk: Desk) -> None:
    copy_id = desk.graded()
    first = copies.copy_events(desk.app, ListAudit(copy_id=copy_id, by=desk.admin, limit=2))
    rest = copies.copy_events(desk.app, ListAudit(copy_id=copy_id, by=desk.admin, cursor=first.next))
    assert (first.total, [event.seq for event in first.items + rest.items], rest.next) == (6, [1, 2, 3, 4, 5, 6], None)
    assert (rest.items[0].action, rest.items[0].actor) == ("LOCK", "Mme Curie")


def test_trails_older_than_the_heads_get_one_without_a_seal(empty_database_url: str) -> None:
    migrations.upgrade("grading", empty_database_url, "0001")
    engine = sa.create_engine(empty_database_url, poolclass=sa.NullPool)
    exam_id, by = uuid.uuid4(), uuid.uuid4()
    exam = {"id": exam_id, "title": "E", "total_points": 20, "intake": "a3", "pages_per_booklet": 4, "created_by": by}
    event = {"subject_id": exam_id, "exam_id": exam_id, "action": "X", "actor": "x", "at": NOW, "details": {}}
    with engine.begin() as sql:
        sql.execute(tables.exams.insert().values(**exam))
        for seq in (1, 2):
            sql.execute(tables.audit.insert().values(seq=seq, prev_hash="", hash=f"h{seq}", **event))
    migrations.upgrade("grading", empty_database_url)
    with engine.connect() as sql:
        assert sql.execute(sa.select(tables.audit_heads)).all() == [(exam_id, exam_id, 2, "h2", None)]
