"""Files that are taken with a doubt: nothing of them becomes a copy before a person has confirmed it."""

from __future__ import annotations

from uuid import uuid4

import pytest

from contracts.errors.ingest import NotFound, Unreadable
from contracts.rpc.ingest import AssembleCertain, ConfirmUpload
from services.ingest import assembling, splitting, usecases
from tests.scans import odd_pages
from tests.scans.paper import Leaf, a4_pile, face, leaf, pdf, pile
from tests.service.ingest.conftest import OPERATOR, Ingest


def repaired() -> bytes:
    """Two copies of four pages; the table of contents is cut off."""
    whole = a4_pile(2)
    return whole[: whole.rindex(b"xref\n0 ")]


def assemble(ingest: Ingest) -> tuple[int, int]:
    done = assembling.assemble_certain(ingest.context, AssembleCertain(exam_id=ingest.exam_id, by=OPERATOR))
    return len(done.copy_ids), len(done.left)


def test_a_repaired_file_waits_for_a_person(ingest: Ingest) -> None:
    upload = ingest.ready(repaired(), "a4")
    assert (upload.status, upload.pages) == ("ready", 8)
    assert [booklet.doubts for booklet in ingest.booklets()] == [("file_repaired",), ("file_repaired",)]
    assert assemble(ingest) == (0, 2)
    confirmed = usecases.confirm_upload(ingest.context, ConfirmUpload(upload_id=upload.id, by=OPERATOR))
    assert confirmed.anomalies == ()
    assert assemble(ingest) == (2, 0)


def test_confirming_while_it_is_cut_counts_too(ingest: Ingest) -> None:
    upload = ingest.register(repaired(), "a4").upload
    assert [each.code for each in upload.anomalies] == ["file_repaired"]
    usecases.confirm_upload(ingest.context, ConfirmUpload(upload_id=upload.id, by=OPERATOR))
    for command in ingest.commands():
        ingest.split(command)
    assert assemble(ingest) == (2, 0)


def test_a_confirmed_upload_keeps_the_doubts_of_its_booklets(ingest: Ingest) -> None:
    half = leaf(face(9))
    pages = [leaf(face(1, header=True)), Leaf(half.data[:4000], half.dictionary, half.width_pt, half.height_pt)]
    whole = pdf(pages)
    upload = ingest.ready(whole[: whole.rindex(b"xref\n0 ")], "a4", 2)
    (booklet,) = ingest.booklets()
    assert set(booklet.doubts) == {"file_repaired", "image_damaged"}
    usecases.confirm_upload(ingest.context, ConfirmUpload(upload_id=upload.id, by=OPERATOR))
    (booklet,) = ingest.booklets()
    assert booklet.doubts == ("image_damaged",)


def test_a_side_of_unlikely_size_makes_only_its_own_booklet_doubtful(ingest: Ingest) -> None:
    ingest.ready(
        a4_pile(3, 1).replace(b"/MediaBox[0 0 595.440 841.680]", b"/MediaBox[0 0 0 0]            ", 1), "a4", 1
    )
    assert [booklet.doubts for booklet in ingest.booklets()] == [("paper_size",), (), ()]


def test_a_pile_that_may_lie_otherwise_is_asked_about_once(ingest: Ingest) -> None:
    upload = ingest.ready(pile([1, 2, 2, 1]))  # in reverse, all but the first would be other copies; improbable
    assert [each.booklet_id for each in upload.anomalies if each.code == "direction_unsure"] == [None]
    usecases.confirm_upload(ingest.context, ConfirmUpload(upload_id=upload.id, by=OPERATOR))
    left = usecases.get_upload(ingest.context, upload.id).anomalies
    assert "direction_unsure" not in {each.code for each in left}


def test_copies_of_a_pile_that_lies_either_way_wait_for_one_answer(ingest: Ingest) -> None:
    upload = ingest.ready(a4_pile(2, 2, headers=False), "a4", 2)
    assert ["direction_unsure" in booklet.doubts for booklet in ingest.booklets()] == [True, True]
    usecases.confirm_upload(ingest.context, ConfirmUpload(upload_id=upload.id, by=OPERATOR))
    assert not any("direction_unsure" in booklet.doubts for booklet in ingest.booklets())


def test_nobody_confirms_what_is_not_there(ingest: Ingest) -> None:
    with pytest.raises(NotFound):
        usecases.confirm_upload(ingest.context, ConfirmUpload(upload_id=uuid4(), by=OPERATOR))


def test_a_file_that_keeps_its_reader_busy_is_not_tried_again(ingest: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitting, "CUT_DEADLINE_S", 1)
    ingest.register(odd_pages.exponential(), "a4", 1)
    (command,) = ingest.commands()
    with pytest.raises(Unreadable) as refused:  # a TaskFailed would be retried three times, a minute each
        ingest.split(command)
    splitting.split_failed(command, refused.value, ingest.context.db.transaction)
    upload = usecases.get_upload(ingest.context, command.upload_id)
    assert (upload.status, upload.error and upload.error["code"]) == ("failed", "ingest.unreadable")
