"""Every command gets one reply: known, made, refused or failed. Real database, object store and children."""

from __future__ import annotations

import io
import tempfile
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from chassis.db import Database, UnitOfWork
from chassis.objects import Objects
from chassis.sandbox import Sandbox
from contracts.errors import Unavailable
from contracts.messages.render import ComposeDocument, DocumentComposed
from contracts.objects import ObjectRef
from contracts.records.marking import MarkingRecord
from services.render import domain, store, usecases
from services.render.context import Context
from tests.service.render.conftest import SETTINGS, NoSandbox
from tests.unit.render import paper


@dataclass
class FakeDelivery:
    """What the bus hands over, without the bus; its transaction is real."""

    payload: ComposeDocument
    database: Database
    error: BaseException | None = None
    entered: int = 0

    @contextmanager
    def transaction(self) -> Iterator[UnitOfWork]:
        self.entered += 1
        with self.database.transaction() as work:
            yield work


def stored_record(app: Context, upload: bytes, **more: Any) -> MarkingRecord:
    """A record of a two-sided scan, in the store with the scan."""
    scan = app.objects.put("uploads", upload, "application/pdf")
    assert scan == paper.ref(upload)
    made = paper.record([paper.side(upload, 1), paper.side(upload, 2)], **more)
    app.objects.put_json("records", made)
    return made


def command(made: MarkingRecord, **more: Any) -> ComposeDocument:
    record = paper.ref(made.model_dump_json().encode(), "records", "application/json")
    values = {"copy_id": made.copy_id, "exam_id": made.exam_id, "revision": 1, "attempt": 1, "record": record}
    return ComposeDocument.model_validate(values | more)


def handle(app: Context, message: ComposeDocument) -> DocumentComposed:
    """Handle one command; the one reply it wrote into the outbox."""
    before = len(replies(app))
    delivery = FakeDelivery(message, app.db)
    usecases.compose_document(app, delivery)
    assert delivery.entered == 1
    written = replies(app)[before:]
    assert len(written) == 1
    return written[0]


def replies(app: Context) -> list[DocumentComposed]:
    with app.db.reading() as sql:
        rows = sql.execute(sa.text("select data from outbox where type = 'render.document.composed.v1' order by id"))
        return [DocumentComposed.model_validate_json(_json(row.data)) for row in rows]


def _json(value: Any) -> str:
    return DocumentComposed.model_validate(value).model_dump_json()


def test_a_record_becomes_a_document_in_the_store(app: Context) -> None:
    made = stored_record(app, paper.scan(sides=2))
    reply = handle(app, command(made, attempt=3))
    assert (reply.outcome, reply.page_count, reply.attempt, reply.reason) == ("done", 3, 3, None)
    assert reply.document is not None
    assert reply.document.key.startswith("finals/")
    assert reply.document.media_type == "application/pdf"
    assert "14,5 / 20" in paper.text_of(app.objects.get(reply.document), 2)


def test_the_child_gives_the_same_bytes_as_this_process(app: Context, tmp_path: Path) -> None:
    upload = paper.scan(sides=2)
    made = stored_record(app, upload)
    reply = handle(app, command(made))
    expected, _ = paper.compose(tmp_path, made, upload)
    assert reply.document is not None
    assert reply.document.sha256 == paper.sha256(expected)


def test_a_known_record_is_answered_without_composing_again(app: Context) -> None:
    made = stored_record(app, paper.scan(sides=2))
    first = handle(app, command(made))
    again = handle(replace(app, sandbox=NoSandbox()), command(made, attempt=2))
    assert (again.outcome, again.document, again.page_count) == ("done", first.document, first.page_count)
    assert again.attempt == 2


def test_a_known_document_that_left_the_store_is_made_again(app: Context) -> None:
    made = stored_record(app, paper.scan(sides=2))
    first = handle(app, command(made))
    assert first.document is not None
    app.objects.delete(first.document.key)
    again = handle(app, command(made, attempt=2))
    assert again.document == first.document
    assert app.objects.exists(first.document)


