"""Whatever is sent, the answer is a clear problem document and never a 5xx."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask

from chassis.objects import Objects
from contracts.errors import Unavailable
from contracts.model import Role
from contracts.rpc.grading import copies as rpc_copies
from contracts.rpc.grading import exams as rpc_exams
from services.gateway.app import CEILING
from services.gateway.limits import WriteCeiling
from tests.service.gateway.conftest import FakeRpc, Person, settings
from tests.service.gateway.examples import exam_view

EXAM = "0192f5c0-0000-7000-8000-000000000001"
MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}


def _problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), answer.text
    problem: dict[str, Any] = answer.json
    assert problem.keys() >= MEMBERS
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    return problem


def test_a_path_that_does_not_exist(app: Flask) -> None:
    _problem(app.test_client().get("/api/v1/nothing"), 404, "gateway.not_found")
    _problem(app.test_client().get("/nothing"), 404, "gateway.not_found")


def test_an_id_that_is_no_uuid(admin: Person) -> None:
    _problem(admin.get("/exams/42"), 404, "gateway.not_found")
    _problem(admin.get(f"/copies/{EXAM}/pages/0"), 404, "gateway.not_found")
    _problem(admin.get(f"/copies/{EXAM}/pages/99999999999999999999"), 404, "gateway.not_found")


def test_a_method_that_is_not_offered(admin: Person) -> None:
    answer = admin.put("/exams")
    _problem(answer, 405, "gateway.method_not_allowed")
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize(
    "body",
    [b"{", b"nope", b"\xff\xfe", b'{"title": NaN}', b'{"total_points": Infinity}', b"[" * 100_000, b"1" * 5000],
    ids=["cut", "word", "bytes", "nan", "infinity", "deep", "digits"],
)
def test_json_that_is_none(admin: Person, body: bytes) -> None:
    _problem(admin.post("/exams", data=body, content_type="application/json"), 400, "gateway.malformed_json")


@pytest.mark.parametrize("body", ["[]", '"text"', "null", "42", "true"])
def test_json_that_is_not_an_object(admin: Person, body: str) -> None:
    _problem(admin.post("/exams", data=body, content_type="application/json"), 422, "gateway.invalid_fields")


def test_a_body_of_another_type(admin: Person) -> None:
    problem = _problem(admin.post("/exams", data="title=x"), 415, "gateway.wrong_media_type")
    assert "application/json" in problem["detail"]


def test_a_body_that_is_too_large(build: Callable[..., Flask], admin: Person) -> None:
    app = build(json_max_bytes=2048)
    client = app.test_client()
    answer = client.post("/api/v1/session", json={"username": "x" * 4000, "password": "x"})
    _problem(answer, 413, "gateway.too_large")


def test_all_wrong_fields_are_named_at_once(admin: Person) -> None:
    body = {"title": "", "intake": "a5", "pages_per_booklet": 0, "colour": "red", "total_points": "many"}
    problem = _problem(admin.post("/exams", json=body), 422, "gateway.invalid_fields")
    assert {error["field"] for error in problem["errors"]} == body.keys()
    unknown = next(error for error in problem["errors"] if error["field"] == "colour")
    assert unknown == {"field": "colour", "code": "extra_forbidden", "message": "there is no such field"}


def test_who_asks_cannot_be_sent_in_the_body(admin: Person, rpc: FakeRpc) -> None:
    body = {"title": "x", "intake": "a3", "by": {"id": EXAM, "name": "x", "role": "admin"}, "exam_id": EXAM}
    problem = _problem(admin.post("/exams", json=body), 422, "gateway.invalid_fields")
    assert {error["field"] for error in problem["errors"]} == {"by", "exam_id"}
    assert rpc.asked == []


@pytest.mark.parametrize(
    "payload",
    [{"text": "a\x00b"}, {"a\x00": 1}, {"text": "\ud800"}, {"n": 2**60}, {"n": [[1e999]]}],
    ids=["nul", "nul name", "surrogate", "endless", "infinite"],
)
def test_what_no_database_can_hold(admin: Person, rpc: FakeRpc, payload: dict[str, Any]) -> None:
    """PostgreSQL refuses NUL in text: without this the service would fail with 500."""
    text = json.dumps({"client_id": "c", "version": 0, "payload": payload}).replace("Infinity", "1e999")
    answer = admin.put(f"/copies/{EXAM}/draft", data=text, content_type="application/json")
    _problem(answer, 422, "gateway.invalid_fields")
    assert rpc.asked == []


def test_a_payload_nested_without_end(admin: Person) -> None:
    payload: dict[str, Any] = {}
    for _ in range(100):
        payload = {"a": payload}
    answer = admin.put(f"/copies/{EXAM}/draft", json={"client_id": "c", "version": 0, "payload": payload})
    _problem(answer, 422, "gateway.invalid_fields")


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "limit=-1", "cursor=" + "x" * 501, "cursor=%00"])
def test_lists_refuse_nonsense(admin: Person, query: str) -> None:
    _problem(admin.get(f"/exams?{query}"), 422, "gateway.invalid_fields")


@pytest.mark.parametrize("cursor", ["x", "!!!", "AAAA", "%F0%9F%98%80", "AA"])
@pytest.mark.parametrize("path", ["/users", "/jobs", "/tokens"])
def test_a_cursor_that_is_not_ours(admin: Person, path: str, cursor: str) -> None:
    assert admin.get(f"{path}?cursor={cursor}").status_code in {200, 422}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", f"/exams/{EXAM}", {"title": "x"}),
        ("DELETE", f"/exams/{EXAM}", None),
        ("PATCH", f"/booklets/{EXAM}", {"pages": []}),
        ("DELETE", f"/booklets/{EXAM}", None),
        ("POST", f"/booklets/{EXAM}/split", {"before_page": 2}),
        ("PUT", f"/copies/{EXAM}/draft", {"client_id": "c", "payload": {}}),
        ("PATCH", f"/annotations/{EXAM}", {"x": 0.5, "nonsense": 1}),
        ("DELETE", f"/annotations/{EXAM}", None),
    ],
)
def test_a_write_without_the_version_read(admin: Person, rpc: FakeRpc, method: str, path: str, body: Any) -> None:
    """P0-DI-007."""
    _problem(admin.send(method, path, json=body), 428, "gateway.version_required")
    assert rpc.asked == []


@pytest.mark.parametrize("version", ["-1", "x", str(2**31), ""])
def test_a_version_that_cannot_be(admin: Person, version: str) -> None:
    _problem(admin.delete(f"/exams/{EXAM}?version={version}"), 422, "gateway.invalid_fields")


def test_the_first_write_of_scheme_and_scores_needs_no_version(admin: Person, rpc: FakeRpc) -> None:
    seen: list[Any] = []

    def refuse(asked: Any) -> Any:
        seen.append(asked.version)
        raise Unavailable("grading")

    rpc.on(rpc_exams.PUT_SCHEME, refuse)
    rpc.on(rpc_copies.PUT_SCORES, refuse)
    assert admin.put(f"/exams/{EXAM}/scheme", json={"nodes": []}).status_code == 503
    assert admin.put(f"/copies/{EXAM}/scores", json={"scores": {}}).status_code == 503
    assert seen == [None, None]


def _upload(person: Person, data: bytes, name: str = "file", **more: Any) -> Any:
    files = {name: (io.BytesIO(data), "scan.pdf")}
    return person.post(f"/exams/{EXAM}/uploads", data=files, content_type="multipart/form-data", **more)


@pytest.fixture
def scans(rpc: FakeRpc) -> None:
    rpc.on(rpc_exams.GET_EXAM, lambda asked: exam_view(asked.exam_id))


@pytest.mark.usefixtures("scans")
@pytest.mark.parametrize(
    "data",
    [b"<html>%PDF-1.7", b"\x89PNG\r\n%PDF-", b"MZ\x90\0%PDF-1.4", b"hello", b"x" * 2000 + b"%PDF-1.4"],
    ids=["html", "png", "program", "text", "late"],
)
def test_a_file_that_is_no_pdf_whatever_its_name(admin: Person, rpc: FakeRpc, objects: Objects, data: bytes) -> None:
    _problem(_upload(admin, data), 415, "gateway.not_a_pdf")
    assert "register_upload" not in rpc.names()
    assert list(objects.list("")) == []


@pytest.mark.usefixtures("scans")
def test_an_empty_file_no_file_and_no_form(admin: Person) -> None:
    _problem(_upload(admin, b""), 422, "gateway.empty_file")
    _problem(_upload(admin, b"%PDF-1.4", name="scan"), 422, "gateway.invalid_fields")
    raw = admin.post(f"/exams/{EXAM}/uploads", data=b"%PDF-1.4", content_type="application/pdf")
    _problem(raw, 415, "gateway.wrong_media_type")


@pytest.mark.usefixtures("scans")
def test_a_scan_that_is_too_large(build: Callable[..., Flask], objects: Objects, tmp_path: Path, admin: Person) -> None:
    app = build(objects, upload_max_bytes=100_000, spool_directory=str(tmp_path), rate_factor=100.0)
    admin.client = app.test_client()
    answer = app.test_client().post(
        "/api/v1/session", json={"username": admin.username, "password": "tournesol-grenadine-42"}
    )
    admin.client.set_cookie("korrigo", answer.headers["Set-Cookie"].split("=", 1)[1].split(";")[0])
    admin.csrf = answer.get_json()["csrf_token"]
    # within the form's allowance, but over the file's; then over both
    for size in (100_001, 300_000):
        problem = _problem(_upload(admin, b"%PDF-1.4".ljust(size)), 413, "gateway.too_large")
        assert problem["max_bytes"]
    assert list(tmp_path.iterdir()) == []
    assert list(objects.list("")) == []


def test_a_roster_that_is_none(admin: Person, rpc: FakeRpc) -> None:
    path = f"/exams/{EXAM}/roster"
    _problem(admin.post(path, data=b"", content_type="text/csv"), 422, "gateway.empty_file")
    _problem(admin.post(path, json={}), 415, "gateway.wrong_media_type")
    _problem(admin.post(path, data={"x": "y"}, content_type="multipart/form-data"), 422, "gateway.invalid_fields")
    assert rpc.asked == []


def test_a_service_that_is_down_is_503_with_a_time_to_return(admin: Person) -> None:
    answer = admin.get(f"/exams/{EXAM}")
    problem = _problem(answer, 503, "gateway.unavailable")
    assert problem["dependency"] == "grading"
    assert int(answer.headers["Retry-After"]) > 0


def test_a_defect_shows_a_number_and_nothing_else(admin: Person, rpc: FakeRpc) -> None:
    def broken(_: Any) -> Any:
        raise RuntimeError("secret internals")

    rpc.on(rpc_exams.GET_EXAM, broken)
    answer = admin.get(f"/exams/{EXAM}")
    problem = _problem(answer, 500, "gateway.defect")
    assert str(UUID(problem["request_id"])) == problem["request_id"]
    assert "internals" not in answer.text
    assert "RuntimeError" not in answer.text


def test_a_refusal_of_a_service_keeps_its_code_status_and_details(admin: Person, rpc: FakeRpc) -> None:
    from contracts.errors.grading import NotFound

    def refuse(_: Any) -> Any:
        raise NotFound(what="exam")

    rpc.on(rpc_exams.GET_EXAM, refuse)
    problem = _problem(admin.get(f"/exams/{EXAM}"), 404, "grading.not_found")
    assert problem["what"] == "exam"


def test_a_detail_named_like_a_member_of_the_problem_does_not_replace_it(admin: Person, rpc: FakeRpc) -> None:
    """A copy's status is "GRADED"; the problem's is 409."""
    from contracts.errors.grading import NotLockable

    def refuse(_: Any) -> Any:
        raise NotLockable(status="GRADED")

    rpc.on(rpc_copies.TAKE_LOCK, refuse)
    problem = _problem(admin.post(f"/copies/{EXAM}/lock"), 409, "grading.not_lockable")
    assert "GRADED" in problem["detail"]
    assert problem["details"] == {"status": "GRADED"}


@pytest.mark.parametrize(
    ("wanted", "language", "words"),
    [
        (None, "fr", "Connectez-vous"),
        ("fr-FR,fr;q=0.9,en;q=0.5", "fr", "Connectez-vous"),
        ("en-GB,en;q=0.9", "en", "Sign in"),
        ("de", "fr", "Connectez-vous"),
        ("en;q=0.4, fr;q=0.8", "fr", "Connectez-vous"),
    ],
)
def test_problems_speak_the_callers_language(app: Flask, wanted: str | None, language: str, words: str) -> None:
    headers = {"Accept-Language": wanted} if wanted else {}
    answer = app.test_client().get("/api/v1/session", headers=headers)
    assert answer.headers["Content-Language"] == language
    assert words in answer.get_json()["detail"]


def test_the_request_id_is_the_callers_when_it_is_a_uuid(app: Flask) -> None:
    client, mine = app.test_client(), str(uuid4())
    assert client.get("/health/live", headers={"X-Request-ID": mine}).headers["X-Request-ID"] == mine
    for strange in ("x", "a\tb", "' OR 1=1", mine + "0"):
        found = client.get("/health/live", headers={"X-Request-ID": strange}).headers["X-Request-ID"]
        assert str(UUID(found)) == found
        assert found != strange


def test_an_unknown_host_is_refused_but_probes_are_not(app: Flask) -> None:
    client = app.test_client()
    answer = client.get("/api/v1/session", base_url="http://evil.example")
    _problem(answer, 400, "gateway.bad_host")
    assert client.get("/health/live", base_url="http://10.0.0.7:8000").status_code == 200


def test_another_site_cannot_write_even_before_signing_in(app: Flask) -> None:
    answer = app.test_client().post(
        "/api/v1/session", json={"username": "x", "password": "y"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    _problem(answer, 403, "gateway.csrf")


def test_every_answer_carries_the_security_headers(app: Flask, admin: Person) -> None:
    for path in ("/api/v1/session", "/api/v1/nothing", "/health/live", "/api/v1/docs", "/api/v1/openapi.json"):
        headers = admin.client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
    assert admin.get("/session").headers["Cache-Control"] == "no-store"


def test_the_other_limits_hold_too(build: Callable[..., Flask], somebody: Callable[[Role], Person]) -> None:
    admin = somebody(Role.ADMIN)
    app = build(users_per_hour=2)
    client = app.test_client()
    cookie = admin.client.get_cookie("korrigo")
    assert cookie is not None
    client.set_cookie("korrigo", cookie.value)
    admin.client = client
    assert [admin.post("/users", json={}).status_code for _ in range(3)] == [422, 422, 429]
    busy = build()
    busy.extensions[CEILING] = WriteCeiling(settings(writes_per_minute=3), clock=lambda: 600.0)
    admin.client = busy.test_client()
    admin.client.set_cookie("korrigo", cookie.value)
    statuses = [admin.put("/session/password", json={}).status_code for _ in range(4)]
    assert statuses == [422, 422, 422, 429]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"date": 0}, "date_type"),  # pydantic alone: the first of January 1970
        ({"date": "2026-05-12T08:00:00"}, "date_parsing"),
        ({"date": "2026-02-31"}, "date_from_datetime_parsing"),
        ({"title": "Bac\x07 blanc"}, "control_character"),
        ({"title": "Bac\nblanc"}, "control_character"),
        ({"title": "\u202eBac"}, "control_character"),
        ({"title": "x" * 201}, "string_too_long"),
        ({"total_points": "NaN"}, "finite_number"),
    ],
    ids=["number", "instant", "31 february", "bell", "line end", "turned", "long", "nan"],
)
def test_a_field_that_is_refused_says_so_in_french(
    admin: Person, rpc: FakeRpc, change: dict[str, Any], code: str
) -> None:
    exam = {"title": "Bac blanc", "intake": "a4", **change}
    problem = _problem(admin.post("/exams", json=exam), 422, "gateway.invalid_fields")
    (error,) = problem["errors"]
    assert (error["field"], error["code"]) == (*change, code)
    assert not any(word in error["message"] for word in ("Input", "should", "refusée"))
    assert rpc.asked == []


def test_a_drawing_without_end_is_refused(admin: Person, rpc: FakeRpc) -> None:
    box = {"page": 1, "type": "pen", "x": 0, "y": 0, "w": 1, "h": 1}
    answer = admin.post(f"/copies/{EXAM}/annotations", json={**box, "points": [[[0.5, 0.5]] * 6_000] * 2})
    (error,) = _problem(answer, 422, "gateway.invalid_fields")["errors"]
    assert (error["field"], error["code"]) == ("points", "too_long")
    assert rpc.asked == []
