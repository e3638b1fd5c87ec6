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


def ask(method: Method[Q, A], body: Model | None = None, **more: object) -> A:
    """Call a service with the caller's body plus what only the gateway knows (ids of the path, who asks)."""
    fields = {name: getattr(body, name) for name in body.model_fields_set} if body is not None else {}
    return gateway().rpc.call(method, method.request(**fields, **more))
