"""Whatever was done in staging can be undone, exactly, until it is assembled or something later depends on it."""

from __future__ import annotations

import random
import threading
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from chassis.invariants import Page
from contracts.errors.ingest import (
    BookletFrozen,
    LaterAct,
    MixedExams,
    NotFound,
    NothingToUndo,
    RepeatedBooklet,
    UndoneAlready,
    VersionConflict,
)
from contracts.rpc.ingest import (
    AssembleCopy,
    Booklets,
    BookletView,
    DropBooklet,
    EditBooklet,
    InsertPages,
    MergeBooklets,
    OfExam,
    PageEdit,
    SplitBooklet,
    StagingAct,
    UndoAct,
    UndoInBooklet,
)
from services.ingest import assembling, usecases
from services.ingest.invariants import SUBJECTS
from tests.scans.paper import a4_pile
from tests.service.ingest.conftest import OPERATOR, Ingest


def insert(
    ingest: Ingest, target: BookletView, source: BookletView, *pages: UUID, before: int | None = None, **more: Any
) -> tuple[BookletView, ...]:
    request = InsertPages(
        booklet_id=target.id,
        version=target.version,
        before_page=before,
        source_id=source.id,
        source_version=source.version,
        page_ids=pages,
        by=OPERATOR,
        **more,
    )
    return usecases.insert_pages(ingest.context, request).items


def merge(ingest: Ingest, *booklets: BookletView) -> BookletView:
    request = MergeBooklets(exam_id=ingest.exam_id, booklet_ids=tuple(each.id for each in booklets), by=OPERATOR)
    return usecases.merge_booklets(ingest.context, request)


def split(ingest: Ingest, booklet: BookletView, before_page: int) -> tuple[BookletView, ...]:
    request = SplitBooklet(booklet_id=booklet.id, version=booklet.version, before_page=before_page, by=OPERATOR)
    return usecases.split_booklet(ingest.context, request).items


def set_aside(ingest: Ingest, booklet: BookletView, *, restore: bool = False) -> None:
    drop = DropBooklet(booklet_id=booklet.id, version=booklet.version, restore=restore, by=OPERATOR)
    usecases.drop_booklet(ingest.context, drop)


def arrange(ingest: Ingest, booklet: BookletView, pages: list[PageEdit]) -> BookletView:
    edit = EditBooklet(booklet_id=booklet.id, version=booklet.version, pages=tuple(pages), by=OPERATOR)
    return usecases.edit_booklet(ingest.context, edit)


def undo(ingest: Ingest, act_id: UUID | None = None, **more: Any) -> Booklets:
    return usecases.undo_act(ingest.context, UndoAct(exam_id=ingest.exam_id, act_id=act_id, by=OPERATOR, **more))


def undo_in(ingest: Ingest, booklet: BookletView) -> Booklets:
    request = UndoInBooklet(booklet_id=booklet.id, version=booklet.version, by=OPERATOR)
    return usecases.undo_in_booklet(ingest.context, request)


def acts(ingest: Ingest) -> tuple[StagingAct, ...]:
    return usecases.list_staging_acts(ingest.context, OfExam(exam_id=ingest.exam_id, limit=200)).items


def assemble(ingest: Ingest, booklet: BookletView) -> None:
    request = AssembleCopy(exam_id=ingest.exam_id, booklet_ids=(booklet.id,), by=OPERATOR)
    assembling.assemble_copy(ingest.context, request)


def seen(ingest: Ingest) -> list[Any]:
    """All there is to see of the pile but the versions, which only grow."""
    kept = {"id", "upload_id", "first_side", "doubts", "set_aside", "copy_id"}
    page = {"id", "page_no", "turn_deg", "dropped"}
    return [
        [each.model_dump(include=kept), [one.model_dump(include=page) for one in each.pages]]
        for each in ingest.booklets()
    ]


def breaches(ingest: Ingest) -> list[Any]:
    """What an operator's check would find."""
    with ingest.context.db.reading() as sql:
        return [found for group in SUBJECTS for found in group.breaches(sql, Page(after=group.first, last=group.last))]


def numbers(booklet: BookletView) -> list[int]:
    return [page.side_no for page in booklet.pages]


def test_pages_of_another_upload_are_inserted_where_they_belong(ingest: Ingest) -> None:
    first = ingest.ready(a4_pile(2, pages=2), "a4", 2)
    late = ingest.ready(a4_pile(1, pages=3, headers=False), "a4", 3)
    target, other, source = ingest.booklets()
    into, left = insert(ingest, target, source, source.pages[2].id, source.pages[0].id, before=2)
    assert [page.id for page in into.pages] == [
        target.pages[0].id, source.pages[2].id, source.pages[0].id, target.pages[1].id,
    ]  # fmt: skip
    assert (into.upload_id, left.upload_id, numbers(left)) == (first.id, late.id, [2])
    assert (left.doubts, ingest.booklets()[1]) == ((), other)  # a person looked at both, and at no other
    with pytest.raises(VersionConflict):
        insert(ingest, into, source, source.pages[1].id)
    assert breaches(ingest) == []


