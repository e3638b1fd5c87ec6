"""Remote procedures the gateway calls: one constant per method, typed on both ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from contracts.model import Actor, Model

Q = TypeVar("Q", bound=Model)
A = TypeVar("A", bound=Model)


@dataclass(frozen=True)
class Method(Generic[Q, A]):
    """``timeout_s`` is how long a person is made to wait before a 503."""

    service: str
    name: str
    request: type[Q]
    reply: type[A]
    timeout_s: float = 5.0


class Done(Model):
    """The reply of a method that has nothing to say."""


class Once(Model):
    """A request that creates something. ``once`` is its name, given to no other request.

    Asked again under its name it has no second effect, and the same answer. Without one it is never asked again.
    """

    once: UUID | None = None


class LookForStuck(Model):
    """Ask again for what is overdue, now and not when the clock next does."""

    by: Actor


class AskedAgain(Model):
    """Whose work was overdue and is asked for again. Nothing of what there was is taken back."""

    ids: tuple[UUID, ...]
    total: int


class Listing(Model):
    """Which part of a list: at most ``limit`` items after the opaque ``cursor``."""

    limit: int = 50
    cursor: str | None = None
