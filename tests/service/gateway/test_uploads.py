"""A scan comes in: kept, registered once, followed as a job."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from chassis.objects import Objects
from contracts.errors import Unavailable
from contracts.model import Role
from contracts.rpc import ingest
from contracts.rpc.grading import copies as rpc_copies
from contracts.rpc.grading import exams as rpc_exams
from contracts.rpc.grading.copies import CopyStatus
from contracts.rpc.ingest import UploadRegistered, UploadStatus, UploadView
from services.gateway import jobs
from services.gateway.context import Gateway
from services.gateway.store import accounts
from tests.service.gateway.conftest import FakeRpc, Person
from tests.service.gateway.examples import NOON, exam_view, upload_view
from tests.service.memory import growing

EXAM = UUID("0192f5c0-0000-7000-8000-000000000001")
SCAN = b"%PDF-1.7 twelve copies"


class Ingest:
    """What ingest does with uploads, as far as the gateway can see."""

    def __init__(self, rpc: FakeRpc) -> None:
        self.by_digest: dict[str, UploadView] = {}
        self.registered: list[ingest.RegisterUpload] = []
        rpc.on(rpc_exams.GET_EXAM, lambda asked: exam_view(asked.exam_id, pages_per_booklet=8))
        rpc.on(ingest.REGISTER_UPLOAD, self.register)
        rpc.on(ingest.GET_UPLOAD, lambda asked: self.find(asked.upload_id))
        rpc.on(ingest.REPEAT_UPLOAD, self.repeat)
        rpc.on(ingest.CANCEL_UPLOAD, lambda asked: self.move(asked.upload_id, status=UploadStatus.CANCELLED))

    def register(self, asked: ingest.RegisterUpload) -> UploadRegistered:
        self.registered.append(asked)
        created = asked.object.sha256 not in self.by_digest
        if created:
            self.by_digest[asked.object.sha256] = upload_view(uuid4(), asked.exam_id, filename=asked.filename)
        return UploadRegistered(upload=self.by_digest[asked.object.sha256], created=created)

    def repeat(self, asked: ingest.RepeatUpload) -> UploadRegistered:
        fresh = upload_view(uuid4(), EXAM)
        self.by_digest[f"again {fresh.id}"] = fresh
        return UploadRegistered(upload=fresh, created=True)

    def find(self, upload_id: UUID) -> UploadView:
        return next(each for each in self.by_digest.values() if each.id == upload_id)

    def move(self, upload_id: UUID, **changes: Any) -> UploadView:
        digest = next(digest for digest, each in self.by_digest.items() if each.id == upload_id)
        self.by_digest[digest] = self.by_digest[digest].model_copy(update=changes)
        return self.by_digest[digest]


@pytest.fixture
def scans(rpc: FakeRpc) -> Ingest:
    return Ingest(rpc)


def send(person: Person, data: bytes = SCAN, filename: str = "scan.pdf", **more: Any) -> Any:
    files = {"file": (io.BytesIO(data), filename)}
    return person.post(f"/exams/{EXAM}/uploads", data=files, content_type="multipart/form-data", **more)


def test_a_scan_is_kept_registered_and_followed(admin: Person, scans: Ingest, objects: Objects) -> None:
    answer = send(admin, filename="C:/scans/classe 3A.pdf")
    assert answer.status_code == 202
    job = answer.json
    assert answer.headers["Location"] == f"/api/v1/jobs/{job['id']}"
    assert job.keys() >= {"id", "type", "status", "done", "total", "error", "items", "result"}
    assert (job["type"], job["status"], job["done"], job["total"]) == ("upload", "queued", 0, 28)
    (asked,) = scans.registered
    assert (asked.exam_id, asked.profile.intake, asked.profile.pages_per_booklet) == (EXAM, "a3", 8)
    assert (asked.by.id, asked.filename) == (admin.id, "classe 3A.pdf")
    assert asked.object.sha256 == hashlib.sha256(SCAN).hexdigest()
    assert asked.object.key.startswith("uploads/")
    assert objects.get(asked.object) == SCAN


def test_a_scan_says_what_tells_its_copies_apart(admin: Person, scans: Ingest) -> None:
    send(admin)
    send(admin, SCAN + b"!", query_string={"grouping": "by_header"})
    assert [asked.profile.grouping for asked in scans.registered] == ["every_n", "by_header"]


def test_a_grouping_that_does_not_exist_is_refused(admin: Person, scans: Ingest) -> None:
    refused = send(admin, query_string={"grouping": "by_weather"})
    assert (refused.status_code, [each["field"] for each in refused.json["errors"]]) == (422, ["grouping"])
    assert scans.registered == []


def test_the_job_is_what_ingest_says_at_that_moment(admin: Person, scans: Ingest) -> None:
    job = send(admin).json
    path, upload_id = f"/jobs/{job['id']}", UUID(job["items"][0]["id"])
    scans.move(upload_id, sides_done=12)
    running = admin.get(path).json
    assert (running["status"], running["done"], running["result"]) == ("running", 12, None)
    scans.move(upload_id, status=UploadStatus.READY, sides_done=28)
    ready = admin.get(path).json
    assert (ready["status"], ready["done"]) == ("succeeded", 28)
    assert ready["result"] == {"href": f"/api/v1/uploads/{upload_id}"}


def test_an_end_is_remembered_and_not_asked_again(admin: Person, scans: Ingest, rpc: FakeRpc) -> None:
    job = send(admin).json
    failure = {"code": "ingest.damaged", "detail": "side 5 is missing"}
    scans.move(UUID(job["items"][0]["id"]), status=UploadStatus.FAILED, error=failure)
    first = admin.get(f"/jobs/{job['id']}").json
    assert (first["status"], first["error"]) == ("failed", failure)
    asked = len(rpc.asked)
    assert admin.get(f"/jobs/{job['id']}").json == first
    assert admin.get("/jobs").json["items"] == [first]
    assert len(rpc.asked) == asked


def test_the_same_bytes_again_are_the_first_upload(admin: Person, scans: Ingest) -> None:
    first, second = send(admin), send(admin, filename="again.pdf")
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json["id"] == second.json["id"]


def test_one_key_and_the_same_file_is_one_request(admin: Person, scans: Ingest) -> None:
    key = {"Idempotency-Key": "k1"}
    first, again = send(admin, headers=key), send(admin, headers=key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json == first.json
    assert again.headers["Location"] == first.headers["Location"]
    assert len(scans.registered) == 1
    other = send(admin, SCAN + b"!", headers=key)
    assert (other.status_code, other.json["code"]) == (422, "gateway.idempotency_mismatch")


def test_an_unknown_exam_is_told_before_the_file_is_kept(admin: Person, rpc: FakeRpc, objects: Objects) -> None:
    from contracts.errors.grading import NotFound

    def refuse(_: Any) -> Any:
        raise NotFound(what="exam")

    rpc.on(rpc_exams.GET_EXAM, refuse)
    assert send(admin).status_code == 404
    assert list(objects.list("")) == []


def test_a_deleted_exam_takes_no_scan(admin: Person, scans: Ingest, rpc: FakeRpc) -> None:
    rpc.on(rpc_exams.GET_EXAM, lambda asked: exam_view(asked.exam_id, deleted_at=NOON))
    assert send(admin).status_code == 409
    assert scans.registered == []


def test_an_upload_can_be_cancelled(admin: Person, scans: Ingest) -> None:
    job = send(admin).json
    assert admin.delete(f"/jobs/{job['id']}").json["status"] == "cancelled"
    assert admin.get(f"/jobs/{job['id']}").json["status"] == "cancelled"


def events(answer: Any) -> list[Any]:
    """The jobs told by a stream of server-sent events."""
    lines = answer.get_data(as_text=True).splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


@pytest.fixture
def cutting(admin: Person, scans: Ingest, rpc: FakeRpc, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A job that is a side further each time somebody looks, to its end."""
    monkeypatch.setattr(jobs, "LOOK_EVERY_S", 0)
    job = send(admin).json

    def further(asked: ingest.OneUpload) -> UploadView:
        upload = scans.find(asked.upload_id)
        done = upload.sides_done + 1
        ended = UploadStatus.READY if done == 28 else UploadStatus.SPLITTING
        return scans.move(upload.id, sides_done=done, status=ended)

    rpc.on(ingest.GET_UPLOAD, further)
    return job