def test_a_booklet_that_gave_all_its_pages_is_gone_until_that_is_undone(ingest: Ingest) -> None:
    upload = ingest.ready(a4_pile(2, pages=2), "a4", 2)
    before = seen(ingest)
    target, source = ingest.booklets()
    (into,) = insert(ingest, target, source)
    assert numbers(into) == [1, 2, 3, 4]
    with pytest.raises(NotFound):
        usecases.get_booklet(ingest.context, source.id)
    with pytest.raises(NotFound):
        merge(ingest, into, source)
    assert usecases.get_upload(ingest.context, upload.id).booklets == 1
    assert breaches(ingest) == []
    assert [numbers(each) for each in undo(ingest).items] == [[1, 2], [3, 4]]
    assert seen(ingest) == before


def test_pages_move_between_booklets_of_one_exam_only(ingest: Ingest) -> None:
    ingest.ready(a4_pile(1, pages=2), "a4", 2)
    (target,) = ingest.booklets()
    ingest.exam_id = uuid4()
    ingest.ready(a4_pile(1, pages=2), "a4", 2)
    (stranger,) = ingest.booklets()
    with pytest.raises(MixedExams):
        insert(ingest, target, stranger)
    with pytest.raises(RepeatedBooklet):
        insert(ingest, target, target)


def test_asked_again_pages_are_inserted_once(ingest: Ingest) -> None:
    ingest.ready(a4_pile(2, pages=2), "a4", 2)
    target, source = ingest.booklets()
    once = uuid4()
    first = insert(ingest, target, source, source.pages[0].id, once=once)
    assert insert(ingest, target, source, source.pages[0].id, once=once) == first


def test_a_merge_is_undone_in_its_place_though_its_neighbours_moved(ingest: Ingest) -> None:
    """Booklets after a split are numbered anew: where the merged one was must be remembered, not its number."""
    ingest.ready(a4_pile(4, pages=2), "a4", 2)
    one, two, three, _ = ingest.booklets()
    merge(ingest, two, three)
    merged = acts(ingest)[0].id
    split(ingest, one, 2)
    undo(ingest, merged)
    assert [numbers(each) for each in ingest.booklets()] == [[1], [2], [3, 4], [5, 6], [7, 8]]
    assert breaches(ingest) == []


def test_a_doubt_that_was_settled_is_a_doubt_again(ingest: Ingest) -> None:
    ingest.ready(a4_pile(1, pages=1), "a4", 2)
    (short,) = ingest.booklets()
    arrange(ingest, short, [PageEdit(id=short.pages[0].id)])
    assert ingest.booklets()[0].doubts == ()
    undo(ingest)
    assert ingest.booklets()[0].doubts == short.doubts != ()


def test_the_machines_confidence_ends_where_a_person_was_and_comes_back(ingest: Ingest) -> None:
    ingest.ready(a4_pile(1, pages=2), "a4", 2)
    with ingest.context.db.transaction() as uow:
        uow.sql.execute(sa.text("UPDATE booklets SET confidence = 0.75"))

    def confidence() -> Any:
        return ingest.rows("SELECT confidence FROM booklets")[0].confidence

    (booklet,) = ingest.booklets()
    set_aside(ingest, booklet)
    set_aside(ingest, ingest.booklets()[0], restore=True)
    assert confidence() == 0.75
    arrange(ingest, ingest.booklets()[0], [PageEdit(id=page.id) for page in booklet.pages])
    assert confidence() is None
    undo(ingest)
    assert confidence() == 0.75


def test_what_later_depends_on_is_not_undone_before_it(ingest: Ingest) -> None:
    ingest.ready(a4_pile(2, pages=2), "a4", 2)
    first, second = ingest.booklets()
    set_aside(ingest, first)
    split(ingest, second, 2)
    merge(ingest, *ingest.booklets()[1:])
    merged, halved, dropped = acts(ingest)
    with pytest.raises(LaterAct) as refused:
        undo(ingest, halved.id)
    assert refused.value.details == {"act_id": str(merged.id), "kind": "merge"}
    undo(ingest, dropped.id)  # touched no booklet of the others
    undo(ingest, merged.id)
    undo(ingest, halved.id)
    with pytest.raises(UndoneAlready):
        undo(ingest, halved.id)
    with pytest.raises(NothingToUndo):
        undo(ingest)
    assert [(act.kind, act.undone_by) for act in acts(ingest)] == [
        ("merge", OPERATOR.id), ("split", OPERATOR.id), ("set_aside", OPERATOR.id),
    ]  # fmt: skip


