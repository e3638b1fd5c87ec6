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
SheetModel = shape("SheetModel", rpc.SheetModelView, without=("sample",), replace={"sample": (Image, ...)})
Zones = shape("SheetModelZones", rpc.PutSheetModel, without=("by", "exam_id"))
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
    return Queue.model_validate({**found.model_dump(exclude={"items"}), "items": items})


@identification.operation("PUT", "/copies/<uuid:copy_id>/identification", body=Choice, reply=Identification)
def identify(copy_id: UUID, body: Model) -> Model:
    """Say whose copy it is; 409 when that candidate has another copy."""
    return _seen(ask(rpc.IDENTIFY, body, copy_id=copy_id, by=caller().actor))


@identification.operation("DELETE", "/copies/<uuid:copy_id>/identification", reply=Identification)
def unidentify(copy_id: UUID) -> Model:
    """Take the identification back."""
    return _seen(ask(rpc.UNIDENTIFY, copy_id=copy_id, by=caller().actor))


@identification.operation("POST", "/exams/<uuid:exam_id>/identification/solve", reply=rpc.Matching)
def solve(exam_id: UUID) -> Model:
    """Match all copies with the roster again; what people decided stays."""
    return ask(rpc.SOLVE_IDENTIFICATION, exam_id=exam_id, by=caller().actor)


@identification.operation("POST", "/copies/<uuid:copy_id>/identification/reading", reply=Identification)
def read_again(copy_id: UUID) -> Model:
    """Read the copy's header once more."""
    return _seen(ask(rpc.READ_AGAIN, copy_id=copy_id, by=caller().actor))


@identification.operation("POST", "/exams/<uuid:exam_id>/identification/readings", reply=rpc.ReadAgain)
def read_failed_again(exam_id: UUID) -> Model:
    """Read every header once more that could not be read."""
    return ask(rpc.READ_FAILED_AGAIN, exam_id=exam_id, by=caller().actor)


@identification.operation("GET", "/exams/<uuid:exam_id>/sheet-model", reply=SheetModel)
def sheet_model(exam_id: UUID) -> Model:
    """Where the fields stand on this exam's headers; 404 when they are found by what is printed."""
    return _drawn(ask(rpc.GET_SHEET_MODEL, exam_id=exam_id, by=caller().actor))


@identification.operation("PUT", "/exams/<uuid:exam_id>/sheet-model", body=Zones, reply=SheetModel)
def put_sheet_model(exam_id: UUID, body: Model) -> Model:
    """Say where the fields stand, on the header of one copy; headers are read again."""
    return _drawn(ask(rpc.PUT_SHEET_MODEL, body, exam_id=exam_id, by=caller().actor))


@identification.operation("DELETE", "/exams/<uuid:exam_id>/sheet-model", statuses=(204,))
def remove_sheet_model(exam_id: UUID) -> None:
    """Find the fields by what is printed again; headers are read again."""
    ask(rpc.REMOVE_SHEET_MODEL, exam_id=exam_id, by=caller().actor)


def _drawn(view: rpc.SheetModelView) -> Model:
    return SheetModel.model_validate({**view.model_dump(exclude={"sample"}), "sample": streams.image(view.sample)})
