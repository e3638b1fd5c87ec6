"""Exports: the final documents of an exam in one zip. One document that is lost never keeps the others out."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from contextlib import AbstractContextManager
from typing import IO, Any, Final, Literal, Protocol, cast

from chassis.db import UnitOfWork
from chassis.objects import ObjectDamaged, ObjectMissing
from chassis.observe import logger
from contracts.errors.render import UnknownExport
from contracts.messages.render import BuildExport, ExportSettled
from contracts.objects import ObjectRef
from contracts.records.export import ExportEntry, ExportManifest
from contracts.rpc.render import ExportedCopy, ExportView, GetExport
from services.render import store
from services.render.context import Context

ZIP: Final = "application/zip"
KEPT_DAYS: Final = 7  # a zip can be made again, and holds the names of a whole exam
TOLD_EVERY: Final = 10  # documents between two looks at the progress
IN_MEMORY: Final = 4 << 20  # of one document, until its digest is known to be right
EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the first day a zip can name: the same documents make the same bytes

log = logger("services.render.exports")
CopyOutcome = Literal["done", "missing", "damaged"]


class Delivered(Protocol):
    """The part of a bus delivery that we use."""

    @property
    def payload(self) -> BuildExport: ...
    def transaction(self) -> AbstractContextManager[UnitOfWork]: ...


def build_export(app: Context, delivery: Delivered) -> None:
    """Make the zip, document by document, on disk. PDFs are packed as they are: they would not get smaller.

    Raises:
        Unavailable: the bus tries again, and in the end calls ``give_up``.
    """
    command = delivery.payload
    with app.db.transaction() as work:
        store.begin_export(work.sql, command.export_id, command.exam_id, command.copies)
    try:
        manifest = app.objects.get_json(command.manifest, ExportManifest)
    except (ObjectMissing, ObjectDamaged):
        _settle(delivery, [], None)
        return
    with tempfile.TemporaryFile() as made:
        outcomes = _pack(app, manifest, made)
        made.seek(0)
        packed = any(each.outcome == "done" for each in outcomes)
        document = app.objects.put("exports", cast(Any, made), ZIP) if packed else None
    _settle(delivery, outcomes, document)


def give_up(delivery: Delivered) -> None:
    """The last word after every retry has failed."""
    _settle(delivery, [], None)


def get_export(app: Context, request: GetExport) -> ExportView:
    with app.db.reading() as sql:
        found = store.export(sql, request.export_id)
    if found is None:
        raise UnknownExport
    return found


def forget_old_exports(app: Context) -> None:
    """Which documents were packed stays known; the zip is no longer named, and the garbage collector takes it."""
    with app.db.transaction() as work:
        forgotten = store.forget_exports(work.sql, KEPT_DAYS)
    if forgotten:
        log.info("exports_forgotten", count=forgotten)


def _settle(delivery: Delivered, outcomes: list[ExportedCopy], document: ObjectRef | None) -> None:
    command = delivery.payload
    packed = sum(each.outcome == "done" for each in outcomes)
    status: Literal["done", "failed"] = "failed" if document is None else "done"
    with delivery.transaction() as work:
        store.begin_export(work.sql, command.export_id, command.exam_id, command.copies)
        store.settle_export(work.sql, command.export_id, status, outcomes, document)
        settled = ExportSettled(
            export_id=command.export_id,
            exam_id=command.exam_id,
            outcome=status,
            copies=command.copies,
            missing=command.copies - packed,
        )
        work.send(settled, subject=str(command.export_id))
    log.info("export_settled", export_id=command.export_id, outcome=status, packed=packed, copies=command.copies)


def _pack(app: Context, manifest: ExportManifest, made: IO[bytes]) -> list[ExportedCopy]:
    outcomes: list[ExportedCopy] = []
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as zipped:
        for entry in manifest.entries:
            outcome = _add(app, zipped, entry)
            outcomes.append(ExportedCopy(copy_id=entry.copy_id, anonymous_id=entry.anonymous_id, outcome=outcome))
            if len(outcomes) % TOLD_EVERY == 0:
                with app.db.transaction() as work:
                    store.tell_export(work.sql, manifest.export_id, outcomes)
    return outcomes


def _add(app: Context, zipped: zipfile.ZipFile, entry: ExportEntry) -> CopyOutcome:
    """Nothing of a document enters the zip before all of it is known to be right."""
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as whole:
        try:
            app.objects.fetch(entry.document, cast(IO[bytes], whole))
        except ObjectMissing:
            return "missing"
        except ObjectDamaged:
            return "damaged"
        whole.seek(0)
        with zipped.open(zipfile.ZipInfo(entry.name, EPOCH), "w") as target:
            shutil.copyfileobj(whole, target)
    return "done"
