from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from gunicorn.config import Config

from chassis.run import Web, gunicorn_options
from tests.bus.conftest import ROOT
from tests.bus.watching import until


def run(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    bare = {key: value for key, value in os.environ.items() if not key.startswith("KORRIGO_")}
    return subprocess.run(
        [sys.executable, "-m", "chassis.run", *arguments],
        cwd=ROOT, env={**bare, **environ}, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


NOT_ROOTS: dict[str, Any] = {"group": os.getgid() or 65534} if os.getuid() == 0 else {}
"""A process of root has another group here, or all would be root's anyway."""


def looked_into_by(pid: int) -> tuple[int, int]:
    """User and group who may read memory and environment of the process: root's, once it has closed itself."""
    found = Path(f"/proc/{pid}/environ").stat()
    return found.st_uid, found.st_gid


def test_only_what_closes_itself_is_closed_to_others() -> None:
    close = "from chassis.confined.limits import close_to_others; close_to_others(); "
    for closed, prelude in ((False, ""), (True, close)):
        waiting = subprocess.Popen(
            [sys.executable, "-c", f"{prelude}print('here', flush=True); input()"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **NOT_ROOTS,
        )  # fmt: skip
        with waiting:
            assert waiting.stdout is not None
            assert waiting.stdout.readline() == "here\n"
            assert (looked_into_by(waiting.pid) == (0, 0)) is closed
            waiting.communicate("\n")
        assert waiting.returncode == 0


def test_an_unknown_name_is_explained() -> None:
    done = run("accounting")
    assert done.returncode == 2
    assert "ingest|ocr|grading|render|gateway" in done.stderr


def test_every_missing_setting_is_named_at_once() -> None:
    done = run("ingest", KORRIGO_BUS_URL="http://nowhere")
    assert done.returncode == 2
    for name in ("KORRIGO_DATABASE_URL", "KORRIGO_BUS_URL", "KORRIGO_S3_ENDPOINT", "KORRIGO_S3_SECRET_KEY"):
        assert name in done.stderr


def test_settings_of_one_service_alone_are_checked_before_it_starts() -> None:
    done = run("ingest", KORRIGO_INGEST_CHILDREN="0")
    assert done.returncode == 2
    assert "KORRIGO_INGEST_CHILDREN" in done.stderr
    assert "KORRIGO_DATABASE_URL" in done.stderr


def test_gunicorn_writes_nothing_at_home_and_ends_in_time() -> None:
    config = Config()
    given = config.parser().parse_args(gunicorn_options(Web(bind="127.0.0.1:1", threads=7)))
    for name, value in vars(given).items():
        if value is not None and name != "args":
            config.set(name, value)
    assert (config.address, config.threads) == ([("127.0.0.1", 1)], 7)
    assert (config.keepalive, config.graceful_timeout) == (30, 25)
    assert (config.worker_class_str, config.control_socket_disable) == ("gthread", True)


def test_live_but_not_ready_while_it_waits_and_gone_when_told() -> None:
    """Neither the database nor the bus is there: no crash, /health/live 200, /health/ready 503, SIGTERM ends it."""
    from urllib.error import HTTPError
    from urllib.request import urlopen

    from chassis.processes import PORTS

    (port,) = PORTS.take(1)
    environ = {
        **os.environ,
        "KORRIGO_BUS_URL": "amqp://guest:guest@127.0.0.1:1//",
        "KORRIGO_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere",
        "KORRIGO_S3_ENDPOINT": "127.0.0.1:1",
        "KORRIGO_S3_ACCESS_KEY": "unused",
        "KORRIGO_S3_SECRET_KEY": "unused",
        "KORRIGO_INTERNAL_PORT": str(port),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bus.probe"], cwd=ROOT, env=environ, stderr=subprocess.DEVNULL, **NOT_ROOTS
    )

    def status(path: str) -> int:
        try:
            with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code
        except OSError:
            return 0

    try:
        until(lambda: status("/health/live") == 200)
        # A child that runs as the same user cannot read its service's keys.
        assert looked_into_by(process.pid) == (0, 0)
        assert status("/health/ready") == 503
        assert process.poll() is None
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - started < 3
    finally:
        process.kill()
        process.wait()
        PORTS.release(port)
