"""What a marking desk opens with, and the comments it offers."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest

from contracts.errors.grading import NotFound, NotYours, UnknownItem, VersionConflict
from contracts.model import Actor, Role
from contracts.rpc.grading.copies import OneCopy
from contracts.rpc.grading.desk import (
    ChangeComment,
    CommentView,
    CreateComment,
    DeskView,
    ListComments,
    OpenDesk,
    RemoveComment,
)
from services.grading.usecases import comments, copies, desk, marking
from tests.service.grading.desk import Desk, counted, person
from tests.service.grading.school import candidate_ids, identify, import_roster
from tests.service.grading.test_operations import TICK, annotate, erase, score, send


def opened(at: Desk, copy_id: uuid.UUID, item: str | None = None, by: Actor | None = None) -> DeskView:
    return desk.open_desk(at.app, OpenDesk(copy_id=copy_id, item_id=item, by=by or at.marker))


def comment(at: Desk, text: str, by: Actor | None = None, **fields: Any) -> CommentView:
    return comments.create_comment(at.app, CreateComment(exam_id=at.exam_id, text=text, by=by or at.marker, **fields))


def offered(at: Desk, by: Actor, item: str | None = None) -> list[tuple[str, int]]:
    found = comments.list_comments(at.app, ListComments(exam_id=at.exam_id, item_id=item, by=by))
    assert found.total == len(found.items)
    return [(each.text, each.uses) for each in found.items]


def test_one_answer_has_all_that_the_single_reads_have(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    send(desk, copy_id, token, annotate(0, TICK), score("6.25", None))
    made = comment(desk, "Unité oubliée.", item_id="q1", points="-0.5")
    view, asked = opened(desk, copy_id), OneCopy(copy_id=copy_id, by=desk.marker)
    assert view.copy_ == copies.get_copy(desk.app, asked)
    assert view.annotations == marking.list_annotations(desk.app, asked).items
    assert view.scores == marking.get_scores(desk.app, asked)
    assert view.comments == (made,)
    assert (view.exam.title, view.exam.total_points, view.exam.step) == ("Bac blanc", Decimal(20), Decimal("0.25"))
    assert [node.id for node in view.scheme.nodes] == ["ex1", "extra"]
    assert (view.previous, view.next, view.position, view.of, view.done) == (None, None, 1, 1, 0)


def test_the_way_leads_through_the_callers_copies_by_anonymous_id(desk: Desk) -> None:
    mine = [desk.add_copy() for _ in range(3)]
    desk.add_copy(person("M. Borel"))
    order = sorted(mine, key=lambda each: desk.row(each).anonymous_id)
    middle = opened(desk, order[1])
    assert (middle.previous, middle.next, middle.position, middle.of) == (order[0], order[2], 2, 3)
    assert opened(desk, order[1], by=desk.admin).of == 4


def test_by_item_the_way_leads_to_copies_without_a_score(desk: Desk) -> None:
    order = sorted((desk.add_copy() for _ in range(3)), key=lambda each: desk.row(each).anonymous_id)
    send(desk, order[1], desk.token(order[1]), score("0", None, item="q2"))
    first = opened(desk, order[0], item="q2")
    assert (first.next, first.done) == (order[2], 1)  # 0 is a score that somebody gave
    assert opened(desk, order[0], item="q1").next == order[1]


def test_a_desk_costs_as_many_statements_however_much_is_on_it(desk: Desk) -> None:
    copy_id = desk.add_copy()
    with counted(desk.db) as few:
        opened(desk, copy_id)
    send(desk, copy_id, desk.token(copy_id), *(annotate(0, TICK) for _ in range(100)))
    for number in range(20):
        comment(desk, f"Remarque {number}")
        desk.add_copy()
    with counted(desk.db) as many:
        view = opened(desk, copy_id)
    assert (len(view.annotations), len(view.comments), view.of) == (100, 20, 21)
    assert len(few) == len(many) <= 8


@pytest.mark.parametrize("role", [Role.MARKER, Role.ADMIN])
def test_nobody_learns_at_the_desk_whose_copy_it_is(desk: Desk, role: Role) -> None:
    import_roster(desk.app, desk.exam_id, desk.admin)
    copy_id = desk.add_copy()
    candidate = candidate_ids(desk.app, desk.exam_id, desk.admin)["Jade"]
    identify(desk, copy_id, candidate)
    view = opened(desk, copy_id, by=desk.admin if role is Role.ADMIN else desk.marker)
    assert (view.copy_.candidate_id, view.copy_.identified) == (None, None)
    text = view.model_dump_json()
    assert str(candidate) not in text
    assert "ROBIN" not in text


def test_a_strangers_desk_does_not_exist(desk: Desk) -> None:
    with pytest.raises(NotFound):
        opened(desk, desk.add_copy(), by=person("M. Borel"))


# Comments


def test_what_is_used_most_comes_first_and_a_removed_annotation_counts_no_more(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    rare, often = comment(desk, "Rare."), comment(desk, "Souvent.")
    last = uuid.uuid4()
    used = [
        annotate(0, TICK | {"comment_id": each.id, "content": each.text}, note)
        for each, note in [(often, uuid.uuid4()), (often, uuid.uuid4()), (rare, last)]
    ]
    send(desk, copy_id, token, *used)
    send(desk, copy_id, token, *used)  # sent again, used once
    assert offered(desk, desk.marker) == [("Souvent.", 2), ("Rare.", 1)]
    send(desk, copy_id, token, erase(1, last))
    assert offered(desk, desk.marker) == [("Souvent.", 2), ("Rare.", 0)]


def test_an_item_is_offered_its_own_comments_and_those_of_the_exam(desk: Desk) -> None:
    desk.add_copy()
    comment(desk, "De la question 1.", item_id="q1")
    comment(desk, "De la question 2.", item_id="q2")
    comment(desk, "De tout.")
    assert [text for text, _ in offered(desk, desk.marker, "q1")] == ["De la question 1.", "De tout."]
    with pytest.raises(UnknownItem):
        comment(desk, "De rien.", item_id="q9")


def test_official_comments_are_everybodys_and_kept_by_administrators(desk: Desk) -> None:
    desk.add_copy()
    colleague = person("M. Borel")
    desk.add_copy(colleague)
    with pytest.raises(NotYours):
        comment(desk, "Officiel ?", official=True)
    official = comment(desk, "Officiel.", by=desk.admin, official=True)
    mine = comment(desk, "À moi.")
    assert (official.official, official.mine, mine.official, mine.mine) == (True, False, False, True)
    assert [text for text, _ in offered(desk, colleague)] == ["Officiel."]
    assert [text for text, _ in offered(desk, desk.admin)] == ["Officiel."]  # what a marker keeps is the marker's
    change = {"version": 1, "text": "Autrement."}
    with pytest.raises(NotYours):
        comments.change_comment(desk.app, ChangeComment(comment_id=official.id, by=desk.marker, **change))
    for stranger in (colleague, desk.admin):
        with pytest.raises(NotFound):
            comments.change_comment(desk.app, ChangeComment(comment_id=mine.id, by=stranger, **change))
    changed = comments.change_comment(desk.app, ChangeComment(comment_id=official.id, by=desk.admin, **change))
    assert (changed.text, changed.version) == ("Autrement.", 2)


def test_comments_are_of_those_who_mark_the_exam(desk: Desk) -> None:
    stranger = person("M. Borel")
    with pytest.raises(NotFound):
        comment(desk, "?", by=stranger)
    with pytest.raises(NotFound):
        offered(desk, stranger)


def test_a_stale_change_is_refused_and_a_removed_comment_is_gone(desk: Desk) -> None:
    copy_id = desk.add_copy()
    made = comment(desk, "Bien.", points="0.5", item_id="q1")
    send(desk, copy_id, desk.token(copy_id), annotate(0, TICK | {"comment_id": made.id, "content": "Bien."}))
    changed = comments.change_comment(
        desk.app, ChangeComment(comment_id=made.id, version=1, text="Très bien.", by=desk.marker)
    )
    assert (changed.text, changed.points, changed.item_id, changed.uses) == ("Très bien.", None, None, 1)
    with pytest.raises(VersionConflict) as refused:
        comments.remove_comment(desk.app, RemoveComment(comment_id=made.id, version=1, by=desk.marker))
    assert refused.value.details["current"]["text"] == "Très bien."
    comments.remove_comment(desk.app, RemoveComment(comment_id=made.id, version=2, by=desk.marker))
    assert offered(desk, desk.marker) == []
    with pytest.raises(NotFound):
        comments.remove_comment(desk.app, RemoveComment(comment_id=made.id, version=3, by=desk.marker))
    assert opened(desk, copy_id).annotations[0].content == "Bien."  # what was written on the copy stays


def test_a_comment_asked_for_again_is_the_same(desk: Desk) -> None:
    desk.add_copy()
    name = uuid.uuid4()
    assert comment(desk, "Bien.", once=name) == comment(desk, "Bien.", once=name)
    assert offered(desk, desk.marker) == [("Bien.", 0)]
