"""Exams, their marking scheme, their roster, their publication."""

from __future__ import annotations

import base64
import io
from typing import Any, cast
from uuid import UUID

import pydantic
from flask import Response, request

from chassis import observe
from contracts.errors.gateway import EmptyFile, WrongMediaType
from contracts.model import Model
from contracts.rpc import render
from contracts.rpc.grading import exams as rpc
from services.gateway import people, streams
from services.gateway.api import Answer, Page, Resource, Version, shape
from services.gateway.auth import caller
from services.gateway.context import ask, gateway
from services.gateway.idempotency import name_of_request
from services.gateway.problems import language
from services.gateway.reading import refuse_fields, validated

exams = Resource("exams")
audit = observe.logger(observe.AUDIT)

NewExam = shape("NewExam", rpc.CreateExam)
ExamChange = shape("ExamChange", rpc.UpdateExam, without=("by", "exam_id", "forget_error_budget"))
NewScheme = shape("NewScheme", rpc.PutScheme, without=("by", "exam_id", "dry_run"))
RosterReport = shape("RosterReport", rpc.RosterReport, without=("dry_run",))
CSV = "text/csv"
CANDIDATES_AT_ONCE = 200


class ExamsWanted(Page):
    """``archived``: those that were set aside instead."""

    archived: bool = False


class SchemeWanted(Model):
    """``dry_run``: check the scheme and tell its impact; nothing is stored."""

    dry_run: bool = False


class RosterColumns(Model):
    """``preset``: where the file comes from. ``mapping``: headers by field, as JSON, such as {"last_name": "Famille"}.

    Both may stand in the multipart form instead.
    """

    preset: rpc.RosterPreset = "generic"
    mapping: pydantic.Json[dict[rpc.RosterField, rpc.Header]] = pydantic.Field(default_factory=dict)


class RosterWanted(RosterColumns):
    """``partial``: import the rows without errors, and leave the others out."""

    dry_run: bool = False
    partial: bool = False


class CodesWanted(Model):
    """``only_missing``: people who hold a working code keep it and are not listed."""

    only_missing: bool = False


@exams.operation("GET", "/exams", query=ExamsWanted, reply=rpc.Exams)
def index(query: ExamsWanted) -> rpc.Exams:
    """Exams I may know of."""
    return ask(rpc.LIST_EXAMS, query, by=caller().actor)


@exams.operation("POST", "/exams", body=NewExam, reply=rpc.ExamView, statuses=(201,), creates=True)
def create(body: Model) -> Answer:
    """Create an exam."""
    exam = ask(rpc.CREATE_EXAM, body, once=name_of_request(), by=caller().actor)
    return Answer(exam, 201, {"Location": f"/api/v1/exams/{exam.id}"})


@exams.operation("GET", "/exams/<uuid:exam_id>", reply=rpc.ExamView)
def show(exam_id: UUID) -> rpc.ExamView:
    """One exam and how far it is."""
    return ask(rpc.GET_EXAM, exam_id=exam_id, by=caller().actor)


@exams.operation("PATCH", "/exams/<uuid:exam_id>", body=ExamChange, reply=rpc.ExamView, versioned=True)
def change(exam_id: UUID, body: Model) -> rpc.ExamView:
    """Change an exam; fields left out keep their value. An error budget of null is the installation's."""
    budget = "identification_error_budget"
    forget = body.model_dump(include={budget}, exclude_unset=True) == {budget: None}
    return ask(rpc.UPDATE_EXAM, body, exam_id=exam_id, forget_error_budget=forget, by=caller().actor)


@exams.operation("DELETE", "/exams/<uuid:exam_id>", query=Version, reply=rpc.ExamView, versioned=True)
def remove(exam_id: UUID, query: Version) -> rpc.ExamView:
    """Set an exam aside; everything stays and can be restored."""
    return ask(rpc.DELETE_EXAM, query, exam_id=exam_id, by=caller().actor)


@exams.operation("POST", "/exams/<uuid:exam_id>/restore", reply=rpc.ExamView)
def restore(exam_id: UUID) -> rpc.ExamView:
    """Take a deleted exam back."""
    return ask(rpc.RESTORE_EXAM, exam_id=exam_id, by=caller().actor)


