"""What every request may reach, and how a route asks a service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

from flask import current_app

from chassis.db import Database
from chassis.objects import Objects
from contracts.model import Model
from contracts.rpc import Method
from services.gateway.passwords import Passwords
from services.gateway.settings import Settings

Q = TypeVar("Q", bound=Model)
A = TypeVar("A", bound=Model)


class Rpc(Protocol):
    """One multiplexed client per process; safe to call from any thread."""

    def call(self, method: Method[Q, A], request: Q, *, timeout_s: float | None = None) -> A:
        """Raises the service's ``Refusal``, ``Unavailable`` (no answer in time) or ``RemoteDefect``."""
        ...

    def ready(self) -> bool:
        """Whether a call would leave now."""
        ...


@dataclass(frozen=True)
class Gateway:
    settings: Settings
    db: Database
    objects: Objects
    rpc: Rpc
    passwords: Passwords


def gateway() -> Gateway:
    return cast(Gateway, current_app.extensions["korrigo"])


LONGEST_CALL_S = 7.0
"""No method is waited for longer, whatever its own patience: with the waits around it a request stays below 10 s. The
slow ones (registering an upload, a roster, assembling all) go on in their service, and asking again finds them done.
"""


def ask(method: Method[Q, A], body: Model | None = None, **more: object) -> A:
    """Call a service with the caller's body plus what only the gateway knows (ids of the path, who asks)."""
    fields = {name: getattr(body, name) for name in body.model_fields_set} if body is not None else {}
    timeout_s = min(method.timeout_s, LONGEST_CALL_S)
    return gateway().rpc.call(method, method.request(**fields, **more), timeout_s=timeout_s)
