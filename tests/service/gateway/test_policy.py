"""Route by route, role by role: the table in policy.py is complete, and it is what the server does."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from contracts.model import Role
from services.gateway.api import OPERATIONS
from services.gateway.app import create_app
from services.gateway.policy import RULES
from tests.service.gateway.conftest import FakeRpc, Person, settings

WAYS_OUT = {"web.sign_out", "web.leave"}
"""Pages that end the session; who may use them does so in tests/web."""
SOME_ID = "0192f5c0-0000-7000-8000-000000000001"


def _routes(app: Flask) -> list[tuple[str, str, str]]:
    """(endpoint, method, concrete path) of everything the application answers."""
    found = []
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:uuid:)\w+>", SOME_ID, str(rule))
        path = re.sub(r"<(?:int|path|string)?(?:\([^)]*\))?:?\w+>", "1", path)
        found += [(rule.endpoint, method, path) for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"})]
    return found


def test_every_route_has_a_line_in_the_policy_and_every_line_a_route(app: Flask) -> None:
    endpoints = {endpoint for endpoint, _, _ in _routes(app)}
    assert endpoints - RULES.keys() == set()
    assert RULES.keys() - endpoints == set()


def test_a_route_without_a_line_is_closed(app: Flask, admin: Person) -> None:
    """The default is no: a forgotten entry must not become an open door."""
    app._got_first_request = False  # Flask refuses new routes once it serves
    app.add_url_rule("/api/v1/forgotten", "forgotten", lambda: "secret")
    assert admin.get("/forgotten").status_code == 403
    assert app.test_client().get("/api/v1/forgotten").status_code == 403


def test_nobody_gets_past_a_door_without_a_session(app: Flask) -> None:
    client = app.test_client()
    for endpoint, method, path in _routes(app):
        if not RULES[endpoint].public:
            answer = client.open(path, method=method)
            assert (endpoint, answer.status_code) == (endpoint, 401)
            assert answer.get_json()["code"] == "gateway.not_signed_in"


@pytest.mark.parametrize("role", list(Role))
def test_each_role_passes_its_own_doors_only(
    role: Role, app: Flask, rpc: FakeRpc, somebody: Callable[[Role], Person], request: pytest.FixtureRequest
) -> None:
    person = request.getfixturevalue("candidate") if role is Role.CANDIDATE else somebody(role)
    refused, passed = 0, 0
    # closing the session comes last, or all that follows would be 401
    own_close = "candidate.close" if role is Role.CANDIDATE else "session.close"
    for endpoint, method, path in sorted(_routes(app), key=lambda each: each[0] == own_close):
        rule = RULES[endpoint]
        if rule.public or (endpoint in WAYS_OUT and role in rule.roles):
            continue
        before = len(rpc.asked)
        answer = person.open(method, path)
        if role in rule.roles:
            # whatever else is wrong with an empty request, the door itself opened
            assert answer.status_code not in {401, 403, 500}, (endpoint, answer.text)
            passed += 1
        else:
            assert (endpoint, answer.status_code) == (endpoint, 403)
            assert answer.json["code"] == "gateway.wrong_role"
            assert len(rpc.asked) == before, f"{endpoint} asked a service for somebody it then refused"
            refused += 1
    assert refused
    assert passed


@pytest.mark.parametrize("role", list(Role))
def test_a_cookie_alone_writes_nothing(
    role: Role, app: Flask, rpc: FakeRpc, somebody: Callable[[Role], Person], request: pytest.FixtureRequest
) -> None:
    """Without the CSRF header another site could write with the browser's cookie."""
    person = request.getfixturevalue("candidate") if role is Role.CANDIDATE else somebody(role)
    person.csrf = "0" * 64
    tried = 0
    for endpoint, method, path in _routes(app):
        if role in RULES[endpoint].roles and method != "GET":
            answer = person.open(method, path)
            assert (endpoint, answer.status_code, answer.json["code"]) == (endpoint, 403, "gateway.csrf")
            tried += 1
    assert tried
    assert rpc.asked == []


def test_every_operation_of_the_api_is_declared(app: Flask) -> None:
    """A route of /api/v1 that is not an operation would be missing from the OpenAPI document."""
    outside = {"documents.openapi", "documents.page"}
    served = {each for each, _, path in _routes(app) if path.startswith("/api/v1")} - outside
    assert served == OPERATIONS.keys()


def test_ids_in_paths_are_uuids(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        for name in re.findall(r"<(\w+_id)>", str(rule)):
            pytest.fail(f"{rule}: {name} takes any text")


def test_the_process_starts_and_says_what_is_missing_while_every_server_is_down() -> None:
    client = create_app(settings(), rpc=FakeRpc()).test_client()
    assert client.get("/health/live").status_code == 200
    ready = client.get("/health/ready")
    assert ready.status_code == 503
    found = {name: verdict["ok"] for name, verdict in ready.get_json()["dependencies"].items()}
    assert found == {"database": False, "object_store": False, "bus": True}