@exams.operation("GET", "/exams/<uuid:exam_id>/scheme", reply=rpc.SchemeView)
def scheme(exam_id: UUID) -> rpc.SchemeView:
    """The marking scheme."""
    return ask(rpc.GET_SCHEME, exam_id=exam_id, by=caller().actor)


@exams.operation("PUT", "/exams/<uuid:exam_id>/scheme", body=NewScheme, query=SchemeWanted, reply=rpc.SchemeView)
def put_scheme(exam_id: UUID, body: Model, query: SchemeWanted) -> rpc.SchemeView:
    """Replace the marking scheme; the answer tells what that means for copies already marked."""
    fields = {"version": None} if "version" not in body.model_fields_set else {}
    return ask(rpc.PUT_SCHEME, body, exam_id=exam_id, dry_run=query.dry_run, by=caller().actor, **fields)


@exams.operation("GET", "/exams/<uuid:exam_id>/scheme.csv", gives=(CSV,))
def scheme_file(exam_id: UUID) -> Response:
    """The marking scheme as CSV: path;label;points;bonus;id, one row per exercise and question."""
    found = ask(rpc.WRITE_SCHEME_FILE, exam_id=exam_id, by=caller().actor)
    response = Response(found.text.encode(), content_type=f"{CSV}; charset=utf-8")
    response.headers.set(
        "Content-Disposition", "attachment", filename="scheme.csv" if language() == "en" else "bareme.csv"
    )
    response.headers["Cache-Control"] = streams.NEVER
    return response


@exams.operation("POST", "/exams/<uuid:exam_id>/scheme/csv", reply=rpc.SchemeDraft, takes=(CSV, "multipart/form-data"))
def read_scheme_file(exam_id: UUID) -> rpc.SchemeDraft:
    """What a marking scheme in CSV says, or what is wrong in which row; nothing is stored."""
    data = _file(rpc.SCHEME_FILE_BYTES)
    return ask(rpc.READ_SCHEME_FILE, exam_id=exam_id, file=base64.b64encode(data), by=caller().actor)


@exams.operation(
    "POST",
    "/exams/<uuid:exam_id>/roster",
    query=RosterWanted,
    reply=RosterReport,
    takes=(CSV, "multipart/form-data"),
)
def import_roster(exam_id: UUID, query: RosterWanted) -> Answer:
    """Import the list of candidates from CSV; every row is accounted for in the report."""
    report = ask(rpc.IMPORT_ROSTER, **_roster(exam_id, query), dry_run=query.dry_run, partial=query.partial)
    return Answer(RosterReport.model_validate(report.model_dump(exclude={"dry_run"})), 200)


@exams.operation(
    "POST",
    "/exams/<uuid:exam_id>/roster/columns",
    query=RosterColumns,
    reply=rpc.RosterLook,
    takes=(CSV, "multipart/form-data"),
)
def look_at_roster(exam_id: UUID, query: RosterColumns) -> rpc.RosterLook:
    """The columns of a list and its first rows, as an import would understand them; nothing is imported."""
    return ask(rpc.LOOK_AT_ROSTER, **_roster(exam_id, query))


@exams.operation(
    "POST",
    "/exams/<uuid:exam_id>/roster/errors.csv",
    query=RosterColumns,
    takes=(CSV, "multipart/form-data"),
    gives=(CSV,),
)
def bad_rows(exam_id: UUID, query: RosterColumns) -> Response:
    """The rows of a list that an import would refuse, each with its reason, as CSV to correct; nothing is imported."""
    found = ask(rpc.FIND_BAD_ROWS, **_roster(exam_id, query), language=language())
    name = "rows-to-correct.csv" if language() == "en" else "lignes-a-corriger.csv"
    return streams.send(found.file, caching=streams.NEVER, filename=name)


