"""Done, but nobody lived to remember the answer: asked again, every request has one effect and the same answer.

The gateway here asks the real use cases of grading and ingest, on real databases.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import isfunction
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from chassis.db import Database
from chassis.disk_cache import DiskCache
from chassis.objects import Objects
from chassis.sandbox import Sandbox
from contracts.errors import Unavailable
from contracts.messages.ocr import TextExtracted
from contracts.rpc import Method
from contracts.rpc import ingest as ingest_rpc
from contracts.rpc.grading import copies as copies_rpc
from contracts.rpc.grading import desk as desk_rpc
from contracts.rpc.grading import exams as exams_rpc
from contracts.rpc.grading import printed as printed_rpc
from contracts.rpc.grading import results as results_rpc
from services.gateway.api import OPERATIONS
from services.gateway.idempotency import _without
from services.gateway.store import idempotency_keys
from services.grading.context import Context as Grading
from services.grading.usecases import (
    allocation,
    candidates,
    comments,
    copies,
    exams,
    exports,
    finalise,
    identity,
    locks,
    marking,
    matching,
    printed,
    reopening,
    roster,
)
from services.ingest import archives, assembling, covering, repeating, usecases
from tests.scans.paper import pile
from tests.service.gateway.conftest import PASSWORD, FakeRpc, Person
from tests.service.grading.desk import Desk
from tests.service.grading.desk import settings as grading_settings
from tests.service.grading.school import ROSTER
from tests.service.ingest.conftest import Ingest, build_context

KEY = {"Idempotency-Key": "k1"}
NOT_FACTS = {"idempotency_keys", "rate_buckets", "access_log", "sessions", "alembic_version"}
"""What may grow with every request: it says who knocked, not what was done."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    pool = Sandbox("services.ingest.pixels", size=1)
    yield pool
    pool.close()


@dataclass
class School:
    """Three services and an administrator."""

    admin: Person
    rpc: FakeRpc
    gateway: Database
    ingest: Ingest
    grading: Grading

    def rows(self) -> dict[str, int]:
        """How many facts there are, table by table, messages to be sent among them."""
        found = {}
        for db in (self.gateway, self.ingest.context.db, self.grading.db):
            with db.reading() as sql:
                for name in sorted(set(sa.inspect(sql).get_table_names()) - NOT_FACTS):
                    found[f"{db.service}.{name}"] = sql.scalar(sa.text(f'SELECT count(*) FROM "{name}"'))
        return found

    def die_before_remembering(self) -> None:
        """What a gateway leaves that is killed between the effect and its memory of it."""
        long_ago = sa.func.now() - sa.text("interval '46 seconds'")
        with self.gateway.transaction() as work:
            done = sa.update(idempotency_keys).values(answer=sa.null(), started_at=long_ago)
            assert work.sql.execute(done).rowcount == 1

    def exam(self) -> UUID:
        made = self.admin.post("/exams", json={"title": "Bac blanc", "intake": "a3"})
        return UUID(made.json["id"])

    def booklets(self, exam_id: UUID, count: int) -> list[dict[str, Any]]:
        """So many certain booklets of 4 pages in staging."""
        files = {"file": (io.BytesIO(pile([1] * count)), "scan.pdf")}
        assert self.admin.post(f"/exams/{exam_id}/uploads", data=files).status_code == 202
        for command in self.ingest.commands():
            self.ingest.split(command)
        found: list[dict[str, Any]] = self.admin.get(f"/exams/{exam_id}/booklets").json["items"]
        assert len(found) == count
        return found

    def copy(self, exam_id: UUID) -> str:
        """A READY copy at grading."""
        self.booklets(exam_id, 1)
        (made,) = self.admin.post(f"/exams/{exam_id}/copies/assemble").json["copy_ids"]
        for event in self.ingest.assembled():
            copies.copy_assembled(self.grading, event, self.grading.db.transaction)
        return str(made)

    def locked(self, copy_id: str) -> dict[str, str]:
        """The headers of whoever holds the copy."""
        return {"X-Lock-Token": self.admin.post(f"/copies/{copy_id}/lock").json["token"]}

    def marked(self, exam_id: UUID) -> tuple[str, dict[str, str]]:
        """A copy with all its scores, and its holder's headers."""
        nodes = [{"id": "q1", "label": "Question 1", "points": "20"}]
        assert self.admin.put(f"/exams/{exam_id}/scheme", json={"nodes": nodes}).status_code == 200
        copy_id = self.copy(exam_id)
        held = self.locked(copy_id)
        scores = {"scores": {"q1": "12.5"}}
        assert self.admin.put(f"/copies/{copy_id}/scores", json=scores, headers=held).status_code == 200
        return copy_id, held


