"""What people do with uploads and booklets: one function per verb, one transaction each.

Splitting is in ``splitting.py``, assembling in ``assembling.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from chassis import observe
from chassis.ids import uuid7
from chassis.sandbox import TaskFailed
from contracts.errors import Refusal
from contracts.errors.ingest import Damaged, MixedExams, RepeatedBooklet, UploadSettled
from contracts.objects import ObjectRef
from contracts.rpc import Done
from contracts.rpc.ingest import (
    ActKind,
    Booklets,
    BookletView,
    CancelUpload,
    ConfirmUpload,
    DropBooklet,
    EditBooklet,
    InsertPages,
    MergeBooklets,
    OfExam,
    RegisterUpload,
    SplitBooklet,
    StagingActs,
    UndoAct,
    UndoInBooklet,
    UploadRegistered,
    Uploads,
    UploadView,
)
from services.ingest import domain, journal, staging, store
from services.ingest.context import Context
from services.ingest.splitting import send_chunks, tell_settled

log = observe.logger("ingest.usecases")

INSPECT_DEADLINE_S = 5  # the gateway waits 7; 3000 sides in 600 MB took 2.3-6.5 s


def register_upload(context: Context, request: RegisterUpload) -> UploadRegistered:
    """Accept a file that is already in the store, or refuse it. What is refused stays there, named by nobody: deleting
    it here could take it from somebody who uploads the same bytes at this moment. It is the garbage collector's.

    The same bytes for the same exam give the first upload again; the unique index decides between two at once.
    Asked again under the same name, it is what this request made, whatever became of it since.
    """
    with context.db.reading() as sql:
        if request.once is not None and store.upload_exists(sql, request.once):
            return UploadRegistered(upload=store.upload_view(sql, request.once), created=True)
        known = store.live_upload(sql, request.exam_id, request.object.sha256)
        if known is not None:
            return UploadRegistered(upload=store.upload_view(sql, known), created=False)
    try:
        sides, doubts = _inspect(context, request.object)
    except Refusal as refusal:
        log.info("upload_refused", exam_id=str(request.exam_id), code=refusal.code)
        raise
    with context.db.transaction() as uow:
        added = store.add_upload(uow.sql, request, sides)
        if added is None:
            winner = store.live_upload(uow.sql, request.exam_id, request.object.sha256)
            assert winner is not None  # the insert gave way to it, and uploads are never deleted
            return UploadRegistered(upload=store.upload_view(uow.sql, winner), created=False)
        store.add_doubts(uow.sql, added, doubts)
        send_chunks(uow, added, range(1, sides + 1), context.settings.chunk_sides)
        view = store.upload_view(uow.sql, added)
    log.info("upload_registered", upload_id=str(added), exam_id=str(request.exam_id), sides=sides)
    return UploadRegistered(upload=view, created=True)


def _inspect(context: Context, ref: ObjectRef) -> tuple[int, list[dict[str, Any]]]:
    """How many sides it has, and what a person must confirm: ``code`` and ``side_no``, if it is one side's."""
    with context.originals.at_hand(ref) as path:
        try:
            reply = context.sandbox.run(
                "inspect", files=[path], deadline_s=INSPECT_DEADLINE_S, max_sides=context.settings.max_sides
            )
        except TaskFailed as failure:  # a file that kills or stalls its reader is no exam paper
            raise Damaged(reason="structure", sides=[]) from failure
    return reply.result["sides"], reply.result["doubts"]


def confirm_upload(context: Context, request: ConfirmUpload) -> UploadView:
    """A person saw that the upload is complete in spite of its doubts; its booklets keep their own. Twice is fine."""
    with context.db.transaction() as uow:
        store.settle_shared_doubts(uow.sql, request.upload_id, request.by.id)
        return store.upload_view(uow.sql, request.upload_id)


def get_upload(context: Context, upload_id: UUID) -> UploadView:
    with context.db.reading() as sql:
        return store.upload_view(sql, upload_id)


def list_uploads(context: Context, request: OfExam) -> Uploads:
    with context.db.reading() as sql:
        return store.list_uploads(sql, request.exam_id, request.limit, request.cursor)


def cancel_upload(context: Context, request: CancelUpload) -> UploadView:
    """Stop splitting: chunks still on their way do nothing. Twice is fine."""
    with context.db.transaction() as uow:
        settled = store.settle_upload(uow.sql, request.upload_id, "cancelled")
        view = store.upload_view(uow.sql, request.upload_id)
        if settled is not None:
            tell_settled(uow, settled, "cancelled")
        elif view.status != "cancelled":
            raise UploadSettled(status=view.status.value)
        return view


def list_booklets(context: Context, request: OfExam) -> Booklets:
    with context.db.reading() as sql:
        return staging.list_booklets(sql, request.exam_id, request.limit, request.cursor)


def get_booklet(context: Context, booklet_id: UUID) -> BookletView:
    with context.db.reading() as sql:
        return staging.view(sql, booklet_id)


