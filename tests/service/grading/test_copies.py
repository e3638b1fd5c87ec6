"""Paper arrives once per revision; people see what is theirs and markers never who sat the exam."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
import sqlalchemy as sa

from contracts.errors.grading import (
    BadCursor,
    CopyFinalised,
    CopyOfOtherExam,
    ExamPublished,
    NotFound,
    PagesMoved,
    UnknownExam,
)
from contracts.messages.ingest import UploadSettled
from contracts.model import Actor, Role
from contracts.records.pages import Page
from contracts.rpc.grading.copies import (
    AnnotationFields,
    CreateAnnotation,
    ListAudit,
    ListCopies,
    OneCopy,
    PageImage,
    Reopen,
)
from services.grading.store import audit, paging, tables
from services.grading.usecases import copies, marking, reopening
from tests.service.grading.desk import OPERATOR, Desk, counted, covered, other_header, page, person


def listing(desk: Desk, by: Actor, **kw: Any) -> Any:
    return copies.list_copies(desk.app, ListCopies(exam_id=desk.exam_id, by=by, **kw))


def identify(desk: Desk, copy_id: uuid.UUID, last_name: str = "Lovelace") -> uuid.UUID:
    candidate_id, person_id = uuid.uuid4(), uuid.uuid4()
    desk.write(tables.persons.insert().values(id=person_id, candidate_key=f"key {candidate_id}"))
    desk.write(
        tables.candidates.insert().values(
            id=candidate_id,
            exam_id=desk.exam_id,
            person_id=person_id,
            candidate_key=f"key {candidate_id}",
            last_name=last_name,
            first_name="Ada",
            ine="123456789AB",
        )
    )
    desk.write(tables.copies.update().where(tables.copies.c.id == copy_id).values(candidate_id=candidate_id))
    return candidate_id


# Paper


def test_a_new_copy_is_ready_anonymous_and_its_header_is_sent_to_be_read(desk: Desk) -> None:
    copy_id = uuid.uuid4()
    copies.copy_assembled(desk.app, desk.paper(copy_id, pages=3), desk.delivery)
    row = desk.row(copy_id)
    assert (row.status, row.page_count, row.revision, row.candidate_id) == ("READY", 3, 1, None)
    assert re.fullmatch(r"[ACDEFHJKLMNPRTVWXY34679]{6}", row.anonymous_id)
    (command,) = desk.sent("ocr.text.extract.v1")
    assert (command["copy_id"], command["revision"], command["lexicon"]) == (str(copy_id), 1, [])
    (reading,) = desk.all(sa.select(tables.identifications))
    assert (reading.copy_id, reading.paper_revision, reading.outcome) == (copy_id, 1, None)


def test_older_and_equal_paper_is_ignored_and_newer_replaces(desk: Desk) -> None:
    copy_id = desk.add_copy()
    anonymous_id = desk.row(copy_id).anonymous_id
    copies.copy_assembled(desk.app, desk.paper(copy_id, revision=3, pages=5), desk.delivery)
    for stale in (1, 2, 3):
        copies.copy_assembled(desk.app, desk.paper(copy_id, revision=stale, pages=2), desk.delivery)
    row = desk.row(copy_id)
    assert (row.paper_revision, row.page_count, row.anonymous_id, row.marker) == (3, 5, anonymous_id, "Mme Curie")
    assert desk.actions(copy_id) == ["ASSEMBLE", "ALLOCATE", "NEW_PAPER"]
    assert [command["revision"] for command in desk.sent("ocr.text.extract.v1")] == [1]  # the same header


def test_new_paper_under_a_graded_copy_opens_its_next_revision(desk: Desk) -> None:
    copy_id = desk.graded()
    copies.copy_assembled(desk.app, desk.paper(copy_id, revision=2, pages=4), desk.delivery)
    row = desk.row(copy_id)
    assert (row.status, row.revision, row.page_count, row.final_key) == ("READY", 2, 4, None)
    again = desk.graded()
    desk.write(tables.exams.update().values(published_at=sa.func.now(), publication=1))
    with pytest.raises(ExamPublished):
        copies.copy_assembled(desk.app, desk.paper(again, revision=2), desk.delivery)
    assert desk.row(again).status == "GRADED"


def test_a_header_that_changed_is_read_again(desk: Desk) -> None:
    copy_id = desk.add_copy()
    pages = desk.pages(copy_id)
    copies.copy_assembled(desk.app, desk.revised(copy_id, [other_header(pages[0]), pages[1]]), desk.delivery)
    assert [command["revision"] for command in desk.sent("ocr.text.extract.v1")] == [1, 2]


def more_paper(desk: Desk, copy_id: uuid.UUID, order: list[int], revision: int = 2) -> Any:
    """The pages a copy has, in some order (from 1; 0: a page it has not)."""
    known = desk.pages(copy_id)
    pages = [
        (known[each - 1] if each else page(number)).model_copy(update={"page_no": number})
        for number, each in enumerate(order, start=1)
    ]
    return desk.revised(copy_id, pages, revision)


def test_late_sheets_leave_lock_scores_and_annotations_where_they_are(desk: Desk) -> None:
    copy_id, token = desk.marked()
    note = AnnotationFields(page=2, type="comment", x=0.1, y=0.1, w=0.2, h=0.1, content="Bien")
    request = CreateAnnotation(copy_id=copy_id, token=token, annotation=note, by=desk.marker)
    made = marking.create_annotation(desk.app, request)
    annotated = Page.model_validate(desk.row(copy_id).pages[made.page - 1]).page_id
    copies.copy_assembled(desk.app, more_paper(desk, copy_id, [1, 2, 0, 0]), desk.delivery)
    (kept,) = marking.list_annotations(desk.app, OneCopy(copy_id=copy_id, by=desk.marker)).items
    assert kept == made
    assert Page.model_validate(desk.row(copy_id).pages[kept.page - 1]).page_id == annotated
    assert (desk.row(copy_id).status, desk.row(copy_id).page_count) == ("LOCKED", 4)
    desk.finalise(copy_id, token)  # neither a lock nor a score was lost
    assert desk.row(copy_id).status == "GRADING_IN_PROGRESS"


@pytest.mark.parametrize("order", [[1, 0, 2], [2, 1], [0, 1, 2]])
def test_paper_that_moves_a_page_to_another_number_is_refused(desk: Desk, order: list[int]) -> None:
    copy_id = desk.add_copy()
    with pytest.raises(PagesMoved):
        copies.copy_assembled(desk.app, more_paper(desk, copy_id, order), desk.delivery)
    assert desk.row(copy_id).paper_revision == 1


def test_a_page_may_be_replaced_in_its_place(desk: Desk) -> None:
    copy_id = desk.add_copy()
    copies.copy_assembled(desk.app, more_paper(desk, copy_id, [1, 0, 0]), desk.delivery)
    assert desk.row(copy_id).paper_revision == 2


def test_sheets_are_added_to_open_copies_by_those_who_know_the_paper(desk: Desk) -> None:
    wanted = OneCopy(copy_id=desk.marked()[0], by=desk.admin)
    copies.expect_paper(desk.app, wanted)  # locked: whoever marks it goes on
    with pytest.raises(NotFound):
        copies.expect_paper(desk.app, OneCopy(copy_id=wanted.copy_id, by=desk.marker))
    graded = OneCopy(copy_id=desk.graded(), by=desk.admin)
    with pytest.raises(CopyFinalised) as refused:
        copies.expect_paper(desk.app, graded)
    assert "reopen" in refused.value.text("en")
    reopening.reopen(desk.app, Reopen(copy_id=graded.copy_id, by=desk.admin))
    copies.expect_paper(desk.app, graded)


def test_paper_of_an_unknown_or_other_exam_is_refused(desk: Desk) -> None:
    copy_id = desk.add_copy()
    desk.exam_id = uuid.uuid4()
    with pytest.raises(UnknownExam):
        copies.copy_assembled(desk.app, desk.paper(uuid.uuid4()), desk.delivery)
    desk.write(
        tables.exams.insert().values(
            id=desk.exam_id, title="Autre", total_points=20, intake="a4", pages_per_booklet=4, created_by=uuid.uuid4()
        )
    )
    with pytest.raises(CopyOfOtherExam):
        copies.copy_assembled(desk.app, desk.paper(copy_id, revision=2), desk.delivery)
    assert desk.all(sa.select(sa.func.count()).select_from(tables.copies))[0][0] == 1


def test_paper_under_way_to_a_deleted_exam_is_there_when_it_is_restored(desk: Desk) -> None:
    # Refused, it waited among the dead letters for an operator, and whoever assembled it was never told.
    desk.write(tables.exams.update().values(deleted_at=sa.func.now(), deleted_by=desk.admin.id))
    copy_id = uuid.uuid4()
    copies.copy_assembled(desk.app, desk.paper(copy_id), desk.delivery)
    with pytest.raises(NotFound):
        copies.get_copy(desk.app, OneCopy(copy_id=copy_id, by=desk.admin))
    desk.write(tables.exams.update().values(deleted_at=None, deleted_by=None))
    assert copies.get_copy(desk.app, OneCopy(copy_id=copy_id, by=desk.admin)).status == "READY"


def test_a_taken_anonymous_id_is_not_given_twice(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    given = iter(["AAAAAA", "AAAAAA", "CCCCCC"])
    monkeypatch.setattr(copies, "new_anonymous_id", lambda: next(given))
    first, second = desk.add_copy(), desk.add_copy()
    assert (desk.row(first).anonymous_id, desk.row(second).anonymous_id) == ("AAAAAA", "CCCCCC")


def test_the_exams_trail_says_what_paper_came_in(desk: Desk) -> None:
    settled = UploadSettled(
        upload_id=uuid.uuid4(), exam_id=desk.exam_id, outcome="ready", sides=28, pages=56, booklets=12
    )
    copies.upload_settled(settled, desk.delivery)
    with desk.db.reading() as sql:
        event, _ = audit.trail(sql, desk.exam_id)[-1]
    assert (event.action, event.details["booklets"]) == ("UPLOAD_SETTLED", 12)


# Looking


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MARKER])
def test_listing_takes_two_queries_for_any_number_of_copies(desk: Desk, role: Role) -> None:
    by = desk.admin if role is Role.ADMIN else desk.marker
    for _ in range(50):
        desk.add_copy()
    listing(desk, by)  # the first use of a connection asks the server who it is
    with counted(desk.db) as few:
        assert len(listing(desk, by, limit=3).items) == 3
    with counted(desk.db) as many:
        assert len(listing(desk, by, limit=50).items) == 50
    assert len(few) == len(many) == 2


def test_pages_of_the_list_hold_every_copy_once(desk: Desk) -> None:
    expected = {desk.add_copy() for _ in range(7)}
    seen, cursor = [], None
    while True:
        found = listing(desk, desk.admin, limit=3, cursor=cursor)
        assert found.total == 7
        seen += [item.id for item in found.items]
        cursor = found.next
        if cursor is None:
            break
    assert len(seen) == 7
    assert set(seen) == expected
    with pytest.raises(BadCursor):
        listing(desk, desk.admin, cursor="bm90IG91cnM")
    for part in ("\x00", "\ud800"):  # PostgreSQL would refuse the first, its driver the second
        with pytest.raises(BadCursor):
            listing(desk, desk.admin, cursor=paging.cursor(part))
    with pytest.raises(BadCursor):
        copies.copy_events(desk.app, ListAudit(copy_id=seen[0], by=desk.admin, cursor=paging.cursor(1 << 80)))


def test_filters(desk: Desk) -> None:
    other = person("M. Becquerel")
    mine, theirs, graded = desk.add_copy(), desk.add_copy(other), desk.graded()
    identify(desk, theirs)

    def ids(**kw: Any) -> set[uuid.UUID]:
        return {item.id for item in listing(desk, desk.admin, **kw).items}

    assert ids(status="GRADED") == {graded}
    assert ids(marker_id=other.id) == {theirs}
    assert ids(identified=True) == {theirs}
    assert ids(identified=False, marker_id=desk.marker.id) == {mine, graded}


def test_markers_see_their_copies_only_and_never_who_sat_the_exam(desk: Desk) -> None:
    mine, theirs = desk.add_copy(), desk.add_copy(person("M. Becquerel"))
    candidate_id = identify(desk, mine)
    with counted(desk.db) as statements:
        seen = listing(desk, desk.marker, identified=True)
        view = copies.get_copy(desk.app, OneCopy(copy_id=mine, by=desk.marker))
        copies.page_image(desk.app, PageImage(copy_id=mine, page_no=1, size="screen", by=desk.marker))
    assert [item.id for item in seen.items] == [mine]  # the filter on identity does not filter for a marker either
    assert (view.candidate_id, view.identified) == (None, None)
    assert str(candidate_id) not in seen.model_dump_json() + view.model_dump_json()
    assert not [each for each in statements if re.search(r"candidate|identifications|persons", each)]
    with pytest.raises(NotFound):
        copies.get_copy(desk.app, OneCopy(copy_id=theirs, by=desk.marker))
    with pytest.raises(NotFound):
        copies.page_image(desk.app, PageImage(copy_id=theirs, page_no=2, size="thumb", by=desk.marker))
    with pytest.raises(NotFound):
        copies.copy_events(desk.app, ListAudit(copy_id=mine, by=desk.marker))
    staff = copies.get_copy(desk.app, OneCopy(copy_id=mine, by=desk.admin))
    assert (staff.candidate_id, staff.identified) == (candidate_id, True)


def test_the_header_is_masked_for_all_but_staff(desk: Desk) -> None:
    copy_id = desk.add_copy()

    def key(by: Actor, page_no: int, size: str) -> tuple[str | None, bool]:
        request = PageImage(copy_id=copy_id, page_no=page_no, size=size, by=by)  # type: ignore[arg-type]
        found = copies.page_image(desk.app, request)
        return found.image.object.key if found.image else None, found.masked

    operator = person("Secrétariat", Role.OPERATOR)
    shown, masked = key(operator, 1, "screen")
    covered, is_masked = key(desk.marker, 1, "screen")
    assert (masked, is_masked) == (False, True)
    assert shown != covered
    assert key(desk.marker, 1, "full") == (None, True)  # to be made from the scan, covered
    assert key(desk.marker, 2, "full") == key(operator, 2, "full")  # no header: the same page for all
    assert [
        page.header_masked for page in copies.get_copy(desk.app, OneCopy(copy_id=copy_id, by=desk.marker)).pages
    ] == [
        True,
        False,
    ]
    with pytest.raises(NotFound):
        key(operator, 3, "screen")
    with pytest.raises(NotFound):
        key(person("Ada", Role.CANDIDATE), 1, "screen")


def test_what_a_person_covered_is_hidden_from_all_but_staff(desk: Desk) -> None:
    copy_id = desk.add_copy()
    pages = desk.pages(copy_id)
    hidden = covered(pages[1])  # a page without a header
    copies.copy_assembled(desk.app, desk.revised(copy_id, [pages[0], hidden]), desk.delivery)
    assert hidden.masked is not None
    for size in ("screen", "thumb", "full"):
        for by, images in ((desk.admin, hidden.images), (desk.marker, hidden.masked)):
            found = copies.page_image(desk.app, PageImage(copy_id=copy_id, page_no=2, size=size, by=by))  # type: ignore[arg-type]
            assert (found.image, found.masked) == (getattr(images, size), by is desk.marker)
    view = copies.get_copy(desk.app, OneCopy(copy_id=copy_id, by=desk.marker))
    assert view.paper_revision == 2
    assert [(each.header_masked, each.covered) for each in view.pages] == [(True, ()), (False, hidden.covered)]


def test_covering_touches_neither_lock_nor_scores_nor_who_it_is(desk: Desk) -> None:
    copy_id, token = desk.marked()
    pages = desk.pages(copy_id)
    copies.copy_assembled(desk.app, desk.revised(copy_id, [covered(pages[0]), pages[1]]), desk.delivery)
    assert len(desk.sent("ocr.text.extract.v1")) == 1, "its header is not read again"
    trail = copies.copy_events(desk.app, ListAudit(copy_id=copy_id, by=desk.admin)).items
    assert [each.actor for each in trail if each.action == "NEW_PAPER"] == [OPERATOR.name]
    desk.finalise(copy_id, token)
    assert desk.row(copy_id).status == "GRADING_IN_PROGRESS"


def test_a_lock_in_force_is_shown_without_its_token(desk: Desk) -> None:
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    view = copies.get_copy(desk.app, OneCopy(copy_id=copy_id, by=desk.admin))
    assert view.lock is not None
    assert (view.lock.owner, view.lock.token) == ("Mme Curie", None)
    assert token not in view.model_dump_json()
    desk.expire(copy_id)
    assert copies.get_copy(desk.app, OneCopy(copy_id=copy_id, by=desk.admin)).lock is None


def test_copies_of_a_deleted_exam_are_not_there_until_it_is_restored(desk: Desk) -> None:
    copy_id = desk.add_copy()
    desk.write(tables.exams.update().values(deleted_at=sa.func.now(), deleted_by=desk.admin.id))
    with pytest.raises(NotFound):
        copies.get_copy(desk.app, OneCopy(copy_id=copy_id, by=desk.admin))
    assert listing(desk, desk.admin).total == 0
    desk.write(tables.exams.update().values(deleted_at=None, deleted_by=None))
    assert listing(desk, desk.admin).total == 1
