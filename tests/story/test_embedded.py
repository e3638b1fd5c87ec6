"""``make run`` as a new user meets it: one command, two exams, data that survives."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis.processes import PORTS
from chassis.testing.servers import workspace
from demo.client import Client
from tests.story import paper
from tests.story.journey import until
from tests.story.system import ROOT


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    with workspace("demo") as directory:
        directory.chmod(0o755)
        yield directory


class Demo:
    """The command, running; ``out`` is what it printed so far."""

    def __init__(self, data: Path) -> None:
        (self.port,) = PORTS.take(1)
        PORTS.release(self.port)
        self.log = data / "printed"
        self.base = f"http://127.0.0.1:{self.port}"
        self.begun = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "demo", "--port", str(self.port), "--data", str(data / "var")],
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def out(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for(self, text: str, timeout_s: float) -> None:
        def said() -> bool:
            assert self.process.poll() is None, self.out[-3000:]
            return text in self.out

        until(said, f"{text!r} in what the command prints", timeout_s)

    def interrupt(self) -> float:
        """Ctrl-C; how long it took to end, in seconds."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(30) == 0, self.out[-3000:]
        return time.monotonic() - begun

    def destroy(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def accounts(data: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads((data / "var" / "demo-accounts.json").read_text())
    return found


def test_first_start_offers_two_exams_and_second_start_finds_them(data: Path) -> None:
    demo = Demo(data)
    try:
        demo.wait_for("Ctrl-C", 150)
        file = data / "var" / "demo-accounts.json"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert {account["role"] for account in accounts(data)} == {"admin", "operator", "marker", "candidate"}
        seen = whole_demo(demo.base, data)
        assert verified(data) == "everything holds"
        assert demo.interrupt() < 15
    finally:
        demo.destroy()
    again = Demo(data)
    try:
        again.wait_for(again.base, 60)
        started = time.monotonic() - again.begun
        assert whole_demo(again.base, data) == seen
        assert started < 30, "under 10 s on a quiet machine; benchmarks are not for unit tests"
        assert again.interrupt() < 15
    finally:
        again.destroy()


def verified(data: Path) -> str:
    """What an operator is told who asks, while the system runs, whether every invariant holds."""
    command = [sys.executable, "-m", "oversight", "verify", "--deep", "--data", str(data / "var")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1].partition(" (")[0]


def whole_demo(base: str, data: Path) -> dict[str, object]:
    """What the admin, a marker and a candidate find."""
    by_role = {account["role"]: account for account in accounts(data)}
    admin = Client(base).sign_in(by_role["admin"]["username"], by_role["admin"]["password"])
    exams = admin.items("/exams")
    marker = Client(base).sign_in(by_role["marker"]["username"], by_role["marker"]["password"])
    to_mark = [copy for exam in exams for copy in marker.items(f"/exams/{exam['id']}/copies")]
    candidate = Client(base).sign_in_candidate(by_role["candidate"]["password"])
    (result,) = candidate.get("/candidate/results")["items"]
    pdf = candidate.call("GET", f"/candidate/copies/{result['copy_id']}/final.pdf").content
    assert len(paper.page_sizes(pdf)) == 5
    return {
        "exams": sorted((exam["title"], exam["progress"]["by_status"].get("GRADED", 0)) for exam in exams),
        "to_mark": sorted(copy["id"] for copy in to_mark),
        "total": result["total"],
    }


def test_a_port_in_use_is_said_in_words(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "demo", "--port", str(port), "--data", str(data / "other")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert f"Port {port} is in use" in done.stderr
    assert "Traceback" not in done.stderr
