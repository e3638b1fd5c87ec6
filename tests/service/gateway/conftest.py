"""The gateway on a real PostgreSQL, with services played by functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chassis.db import Database
from chassis.objects import Objects
from contracts.errors import Unavailable
from contracts.model import Role
from services.gateway import people
from services.gateway.app import create_app
from services.gateway.context import Gateway
from services.gateway.settings import Settings

PASSWORD = "tournesol-grenadine-42"


class FakeRpc:
    """Answers from functions; what goes in and out passes through JSON, as it does on the bus."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[[Any], Any]] = {}
        self.asked: list[tuple[str, Any]] = []
        self.up = True

    def on(self, method: Any, handler: Callable[[Any], Any]) -> None:
        self.handlers[method.name] = handler

    def call(self, method: Any, request: Any, *, timeout_s: float | None = None) -> Any:
        self.asked.append((method.name, request))
        if method.name not in self.handlers:
            raise Unavailable(method.service, "not running")
        received = method.request.model_validate_json(request.model_dump_json())
        reply = self.handlers[method.name](received)
        return method.reply.model_validate_json(reply.model_dump_json())

    def ready(self) -> bool:
        return self.up

    def names(self) -> list[str]:
        return [name for name, _ in self.asked]


@dataclass
class Person:
    """A browser with somebody signed in: writes carry the CSRF value unless told otherwise."""

    client: FlaskClient
    id: UUID
    username: str
    csrf: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, **request: Any) -> Any:
        return self.open(method, "/api/v1" + path, **request)

    def open(self, method: str, path: str, **request: Any) -> Any:
        """Any address, also outside the API."""
        headers = {"X-CSRF-Token": self.csrf, "Accept-Language": "en"} | self.headers | request.pop("headers", {})
        return self.client.open(path, method=method, headers=headers, **request)

    def get(self, path: str, **request: Any) -> Any:
        return self.send("GET", path, **request)

    def post(self, path: str, **request: Any) -> Any:
        return self.send("POST", path, **request)

    def put(self, path: str, **request: Any) -> Any:
        return self.send("PUT", path, **request)

    def patch(self, path: str, **request: Any) -> Any:
        return self.send("PATCH", path, **request)

    def delete(self, path: str, **request: Any) -> Any:
        return self.send("DELETE", path, **request)


def settings(**changes: Any) -> Settings:
    values: dict[str, Any] = {
        "database_url": "postgresql+psycopg://unused",
        "bus_url": "inproc://unused",
        "s3_endpoint": "127.0.0.1:1",
        "s3_access_key": "unused",
        "s3_secret_key": "unused",
        "secret_key": "k" * 32,
        "secure": False,
    }
    return Settings(**(values | changes))


@pytest.fixture
def rpc() -> FakeRpc:
    return FakeRpc()


@pytest.fixture
def db(database: Callable[[str], Database]) -> Database:
    return database("gateway")


@pytest.fixture
def build(db: Database, rpc: FakeRpc) -> Callable[..., Flask]:
    """``build(secure=True)``: an application with these settings. Without a store unless one is given."""

    def build(objects: Objects | None = None, **changes: Any) -> Flask:
        app = create_app(settings(**changes), rpc=rpc, objects=objects, db=db)
        app.testing = False  # unexpected exceptions must become problem documents here too
        return app

    return build


@pytest.fixture
def app(build: Callable[..., Flask], objects: Objects) -> Flask:
    return build(objects, rate_factor=100.0)


def enrol(app: Flask, role: Role, username: str | None = None) -> people.User:
    here: Gateway = app.extensions["korrigo"]
    name = username or f"{role.value}.{uuid4().hex[:6]}"
    return people.create_account(
        here.db, here.passwords, username=name, display_name="Ada L.", role=role, password=PASSWORD
    )


def sign_in(app: Flask, username: str, password: str = PASSWORD) -> Person:
    client = app.test_client()
    answer = client.post("/api/v1/session", json={"username": username, "password": password})
    assert answer.status_code == 201, answer.text
    return Person(client, UUID(answer.get_json()["user"]["id"]), username, answer.get_json()["csrf_token"])


@pytest.fixture
def somebody(app: Flask) -> Callable[[Role], Person]:
    """``somebody(Role.MARKER)``: a new member of staff, signed in."""
    return lambda role: sign_in(app, enrol(app, role).username)


@pytest.fixture
def admin(somebody: Callable[[Role], Person]) -> Person:
    return somebody(Role.ADMIN)


@pytest.fixture
def marker(somebody: Callable[[Role], Person]) -> Person:
    return somebody(Role.MARKER)


@pytest.fixture
def candidate(app: Flask, admin: Person) -> Person:
    """A candidate who has used their access code."""
    here: Gateway = app.extensions["korrigo"]
    person = uuid4()
    code = people.issue_codes(here.db, (person,), by=admin.id, days=1, only_missing=False)[person]
    client = app.test_client()
    answer = client.post("/api/v1/candidate/session", json={"access_code": code})
    assert answer.status_code == 201, answer.text
    return Person(client, person, "", answer.get_json()["csrf_token"])
