"""What a browser gets of copies: shapes, images, documents, and marking writes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask

from chassis.db import Database
from chassis.objects import Objects
from contracts.errors import Refusal
from contracts.errors.grading import NotFound, ReasonRequired, ScoreOutOfRange, SecondPersonRequired
from contracts.model import Role
from contracts.objects import ImageRef, ObjectRef
from contracts.records.pages import Box
from contracts.rpc import Done, ingest
from contracts.rpc.grading import copies as rpc_copies
from contracts.rpc.grading import exams as rpc_exams
from contracts.rpc.grading import operations as rpc_operations
from contracts.rpc.grading import printed as rpc_printed
from contracts.rpc.grading.copies import CopyStatus, LockView, PageImageFound
from services.gateway.store import access_log
from tests.service.gateway.conftest import FakeRpc, Person, enrol, sign_in
from tests.service.gateway.examples import NOON, copy_view

COPY = UUID("0192f5c0-0000-7000-8000-000000000002")
JPEG = bytes(range(256)) * 4


@pytest.fixture
def stored(objects: Objects) -> ObjectRef:
    return objects.put("pages", JPEG, "image/jpeg")


def _image(ref: ObjectRef) -> ImageRef:
    return ImageRef(object=ref, width_px=10, height_px=14)


def test_a_copy_has_the_promised_shape_and_never_a_lock_token(marker: Person, rpc: FakeRpc) -> None:
    lock = LockView(owner="Ada L.", owner_id=uuid4(), expires_at=NOON, token=None)
    rpc.on(rpc_copies.GET_COPY, lambda _: copy_view(COPY, lock=lock, total=Decimal("14.250"), status=CopyStatus.LOCKED))
    body = marker.get(f"/copies/{COPY}").json
    assert body.keys() >= {"id", "exam_id", "anonymous_id", "status", "page_count", "lock", "total", "version"}
    assert (body["status"], body["total"]) == ("LOCKED", "14.25")
    assert body["lock"] == {"owner": "Ada L.", "owner_id": str(lock.owner_id), "expires_at": "2026-11-23T12:00:00Z"}


def test_lists_pass_the_filters_and_keep_the_shape(admin: Person, rpc: FakeRpc) -> None:
    summary = copy_view(COPY).model_dump(exclude={"pages", "final_available"})
    found = rpc_copies.Copies(items=(rpc_copies.CopySummary(**summary),), next="abc", total=7)
    rpc.on(rpc_copies.LIST_COPIES, lambda _: found)
    who = uuid4()
    body = admin.get(f"/exams/{COPY}/copies?status=READY&marker={who}&identified=false&limit=1&cursor=x").json
    assert body.keys() == {"items", "next", "total"}
    assert (body["next"], body["total"]) == ("abc", 7)
    (name, asked) = rpc.asked[-1]
    assert (name, asked.status, asked.marker_id, asked.identified) == ("list_copies", "READY", who, False)
    assert (asked.limit, asked.cursor, asked.by.role) == (1, "x", Role.ADMIN)
    assert admin.get(f"/exams/{COPY}/copies?status=LOST").status_code == 422


def test_a_page_streams_with_etag_and_costs_one_call(marker: Person, rpc: FakeRpc, stored: ObjectRef) -> None:
    rpc.on(rpc_copies.PAGE_IMAGE, lambda _: PageImageFound(image=_image(stored), masked=True))
    page = marker.get(f"/copies/{COPY}/pages/1?size=thumb")
    assert (page.status_code, page.content_type, page.data) == (200, "image/jpeg", JPEG)
    assert page.headers["ETag"] == f'"{stored.sha256}"'
    assert page.headers["Accept-Ranges"] == "bytes"
    assert page.content_length == len(JPEG)
    assert "immutable" in page.headers["Cache-Control"]
    assert "private" in page.headers["Cache-Control"]
    assert "Cookie" in page.headers["Vary"]
    assert rpc.names() == ["page_image"]
    assert rpc.asked[0][1].size == "thumb"
    known = marker.get(f"/copies/{COPY}/pages/1", headers={"If-None-Match": page.headers["ETag"]})
    assert (known.status_code, known.data) == (304, b"")
    longer = marker.get(f"/copies/{COPY}/pages/1?v=2").headers["Cache-Control"]
    assert "max-age=604800" in longer


def test_a_known_etag_opens_nothing_that_may_not_be_seen(marker: Person, rpc: FakeRpc, stored: ObjectRef) -> None:
    def refuse(_: Any) -> Any:
        raise NotFound(what="copy")

    rpc.on(rpc_copies.PAGE_IMAGE, refuse)
    answer = marker.get(f"/copies/{COPY}/pages/1", headers={"If-None-Match": f'"{stored.sha256}"'})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("asked", "status", "start", "stop"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=100-199", 206, 100, 200),
        ("bytes=1000-", 206, 1000, 1024),
        ("bytes=-24", 206, 1000, 1024),
        ("bytes=1000-99999", 206, 1000, 1024),
        ("bytes=0-1,5-6", 200, 0, 1024),
        ("lines=1-2", 200, 0, 1024),
        ("nonsense", 200, 0, 1024),
    ],
)
def test_ranges(
    marker: Person, rpc: FakeRpc, stored: ObjectRef, asked: str, status: int, start: int, stop: int
) -> None:
    rpc.on(rpc_copies.PAGE_IMAGE, lambda _: PageImageFound(image=_image(stored), masked=True))
    part = marker.get(f"/copies/{COPY}/pages/1", headers={"Range": asked})
    assert (part.status_code, part.data) == (status, JPEG[start:stop])
    if status == 206:
        assert part.headers["Content-Range"] == f"bytes {start}-{stop - 1}/1024"
    stale = {"Range": asked, "If-Range": '"0"'}
    assert marker.get(f"/copies/{COPY}/pages/1", headers=stale).data == JPEG


def test_a_range_outside_the_file_is_416(marker: Person, rpc: FakeRpc, stored: ObjectRef) -> None:
    rpc.on(rpc_copies.PAGE_IMAGE, lambda _: PageImageFound(image=_image(stored), masked=True))
    answer = marker.get(f"/copies/{COPY}/pages/1", headers={"Range": "bytes=5000-"})
    assert (answer.status_code, answer.json["code"]) == (416, "gateway.range")
    assert answer.headers["Content-Range"] == f"bytes */{stored.size}"


def test_a_full_page_that_must_be_cut_is_asked_of_ingest_as_masked_as_grading_says(
    marker: Person, rpc: FakeRpc, stored: ObjectRef
) -> None:
    rpc.on(rpc_copies.PAGE_IMAGE, lambda _: PageImageFound(image=None, masked=True))
    rpc.on(ingest.FULL_PAGE_IMAGE, lambda _: _image(stored))
    assert marker.get(f"/copies/{COPY}/pages/2?size=full&masked=false").data == JPEG
    assert rpc.names() == ["page_image", "full_page_image"]
    assert rpc.asked[1][1].masked is True
    assert rpc.asked[1][1].page_no == 2


def test_the_final_document_is_not_kept_by_caches_and_is_logged(
    admin: Person, rpc: FakeRpc, objects: Objects, db: Database
) -> None:
    pdf = objects.put("final", b"%PDF-final", "application/pdf")
    rpc.on(rpc_copies.FINAL_DOCUMENT, lambda _: rpc_exams.Document(object=pdf, filename="copie-A-17.pdf"))
    answer = admin.get(f"/copies/{COPY}/final.pdf")
    assert (answer.data, answer.content_type) == (b"%PDF-final", "application/pdf")
    assert answer.headers["ETag"] == f'"{pdf.sha256}"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"] == "inline; filename=copie-A-17.pdf"
    with db.reading() as sql:
        (row,) = sql.execute(access_log.select()).all()
    assert (row.actor_id, row.action, row.subject_id) == (admin.id, "copies.final", COPY)
    assert row.request_id == answer.headers["X-Request-ID"]


def test_a_candidate_reads_their_own_results_only(candidate: Person, rpc: FakeRpc, objects: Objects) -> None:
    pdf = objects.put("final", b"%PDF-own", "application/pdf")

    def own(asked: rpc_exams.OwnDocument) -> rpc_exams.Document:
        if (asked.person_id, asked.copy_id) != (candidate.id, COPY):
            raise NotFound(what="copy")
        return rpc_exams.Document(object=pdf, filename="copie.pdf")

    rpc.on(rpc_exams.OWN_DOCUMENT, own)
    rpc.on(
        rpc_exams.OWN_RESULTS,
        lambda asked: rpc_exams.CandidateResults(last_name=str(asked.person_id), first_name="", items=()),
    )
    assert candidate.get("/candidate/results").json["last_name"] == str(candidate.id)
    assert candidate.get(f"/candidate/copies/{COPY}/final.pdf").data == b"%PDF-own"
    assert candidate.get(f"/candidate/copies/{uuid4()}/final.pdf").status_code == 404
    assert candidate.delete("/candidate/session").status_code == 204
    assert candidate.get("/candidate/results").status_code == 401


def test_a_header_image_has_an_address_that_only_we_can_make(
    admin: Person, marker: Person, rpc: FakeRpc, stored: ObjectRef
) -> None:
    suggestion = rpc_copies.Suggestion(
        candidate_id=uuid4(), last_name="Dupont", first_name="Léa", class_name="3A", confidence=0.97
    )
    view = rpc_copies.IdentificationView(
        copy_id=COPY,
        anonymous_id="A-17",
        candidate_id=None,
        reading=("DUPONT Lea",),
        reading_outcome="done",
        suggestions=(suggestion,),
        header=_image(stored),
    )
    found = rpc_copies.IdentificationQueue(items=(view,), next=None, total=1)
    rpc.on(rpc_copies.IDENTIFICATION_QUEUE, lambda _: found)
    (item,) = admin.get(f"/exams/{COPY}/identification").json["items"]
    assert item["suggestions"][0].keys() == {
        "candidate_id",
        "last_name",
        "first_name",
        "class",
        "confidence",
        "by_place",
    }
    assert item["header"].keys() == {"href", "width_px", "height_px"}
    href = item["header"]["href"].removeprefix("/api/v1")
    image = admin.get(href)
    assert (image.status_code, image.data) == (200, JPEG)
    assert admin.get(href[:-3] + "abc").status_code == 404
    assert marker.get(href).status_code == 403


def test_the_exam_is_matched_again_for_staff_alone(admin: Person, marker: Person, rpc: FakeRpc) -> None:
    found = rpc_copies.Matching(copies=12, identified=11, by_machine=10, doubtful=0, unread=1)
    rpc.on(rpc_copies.SOLVE_IDENTIFICATION, lambda _: found)
    answer = admin.post(f"/exams/{COPY}/identification/solve")
    assert (answer.status_code, answer.json) == (200, found.model_dump())
    assert marker.post(f"/exams/{COPY}/identification/solve").status_code == 403


def test_headers_are_read_again_one_or_all_that_failed(admin: Person, rpc: FakeRpc) -> None:
    view = rpc_copies.IdentificationView(
        copy_id=COPY, anonymous_id="A-17", candidate_id=None, reading=None, reading_outcome=None, suggestions=(),
        header=None,
    )  # fmt: skip
    rpc.on(rpc_copies.READ_AGAIN, lambda _: view)
    rpc.on(rpc_copies.READ_FAILED_AGAIN, lambda _: rpc_copies.ReadAgain(copies=3))
    assert admin.post(f"/copies/{COPY}/identification/reading").json["reading"] is None
    assert admin.post(f"/exams/{COPY}/identification/readings").json == {"copies": 3}


def test_printed_names_are_told_and_dismissed_by_staff_alone(admin: Person, marker: Person, rpc: FakeRpc) -> None:
    name = rpc_printed.PrintedName(
        id=uuid4(), copy_id=COPY, anonymous_id="A-17", page_no=3, box=Box(x=0.1, y=0.2, w=0.3, h=0.02),
        last_name="MARTIN", first_name="Zoé",
    )  # fmt: skip
    found = rpc_printed.PrintedNames(items=(name,), next=None, total=1, checking=True, pages=40, waiting=3, unread=1)
    rpc.on(rpc_printed.LIST_PRINTED_NAMES, lambda _: found)
    rpc.on(rpc_printed.DISMISS_PRINTED_NAME, lambda _: Done())
    rpc.on(rpc_printed.READ_PRINT_AGAIN, lambda _: rpc_printed.PrintAgain(pages=1))
    listed, one = f"/exams/{COPY}/printed-names", f"/copies/{COPY}/printed-names/{name.id}"
    assert admin.get(listed).json == found.model_dump(mode="json")
    assert admin.delete(one).status_code == 204
    assert rpc.asked[-1][1].id == name.id
    assert admin.post(listed + "/readings").json == {"pages": 1}
    refused = (marker.get(listed), marker.delete(one), marker.post(listed + "/readings"))
    assert [answer.status_code for answer in refused] == [403, 403, 403]
    assert b"MARTIN" not in refused[0].data


def test_a_sheet_model_is_drawn_shown_and_removed(admin: Person, rpc: FakeRpc, stored: ObjectRef) -> None:
    zone = {"kind": "last_name", "x": 0.1, "y": 0.2, "w": 0.5, "h": 0.1}
    view = rpc_copies.SheetModelView(exam_id=COPY, sample_copy_id=COPY, sample=_image(stored), zones=(zone,))
    rpc.on(rpc_copies.PUT_SHEET_MODEL, lambda _: view)
    rpc.on(rpc_copies.GET_SHEET_MODEL, lambda _: view)
    rpc.on(rpc_copies.REMOVE_SHEET_MODEL, lambda _: Done())
    body = {"sample_copy_id": str(COPY), "zones": [zone]}
    shown = admin.put(f"/exams/{COPY}/sheet-model", json=body).json
    assert shown["zones"] == [zone]
    assert shown["sample"].keys() == {"href", "width_px", "height_px"}
    assert admin.get(f"/exams/{COPY}/sheet-model").json == shown
    assert admin.put(f"/exams/{COPY}/sheet-model", json=body | {"zones": []}).status_code == 422
    assert admin.delete(f"/exams/{COPY}/sheet-model").status_code == 204


def test_marking_writes_carry_the_lock_token_and_the_version(marker: Person, rpc: FakeRpc) -> None:
    rpc.on(rpc_copies.REMOVE_ANNOTATION, lambda _: Done())
    rpc.on(
        rpc_copies.PUT_DRAFT,
        lambda asked: rpc_copies.DraftView(
            copy_id=asked.copy_id, client_id=asked.client_id, version=asked.version + 1, payload=asked.payload,
            updated_at=NOON,
        ),
    )  # fmt: skip
    held = {"X-Lock-Token": "t0k"}
    saved = marker.put(
        f"/copies/{COPY}/draft", json={"client_id": "c", "version": 0, "payload": {"é": [1]}}, headers=held
    )
    assert (saved.status_code, saved.json["version"], saved.json["payload"]) == (200, 1, {"é": [1]})
    gone = marker.delete(f"/annotations/{COPY}?version=3", headers=held)
    assert (gone.status_code, gone.data) == (204, b"")
    assert [(asked.token, asked.version, asked.by.id) for _, asked in rpc.asked] == [
        ("t0k", 0, marker.id),
        ("t0k", 3, marker.id),
    ]


def test_each_operation_is_answered_in_the_callers_language(marker: Person, rpc: FakeRpc) -> None:
    refused = ScoreOutOfRange(item="q1", score="9.5", max="8").to_wire()
    scores = rpc_copies.ScoresView(
        copy_id=COPY, version=1, scores={}, remarks={}, appraisal="", total=None, total_points="20", missing=("q1",),
        scheme_version=1,
    )  # fmt: skip
    rpc.on(
        rpc_operations.APPLY_OPERATIONS,
        lambda asked: rpc_operations.OperationsApplied(
            copy_id=asked.copy_id,
            ops=(
                rpc_operations.OperationOutcome(id=asked.ops[0].id, outcome="conflict", version=4, current="1.5"),
                rpc_operations.OperationOutcome(id=asked.ops[1].id, outcome="refused", problem=refused),
            ),
            scores=scores,
        ),
    )
    ops = [
        {"id": str(uuid4()), "do": "score", "item_id": "q1", "score": "2", "was": None},
        {"id": str(uuid4()), "do": "score", "item_id": "q1", "score": "9.5", "was": "2"},
    ]
    body = {"client_id": "tab", "ops": ops}
    held = {"X-Lock-Token": "t0k", "Accept-Language": "fr"}
    answer = marker.patch(f"/copies/{COPY}/draft", json=body, headers=held)
    assert answer.status_code == 200
    assert answer.json["ops"][0] == {
        "id": ops[0]["id"], "outcome": "conflict", "version": 4, "current": "1.5", "problem": None,
    }  # fmt: skip
    assert answer.json["ops"][1]["problem"]["code"] == "grading.score_out_of_range"
    assert answer.json["ops"][1]["problem"]["detail"] == "La note 9,5 de q1 n'est pas comprise entre 0 et 8."
    (_, asked) = rpc.asked[-1]
    assert (asked.token, asked.by.id, asked.ops[1].was) == ("t0k", marker.id, Decimal(2))


@pytest.mark.parametrize(
    ("op", "field"),
    [
        ({"do": "score", "item_id": "q1", "score": "2"}, "ops.1.score.was"),
        ({"do": "erase", "annotation_id": str(COPY), "version": 0}, "ops.1.erase.version"),
        ({"do": "dance"}, "ops.1"),
    ],
)
def test_an_operation_that_is_none_is_refused_by_name(
    marker: Person, rpc: FakeRpc, op: dict[str, object], field: str
) -> None:
    good = {"id": str(uuid4()), "do": "appraise", "text": "Bien.", "was": ""}
    ops = [good, op | {"id": str(uuid4())}]
    answer = marker.patch(f"/copies/{COPY}/draft", json={"client_id": "tab", "ops": ops})
    assert (answer.status_code, rpc.asked) == (422, [])
    assert [each["field"] for each in answer.json["errors"]] == [field]


def test_fields_left_out_of_a_change_are_left_out_of_the_call(marker: Person, rpc: FakeRpc) -> None:
    """A default sent along would look like a wish: moving a note must not empty its text."""
    marker.patch(f"/annotations/{COPY}", json={"version": 1, "x": 0.25})
    (_, asked) = rpc.asked[-1]
    assert asked.model_fields_set == {"annotation_id", "token", "version", "x", "by"}


def test_markers_are_named_from_their_accounts(app: Flask, admin: Person, rpc: FakeRpc) -> None:
    ada, operator = enrol(app, Role.MARKER), enrol(app, Role.OPERATOR)
    rpc.on(rpc_copies.ALLOCATE, lambda _: rpc_copies.Allocations(items=(), unallocated=0))
    done = admin.post(f"/exams/{COPY}/allocation", json={"marker_ids": [str(ada.id), str(ada.id)]})
    assert done.status_code == 200
    assert rpc.asked[-1][1].markers == (rpc_copies.Marker(id=ada.id, name="Ada L."),)
    refused = admin.post(f"/exams/{COPY}/allocation", json={"marker_ids": [str(operator.id), str(uuid4())]})
    assert (refused.status_code, refused.json["code"]) == (422, "gateway.unknown_markers")
    assert len(refused.json["marker_ids"]) == 2


def test_finalising_gives_one_job_that_follows_the_copy(app: Flask, marker: Person, rpc: FakeRpc) -> None:
    state: dict[str, Any] = {"status": CopyStatus.GRADING_IN_PROGRESS}

    def start(asked: rpc_copies.Finalise) -> rpc_copies.FinaliseStarted:
        return rpc_copies.FinaliseStarted(
            copy_id=asked.copy_id, exam_id=uuid4(), revision=1, attempt=1, status=state["status"],
            already=state["status"] is CopyStatus.GRADED,
        )  # fmt: skip

    rpc.on(rpc_copies.FINALISE, start)
    rpc.on(rpc_copies.GET_COPY, lambda _: copy_view(COPY, **state))
    started = marker.post(f"/copies/{COPY}/finalise")
    assert started.status_code == 202
    path = f"/jobs/{started.json['id']}"
    assert started.headers["Location"] == "/api/v1" + path
    assert marker.get(path).json["status"] == "running"
    assert marker.delete(path).status_code == 409
    state.update(status=CopyStatus.GRADING_FAILED, error_message="store full")
    failed = marker.get(path).json
    assert (failed["status"], failed["error"]["detail"]) == ("failed", "store full")
    state.update(status=CopyStatus.GRADING_IN_PROGRESS, error_message=None)
    assert marker.get(path).json["status"] == "running"  # tried again: a failure is not the end
    state.update(status=CopyStatus.GRADED)
    done = marker.get(path).json
    assert (done["status"], done["done"], done["total"]) == ("succeeded", 1, 1)
    assert done["result"] == {"href": f"/api/v1/copies/{COPY}/final.pdf"}
    again = marker.post(f"/copies/{COPY}/finalise")
    assert (again.status_code, again.json["id"], again.json["result"]) == (200, done["id"], done["result"])
    state.update(status=CopyStatus.LOCKED, revision=2)
    assert marker.get(path).json == done  # reopened since; that revision was graded all the same


def test_a_copy_is_reopened_with_a_reason_or_without(admin: Person, rpc: FakeRpc) -> None:
    rpc.on(rpc_copies.REOPEN, lambda _: copy_view(COPY, status=CopyStatus.READY, revision=2))
    opened = admin.post(f"/copies/{COPY}/reopen", json={"reason": " Un point oublié "})
    assert (opened.status_code, opened.json["revision"]) == (200, 2)
    assert admin.post(f"/copies/{COPY}/reopen").status_code == 200
    assert [asked.reason for _, asked in rpc.asked[-2:]] == ["Un point oublié", None]


@pytest.mark.parametrize("reason", ["", "x" * 501, 7])
def test_a_reason_that_is_none_is_refused_at_the_door(admin: Person, rpc: FakeRpc, reason: Any) -> None:
    refused = admin.post(f"/copies/{COPY}/reopen", json={"reason": reason})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "reason")
    assert "reopen" not in rpc.names()


@pytest.mark.parametrize(("refusal", "status"), [(ReasonRequired, 422), (SecondPersonRequired, 403)])
def test_why_a_released_copy_stays_closed_is_told(
    admin: Person, rpc: FakeRpc, refusal: type[Refusal], status: int
) -> None:
    def refuse(_: Any) -> Any:
        raise refusal

    rpc.on(rpc_copies.REOPEN, refuse)
    refused = admin.post(f"/copies/{COPY}/reopen", headers={"Accept-Language": "en"})
    assert (refused.status_code, refused.json["code"]) == (status, refusal.code)
    assert "Candidates could read this copy" in refused.json["detail"]


def test_a_copy_that_is_gone_leaves_the_list_of_jobs_readable(marker: Person, rpc: FakeRpc) -> None:
    def gone(_: Any) -> Any:
        raise NotFound

    rpc.on(
        rpc_copies.FINALISE,
        lambda _: rpc_copies.FinaliseStarted(
            copy_id=COPY, exam_id=uuid4(), revision=1, attempt=1, status=CopyStatus.GRADING_IN_PROGRESS, already=False
        ),
    )
    rpc.on(rpc_copies.GET_COPY, gone)
    job_id = marker.post(f"/copies/{COPY}/finalise").json["id"]
    (listed,) = marker.get("/jobs").json["items"]
    assert (listed["id"], listed["status"], listed["error"]["code"]) == (job_id, "failed", NotFound.code)
    rpc.on(rpc_copies.GET_COPY, lambda _: copy_view(COPY, status=CopyStatus.GRADED))
    assert marker.get(f"/jobs/{job_id}").json["status"] == "succeeded"  # the exam was restored


@pytest.mark.parametrize("times", [8])
def test_simultaneous_finalisations_share_one_job(app: Flask, rpc: FakeRpc, times: int) -> None:
    from concurrent.futures import ThreadPoolExecutor

    rpc.on(
        rpc_copies.FINALISE,
        lambda asked: rpc_copies.FinaliseStarted(
            copy_id=asked.copy_id, exam_id=uuid4(), revision=1, attempt=1, status=CopyStatus.GRADING_IN_PROGRESS,
            already=False,
        ),
    )  # fmt: skip
    username = enrol(app, Role.MARKER).username
    desks = [sign_in(app, username) for _ in range(times)]
    with ThreadPoolExecutor(times) as pool:
        found = list(pool.map(lambda desk: desk.post(f"/copies/{COPY}/finalise"), desks))
    assert {answer.status_code for answer in found} == {202}
    assert len({answer.json["id"] for answer in found}) == 1


def test_staged_pages_are_seen_without_an_address_of_the_store(admin: Person, rpc: FakeRpc, stored: ObjectRef) -> None:
    page = ingest.StagedPage(
        id=uuid4(), page_no=1, side_no=1, half="right", blank=False, has_header=True, turn_deg=0, dropped=False,
        screen=_image(stored), thumb=_image(stored),
    )  # fmt: skip
    booklet = ingest.BookletView(
        id=uuid4(), exam_id=COPY, upload_id=uuid4(), position=1, first_side=1, doubts=(), copy_id=None, version=1,
        pages=(page,),
    )  # fmt: skip
    rpc.on(ingest.LIST_BOOKLETS, lambda _: ingest.Booklets(items=(booklet,), next=None, total=1))
    answer = admin.get(f"/exams/{COPY}/booklets")
    thumb = answer.json["items"][0]["pages"][0]["thumb"]
    assert thumb.keys() == {"href", "width_px", "height_px"}
    assert stored.key not in answer.text
    assert admin.client.get(thumb["href"]).data == JPEG


def test_an_assembled_copy_has_an_address(admin: Person, rpc: FakeRpc) -> None:
    rpc.on(ingest.ASSEMBLE_COPY, lambda _: ingest.Assembled(copy_ids=(COPY,), left=()))
    made = admin.post(f"/exams/{COPY}/copies", json={"booklet_ids": [str(uuid4())]})
    assert made.status_code == 201
    assert made.headers["Location"] == f"/api/v1/copies/{COPY}"


def test_reading_endpoints_cost_one_call(admin: Person, rpc: FakeRpc) -> None:
    """Except a full page that must be cut (tested above): each call is a wait for a person."""
    paths = [
        "/exams", f"/exams/{COPY}", f"/exams/{COPY}/scheme", f"/exams/{COPY}/candidates", f"/exams/{COPY}/uploads",
        f"/uploads/{COPY}", f"/exams/{COPY}/booklets", f"/booklets/{COPY}", f"/exams/{COPY}/copies", f"/copies/{COPY}",
        f"/copies/{COPY}/pages/1", f"/exams/{COPY}/identification", f"/exams/{COPY}/allocation",
        f"/exams/{COPY}/printed-names",
        f"/copies/{COPY}/draft", f"/copies/{COPY}/annotations", f"/copies/{COPY}/scores", f"/copies/{COPY}/final.pdf",
        f"/copies/{COPY}/events", f"/copies/{COPY}/desk?item=q1", f"/exams/{COPY}/comments?item_id=q1",
    ]  # fmt: skip
    for path in paths:
        before = len(rpc.asked)
        assert admin.get(path).status_code == 503  # no service answers here
        assert len(rpc.asked) == before + 1, path
