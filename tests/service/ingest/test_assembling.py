"""Staging can be undone; assembling happens once, says so once, and shows no marker a name."""

from __future__ import annotations

import io
import threading
import time
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
import sqlalchemy as sa
from PIL import Image

from chassis.invariants import Page as Range
from chassis.sandbox import Reply, TaskFailed
from contracts.errors import Unavailable
from contracts.errors.ingest import (
    BadCursor,
    BookletFrozen,
    BookletSetAside,
    MixedExams,
    NotFound,
    PaperChanged,
    RepeatedBooklet,
    VersionConflict,
)
from contracts.objects import ImageRef
from contracts.records.pages import Page, PageManifest
from contracts.rpc.ingest import (
    AddPaper,
    AssembleCertain,
    AssembleCopy,
    BookletView,
    DropBooklet,
    EditBooklet,
    MergeBooklets,
    OfExam,
    PageEdit,
    PageImageWanted,
    PaperAdded,
    SplitBooklet,
)
from services.ingest import assembling, images, staging, usecases
from services.ingest.invariants import SUBJECTS
from tests.scans.paper import a4_pile, pile
from tests.service.ingest.conftest import OPERATOR, Ingest


def manifest(ingest: Ingest, copy_id: UUID) -> PageManifest:
    (event,) = [event for event in ingest.assembled() if event.copy_id == copy_id]
    return ingest.context.objects.get_json(event.manifest, PageManifest)


def assemble(ingest: Ingest, *booklets: BookletView) -> PageManifest:
    request = AssembleCopy(exam_id=ingest.exam_id, booklet_ids=tuple(booklet.id for booklet in booklets), by=OPERATOR)
    (copy_id,) = assembling.assemble_copy(ingest.context, request).copy_ids
    return manifest(ingest, copy_id)


def shown(ingest: Ingest, image: ImageRef) -> np.ndarray[Any, Any]:
    picture = Image.open(io.BytesIO(ingest.context.objects.get(image.object)))
    assert picture.size == (image.width_px, image.height_px)
    return np.asarray(picture.convert("L"))


def every_page(ingest: Ingest) -> list[UUID]:
    return sorted(page.id for booklet in ingest.booklets() for page in booklet.pages)


def test_what_is_certain_is_assembled_and_what_is_not_is_left(ingest: Ingest) -> None:
    ingest.ready(a4_pile(2, pages=2, headers=True), "a4", 3)  # cut every 3: both booklets are out of step
    ingest.ready(pile([1, 1]))
    done = assembling.assemble_certain(ingest.context, AssembleCertain(exam_id=ingest.exam_id, by=OPERATOR))
    assert (len(done.copy_ids), len(done.left)) == (2, 2)
    pages = manifest(ingest, done.copy_ids[0]).pages
    assert [page.page_no for page in pages] == [1, 2, 3, 4]
    assert [page.header is not None for page in pages] == [True, False, False, False]
    again = assembling.assemble_certain(ingest.context, AssembleCertain(exam_id=ingest.exam_id, by=OPERATOR))
    assert (again.copy_ids, set(again.left)) == ((), set(done.left))


