"""The pool of warm children a service gives its native work to."""

from __future__ import annotations

import os
import queue
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from chassis import observe
from chassis.confined.limits import Limits
from chassis.failpoints import Failpoint, reached
from chassis.metrics import SANDBOX_KILLS, SANDBOX_SECONDS
from chassis.sandbox.worker import Reply, TaskFailed, Worker, sweep
from contracts.errors import Unavailable, from_wire

log = observe.logger("chassis.sandbox")

LAUNCH_S = 10.0  # fork and exec, milliseconds on a quiet machine


class _Launcher:
    """Starts children from one thread that lives as long as the pool, because PDEATHSIG watches that thread."""

    def __init__(self, module: str, limits: Limits, environment: Mapping[str, str]) -> None:
        self._module, self._limits, self._environment = module, limits, environment
        self._orders: queue.Queue[queue.Queue[Worker | OSError] | None] = queue.Queue()
        threading.Thread(target=self._run, name=f"sandbox {module}", daemon=True).start()

    def start(self) -> Worker:
        """Raises: Unavailable: the system refuses a new process."""
        answer: queue.Queue[Worker | OSError] = queue.Queue()
        self._orders.put(answer)
        try:
            made = answer.get(timeout=LAUNCH_S)
        except queue.Empty:
            raise Unavailable("sandbox", "no launcher") from None
        if isinstance(made, OSError):
            raise Unavailable("sandbox", type(made).__name__)
        return made

    def stop(self) -> None:
        self._orders.put(None)

    def _run(self) -> None:
        while (order := self._orders.get()) is not None:
            try:
                order.put(Worker(self._module, self._limits, self._environment))
            except OSError as error:
                order.put(error)


class Sandbox:
    """Runs tasks of one module in child processes that can be killed. Safe from threads and from greenlets.

    Args:
        module: dotted name; its public functions are the tasks (see chassis.confined.child). It is imported
            in the children only, so native libraries never enter the service.
        size: children, so tasks at once; each may use one core and ``memory_mb`` of address space.
        cpu_s: processor seconds per task; the wall-clock deadline is per call.
        scratch_mb: largest file a task may write, in an empty directory of its own. 0: none.
        may_start_programs: whether a task may start programs (tesseract); they inherit every limit.
        reads: what a task may open besides its own libraries and the files it is given, which lie in the system's
            directory for temporary files: other directories.
        environment: the whole environment of the children, but for LANG, TMPDIR and OPENBLAS_NUM_THREADS.
        preload: start the children now rather than at the first call of each.
        recycle_after: tasks after which a child is replaced, for libraries that leak.
        wait_s: how long a call waits for a free child before Unavailable.
    """

    def __init__(
        self,
        module: str,
        *,
        size: int,
        memory_mb: int = 1500,
        cpu_s: int = 60,
        scratch_mb: int = 0,
        may_start_programs: bool = False,
        reads: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        preload: bool = True,
        recycle_after: int = 500,
        wait_s: float = 60.0,
        max_reply_mb: int = 256,
    ) -> None:
        self._module = module
        self._wait_s = wait_s
        self._recycle_after = recycle_after
        self._max_reply_bytes = max_reply_mb << 20
        limits = Limits(memory_mb, cpu_s, scratch_mb, may_start_programs, (tempfile.gettempdir(), *reads))
        self._launcher = _Launcher(module, limits, dict(environment or {}))
        self._closed = False
        if swept := sweep():
            log.info("sandbox_directories_swept", count=swept)
        # One entry per child: last used first, so that a quiet service keeps one child's memory warm.
        self._idle: queue.LifoQueue[Worker | None] = queue.LifoQueue()
        for _ in range(size):
            self._idle.put(self._launcher.start() if preload else None)

    def run(
        self,
        task: str,
        *,
        files: Sequence[Path] = (),
        blob: bytes = b"",
        deadline_s: float = 60,
        **params: Any,
    ) -> Reply:
        """Carry out ``task(files, blob, **params)`` in a child; ``params`` are JSON values.

        Raises:
            Refusal: the one the task raised.
            TaskFailed: killed at ``deadline_s``, out of memory, or crashed (a bug in the task too); not retried here.
            Unavailable: ``sandbox``, no child was free in time.
        """
        with ExitStack() as opened:
            descriptors = [_open(path, opened) for path in files]
            worker = self._take()
            started = time.monotonic()
            try:
                head, blobs = worker.call(
                    {"task": task, "params": params},
                    blob,
                    descriptors,
                    deadline_s=deadline_s,
                    max_reply_bytes=self._max_reply_bytes,
                )
            except TaskFailed as failure:
                self._report(task, failure, started)
                self._put_back(None)
                raise
            except BaseException:
                self._put_back(None)
                raise
        self._put_back(worker)
        reached(Failpoint.SANDBOX_ANSWERED)
        if isinstance(head.get("refused"), dict):
            self._observe(task, "refused", started)
            raise from_wire(head["refused"])
        if "result" not in head:
            defect = TaskFailed("crashed", str(head.get("defect", "no result")))
            self._report(task, defect, started)
            raise defect
        self._observe(task, "done", started)
        return Reply(head["result"], blobs)

    def close(self) -> None:
        """Kill the idle children and let busy ones be killed by whoever waits for them. Further calls: Unavailable."""
        self._closed = True
        self._launcher.stop()
        idle = []
        with suppress(queue.Empty):
            while True:
                idle.append(self._idle.get_nowait())
        for worker in idle:
            if worker is not None:
                worker.kill()
            self._idle.put(None)  # so that whoever waits for a child learns that there is none

    def _take(self) -> Worker:
        started = time.monotonic()
        try:
            worker = self._idle.get(timeout=self._wait_s)
        except queue.Empty:
            raise Unavailable("sandbox", "all children busy") from None
        if self._closed:
            self._idle.put(worker)
            raise Unavailable("sandbox", "closing")
        try:
            if worker is not None and not worker.alive():
                log.warning("sandbox_child_lost", module=self._module, exit=worker.kill())
                worker = None
            return worker or self._launcher.start()
        except BaseException:
            self._idle.put(None)
            raise
        finally:
            waited = time.monotonic() - started
            if waited > 1:
                log.info("sandbox_waited", module=self._module, seconds=round(waited, 1))

    def _put_back(self, worker: Worker | None) -> None:
        """Return a child, or ``None`` for a dead one: its successor imports its module while nobody waits."""
        if worker is not None and (self._closed or worker.tasks_done >= self._recycle_after):
            worker.kill()
            worker = None
        if worker is None and not self._closed:
            with suppress(Unavailable):  # then the next call tries again, and tells its caller
                worker = self._launcher.start()
        self._idle.put(worker)

    def _observe(self, task: str, outcome: str, started: float) -> None:
        SANDBOX_SECONDS.labels(self._module, task, outcome).observe(time.monotonic() - started)

    def _report(self, task: str, failure: TaskFailed, started: float) -> None:
        self._observe(task, failure.outcome, started)
        SANDBOX_KILLS.labels(self._module, failure.outcome).inc()
        log.warning(
            "sandbox_task_failed", module=self._module, task=task, outcome=failure.outcome, detail=failure.detail
        )


def _open(path: Path, opened: ExitStack) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    opened.callback(os.close, descriptor)
    return descriptor
