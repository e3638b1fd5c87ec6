"""A zip of PDFs: one upload for each, whatever else is in it told by name, and nothing twice."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from uuid import uuid4

import pytest
import sqlalchemy as sa

from contracts import files
from contracts.errors import Refusal
from contracts.errors.ingest import ArchiveDamaged, ArchiveUnsafe, EmptyFile, Encrypted, NotAPdf
from contracts.messages.ingest import UnpackEntry
from contracts.rpc.ingest import (
    CancelUpload,
    Grouping,
    Intake,
    OfExam,
    RegisterUpload,
    ScanProfile,
    UploadRegistered,
    UploadView,
)
from services.ingest import archives, usecases
from services.ingest.pixels import archive as looking
from tests.scans.paper import a4_pile
from tests.service.ingest.conftest import OPERATOR, Ingest, broken_transaction
from tests.service.memory import growing

ONE, TWO = a4_pile(1, 1), a4_pile(2, 1)


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def register(ingest: Ingest, data: bytes, grouping: Grouping = Grouping.EVERY_N) -> UploadRegistered:
    ref = ingest.context.objects.put("uploads", io.BytesIO(data), files.ZIP)
    profile = ScanProfile(intake=Intake("a4"), pages_per_booklet=1, grouping=grouping)
    request = RegisterUpload(exam_id=ingest.exam_id, profile=profile, object=ref, filename="copies.zip", by=OPERATOR)
    return archives.register_upload(ingest.context, request)


def commands(ingest: Ingest) -> list[UnpackEntry]:
    return [UnpackEntry.model_validate(data) for data in ingest._sent("ingest.entry.unpack.v1")]


def unpack(ingest: Ingest, command: UnpackEntry) -> None:
    archives.unpack(ingest.context, command, ingest.context.db.transaction)


def ready(ingest: Ingest, data: bytes, grouping: Grouping = Grouping.EVERY_N) -> UploadView:
    """Register a zip, unpack all of it and split every scan."""
    upload = register(ingest, data, grouping).upload
    for command in commands(ingest):
        unpack(ingest, command)
    for cut in ingest.commands():
        ingest.split(cut)
    return archives.get_upload(ingest.context, upload.id)


def uploads(ingest: Ingest) -> list[str]:
    listed = usecases.list_uploads(ingest.context, OfExam(exam_id=ingest.exam_id, limit=200))
    return sorted(each.filename for each in listed.items)


def test_each_pdf_becomes_an_upload_and_everything_else_is_named(ingest: Ingest) -> None:
    found = ready(
        ingest,
        zipped(
            {
                "TG1/": b"",
                "TG1/MARTIN Noah.pdf": ONE,
                "../../etc/DURAND.pdf": TWO,
                "lisez-moi.txt": b"bonjour",
                "encore.zip": zipped({"a.pdf": ONE}),
                "abîmé.pdf": TWO[:3000],
            }
        ),
    )
    assert (found.status, found.pages, found.booklets) == ("ready", 3, 3)
    told = {part.name: (part.status, part.error and part.error["code"]) for part in found.parts}
    assert told == {
        "MARTIN Noah.pdf": ("ready", None),
        "DURAND.pdf": ("ready", None),
        "lisez-moi.txt": ("failed", "ingest.not_a_pdf"),
        "encore.zip": ("failed", "ingest.nested_archive"),
        "abîmé.pdf": ("failed", "ingest.damaged"),
    }
    assert uploads(ingest) == ["DURAND.pdf", "MARTIN Noah.pdf"]
    assert all(part.error is None or part.error["name"] == part.name for part in found.parts)


def test_its_scans_are_grouped_as_the_exam_says(ingest: Ingest) -> None:
    found = ready(ingest, zipped({"a.pdf": ONE, "b.pdf": TWO}), Grouping.ONE_PER_FILE)
    assert found.booklets == 2  # one every page would be three


def test_the_same_zip_again_and_every_command_twice_make_nothing_more(ingest: Ingest) -> None:
    data = zipped({"a.pdf": ONE, "b.pdf": TWO})
    first = register(ingest, data)
    for command in [*commands(ingest), *reversed(commands(ingest))]:
        unpack(ingest, command)
    again = register(ingest, data)
    assert (first.created, again.created, again.upload.id) == (True, False, first.upload.id)
    assert len(commands(ingest)) == 2
    assert uploads(ingest) == ["a.pdf", "b.pdf"]


def test_the_same_scan_twice_in_a_zip_is_one_upload(ingest: Ingest) -> None:
    found = ready(ingest, zipped({"a.pdf": ONE, "copie de a.pdf": ONE}))
    assert [part.id for part in found.parts] == [found.parts[0].id] * 2
    assert found.pages == 1


def test_a_process_killed_before_its_commit_finds_the_upload_it_made(ingest: Ingest) -> None:
    register(ingest, zipped({"a.pdf": ONE}))
    (command,) = commands(ingest)
    with pytest.raises(ConnectionError):
        archives.unpack(ingest.context, command, broken_transaction)
    unpack(ingest, command)
    assert uploads(ingest) == ["a.pdf"]


def test_until_all_is_unpacked_the_zip_is_not_ready(ingest: Ingest) -> None:
    upload = register(ingest, zipped({"a.pdf": ONE, "b.pdf": TWO})).upload
    assert (upload.status, upload.sides_done, upload.sides) == ("splitting", 0, 2)
    unpack(ingest, commands(ingest)[0])
    for cut in ingest.commands():
        ingest.split(cut)
    found = archives.get_upload(ingest.context, upload.id)
    assert (found.status, found.sides_done, found.sides) == ("splitting", 1, 2)


def test_a_cancelled_zip_unpacks_no_further_and_may_come_again(ingest: Ingest) -> None:
    data = zipped({"a.pdf": ONE, "b.pdf": TWO})
    upload = register(ingest, data).upload
    first, second = commands(ingest)
    unpack(ingest, first)
    cancel = CancelUpload(upload_id=upload.id, by=OPERATOR)
    assert archives.cancel_upload(ingest.context, cancel).status == "cancelled"
    unpack(ingest, second)
    found = archives.get_upload(ingest.context, upload.id)
    assert [part.status for part in found.parts] == ["cancelled", "cancelled"]
    assert [settled.outcome for settled in ingest.settled()] == ["cancelled"]
    assert register(ingest, data).created


def test_a_file_that_could_not_be_unpacked_for_good_is_listed_as_failed(ingest: Ingest) -> None:
    upload = register(ingest, zipped({"a.pdf": ONE})).upload
    (command,) = commands(ingest)
    archives.unpack_failed(command, ConnectionError(), ingest.context.db.transaction)
    found = archives.get_upload(ingest.context, upload.id)
    assert found.status == "failed"
    assert found.error == {"code": "ingest.splitting_failed", "details": {}, "name": "a.pdf"}


def test_a_checksum_that_is_wrong_is_told(ingest: Ingest) -> None:
    data = zipped({"a.pdf": ONE}, zipfile.ZIP_STORED)
    at = data.index(ONE) + len(ONE) // 2
    found = ready(ingest, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    assert found.error is not None
    assert found.error["code"] == "ingest.damaged"


def lying(data: bytes, size: int) -> bytes:
    """The table of contents claims that the first file unpacks to ``size`` bytes."""
    at = data.index(b"PK\x01\x02") + 24
    return data[:at] + struct.pack("<I", size) + data[at + 4 :]


def locked(data: bytes) -> bytes:
    at = data.index(b"PK\x01\x02") + 8
    return data[:at] + b"\x01" + data[at + 1 :]


@pytest.mark.parametrize(
    ("build", "refusal"),
    [
        (lambda: zipped({"a.pdf": bytes(200 << 20)}), ArchiveUnsafe),  # 200 MB in 200 kB
        (lambda: lying(zipped({"a.pdf": ONE}, zipfile.ZIP_STORED), 600 << 20), ArchiveUnsafe),
        (lambda: zipped({f"{n}.pdf": b"" for n in range(looking.MAX_ENTRIES + 1)}), ArchiveUnsafe),
        (lambda: locked(zipped({"a.pdf": ONE})), Encrypted),
        (lambda: zipped({"a.pdf": ONE})[:-30], ArchiveDamaged),
        (lambda: b"PK\x03\x04" + bytes(500), ArchiveDamaged),
        (lambda: zipped({"TG1/": b""}), EmptyFile),
        (lambda: zipped({"word/document.xml": b"<w/>"}), NotAPdf),
    ],
    ids=["a bomb", "a boaster", "too many files", "a password", "cut short", "no zip", "no file", "a text document"],
)
def test_a_zip_that_is_not_safe_or_not_scans_is_refused(
    ingest: Ingest, build: Callable[[], bytes], refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        register(ingest, build())
    assert ingest.rows("SELECT 1 FROM archives") == []


def test_what_unpacks_to_more_than_it_says_is_cut_there_and_refused(ingest: Ingest) -> None:
    found = ready(ingest, lying(zipped({"a.pdf": ONE}), len(ONE) - 100))
    assert [part.error and part.error["code"] for part in found.parts] == ["ingest.damaged"]


def test_an_upload_that_is_no_zip_is_found_as_before(ingest: Ingest) -> None:
    upload = ingest.register(ONE, "a4", 1).upload
    assert archives.get_upload(ingest.context, upload.id) == upload
    with pytest.raises(Refusal):
        archives.get_upload(ingest.context, uuid4())


def test_a_scan_of_150_mb_in_a_zip_is_never_in_memory(ingest: Ingest) -> None:
    upload = register(ingest, zipped({"a.pdf": b"%PDF-1.7\n".ljust(150 << 20)}, zipfile.ZIP_STORED)).upload
    (command,) = commands(ingest)
    with growing() as peak:
        unpack(ingest, command)
    assert peak.growth_mb < 50
    (part,) = archives.get_upload(ingest.context, upload.id).parts
    assert part.error is not None
    assert part.error["code"] == "ingest.damaged"


def _later(ingest: Ingest, *, sent: bool = True) -> None:
    """31 minutes in which nothing happens, but perhaps that messages go out."""
    with ingest.context.db.transaction() as uow:
        uow.sql.execute(sa.text("UPDATE archives SET progressed_at = progressed_at - interval '31 minutes'"))
        if sent:
            uow.sql.execute(sa.text("UPDATE outbox SET sent_at = now()"))


def test_files_whose_command_was_lost_are_asked_for_again(ingest: Ingest) -> None:
    archive = register(ingest, zipped({"a.pdf": ONE, "b.txt": b"notes", "c.pdf": TWO})).upload
    first, lost, other = commands(ingest)
    unpack(ingest, first)
    assert archives.ask_for_stuck(ingest.context) == ()
    _later(ingest)
    assert archives.ask_for_stuck(ingest.context) == (archive.id,)
    assert commands(ingest) == [first, lost, other, lost, other]
    _later(ingest, sent=False)
    assert archives.ask_for_stuck(ingest.context) == ()  # they have not even been sent
    for command in (lost, other, lost):
        unpack(ingest, command)
    _later(ingest)
    assert archives.ask_for_stuck(ingest.context) == ()  # none waits
    assert [part.name for part in archives.get_upload(ingest.context, archive.id).parts] == ["a.pdf", "b.txt", "c.pdf"]


def test_a_cancelled_zip_is_not_asked_for_again(ingest: Ingest) -> None:
    archive = register(ingest, zipped({"a.pdf": ONE})).upload
    archives.cancel_upload(ingest.context, CancelUpload(upload_id=archive.id, by=OPERATOR))
    _later(ingest)
    assert archives.ask_for_stuck(ingest.context) == ()
    assert len(commands(ingest)) == 1