def test_a_job_can_be_followed_side_by_side_to_its_end(admin: Person, cutting: Any) -> None:
    answer = admin.get(f"/jobs/{cutting['id']}/events")
    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
    told = events(answer)
    assert [job["done"] for job in told] == list(range(1, 29))
    assert [job["status"] for job in told] == ["running"] * 27 + ["succeeded"]
    last = admin.get(f"/jobs/{cutting['id']}/events", headers={"Last-Event-ID": "running-27"})
    assert events(last) == told[-1:]
    # A browser connects again after every end of a stream, unless it is told that there is no more.
    again = admin.get(f"/jobs/{cutting['id']}/events", headers={"Last-Event-ID": "succeeded-28"})
    assert (again.status_code, again.data) == (204, b"")


def test_a_stream_ends_in_time_and_says_nothing_twice(
    admin: Person, cutting: Any, scans: Ingest, rpc: FakeRpc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "FOLLOWED_S", 0.2)
    rpc.on(ingest.GET_UPLOAD, lambda asked: scans.find(asked.upload_id))  # it stands still
    assert len(events(admin.get(f"/jobs/{cutting['id']}/events"))) == 1


def test_too_many_followers_are_told_and_let_go(admin: Person, cutting: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_places", threading.BoundedSemaphore(1))
    with jobs._places:
        assert [job["done"] for job in events(admin.get(f"/jobs/{cutting['id']}/events"))] == [1]
    assert [job["done"] for job in events(admin.get(f"/jobs/{cutting['id']}/events"))][-1] == 28
    assert jobs._places.acquire(blocking=False)  # a stream gives its place back


def test_a_stream_ends_when_the_one_who_knows_is_gone(admin: Person, cutting: Any, rpc: FakeRpc) -> None:
    further, asked = rpc.handlers[ingest.GET_UPLOAD.name], []

    def gone(wanted: Any) -> Any:
        asked.append(wanted)
        if len(asked) == 3:
            raise Unavailable("ingest", "no answer in time")
        return further(wanted)

    rpc.on(ingest.GET_UPLOAD, gone)
    assert [job["done"] for job in events(admin.get(f"/jobs/{cutting['id']}/events"))] == [1, 2]


def test_a_job_is_no_business_of_others(admin: Person, marker: Person, scans: Ingest, somebody: Any) -> None:
    job = send(admin).json
    assert marker.get(f"/jobs/{job['id']}").status_code == 404
    assert marker.get(f"/jobs/{job['id']}/events").status_code == 404
    assert marker.delete(f"/jobs/{job['id']}").status_code == 404
    assert marker.get("/jobs").json == {"items": [], "next": None, "total": 0}
    assert somebody(Role.OPERATOR).get(f"/jobs/{job['id']}").status_code == 200
    assert admin.get(f"/jobs/{uuid4()}").status_code == 404


def test_jobs_are_listed_latest_first_page_by_page(admin: Person, scans: Ingest) -> None:
    made = [send(admin, SCAN + bytes([n])).json["id"] for n in range(3)]
    first = admin.get("/jobs?limit=2").json
    assert [job["id"] for job in first["items"]] == [made[2], made[1]]
    assert first["total"] == 3
    second = admin.get(f"/jobs?limit=2&cursor={first['next']}").json
    assert [job["id"] for job in second["items"]] == [made[0]]
    assert second["next"] is None


def test_nothing_stays_on_the_disk(
    build: Any, admin: Person, scans: Ingest, rpc: FakeRpc, objects: Objects, tmp_path: Path
) -> None:
    """The spool has no name, so it is the open descriptors that tell: an unlinked file still takes its space."""
    here: Gateway = build(objects, spool_directory=str(tmp_path)).extensions["korrigo"]
    admin.client.application.extensions["korrigo"] = here
    seen: list[int] = []

    def register(asked: ingest.RegisterUpload) -> UploadRegistered:
        seen.append(_open_below(tmp_path))
        return scans.register(asked)

    rpc.on(ingest.REGISTER_UPLOAD, register)
    assert send(admin, SCAN.ljust(400_000)).status_code == 202
    assert seen == [1]  # while it is being kept
    assert send(admin, b"not a pdf").status_code == 415
    assert _open_below(tmp_path) == 0
    assert list(tmp_path.iterdir()) == []


def test_an_upload_of_150_mb_is_never_in_memory(admin: Person, scans: Ingest, tmp_path: Path) -> None:
    form = tmp_path / "form"
    with form.open("wb") as file:
        file.write(b'--x\r\nContent-Disposition: form-data; name="file"; filename="scan.pdf"\r\n\r\n%PDF-1.7\n')
        file.writelines([bytes(1 << 20)] * 150)
        file.write(b"\r\n--x--\r\n")
    send(admin)  # what is loaded once is loaded
    with form.open("rb") as body, growing() as peak:
        answer = admin.post(
            f"/exams/{EXAM}/uploads",
            input_stream=body,
            content_length=form.stat().st_size,
            content_type="multipart/form-data; boundary=x",
        )
    assert answer.status_code == 202
    assert scans.registered[-1].object.size == (150 << 20) + 9
    assert peak.growth_mb < 50  # two parts of 16 MB on their way to the store; the whole would be 150


def _open_below(directory: Path) -> int:
    descriptors = Path("/proc/self/fd")
    return sum(str(directory) in str(each.readlink()) for each in descriptors.iterdir() if each.is_symlink())


def test_the_roster_report_has_exactly_its_keys(admin: Person, rpc: FakeRpc, objects: Objects) -> None:
    asked: list[rpc_exams.ImportRoster] = []

    def report(request: rpc_exams.ImportRoster) -> rpc_exams.RosterReport:
        asked.append(request)
        error = rpc_exams.RowError(row=9, field="ine", value="12", reason="format")
        blank = rpc_exams.SkippedRow(row=7, reason="blank")
        return rpc_exams.RosterReport(dry_run=request.dry_run, created=35, skipped=(blank,), errors=(error,))

    rpc.on(rpc_exams.IMPORT_ROSTER, report)
    csv = "nom;prénom\nDupont;Léa\n".encode("utf-16")
    body = admin.post(f"/exams/{EXAM}/roster?dry_run=true", data=csv, content_type="text/csv; charset=utf-16")
    form = {"file": (io.BytesIO(csv), "liste.csv")}
    multipart = admin.post(f"/exams/{EXAM}/roster", data=form, content_type="multipart/form-data")
    assert body.status_code == multipart.status_code == 200
    assert (
        body.json
        == multipart.json
        == {
            "created": 35,
            "updated": 0,
            "unchanged": 0,
            "skipped": [{"row": 7, "reason": "blank"}],
            "errors": [{"row": 9, "field": "ine", "value": "12", "reason": "format"}],
        }
    )
    assert [each.dry_run for each in asked] == [True, False]
    assert objects.get(asked[0].file) == csv
    assert asked[0].file == asked[1].file


def test_an_upload_while_the_store_is_down_is_503(build: Any, admin: Person, scans: Ingest, app: Flask) -> None:
    app.extensions["korrigo"] = build().extensions["korrigo"]  # its store answers nowhere
    answer = send(admin)
    assert answer.status_code == 503
    assert answer.json["dependency"] == "object_store"
    assert scans.registered == []


def test_a_zip_is_passed_on_as_one_and_its_job_lists_its_files(admin: Person, scans: Ingest) -> None:
    job = send(admin, b"PK\x03\x04 two scans and a text", "copies.zip").json
    (asked,) = scans.registered
    assert asked.object.media_type == "application/zip"
    (upload,) = scans.by_digest.values()
    error = {"code": "ingest.not_a_pdf", "details": {}, "name": "lisez-moi.txt"}
    scan = ingest.UploadPart(id=uuid4(), name="a.pdf", status=UploadStatus.READY)
    note = ingest.UploadPart(id=uuid4(), name="lisez-moi.txt", status=UploadStatus.FAILED, error=error)
    scans.move(upload.id, status=UploadStatus.READY, parts=(scan, note))
    ended = admin.get(f"/jobs/{job['id']}").json
    assert ended["status"] == "succeeded"
    told = [(each["id"], each["status"], each["name"], each["repeatable"]) for each in ended["items"]]
    assert told == [(str(scan.id), "succeeded", "a.pdf", False), (str(note.id), "failed", "lisez-moi.txt", False)]
    assert ended["items"][1]["error"].items() >= error.items()


def test_what_was_said_about_the_columns_of_a_roster_is_passed_on(admin: Person, rpc: FakeRpc) -> None:
    asked: list[rpc_exams.ImportRoster] = []

    def report(request: rpc_exams.ImportRoster) -> rpc_exams.RosterReport:
        asked.append(request)
        return rpc_exams.RosterReport()

    rpc.on(rpc_exams.IMPORT_ROSTER, report)
    mapping = '{"last_name": "Famille"}'
    query = f"preset=siecle&partial=true&mapping={quote(mapping)}"
    admin.post(f"/exams/{EXAM}/roster?{query}", data=b"x", content_type="text/csv")
    form = {"file": (io.BytesIO(b"x"), "liste.csv"), "preset": "siecle", "mapping": mapping}
    admin.post(f"/exams/{EXAM}/roster", data=form, content_type="multipart/form-data")
    assert [(each.preset, each.mapping) for each in asked] == [("siecle", {"last_name": "Famille"})] * 2
    assert [each.partial for each in asked] == [True, False]


@pytest.mark.parametrize("query", ["preset=excel", "mapping=Nom", 'mapping={"nom": "Nom"}', 'mapping={"ine": ""}'])
def test_columns_that_mean_nothing_are_refused(admin: Person, rpc: FakeRpc, query: str) -> None:
    answer = admin.post(f"/exams/{EXAM}/roster?{query}", data=b"x", content_type="text/csv")
    assert (answer.status_code, answer.json["code"]) == (422, "gateway.invalid_fields")


def test_the_bad_rows_of_a_roster_are_a_file_to_save(admin: Person, rpc: FakeRpc, objects: Objects) -> None:
    ref = objects.put("rosters", b"Ligne;Motif", "text/csv; charset=utf-8")
    rpc.on(rpc_exams.FIND_BAD_ROWS, lambda asked: rpc_exams.BadRows(file=ref))
    answer = admin.post(f"/exams/{EXAM}/roster/errors.csv", data=b"x", content_type="text/csv")
    assert (answer.status_code, answer.data) == (200, b"Ligne;Motif")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "rows-to-correct.csv" in answer.headers["Content-Disposition"]


def test_who_looked_at_a_doubtful_scan_says_so(admin: Person, scans: Ingest, rpc: FakeRpc) -> None:
    asked: list[ingest.ConfirmUpload] = []
    send(admin)
    (upload,) = scans.by_digest.values()

    def confirm(request: ingest.ConfirmUpload) -> UploadView:
        asked.append(request)
        return upload

    rpc.on(ingest.CONFIRM_UPLOAD, confirm)
    answer = admin.post(f"/uploads/{upload.id}/confirm")
    assert (answer.status_code, answer.json["id"]) == (200, str(upload.id))
    assert (asked[0].upload_id, asked[0].by.id) == (upload.id, admin.id)


FAILURE = {"code": "ingest.splitting_failed", "details": {}}


def failed(admin: Person, scans: Ingest, error: dict[str, Any]) -> Any:
    job = send(admin).json
    scans.move(UUID(job["items"][0]["id"]), status=UploadStatus.FAILED, error=error)
    return admin.get(f"/jobs/{job['id']}").json


def test_what_failed_is_said_in_the_callers_language_every_time(admin: Person, scans: Ingest) -> None:
    job = failed(admin, scans, FAILURE)
    assert job["error"]["detail"].startswith("The pages could not be cut")
    french = admin.get(f"/jobs/{job['id']}", headers={"Accept-Language": "fr"}).json
    assert french["items"][0]["error"]["detail"].startswith("Les pages n'ont pas pu")


def test_an_item_that_failed_for_a_technical_reason_is_tried_again_as_a_job_of_its_own(
    admin: Person, scans: Ingest
) -> None:
    job = failed(admin, scans, FAILURE)
    (item,) = job["items"]
    assert item["repeatable"]
    answer = admin.post(f"/jobs/{job['id']}/items/{item['id']}/repeat")
    assert answer.status_code == 202
    assert answer.json["id"] != job["id"]
    assert answer.headers["Location"] == f"/api/v1/jobs/{answer.json['id']}"


def test_a_file_that_cannot_be_read_is_not_worth_another_try(admin: Person, scans: Ingest) -> None:
    job = failed(admin, scans, {"code": "ingest.damaged", "details": {"reason": "structure", "sides": []}})
    assert [each["repeatable"] for each in job["items"]] == [False]


def test_a_file_of_a_zip_can_still_change_after_its_job_has_ended(admin: Person, scans: Ingest) -> None:
    job = send(admin).json
    upload_id = UUID(job["items"][0]["id"])
    part = ingest.UploadPart(id=uuid4(), name="a.pdf", status=UploadStatus.FAILED, error=FAILURE)
    scans.move(upload_id, status=UploadStatus.READY, parts=(part,))
    assert admin.get(f"/jobs/{job['id']}").json["items"][0]["status"] == "failed"
    again = part.model_copy(update={"status": UploadStatus.READY, "error": None})
    scans.move(upload_id, parts=(again,))
    assert admin.get(f"/jobs/{job['id']}").json["items"][0]["status"] == "succeeded"


def test_a_finalisation_is_tried_again_under_its_own_job(admin: Person, rpc: FakeRpc) -> None:
    started = rpc_copies.FinaliseStarted(
        copy_id=UUID(int=9), exam_id=EXAM, revision=1, attempt=1, status=CopyStatus.GRADING_IN_PROGRESS, already=False
    )
    rpc.on(rpc_copies.FINALISE, lambda _: started)
    job = admin.post(f"/copies/{UUID(int=9)}/finalise").json
    again = admin.post(f"/jobs/{job['id']}/items/{UUID(int=9)}/repeat")
    assert (again.status_code, again.json["id"]) == (202, job["id"])
    assert admin.post(f"/jobs/{job['id']}/items/{uuid4()}/repeat").status_code == 404


def test_several_jobs_are_followed_in_one_stream(admin: Person, scans: Ingest) -> None:
    jobs_sent = [send(admin, SCAN + bytes([each])).json for each in (49, 50)]
    for job in jobs_sent:
        scans.move(UUID(job["items"][0]["id"]), status=UploadStatus.READY, sides_done=28)
    stream = admin.get(f"/jobs/events?ids={','.join(job['id'] for job in jobs_sent)}").text
    told = [json.loads(line.removeprefix("data: ")) for line in stream.splitlines() if line.startswith("data: ")]
    assert [(job["id"], job["status"]) for job in told] == [(job["id"], "succeeded") for job in jobs_sent]


@pytest.mark.parametrize("ids", ["", "nonsense", ",".join([str(EXAM)] * 13)])
def test_a_stream_of_what_are_no_jobs_is_refused(admin: Person, ids: str) -> None:
    assert admin.get(f"/jobs/events?ids={ids}").status_code == 422


def test_who_runs_the_scans_sees_everyones(admin: Person, scans: Ingest, somebody: Any) -> None:
    job, operator = send(admin).json, somebody(Role.OPERATOR)
    assert operator.get("/jobs").json["items"] == []
    assert [each["id"] for each in operator.get("/jobs?everyone=true").json["items"]] == [job["id"]]
    assert operator.get("/jobs?everyone=true").json["items"][0]["name"] == "scan.pdf"


def test_a_marker_who_once_ran_scans_reads_no_file_name_any_more(
    app: Flask, admin: Person, somebody: Any, scans: Ingest
) -> None:
    person = somebody(Role.OPERATOR)
    job = send(person, filename="DUPONT Jeanne.pdf").json
    with app.extensions["korrigo"].db.transaction() as work:
        work.sql.execute(sa.update(accounts).where(accounts.c.id == person.id).values(role="marker"))
    assert person.get("/jobs?everyone=true").json["total"] == 0
    assert person.get(f"/jobs/{job['id']}").status_code == 404


def test_an_upload_says_its_job_and_a_failed_one_its_reason(admin: Person, scans: Ingest, rpc: FakeRpc) -> None:
    job = failed(admin, scans, FAILURE)
    found = scans.find(UUID(job["items"][0]["id"]))
    rpc.on(ingest.LIST_UPLOADS, lambda _: ingest.Uploads(items=(found,), next=None, total=1))
    (item,) = admin.get(f"/exams/{EXAM}/uploads").json["items"]
    assert (item["job_id"], item["repeated"]) == (job["id"], False)
    assert item["error"]["detail"].startswith("The pages could not be cut")
