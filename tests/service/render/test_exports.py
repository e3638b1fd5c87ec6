"""Exports on a real database and store: what goes into the zip, and what becomes of what cannot."""

from __future__ import annotations

import io
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from chassis.db import Database, UnitOfWork
from contracts.errors.render import UnknownExport
from contracts.messages.render import BuildExport
from contracts.objects import ObjectRef
from contracts.records.export import ExportEntry, ExportManifest
from contracts.rpc.render import ExportView, GetExport
from services.render import exports, store
from services.render.context import Context

EXAM = uuid.UUID(int=7)


@dataclass
class FakeDelivery:
    """What the bus hands over, without the bus; its transaction is real."""

    payload: BuildExport
    database: Database

    @contextmanager
    def transaction(self) -> Iterator[UnitOfWork]:
        with self.database.transaction() as work:
            yield work


def document(app: Context, text: str) -> ObjectRef:
    return app.objects.put("finals", b"%PDF-1.7 " + text.encode(), "application/pdf")


def wanted(app: Context, *documents: tuple[str, ObjectRef]) -> FakeDelivery:
    entries = tuple(
        ExportEntry(copy_id=uuid.uuid4(), anonymous_id="K7Q2MX", name=name, document=ref) for name, ref in documents
    )
    manifest = ExportManifest(export_id=uuid.uuid4(), exam_id=EXAM, entries=entries)
    command = BuildExport(
        export_id=manifest.export_id,
        exam_id=EXAM,
        manifest=app.objects.put_json("manifests", manifest),
        copies=len(entries),
    )
    return FakeDelivery(command, app.db)


def view(app: Context, delivery: FakeDelivery) -> ExportView:
    return exports.get_export(app, GetExport(export_id=delivery.payload.export_id))


def told(app: Context) -> list[tuple[str, int, int]]:
    outbox = store.metadata.tables["outbox"]
    query = sa.select(outbox.c.data).where(outbox.c.type == "render.export.settled.v1").order_by(outbox.c.id)
    with app.db.reading() as sql:
        return [(row["outcome"], row["copies"], row["missing"]) for row in sql.execute(query).scalars()]


def lost(app: Context, text: str) -> ObjectRef:
    ref = document(app, text)
    app.objects.delete(ref.key)
    return ref


def test_a_zip_has_every_document_under_its_name(app: Context) -> None:
    delivery = wanted(app, ("TG1/A.pdf", document(app, "a")), ("B.pdf", document(app, "b")))
    exports.build_export(app, delivery)
    found = view(app, delivery)
    assert (found.status, found.done, found.total) == ("done", 2, 2)
    assert found.document is not None
    with zipfile.ZipFile(io.BytesIO(app.objects.get(found.document))) as zipped:
        assert zipped.testzip() is None
        assert {name: zipped.read(name) for name in zipped.namelist()} == {
            "TG1/A.pdf": b"%PDF-1.7 a",
            "B.pdf": b"%PDF-1.7 b",
        }
    assert told(app) == [("done", 2, 0)]


def test_one_bad_copy_never_keeps_the_others_out(app: Context) -> None:
    """P1-REL-005."""
    good = document(app, "good")
    wrong = document(app, "right").model_copy(update={"sha256": "0" * 64})
    delivery = wanted(app, ("A.pdf", lost(app, "x")), ("B.pdf", wrong), ("C.pdf", good))
    exports.build_export(app, delivery)
    found = view(app, delivery)
    assert [each.outcome for each in found.copies] == ["missing", "damaged", "done"]
    assert found.status == "done"
    assert found.document is not None
    with zipfile.ZipFile(io.BytesIO(app.objects.get(found.document))) as zipped:
        assert zipped.namelist() == ["C.pdf"]
    assert told(app) == [("done", 3, 2)]


def test_an_export_of_nothing_that_can_be_read_has_failed(app: Context) -> None:
    delivery = wanted(app, ("A.pdf", lost(app, "y")))
    exports.build_export(app, delivery)
    found = view(app, delivery)
    assert (found.status, found.document) == ("failed", None)
    assert told(app) == [("failed", 1, 1)]


def test_the_last_word_after_every_retry_is_a_failure(app: Context) -> None:
    delivery = wanted(app, ("A.pdf", document(app, "z")))
    exports.give_up(delivery)
    assert view(app, delivery).status == "failed"
    assert told(app) == [("failed", 1, 1)]


def test_the_same_documents_make_the_same_zip(app: Context) -> None:
    one, two = (wanted(app, ("A.pdf", document(app, "same"))) for _ in range(2))
    exports.build_export(app, one)
    exports.build_export(app, two)
    assert view(app, one).document == view(app, two).document


def test_how_far_it_is_can_be_read_meanwhile(app: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "TOLD_EVERY", 1)
    delivery = wanted(app, *((f"{n}.pdf", document(app, str(n))) for n in range(3)))
    seen: list[int] = []
    add = exports._add

    def watched(*args: object) -> str:
        seen.append(view(app, delivery).done)
        return add(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(exports, "_add", watched)
    exports.build_export(app, delivery)
    assert seen == [0, 1, 2]


def test_a_zip_is_kept_for_a_week(app: Context) -> None:
    delivery = wanted(app, ("A.pdf", document(app, "kept")))
    exports.build_export(app, delivery)
    exports.forget_old_exports(app)
    assert view(app, delivery).document is not None
    with app.db.transaction() as work:
        work.sql.execute(sa.text("UPDATE exports SET settled_at = settled_at - interval '8 days'"))
    exports.forget_old_exports(app)
    found = view(app, delivery)
    assert (found.status, found.document) == ("done", None)


def test_an_export_nobody_asked_for_is_unknown(app: Context) -> None:
    with pytest.raises(UnknownExport):
        exports.get_export(app, GetExport(export_id=uuid.uuid4()))


@pytest.mark.parametrize("name", ["../A.pdf", "/A.pdf", "a/b/c.pdf", "é.pdf", "A.PDF", "a\\b.pdf", ".pdf"])
def test_no_name_leads_out_of_the_folder_it_is_unpacked_in(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        ExportEntry(copy_id=uuid.uuid4(), anonymous_id="K7Q2MX", name=name, document=ObjectRef(
            key="finals/00/" + "0" * 64, sha256="0" * 64, size=1, media_type="application/pdf"))  # fmt: skip