def edit_booklet(context: Context, request: EditBooklet) -> BookletView:
    """Put the pages of a booklet in order, turn them, drop some."""
    wanted = [domain.StagedPage(page.id, page.turn_deg, page.dropped) for page in request.pages]
    with context.db.transaction() as uow:
        (booklet,) = staging.load(uow.sql, None, [request.booklet_id], lock=True)
        edited = booklet.editable().at_version(request.version).arranged(wanted)
        journal.keep(uow.sql, ActKind.ARRANGE, [booklet], [edited], request.by.id)
        return staging.view(uow.sql, edited.id)


def split_booklet(context: Context, request: SplitBooklet) -> Booklets:
    """Two booklets where one was, the new one behind it."""
    with context.db.transaction() as uow:
        staging.lock_order(uow.sql, request.booklet_id)
        if request.once is not None:
            known = staging.views(uow.sql, [request.booklet_id, request.once])
            if len(known) == 2:
                return _all(known)
        (booklet,) = staging.load(uow.sql, None, [request.booklet_id], lock=True)
        head, tail = booklet.editable().at_version(request.version).split(request.before_page, request.once or uuid7())
        staging.insert_after(uow.sql, head.id, tail.id)
        journal.keep(uow.sql, ActKind.SPLIT, [booklet], [tail, head], request.by.id)
        return _all(staging.views(uow.sql, [head.id, tail.id]))


def merge_booklets(context: Context, request: MergeBooklets) -> BookletView:
    """All pages in the first booklet; the others, empty now, are gone."""
    distinct(request.booklet_ids)
    with context.db.transaction() as uow:
        if request.once is not None and not store.first_time(uow.sql, "merge_booklets", request.once):
            return staging.view(uow.sql, request.booklet_ids[0])
        booklets = staging.load(uow.sql, request.exam_id, request.booklet_ids, lock=True)
        merged = domain.merge([booklet.editable() for booklet in booklets])
        journal.keep(uow.sql, ActKind.MERGE, booklets, merged, request.by.id)
        return staging.view(uow.sql, merged[0].id)


def insert_pages(context: Context, request: InsertPages) -> Booklets:
    """Pages of one booklet in another: both as they are then, or the one that is left."""
    ids = [request.booklet_id, request.source_id]
    distinct(ids)
    with context.db.transaction() as uow:
        if request.once is not None and not store.first_time(uow.sql, "insert_pages", request.once):
            return _all(staging.views(uow.sql, ids))
        both = staging.load(uow.sql, None, ids, lock=True)
        if both[0].exam_id != both[1].exam_id:
            raise MixedExams(booklet_id=str(request.source_id))
        target = both[0].editable().at_version(request.version)
        source = both[1].editable().at_version(request.source_version)
        after = target.insert(request.before_page, source, request.page_ids)
        journal.keep(uow.sql, ActKind.INSERT, both, after, request.by.id)
        return _all(staging.views(uow.sql, ids))


def drop_booklet(context: Context, request: DropBooklet) -> Done:
    """Set a booklet aside or take it back; its pages stay where they are."""
    kind = ActKind.TAKE_BACK if request.restore else ActKind.SET_ASIDE
    with context.db.transaction() as uow:
        (booklet,) = staging.load(uow.sql, None, [request.booklet_id], lock=True)
        moved = replace(booklet.unfrozen().at_version(request.version), set_aside=not request.restore)
        journal.keep(uow.sql, kind, [booklet], [moved], request.by.id)
    return Done()


def list_staging_acts(context: Context, request: OfExam) -> StagingActs:
    with context.db.reading() as sql:
        return journal.listed(sql, request.exam_id, request.limit, request.cursor)


def undo_act(context: Context, request: UndoAct) -> Booklets:
    """The booklets it touched, as they were before."""
    with context.db.transaction() as uow:
        done = journal.undone_once(uow.sql, request.once)
        if done is None:
            act = journal.act_of_exam(uow.sql, request.exam_id, request.act_id) if request.act_id else None
            act = act or journal.last_of_exam(uow.sql, request.exam_id)
            done = journal.undo(uow.sql, act, request.by.id, request.once)
        return _all(staging.views(uow.sql, done))


def undo_in_booklet(context: Context, request: UndoInBooklet) -> Booklets:
    """The booklets that the last act in this one touched, as they were before it."""
    with context.db.transaction() as uow:
        done = journal.undone_once(uow.sql, request.once)
        if done is None:
            (booklet,) = staging.load(uow.sql, None, [request.booklet_id])
            act = journal.last_of_booklet(uow.sql, booklet.unfrozen().at_version(request.version))
            done = journal.undo(uow.sql, act, request.by.id, request.once)
        return _all(staging.views(uow.sql, done))


def _all(views: Sequence[BookletView]) -> Booklets:
    return Booklets(items=tuple(views), next=None, total=len(views))


def distinct(ids: Sequence[UUID]) -> None:
    """Raises: RepeatedBooklet."""
    for place, each in enumerate(ids):
        if each in ids[:place]:
            raise RepeatedBooklet(booklet_id=str(each))
