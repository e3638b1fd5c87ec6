"""Access codes: the way in that candidates are handed on paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from flask import Flask

from chassis.db import Database
from contracts.rpc.grading import exams as rpc_exams
from services.gateway import codes
from services.gateway.store import candidate_accesses
from tests.service.gateway.conftest import FakeRpc, Person


def _roster(exam: Any) -> Callable[[rpc_exams.ListCandidates], rpc_exams.Candidates]:
    def answer(asked: rpc_exams.ListCandidates) -> rpc_exams.Candidates:
        assert asked.exam_id == exam
        return rpc_exams.Candidates(items=PEOPLE, next=None, total=len(PEOPLE))

    return answer


PEOPLE = tuple(
    rpc_exams.CandidateView(
        id=uuid4(), person_id=uuid4(), ine=None, last_name=f"N{n}", first_name="P", class_name="3A",
        birth_date=None, copy_id=None,
    )
    for n in range(3)
)  # fmt: skip


def test_access_codes_open_the_candidates_door_once_issued(app: Flask, admin: Person, rpc: FakeRpc) -> None:
    exam = uuid4()
    rpc.on(rpc_exams.LIST_CANDIDATES, _roster(exam))
    issued = admin.post(f"/exams/{exam}/access-codes", json={})
    assert issued.status_code == 201
    assert issued.headers["Cache-Control"] == "no-store"
    first = issued.json["items"][0]
    assert first["class"] == "3A"
    door = app.test_client()
    typed = f" {first['code'].lower().replace('-', ' ')} ".replace("0", "o").replace("1", "l")
    entered = door.post("/api/v1/candidate/session", json={"access_code": typed})
    assert entered.status_code == 201
    assert entered.get_json()["person_id"] == str(PEOPLE[0].person_id)
    # issued again: the first slip and the session opened with it are worth nothing now
    again = admin.post(f"/exams/{exam}/access-codes", json={}).json["items"][0]
    assert door.get("/api/v1/candidate/session").status_code == 401
    assert door.post("/api/v1/candidate/session", json={"access_code": first["code"]}).status_code == 401
    assert door.post("/api/v1/candidate/session", json={"access_code": again["code"]}).status_code == 201


def test_only_missing_codes_leave_the_others_alone(app: Flask, admin: Person, rpc: FakeRpc, db: Database) -> None:
    exam = uuid4()
    rpc.on(rpc_exams.LIST_CANDIDATES, _roster(exam))
    assert admin.post(f"/exams/{exam}/access-codes").json["total"] == 3
    with db.transaction() as work:
        mine = candidate_accesses.c.person_id == PEOPLE[1].person_id
        work.sql.execute(sa.update(candidate_accesses).where(mine).values(expires_at=sa.func.now()))
    again = admin.post(f"/exams/{exam}/access-codes", json={"only_missing": True}).json
    assert [item["candidate_id"] for item in again["items"]] == [str(PEOPLE[1].id)]


def test_guessing_access_codes_is_throttled(build: Callable[..., Flask]) -> None:
    client = build().test_client()
    guess = [
        client.post("/api/v1/candidate/session", json={"access_code": codes.new_access_code()}).status_code
        for _ in range(6)
    ]
    assert guess == [401] * 5 + [429]
