"""Answer sheets over HTTP: what may be asked for, what the services are told, what comes back."""

from __future__ import annotations

from uuid import uuid4

import pytest

from chassis.objects import Objects
from contracts.errors.render import NotFoldable
from contracts.rpc import render
from contracts.rpc.grading import exams
from tests.service.gateway.conftest import FakeRpc, Person
from tests.service.gateway.examples import exam_view


def test_sheets_are_made_for_the_exam_as_grading_knows_it(admin: Person, rpc: FakeRpc, objects: Objects) -> None:
    exam_id = uuid4()
    document = objects.put("finals", b"%PDF-1.7 sheets", "application/pdf")
    rpc.on(exams.GET_EXAM, lambda asked: exam_view(asked.exam_id, title="Bac blanc"))
    rpc.on(render.ANSWER_SHEETS, lambda _: render.AnswerSheets(document=document))
    answer = admin.get(f"/exams/{exam_id}/sheets.pdf?copies=30&pages=8&layout=a3&paper=blank&batch=2&language=en")
    assert answer.status_code == 200
    assert answer.data == b"%PDF-1.7 sheets"
    assert answer.headers["ETag"] == f'"{document.sha256}"'
    assert answer.content_type == "application/pdf"
    (asked,) = [request for name, request in rpc.asked if name == "answer_sheets"]
    assert asked.model_dump(mode="json") == {
        "copies": 30, "pages": 8, "layout": "a3", "paper": "blank", "batch": 2, "language": "en",
        "exam_id": str(exam_id), "title": "Bac blanc", "date": "2026-11-23",
    }  # fmt: skip


@pytest.mark.parametrize("query", ["", "copies=0", "copies=1001", "copies=5&pages=0", "copies=5&layout=a5", "copies=x"])
def test_wishes_that_make_no_sense_are_refused_at_the_door(admin: Person, rpc: FakeRpc, query: str) -> None:
    answer = admin.get(f"/exams/{uuid4()}/sheets.pdf?{query}")
    assert answer.status_code == 422
    assert answer.json["errors"]
    assert rpc.asked == []


def test_what_render_refuses_is_told_with_its_reason(admin: Person, rpc: FakeRpc) -> None:
    def refuse(asked: render.AnswerSheetsWanted) -> render.AnswerSheets:
        raise NotFoldable(pages=asked.pages)

    rpc.on(exams.GET_EXAM, lambda asked: exam_view(asked.exam_id))
    rpc.on(render.ANSWER_SHEETS, refuse)
    answer = admin.get(f"/exams/{uuid4()}/sheets.pdf?copies=5&pages=6&layout=a3")
    assert (answer.status_code, answer.json["code"]) == (422, "render.not_foldable")
    assert "6 pages cannot be folded" in answer.json["detail"]


def test_without_render_one_is_told_to_come_back(admin: Person, rpc: FakeRpc) -> None:
    rpc.on(exams.GET_EXAM, lambda asked: exam_view(asked.exam_id))
    answer = admin.get(f"/exams/{uuid4()}/sheets.pdf?copies=5")
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