@pytest.fixture
def school(
    app: Flask, admin: Person, rpc: FakeRpc, db: Database, database: Callable[[str], Database], objects: Objects,
    sandbox: Sandbox,
) -> Iterator[School]:  # fmt: skip
    originals = DiskCache(objects, max_bytes=64 << 20)
    ingest = build_context(database("ingest"), objects, sandbox, originals)
    grading = Grading(grading_settings(), database("grading"), objects)
    modules = (
        allocation, candidates, comments, copies, exams, exports, finalise, identity, locks, marking, matching,
        printed, reopening, roster,
    )  # fmt: skip
    _play(rpc, grading, (exams_rpc, copies_rpc, desk_rpc, printed_rpc, results_rpc), modules)
    _play(rpc, ingest, (ingest_rpc,), (archives, assembling, covering, repeating, usecases))
    yield School(admin, rpc, db, Ingest(ingest, UUID(int=0)), grading)
    originals.close()


def _play(rpc: FakeRpc, context: Any, contracts: tuple[Any, ...], modules: tuple[Any, ...]) -> None:
    """Let use cases answer the methods that have their name."""
    verbs = {name: verb for module in modules for name, verb in vars(module).items() if isfunction(verb)}
    for contract in contracts:
        for method in vars(contract).values():
            if isinstance(method, Method) and method.name in verbs:
                rpc.on(method, lambda asked, verb=verbs[method.name]: verb(context, asked))


Wish = tuple[str, dict[str, Any]]
"""Path and request."""


def _upload(school: School) -> Wish:
    return f"/exams/{school.exam()}/uploads", {"data": {"file": (io.BytesIO(pile([1])), "scan.pdf")}}


def _split(school: School) -> Wish:
    (booklet,) = school.booklets(school.exam(), 1)
    return f"/booklets/{booklet['id']}/split", {"json": {"version": booklet["version"], "before_page": 3}}


def _merge(school: School) -> Wish:
    exam_id = school.exam()
    ids = [booklet["id"] for booklet in school.booklets(exam_id, 2)]
    return f"/exams/{exam_id}/booklets/merge", {"json": {"booklet_ids": ids}}


def _insert(school: School) -> Wish:
    target, source = school.booklets(school.exam(), 2)
    wish = {"version": target["version"], "source_id": source["id"], "source_version": source["version"]}
    return f"/booklets/{target['id']}/insert", {"json": wish | {"page_ids": [source["pages"][0]["id"]]}}


def _undo(school: School) -> Wish:
    """Two acts: undone twice, both would be."""
    exam_id = school.exam()
    for booklet in school.booklets(exam_id, 2):
        school.admin.delete(f"/booklets/{booklet['id']}?version={booklet['version']}")
    return f"/exams/{exam_id}/booklets/undo", {"json": {}}


def _undo_in_one(school: School) -> Wish:
    (booklet,) = school.booklets(school.exam(), 1)
    school.admin.delete(f"/booklets/{booklet['id']}?version={booklet['version']}")
    return f"/booklets/{booklet['id']}/undo", {"json": {"version": booklet["version"] + 1}}


def _assemble(school: School) -> Wish:
    exam_id = school.exam()
    ids = [booklet["id"] for booklet in school.booklets(exam_id, 2)]
    return f"/exams/{exam_id}/copies", {"json": {"booklet_ids": ids}}


def _assemble_certain(school: School) -> Wish:
    exam_id = school.exam()
    school.booklets(exam_id, 2)
    return f"/exams/{exam_id}/copies/assemble", {}


def _add_paper(school: School) -> Wish:
    exam_id = school.exam()
    copy_id = school.copy(exam_id)
    files = {"file": (io.BytesIO(pile([1, 1])), "late.pdf")}
    school.admin.post(f"/exams/{exam_id}/uploads", data=files)
    for command in school.ingest.commands():
        school.ingest.split(command)
    late = [each["id"] for each in school.admin.get(f"/exams/{exam_id}/booklets").json["items"] if not each["copy_id"]]
    return f"/copies/{copy_id}/paper", {"json": {"booklet_ids": late}}


def _cover(school: School) -> Wish:
    zone = {"page_no": 1, "box": {"x": 0.1, "y": 0.5, "w": 0.3, "h": 0.1}}
    return f"/copies/{school.copy(school.exam())}/covers", {"json": zone}


