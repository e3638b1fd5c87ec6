"""The gateway as it is started in production, with no other service, no bus and no object store."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _ask(port: int, path: str, **headers: str) -> tuple[int, dict[str, Any], Any]:
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return answer.status, json.loads(answer.read()), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read()), error.headers


@pytest.fixture
def process(database_url: Callable[[str], str], tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    port, log = _free_port(), tmp_path / "log"
    environ = os.environ | {
        "KORRIGO_DATABASE_URL": database_url("gateway").replace("+psycopg", ""),
        "KORRIGO_BUS_URL": "amqp://guest:guest@127.0.0.1:1//",
        "KORRIGO_S3_ENDPOINT": "127.0.0.1:1",
        "KORRIGO_S3_ACCESS_KEY": "x",
        "KORRIGO_S3_SECRET_KEY": "x",
        "KORRIGO_SECRET_KEY": "s" * 32,
        "KORRIGO_LOG_FORMAT": "json",
        "KORRIGO_HTTP_BIND": f"127.0.0.1:{port}",
    }
    with log.open("wb") as output:
        command = [sys.executable, "-m", "chassis.run", "gateway"]
        started = subprocess.Popen(command, env=environ, cwd=ROOT, stderr=output, stdout=output)
        try:
            for _ in range(200):
                with contextlib.suppress(OSError):
                    _ask(port, "/health/live")
                    break
                time.sleep(0.1)
            yield started, port, log
        finally:
            started.terminate()
            started.wait(30)


def test_it_lives_without_the_others_says_what_is_missing_and_stops_when_told(
    process: tuple[subprocess.Popen[bytes], int, Path],
) -> None:
    started, port, log = process
    assert _ask(port, "/health/live")[:2] == (200, {"live": True})
    status, ready, _ = _ask(port, "/health/ready")
    assert status == 503
    assert {name: verdict["ok"] for name, verdict in ready["dependencies"].items()} == {
        "database": True,
        "object_store": False,
        "bus": False,
    }
    mine = "7d0b9a52-3d1c-4c0e-9a3e-0f6f2f6a1b11"
    status, problem, headers = _ask(port, "/api/v1/session", **{"X-Request-ID": mine})
    assert (status, problem["request_id"], headers["X-Request-ID"]) == (401, mine, mine)
    started.send_signal(signal.SIGTERM)
    assert started.wait(25) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]  # gunicorn's own are no exception
    (line,) = [each for each in lines if each.get("correlation_id") == mine]
    assert (line["event"], line["route"], line["status"], line["method"]) == ("request", "/api/v1/session", 401, "GET")


def test_everything_missing_is_told_at_once_before_gunicorn_starts() -> None:
    """gunicorn told of it in a trace, three times over, and booted its worker again."""
    bare = {"PATH": os.environ["PATH"], "KORRIGO_HTTP_THREADS": "many"}
    command = [sys.executable, "-m", "chassis.run", "gateway"]
    ended = subprocess.run(command, env=bare, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    told = ended.stderr.splitlines()
    assert told[0] == "the environment is not usable:"
    named = {line.split()[0] for line in told[1:]}
    assert named >= {"KORRIGO_HTTP_THREADS", "KORRIGO_DATABASE_URL", "KORRIGO_BUS_URL", "KORRIGO_SECRET_KEY"}
    assert "gunicorn" not in ended.stderr
