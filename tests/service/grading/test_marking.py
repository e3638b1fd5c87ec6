"""P0-DI-002 and P0-DI-007: drafts, annotations and scores lose nothing and overwrite nobody unseen."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from contracts.errors.grading import (
    DraftConflict,
    DraftTooLarge,
    LockRequired,
    NotFound,
    PageOutOfRange,
    ScoreOffStep,
    ScoreOutOfRange,
    UnknownItem,
    VersionConflict,
    VersionRequired,
)
from contracts.rpc.grading.copies import (
    AnnotationFields,
    AnnotationView,
    ChangeAnnotation,
    CreateAnnotation,
    DraftView,
    OneCopy,
    PutDraft,
    RemoveAnnotation,
)
from services.grading.store import tables
from services.grading.usecases import marking
from tests.service.grading.desk import FULL, Desk, person


def save(desk: Desk, copy_id: uuid.UUID, token: str, version: int, payload: Any, client: str = "tab-1") -> DraftView:
    request = PutDraft(
        copy_id=copy_id, token=token, by=desk.marker, client_id=client, version=version, payload={"text": payload}
    )
    return marking.put_draft(desk.app, request)


def draft(desk: Desk, copy_id: uuid.UUID) -> DraftView:
    return marking.get_draft(desk.app, OneCopy(copy_id=copy_id, by=desk.marker))


def history(desk: Desk) -> list[tuple[int | None, str]]:
    saves = tables.draft_saves
    rows = desk.all(sa.select(saves.c.version, saves.c.payload).order_by(saves.c.id))
    return [(row.version, row.payload["text"]) for row in rows]


def test_two_saves_50_ms_apart_both_succeed(desk: Desk) -> None:
    """P0-DI-002."""
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    assert save(desk, copy_id, token, 0, "a").version == 1
    assert save(desk, copy_id, token, 1, "b").version == 2
    threading.Event().wait(0.05)
    assert save(desk, copy_id, token, 2, "c").version == 3
    assert draft(desk, copy_id).payload == {"text": "c"}


def test_a_stale_save_is_refused_and_both_payloads_are_kept(desk: Desk) -> None:
    """P0-DI-002."""
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    save(desk, copy_id, token, 0, "first")
    save(desk, copy_id, token, 1, "mine")
    with pytest.raises(DraftConflict) as refused:
        save(desk, copy_id, token, 1, "late")
    assert refused.value.details["version"] == 2
    assert refused.value.details["payload"] == {"text": "mine"}
    assert draft(desk, copy_id).payload == {"text": "mine"}
    assert history(desk) == [(1, "first"), (2, "mine"), (None, "late")]  # raised inside the transaction, "late" is gone


def test_another_window_is_refused_even_with_the_right_version(desk: Desk) -> None:
    # Comparing the row with itself (the older system's fix) would let the second window overwrite the first.
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    save(desk, copy_id, token, 0, "window 1", client="one")
    with pytest.raises(DraftConflict):
        save(desk, copy_id, token, 1, "window 2", client="two")
    with pytest.raises(DraftConflict):
        save(desk, copy_id, token, 0, "window 2, first", client="two")
    assert draft(desk, copy_id).payload == {"text": "window 1"}


def test_a_new_lock_lets_another_machine_go_on(desk: Desk) -> None:
    copy_id = desk.add_copy()
    save(desk, copy_id, desk.token(copy_id), 0, "at school", client="school")
    desk.expire(copy_id)
    token = desk.token(copy_id)
    with pytest.raises(DraftConflict):  # it must have read what is there
        save(desk, copy_id, token, 0, "at home, blind", client="home")
    assert save(desk, copy_id, token, 1, "at home", client="home").version == 2


def test_a_save_that_was_refused_and_then_stored_is_in_the_history_as_what_it_became(desk: Desk) -> None:
    """Left as refused, its version would be a hole, and its own retry would be told of a conflict with itself."""
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    save(desk, copy_id, token, 0, "window 1", client="one")
    with pytest.raises(DraftConflict):
        save(desk, copy_id, token, 1, "window 2", client="two")
    desk.expire(copy_id)
    token = desk.token(copy_id)  # the marker goes on in the second window
    stored = save(desk, copy_id, token, 1, "window 2", client="two")
    assert stored.version == 2
    assert save(desk, copy_id, token, 1, "window 2", client="two") == stored
    assert history(desk) == [(1, "window 1"), (2, "window 2")]


def test_a_retried_save_gets_the_first_answer(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    first = save(desk, copy_id, token, 0, "a")
    assert save(desk, copy_id, token, 0, "a") == first
    save(desk, copy_id, token, 1, "b")
    assert save(desk, copy_id, token, 0, "a") == first  # late, from the network: it changes nothing
    assert draft(desk, copy_id).payload == {"text": "b"}
    assert history(desk) == [(1, "a"), (2, "b")]


def test_of_simultaneous_saves_on_one_version_one_is_stored_and_all_are_kept(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    start = threading.Barrier(8)

    def race(number: int) -> bool:
        start.wait()
        try:
            return save(desk, copy_id, token, 0, f"payload {number}").version == 1
        except DraftConflict:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(race, range(8))) == 1
    assert sorted(text for _, text in history(desk)) == [f"payload {number}" for number in range(8)]


def test_a_draft_belongs_to_its_marker_and_has_a_limit(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    assert (draft(desk, copy_id).version, draft(desk, copy_id).payload) == (0, None)
    with pytest.raises(DraftTooLarge):
        save(desk, copy_id, token, 0, "x" * 1_000_000)
    with pytest.raises(LockRequired):
        marking.put_draft(
            desk.app,
            PutDraft(copy_id=copy_id, token=None, by=desk.marker, client_id="t", version=0, payload={}),
        )
    save(desk, copy_id, token, 0, "mine")
    assert marking.get_draft(desk.app, OneCopy(copy_id=copy_id, by=desk.admin)).payload is None


# Annotations


def annotate(desk: Desk, copy_id: uuid.UUID, token: str, **fields: Any) -> AnnotationView:
    values: dict[str, Any] = {"page": 1, "type": "comment", "x": 0.25, "y": 0.5, "w": 0.1, "h": 0.05, "content": "Bien"}
    new = AnnotationFields(**(values | fields))
    return marking.create_annotation(
        desk.app, CreateAnnotation(copy_id=copy_id, token=token, by=desk.marker, annotation=new)
    )


def change(desk: Desk, view: AnnotationView, token: str, version: int, **fields: Any) -> AnnotationView:
    request = ChangeAnnotation(annotation_id=view.id, token=token, version=version, by=desk.marker, **fields)
    return marking.change_annotation(desk.app, request)


def test_an_annotation_is_stored_as_drawn_and_listed_page_by_page(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    strokes = (((0.1, 0.2), (0.3, 0.4)),)
    second = annotate(desk, copy_id, token, page=2, type="pen", points=strokes, content="")
    first = annotate(desk, copy_id, token, score_delta=Decimal("-0.25"), item_id="q1")
    listed = marking.list_annotations(desk.app, OneCopy(copy_id=copy_id, by=desk.marker))
    assert listed.items == (first, second)
    assert (first.version, first.score_delta, first.item_id) == (1, Decimal("-0.25"), "q1")
    assert second.points == strokes


def test_an_update_carries_the_version_it_read(desk: Desk) -> None:
    """P0-DI-007."""
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    view = annotate(desk, copy_id, token)
    changed = change(desk, view, token, 1, x=0.75, score_delta=Decimal("0.5"))
    assert (changed.version, changed.x, changed.y, changed.content) == (2, 0.75, 0.5, "Bien")
    with pytest.raises(VersionConflict) as refused:
        change(desk, view, token, 1, content="stale")
    assert refused.value.details["version"] == 2
    assert refused.value.details["current"]["score_delta"] == "0.5"
    with pytest.raises(VersionConflict):
        marking.remove_annotation(
            desk.app, RemoveAnnotation(annotation_id=view.id, token=token, version=1, by=desk.marker)
        )


def test_a_removed_annotation_is_gone_for_people_and_kept_in_the_table(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    view = annotate(desk, copy_id, token)
    request = RemoveAnnotation(annotation_id=view.id, token=token, version=1, by=desk.marker)
    marking.remove_annotation(desk.app, request)
    assert marking.list_annotations(desk.app, OneCopy(copy_id=copy_id, by=desk.marker)).total == 0
    with pytest.raises(NotFound):
        change(desk, view, token, 2, content="?")
    kept = desk.all(sa.select(tables.annotations.c.version, tables.annotations.c.deleted_at))
    assert kept[0].version == 2
    assert kept[0].deleted_at is not None
    assert desk.actions(copy_id)[-2:] == ["ANNOTATION_CREATED", "ANNOTATION_REMOVED"]


def test_an_annotation_stands_on_a_page_and_an_item_that_exist(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    with pytest.raises(PageOutOfRange) as refused:
        annotate(desk, copy_id, token, page=3)
    assert refused.value.details == {"page": 3, "page_count": 2}
    with pytest.raises(UnknownItem):
        annotate(desk, copy_id, token, item_id="ex1")  # a branch is no item


def test_annotations_of_other_markers_copies_do_not_exist(desk: Desk) -> None:
    copy_id = desk.add_copy()
    view = annotate(desk, copy_id, desk.token(copy_id))
    stranger = person("M. Becquerel")
    with pytest.raises(NotFound):
        marking.list_annotations(desk.app, OneCopy(copy_id=copy_id, by=stranger))
    with pytest.raises(NotFound):
        marking.remove_annotation(
            desk.app, RemoveAnnotation(annotation_id=view.id, token="any", version=1, by=stranger)
        )


# Scores


def scores(desk: Desk, copy_id: uuid.UUID) -> Any:
    return marking.get_scores(desk.app, OneCopy(copy_id=copy_id, by=desk.marker))


def test_scores_are_replaced_and_totalled(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    empty = scores(desk, copy_id)
    assert (empty.version, empty.total, empty.missing) == (0, None, ("q1", "q2", "extra"))
    partial = desk.score(copy_id, token, {"q1": Decimal("6.25")})
    assert (partial.version, partial.total, partial.missing) == (1, None, ("q2", "extra"))
    full = desk.score(copy_id, token, FULL, version=1)
    assert (full.version, full.total, full.missing) == (2, Decimal("14.75"), ())
    assert scores(desk, copy_id) == full


def test_scores_need_the_version_once_there_is_one(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    desk.score(copy_id, token)
    with pytest.raises(VersionRequired):
        desk.score(copy_id, token)
    with pytest.raises(VersionConflict) as refused:
        desk.score(copy_id, token, FULL, version=7)
    assert refused.value.details["current"]["total"] == "14.75"


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"q1": "8.25"}, ScoreOutOfRange),
        ({"q1": "-0.25"}, ScoreOutOfRange),
        ({"q1": "1.1"}, ScoreOffStep),
        ({"nope": "1"}, UnknownItem),
    ],
)
def test_scores_outside_the_scheme_are_refused(desk: Desk, given: dict[str, str], refusal: type[Exception]) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    with pytest.raises(refusal):
        desk.score(copy_id, token, {item: Decimal(score) for item, score in given.items()})
    assert scores(desk, copy_id).version == 0


def test_a_bonus_never_gives_more_than_the_exam_is_out_of(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    view = desk.score(copy_id, token, {"q1": Decimal(8), "q2": Decimal(12), "extra": Decimal(1)})
    assert view.total == Decimal(20)  # 21 without the cap


def test_a_hundred_autosaves_at_once_all_complete(desk: Desk) -> None:
    held = [(copy_id, desk.token(copy_id)) for copy_id in (desk.add_copy() for _ in range(20))]

    def type_on(each: tuple[uuid.UUID, str]) -> list[int]:
        copy_id, token = each
        return [save(desk, copy_id, token, version, f"text {version}").version for version in range(5)]

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(type_on, held)) == [[1, 2, 3, 4, 5]] * 20
    assert len(history(desk)) == 100