def _annotate(school: School) -> Wish:
    copy_id = school.copy(school.exam())
    note = {
        "page": 1,
        "type": "comment",
        "x": 0.1,
        "y": 0.1,
        "w": 0.2,
        "h": 0.1,
        "content": "Bien",
        "score_delta": "1.5",
    }
    return f"/copies/{copy_id}/annotations", {"json": note, "headers": school.locked(copy_id)}


def _access_codes(school: School) -> Wish:
    exam_id = school.exam()
    school.admin.post(f"/exams/{exam_id}/roster", data=ROSTER.encode(), content_type="text/csv")
    return f"/exams/{exam_id}/access-codes", {"json": {"only_missing": True}}


def _repeat(school: School) -> Wish:
    files = {"file": (io.BytesIO(pile([1])), "scan.pdf")}
    job = school.admin.post(f"/exams/{school.exam()}/uploads", data=files).json
    school.admin.delete(f"/jobs/{job['id']}")
    return f"/jobs/{job['id']}/items/{job['items'][0]['id']}/repeat", {}


def _export(school: School) -> Wish:
    exam_id = school.exam()
    copy_id, held = school.marked(exam_id)
    assert school.admin.post(f"/copies/{copy_id}/finalise", headers=held).status_code == 202
    nobody: Any = None
    Desk(school.grading, exam_id, nobody, nobody).composed(UUID(copy_id))
    return f"/exams/{exam_id}/exports", {}


CREATING: dict[str, Callable[[School], Wish]] = {
    "booklets.assemble": _assemble,
    "booklets.assemble_certain": _assemble_certain,
    "booklets.insert": _insert,
    "booklets.merge": _merge,
    "booklets.split": _split,
    "booklets.undo": _undo,
    "copies.add_paper": _add_paper,
    "copies.cover": _cover,
    "booklets.undo_in_one": _undo_in_one,
    "exams.create": lambda _: ("/exams", {"json": {"title": "Bac blanc", "intake": "a3"}}),
    "exams.issue_access_codes": _access_codes,
    "exports.create": _export,
    "jobs.repeat": _repeat,
    "comments.create": lambda school: (f"/exams/{school.exam()}/comments", {"json": {"text": "Bien vu."}}),
    "marking.annotate": _annotate,
    "tokens.create": lambda _: ("/tokens", {"json": {"name": "script"}}),
    "uploads.create": _upload,
    "users.create": lambda _: ("/users", {"json": {"username": "ada", "password": PASSWORD, "role": "marker"}}),
}
"""Honour Idempotency-Key, and hand the name of the request on to whoever creates."""


def _allocate(school: School) -> Wish:
    exam_id = school.exam()
    school.copy(exam_id)
    return f"/exams/{exam_id}/allocation", {"json": {"marker_ids": [str(school.admin.id)]}}


def _lock(school: School) -> Wish:
    return f"/copies/{school.copy(school.exam())}/lock", {}


def _heartbeat(school: School) -> Wish:
    copy_id = school.copy(school.exam())
    return f"/copies/{copy_id}/lock/heartbeat", {"headers": school.locked(copy_id)}


def _finalise(school: School) -> Wish:
    copy_id, held = school.marked(school.exam())
    return f"/copies/{copy_id}/finalise", {"headers": held}


def _reopen(school: School) -> Wish:
    exam_id = school.exam()
    copy_id, held = school.marked(exam_id)
    assert school.admin.post(f"/copies/{copy_id}/finalise", headers=held).status_code == 202
    nobody: Any = None
    Desk(school.grading, exam_id, nobody, nobody).composed(UUID(copy_id))
    return f"/copies/{copy_id}/reopen", {}


def _restore(school: School) -> Wish:
    exam_id = school.exam()
    assert school.admin.delete(f"/exams/{exam_id}?version=1").status_code == 200
    return f"/exams/{exam_id}/restore", {}


def _roster(school: School) -> Wish:
    return f"/exams/{school.exam()}/roster", {"data": ROSTER.encode(), "content_type": "text/csv"}


def _bad_rows(school: School) -> Wish:
    return f"/exams/{school.exam()}/roster/errors.csv", {"data": ROSTER.encode(), "content_type": "text/csv"}


def _columns(school: School) -> Wish:
    return f"/exams/{school.exam()}/roster/columns", {"data": ROSTER.encode(), "content_type": "text/csv"}


def _scheme_file(school: School) -> Wish:
    scheme = b"path;label;points\n1;Question 1;20\n"
    return f"/exams/{school.exam()}/scheme/csv", {"data": scheme, "content_type": "text/csv"}


