"""Signing in and out, passwords, tokens, accounts."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from chassis.db import Database
from contracts.model import Role
from services.gateway import accounts as command_line
from services.gateway.store import accounts, idempotency_keys, rate_buckets, sessions, tokens
from tests.service.gateway.conftest import PASSWORD, Person, enrol, sign_in


def _try(app: Flask, username: str, password: str = "wrong", **headers: str) -> Any:
    body = {"username": username, "password": password}
    return app.test_client().post("/api/v1/session", json=body, headers=headers)


def test_a_session_is_opened_shown_and_closed(app: Flask, admin: Person) -> None:
    shown = admin.get("/session")
    assert shown.status_code == 200
    assert shown.json["user"]["role"] == "admin"
    assert shown.json["csrf_token"] == admin.csrf
    assert admin.delete("/session").status_code == 204
    assert admin.get("/session").status_code == 401


def test_a_copied_cookie_is_worth_nothing_after_signing_out(app: Flask, admin: Person) -> None:
    """The session ends on the server; deleting the cookie alone would leave the thief signed in."""
    stolen = admin.client.get_cookie("korrigo")
    assert stolen is not None
    admin.delete("/session")
    thief = app.test_client()
    thief.set_cookie("korrigo", stolen.value)
    assert thief.get("/api/v1/session").status_code == 401


def test_the_database_holds_no_secret_that_opens_anything(admin: Person, db: Database) -> None:
    cookie = admin.client.get_cookie("korrigo")
    assert cookie is not None
    secret = admin.post("/tokens", json={"name": "script"}).json["secret"]
    with db.reading() as sql:
        stored = repr([sql.execute(sa.select(table)).all() for table in (accounts, sessions, tokens)])
    assert cookie.value not in stored
    assert secret not in stored
    assert PASSWORD not in stored
    assert "argon2id$v=19$m=19456,t=2,p=1" in stored


def test_the_cookie_is_for_the_browser_and_https_alone(build: Callable[..., Flask]) -> None:
    app = build(secure=True)
    enrol(app, Role.ADMIN, "ada")
    answer = app.test_client().post(
        "/api/v1/session", json={"username": "Ada", "password": PASSWORD}, base_url="https://localhost"
    )
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-korrigo=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Expires" not in cookie  # it ends with the browser
    assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


def test_unknown_user_wrong_password_and_retired_account_answer_the_same(app: Flask, admin: Person) -> None:
    ada = enrol(app, Role.MARKER, "ada")
    enrol(app, Role.MARKER, "bob")
    assert admin.patch(f"/users/{ada.id}", json={"active": False}).status_code == 200
    answers = [_try(app, "nobody"), _try(app, "bob"), _try(app, "ada", PASSWORD)]
    bodies = [{**each.json, "request_id": ""} for each in answers]
    assert [each.status_code for each in answers] == [401, 401, 401]
    assert bodies[0] == bodies[1] == bodies[2]


def _noting(seen: list[str], verify: Callable[[str, str], bool]) -> Callable[[str, str], bool]:
    def noted(known: str, word: str) -> bool:
        seen.append(known)
        return verify(known, word)

    return noted


def test_an_unknown_user_costs_a_hash_too(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the time of the answer tells which user names exist."""
    passwords = app.extensions["korrigo"].passwords
    verified: list[str] = []
    verify = passwords._verify
    monkeypatch.setattr(passwords, "_verify", _noting(verified, verify))
    _try(app, "nobody")
    assert len(verified) == 1
    assert verified[0].startswith("$argon2id$")


def test_the_sixth_wrong_password_is_not_looked_at(build: Callable[..., Flask]) -> None:
    app = build(login_per_address=1000)
    enrol(app, Role.MARKER, "ada")
    assert [_try(app, "ada").status_code for _ in range(5)] == [401] * 5
    refused = _try(app, "ada", PASSWORD)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 900
    assert _try(app, "bob").status_code == 401  # others are not concerned


def test_guessing_many_accounts_from_one_address_is_throttled_too(build: Callable[..., Flask]) -> None:
    app = build()
    assert [_try(app, f"user{n}").status_code for n in range(6)] == [401] * 5 + [429]


def test_a_school_behind_one_address_can_sign_in(build: Callable[..., Flask]) -> None:
    """Right passwords are given back: counted, the sixth teacher of the morning would be locked out."""
    app = build()
    names = [enrol(app, Role.MARKER, f"teacher{n}").username for n in range(8)]
    assert [_try(app, name, PASSWORD).status_code for name in names] == [201] * 8


def test_simultaneous_guesses_all_count(build: Callable[..., Flask]) -> None:
    """Counting after the hash would let all twenty through before the first was counted."""
    app = build(login_per_address=1000)
    enrol(app, Role.MARKER, "ada")
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda _: _try(app, "ada").status_code, range(20)))
    assert statuses.count(401) <= 5
    assert set(statuses) == {401, 429}


