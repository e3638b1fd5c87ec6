"""An exam as a whole: its pile, its statistics, its results, the files made of them."""

from __future__ import annotations

from uuid import UUID

from flask import Response, g

from contracts.model import Model
from contracts.rpc.grading import results as rpc
from services.gateway import people, streams
from services.gateway.api import Page, Resource, shape
from services.gateway.auth import caller
from services.gateway.context import ask, gateway

results = Resource("results")

Flag = shape("Flag", rpc.SetFlag, without=("by", "copy_id"))
CSV = "text/csv"


@results.operation("GET", "/exams/<uuid:exam_id>/pile", reply=rpc.Pile)
def pile(exam_id: UUID) -> rpc.Pile:
    """Every copy with its scores so far; a marker sees their own."""
    return ask(rpc.GET_PILE, exam_id=exam_id, by=caller().actor)


@results.operation("PUT", "/copies/<uuid:copy_id>/flag", body=Flag, reply=rpc.FlagView)
def flag(copy_id: UUID, body: Model) -> rpc.FlagView:
    """Flag a copy for oneself and for colleagues, with a note, or take the flag down."""
    return ask(rpc.SET_FLAG, body, copy_id=copy_id, by=caller().actor)


@results.operation("GET", "/exams/<uuid:exam_id>/statistics", reply=rpc.Statistics)
def statistics(exam_id: UUID) -> rpc.Statistics:
    """How the graded copies did, question by question and marker by marker; a marker sees their own."""
    return ask(rpc.GET_STATISTICS, exam_id=exam_id, by=caller().actor)


@results.operation("GET", "/exams/<uuid:exam_id>/results", query=Page, reply=rpc.Results)
def index(exam_id: UUID, query: Page) -> rpc.Results:
    """All candidates by name with their marks; those without a copy are listed too."""
    found = ask(rpc.LIST_RESULTS, query, exam_id=exam_id, by=caller().actor)
    _note("results.index", exam_id)
    return found


@results.operation("GET", "/exams/<uuid:exam_id>/results.csv", statuses=(200, 206, 304), gives=(CSV,))
def as_csv(exam_id: UUID) -> Response:
    """The results for programs: RFC 4180, decimal points, one column per question."""
    return _file("csv", exam_id)


@results.operation("GET", "/exams/<uuid:exam_id>/results.pronote.csv", statuses=(200, 206, 304), gives=(CSV,))
def as_pronote(exam_id: UUID) -> Response:
    """The results for Pronote and French spreadsheets: BOM, semicolons, decimal commas."""
    return _file("pronote", exam_id)


def _file(wanted: str, exam_id: UUID) -> Response:
    made = ask(rpc.MAKE_RESULTS_FILE, exam_id=exam_id, format=wanted, by=caller().actor)
    response = streams.send(made.file, caching=streams.NEVER, filename=made.filename)
    response.headers.set("Content-Disposition", "attachment", filename=made.filename)
    _note(f"results.{wanted}", exam_id)
    return response


def _note(action: str, exam_id: UUID) -> None:
    """Names with marks were shown: the access log keeps to whom."""
    who = caller()
    with gateway().db.transaction() as work:
        people.note_access(
            work, actor_id=who.id, role=who.role, action=action, subject_id=exam_id, request_id=g.get("request_id")
        )