def _confirm(school: School) -> Wish:
    (booklet,) = school.booklets(school.exam(), 1)
    return f"/uploads/{booklet['upload_id']}/confirm", {}


def _stuck_uploads(school: School) -> Wish:
    files = {"file": (io.BytesIO(pile([1])), "scan.pdf")}
    school.admin.post(f"/exams/{school.exam()}/uploads", data=files)
    with school.ingest.context.db.transaction() as work:
        work.sql.execute(sa.text("UPDATE uploads SET progressed_at = now() - interval '31 minutes'"))
        work.sql.execute(sa.text("UPDATE outbox SET sent_at = now()"))
    return "/maintenance/stuck-uploads", {}


def _stuck_copies(school: School) -> Wish:
    copy_id, held = school.marked(school.exam())
    school.admin.post(f"/copies/{copy_id}/finalise", headers=held)
    with school.grading.db.transaction() as work:
        work.sql.execute(sa.text("UPDATE copies SET attempted_at = now() - interval '31 minutes'"))
    return "/maintenance/stuck-copies", {}


def _solve(school: School) -> Wish:
    exam_id = school.exam()
    school.copy(exam_id)
    return f"/exams/{exam_id}/identification/solve", {}


def _unreadable(school: School) -> tuple[UUID, str]:
    """An exam and its copy, whose header could not be read."""
    exam_id = school.exam()
    copy_id = school.copy(exam_id)
    answer = TextExtracted(copy_id=UUID(copy_id), revision=1, outcome="timeout", engine="none")
    identity.text_extracted(answer, school.grading.db.transaction)
    return exam_id, copy_id


def _read_again(school: School) -> Wish:
    return f"/copies/{_unreadable(school)[1]}/identification/reading", {}


def _read_failed_again(school: School) -> Wish:
    return f"/exams/{_unreadable(school)[0]}/identification/readings", {}


def _read_print_again(school: School) -> Wish:
    exam_id, _ = _unreadable(school)
    assert school.admin.patch(f"/exams/{exam_id}", json={"version": 1, "check_printed_names": True}).status_code == 200
    return f"/exams/{exam_id}/printed-names/readings", {}


BY_NATURE: dict[str, tuple[str, Callable[[School], Wish]]] = {
    "maintenance.stuck_copies": ("what was asked for again is not overdue", _stuck_copies),
    "maintenance.stuck_uploads": ("what was asked for again does not stand still", _stuck_uploads),
    "exams.import_roster": ("a candidate has a key of their own; the same file again leaves all unchanged", _roster),
    "exams.bad_rows": ("the answer is told by the file; nothing is written but that answer", _bad_rows),
    "exams.look_at_roster": ("the answer is told by the file; nothing is written", _columns),
    "exams.read_scheme_file": ("the answer is told by the file; nothing is written", _scheme_file),
    "exams.restore": ("an exam that is not deleted stays as it is", _restore),
    "identification.read_again": ("a reading that is on its way is not asked for twice", _read_again),
    "identification.read_failed_again": ("what was asked for again has not failed", _read_failed_again),
    "printed_names.read_failed_again": ("what was asked for again has not failed", _read_print_again),
    "identification.solve": ("the same readings and roster give the same candidates", _solve),
    "marking.allocate": ("only copies without a marker are allocated, and what a marker keeps is said", _allocate),
    "marking.finalise": ("a copy that is finalised is not finalised again, and has one job per revision", _finalise),
    "marking.heartbeat": ("a lease has one end", _heartbeat),
    "marking.lock": ("a copy has one lock, and its holder gets the same token again", _lock),
    "uploads.confirm": ("a doubt is settled once", _confirm),
    "marking.reopen": ("an open copy is refused: one revision follows another once", _reopen),
}
"""Take no key: asked again they change nothing more. (PUT, PATCH and DELETE name what they write, and its version.)"""
SESSIONS = {"session.open", "candidate.open"}
"""A second session is a second session; the first one ends by itself."""


def test_every_post_is_in_one_of_the_tables() -> None:
    posts = {endpoint for endpoint, operation in OPERATIONS.items() if operation.method == "POST"}
    creating = {endpoint for endpoint, operation in OPERATIONS.items() if operation.creates}
    assert creating == set(CREATING)
    assert posts == {*CREATING, *BY_NATURE, *SESSIONS}


def _send(school: School, wish: Wish, headers: dict[str, str]) -> Any:
    path, request = wish
    if "data" in request and isinstance(request["data"], dict):
        stream, name = request["data"]["file"]
        request = request | {"data": {"file": (io.BytesIO(stream.getvalue()), name)}}
    return school.admin.post(path, **request | {"headers": request.get("headers", {}) | headers})


