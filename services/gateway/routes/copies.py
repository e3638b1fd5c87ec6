"""Copies, as far as the caller may see them: pages, state, final document, history."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from flask import Response, g, request
from pydantic import Field

from contracts.model import Model
from contracts.rpc import ingest
from contracts.rpc.grading import copies as rpc
from services.gateway import idempotency, people, streams
from services.gateway.api import Answer, Page, Resource, shape
from services.gateway.auth import caller
from services.gateway.context import ask, gateway

copies = Resource("copies")

PAGE_NO = "<int(min=1, max=100000):page_no>"
LockSeen = shape("LockSeen", rpc.LockView, without=("token",))
_lock = {"lock": (LockSeen | None, ...)}
CopySummary = shape("CopySummary", rpc.CopySummary, without=("lock",), replace=_lock)
Copy = shape("Copy", rpc.CopyView, without=("lock",), replace=_lock)
Copies = shape("Copies", rpc.Copies, without=("items",), replace={"items": (tuple[CopySummary, ...], ...)})  # type: ignore[valid-type]


NewPaper = shape("NewPaper", ingest.AddPaper, without=("by", "copy_id"))
NewCover = shape("NewCover", ingest.CoverZone, without=("by", "copy_id"))


class CopiesWanted(Page):
    """``marker`` is an account's id; ``identified`` is for those who may know."""

    status: rpc.CopyStatus | None = None
    marker: UUID | None = None
    identified: bool | None = None


class ImageWanted(Model):
    """``v``: anything that changes with the copy's paper; with it the image may be kept for long."""

    size: Literal["full", "screen", "thumb"] = "screen"
    v: str | None = Field(default=None, max_length=64)


def seen(view: rpc.CopyView) -> Model:
    return Copy.model_validate(view.model_dump(exclude={"lock": {"token"}}))


@copies.operation("GET", "/exams/<uuid:exam_id>/copies", query=CopiesWanted, reply=Copies)
def index(exam_id: UUID, query: CopiesWanted) -> Model:
    """The copies of an exam; a marker sees their own."""
    found = ask(
        rpc.LIST_COPIES,
        exam_id=exam_id,
        limit=query.limit,
        cursor=query.cursor,
        status=query.status,
        marker_id=query.marker,
        identified=query.identified,
        by=caller().actor,
    )
    return Copies.model_validate(found.model_dump(exclude={"items": {"__all__": {"lock": {"token"}}}}))


@copies.operation("GET", "/copies/<uuid:copy_id>", reply=Copy)
def show(copy_id: UUID) -> Model:
    """One copy: state, pages, lock."""
    return seen(ask(rpc.GET_COPY, copy_id=copy_id, by=caller().actor))


@copies.operation(
    "POST", "/copies/<uuid:copy_id>/paper", body=NewPaper, reply=ingest.PaperAdded, statuses=(201,), creates=True
)
def add_paper(copy_id: UUID, body: Model) -> Answer:
    """Join late sheets to a copy, behind its pages: they keep their numbers and their marks. Refused once finalised.

    Two calls: grading knows whether the copy may change, ingest has the paper. Should it be finalised in between,
    grading opens it again by itself, as with all new paper.
    """
    who = caller().actor
    ask(rpc.EXPECT_PAPER, copy_id=copy_id, by=who)
    return Answer(ask(ingest.ADD_PAPER, body, copy_id=copy_id, once=idempotency.name_of_request(), by=who), 201)


@copies.operation(
    "POST", "/copies/<uuid:copy_id>/covers", body=NewCover, reply=ingest.ZoneCovered, statuses=(201,), creates=True
)
def cover(copy_id: UUID, body: Model) -> Answer:
    """Hide a zone of a page from markers, where a name stands outside the header. Refused once finalised."""
    who = caller().actor
    ask(rpc.EXPECT_PAPER, copy_id=copy_id, by=who)
    return Answer(ask(ingest.COVER_ZONE, body, copy_id=copy_id, once=idempotency.name_of_request(), by=who), 201)


@copies.operation("DELETE", "/copies/<uuid:copy_id>/covers/<uuid:cover_id>", statuses=(204,))
def uncover(copy_id: UUID, cover_id: UUID) -> None:
    """Show markers a covered zone again. Refused once finalised."""
    who = caller().actor
    ask(rpc.EXPECT_PAPER, copy_id=copy_id, by=who)
    ask(ingest.UNCOVER_ZONE, copy_id=copy_id, cover_id=cover_id, by=who)


@copies.operation(
    "GET",
    f"/copies/<uuid:copy_id>/pages/{PAGE_NO}",
    query=ImageWanted,
    statuses=(200, 206, 304),
    gives=("image/jpeg", "image/png"),
)
def page(copy_id: UUID, page_no: int, query: ImageWanted) -> Response:
    """The image of a page; for markers without the header.

    Two calls only when the full size has to be cut out of a larger scan: grading knows who may see what, ingest has
    the paper. ``masked`` comes from grading, never from the request.
    """
    found = ask(rpc.PAGE_IMAGE, copy_id=copy_id, page_no=page_no, size=query.size, by=caller().actor)
    image = found.image or ask(ingest.FULL_PAGE_IMAGE, copy_id=copy_id, page_no=page_no, masked=found.masked)
    return streams.send(image.object, caching=streams.LONG if query.v else streams.BRIEFLY)


@copies.operation("GET", "/copies/<uuid:copy_id>/final.pdf", statuses=(200, 206, 304), gives=("application/pdf",))
def final(copy_id: UUID) -> Response:
    """The marked copy as PDF."""
    who = caller()
    document = ask(rpc.FINAL_DOCUMENT, copy_id=copy_id, by=who.actor)
    response = streams.send(document.object, caching=streams.NEVER, filename=document.filename)
    if response.status_code == 200 and request.method == "GET":
        with gateway().db.transaction() as work:
            people.note_access(
                work,
                actor_id=who.id,
                role=who.role,
                action="copies.final",
                subject_id=copy_id,
                request_id=g.get("request_id"),
            )
    return response


@copies.operation("GET", "/copies/<uuid:copy_id>/events", query=Page, reply=rpc.AuditTrail)
def events(copy_id: UUID, query: Page) -> rpc.AuditTrail:
    """Everything that happened to a copy, oldest first."""
    return ask(rpc.COPY_EVENTS, query, copy_id=copy_id, by=caller().actor)
