"""A small school in the five databases: paper, marks and results made by the real use cases, without a bus.

Messages are carried from outbox to use case by hand, with their inbox rows, as the bus would.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from chassis import outbox
from chassis.bus.subscription import Delivery
from chassis.db import Database
from chassis.disk_cache import DiskCache
from chassis.objects import Objects
from chassis.sandbox import Sandbox, TaskFailed
from contracts.catalogue import BY_TYPE
from contracts.model import Actor, Role
from contracts.rpc.grading import copies as copies_rpc
from contracts.rpc.grading import exams as exams_rpc
from contracts.rpc.ingest import (
    AssembleCopy,
    EditBooklet,
    Intake,
    OfExam,
    PageEdit,
    RegisterUpload,
    ScanProfile,
)
from oversight.installation import SERVICES, Installation
from services.grading.context import Context as Grading
from services.grading.settings import Settings as GradingSettings
from services.grading.usecases import copies, exams, finalise, identity, locks, marking, publication, reopening, roster
from services.ingest import assembling, splitting, usecases
from services.ingest.context import Context as Ingest
from services.ingest.settings import Settings as IngestSettings
from services.ocr import usecases as ocr
from services.ocr.context import Context as Ocr
from services.ocr.domain import Line, Reading
from services.render import usecases as render
from services.render.context import Context as Render
from services.render.settings import Settings as RenderSettings
from tests.scans.paper import a4_pile

AUDIT_KEY = "what seals the trails of this school"
ADMIN = Actor(id=UUID(int=1), name="Direction", role=Role.ADMIN)
MARKER = Actor(id=UUID(int=2), name="Mme Curie", role=Role.MARKER)
ROSTER = "INE;Nom;Prénom\n294070403HD;DA SILVA;Louise\n024050944HH;DA SILVA;Ethan\n6743314192F;ROBIN;Jade\n"
NODES = (
    exams_rpc.SchemeNode(id="q1", label="Question 1", points=Decimal(8)),
    exams_rpc.SchemeNode(id="q2", label="Question 2", points=Decimal(12)),
    exams_rpc.SchemeNode(id="extra", label="Soin", points=Decimal(1), bonus=True),
)
SCORES = {"q1": Decimal("6.25"), "q2": Decimal(8), "extra": Decimal("0.5")}
_outbox, _ = outbox.tables(sa.MetaData())
_NOWHERE: dict[str, Any] = {
    "database_url": "unused", "bus_url": "inproc://", "s3_endpoint": "unused", "s3_access_key": "unused",
    "s3_secret_key": "unused",
}  # fmt: skip


def database_of(service: str, url: str) -> Database:
    return Database(url, service=service, audit_key=AUDIT_KEY if service == "grading" else None)


class OneLine:
    """A recogniser that always reads the same."""

    def version(self, _languages: Any) -> str:
        return "one line 1.0"

    def parameters(self, _languages: Any, _lexicon: Any, /) -> Mapping[str, str]:
        return {}

    def read(self, _image: bytes, _languages: Any, _lexicon: Any, _sheet: Any, /) -> Reading:
        return Reading("done", (Line("ROBIN Jade", 0.9),))


@dataclass
class School:
    """The four services without their bus, on one installation."""

    installation: Installation
    ingest: Ingest
    ocr: Ocr
    grading: Grading
    render: Render

    @classmethod
    def open(cls, databases: Mapping[str, Database], objects: Objects, cut: Sandbox, compose: Sandbox) -> School:
        originals = DiskCache(objects, max_bytes=64 << 20)
        return cls(
            Installation(databases, objects, AUDIT_KEY),
            Ingest(IngestSettings(**_NOWHERE, chunk_sides=4), databases["ingest"], objects, cut, originals),
            Ocr(databases["ocr"], objects, OneLine(), originals, release=lambda: None),
            Grading(GradingSettings(**_NOWHERE, audit_key=AUDIT_KEY), databases["grading"], objects),
            Render(RenderSettings(**_NOWHERE), databases["render"], objects, compose, originals),
        )

    def close(self) -> None:
        self.ingest.originals.close()

    # The bus

    def carry(self) -> None:
        """Every message to everybody who hears it, until none is left that is due."""
        while sum([self._carry(service) for service in SERVICES]):
            pass

    def _carry(self, service: str) -> int:
        database = self.installation.databases[service]
        due = (_outbox.c.sent_at.is_(None)) & (_outbox.c.not_before <= sa.func.clock_timestamp())
        with database.reading() as sql:
            rows = list(sql.execute(sa.select(_outbox).where(due).order_by(_outbox.c.id)))
        for row in rows:
            message = BY_TYPE[row.type]
            for consumer in message.consumers:
                payload = message.model.model_validate(row.data)
                their = self.installation.databases[consumer]
                self.handlers[row.type](Delivery(payload, row.message_id, 1, message.queue(consumer), their))
            with database.transaction() as uow:
                sent = _outbox.update().where(_outbox.c.id == row.id).values(sent_at=sa.func.clock_timestamp())
                uow.sql.execute(sent)
        return len(rows)

    @property
    def handlers(self) -> dict[str, Callable[[Delivery[Any]], None]]:
        return {
            "ingest.sheets.split.v1": lambda d: splitting.split_sheets(self.ingest, d.payload, d.transaction),
            "ingest.upload.settled.v1": lambda d: copies.upload_settled(d.payload, d.transaction),
            "ingest.copy.assembled.v1": lambda d: copies.copy_assembled(self.grading, d.payload, d.transaction),
            "ocr.text.extract.v1": lambda d: ocr.extract_text(self.ocr, d.payload, d.transaction),
            "ocr.text.extracted.v1": lambda d: identity.text_extracted(d.payload, d.transaction),
            "render.document.compose.v1": self._compose,
            "render.document.composed.v1": lambda d: finalise.document_composed(d.payload, d.transaction),
        }

    broken: bool = False
    """While it is, making a document fails for good at the first try."""

    def _compose(self, delivery: Delivery[Any]) -> None:
        if self.broken:
            delivery.error = TaskFailed("compose", "refused_input")
            render._reply(delivery, render._answer(delivery.payload, "refused_input", reason="La page 2 manque."))
        else:
            render.compose_document(self.render, delivery)

    # People

    def new_exam(self, title: str) -> UUID:
        exam = exams.create_exam(self.grading, exams_rpc.CreateExam(title=title, intake="a4", by=ADMIN)).id
        exams.put_scheme(self.grading, exams_rpc.PutScheme(exam_id=exam, version=None, nodes=NODES, by=ADMIN))
        file = self.grading.objects.put("rosters", ROSTER.encode(), "text/csv")
        roster.import_roster(self.grading, exams_rpc.ImportRoster(exam_id=exam, file=file, dry_run=False, by=ADMIN))
        return exam

    def scan(self, exam: UUID, pile: bytes, pages: int) -> list[Any]:
        """Upload a pile; the booklets found."""
        ref = self.ingest.objects.put("uploads", io.BytesIO(pile), "application/pdf")
        profile = ScanProfile(intake=Intake.A4, pages_per_booklet=pages)
        usecases.register_upload(
            self.ingest, RegisterUpload(exam_id=exam, profile=profile, object=ref, filename="scan.pdf", by=ADMIN)
        )
        self.carry()
        return list(usecases.list_booklets(self.ingest, OfExam(exam_id=exam, limit=200)).items)

    def drop_last_page(self, booklet: Any) -> None:
        pages = [PageEdit(id=page.id, turn_deg=page.turn_deg, dropped=page.dropped) for page in booklet.pages]
        pages[-1] = pages[-1].model_copy(update={"dropped": True})
        usecases.edit_booklet(
            self.ingest, EditBooklet(booklet_id=booklet.id, version=booklet.version, pages=tuple(pages), by=ADMIN)
        )

    def assemble(self, exam: UUID, *booklets: Any) -> UUID:
        request = AssembleCopy(exam_id=exam, booklet_ids=tuple(each.id for each in booklets), by=ADMIN)
        (copy_id,) = assembling.assemble_copy(self.ingest, request).copy_ids
        self.carry()
        return copy_id

    def lock(self, copy_id: UUID, by: Actor = ADMIN) -> str:
        token = locks.take_lock(self.grading, copies_rpc.TakeLock(copy_id=copy_id, by=by)).token
        assert token is not None
        return token

    def save_draft(self, copy_id: UUID, token: str, version: int, text: str) -> None:
        request = copies_rpc.PutDraft(
            copy_id=copy_id, token=token, by=ADMIN, client_id="window", version=version, payload={"text": text}
        )
        marking.put_draft(self.grading, request)

    def annotate(self, copy_id: UUID, token: str) -> None:
        fields = {"page": 1, "type": "comment", "x": 0.1, "y": 0.1, "w": 0.2, "h": 0.1, "content": "Bien."}
        request = copies_rpc.CreateAnnotation(copy_id=copy_id, token=token, by=ADMIN, annotation=fields)
        marking.create_annotation(self.grading, request)

    def score(self, copy_id: UUID, token: str, version: int | None = None) -> None:
        request = copies_rpc.PutScores(copy_id=copy_id, token=token, by=ADMIN, version=version, scores=SCORES)
        marking.put_scores(self.grading, request)

    def finalise(self, copy_id: UUID, token: str) -> None:
        finalise.finalise(self.grading, copies_rpc.Finalise(copy_id=copy_id, token=token, by=ADMIN))

    def grade(self, copy_id: UUID) -> None:
        token = self.lock(copy_id)
        self.save_draft(copy_id, token, 0, "début")
        self.save_draft(copy_id, token, 1, "fin")
        self.annotate(copy_id, token)
        self.score(copy_id, token)
        self.finalise(copy_id, token)
        self.carry()

    def identify(self, exam: UUID, copy_id: UUID, first_name: str) -> None:
        from services.grading.usecases.candidates import list_candidates

        listed = list_candidates(self.grading, exams_rpc.ListCandidates(exam_id=exam, by=ADMIN, limit=50))
        (candidate,) = [each.id for each in listed.items if each.first_name == first_name]
        identity.identify(
            self.grading, copies_rpc.Identify(copy_id=copy_id, candidate_id=candidate, replaces=None, by=ADMIN)
        )


@dataclass(frozen=True)
class Known:
    """What the tests take hold of."""

    published: UUID
    """Graded once, published."""
    twice: UUID
    """Reopened and graded again, published at revision 2."""
    exam: UUID
    other: UUID
    """The exam of the copies that follow."""
    ready: UUID
    locked: UUID
    failed: UUID


def fill(school: School) -> Known:
    """Two exams: one published, one with a copy in every other state."""
    exam = school.new_exam("Bac blanc")
    booklets = school.scan(exam, a4_pile(3, pages=2), 2)
    school.drop_last_page(booklets[0])
    published = school.assemble(exam, booklets[0])
    twice = school.assemble(exam, booklets[2], booklets[1])
    school.grade(published)
    school.grade(twice)
    reopening.reopen(school.grading, copies_rpc.Reopen(copy_id=twice, by=ADMIN))
    school.finalise(twice, school.lock(twice))
    school.carry()
    school.identify(exam, published, "Jade")
    school.identify(exam, twice, "Ethan")
    publication.publish(school.grading, exams_rpc.Publish(exam_id=exam, by=ADMIN))

    other = school.new_exam("Devoir")
    ready, locked, failed = (school.assemble(other, booklet) for booklet in school.scan(other, a4_pile(3, pages=1), 1))
    token = school.lock(ready)
    locks.release_lock(school.grading, copies_rpc.HeldLock(copy_id=ready, token=token, by=ADMIN))
    token = school.lock(locked)
    school.save_draft(locked, token, 0, "brouillon")
    school.broken = True
    school.grade(failed)
    school.broken = False
    school.carry()
    return Known(published, twice, exam, other, ready, locked, failed)