def _told(endpoint: str, answer: Any) -> Any:
    """The body without the secret, which is shown once: nobody saw the first one, so there is a second."""
    secret = OPERATIONS[endpoint].shown_once
    return _without(answer.json, secret) if secret else answer.json


@pytest.mark.parametrize("endpoint", sorted(CREATING))
def test_done_but_not_remembered_and_asked_again(endpoint: str, school: School) -> None:
    wish = CREATING[endpoint](school)
    first = _send(school, wish, KEY)
    assert first.status_code in {200, 201, 202}, first.text
    done = school.rows()
    school.die_before_remembering()
    again = _send(school, wish, KEY)
    assert school.rows() == done
    assert (again.status_code, _told(endpoint, again)) == (first.status_code, _told(endpoint, first))
    assert again.headers.get("Location") == first.headers.get("Location")
    assert "Idempotency-Replayed" not in again.headers  # it was done again, not remembered


@pytest.mark.parametrize("endpoint", sorted(BY_NATURE))
def test_asked_again_it_changes_nothing_more(endpoint: str, school: School) -> None:
    reason, prepare = BY_NATURE[endpoint]
    wish = prepare(school)
    assert _send(school, wish, {}).status_code in {200, 202}, reason
    done = school.rows()
    assert _send(school, wish, {}).status_code in {200, 202, 409}
    assert school.rows() == done, reason


@pytest.mark.parametrize("endpoint", ["exams.create", "marking.annotate", "tokens.create"])
def test_without_a_key_asked_again_is_done_again(endpoint: str, school: School) -> None:
    """And the count of facts sees it."""
    wish = CREATING[endpoint](school)
    _send(school, wish, {})
    done = school.rows()
    _send(school, wish, {})
    assert school.rows() != done


def test_a_call_that_was_done_but_not_heard_is_not_done_again(school: School) -> None:
    """The service's reply is lost: 503. The same key asks under the same name, at once and not after 45 s."""
    answered = school.rpc.handlers[exams_rpc.CREATE_EXAM.name]

    def unheard(asked: Any) -> Any:
        answered(asked)
        raise Unavailable("grading", "no answer in time")

    school.rpc.on(exams_rpc.CREATE_EXAM, unheard)
    wish = CREATING["exams.create"](school)
    assert _send(school, wish, KEY).status_code == 503
    done = school.rows()
    school.rpc.on(exams_rpc.CREATE_EXAM, answered)
    assert _send(school, wish, KEY).status_code == 201
    assert school.rows() == done


def test_a_refusal_under_a_name_that_was_used_keeps_the_name(school: School) -> None:
    """The annotation was made, the lock ended before the client asked again: told so, it takes the lock and asks."""
    path, request = CREATING["marking.annotate"](school)
    _send(school, (path, request), KEY)
    done = school.rows()
    school.die_before_remembering()
    lost = _send(school, (path, request | {"headers": {"X-Lock-Token": "of yesterday"}}), KEY)
    assert (lost.status_code, lost.json["code"]) == (409, "grading.lock_lost")
    assert _send(school, (path, request), KEY).status_code == 201
    assert school.rows() == done


def test_a_secret_nobody_saw_is_replaced(app: Flask, school: School) -> None:
    wish = CREATING["tokens.create"](school)
    first = _send(school, wish, KEY).json["secret"]
    school.die_before_remembering()
    second = _send(school, wish, KEY).json["secret"]

    def status(secret: str) -> int:
        bearer = {"Authorization": f"Bearer {secret}"}
        return app.test_client().get("/api/v1/tokens", headers=bearer).status_code

    assert (status(first), status(second)) == (401, 200)


def test_codes_nobody_saw_are_replaced_and_those_handed_out_are_not(app: Flask, school: School) -> None:
    """Kept as "not missing", they would have been lost with the answer."""
    wish = CREATING["exams.issue_access_codes"](school)
    first = [each["code"] for each in _send(school, wish, KEY).json["items"]]
    school.die_before_remembering()
    second = [each["code"] for each in _send(school, wish, KEY).json["items"]]
    assert len(second) == 3
    assert _send(school, wish, {"Idempotency-Key": "k2"}).json["items"] == []  # nobody's is missing now

    def status(code: str) -> int:
        return app.test_client().post("/api/v1/candidate/session", json={"access_code": code}).status_code

    assert [status(code) for code in first] == [401, 401, 401]
    assert [status(code) for code in second] == [201, 201, 201]
