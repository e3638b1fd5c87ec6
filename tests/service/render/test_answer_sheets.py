"""One document per wish, whoever asks and however often. Real database, object store and child."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from chassis.sandbox import Sandbox
from contracts.errors import Unavailable
from contracts.errors.render import NotFoldable, TooManySheets
from contracts.rpc.render import AnswerSheetsWanted
from services.render import usecases
from services.render.context import Context
from tests.service.render.conftest import SETTINGS, NoSandbox
from tests.unit.render.paper import all_text


def wishes(**changes: Any) -> AnswerSheetsWanted:
    values: dict[str, Any] = {"exam_id": UUID(int=7), "title": "Bac blanc", "copies": 2, "pages": 4}
    return AnswerSheetsWanted.model_validate(values | changes)


def test_the_same_wishes_find_the_same_document_without_a_child(app: Context) -> None:
    first = usecases.answer_sheets(app, wishes())
    assert first.document.media_type == "application/pdf"
    assert "Bac blanc" in all_text(app.objects.get(first.document))
    again = usecases.answer_sheets(replace(app, sandbox=NoSandbox()), wishes())
    assert again == first


def test_another_batch_and_another_exam_have_other_copies(app: Context) -> None:
    documents = [
        usecases.answer_sheets(app, each).document.sha256
        for each in (wishes(), wishes(batch=2), wishes(exam_id=UUID(int=8)))
    ]
    assert len(set(documents)) == 3  # numbers that repeated would make one copy of two candidates' pages


def test_a_lost_document_is_made_again(app: Context) -> None:
    first = usecases.answer_sheets(app, wishes())
    app.objects.delete(first.document.key)
    again = usecases.answer_sheets(app, wishes())
    assert app.objects.exists(again.document)


def test_what_cannot_be_printed_is_refused_before_a_child_is_asked(app: Context) -> None:
    idle = replace(app, sandbox=NoSandbox())
    with pytest.raises(NotFoldable):
        usecases.answer_sheets(idle, wishes(layout="a3", pages=6))
    with pytest.raises(TooManySheets):
        usecases.answer_sheets(idle, wishes(copies=1000, pages=64))


def test_a_child_that_dies_leaves_nothing_and_asks_for_patience(app: Context) -> None:
    slow = Sandbox("services.render.pixels", size=1)
    try:
        with pytest.raises(Unavailable):
            usecases.answer_sheets(replace(app, sandbox=slow, settings=replace(SETTINGS, deadline_s=0)), wishes())
    finally:
        slow.close()
    with app.db.reading() as sql:
        assert sql.exec_driver_sql("select count(*) from artefacts").scalar() == 0


def test_copy_numbers_are_random_and_distinct() -> None:
    numbers = usecases._copy_numbers(1000)
    assert len(set(numbers)) == 1000
    assert sorted(numbers) != numbers  # growing numbers would tell in which order sheets were handed out
    assert max(numbers) < 1 << 40
