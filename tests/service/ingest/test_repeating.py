"""What failed or was cancelled is read again from the store, and counts once."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from contracts.errors.ingest import NotFound, NothingToRepeat
from contracts.rpc.ingest import CancelUpload, OfExam, RepeatUpload, UploadRegistered, UploadView, WantScanReport
from services.ingest import archives, repeating, reporting, splitting, usecases
from tests.scans.paper import a4_pile
from tests.service.ingest.conftest import OPERATOR, Ingest
from tests.service.ingest.test_archives import ONE, TWO, commands, register, unpack, zipped


def again(ingest: Ingest, upload_id: UUID, part_id: UUID | None = None, once: UUID | None = None) -> UploadRegistered:
    request = RepeatUpload(upload_id=upload_id, part_id=part_id, once=once, by=OPERATOR)
    return repeating.repeat_upload(ingest.context, request)


def cancelled(ingest: Ingest) -> UploadView:
    upload = ingest.register(a4_pile(2, 1), "a4", 1).upload
    return usecases.cancel_upload(ingest.context, CancelUpload(upload_id=upload.id, by=OPERATOR))


def listed(ingest: Ingest) -> dict[UUID, UploadView]:
    found = usecases.list_uploads(ingest.context, OfExam(exam_id=ingest.exam_id, limit=200))
    return {each.id: each for each in found.items}


def test_a_cancelled_upload_becomes_a_new_one_of_the_same_file_and_profile(ingest: Ingest) -> None:
    old = cancelled(ingest)
    new = again(ingest, old.id).upload
    assert new.id != old.id
    assert (new.status, new.sides, new.filename) == ("splitting", 2, "scan.pdf")
    assert {each.id: each.repeated for each in listed(ingest).values()} == {old.id: True, new.id: False}


def test_what_was_repeated_is_not_reported_any_more(ingest: Ingest) -> None:
    old = cancelled(ingest)
    wanted = WantScanReport(exam_id=ingest.exam_id)
    assert [each.code for each in reporting.scan_report(ingest.context, wanted).items] == ["upload_cancelled"]
    new = again(ingest, old.id).upload
    for command in ingest.commands():
        if command.upload_id == new.id:
            ingest.split(command)
    found = reporting.scan_report(ingest.context, wanted)
    assert ([each.upload_id for each in found.items if each.code.startswith("upload_")], found.uploads) == ([], 1)


def test_asked_twice_under_one_name_it_is_repeated_once(ingest: Ingest) -> None:
    old, once = cancelled(ingest), uuid4()
    assert again(ingest, old.id, once=once).upload.id == again(ingest, old.id, once=once).upload.id == once


def test_what_did_not_fail_is_not_read_again(ingest: Ingest) -> None:
    upload = ingest.register(a4_pile(1, 1), "a4", 1).upload
    with pytest.raises(NothingToRepeat):
        again(ingest, upload.id)


def test_a_file_of_a_zip_that_met_a_technical_failure_is_unpacked_again(ingest: Ingest) -> None:
    archive = register(ingest, zipped({"one.pdf": ONE, "two.pdf": TWO})).upload
    first, second = commands(ingest)
    unpack(ingest, first)
    archives.unpack_failed(second, OSError("disk"), ingest.context.db.transaction)
    failed = archives.get_upload(ingest.context, archive.id).parts[1]
    assert (failed.status, failed.error and failed.error["code"]) == ("failed", "ingest.splitting_failed")
    found = again(ingest, archive.id, failed.id).upload
    assert [part.status for part in found.parts] == ["splitting", "splitting"]
    with pytest.raises(NothingToRepeat):
        again(ingest, archive.id, failed.id)
    unpack(ingest, commands(ingest)[-1])
    assert archives.get_upload(ingest.context, archive.id).sides == 3


def test_a_scan_of_a_zip_that_failed_is_split_again_in_its_place(ingest: Ingest) -> None:
    archive = register(ingest, zipped({"one.pdf": ONE})).upload
    (command,) = commands(ingest)
    unpack(ingest, command)
    (cut,) = ingest.commands()
    splitting.split_failed(cut, OSError("store"), ingest.context.db.transaction)
    failed = archives.get_upload(ingest.context, archive.id).parts[0]
    found = again(ingest, archive.id, failed.id).upload
    assert (found.status, found.parts[0].name) == ("splitting", "one.pdf")
    assert found.parts[0].id != failed.id


def test_a_file_of_a_zip_asked_for_twice_under_one_name_is_on_its_way_once(ingest: Ingest) -> None:
    archive = register(ingest, zipped({"one.pdf": ONE, "two.pdf": TWO})).upload
    first, second = commands(ingest)
    unpack(ingest, first)
    (cut,) = ingest.commands()
    splitting.split_failed(cut, OSError("store"), ingest.context.db.transaction)
    archives.unpack_failed(second, OSError("disk"), ingest.context.db.transaction)
    for part in archives.get_upload(ingest.context, archive.id).parts:
        once = uuid4()
        told = [again(ingest, archive.id, part.id, once) for _ in range(2)]
        assert told[0] == told[1]
    assert (len(ingest.commands()), len(commands(ingest))) == (2, 3)


def test_a_cancelled_zip_is_unpacked_from_the_start(ingest: Ingest) -> None:
    archive = register(ingest, zipped({"one.pdf": ONE})).upload
    archives.cancel_upload(ingest.context, CancelUpload(upload_id=archive.id, by=OPERATOR))
    new = again(ingest, archive.id).upload
    assert (new.id != archive.id, new.status) == (True, "splitting")


def test_a_zip_is_repeated_file_by_file_unless_it_was_cancelled(ingest: Ingest) -> None:
    archive = register(ingest, zipped({"one.pdf": ONE})).upload
    with pytest.raises(NothingToRepeat):
        again(ingest, archive.id)
    with pytest.raises(NotFound):
        again(ingest, archive.id, uuid4())


def test_the_zips_of_an_exam_are_listed_with_what_in_them_is_no_scan(ingest: Ingest) -> None:
    archive = register(ingest, zipped({"notes.txt": b"hello", "one.pdf": ONE})).upload
    for command in commands(ingest):
        unpack(ingest, command)
    other = register(ingest, zipped({"two.pdf": TWO})).upload
    wanted = OfExam(exam_id=ingest.exam_id, limit=1)
    first = archives.list_archives(ingest.context, wanted)
    assert ([each.id for each in first.items], first.total) == ([other.id], 2)
    second = archives.list_archives(ingest.context, wanted.model_copy(update={"cursor": first.next}))
    assert ([each.id for each in second.items], second.next) == ([archive.id], None)
    assert sorted(part.name for part in second.items[0].parts) == ["notes.txt", "one.pdf"]
