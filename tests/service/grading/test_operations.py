"""ADR 0016: what a marker did is put into the marks in one transaction, once, and all that was sent is kept."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from contracts.errors.grading import LockLost, LockRequired, NotFound, OperationsTooLarge
from contracts.objects import ObjectRef
from contracts.records.marking import MarkingRecord
from contracts.rpc.grading.copies import OneCopy
from contracts.rpc.grading.operations import ApplyOperations, OperationsApplied
from services.grading.store import tables
from services.grading.store.integrity import broken
from services.grading.usecases import marking, operations
from tests.conftest import AUDIT_KEY
from tests.service.grading.desk import Desk, counted, person

TICK = {"page": 1, "type": "tick", "x": 0.1, "y": -0.0, "w": 0.05, "h": 0.05}
PEN = TICK | {
    "type": "pen", "points": [[[0.1, 0.2], [0.30000000000000004, 0.4]]], "pressures": [[0.5, 0.75]], "colour": "blue",
}  # fmt: skip


def annotate(version: int, fields: dict[str, Any], note: uuid.UUID | None = None, **more: Any) -> dict[str, Any]:
    made = {"id": uuid.uuid4(), "do": "annotate", "annotation_id": note or uuid.uuid4()}
    return made | {"version": version, "annotation": fields} | more


def erase(version: int, note: uuid.UUID) -> dict[str, Any]:
    return {"id": uuid.uuid4(), "do": "erase", "annotation_id": note, "version": version}


def score(points: str | None, was: str | None, item: str = "q1") -> dict[str, Any]:
    return {"id": uuid.uuid4(), "do": "score", "item_id": item, "score": points, "was": was}


def send(desk: Desk, copy_id: uuid.UUID, token: str | None, *ops: dict[str, Any], **more: Any) -> OperationsApplied:
    request = {"copy_id": copy_id, "token": token, "by": desk.marker, "client_id": "tab-1", "ops": ops}
    return operations.apply_operations(desk.app, ApplyOperations.model_validate(request | more))


def kept(desk: Desk) -> list[tuple[str, int | None]]:
    table = tables.operations.c
    return [(row.outcome, row.version) for row in desk.all(sa.select(table.outcome, table.version).order_by(table.id))]


def standing(desk: Desk, copy_id: uuid.UUID) -> Any:
    return marking.list_annotations(desk.app, OneCopy(copy_id=copy_id, by=desk.marker)).items


def test_what_was_done_at_the_desk_is_in_the_marks(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    pen, tick = uuid.uuid4(), uuid.uuid4()
    applied = send(
        desk, copy_id, token,
        annotate(0, PEN, pen), annotate(0, TICK, tick), annotate(1, TICK | {"x": 0.5}, tick),
        score("6.25", None), {"id": uuid.uuid4(), "do": "remark", "item_id": "q1", "text": "Bien vu.", "was": ""},
        {"id": uuid.uuid4(), "do": "appraise", "text": "Un bon travail.", "was": ""},
    )  # fmt: skip
    assert [(each.outcome, each.version) for each in applied.ops] == [
        ("done", 1), ("done", 1), ("done", 2), ("done", 1), ("done", 1), ("done", 1),
    ]  # fmt: skip
    assert applied.scores == marking.get_scores(desk.app, OneCopy(copy_id=copy_id, by=desk.marker))
    assert (applied.scores.scores, applied.scores.missing) == ({"q1": Decimal("6.25")}, ("q2", "extra"))
    assert (applied.scores.remarks, applied.scores.appraisal) == ({"q1": "Bien vu."}, "Un bon travail.")
    first, second = standing(desk, copy_id)
    assert (first.id, first.points, first.pressures, first.colour) == (
        pen, (((0.1, 0.2), (0.30000000000000004, 0.4)),), ((0.5, 0.75),), "blue",
    )  # fmt: skip
    assert (second.id, second.version, second.x, second.colour) == (tick, 2, 0.5, None)
    assert desk.actions(copy_id)[-3:] == ["ANNOTATION_CREATED", "ANNOTATION_CREATED", "SCORES"]


def test_the_same_request_again_gets_the_same_answer_and_does_nothing(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    note = uuid.uuid4()
    ops = (annotate(0, TICK, note), score("1", None), score("3", "2"), annotate(0, TICK | {"page": 9}))
    first = send(desk, copy_id, token, *ops)
    assert [each.outcome for each in first.ops] == ["done", "done", "conflict", "refused"]
    actions = desk.actions(copy_id)
    assert send(desk, copy_id, token, *ops) == first
    assert desk.actions(copy_id) == actions
    assert kept(desk) == [("done", 1), ("done", 1), ("conflict", None), ("refused", None)]
    send(desk, copy_id, token, erase(1, note))  # and for ever: late, from the network, it does not draw it again
    assert send(desk, copy_id, token, ops[0]).ops[0].outcome == "done"
    assert standing(desk, copy_id) == ()


def test_a_conflict_shows_what_stands_and_overwrites_nothing(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    note = uuid.uuid4()
    send(
        desk, copy_id, token, annotate(0, TICK, note), annotate(1, TICK | {"content": "à moi"}, note), score("1", None)
    )
    answer = send(
        desk, copy_id, token, annotate(1, TICK | {"content": "en retard"}, note), erase(1, note), score("4", "2"),
    )  # fmt: skip
    assert [each.outcome for each in answer.ops] == ["conflict"] * 3
    assert [each.version for each in answer.ops] == [2, 2, 1]
    assert answer.ops[0].current == standing(desk, copy_id)[0]
    assert answer.ops[2].current == "1"
    assert len(kept(desk)) == 6  # raised instead of answered, the late ones would be gone
    send(desk, copy_id, token, erase(2, note))
    gone = send(desk, copy_id, token, annotate(2, TICK, note)).ops[0]
    assert (gone.outcome, gone.version, gone.current) == ("conflict", 3, None)


def test_what_was_removed_is_drawn_again(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    note = uuid.uuid4()
    send(desk, copy_id, token, annotate(0, TICK, note))
    send(desk, copy_id, token, erase(1, note))
    assert send(desk, copy_id, token, annotate(2, PEN, note)).ops[0].version == 3
    assert [(each.version, each.type) for each in standing(desk, copy_id)] == [(3, "pen")]
    assert desk.actions(copy_id)[-3:] == ["ANNOTATION_CREATED", "ANNOTATION_REMOVED", "ANNOTATION_CHANGED"]


def test_a_refused_operation_says_why_and_holds_up_nothing(desk: Desk) -> None:
    copy_id = desk.add_copy()
    applied = send(desk, copy_id, desk.token(copy_id), score("8.25", None), score("8", None))
    refused, done = applied.ops
    assert refused.problem is not None
    assert (refused.problem.code, refused.problem.details["max"]) == ("grading.score_out_of_range", "8")
    assert (done.outcome, applied.scores.scores) == ("done", {"q1": Decimal(8)})


def test_without_the_lock_nothing_is_done_and_nothing_is_kept(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    op = score("1", None)
    with pytest.raises(LockRequired):
        send(desk, copy_id, None, op)
    desk.expire(copy_id)
    with pytest.raises(LockLost):
        send(desk, copy_id, token, op)
    with pytest.raises(NotFound):
        send(desk, copy_id, token, op, by=person("M. Becquerel"))
    assert kept(desk) == []
    assert send(desk, copy_id, desk.token(copy_id), op).ops[0].outcome == "done"  # the client still had it


def test_an_annotation_of_another_copy_is_out_of_reach(desk: Desk) -> None:
    mine, other = desk.add_copy(), desk.add_copy()
    note = uuid.uuid4()
    send(desk, other, desk.token(other), annotate(0, TICK, note))
    answer = send(desk, mine, desk.token(mine), annotate(0, PEN, note), annotate(1, PEN, note), erase(1, note))
    assert [each.problem.code if each.problem else None for each in answer.ops] == ["grading.not_found"] * 3
    assert standing(desk, other)[0].type == "tick"


def test_the_statements_are_as_many_for_two_hundred_operations_as_for_one(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    with counted(desk.db) as few:
        send(desk, copy_id, token, annotate(0, TICK), score("1", None))
    scores = [score(str(points), str(points - 1)) for points in range(2, 9)]
    with counted(desk.db) as many:
        send(desk, copy_id, token, *(annotate(0, PEN) for _ in range(193)), *scores)
    assert len(few) == len(many) <= 12


def test_a_request_has_a_limit(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    stroke = PEN | {"points": [[[1 / 3, 2 / 3]] * 4000], "pressures": []}
    with pytest.raises(OperationsTooLarge):
        send(desk, copy_id, token, *(annotate(0, stroke) for _ in range(8)))
    with pytest.raises(ValueError, match="at most 200"):
        send(desk, copy_id, token, *(score("1", None) for _ in range(201)))


def test_the_trail_and_the_marks_agree_on_every_digit(desk: Desk) -> None:
    # -0.0 becomes 0.0 on its way through the database: a digest of what was sent would accuse the service.
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    note = uuid.uuid4()
    odd = PEN | {"points": [[[-0.0, 1e-7], [1.0, 0.1 + 0.2]]], "score_delta": "0.50"}
    send(desk, copy_id, token, annotate(0, odd, note), annotate(1, odd | {"x": -0.0}, note), annotate(0, TICK))
    send(desk, copy_id, token, erase(2, note))
    with desk.db.reading(snapshot=True) as sql:
        assert broken(sql, AUDIT_KEY) == ([], None)


def test_the_record_of_a_copy_has_colour_and_pressure(desk: Desk) -> None:
    copy_id, token = desk.marked()
    send(desk, copy_id, token, annotate(0, PEN), annotate(0, TICK))
    desk.finalise(copy_id, token)
    record = desk.app.objects.get_json(ObjectRef.model_validate(desk.row(copy_id).record), MarkingRecord)
    pen, tick = record.annotations
    assert (pen.colour, pen.pressures) == ("blue", ((0.5, 0.75),))
    assert (tick.colour, tick.pressures) == (None, ())


def test_of_two_windows_on_one_version_one_is_done_and_both_are_kept(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    start = threading.Barrier(8)

    def race(number: int) -> str:
        start.wait()
        return send(desk, copy_id, token, score(f"{number}", None), client_id=f"tab-{number}").ops[0].outcome

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(race, range(8))) == ["conflict"] * 7 + ["done"]
    assert len(kept(desk)) == 8


def test_one_operation_sent_eight_times_at_once_is_done_once(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    op = annotate(0, TICK)
    start = threading.Barrier(8)

    def again(_: int) -> tuple[str, int | None]:
        start.wait()
        answer = send(desk, copy_id, token, op).ops[0]
        return answer.outcome, answer.version

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(again, range(8))) == [("done", 1)] * 8
    assert kept(desk) == [("done", 1)]
    assert len(standing(desk, copy_id)) == 1


def test_the_tables_themselves_keep_two_operations_from_being_one_version(desk: Desk) -> None:
    copy_id = desk.add_copy()
    send(desk, copy_id, desk.token(copy_id), annotate(0, TICK))
    table = tables.operations
    columns = [column for column in table.c if column.name not in {"id", "op_id"}]
    again = sa.select(sa.literal(uuid.uuid4()), *columns)
    with pytest.raises(IntegrityError, match="uq_operations_annotation_version"):
        desk.write(table.insert().from_select(["op_id", *(column.name for column in columns)], again))
    with pytest.raises(DBAPIError, match="append-only"):
        desk.write(table.update().values(outcome="conflict"))
