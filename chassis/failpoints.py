"""The moments at which a process may end without a word, each with a name.

``reached(point)`` stands in the code at every such moment and does nothing, unless a test watches: the simulator
raises there, the harness with real processes kills there. Nothing but a test environment can arm one.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping
from enum import StrEnum


class Failpoint(StrEnum):
    """Named by what has just happened, or is about to."""

    HTTP_TAKEN = "http.taken"
    """The gateway has a request and has done nothing."""
    HTTP_ANSWERING = "http.answering"
    """All is done; the answer has not left."""
    RPC_HEARD = "rpc.heard"
    """A caller has its answer and has done nothing with it."""
    RPC_TAKEN = "rpc.taken"
    """A service has a call and has done nothing."""
    RPC_ANSWERING = "rpc.answering"
    """The use case is over; the reply has not left."""
    MESSAGE_TAKEN = "message.taken"
    """A message is in hand and had no effect."""
    MESSAGE_EFFECTED = "message.effected"
    """Its effect is committed, or it was passed on to be tried again or to the dead; it is not acknowledged."""
    TRANSACTION_COMMITTING = "transaction.committing"
    TRANSACTION_COMMITTED = "transaction.committed"
    OUTBOX_PUBLISHING = "outbox.publishing"
    """The relay has a row in hand."""
    OUTBOX_PUBLISHED = "outbox.published"
    """The broker has confirmed the message; the row does not know."""
    OBJECT_STORING = "object.storing"
    OBJECT_STORED = "object.stored"
    """No row names the object yet."""
    OBJECT_DELETING = "object.deleting"
    SANDBOX_ANSWERED = "sandbox.answered"
    """A child has done its work; nothing of it is kept."""


Watcher = Callable[[Failpoint], None]

ENVIRONMENT = "KORRIGO_FAILPOINT"
_watcher: Watcher | None = None


def reached(point: Failpoint) -> None:
    """Tell the watcher, if there is one. Whatever it raises passes through."""
    if _watcher is not None:
        _watcher(point)


def watch(watcher: Watcher | None) -> None:
    """Let ``watcher`` see every point that this process reaches, in place of any other; ``None``: nobody."""
    global _watcher
    _watcher = watcher


class Kill:
    """SIGKILL to this process when it reaches ``point`` for the ``passes``-th time.

    Its group goes with it, as when a machine loses power: gunicorn would start another worker in the place of this one.
    """

    def __init__(self, point: Failpoint, passes: int) -> None:
        self._point, self._left = point, passes
        self._lock = threading.Lock()

    def __call__(self, point: Failpoint) -> None:
        if point is not self._point:
            return
        with self._lock:
            self._left -= 1
            now = self._left == 0
        if now:
            os.killpg(0, signal.SIGKILL)


def arm(environ: Mapping[str, str] = os.environ) -> None:
    """Watch as ``KORRIGO_FAILPOINT`` says, such as ``outbox.published:3``: be killed there the third time.

    Raises:
        ValueError: it says something else, or the environment is not called ``test``.
    """
    asked = environ.get(ENVIRONMENT)
    if not asked:
        return
    if environ.get("KORRIGO_ENVIRONMENT") != "test":
        raise ValueError(f"{ENVIRONMENT} kills the process: it needs KORRIGO_ENVIRONMENT=test")
    label, _, passes = asked.partition(":")
    watch(Kill(Failpoint(label), int(passes or 1)))