def test_a_saturated_hash_answers_429_before_hashing(build: Callable[..., Flask]) -> None:
    app = build(hash_concurrency=1)
    passwords = app.extensions["korrigo"].passwords
    while passwords._admitted.acquire(blocking=False):
        pass
    answer = _try(app, "ada")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "2"


def test_a_session_slides_and_ends(app: Flask, admin: Person, db: Database) -> None:
    old = sa.func.now() - sa.text("interval '2 minutes'")
    with db.transaction() as work:
        work.sql.execute(sa.update(sessions).values(seen_at=old, expires_at=sa.func.now() + sa.text("interval '1 s'")))
    assert admin.get("/session").status_code == 200  # slid: four hours from here
    with db.reading() as sql:
        left = sql.execute(sa.select(sa.extract("epoch", sessions.c.expires_at - sa.func.now()))).scalar_one()
    assert 14_390 < left <= 14_400
    with db.transaction() as work:
        work.sql.execute(sa.update(sessions).values(expires_at=sa.func.now()))
    assert admin.get("/session").status_code == 401


def test_a_changed_password_ends_all_other_sessions(app: Flask) -> None:
    enrol(app, Role.MARKER, "ada")
    here, elsewhere = sign_in(app, "ada"), sign_in(app, "ada")
    changed = here.put("/session/password", json={"current": PASSWORD, "new": " cerfeuil-bicyclette 7 "})
    assert changed.status_code == 204
    assert here.get("/session").status_code == 200
    assert elsewhere.get("/session").status_code == 401
    assert _try(app, "ada", PASSWORD).status_code == 401
    assert _try(app, "ada", " cerfeuil-bicyclette 7 ").status_code == 201  # blanks are part of it


def test_one_ends_ones_other_sessions_and_nobody_elses(app: Flask, marker: Person, admin: Person) -> None:
    other = sign_in(app, marker.username)
    listed = marker.get("/sessions").get_json()
    assert listed["total"] == 2
    assert [each["current"] for each in listed["items"]].count(True) == 1
    ended = next(each["id"] for each in listed["items"] if not each["current"])
    assert admin.delete(f"/sessions/{ended}").status_code == 404
    assert other.get("/session").status_code == 200
    assert marker.delete(f"/sessions/{ended}").status_code == 204
    assert other.get("/session").status_code == 401
    assert marker.delete(f"/sessions/{ended}").status_code == 404
    assert [each["current"] for each in marker.get("/sessions").get_json()["items"]] == [True]


def test_a_personal_token_sees_sessions_and_is_none(app: Flask, marker: Person) -> None:
    secret = marker.post("/tokens", json={"name": "script"}).get_json()["secret"]
    answer = app.test_client().get("/api/v1/sessions", headers={"Authorization": f"Bearer {secret}"})
    assert [each["current"] for each in answer.get_json()["items"]] == [False]


def test_a_wrong_current_password_changes_nothing(app: Flask, marker: Person) -> None:
    refused = marker.put("/session/password", json={"current": "x", "new": "cerfeuil-bicyclette-7"})
    assert refused.status_code == 422
    assert refused.json["errors"] == [
        {"field": "current", "code": "wrong_password", "message": "this is not your present password"}
    ]
    assert _try(app, marker.username, PASSWORD).status_code == 201


@pytest.mark.parametrize(
    ("password", "reasons"),
    [
        ("123456", {"too_short", "all_numeric", "common"}),
        ("password", {"too_short", "common"}),
        ("48151623421234", {"all_numeric"}),
        ("clementine-2026!", {"similar_to_user"}),
    ],
)
def test_a_weak_password_is_refused_with_every_reason(admin: Person, password: str, reasons: set[str]) -> None:
    body = {"username": "clementine", "password": password, "role": "marker"}
    refused = admin.post("/users", json=body)
    assert refused.status_code == 422
    assert refused.json["code"] == "gateway.password_refused"
    assert {error["code"] for error in refused.json["errors"]} == reasons


def test_accounts_are_created_listed_changed_and_never_deleted(admin: Person, app: Flask) -> None:
    body = {"username": "Bob.B", "display_name": "B. B.", "password": PASSWORD, "role": "marker"}
    made = admin.post("/users", json=body)
    assert made.status_code == 201
    assert made.json["username"] == "bob.b"
    assert "password" not in made.text
    assert admin.get(made.headers["Location"].removeprefix("/api/v1")).json == made.json
    assert admin.post("/users", json=body).status_code == 409
    first = admin.get("/users?limit=1").json
    second = admin.get(f"/users?limit=1&cursor={first['next']}").json
    assert first["total"] == 2
    assert {first["items"][0]["username"], second["items"][0]["username"]} == {admin.username, "bob.b"}
    assert second["next"] is None
    bob = sign_in(app, "bob.b")
    path = f"/users/{made.json['id']}"
    assert admin.patch(path, json={"active": False}).json["active"] is False
    assert bob.get("/session").status_code == 401
    assert admin.delete(path).status_code == 405


