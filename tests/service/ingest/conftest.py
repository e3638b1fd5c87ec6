"""ingest on a real database, a real store and a real child pool; messages are carried by hand, in any order we like."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from chassis.db import Database, UnitOfWork
from chassis.disk_cache import DiskCache
from chassis.objects import Objects
from chassis.sandbox import Sandbox
from contracts.messages.ingest import CopyAssembled, SplitSheets, UploadSettled
from contracts.model import Actor, Role
from contracts.rpc.ingest import BookletView, Intake, OfExam, RegisterUpload, ScanProfile, UploadView
from services.ingest import splitting, usecases
from services.ingest.context import Context
from services.ingest.settings import Settings
from services.ingest.tables import metadata
from tests.scans import SAMPLES

outbox = metadata.tables["outbox"]

OPERATOR = Actor(id=UUID(int=7), name="Opérateur", role=Role.OPERATOR)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    pool = Sandbox("services.ingest.pixels", size=2)
    yield pool
    pool.close()


@dataclass
class Ingest:
    """The service without its bus."""

    context: Context
    exam_id: UUID

    def register(self, pdf: bytes, intake: str = "a3", per: int = 4, exam_id: UUID | None = None) -> Any:
        ref = self.context.objects.put("uploads", io.BytesIO(pdf), "application/pdf")
        return usecases.register_upload(
            self.context,
            RegisterUpload(
                exam_id=exam_id or self.exam_id,
                profile=ScanProfile(intake=Intake(intake), pages_per_booklet=per),
                object=ref,
                filename="scan.pdf",
                by=OPERATOR,
            ),
        )

    def commands(self) -> list[SplitSheets]:
        return [SplitSheets.model_validate(data) for data in self._sent("ingest.sheets.split.v1")]

    def settled(self) -> list[UploadSettled]:
        return [UploadSettled.model_validate(data) for data in self._sent("ingest.upload.settled.v1")]

    def assembled(self) -> list[CopyAssembled]:
        return [CopyAssembled.model_validate(data) for data in self._sent("ingest.copy.assembled.v1")]

    def _sent(self, kind: str) -> list[Any]:
        with self.context.db.reading() as sql:
            return list(
                sql.execute(sa.select(outbox.c.data).where(outbox.c.type == kind).order_by(outbox.c.id)).scalars()
            )

    def split(self, command: SplitSheets) -> None:
        splitting.split_sheets(self.context, command, self.context.db.transaction)

    def ready(self, pdf: bytes, intake: str = "a3", per: int = 4) -> UploadView:
        """Register a scan and split all of it."""
        upload = self.register(pdf, intake, per).upload
        for command in self.commands():
            if command.upload_id == upload.id:
                self.split(command)
        return usecases.get_upload(self.context, upload.id)

    def booklets(self) -> tuple[BookletView, ...]:
        return usecases.list_booklets(self.context, OfExam(exam_id=self.exam_id, limit=200)).items

    def rows(self, query: str) -> list[Any]:
        with self.context.db.reading() as sql:
            return list(sql.execute(sa.text(query)))


@pytest.fixture
def ingest(database: Callable[[str], Database], objects: Objects, sandbox: Sandbox) -> Iterator[Ingest]:
    originals = DiskCache(objects, max_bytes=64 << 20)
    yield Ingest(build_context(database("ingest"), objects, sandbox, originals), uuid4())
    originals.close()


def build_context(db: Database, objects: Objects, sandbox: Sandbox, originals: DiskCache) -> Context:
    settings = Settings(
        database_url=str(db.engine.url),
        bus_url="inproc://",
        s3_endpoint="unused:1",
        s3_access_key="unused",
        s3_secret_key="unused",
        max_sides=60,
        chunk_sides=2,
    )
    return Context(settings, db, objects, sandbox, originals)


def broken_transaction() -> AbstractContextManager[UnitOfWork]:
    """What a process that is killed before its commit leaves: nothing."""
    raise ConnectionError("killed before the commit")


def sample(name: str) -> Path:
    """A sample scan or its truth."""
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"{name} is not here")
    return path
