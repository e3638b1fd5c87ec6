"""What tests of exams, rosters and identities start from: requests with their usual values."""

from __future__ import annotations

import uuid
from typing import Any

from chassis.objects import Objects
from contracts.messages.ocr import ReadField, ReadLine, TextExtracted
from contracts.model import Actor
from contracts.objects import ObjectRef
from contracts.rpc.grading.copies import IdentificationView, Identify
from contracts.rpc.grading.exams import (
    CreateExam,
    ExamView,
    ImportRoster,
    ListCandidates,
    PutScheme,
    RosterReport,
    SchemeNode,
    SchemeView,
)
from services.grading.context import Context
from services.grading.usecases import candidates, exams, identity, roster
from tests.service.grading.desk import Desk
from tests.unit.grading.seen import packed

ROSTER = """INE;Nom;Prénom;Classe;Date de naissance
294070403HD;DA SILVA;Louise;TG2;01/01/2008
024050944HH;DA SILVA;Ethan;TG2;02/01/2008
6743314192F;ROBIN;Jade;TG1;03/01/2008
"""
TWENTY = (
    SchemeNode(id="ex1", label="Exercice 1", children=(SchemeNode(id="q1", label="Question 1", points="8"),)),
    SchemeNode(id="ex2", label="Exercice 2", points="12"),
    SchemeNode(id="extra", label="Soin", points="1", bonus=True),
)


def new_exam(app: Context, by: Actor, title: str = "Devoir", **fields: Any) -> ExamView:
    return exams.create_exam(app, CreateExam(title=title, intake="a4", by=by, **fields))


def put_scheme(app: Context, exam_id: uuid.UUID, by: Actor, version: int | None = None, **fields: Any) -> SchemeView:
    return exams.put_scheme(
        app, PutScheme(**{"exam_id": exam_id, "version": version, "nodes": TWENTY, "by": by} | fields)
    )


def stored(objects: Objects, text: str | bytes) -> ObjectRef:
    data = text.encode() if isinstance(text, str) else text
    return objects.put("rosters", data, "text/csv")


def import_roster(
    app: Context, exam_id: uuid.UUID, by: Actor, text: str | bytes = ROSTER, *, dry_run: bool = False
) -> RosterReport:
    request = ImportRoster(exam_id=exam_id, file=stored(app.objects, text), dry_run=dry_run, by=by)
    return roster.import_roster(app, request)


def candidate_ids(app: Context, exam_id: uuid.UUID, by: Actor) -> dict[str, uuid.UUID]:
    """First name to candidate id."""
    listed = candidates.list_candidates(app, ListCandidates(exam_id=exam_id, by=by, limit=200))
    return {each.first_name: each.id for each in listed.items}


def identify(
    desk: Desk, copy_id: uuid.UUID, candidate_id: uuid.UUID, replaces: uuid.UUID | None = None
) -> IdentificationView:
    request = Identify(copy_id=copy_id, candidate_id=candidate_id, replaces=replaces, by=desk.admin)
    return identity.identify(desk.app, request)


def read(desk: Desk, copy_id: uuid.UUID, *lines: str, revision: int = 1, outcome: str = "done") -> None:
    answer = TextExtracted(
        copy_id=copy_id,
        revision=revision,
        outcome=outcome,  # type: ignore[arg-type]  # the test says which
        engine="tesseract 5.3.0",
        lines=tuple(ReadLine(text=line, confidence=0.9) for line in lines),
    )
    identity.text_extracted(answer, desk.delivery)


def read_fields(desk: Desk, copy_id: uuid.UUID, last_name: str = "", first_name: str = "", number: str = "") -> None:
    """Letter by letter, as a recogniser of handwriting does."""
    given = {"last_name": last_name, "first_name": first_name, "number": number}
    fields = []
    for kind, text in given.items():
        if text:
            letters, steps = packed(text)
            fields.append(ReadField(kind=kind, text=text, confidence=0.9, letters=letters, steps=steps))
    answer = TextExtracted(copy_id=copy_id, revision=1, outcome="done", engine="letters 1", fields=tuple(fields))
    identity.text_extracted(answer, desk.delivery)
