"""Whose copy is this: the queue for a person to settle, and their answer."""

from __future__ import annotations

from uuid import UUID

from contracts.model import Model
from contracts.rpc.grading import copies as rpc
from services.gateway import streams
from services.gateway.api import Page, Resource, shape
from services.gateway.auth import caller
from services.gateway.context import ask
from services.gateway.streams import Image

identification = Resource("identification")

Identification = shape(
    "Identification", rpc.IdentificationView, without=("header",), replace={"header": (Image | None, ...)}
)
Queue = shape(
    "IdentificationQueue",
    rpc.IdentificationQueue,
    without=("items",),
    replace={"items": (tuple[Identification, ...], ...)},  # type: ignore[valid-type]
)
Choice = shape("IdentificationChoice", rpc.Identify, without=("by", "copy_id"))


class QueueWanted(Page):
    """``pending_only=false`` also lists the copies that are settled."""

    pending_only: bool = True


def _seen(view: rpc.IdentificationView) -> Model:
    header = streams.image(view.header) if view.header is not None else None
    return Identification.model_validate({**view.model_dump(by_alias=False, exclude={"header"}), "header": header})


@identification.operation("GET", "/exams/<uuid:exam_id>/identification", query=QueueWanted, reply=Queue)
def index(exam_id: UUID, query: QueueWanted) -> Model:
    """Copies to identify, riskiest last: header image, reading, ranked candidates."""
    found = ask(rpc.IDENTIFICATION_QUEUE, query, exam_id=exam_id, by=caller().actor)
    items = [_seen(each) for each in found.items]
    return Queue.model_validate({"items": items, "next": found.next, "total": found.total})


@identification.operation("PUT", "/copies/<uuid:copy_id>/identification", body=Choice, reply=Identification)
def identify(copy_id: UUID, body: Model) -> Model:
    """Say whose copy it is; 409 when that candidate has another copy."""
    return _seen(ask(rpc.IDENTIFY, body, copy_id=copy_id, by=caller().actor))


@identification.operation("DELETE", "/copies/<uuid:copy_id>/identification", reply=Identification)
def unidentify(copy_id: UUID) -> Model:
    """Take the identification back."""
    return _seen(ask(rpc.UNIDENTIFY, copy_id=copy_id, by=caller().actor))
