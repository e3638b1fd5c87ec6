"""From one copy to the next, copy by copy or item by item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.grading.domain.copies import FINALISED, Status


@dataclass(frozen=True)
class Stop:
    """One of the caller's copies of an exam. ``scored``: the item that is walked by has a score on it."""

    copy_id: UUID
    status: Status
    scored: bool


@dataclass(frozen=True)
class Place:
    previous: UUID | None
    next: UUID | None
    position: int
    of: int
    done: int


def by_copy(stops: Sequence[Stop], here: UUID) -> Place:
    """``stops`` are in the order of the walk; ``done`` are those that are finalised. No way leads around the end."""
    at = _index(stops, here)
    return Place(
        previous=stops[at - 1].copy_id if at > 0 else None,
        next=stops[at + 1].copy_id if at + 1 < len(stops) else None,
        position=at + 1,
        of=len(stops),
        done=sum(stop.status in FINALISED for stop in stops),
    )


def by_item(stops: Sequence[Stop], here: UUID) -> Place:
    """As ``by_copy``, but ``next`` is the next copy on which the item still needs a score, the first after the last.

    A copy that is finalised needs none. Back one goes copy by copy, to look at what one did.
    """
    place = by_copy(stops, here)
    at = place.position - 1
    onward = (*stops[at + 1 :], *stops[:at])
    following = next((stop.copy_id for stop in onward if not _has_it(stop)), None)
    return Place(place.previous, following, place.position, place.of, done=sum(map(_has_it, stops)))


def _has_it(stop: Stop) -> bool:
    return stop.scored or stop.status in FINALISED


def _index(stops: Sequence[Stop], here: UUID) -> int:
    return next(index for index, stop in enumerate(stops) if stop.copy_id == here)
