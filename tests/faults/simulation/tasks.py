"""Who does what at the same time: greenlets that pause where the product reaches a failpoint outside of transactions.

Inside a transaction that may write nobody pauses: a rival waiting for its row would wait for ever. Everything else may
happen between any two points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from greenlet import getcurrent, greenlet


class Crash(BaseException):
    """The process of a service has died. Like a SIGKILL it passes whatever catches ``Exception``."""

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self.service = service


@dataclass(eq=False)
class Task:
    """``inside``: the services whose code it runs, innermost last; ``depth``: transactions in which it may write."""

    name: str
    inside: list[str] = field(default_factory=list)
    depth: int = 0
    thread: greenlet | None = None

    @property
    def service(self) -> str | None:
        return self.inside[-1] if self.inside else None


class Tasks:
    """Runs one task at a time, until it pauses or ends; the caller decides who is next."""

    def __init__(self) -> None:
        self.waiting: list[Task] = []
        self.current: Task | None = None

    def start(self, name: str, work: Callable[[], None], *, service: str | None = None) -> Task:
        """Run ``work`` until it first pauses."""
        task = Task(name, [service] if service else [])
        task.thread = greenlet(work)
        self._switch(task)
        return task

    def resume(self, task: Task) -> None:
        self.waiting.remove(task)
        self._switch(task)

    def pause(self) -> None:
        """Called by a task: let others go on."""
        assert self.current is not None
        self.waiting.append(self.current)
        getcurrent().parent.switch()

    def kill(self, service: str) -> None:
        """Every task that waits inside the service dies there. A person's task lives on without an answer."""
        for task in [each for each in self.waiting if each.service == service]:
            self.waiting.remove(task)
            self._switch(task, Crash(service))

    def finish(self) -> None:
        """Let all that wait come to their end, in order."""
        while self.waiting:
            self.resume(self.waiting[0])

    def _switch(self, task: Task, error: BaseException | None = None) -> None:
        assert task.thread is not None
        self.current = task
        try:
            if error is None:
                task.thread.switch()
            else:
                task.thread.throw(error)
        finally:
            self.current = None