def test_a_booklet_is_assembled_at_most_once_even_by_many_at_once(ingest: Ingest) -> None:
    ingest.ready(pile([1]))
    (booklet,) = ingest.booklets()
    outcomes: list[str] = []

    def race() -> None:
        try:
            assemble(ingest, booklet)
            outcomes.append("assembled")
        except BookletFrozen:
            outcomes.append("frozen")

    threads = [threading.Thread(target=race) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["assembled"] + ["frozen"] * 4
    assert len(ingest.assembled()) == 1


def test_an_edited_booklet_is_assembled_as_the_person_left_it(ingest: Ingest) -> None:
    ingest.ready(pile([1]))
    (booklet,) = ingest.booklets()
    first, second, third, last = (page.id for page in booklet.pages)
    edit = EditBooklet(
        booklet_id=booklet.id,
        version=booklet.version,
        pages=(
            PageEdit(id=second),
            PageEdit(id=first, turn_deg=90),
            PageEdit(id=third, dropped=True),
            PageEdit(id=last),
        ),
        by=OPERATOR,
    )
    edited = usecases.edit_booklet(ingest.context, edit)
    assert [page.id for page in edited.pages] == [second, first, third, last]
    with pytest.raises(VersionConflict):
        usecases.edit_booklet(ingest.context, edit)

    pages = assemble(ingest, edited).pages

    assert [page.page_id for page in pages] == [second, first, last]
    turned = pages[1]
    assert turned.source.turn_deg == 90
    assert turned.header is not None
    assert turned.header.x == pytest.approx(0.8, abs=0.03)  # its top is at the right now
    assert turned.header.h == 1
    before = shown(ingest, booklet.pages[0].screen)
    assert np.abs(shown(ingest, turned.images.screen).astype(int) - np.rot90(before, -1)).mean() < 3
    with pytest.raises(BookletFrozen):
        usecases.edit_booklet(ingest.context, edit.model_copy(update={"version": edited.version + 1}))


class TiredChildren:
    """A sandbox whose children are all killed at their deadline."""

    def run(self, task: str, **_: Any) -> Reply:
        raise TaskFailed("timeout", task)


def test_a_child_that_cannot_turn_a_page_is_a_reason_to_ask_again(ingest: Ingest) -> None:
    ingest.ready(pile([1]))
    (booklet,) = ingest.booklets()
    turned = tuple(PageEdit(id=page.id, turn_deg=90) for page in booklet.pages)
    edit = EditBooklet(booklet_id=booklet.id, version=booklet.version, pages=turned, by=OPERATOR)
    usecases.edit_booklet(ingest.context, edit)
    tired = replace(ingest.context, sandbox=TiredChildren())  # type: ignore[arg-type]
    wanted = AssembleCertain(exam_id=ingest.exam_id, by=OPERATOR)
    with pytest.raises(Unavailable):  # as TaskFailed it was a defect, and 500 to whoever asked
        assembling.assemble_certain(tired, wanted)
    assert len(assembling.assemble_certain(ingest.context, wanted).copy_ids) == 1


def test_split_and_merge_undo_each_other(ingest: Ingest) -> None:
    ingest.ready(pile([1, 1]))
    first, second = ingest.booklets()
    pages = every_page(ingest)
    halves = usecases.split_booklet(
        ingest.context, SplitBooklet(booklet_id=first.id, version=first.version, before_page=3, by=OPERATOR)
    ).items
    assert [len(half.pages) for half in halves] == [2, 2]
    assert [booklet.id for booklet in ingest.booklets()] == [halves[0].id, halves[1].id, second.id]
    assert every_page(ingest) == pages
    merged = usecases.merge_booklets(
        ingest.context,
        MergeBooklets(exam_id=ingest.exam_id, booklet_ids=(halves[0].id, halves[1].id), by=OPERATOR),
    )
    assert [page.id for page in merged.pages] == [page.id for page in first.pages]
    assert [booklet.id for booklet in ingest.booklets()] == [first.id, second.id]
    assert every_page(ingest) == pages


def test_neighbours_are_split_at_the_same_time(ingest: Ingest) -> None:
    ingest.ready(pile([1] * 8))
    pages = every_page(ingest)
    failed: list[BaseException] = []

    def split(booklet: BookletView) -> None:
        try:
            request = SplitBooklet(booklet_id=booklet.id, version=booklet.version, before_page=2, by=OPERATOR)
            usecases.split_booklet(ingest.context, request)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=split, args=(booklet,)) for booklet in ingest.booklets()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []  # a deadlock would be one: renumbering touches booklets that others have locked
    assert [booklet.position for booklet in ingest.booklets()] == list(range(1, 17))
    assert every_page(ingest) == pages


def test_a_split_waits_for_a_neighbour_before_it_holds_its_own_booklet(ingest: Ingest) -> None:
    """The newer half of a split lies before older booklets: a merge of both locks the older one first."""
    ingest.ready(pile([1, 1]))
    first, older = ingest.booklets()
    _, newer = usecases.split_booklet(
        ingest.context, SplitBooklet(booklet_id=first.id, version=first.version, before_page=3, by=OPERATOR)
    ).items
    request = SplitBooklet(booklet_id=newer.id, version=newer.version, before_page=2, by=OPERATOR)
    with ingest.context.db.transaction() as merging:
        staging.load(merging.sql, None, [older.id], lock=True)
        splitting = threading.Thread(target=usecases.split_booklet, args=(ingest.context, request))
        splitting.start()
        wait_for_a_blocked_statement(ingest)
        merging.sql.execute(sa.text("SET LOCAL lock_timeout = '2s'"))
        staging.load(merging.sql, None, [older.id, newer.id], lock=True)  # a circle would end here
    splitting.join()
    assert [booklet.position for booklet in ingest.booklets()] == [1, 2, 3, 4]


def wait_for_a_blocked_statement(ingest: Ingest) -> None:
    waiting = "wait_event_type = 'Lock' AND datname = current_database()"
    deadline = time.monotonic() + 10
    while ingest.rows(f"SELECT count(*) AS n FROM pg_stat_activity WHERE {waiting}")[0].n == 0:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_a_person_settled_is_no_doubt_any_more(ingest: Ingest) -> None:
    upload = ingest.ready(a4_pile(2, pages=3, blank=[3, 6]), "a4", 4)
    first, short = ingest.booklets()
    assert first.doubts == short.doubts == ("short_booklet",)
    merged = usecases.merge_booklets(
        ingest.context, MergeBooklets(exam_id=ingest.exam_id, booklet_ids=(first.id, short.id), by=OPERATOR)
    )
    assert merged.doubts == ()
    assert usecases.get_upload(ingest.context, upload.id).anomalies == ()
    assert [row.n for row in ingest.rows("SELECT count(*) AS n FROM anomalies WHERE settled_by IS NOT NULL")] == [2]


