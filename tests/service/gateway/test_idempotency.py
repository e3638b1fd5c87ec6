"""A client that did not hear the answer may ask again."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from flask import Flask

from chassis.db import Database
from contracts.errors import Unavailable
from contracts.model import Role
from contracts.rpc.grading import exams as rpc_exams
from services.gateway.store import idempotency_keys
from tests.service.gateway.conftest import FakeRpc, Person, enrol, sign_in
from tests.service.gateway.examples import exam_view

EXAM = {"title": "Bac blanc", "intake": "a3"}
KEY = {"Idempotency-Key": "k1"}


def _create(rpc: FakeRpc) -> None:
    rpc.on(rpc_exams.CREATE_EXAM, lambda asked: exam_view(uuid4(), title=asked.title))


def test_the_same_key_and_request_give_the_same_answer(admin: Person, rpc: FakeRpc) -> None:
    _create(rpc)
    first, again = (admin.post("/exams", json=EXAM, headers=KEY) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert rpc.names() == ["create_exam"]


def test_without_a_key_two_requests_are_two(admin: Person, rpc: FakeRpc) -> None:
    _create(rpc)
    assert admin.post("/exams", json=EXAM).json["id"] != admin.post("/exams", json=EXAM).json["id"]


def test_a_key_belongs_to_one_request(admin: Person, rpc: FakeRpc) -> None:
    _create(rpc)
    admin.post("/exams", json=EXAM, headers=KEY)
    other = admin.post("/exams", json=EXAM | {"title": "Other"}, headers=KEY)
    assert (other.status_code, other.json["code"]) == (422, "gateway.idempotency_mismatch")
    elsewhere = admin.post("/tokens", json={"name": "x"}, headers=KEY)
    assert elsewhere.status_code == 422


def test_a_key_belongs_to_one_person(app: Flask, admin: Person, rpc: FakeRpc) -> None:
    _create(rpc)
    other = sign_in(app, enrol(app, Role.ADMIN).username)
    mine, theirs = admin.post("/exams", json=EXAM, headers=KEY), other.post("/exams", json=EXAM, headers=KEY)
    assert mine.json["id"] != theirs.json["id"]


def test_while_the_first_still_runs_the_second_is_told_to_wait(admin: Person, rpc: FakeRpc, app: Flask) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def slow(asked: Any) -> Any:
        reached.set()
        assert go_on.wait(10)
        return exam_view(uuid4(), title=asked.title)

    rpc.on(rpc_exams.CREATE_EXAM, slow)
    twin = Person(app.test_client(), admin.id, admin.username)
    cookie = admin.client.get_cookie("korrigo")
    assert cookie is not None
    twin.client.set_cookie("korrigo", cookie.value)
    twin.csrf = admin.csrf
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(admin.post, "/exams", json=EXAM, headers=KEY)
        assert reached.wait(10)
        second = twin.post("/exams", json=EXAM, headers=KEY)
        go_on.set()
        assert first.result().status_code == 201
    assert (second.status_code, second.json["code"]) == (409, "gateway.idempotency_in_progress")
    assert int(second.headers["Retry-After"]) > 0
    assert rpc.names() == ["create_exam"]


def test_a_failure_may_be_tried_again_under_the_same_key(admin: Person, rpc: FakeRpc) -> None:
    """Remembered, a 503 would be repeated for a day although grading came back."""

    def down(_: Any) -> Any:
        raise Unavailable("grading")

    rpc.on(rpc_exams.CREATE_EXAM, down)
    assert admin.post("/exams", json=EXAM, headers=KEY).status_code == 503
    _create(rpc)
    assert admin.post("/exams", json=EXAM, headers=KEY).status_code == 201


def test_a_key_left_by_a_process_that_died_is_taken_over(admin: Person, rpc: FakeRpc, db: Database) -> None:
    _create(rpc)
    admin.post("/exams", json=EXAM, headers=KEY)
    old = sa.func.now() - sa.text("interval '46 seconds'")
    with db.transaction() as work:
        work.sql.execute(sa.update(idempotency_keys).values(answer=sa.null(), started_at=old))
    assert admin.post("/exams", json=EXAM, headers=KEY).status_code == 201
    assert rpc.names() == ["create_exam", "create_exam"]


def test_a_secret_is_shown_once_even_to_the_same_key(admin: Person, db: Database) -> None:
    first, again = (admin.post("/tokens", json={"name": "x"}, headers=KEY) for _ in range(2))
    assert again.json == first.json | {"secret": None}
    with db.reading() as sql:
        assert first.json["secret"] not in repr(sql.execute(idempotency_keys.select()).all())


def test_a_key_that_is_no_key(admin: Person) -> None:
    for key in ("", "x" * 256):
        answer = admin.post("/exams", json=EXAM, headers={"Idempotency-Key": key})
        assert answer.status_code == 422
