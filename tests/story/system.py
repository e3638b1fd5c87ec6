"""The five services as five processes on real servers, each of which may be killed and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import requests

from chassis.processes import PORTS

SERVICES = ("ingest", "ocr", "grading", "render", "gateway")
ROOT = Path(__file__).resolve().parents[2]


class System:
    """``environ`` by service name; logs go to ``directory``. Start from the main thread, stop what was started."""

    def __init__(self, environ: Mapping[str, Mapping[str, str]], directory: Path) -> None:
        self.directory = directory
        self.http_port, *internal = PORTS.take(1 + len(SERVICES))
        self.scratch = directory / "scratch"
        self.scratch.mkdir()
        self.internal = dict(zip(SERVICES, internal, strict=True))
        self._environ = {
            name: {
                **os.environ,
                **environ[name],
                "TMPDIR": str(self.scratch),
                "KORRIGO_INTERNAL_PORT": str(self.internal[name]),
                "KORRIGO_HTTP_BIND": f"127.0.0.1:{self.http_port}",
            }
            for name in SERVICES
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def start(self, *names: str) -> None:
        """Start these services (all without names) and wait until each says it is ready."""
        for name in names or SERVICES:
            self.launch(name)
        for name in names or SERVICES:
            self.wait_ready(name)

    def launch(self, name: str, **environ: str) -> subprocess.Popen[bytes]:
        """Start one service with ``environ`` besides its own, and wait for nothing."""
        with (self.directory / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", "chassis.run", name],
                cwd=ROOT,
                env={**self._environ[name], **environ},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self._running[name]

    def wait_ready(self, name: str, timeout_s: float = 60) -> None:
        """Returns when the service says it is ready. RuntimeError: it ended first, or the time is over."""
        end = time.monotonic() + timeout_s
        while True:
            try:
                answer = requests.get(f"http://127.0.0.1:{self.internal[name]}/health/ready", timeout=5)
                if answer.status_code == 200:
                    return
                reason = answer.text
            except requests.RequestException as error:
                reason = str(error)
            if self._running[name].poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{name} is not ready: {reason}\n{self.log(name)[-3000:]}")
            time.sleep(0.05)

    def environ(self, name: str) -> dict[str, str]:
        """What the service finds in its environment."""
        return dict(self._environ[name])

    def log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def kill(self, name: str) -> None:
        """SIGKILL the service and every child of it, at once and without a word; whatever is left if it has ended."""
        process = self._running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def terminate(self, name: str) -> int:
        """SIGTERM to one service; its exit status, -9 when it took more than 30 s."""
        process = self._running.pop(name)
        process.terminate()
        try:
            return process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait()

    def stop(self) -> dict[str, int]:
        """SIGTERM to all; exit status by service. A service that takes more than 30 s is killed (status -9)."""
        for process in self._running.values():
            process.terminate()
        statuses = {}
        for name, process in self._running.items():
            try:
                statuses[name] = process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                statuses[name] = process.wait()
        self._running.clear()
        PORTS.release(self.http_port, *self.internal.values())
        return statuses
