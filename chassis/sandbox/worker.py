"""One child process, seen from its service."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chassis import observe
from chassis.confined import frames
from chassis.confined.child import EXIT_OUT_OF_MEMORY
from chassis.confined.limits import Limits

log = observe.logger("chassis.sandbox")

ROOT = Path(__file__).resolve().parents[2]
START_S = 30.0  # importing native libraries on a busy machine; measured 0.1-1.7 s
FAREWELL_S = 1.0  # between a closed socket and the exit code of a crashing child
REAP_S = 5.0
PREFIX = "korrigo-child-"
BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from chassis.confined.child import main; main(int(sys.argv[2]), *sys.argv[3:])"
)


@dataclass(frozen=True)
class Reply:
    """What a task gave back: a JSON value and raw blobs."""

    result: Any
    blobs: list[bytes] = field(default_factory=list)


class TaskFailed(Exception):
    """The task gave no answer. ``outcome`` is ``timeout``, ``out_of_memory`` or ``crashed``; ``detail`` is for logs."""

    def __init__(self, outcome: str, detail: str = "") -> None:
        super().__init__(f"{outcome}: {detail}" if detail else outcome)
        self.outcome = outcome
        self.detail = detail


def sweep(*, settled_s: float = 60) -> int:
    """Remove the directories of children whose service was killed before it could; returns how many.

    A service's mark on a directory ends with the service, however it ends. One younger than ``settled_s`` may be about
    to get its mark.
    """
    removed = 0
    for directory in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # somebody else's, or just gone
            if directory.stat().st_uid != os.getuid() or time.time() - directory.stat().st_mtime < settled_s:
                continue
            mark = _marked(directory)
            if mark is not None:
                shutil.rmtree(directory, ignore_errors=True)
                os.close(mark)
                removed += 1
    return removed


def _marked(directory: str | Path) -> int | None:
    """A descriptor that holds the directory for this process; None when another process holds it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


class Worker:
    """A warm child. One caller at a time; after any TaskFailed it is dead and must be replaced.

    Must be created in a thread that outlives it: PDEATHSIG fires when the creating thread ends.
    """

    def __init__(self, module: str, limits: Limits, environment: Mapping[str, str]) -> None:
        self.tasks_done = 0
        self._ready = False
        self._directory = tempfile.mkdtemp(prefix=PREFIX)
        self._mark = _marked(self._directory)
        self._socket, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                # -I: nothing from the environment or the current directory; -B: nowhere to write bytecode.
                [sys.executable, "-I", "-B", "-c", BOOT, str(ROOT), str(theirs.fileno()), module, limits.to_json()],
                pass_fds=[theirs.fileno()],
                cwd=self._directory,
                env={"LANG": "C.UTF-8", "TMPDIR": self._directory, "OPENBLAS_NUM_THREADS": "1", **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # its programs share the group, so one killpg takes them all
            )
        except OSError:
            self._socket.close()
            self._remove_directory()
            raise
        finally:
            theirs.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        """Whether an idle child still holds its end of the socket. Never blocks, never reaps."""
        self._socket.settimeout(0)
        try:
            return self._socket.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def call(
        self,
        head: dict[str, Any],
        blob: bytes,
        files: Sequence[int],
        *,
        deadline_s: float,
        max_reply_bytes: int,
    ) -> tuple[dict[str, Any], list[bytes]]:
        """Send one task and wait for its answer. The deadline does not count the start of a fresh child.

        Raises:
            TaskFailed: the child is gone, together with every program it had started.
        """
        try:
            if not self._ready:
                head_of_start, _ = frames.receive(self._socket, frames.Clock(START_S), max_blob_bytes=0)
                if "ready" not in head_of_start:
                    raise frames.BadFrame(str(head_of_start.get("defect", "not ready")))
                self._ready = True
                if not head_of_start.get("files_closed"):
                    log.warning("sandbox_files_open", reason="no Landlock: the child reads what its user may")
            clock = frames.Clock(deadline_s)
            frames.send(self._socket, head, [blob], clock, files)
            answer = frames.receive(self._socket, clock, max_blob_bytes=max_reply_bytes)
        except TimeoutError:
            raise self._end("timeout", f"no answer in {deadline_s} s") from None
        except frames.BadFrame as error:
            raise self._end("crashed", str(error)) from None
        except (EOFError, OSError):
            raise self._post_mortem() from None
        except BaseException:
            self.kill()  # the caller was interrupted: the child's next answer would be to the wrong question
            raise
        self.tasks_done += 1
        return answer

    def kill(self) -> int:
        """End the child and everything it started; returns its exit code as subprocess does (-9: killed)."""
        self._socket.close()
        # Before reaping: until then the group id cannot belong to anybody else.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        try:
            return self._process.wait(timeout=REAP_S)
        finally:
            self._remove_directory()

    def _remove_directory(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)
        if self._mark is not None:
            os.close(self._mark)
            self._mark = None

    def _end(self, outcome: str, detail: str) -> TaskFailed:
        self.kill()
        return TaskFailed(outcome, detail)

    def _post_mortem(self) -> TaskFailed:
        """The child closed the socket: find out why it died, then make sure of it."""
        gone = self._exited_within(FAREWELL_S)
        code = self.kill()
        if not gone:
            return TaskFailed("crashed", "closed its socket")
        if code in (EXIT_OUT_OF_MEMORY, -signal.SIGKILL):  # SIGKILL, and not by us: the kernel's out-of-memory killer
            return TaskFailed("out_of_memory", f"exit {code}")
        if code == -signal.SIGXCPU:
            return TaskFailed("timeout", "processor time used up")
        return TaskFailed("crashed", f"exit {code}")

    def _exited_within(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            if time.monotonic() > end:
                return False
            time.sleep(0.005)
        return True