def test_booklets_may_be_joined_into_one_copy(ingest: Ingest) -> None:
    ingest.ready(pile([1, 1]))
    first, second = ingest.booklets()
    joined = assemble(ingest, second, first)
    assert [page.page_id for page in joined.pages] == [page.id for each in (second, first) for page in each.pages]


def test_late_sheets_join_a_copy_behind_the_pages_it_has(ingest: Ingest) -> None:
    ingest.ready(pile([1]))
    copy_id = assemble(ingest, *ingest.booklets()).copy_id
    ingest.ready(a4_pile(1, pages=3), "a4", 3)
    late = ingest.booklets()[-1]
    added = add_paper(ingest, copy_id, late)
    assert (added.revision, added.page_count) == (2, 7)
    first, second = ingest.assembled()
    before, after = (ingest.context.objects.get_json(event.manifest, PageManifest) for event in (first, second))
    assert (second.copy_id, second.revision, second.page_count, after.revision) == (copy_id, 2, 7, 2)
    assert after.pages[:4] == before.pages  # number, id and images: what marks refer to
    assert [(page.page_no, page.page_id) for page in after.pages[4:]] == [
        (no, page.id) for no, page in enumerate(late.pages, start=5)
    ]
    asked = PageImageWanted(copy_id=copy_id, page_no=7, masked=False)
    assert images.full_page_image(ingest.context, asked) == after.pages[6].images.full


def test_what_earlier_paper_was_frozen_with_keeps_a_name(ingest: Ingest) -> None:
    # Whoever is still on the way to read the first header would find that the collector took it.
    ingest.ready(a4_pile(1, pages=2, headers=False), "a4", 2)
    hidden = assemble(ingest, *ingest.booklets())
    (before,) = ingest.assembled()
    ingest.ready(a4_pile(1, pages=3), "a4", 3)
    add_paper(ingest, hidden.copy_id, ingest.booklets()[-1])
    header = hidden.pages[0].header_image
    assert header is not None
    assert {before.manifest.key, header.object.key} <= named(ingest)


def named(ingest: Ingest) -> set[str]:
    with ingest.context.db.reading() as sql:
        return {
            each.key
            for group in SUBJECTS
            if group.objects
            for each in group.named(sql, Range(group.first, group.bounds(sql, group.first, 1000)[1]))
        }


def add_paper(ingest: Ingest, copy_id: UUID, *booklets: BookletView, once: UUID | None = None) -> PaperAdded:
    ids = tuple(booklet.id for booklet in booklets)
    request = AddPaper(copy_id=copy_id, booklet_ids=ids, once=once, by=OPERATOR)
    return assembling.add_paper(ingest.context, request)


def test_late_sheets_join_once_and_no_strangers_copy(ingest: Ingest) -> None:
    ingest.ready(pile([1, 1]))
    first, late = ingest.booklets()
    copy_id, once = assemble(ingest, first).copy_id, uuid4()
    added = add_paper(ingest, copy_id, late, once=once)
    assert add_paper(ingest, copy_id, late, once=once) == added
    with pytest.raises(BookletFrozen):
        add_paper(ingest, copy_id, late)
    with pytest.raises(NotFound):
        add_paper(ingest, uuid4(), late)
    ingest.exam_id = uuid4()
    ingest.ready(pile([1]))
    with pytest.raises(MixedExams):
        add_paper(ingest, copy_id, *ingest.booklets())
    assert len(ingest.assembled()) == 2


def test_of_sheets_joined_at_the_same_moment_none_are_lost(ingest: Ingest) -> None:
    ingest.ready(pile([1, 1, 1, 1]))
    first, *late = ingest.booklets()
    copy_id = assemble(ingest, first).copy_id
    refused: list[BookletView] = []

    def race(booklet: BookletView) -> None:
        try:
            add_paper(ingest, copy_id, booklet)
        except PaperChanged:
            refused.append(booklet)

    threads = [threading.Thread(target=race, args=(booklet,)) for booklet in late]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for booklet in refused:
        add_paper(ingest, copy_id, booklet)
    *_, last = ingest.assembled()
    pages = ingest.context.objects.get_json(last.manifest, PageManifest).pages
    assert last.revision == 4
    assert sorted(page.page_id for page in pages) == every_page(ingest)


