"""Booklets: paper in staging. Everything here can be undone, until copies are assembled."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from contracts.model import Model
from contracts.rpc import ingest
from services.gateway import people, streams
from services.gateway.api import Answer, Page, Resource, Version, shape
from services.gateway.auth import caller
from services.gateway.context import ask, gateway
from services.gateway.idempotency import name_of_request
from services.gateway.streams import Image

booklets = Resource("booklets")

StagedPage = shape(
    "StagedPage",
    ingest.StagedPage,
    without=("screen", "thumb"),
    replace={"screen": (Image, ...), "thumb": (Image, ...)},
)
Booklet = shape("Booklet", ingest.BookletView, without=("pages",), replace={"pages": (tuple[StagedPage, ...], ...)})  # type: ignore[valid-type]
Booklets = shape("Booklets", ingest.Booklets, without=("items",), replace={"items": (tuple[Booklet, ...], ...)})  # type: ignore[valid-type]
BookletChange = shape("BookletChange", ingest.EditBooklet, without=("by", "booklet_id"))
BookletSplit = shape("BookletSplit", ingest.SplitBooklet, without=("by", "booklet_id"))
BookletMerge = shape("BookletMerge", ingest.MergeBooklets, without=("by", "exam_id"))
PagesInsert = shape("PagesInsert", ingest.InsertPages, without=("by", "booklet_id"))
Undo = shape("Undo", ingest.UndoAct, without=("by", "exam_id"))
BookletUndo = shape("BookletUndo", ingest.UndoInBooklet, without=("by", "booklet_id"))
NewCopy = shape("NewCopy", ingest.AssembleCopy, without=("by", "exam_id"))


class Removal(Version):
    """``restore`` takes back a booklet that was set aside."""

    restore: bool = Field(default=False)


def _seen(view: ingest.BookletView) -> Model:
    pages = [
        {
            **page.model_dump(exclude={"screen", "thumb"}),
            "screen": streams.image(page.screen),
            "thumb": streams.image(page.thumb),
        }
        for page in view.pages
    ]
    return Booklet.model_validate({**view.model_dump(exclude={"pages"}), "pages": pages})


def _all_seen(found: ingest.Booklets) -> Model:
    items = [_seen(each) for each in found.items]
    return Booklets.model_validate({"items": items, "next": found.next, "total": found.total})


@booklets.operation("GET", "/exams/<uuid:exam_id>/booklets", query=Page, reply=Booklets)
def index(exam_id: UUID, query: Page) -> Model:
    """The pile of an exam, in the order it was scanned."""
    return _all_seen(ask(ingest.LIST_BOOKLETS, query, exam_id=exam_id))


@booklets.operation("GET", "/booklets/<uuid:booklet_id>", reply=Booklet)
def show(booklet_id: UUID) -> Model:
    """One booklet and its pages."""
    return _seen(ask(ingest.GET_BOOKLET, booklet_id=booklet_id))


@booklets.operation("PATCH", "/booklets/<uuid:booklet_id>", body=BookletChange, reply=Booklet, versioned=True)
def change(booklet_id: UUID, body: Model) -> Model:
    """Reorder, turn and drop pages; every page of the booklet is named, in its new order."""
    return _seen(ask(ingest.EDIT_BOOKLET, body, booklet_id=booklet_id, by=caller().actor))


@booklets.operation("DELETE", "/booklets/<uuid:booklet_id>", query=Removal, statuses=(204,), versioned=True)
def remove(booklet_id: UUID, query: Removal) -> None:
    """Set a booklet aside with its pages (stray paper), or take it back."""
    ask(ingest.DROP_BOOKLET, query, booklet_id=booklet_id, by=caller().actor)


@booklets.operation(
    "POST",
    "/booklets/<uuid:booklet_id>/split",
    body=BookletSplit,
    reply=Booklets,
    statuses=(201,),
    versioned=True,
    creates=True,
)
def split(booklet_id: UUID, body: Model) -> Answer:
    """Cut a booklet in two before a page."""
    return Answer(
        _all_seen(ask(ingest.SPLIT_BOOKLET, body, booklet_id=booklet_id, once=name_of_request(), by=caller().actor)),
        201,
    )


@booklets.operation("POST", "/exams/<uuid:exam_id>/booklets/merge", body=BookletMerge, reply=Booklet, creates=True)
def merge(exam_id: UUID, body: Model) -> Model:
    """Join booklets into the first of them, in the order given."""
    return _seen(ask(ingest.MERGE_BOOKLETS, body, exam_id=exam_id, once=name_of_request(), by=caller().actor))


@booklets.operation(
    "POST",
    "/booklets/<uuid:booklet_id>/insert",
    body=PagesInsert,
    reply=Booklets,
    versioned=True,
    creates=True,
)
def insert(booklet_id: UUID, body: Model) -> Model:
    """Move pages of another booklet of the exam into this one, before a page; a booklet left without pages is gone."""
    return _all_seen(ask(ingest.INSERT_PAGES, body, booklet_id=booklet_id, once=name_of_request(), by=caller().actor))


StagingAct = shape(
    "StagingAct", ingest.StagingAct, replace={"done_by_name": (str | None, None), "undone_by_name": (str | None, None)}
)
StagingActs = shape(
    "StagingActs",
    ingest.StagingActs,
    without=("items",),
    replace={"items": (tuple[StagingAct, ...], ...)},  # type: ignore[valid-type]
)


@booklets.operation("GET", "/exams/<uuid:exam_id>/booklets/acts", query=Page, reply=StagingActs)
def acts(exam_id: UUID, query: Page) -> Model:
    """What was done to the booklets of an exam, by whom, latest first."""
    found = ask(ingest.LIST_STAGING_ACTS, query, exam_id=exam_id)
    people_there = {who for each in found.items for who in (each.done_by, each.undone_by)}
    names = people.names(gateway().db, people_there)
    items = [
        {**dict(each), "done_by_name": names.get(each.done_by), "undone_by_name": names.get(each.undone_by)}
        for each in found.items
    ]
    return StagingActs.model_validate({**dict(found), "items": items})


@booklets.operation("POST", "/exams/<uuid:exam_id>/booklets/undo", body=Undo, reply=Booklets, creates=True)
def undo(exam_id: UUID, body: Model) -> Model:
    """Undo an act named, or the last one; refused when something later depends on it, or its paper is assembled."""
    return _all_seen(ask(ingest.UNDO_ACT, body, exam_id=exam_id, once=name_of_request(), by=caller().actor))


@booklets.operation(
    "POST", "/booklets/<uuid:booklet_id>/undo", body=BookletUndo, reply=Booklets, versioned=True, creates=True
)
def undo_in_one(booklet_id: UUID, body: Model) -> Model:
    """Undo the last act that touched this booklet."""
    return _all_seen(
        ask(ingest.UNDO_IN_BOOKLET, body, booklet_id=booklet_id, once=name_of_request(), by=caller().actor)
    )


@booklets.operation(
    "POST", "/exams/<uuid:exam_id>/copies", body=NewCopy, reply=ingest.Assembled, statuses=(201,), creates=True
)
def assemble(exam_id: UUID, body: Model) -> Answer:
    """Assemble booklets into one copy; this freezes its paper."""
    made = ask(ingest.ASSEMBLE_COPY, body, exam_id=exam_id, once=name_of_request(), by=caller().actor)
    headers = {"Location": f"/api/v1/copies/{made.copy_ids[0]}"} if made.copy_ids else {}
    return Answer(made, 201, headers)


@booklets.operation("POST", "/exams/<uuid:exam_id>/copies/assemble", reply=ingest.Assembled, creates=True)
def assemble_certain(exam_id: UUID) -> ingest.Assembled:
    """Assemble all booklets that are certain; the others stay, with their doubts."""
    return ask(ingest.ASSEMBLE_CERTAIN, exam_id=exam_id, once=name_of_request(), by=caller().actor)
