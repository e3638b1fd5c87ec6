"""The internal port over real HTTP, with threads and under eventlet."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from chassis import health
from chassis.health import Check, InternalServer
from contracts.errors import Unavailable


@pytest.fixture
def opened() -> Iterator[list[InternalServer]]:
    servers: list[InternalServer] = []
    yield servers
    for server in servers:
        server.close()


def _get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def _ready(opened: list[InternalServer], **checks: Check) -> tuple[int, Any, InternalServer]:
    server = InternalServer(0, checks, host="127.0.0.1")
    opened.append(server)
    status, body = _get(server.port, "/health/ready")
    return status, json.loads(body), server


def _fine() -> None: ...


def _down() -> None:
    raise Unavailable("database", "ConnectionTimeout")


def test_all_well_is_200_with_a_verdict_each(opened):
    status, body, _ = _ready(opened, database=_fine, bus=_fine)
    assert status == 200
    assert body["ready"] is True
    assert {name: verdict["ok"] for name, verdict in body["dependencies"].items()} == {"database": True, "bus": True}


def test_one_dependency_down_is_503_and_says_which_and_why_but_the_process_lives(opened):
    status, body, server = _ready(opened, database=_down, bus=_fine)
    assert status == 503
    assert body["dependencies"]["database"]["ok"] is False
    assert body["dependencies"]["database"]["reason"] == "ConnectionTimeout"
    assert body["dependencies"]["bus"]["ok"] is True
    assert _get(server.port, "/health/live")[0] == 200
    metrics = _get(server.port, "/metrics")[1]
    assert 'korrigo_dependency_ready{dependency="database"} 0.0' in metrics
    assert 'korrigo_dependency_ready{dependency="bus"} 1.0' in metrics


def test_a_broken_check_is_not_ready_and_does_not_quote_its_data(opened):
    def broken() -> None:
        raise ValueError("Dupont")

    status, body, _ = _ready(opened, database=broken)
    assert status == 503
    assert body["dependencies"]["database"]["reason"] == "ValueError"


def test_hanging_checks_cost_two_seconds_together_and_one_thread_each(opened):
    release = threading.Event()
    started: list[str] = []

    def hang(name: str) -> None:
        started.append(name)
        release.wait(30)

    begun = time.monotonic()
    status, body, server = _ready(opened, a=lambda: hang("a"), b=lambda: hang("b"), c=_fine)
    assert 1.9 < time.monotonic() - begun < 3.5  # one after the other it would be 4
    assert status == 503
    assert {name: verdict["ok"] for name, verdict in body["dependencies"].items()} == {
        "a": False,
        "b": False,
        "c": True,
    }
    assert body["dependencies"]["a"]["reason"] == "no answer"
    assert _get(server.port, "/health/ready")[0] == 503
    assert sorted(started) == ["a", "b"]  # the second probe did not start them again
    release.set()
    deadline = time.monotonic() + 5
    while _get(server.port, "/health/ready")[0] != 200:  # and they are asked again once they have ended
        assert time.monotonic() < deadline


def test_metrics_are_in_the_format_of_prometheus(opened):
    _, _, server = _ready(opened, bus=_fine)
    status, body = _get(server.port, "/metrics")
    assert status == 200
    assert "# TYPE korrigo_rpc_seconds histogram" in body
    assert "# TYPE copies_graded_total counter" in body


def test_other_paths_do_not_exist(opened):
    _, _, server = _ready(opened)
    assert _get(server.port, "/")[0] == 404


def test_port_0_means_none():
    assert health.serve(0, {}) is None


def test_the_real_dependencies_are_checked(database_url, objects, opened, postgres):
    from chassis.db import Database

    name = "health_check"
    database = Database(postgres.create_database(name), service="ingest")
    status, body, server = _ready(opened, **health.dependencies(database, objects, bus=_fine))
    assert (status, sorted(body["dependencies"])) == (200, ["bus", "database", "object_store"])
    postgres.drop_database(name)
    status, text = _get(server.port, "/health/ready")
    assert status == 503
    assert json.loads(text)["dependencies"]["database"]["ok"] is False
    database.close()


GREEN = """
import warnings; warnings.simplefilter("ignore")
import eventlet; eventlet.monkey_patch()
import json, time, urllib.request, urllib.error
from chassis.health import InternalServer
def hang(): eventlet.sleep(30)
server = InternalServer(0, {"a": hang, "b": hang}, host="127.0.0.1")
started = time.monotonic()
try:
    urllib.request.urlopen(f"http://127.0.0.1:{server.port}/health/ready", timeout=10)
    raise SystemExit("must not be ready")
except urllib.error.HTTPError as error:
    assert error.code == 503 and json.load(error)["dependencies"]["a"]["reason"] == "no answer"
assert 1.9 < time.monotonic() - started < 3.5
with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/health/live", timeout=10) as live:
    assert live.status == 200
server.close()
"""


def test_it_works_on_greenthreads():
    subprocess.run(
        [sys.executable, "-c", GREEN],
        check=True,
        timeout=30,
        env={"PSYCOPG_WAIT_FUNC": "wait_selector", "PATH": "/bin"},
    )
