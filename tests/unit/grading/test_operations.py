"""ADR 0016: an operation is done if what it was based on still stands, once, and never overwrites what was not seen."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest

from contracts.rpc.grading.copies import AnnotationFields
from contracts.rpc.grading.operations import Annotate, Appraise, Erase, Operation, Remark, Score
from services.grading.domain.marking import Rules
from services.grading.domain.operations import Answer, Note, Remembered, Sheet, apply, changed_notes, current, sent
from services.grading.domain.scheme import Leaf

COPY, OTHER_COPY, NOTE = uuid.UUID(int=1), uuid.UUID(int=2), uuid.UUID(int=3)
RULES = Rules(
    exam_title="Bac blanc", exam_date=None, total_points=Decimal(20), scheme_version=4, step=Decimal("0.25"),
    items=(Leaf("q1", ("Question 1",), Decimal(8), bonus=False), Leaf("q2", ("Question 2",), Decimal(12), bonus=False)),
)  # fmt: skip
TICK = AnnotationFields(page=1, type="tick", x=0.1, y=0.2, w=0.05, h=0.05)


def sheet(**changes: Any) -> Sheet:
    values: dict[str, Any] = {"notes": {}, "scores": {}, "remarks": {}, "appraisal": ""}
    return Sheet(copy_id=COPY, page_count=2, **(values | changes))


def annotate(version: int, fields: AnnotationFields = TICK, **changes: Any) -> Annotate:
    values: dict[str, Any] = {"id": uuid.uuid4(), "do": "annotate", "annotation_id": NOTE}
    return Annotate(version=version, annotation=fields, **(values | changes))


def erase(version: int) -> Erase:
    return Erase(id=uuid.uuid4(), do="erase", annotation_id=NOTE, version=version)


def score(points: str | None, was: str | None, item: str = "q1", **changes: Any) -> Score:
    return Score(**({"id": uuid.uuid4(), "do": "score", "item_id": item, "score": points, "was": was} | changes))


def done(before: Sheet, *ops: Operation, remembered: Remembered | None = None) -> tuple[Sheet, list[Answer]]:
    after, answers, _ = apply(before, RULES, map(sent, ops), remembered or {})
    return after, answers


def test_operations_build_on_each_other_within_one_request() -> None:
    moved = TICK.model_copy(update={"x": 0.5})
    after, answers = done(sheet(), annotate(0), annotate(1, moved), erase(2), score("1", None), score("1.5", "1"))
    assert [answer.kind for answer in answers] == ["done"] * 5
    assert after.notes == {NOTE: Note(COPY, 3, moved, removed=True)}
    assert after.scores == {"q1": Decimal("1.5")}


def test_what_was_removed_comes_back_as_the_next_version() -> None:
    after, answers = done(sheet(notes={NOTE: Note(COPY, 2, TICK, removed=True)}), annotate(2))
    assert answers == [Answer("done", 3)]
    assert after.notes[NOTE] == Note(COPY, 3, TICK)


@pytest.mark.parametrize("op", [annotate(0), annotate(1), annotate(3), erase(1)])
def test_an_annotation_that_is_not_at_its_version_is_left_as_it_is(op: Operation) -> None:
    before = sheet(notes={NOTE: Note(COPY, 2, TICK)})
    assert done(before, op) == (before, [Answer("conflict")])


def test_what_is_removed_is_not_removed_again() -> None:
    before = sheet(notes={NOTE: Note(COPY, 2, TICK, removed=True)})
    assert done(before, erase(2)) == (before, [Answer("conflict")])


def test_a_value_that_is_not_what_was_seen_is_left_as_it_is() -> None:
    before = sheet(scores={"q1": Decimal(2)}, remarks={"q1": "Non."}, appraisal="Bien.")
    ops = [
        score("3", None), score("3", "1"), score(None, "3"),
        Remark(id=uuid.uuid4(), do="remark", item_id="q1", text="Oui.", was=""),
        Appraise(id=uuid.uuid4(), do="appraise", text="Très bien.", was="Assez bien."),
    ]  # fmt: skip
    after, answers = done(before, *ops)
    assert after == before
    assert [answer.kind for answer in answers] == ["conflict"] * 5
    assert [current(after, op) for op in ops] == ["2", "2", "2", "Non.", "Bien."]


def test_points_are_compared_as_numbers() -> None:
    after, answers = done(sheet(scores={"q1": Decimal("1.50")}), score("2", "1.5"))
    assert (answers[0].kind, after.scores["q1"]) == ("done", Decimal(2))


def test_an_empty_remark_and_no_score_leave_nothing_behind() -> None:
    before = sheet(scores={"q1": Decimal(2)}, remarks={"q1": "Non."})
    remark = Remark(id=uuid.uuid4(), do="remark", item_id="q1", text="", was="Non.")
    after, _ = done(before, score(None, "2"), remark)
    assert (after.scores, after.remarks) == ({}, {})


@pytest.mark.parametrize(
    ("op", "code"),
    [
        (annotate(0, TICK.model_copy(update={"page": 3})), "grading.page_out_of_range"),
        (annotate(0, TICK.model_copy(update={"item_id": "q9"})), "grading.unknown_item"),
        (annotate(1), "grading.not_found"),
        (erase(1), "grading.not_found"),
        (score("8.25", None), "grading.score_out_of_range"),
        (score("0.1", None), "grading.score_off_step"),
        (score("1", None, item="q9"), "grading.unknown_item"),
        (Remark(id=uuid.uuid4(), do="remark", item_id="q9", text="?", was=""), "grading.unknown_item"),
    ],
)
def test_what_the_rules_do_not_allow_is_refused_and_the_rest_is_done(op: Operation, code: str) -> None:
    after, answers = done(sheet(), op, score("2", None, item="q2"))
    assert [answer.kind for answer in answers] == ["refused", "done"]
    assert answers[0].problem is not None
    assert answers[0].problem.code == code
    assert (after.scores, after.notes) == ({"q2": Decimal(2)}, {})


def test_a_score_is_taken_back_from_an_item_that_the_scheme_lost() -> None:
    after, answers = done(sheet(scores={"gone": Decimal(1)}), score(None, "1", item="gone"))
    assert (answers[0].kind, after.scores) == ("done", {})


@pytest.mark.parametrize("op", [annotate(0), annotate(1), erase(1)])
def test_an_annotation_of_another_copy_is_not_touched(op: Operation) -> None:
    before = sheet(notes={NOTE: Note(OTHER_COPY, 1, TICK)})
    after, answers = done(before, op)
    assert after == before
    assert answers[0].problem is not None
    assert answers[0].problem.code == "grading.not_found"


def test_an_operation_is_done_once_within_a_request_and_for_ever() -> None:
    first = score("1", None)
    after, answers, new = apply(sheet(), RULES, [sent(first), sent(first)], {})
    assert answers == [Answer("done"), Answer("done")]
    assert [each.op for each, _ in new] == [first]
    remembered = {first.id: {sent(first).sha256: Answer("conflict")}}
    assert apply(after, RULES, [sent(first)], remembered) == (after, [Answer("conflict")], [])


def test_another_operation_under_the_same_id_is_refused_and_kept() -> None:
    first = score("1", None)
    other = score("2", None, item="q2", id=first.id)
    after, answers, new = apply(sheet(), RULES, [sent(first), sent(other), sent(other)], {})
    assert [answer.kind for answer in answers] == ["done", "refused", "refused"]
    assert after.scores == {"q1": Decimal(1)}
    assert [each.op for each, _ in new] == [first, other]


def test_only_what_changed_is_written() -> None:
    before = sheet(notes={NOTE: Note(COPY, 2, TICK), uuid.UUID(int=9): Note(COPY, 1, TICK)})
    after, _ = done(before, erase(2))
    assert changed_notes(before, after) == [NOTE]