def test_stray_paper_is_set_aside_and_taken_back(ingest: Ingest) -> None:
    ingest.ready(pile([1]))
    (booklet,) = ingest.booklets()
    drop = DropBooklet(booklet_id=booklet.id, version=booklet.version, by=OPERATOR)
    usecases.drop_booklet(ingest.context, drop)
    assert usecases.get_booklet(ingest.context, booklet.id).set_aside
    with pytest.raises(BookletSetAside):
        assemble(ingest, booklet)
    done = assembling.assemble_certain(ingest.context, AssembleCertain(exam_id=ingest.exam_id, by=OPERATOR))
    assert (done.copy_ids, done.left) == ((), ())
    usecases.drop_booklet(ingest.context, drop.model_copy(update={"version": 2, "restore": True}))
    assert not usecases.get_booklet(ingest.context, booklet.id).set_aside
    assert len(assemble(ingest, booklet).pages) == 4


def test_what_cannot_be_assembled_is_refused(ingest: Ingest) -> None:
    ingest.ready(pile([1]))
    (booklet,) = ingest.booklets()
    ask = AssembleCopy(exam_id=ingest.exam_id, booklet_ids=(booklet.id,), by=OPERATOR)
    for change, refusal in (
        ({"booklet_ids": (booklet.id, booklet.id)}, RepeatedBooklet),
        ({"booklet_ids": (uuid4(),)}, NotFound),
        ({"exam_id": uuid4()}, MixedExams),
    ):
        with pytest.raises(refusal):
            assembling.assemble_copy(ingest.context, ask.model_copy(update=change))
    assert ingest.assembled() == []


def test_the_full_image_is_upright_whole_and_made_once(ingest: Ingest) -> None:
    ingest.ready(pile([1], upside_down=[1, 2]))
    (booklet,) = ingest.booklets()
    copy_id = assemble(ingest, booklet).copy_id

    def full(*, masked: bool, page_no: int = 1) -> ImageRef:
        return images.full_page_image(ingest.context, PageImageWanted(copy_id=copy_id, page_no=page_no, masked=masked))

    page = shown(ingest, full(masked=False))
    assert page.shape == pytest.approx((1169, 827), abs=8)
    screen = np.asarray(Image.fromarray(shown(ingest, booklet.pages[0].screen)).resize(page.shape[::-1]))
    assert np.abs(page.astype(int) - screen).mean() < 4
    boxes = slice(0, round(56 / 297 * page.shape[0]))
    assert (page[boxes] < 128).sum() > 500
    assert (shown(ingest, full(masked=True))[boxes] < 128).sum() == 0
    assert full(masked=True) == full(masked=True)
    assert [row.n for row in ingest.rows("SELECT count(*) AS n FROM full_images")] == [2]
    with pytest.raises(NotFound):
        full(masked=False, page_no=5)


def test_an_upright_a4_scan_is_its_own_full_image(ingest: Ingest) -> None:
    ingest.ready(a4_pile(1, pages=2), "a4", 2)
    (booklet,) = ingest.booklets()
    pages: tuple[Page, ...] = assemble(ingest, booklet).pages
    ask = PageImageWanted(copy_id=ingest.assembled()[0].copy_id, page_no=2, masked=True)  # nothing to mask there
    assert images.full_page_image(ingest.context, ask) == pages[1].images.full


def test_lists_take_the_same_few_queries_whatever_their_length(ingest: Ingest) -> None:
    def queries() -> int:
        count = 0

        def note(*_: object) -> None:
            nonlocal count
            count += 1

        sa.event.listen(ingest.context.db.engine, "before_cursor_execute", note)
        try:
            usecases.list_booklets(ingest.context, OfExam(exam_id=ingest.exam_id))
            usecases.list_uploads(ingest.context, OfExam(exam_id=ingest.exam_id))
        finally:
            sa.event.remove(ingest.context.db.engine, "before_cursor_execute", note)
        return count

    ingest.ready(pile([1]))
    few = queries()
    ingest.ready(pile([1, 1, 1, 2]))
    assert queries() == few < 10


def test_a_list_is_read_page_by_page(ingest: Ingest) -> None:
    ingest.ready(pile([1, 1, 1]))
    seen, cursor = [], None
    while True:
        part = usecases.list_booklets(ingest.context, OfExam(exam_id=ingest.exam_id, limit=2, cursor=cursor))
        seen += [booklet.id for booklet in part.items]
        assert part.total == 3
        cursor = part.next
        if cursor is None:
            break
    assert seen == [booklet.id for booklet in ingest.booklets()]
    for wrong in ("x", "WyJhIiwiYiJd", "éà"):
        with pytest.raises(BadCursor):
            usecases.list_booklets(ingest.context, OfExam(exam_id=ingest.exam_id, cursor=wrong))