def _roster(exam_id: UUID, query: RosterColumns) -> dict[str, Any]:
    """The list as it was sent, kept, and what was said about its columns."""
    data, columns = _file(gateway().settings.roster_max_bytes), query
    said = {name: request.form[name] for name in RosterColumns.model_fields if name in request.form}
    if said:
        columns = cast(RosterColumns, validated(RosterColumns, said))
    return {
        "exam_id": exam_id,
        "file": gateway().objects.put("rosters", io.BytesIO(data), CSV),
        "preset": columns.preset,
        "mapping": columns.mapping,
        "by": caller().actor,
    }


def _file(most: int) -> bytes:
    """The bytes of the CSV file that was sent, as the body or in a form."""
    request.max_content_length = most
    if request.mimetype == CSV:
        data = request.get_data()
    elif request.mimetype == "multipart/form-data":
        sent = request.files.get("file")
        if sent is None:
            refuse_fields(("file", "missing"))
        data = sent.stream.read()
    else:
        raise WrongMediaType(expected=f"{CSV}, multipart/form-data")
    if not data:
        raise EmptyFile()
    return data


@exams.operation("GET", "/exams/<uuid:exam_id>/candidates", query=Page, reply=rpc.Candidates)
def candidates(exam_id: UUID, query: Page) -> rpc.Candidates:
    """The roster as it stands."""
    return ask(rpc.LIST_CANDIDATES, query, exam_id=exam_id, by=caller().actor)


@exams.operation(
    "GET",
    "/exams/<uuid:exam_id>/sheets.pdf",
    query=render.SheetsToPrint,
    statuses=(200, 206, 304),
    gives=("application/pdf",),
)
def sheets(exam_id: UUID, query: render.SheetsToPrint) -> Response:
    """Answer sheets to print, with a code on every page that says exam, copy and page.

    Two calls: grading knows the exam and who may see it, render has the ink.
    """
    exam = ask(rpc.GET_EXAM, exam_id=exam_id, by=caller().actor)
    made = ask(render.ANSWER_SHEETS, query, exam_id=exam_id, title=exam.title, date=exam.date)
    return streams.send(made.document, caching=streams.NEVER, filename="copies.pdf")


@exams.operation(
    "POST",
    "/exams/<uuid:exam_id>/access-codes",
    body=CodesWanted,
    reply=people.AccessCodes,
    statuses=(201,),
    creates=True,
    shown_once="code",
)
def issue_access_codes(exam_id: UUID, body: CodesWanted) -> Answer:
    """New access codes for the candidates of an exam, shown this once, to be printed and handed out.

    A person's earlier code stops working, also for their other exams: there is one way in, not a growing number.
    """
    here, who = gateway(), caller()
    found: list[rpc.CandidateView] = []
    cursor: str | None = None
    while True:
        part = ask(rpc.LIST_CANDIDATES, exam_id=exam_id, limit=CANDIDATES_AT_ONCE, cursor=cursor, by=who.actor)
        found.extend(part.items)
        cursor = part.next
        if cursor is None:
            break
    persons = tuple(dict.fromkeys(each.person_id for each in found))
    days = here.settings.access_code_days
    issued = people.issue_codes(
        here.db, persons, by=who.id, days=days, only_missing=body.only_missing, once=name_of_request()
    )
    audit.info("access_codes_issued", exam_id=exam_id, count=len(issued), actor_id=who.id)
    items = tuple(
        people.AccessCode.model_validate(
            {
                "candidate_id": each.id,
                "last_name": each.last_name,
                "first_name": each.first_name,
                "class": each.class_name,
                "code": issued[each.person_id],
            }
        )
        for each in found
        if each.person_id in issued
    )
    return Answer(people.AccessCodes(items=items, next=None, total=len(items)), 201)


@exams.operation("PUT", "/exams/<uuid:exam_id>/publication", reply=rpc.PublicationView)
def publish(exam_id: UUID) -> rpc.PublicationView:
    """Let the candidates read their results; refused with the list of copies that are not ready."""
    return ask(rpc.PUBLISH, exam_id=exam_id, by=caller().actor)


@exams.operation("DELETE", "/exams/<uuid:exam_id>/publication", reply=rpc.PublicationView)
def withdraw(exam_id: UUID) -> rpc.PublicationView:
    """Take the results back from the candidates' view."""
    return ask(rpc.WITHDRAW, exam_id=exam_id, by=caller().actor)
