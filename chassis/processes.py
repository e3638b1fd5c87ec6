"""Server programs as children that never outlive us, and ports that two sessions never share."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import fcntl
import os
import random
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_libc = ctypes.CDLL(None, use_errno=True)

# Below the kernel's own range (32768 and up), where an outgoing connection may take any port at any moment.
_PORTS = range(20_000, 32_000)


class ServerFailed(Exception):
    """A server did not start; the text ends with the last lines it wrote."""


class Ports:
    """Ports of 127.0.0.1 reserved for this process: locked files keep other sessions of ours away until it ends.

    ``directory`` is private to the user and has a short path: sockets may live there too.
    """

    def __init__(self) -> None:
        self.directory = Path(tempfile.gettempdir()) / f"korrigo-ports-{os.getuid()}"
        self._held: dict[int, int] = {}

    def take(self, count: int, preferred: Sequence[int] = ()) -> list[int]:
        """``preferred`` if all of them are free (a restarted server keeps its address), else ``count`` others."""
        if len(preferred) == count:
            taken = [port for port in preferred if self._reserve(port)]
            if len(taken) == count:
                return taken
            for port in taken:
                self.release(port)
        found: list[int] = []
        for port in random.sample(_PORTS, 2_000):
            if len(found) == count:
                return found
            if self._reserve(port):
                found.append(port)
        raise ServerFailed("no free port on 127.0.0.1")

    def release(self, *ports: int) -> None:
        for port in ports:
            descriptor = self._held.pop(port, None)
            if descriptor is not None:
                os.close(descriptor)

    def _reserve(self, port: int) -> bool:
        if port in self._held:
            return False
        self.directory.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(self.directory / str(port), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free for a server
                probe.bind(("127.0.0.1", port))
        except OSError:
            os.close(descriptor)
            return False
        self._held[port] = descriptor
        return True


PORTS = Ports()


class Child:
    """One server process in a session of its own, told to end when this process dies, however it dies."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        environ: Mapping[str, str] | None = None,
        user: int | None = None,
        stop_signal: int = signal.SIGTERM,
    ) -> None:
        # The kernel sends the death signal when the *thread* that started the child ends, so only the main one may.
        if threading.get_native_id() != os.getpid():
            raise RuntimeError("servers are started from the main thread")
        self.log = log
        self._stop_signal = stop_signal
        parent = os.getpid()

        def tie_to_parent() -> None:
            _libc.prctl(_PR_SET_PDEATHSIG, stop_signal)
            if os.getppid() != parent:  # it died before the line above
                os._exit(1)

        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environ or {})},
                cwd="/",
                start_new_session=True,
                preexec_fn=tie_to_parent,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )
        atexit.register(self.stop)

    def wait_until(self, ready: Callable[[], object], *, what: str, timeout_s: float = 60) -> None:
        """Wait until ``ready`` returns without an exception.

        Raises:
            ServerFailed: the process ended first, or the time is over.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                ready()
                return
            except Exception as error:  # whatever "not yet" looks like for this server
                latest = error
            if self.process.poll() is not None:
                raise ServerFailed(f"{what} ended with status {self.process.returncode}:\n{self.tail()}") from latest
            if time.monotonic() > deadline:
                raise ServerFailed(f"{what} did not answer within {timeout_s:.0f} s ({latest}):\n{self.tail()}")
            time.sleep(0.05)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-1500:]

    def stop(self, timeout_s: float = 10) -> None:
        """End the process cleanly, by force after ``timeout_s``; harmless when it has ended."""
        atexit.unregister(self.stop)
        if self.process.poll() is None:
            self.process.send_signal(self._stop_signal)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                pass
        self.kill()

    def kill(self) -> None:
        """SIGKILL for the process and whatever it started in its session."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
