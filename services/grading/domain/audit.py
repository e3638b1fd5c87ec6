"""The audit chain: each event of a copy (or of an exam) carries the digest of the one before it.

Altering, removing or reordering one event breaks every digest after it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

GENESIS = "0" * 64


@dataclass(frozen=True)
class Event:
    """One line of the trail. ``details`` are JSON values and hold neither a name nor an INE."""

    subject_id: UUID
    seq: int
    exam_id: UUID
    copy_id: UUID | None
    action: str
    revision: int | None
    attempt: int | None
    actor_id: UUID | None
    actor: str
    at: datetime
    details: Mapping[str, Any]
    prev_hash: str


def digest(event: Event) -> str:
    """SHA-256 over the event as canonical JSON: sorted keys, no blanks, times in UTC to the microsecond."""
    canonical = {
        "subject_id": str(event.subject_id),
        "seq": event.seq,
        "exam_id": str(event.exam_id),
        "copy_id": None if event.copy_id is None else str(event.copy_id),
        "action": event.action,
        "revision": event.revision,
        "attempt": event.attempt,
        "actor_id": None if event.actor_id is None else str(event.actor_id),
        "actor": event.actor,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "details": event.details,
        "prev_hash": event.prev_hash,
    }
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def broken_at(chain: Iterable[tuple[Event, str]]) -> int | None:
    """The first ``seq`` of one subject's chain, in order and from its start, that does not hold; ``None`` if all do.

    The last events being cut off shows only against a head kept elsewhere.
    """
    previous, expected = GENESIS, 1
    for event, stored in chain:
        if event.seq != expected or event.prev_hash != previous or digest(event) != stored:
            return expected
        previous, expected = stored, expected + 1
    return None