def test_a_new_template_makes_a_new_document(app: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    made = stored_record(app, paper.scan(sides=2))
    handle(app, command(made))
    monkeypatch.setattr(usecases, "TEMPLATE_VERSION", domain.TEMPLATE_VERSION + 1)
    with pytest.raises(pytest.fail.Exception, match="asked to work"):
        handle(replace(app, sandbox=NoSandbox()), command(made))


def test_a_scan_that_left_the_store_is_refused_and_nothing_is_made(app: Context) -> None:
    """P0-DI-004."""
    upload = paper.scan(sides=2)
    made = stored_record(app, upload)
    app.objects.delete(paper.ref(upload).key)
    reply = handle(app, command(made))
    assert (reply.outcome, reply.document, reply.page_count) == ("refused_input", None, None)
    assert reply.reason is not None
    assert reply.reason.startswith("La numérisation de cette copie n'est plus dans le stockage")
    assert list(app.objects.list("finals/")) == []
    with app.db.reading() as sql:
        assert sql.scalar(sa.select(sa.func.count()).select_from(store.artefacts)) == 0


def test_a_page_that_the_scan_does_not_have_is_refused_in_the_records_language(app: Context) -> None:
    """P0-DI-004."""
    made = stored_record(app, paper.scan(sides=1), language="en")
    reply = handle(app, command(made))
    assert (reply.outcome, reply.reason) == ("refused_input", "Page 2 is missing: the scan has no side 2.")


def test_a_record_that_is_not_there_is_refused(app: Context) -> None:
    upload = paper.scan(sides=2)
    made = paper.record([paper.side(upload, 1)])
    assert handle(app, command(made)).outcome == "refused_input"


def test_a_record_of_another_copy_is_refused(app: Context) -> None:
    made = stored_record(app, paper.scan(sides=2))
    assert handle(app, command(made, copy_id=uuid.UUID(int=9))).outcome == "refused_input"
    assert handle(app, command(made, revision=2)).outcome == "refused_input"


def test_a_record_object_that_is_something_else_is_refused(app: Context) -> None:
    ref: ObjectRef = app.objects.put("records", b'{"schema_version": 2}', "application/json")
    made = paper.record([paper.side(b"", 1)])
    assert handle(app, command(made, record=ref)).outcome == "refused_input"


def test_a_killed_composition_is_told_at_once_and_may_be_asked_for_again(app: Context) -> None:
    made = stored_record(app, paper.scan(sides=2))
    hurried = replace(app, settings=replace(SETTINGS, deadline_s=0))
    delivery = FakeDelivery(command(made), app.db)
    usecases.compose_document(hurried, delivery)
    assert delivery.entered == 1
    (reply,) = replies(app)
    assert reply.outcome == "timeout"
    assert "temps imparti" in (reply.reason or "")
    assert handle(app, command(made)).outcome == "done"  # the next attempt, in a new child


def test_a_composition_out_of_memory_says_so(app: Context) -> None:
    """P0-DI-004."""
    pool = Sandbox("services.render.pixels", size=1, memory_mb=450)
    try:
        packer = zlib.compressobj(1)  # 360 MB of operators in 2 MB
        packed = b"".join(packer.compress(b"0 0 m " * 1_000_000) for _ in range(60)) + packer.flush()
        upload = paper.pdf({
            1: b"<</Type/Catalog/Pages 2 0 R>>",
            2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
            3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>/Contents 4 0 R>>",
            4: paper.stream(packed, b"/Filter/FlateDecode"),
        })  # fmt: skip
        made = paper.record([paper.side(upload, 1)])
        app.objects.put("uploads", upload, "application/pdf")
        app.objects.put_json("records", made)
        usecases.compose_document(replace(app, sandbox=pool), FakeDelivery(command(made), app.db))
        (reply,) = replies(app)
        assert reply.outcome == "out_of_memory"
        assert "mémoire" in (reply.reason or "")
    finally:
        pool.close()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Unavailable("object_store"), "object_store"),
        (KeyError("Dupont"), "KeyError"),
    ],
)
def test_the_last_failure_is_told_with_its_outcome(app: Context, error: BaseException, words: str) -> None:
    made = paper.record([paper.side(b"", 1)])
    delivery = FakeDelivery(command(made), app.db, error=error)
    usecases.give_up(delivery)
    assert delivery.entered == 1
    (reply,) = replies(app)
    assert reply.outcome == "crashed"
    assert reply.reason is not None
    assert words in reply.reason
    assert "Dupont" not in reply.reason


def test_twenty_copies_of_one_scan_fetch_it_once(app: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = paper.scan(sides=2)
    copies = [stored_record(app, upload, copy_id=uuid.UUID(int=number)) for number in range(1, 21)]
    fetched = []
    fetch = Objects.fetch
    monkeypatch.setattr(Objects, "fetch", lambda here, ref, file: (fetched.append(ref), fetch(here, ref, file)))
    assert [handle(app, command(made)).outcome for made in copies] == ["done"] * 20
    assert fetched == [paper.ref(upload)]


def test_a_scan_whose_bytes_changed_is_refused(app: Context) -> None:
    upload = paper.scan(sides=2)
    made = stored_record(app, upload)
    other = bytes(reversed(upload))
    app.objects._client.put_object(app.objects.bucket, paper.ref(upload).key, io.BytesIO(other), len(other))
    assert handle(app, command(made)).outcome == "refused_input"


def test_temporary_files_vanish_on_every_path(app: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """P0-DI-006."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    good = stored_record(app, paper.scan(sides=2))
    bad = stored_record(app, paper.scan(sides=1))
    handle(app, command(good))
    handle(app, command(bad))
    hurried = replace(app, settings=replace(SETTINGS, deadline_s=0))
    late = stored_record(app, paper.scan(sides=3))
    usecases.compose_document(hurried, FakeDelivery(command(late), app.db))
    # A child keeps its own scratch directory as long as it lives.
    assert [path for path in tmp_path.iterdir() if not path.name.startswith("korrigo-child-")] == []


@pytest.mark.parametrize(
    "change",
    [{"document_key": "finals/aa/" + "b" * 64}, {"record_sha256": "short"}, {"page_count": 0}, {"document_size": 0},
     {"template_version": 0}, {"replaced": -1}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_the_table_refuses_what_cannot_be(app: Context, change: dict[str, Any]) -> None:
    row = {"record_sha256": "a" * 64, "template_version": 1, "document_sha256": "c" * 64, "document_size": 1,
           "document_key": "finals/cc/" + "c" * 64, "page_count": 1, "replaced": 0}  # fmt: skip
    with app.db.transaction() as work:
        work.sql.execute(store.artefacts.insert().values(row))
    with pytest.raises(sa.exc.IntegrityError), app.db.transaction() as work:
        work.sql.execute(store.artefacts.insert().values(row | {"record_sha256": "d" * 64} | change))
