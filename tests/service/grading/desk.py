"""A small exam to mark: what the tests of grading start from, each piece made by the real use case or plain SQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from chassis.db import Database, Transaction
from chassis.objects import Objects
from contracts.messages.ingest import CopyAssembled
from contracts.messages.render import DocumentComposed
from contracts.model import Actor, Role
from contracts.objects import ImageRef, ObjectRef
from contracts.records.pages import Box, Cover, Page, PageImages, PageManifest, PageSource
from contracts.rpc.grading.copies import Finalise, FinaliseStarted, LockView, PutScores, TakeLock
from contracts.rpc.grading.exams import CreateExam, PutScheme, SchemeNode
from services.grading.context import Context
from services.grading.domain.audit import sha256
from services.grading.settings import Settings
from services.grading.store import audit, tables
from services.grading.usecases import copies, exams, finalise, locks, marking
from tests.conftest import AUDIT_KEY

NODES = (
    SchemeNode(
        id="ex1",
        label="Exercice 1",
        children=(
            SchemeNode(id="q1", label="Question 1", points="8"),
            SchemeNode(id="q2", label="Question 2", points="12"),
        ),
    ),
    SchemeNode(id="extra", label="Soin", points="1", bonus=True),
)
FULL = {"q1": Decimal("6.25"), "q2": Decimal("8"), "extra": Decimal("0.5")}


def person(name: str, role: Role = Role.MARKER) -> Actor:
    return Actor(id=uuid.uuid4(), name=name, role=role)


OPERATOR = person("Secrétariat", Role.OPERATOR)


def reference(kind: str, text: str, media_type: str = "image/jpeg") -> ObjectRef:
    sha256 = uuid.uuid5(uuid.NAMESPACE_OID, text).hex * 2
    return ObjectRef(key=f"{kind}/{sha256[:2]}/{sha256}", sha256=sha256, size=1000, media_type=media_type)


def images(name: str, full: bool) -> PageImages:
    def image(size: str, width: int) -> ImageRef:
        return ImageRef(object=reference("pages", f"{name}-{size}"), width_px=width, height_px=int(width * 1.414))

    return PageImages(
        full=image("full", 1654) if full else None, screen=image("screen", 1240), thumb=image("thumb", 220)
    )


def other_header(page: Page) -> Page:
    """The page with another picture of its header."""
    image = ImageRef(object=reference("headers", "other"), width_px=900, height_px=200)
    return page.model_copy(update={"header_image": image})


def covered(page: Page) -> Page:
    """The page after a person hid a zone of it from markers."""
    cover = Cover(id=uuid.uuid4(), box=Box(x=0.1, y=0.2, w=0.3, h=0.05))
    return page.model_copy(update={"covered": (cover,), "masked": images(f"covered-{page.page_no}", full=False)})


def page(page_no: int, *, header: bool = False, side_no: int = 1) -> Page:
    return Page(
        page_no=page_no,
        page_id=uuid.uuid4(),
        source=PageSource(upload=reference("uploads", "scan", "application/pdf"), side_no=side_no),
        blank=False,
        images=images(f"open-{page_no}", full=True),
        header=Box(x=0, y=0, w=1, h=0.2) if header else None,
        masked=images(f"masked-{page_no}", full=False) if header else None,
        header_image=ImageRef(object=reference("headers", "h"), width_px=900, height_px=200) if header else None,
    )


@dataclass
class Desk:
    """One exam with a scheme, and who works on it."""

    app: Context
    exam_id: uuid.UUID
    marker: Actor
    admin: Actor

    @property
    def db(self) -> Database:
        return self.app.db

    @property
    def delivery(self) -> Transaction:
        """What a subscription hands to a use case, without the inbox."""
        return self.app.db.transaction

    def paper(self, copy_id: uuid.UUID, revision: int = 1, pages: int = 2, first_side: int = 1) -> CopyAssembled:
        numbers = range(1, pages + 1)
        return self.revised(
            copy_id, [page(no, header=no == 1, side_no=first_side + no - 1) for no in numbers], revision
        )

    def pages(self, copy_id: uuid.UUID) -> list[Page]:
        return [Page.model_validate(each) for each in self.row(copy_id).pages]

    def revised(self, copy_id: uuid.UUID, pages: Sequence[Page], revision: int = 2) -> CopyAssembled:
        """What ingest says of these pages."""
        manifest = PageManifest(exam_id=self.exam_id, copy_id=copy_id, revision=revision, pages=tuple(pages))
        ref = self.app.objects.put_json("manifests", manifest)
        return CopyAssembled(
            copy_id=copy_id,
            exam_id=self.exam_id,
            revision=revision,
            manifest=ref,
            page_count=len(pages),
            by=OPERATOR,
        )

    def add_copy(self, marker: Actor | None = None, *, first_side: int = 1) -> uuid.UUID:
        """A READY copy, allocated; it begins on this side of the scan."""
        copy_id = uuid.uuid4()
        copies.copy_assembled(self.app, self.paper(copy_id, first_side=first_side), self.delivery)
        self.allocate(copy_id, marker or self.marker)
        return copy_id

    def allocate(self, copy_id: uuid.UUID, marker: Actor) -> None:
        """Give this copy to this marker, whoever had it: a choice that the use case leaves to nobody."""
        given = {"marker_id": marker.id, "marker": marker.name, "version": tables.copies.c.version + 1}
        with self.db.transaction() as uow:
            uow.sql.execute(tables.copies.update().where(tables.copies.c.id == copy_id).values(**given))
            told = {"marker_id": str(marker.id), "marker_sha256": sha256(marker.name)}
            audit.append(uow, audit.Entry("ALLOCATE", self.admin, self.exam_id, copy_id, told))

    def lock(self, copy_id: uuid.UUID, by: Actor | None = None) -> LockView:
        return locks.take_lock(self.app, TakeLock(copy_id=copy_id, by=by or self.marker))

    def token(self, copy_id: uuid.UUID, by: Actor | None = None) -> str:
        token = self.lock(copy_id, by).token
        assert token is not None
        return token

    def score(
        self, copy_id: uuid.UUID, token: str, scores: dict[str, Decimal] = FULL, version: int | None = None
    ) -> Any:
        request = PutScores(copy_id=copy_id, token=token, by=self.marker, version=version, scores=scores)
        return marking.put_scores(self.app, request)

    def marked(self) -> tuple[uuid.UUID, str]:
        """A copy with all its scores, and its lock's token."""
        copy_id = self.add_copy()
        token = self.token(copy_id)
        self.score(copy_id, token)
        return copy_id, token

    def finalise(self, copy_id: uuid.UUID, token: str | None, by: Actor | None = None) -> FinaliseStarted:
        return finalise.finalise(self.app, Finalise(copy_id=copy_id, token=token, by=by or self.marker))

    def composed(self, copy_id: uuid.UUID, attempt: int = 1, revision: int = 1, outcome: str = "done") -> None:
        document = reference("finals", f"{copy_id}-{revision}", "application/pdf")
        done = outcome == "done"
        answer = DocumentComposed(
            copy_id=copy_id,
            exam_id=self.exam_id,
            revision=revision,
            attempt=attempt,
            outcome=outcome,  # type: ignore[arg-type]  # the test says which
            document=document if done else None,
            page_count=3 if done else None,
            reason=None if done else f"reason of {outcome}",
        )
        finalise.document_composed(answer, self.delivery)

    def graded(self) -> uuid.UUID:
        copy_id, token = self.marked()
        self.finalise(copy_id, token)
        self.composed(copy_id)
        return copy_id

    # Looking at the database

    def write(self, statement: Any) -> None:
        with self.db.transaction() as uow:
            uow.sql.execute(statement)

    def row(self, copy_id: uuid.UUID) -> Any:
        with self.db.reading() as sql:
            return sql.execute(sa.select(tables.copies).where(tables.copies.c.id == copy_id)).one()

    def all(self, query: Any) -> list[Any]:
        with self.db.reading() as sql:
            return list(sql.execute(query))

    def sent(self, message: str) -> list[dict[str, Any]]:
        """Bodies of the messages of one type, oldest first."""
        outbox = tables.metadata.tables["outbox"]
        query = sa.select(outbox.c.data).where(outbox.c.type == message).order_by(outbox.c.id)
        return [row.data for row in self.all(query)]

    def actions(self, copy_id: uuid.UUID) -> list[str]:
        query = sa.select(tables.audit.c.action).where(tables.audit.c.copy_id == copy_id).order_by(tables.audit.c.seq)
        return [row.action for row in self.all(query)]

    def expire(self, copy_id: uuid.UUID) -> None:
        """Let the lease end now."""
        self.write(
            tables.locks.update()
            .where(tables.locks.c.copy_id == copy_id)
            .values(expires_at=sa.text("clock_timestamp() - interval '1 second'"))
        )


def settings() -> Settings:
    return Settings(
        audit_key=AUDIT_KEY,
        database_url="unused",
        bus_url="inproc://",
        s3_endpoint="unused",
        s3_access_key="unused",
        s3_secret_key="unused",
    )


def open_desk(db: Database, objects: Objects) -> Desk:
    app, admin = Context(settings(), db, objects), person("Direction", Role.ADMIN)
    exam = exams.create_exam(app, CreateExam(title="Bac blanc", intake="a3", by=admin))
    exams.put_scheme(app, PutScheme(exam_id=exam.id, version=None, nodes=NODES, by=admin))
    return Desk(app, exam.id, person("Mme Curie"), admin)


@contextmanager
def counted(db: Database) -> Iterator[list[str]]:
    """Every statement sent to the database meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)