def test_undoing_in_a_booklet_leaves_the_others_alone(ingest: Ingest) -> None:
    ingest.ready(a4_pile(2, pages=2), "a4", 2)
    first, second = ingest.booklets()
    set_aside(ingest, first)
    set_aside(ingest, second)
    with pytest.raises(VersionConflict):
        undo_in(ingest, first)
    undo_in(ingest, ingest.booklets()[0])
    assert [each.set_aside for each in ingest.booklets()] == [False, True]
    with pytest.raises(NothingToUndo):
        undo_in(ingest, ingest.booklets()[0])


def test_after_assembling_there_is_no_undoing(ingest: Ingest) -> None:
    ingest.ready(a4_pile(2, pages=2), "a4", 2)
    first, second = ingest.booklets()
    set_aside(ingest, second)
    arrange(ingest, first, [PageEdit(id=page.id, turn_deg=180) for page in first.pages])
    turned = acts(ingest)[0].id
    assemble(ingest, first)
    with pytest.raises(BookletFrozen):
        undo(ingest, turned)
    with pytest.raises(BookletFrozen):
        undo_in(ingest, ingest.booklets()[0])
    undo(ingest)  # the last that can be: the other booklet's
    assert [each.set_aside for each in ingest.booklets()] == [False, False]
    with pytest.raises(NothingToUndo):
        undo(ingest)


def test_an_act_of_another_exam_is_not_there(ingest: Ingest) -> None:
    ingest.ready(a4_pile(1, pages=2), "a4", 2)
    set_aside(ingest, ingest.booklets()[0])
    (act,) = acts(ingest)
    ingest.exam_id = uuid4()
    with pytest.raises(NotFound):
        undo(ingest, act.id)


def test_of_two_that_undo_the_same_act_one_does(ingest: Ingest) -> None:
    ingest.ready(a4_pile(1, pages=2), "a4", 2)
    set_aside(ingest, ingest.booklets()[0])
    (act,) = acts(ingest)
    outcomes: list[str] = []

    def race() -> None:
        try:
            undo(ingest, act.id)
            outcomes.append("undone")
        except UndoneAlready:
            outcomes.append("refused")

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 3 + ["undone"]


def test_asked_again_one_act_is_undone(ingest: Ingest) -> None:
    ingest.ready(a4_pile(2, pages=2), "a4", 2)
    for booklet in ingest.booklets():
        set_aside(ingest, booklet)
    once = uuid4()
    first = undo(ingest, once=once)
    assert undo(ingest, once=once) == first
    assert [each.set_aside for each in ingest.booklets()] == [True, False]


@pytest.mark.parametrize("seed", range(6))
def test_a_random_walk_through_staging_is_walked_back_step_by_step(ingest: Ingest, seed: int) -> None:
    chance = random.Random(seed)
    ingest.ready(a4_pile(3, pages=3), "a4", 3)
    ingest.ready(a4_pile(2, pages=2), "a4", 2)
    history = [seen(ingest)]

    def act() -> None:
        here = [each for each in ingest.booklets() if not each.set_aside]
        one, *others = chance.sample(here, len(here)) if here else (None,)
        kind = chance.choice(["arrange", "split", "merge", "insert", "insert", "set_aside", "take_back"])
        if kind == "take_back" or one is None:
            for aside in [each for each in ingest.booklets() if each.set_aside][:1]:
                set_aside(ingest, aside, restore=True)
        elif kind == "set_aside":
            set_aside(ingest, one)
        elif kind == "split" and len(one.pages) > 1:
            split(ingest, one, chance.randint(2, len(one.pages)))
        elif kind == "merge" and others:
            merge(ingest, one, *others[:2])
        elif kind == "insert" and others:
            taken = chance.sample([page.id for page in others[0].pages], chance.randint(0, len(others[0].pages)))
            insert(ingest, one, others[0], *taken, before=chance.randint(1, len(one.pages) + 1))
        else:
            pages = chance.sample(one.pages, len(one.pages))
            arrange(ingest, one, [PageEdit(id=page.id, turn_deg=90, dropped=chance.random() < 0.3) for page in pages])

    for _ in range(25):
        if len(history) > 1 and chance.random() < 0.25:
            undo(ingest)
            history.pop()
            assert seen(ingest) == history[-1]
        else:
            done = len(acts(ingest))
            act()
            history += [seen(ingest)] if len(acts(ingest)) > done else []
    assert breaches(ingest) == []
    while len(history) > 1:
        undo(ingest)
        history.pop()
        assert seen(ingest) == history[-1]
    assert breaches(ingest) == []