def test_the_last_administrator_stays(admin: Person) -> None:
    for change in ({"active": False}, {"role": "marker"}):
        refused = admin.patch(f"/users/{admin.id}", json=change)
        assert (refused.status_code, refused.json["code"]) == (409, "gateway.last_admin")


def test_two_administrators_cannot_retire_each_other(app: Flask) -> None:
    for _ in range(5):
        pair = [sign_in(app, enrol(app, Role.ADMIN).username) for _ in range(2)]
        with app.extensions["korrigo"].db.transaction() as work:
            work.sql.execute(
                sa.update(accounts).where(accounts.c.id.not_in([each.id for each in pair])).values(active=False)
            )
        with ThreadPoolExecutor(2) as pool:
            retire = [(pair[0], pair[1].id), (pair[1], pair[0].id)]
            found = list(pool.map(lambda each: each[0].patch(f"/users/{each[1]}", json={"active": False}), retire))
        statuses = sorted(each.status_code for each in found)
        assert statuses[0] == 200
        assert statuses[1] in {401, 409}


def test_a_personal_token_needs_no_cookie_and_no_csrf(app: Flask, marker: Person) -> None:
    made = marker.post("/tokens", json={"name": "script"})
    assert made.status_code == 201
    script = app.test_client()
    bearer = {"Authorization": f"Bearer {made.json['secret']}"}
    assert script.get("/api/v1/session", headers=bearer).get_json()["csrf_token"] is None
    assert script.post("/api/v1/tokens", json={"name": "two"}, headers=bearer).status_code == 201
    listed = marker.get("/tokens").json
    assert listed["total"] == 2
    assert [item["secret"] for item in listed["items"]] == [None, None]
    assert marker.delete(f"/tokens/{made.json['id']}").status_code == 204
    assert script.get("/api/v1/session", headers=bearer).status_code == 401


def test_lists_cost_the_same_however_long_they_are(admin: Person, app: Flask, db: Database) -> None:
    """Who asks, how many there are, and the page itself: three statements."""
    counted: list[str] = []

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        counted.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", count)
    found = []
    for _ in range(2):
        for path in ("/users", "/tokens", "/jobs"):
            counted.clear()
            assert admin.get(path).status_code == 200
            found.append(len(counted))
        for n in range(5):
            enrol(app, Role.MARKER)
            admin.post("/tokens", json={"name": f"t{n}"})
    assert found == [3] * 6
    pages = admin.get("/tokens?limit=3").json
    rest = admin.get(f"/tokens?limit=3&cursor={pages['next']}").json
    assert [item["name"] for item in pages["items"] + rest["items"]] == [f"t{n}" for n in range(5)] + ["t0"]
    assert len({item["id"] for item in pages["items"] + rest["items"]}) == 6


def test_one_cannot_revoke_somebody_elses_token(marker: Person, admin: Person) -> None:
    token = marker.post("/tokens", json={"name": "mine"}).json
    assert admin.delete(f"/tokens/{token['id']}").status_code == 404


def test_expired_rows_are_forgotten_after_all_else_was_locked(app: Flask, admin: Person, db: Database) -> None:
    """An attempt counts its address, then its account; a sign-in that held an expired account's bucket and then
    wanted the address's would wait in a circle with it.
    """
    written: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda _, __, statement, *___: written.append(statement))
    sign_in(app, admin.username)
    forgotten = next(place for place, each in enumerate(written) if each.startswith("DELETE FROM rate_buckets"))
    assert not [each for each in written[forgotten:] if each.startswith(("UPDATE", "INSERT"))]


def test_expired_rows_are_forgotten_at_sign_in(app: Flask, admin: Person, db: Database) -> None:
    admin.post("/tokens", json={"name": "x"}, headers={"Idempotency-Key": "one"})
    past = sa.func.now() - sa.text("interval '2 days'")
    with db.transaction() as work:
        work.sql.execute(sa.update(sessions).values(expires_at=past))
        work.sql.execute(sa.update(rate_buckets).values(ends_at=past))
        work.sql.execute(sa.update(idempotency_keys).values(started_at=past))
    sign_in(app, admin.username)
    with db.reading() as sql:
        assert sql.execute(sa.select(sa.func.count()).select_from(sessions)).scalar_one() == 1
        assert sql.execute(sa.select(sa.func.count()).select_from(idempotency_keys)).scalar_one() == 0
        old = sa.select(sa.func.count()).select_from(rate_buckets).where(rate_buckets.c.ends_at < sa.func.now())
        assert sql.execute(old).scalar_one() == 0


def test_the_first_administrator_comes_from_the_command_line(
    database_url: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("KORRIGO_DATABASE_URL", database_url("gateway"))
    entered = tmp_path / "password"
    entered.write_text(f"{PASSWORD}\n")
    with entered.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert command_line.main(["create", "--username", "Root", "--role", "admin"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("admin root ")
    assert PASSWORD not in shown.out
    with entered.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert command_line.main(["create", "--username", "root", "--role", "admin"]) == 1
    assert "taken" in capsys.readouterr().err
