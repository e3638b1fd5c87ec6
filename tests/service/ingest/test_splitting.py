"""Splitting ends the same whatever happens to its commands: delivered twice, at once, out of order, or killed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from chassis.sandbox import TaskFailed
from contracts.errors.ingest import NotAPdf, UploadSettled
from contracts.rpc import LookForStuck
from contracts.rpc.ingest import CancelUpload, OfExam
from services.ingest import archives, domain, splitting, usecases
from services.ingest.context import Context
from tests.scans.paper import a4_pile, face, leaf, pdf, pile, sheets
from tests.service.ingest.conftest import OPERATOR, Ingest, broken_transaction

PAGES = "SELECT side_no, half, count(*) AS n FROM pages GROUP BY 1, 2 HAVING count(*) > 1"


def test_a_pile_becomes_its_copies(ingest: Ingest) -> None:
    # a single copy longer than all others would be asked about: a header may have been missed in it
    upload = ingest.ready(pile([1, 2, 2, 2], upside_down=[4]))
    assert (upload.status, upload.sides, upload.sides_done, upload.pages) == ("ready", 14, 14, 28)
    assert upload.anomalies == ()
    assert [len(booklet.pages) for booklet in ingest.booklets()] == [4, 8, 8, 8]
    (settled,) = ingest.settled()
    assert (settled.outcome, settled.pages, settled.booklets) == ("ready", 28, 4)


def test_every_command_twice_and_backwards_changes_nothing(ingest: Ingest) -> None:
    ingest.register(pile([2, 1]))
    commands = ingest.commands()
    for command in [*reversed(commands), *commands]:
        ingest.split(command)
    assert ingest.rows(PAGES) == []
    assert [len(booklet.pages) for booklet in ingest.booklets()] == [8, 4]
    assert len(ingest.settled()) == 1


def test_chunks_at_the_same_time_are_grouped_once(ingest: Ingest) -> None:
    ingest.register(pile([1, 1, 1, 1]))
    commands = ingest.commands()
    threads = [threading.Thread(target=ingest.split, args=(command,)) for command in [*commands, *commands]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ingest.rows(PAGES) == []
    assert [len(booklet.pages) for booklet in ingest.booklets()] == [4, 4, 4, 4]
    assert len(ingest.settled()) == 1


def test_a_process_killed_before_its_commit_loses_no_page(ingest: Ingest) -> None:
    """P0-DI-006: objects first, so that what is left is an orphan."""
    upload = ingest.register(pile([1, 1])).upload
    first, *rest = ingest.commands()
    with pytest.raises(ConnectionError):
        splitting.split_sheets(ingest.context, first, broken_transaction)
    assert sides_done(ingest, upload.id) == 1  # of the two in its chunk
    for command in [*rest, first]:
        ingest.split(command)
    assert ingest.rows(PAGES) == []
    assert [len(booklet.pages) for booklet in ingest.booklets()] == [4, 4]


def sides_done(ingest: Ingest, upload_id: UUID) -> int:
    return usecases.get_upload(ingest.context, upload_id).sides_done


def watched(ingest: Ingest, upload_id: UUID, seen: Callable[[int], None]) -> Context:
    """A context whose store tells, at each image that is put, how many sides are done."""

    class Watching:
        def put(self, *image: Any) -> Any:
            seen(sides_done(ingest, upload_id))
            return ingest.context.objects.put(*image)

    return replace(ingest.context, objects=Watching())  # type: ignore[arg-type]


def test_progress_counts_every_side_while_its_chunk_is_cut(ingest: Ingest) -> None:
    upload = ingest.register(a4_pile(2, pages=2), "a4", 2).upload
    seen: list[int] = []
    context = watched(ingest, upload.id, seen.append)
    for command in ingest.commands():
        splitting.split_sheets(context, command, context.db.transaction)
    assert sorted(set(seen)) == [0, 1, 2, 3]
    assert sides_done(ingest, upload.id) == 4


def test_cancelling_stops_a_chunk_in_the_middle(ingest: Ingest) -> None:
    upload = ingest.register(a4_pile(2, pages=2), "a4", 2).upload
    cancel = CancelUpload(upload_id=upload.id, by=OPERATOR)

    def after_the_first(done: int) -> None:
        if done == 1:
            usecases.cancel_upload(ingest.context, cancel)

    context = watched(ingest, upload.id, after_the_first)
    for command in ingest.commands():
        splitting.split_sheets(context, command, context.db.transaction)
    view = usecases.get_upload(ingest.context, upload.id)
    assert (view.status, view.sides_done, view.pages, view.booklets) == ("cancelled", 1, 1, 0)
    assert [event.outcome for event in ingest.settled()] == ["cancelled"]


@pytest.mark.parametrize("killed_at", range(4))
def test_killed_at_any_side_every_page_is_there_once_in_the_end(ingest: Ingest, killed_at: int) -> None:
    """kill -9 leaves what is committed, and the message on its queue."""
    upload = ingest.register(a4_pile(2, pages=2), "a4", 2).upload

    def die(done: int) -> None:
        if done == killed_at:
            raise ConnectionError("killed")

    context = watched(ingest, upload.id, die)
    with pytest.raises(ConnectionError):
        for command in ingest.commands():
            splitting.split_sheets(context, command, context.db.transaction)
    for command in ingest.commands():
        ingest.split(command)
    rows = ingest.rows("SELECT side_no, half FROM pages ORDER BY 1, 2")
    assert [tuple(row) for row in rows] == [(side, "whole") for side in (1, 2, 3, 4)]
    view = usecases.get_upload(ingest.context, upload.id)
    assert (view.status, view.sides_done, view.pages, view.booklets) == ("ready", 4, 4, 2)
    assert len(ingest.settled()) == 1


def test_the_same_file_gives_the_first_upload_again(ingest: Ingest) -> None:
    first = ingest.register(pile([1]))
    again = ingest.register(pile([1]))
    assert (first.created, again.created) == (True, False)
    assert again.upload.id == first.upload.id
    assert len(ingest.commands()) == 1


def test_of_two_registered_at_once_one_is_created(ingest: Ingest) -> None:
    data, answers = pile([1]), []
    threads = [threading.Thread(target=lambda: answers.append(ingest.register(data))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.created for answer in answers) == [False, False, False, True]
    assert len({answer.upload.id for answer in answers}) == 1
    assert len(ingest.commands()) == 1


def test_the_twentieth_upload_of_a_connection_is_registered_like_the_first(ingest: Ingest) -> None:
    # psycopg prepares a statement at its sixth use, PostgreSQL plans it without its parameters after five more: with
    # the states of a live upload among them, no index fitted ON CONFLICT any more and the upload failed.
    data = pile([1])
    assert all(ingest.register(data, exam_id=uuid4()).created for _ in range(20))


def test_the_same_file_for_another_exam_is_another_upload(ingest: Ingest) -> None:
    assert ingest.register(pile([1])).created
    assert ingest.register(pile([1]), exam_id=uuid4()).created


def test_a_refused_file_leaves_no_row_and_its_bytes_to_the_collector(ingest: Ingest) -> None:
    # Deleted here, it would be gone for somebody whose upload of the same bytes was accepted at the same moment.
    with pytest.raises(NotAPdf):
        ingest.register(b"<html>%PDF-1.4")
    assert len(list(ingest.context.objects.list())) == 1
    assert usecases.list_uploads(ingest.context, OfExam(exam_id=ingest.exam_id)).total == 0


def test_cancelling_stops_the_chunks_that_follow(ingest: Ingest) -> None:
    upload = ingest.register(pile([1, 1])).upload
    first, second = ingest.commands()
    ingest.split(first)
    cancel = CancelUpload(upload_id=upload.id, by=OPERATOR)
    assert usecases.cancel_upload(ingest.context, cancel).status == "cancelled"
    ingest.split(second)
    view = usecases.cancel_upload(ingest.context, cancel)  # twice is fine
    assert (view.status, view.sides_done, view.booklets) == ("cancelled", 2, 0)
    assert [event.outcome for event in ingest.settled()] == ["cancelled"]
    assert ingest.register(pile([1, 1])).created  # and does not stand in the way of another try


def test_a_finished_upload_is_not_cancelled(ingest: Ingest) -> None:
    upload = ingest.ready(pile([1]))
    with pytest.raises(UploadSettled):
        usecases.cancel_upload(ingest.context, CancelUpload(upload_id=upload.id, by=OPERATOR))


def test_a_chunk_that_fails_for_good_fails_its_upload_with_a_reason(ingest: Ingest) -> None:
    upload = ingest.register(pile([1, 1])).upload
    first, second = ingest.commands()
    ingest.split(first)
    splitting.split_failed(second, TaskFailed("timeout", "killed"), ingest.context.db.transaction)
    splitting.split_failed(second, TaskFailed("timeout", "killed"), ingest.context.db.transaction)
    view = usecases.get_upload(ingest.context, upload.id)
    assert view.status == "failed"
    assert view.error == {
        "code": "ingest.unreadable",
        "details": {"first_side": 3, "last_side": 4, "outcome": "timeout"},
    }
    assert [(event.outcome, event.error_code) for event in ingest.settled()] == [("failed", "ingest.unreadable")]


def test_a_pile_out_of_step_asks_a_person(ingest: Ingest) -> None:
    sides = [*sheets(1, 1), *sheets(1, 2)]
    upload = ingest.ready(pdf([leaf(side) for side in [*sides[:3], *sheets(1, 3)]]))
    assert [(anomaly.code, anomaly.side_no) for anomaly in upload.anomalies] == [("side_missing", 3)]
    certain, doubtful, last = ingest.booklets()
    assert (certain.doubts, doubtful.doubts, last.doubts) == ((), ("side_missing",), ())
    assert upload.anomalies[0].booklet_id == doubtful.id


def test_an_a4_pile_is_cut_by_its_profile_and_blanks_are_flagged_not_dropped(ingest: Ingest) -> None:
    ingest.ready(a4_pile(3, pages=2, blank=[4]), intake="a4", per=2)
    booklets = ingest.booklets()
    assert [[page.blank for page in booklet.pages] for booklet in booklets] == [
        [False, False],
        [False, True],
        [False, False],
    ]
    assert not any(booklet.doubts for booklet in booklets)


def test_temporary_files_and_descriptors_do_not_grow(ingest: Ingest) -> None:
    import os

    data = [pdf([leaf(face(no, header=True))]) for no in range(6)]
    ingest.ready(data[0], "a4", 1)
    before = len(os.listdir("/proc/self/fd"))
    ingest.context.originals._max_bytes = 1  # keep the newest only
    for each in data[1:]:
        ingest.ready(each, "a4", 1)
    assert len(os.listdir("/proc/self/fd")) <= before + 1


def _later(ingest: Ingest, *, sent: bool = True) -> None:
    """31 minutes in which nothing happens, but perhaps that messages go out."""
    with ingest.context.db.transaction() as uow:
        uow.sql.execute(sa.text("UPDATE uploads SET progressed_at = progressed_at - interval '31 minutes'"))
        if sent:
            uow.sql.execute(sa.text("UPDATE outbox SET sent_at = now()"))


def test_an_upload_that_stands_still_is_asked_for_again(ingest: Ingest) -> None:
    """One command is dead, and its service was never told: the broker gave up when its consumer died too often."""
    upload = ingest.register(pile([1, 1, 1])).upload
    first, lost, last = ingest.commands()
    ingest.split(first)
    ingest.split(last)
    assert splitting.ask_for_stuck(ingest.context) == ()
    _later(ingest)
    assert splitting.ask_for_stuck(ingest.context) == (upload.id,)
    assert ingest.commands() == [first, lost, last, lost]
    _later(ingest, sent=False)
    assert splitting.ask_for_stuck(ingest.context) == ()  # it has not even been sent
    ingest.split(lost)
    _later(ingest)
    assert splitting.ask_for_stuck(ingest.context) == ()  # it is ready
    assert [len(booklet.pages) for booklet in ingest.booklets()] == [4, 4, 4]


def test_an_upload_that_moves_is_left_alone(ingest: Ingest) -> None:
    """A pile of 3000 sides takes longer than that: what counts is how long ago the last one was cut."""
    ingest.register(pile([1, 1]))
    first, _ = ingest.commands()
    _later(ingest)
    ingest.split(first)
    assert splitting.ask_for_stuck(ingest.context) == ()


def test_a_person_need_not_wait_for_the_clock(ingest: Ingest) -> None:
    upload = ingest.register(pile([1])).upload
    _later(ingest)
    asked = archives.ask_for_stuck_uploads(ingest.context, LookForStuck(by=OPERATOR))
    assert (asked.ids, asked.total) == ((upload.id,), 1)


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        (range(1, 6), [(1, 2), (3, 4), (5, 5)]),
        ([2, 3, 4, 7, 9, 10], [(2, 3), (4, 4), (7, 7), (9, 10)]),
        ([], []),
    ],
)
def test_sides_are_cut_in_runs(sides: Any, expected: list[tuple[int, int]]) -> None:
    assert domain.chunks(sides, 2) == expected
