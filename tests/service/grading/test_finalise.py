"""P0-DI-003 to 005 of finalising: once, visibly, recoverably."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from prometheus_client import REGISTRY

from contracts.errors.grading import (
    ExamPublished,
    ItemsUnscored,
    LockLost,
    LockRequired,
    NotFinal,
    NotFound,
    NotReopenable,
    NotYours,
    PageOutOfRange,
    VersionConflict,
)
from contracts.model import Role
from contracts.objects import ObjectRef
from contracts.records.marking import MarkingRecord
from contracts.rpc import LookForStuck
from contracts.rpc.grading.copies import AnnotationFields, CreateAnnotation, OneCopy, PutScores, Reopen
from services.grading.store import tables
from services.grading.usecases import copies, finalise, marking, reopening
from tests.service.grading.desk import FULL, Desk, person

COMPOSE = "render.document.compose.v1"


def test_finalising_freezes_a_record_and_asks_for_the_document(desk: Desk) -> None:
    copy_id, token = desk.marked()
    mark = AnnotationFields(page=2, type="cross", x=0.5, y=0.5, w=0.1, h=0.1, score_delta=Decimal("-0.5"), item_id="q1")
    marking.create_annotation(desk.app, CreateAnnotation(copy_id=copy_id, token=token, by=desk.marker, annotation=mark))
    started = desk.finalise(copy_id, token)
    assert (started.status, started.revision, started.attempt, started.already) == ("GRADING_IN_PROGRESS", 1, 1, False)
    (command,) = desk.sent(COMPOSE)
    record = desk.app.objects.get_json(ObjectRef.model_validate(command["record"]), MarkingRecord)
    assert record.total == Decimal("14.75")
    assert [(item.item_id, item.path, item.score) for item in record.items] == [
        ("q1", ("Exercice 1", "Question 1"), Decimal("6.25")),
        ("q2", ("Exercice 1", "Question 2"), Decimal(8)),
        ("extra", ("Soin",), Decimal("0.5")),
    ]
    assert [(each.page_no, each.score_delta) for each in record.annotations] == [(2, Decimal("-0.5"))]
    assert [each.page_no for each in record.pages] == [1, 2]
    row = desk.row(copy_id)
    assert (row.owner, row.locked_at, row.total) == ("Mme Curie", None, None)
    assert desk.all(sa.select(tables.locks)) == []
    assert desk.actions(copy_id)[-1] == "FINALISE"


def test_ten_concurrent_finalises_ask_for_one_document(desk: Desk) -> None:
    """P0-DI-003."""
    copy_id, token = desk.marked()
    start = threading.Barrier(10)

    def race(_: int) -> tuple[int, int, bool]:
        start.wait()
        started = desk.finalise(copy_id, token)
        return started.revision, started.attempt, started.already

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(race, range(10)))
    assert answers == [(1, 1, False)] * 10
    assert len(desk.sent(COMPOSE)) == 1
    assert desk.actions(copy_id).count("FINALISE") == 1


def test_graded_with_its_document_in_one_step_and_told_to_all(desk: Desk) -> None:
    copy_id = desk.graded()
    row = desk.row(copy_id)
    assert (row.status, row.total, row.attempted_at) == ("GRADED", Decimal("14.75"), None)
    document = finalise.final_document(desk.app, OneCopy(copy_id=copy_id, by=desk.admin))
    assert (document.object.key, document.object.sha256) == (row.final_key, row.final_sha256)
    (event,) = desk.sent("grading.copy.graded.v1")
    assert (event["copy_id"], event["revision"]) == (str(copy_id), 1)
    again = desk.finalise(copy_id, None)
    assert (again.already, again.status, len(desk.sent(COMPOSE))) == (True, "GRADED", 1)


def test_a_late_answer_to_an_old_attempt_is_void(desk: Desk) -> None:
    copy_id, token = desk.marked()
    desk.finalise(copy_id, token)
    desk.composed(copy_id, attempt=1, outcome="crashed")
    desk.composed(copy_id, attempt=1)  # the first attempt was alive after all
    assert desk.row(copy_id).status == "GRADING_IN_PROGRESS"
    desk.composed(copy_id, attempt=2)
    assert desk.row(copy_id).status == "GRADED"
    desk.composed(copy_id, attempt=2, outcome="timeout")
    desk.composed(copy_id, attempt=2)
    assert desk.row(copy_id).status == "GRADED"
    assert len(desk.sent("grading.copy.graded.v1")) == 1


def _alerts() -> float:
    return REGISTRY.get_sample_value("copies_grading_failed_total") or 0.0


def test_crashes_are_tried_three_times_then_shown_and_an_operator_is_told(desk: Desk) -> None:
    """P0-DI-004."""
    before = _alerts()
    copy_id, token = desk.marked()
    desk.finalise(copy_id, token)
    told = []
    for attempt, outcome in enumerate(("crashed", "timeout", "out_of_memory"), start=1):
        desk.composed(copy_id, attempt=attempt, outcome=outcome)
        told.append(_alerts() - before)
    assert told == [0, 0, 1]
    row = desk.row(copy_id)
    assert (row.status, row.error_code, row.owner) == ("GRADING_FAILED", "out_of_memory", "Mme Curie")
    assert (
        copies.get_copy(desk.app, OneCopy(copy_id=copy_id, by=desk.marker)).error_message == "reason of out_of_memory"
    )
    assert [command["attempt"] for command in desk.sent(COMPOSE)] == [1, 2, 3]
    assert [event["error_code"] for event in desk.sent("grading.copy.grading_failed.v1")] == ["out_of_memory"]
    assert _delays(desk) == [0, 10, 60]


def _delays(desk: Desk) -> list[int]:
    outbox = tables.metadata.tables["outbox"]
    wait = sa.extract("epoch", outbox.c.not_before - outbox.c.created_at)
    query = sa.select(wait.label("wait")).where(outbox.c.type == COMPOSE).order_by(outbox.c.id)
    return [round(row.wait) for row in desk.all(query)]


def test_a_refused_input_is_not_tried_again_but_a_person_may(desk: Desk) -> None:
    """P0-DI-004."""
    copy_id, token = desk.marked()
    desk.finalise(copy_id, token)
    desk.composed(copy_id, outcome="refused_input")
    assert desk.row(copy_id).status == "GRADING_FAILED"
    assert len(desk.sent(COMPOSE)) == 1
    with pytest.raises(NotYours):
        desk.finalise(copy_id, None, by=person("Secrétariat", Role.OPERATOR))
    started = desk.finalise(copy_id, None)  # by its owner, without a lock
    assert (started.attempt, started.already) == (2, False)
    first, second = desk.sent(COMPOSE)
    assert first["record"] == second["record"]  # what was finalised is what is composed
    desk.composed(copy_id, attempt=2)
    assert desk.row(copy_id).status == "GRADED"


def test_a_long_reason_is_cut_and_a_missing_one_replaced(desk: Desk) -> None:
    copy_id, token = desk.marked()
    desk.finalise(copy_id, token)
    desk.composed(copy_id, outcome="refused_input")
    assert 0 < len(desk.row(copy_id).error_message) <= 500


def test_only_the_holder_of_the_lock_finalises_a_complete_marking(desk: Desk) -> None:
    copy_id = desk.add_copy()
    with pytest.raises(LockRequired):
        desk.finalise(copy_id, None)
    with pytest.raises(LockLost):
        desk.finalise(copy_id, "no lock at all")
    token = desk.token(copy_id)
    with pytest.raises(ItemsUnscored) as refused:
        desk.finalise(copy_id, token)
    assert refused.value.details == {"items": ["q1", "q2", "extra"]}
    desk.score(copy_id, token)
    with pytest.raises(LockLost):
        desk.finalise(copy_id, token, by=desk.admin)
    with pytest.raises(NotFound):
        desk.finalise(copy_id, token, by=person("M. Becquerel"))
    assert desk.sent(COMPOSE) == []


def test_a_score_stored_while_the_record_is_written_is_in_the_record(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_id, token = desk.marked()
    put = desk.app.objects.put_json

    def slow_put(kind: str, model: Any) -> ObjectRef:
        if not desk.row(copy_id).attempt and _version(desk, copy_id) == 1:
            request = PutScores(
                copy_id=copy_id, token=token, by=desk.marker, version=1, scores=FULL | {"q1": Decimal(0)}
            )
            marking.put_scores(desk.app, request)
        return put(kind, model)

    monkeypatch.setattr(desk.app.objects, "put_json", slow_put)
    desk.finalise(copy_id, token)
    assert desk.row(copy_id).record_total == Decimal("8.5")  # the first record said 14.75


def _version(desk: Desk, copy_id: uuid.UUID) -> int:
    row = desk.all(sa.select(tables.marks.c.version).where(tables.marks.c.copy_id == copy_id))[0]
    return int(row.version)


def test_marking_that_never_stands_still_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    copy_id, token = desk.marked()
    put = desk.app.objects.put_json

    def busy_put(kind: str, model: Any) -> ObjectRef:
        desk.score(copy_id, token, FULL, version=_version(desk, copy_id))
        return put(kind, model)

    monkeypatch.setattr(desk.app.objects, "put_json", busy_put)
    with pytest.raises(VersionConflict):
        desk.finalise(copy_id, token)
    assert desk.row(copy_id).status == "LOCKED"


def test_what_is_overdue_is_asked_for_again_and_nothing_is_taken_back(desk: Desk) -> None:
    copy_id, token = desk.marked()
    desk.finalise(copy_id, token)
    assert finalise.ask_for_stuck(desk.app) == ()
    desk.write(tables.copies.update().values(attempted_at=sa.text("clock_timestamp() - interval '31 minutes'")))
    assert finalise.ask_for_stuck(desk.app) == (copy_id,)
    assert finalise.ask_for_stuck(desk.app) == ()
    row = desk.row(copy_id)
    assert (row.status, row.attempt, row.owner) == ("GRADING_IN_PROGRESS", 2, "Mme Curie")
    assert [command["attempt"] for command in desk.sent(COMPOSE)] == [1, 2]
    desk.composed(copy_id, attempt=1)
    assert desk.row(copy_id).status == "GRADING_IN_PROGRESS"
    desk.composed(copy_id, attempt=2)
    assert desk.row(copy_id).status == "GRADED"


def test_an_administrator_need_not_wait_for_the_clock(desk: Desk) -> None:
    """P0-OP-05."""
    copy_id, token = desk.marked()
    desk.finalise(copy_id, token)
    desk.write(tables.copies.update().values(attempted_at=sa.text("clock_timestamp() - interval '31 minutes'")))
    with pytest.raises(NotYours):
        finalise.ask_for_stuck_copies(desk.app, LookForStuck(by=desk.marker))
    asked = finalise.ask_for_stuck_copies(desk.app, LookForStuck(by=desk.admin))
    assert (asked.ids, asked.total) == ((copy_id,), 1)
    assert desk.actions(copy_id)[-1] == "TRY_AGAIN"


# Reopening


def reopen(desk: Desk, copy_id: uuid.UUID, **by: Any) -> Any:
    return reopening.reopen(desk.app, Reopen(copy_id=copy_id, by=by.get("by", desk.admin)))


def test_a_reopened_copy_keeps_its_marks_and_gets_the_next_revision(desk: Desk) -> None:
    copy_id = desk.graded()
    view = reopen(desk, copy_id)
    assert (view.status, view.revision, view.total, view.final_available) == ("READY", 2, None, False)
    token = desk.token(copy_id)
    kept = marking.get_scores(desk.app, OneCopy(copy_id=copy_id, by=desk.marker))
    assert kept.total == Decimal("14.75")
    started = desk.finalise(copy_id, token)
    assert (started.revision, started.attempt) == (2, 1)
    desk.composed(copy_id, revision=1)  # an answer about the revision before
    assert desk.row(copy_id).status == "GRADING_IN_PROGRESS"
    desk.composed(copy_id, revision=2)
    history = desk.all(sa.select(tables.results.c.revision, tables.results.c.total).order_by(tables.results.c.revision))
    assert [tuple(row) for row in history] == [(1, Decimal("14.75")), (2, Decimal("14.75"))]


def test_only_administrators_reopen_and_only_what_is_finalised_and_unpublished(desk: Desk) -> None:
    copy_id = desk.graded()
    with pytest.raises(NotYours):
        reopen(desk, copy_id, by=desk.marker)
    with pytest.raises(NotReopenable):
        reopen(desk, desk.add_copy())
    desk.write(tables.exams.update().values(published_at=sa.func.now(), publication=1))
    with pytest.raises(ExamPublished):
        reopen(desk, copy_id)
    assert desk.row(copy_id).status == "GRADED"


def test_the_final_document_is_for_staff_and_only_when_there_is_one(desk: Desk) -> None:
    copy_id, token = desk.marked()
    with pytest.raises(NotFinal):
        finalise.final_document(desk.app, OneCopy(copy_id=copy_id, by=desk.admin))
    desk.finalise(copy_id, token)
    desk.composed(copy_id)
    with pytest.raises(NotFound):  # it shows the header
        finalise.final_document(desk.app, OneCopy(copy_id=copy_id, by=desk.marker))


def test_annotations_on_pages_that_newer_paper_lacks_stop_finalising(desk: Desk) -> None:
    copy_id, token = desk.marked()
    mark = AnnotationFields(page=2, type="tick", x=0.5, y=0.5, w=0.1, h=0.1)
    view = marking.create_annotation(
        desk.app, CreateAnnotation(copy_id=copy_id, token=token, by=desk.marker, annotation=mark)
    )
    copies.copy_assembled(desk.app, desk.paper(copy_id, revision=2, pages=1), desk.delivery)
    with pytest.raises(PageOutOfRange) as refused:
        desk.finalise(copy_id, token)
    assert refused.value.details == {"page": 2, "page_count": 1, "annotations": [str(view.id)]}


def test_twenty_copies_finalised_at_once_all_end_graded(desk: Desk) -> None:
    marked = [desk.marked() for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda each: desk.finalise(*each), marked))
        list(pool.map(lambda each: desk.composed(each[0]), marked))
    statuses = desk.all(sa.select(tables.copies.c.status).distinct())
    assert [row.status for row in statuses] == ["GRADED"]
    assert len(desk.sent(COMPOSE)) == 20
