"""The audit chain: each event of a copy (or of an exam) carries the digest of the one before it.

Altering, removing or reordering one event breaks every digest after it. The digest of the last event, sealed with a
key that is not in the database, covers the whole trail: whoever cuts off its end or rewrites it cannot seal it again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
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


@dataclass(frozen=True)
class Head:
    """Where a subject's trail ends. ``seal`` is ``None`` when nobody has sealed it yet."""

    subject_id: UUID
    exam_id: UUID
    seq: int
    hash: str
    seal: str | None

    def holds(self, key: str) -> bool:
        return self.seal is not None and hmac.compare_digest(self.seal, seal(key, self.subject_id, self.seq, self.hash))


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
    return sha256(canonical)


def sha256(value: Any) -> str:
    """Of a JSON value in canonical form. Pins in ``details`` what is too long for them, or not for them to repeat."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def seal(key: str, subject_id: UUID, seq: int, hashed: str) -> str:
    """HMAC-SHA256 over the end of a trail, in hexadecimal."""
    return hmac.new(key.encode(), f"{subject_id}:{seq}:{hashed}".encode(), hashlib.sha256).hexdigest()


def extended(key: str, head: Head | None, event: Event, hashed: str) -> Head:
    """The head after ``event``, which follows ``head``; sealed, unless the head before it was not.

    To seal what was not sealed would make a rewritten trail good with the next honest event: it stays reported, and
    the old seal stays as it is, until a person has looked.
    """
    if head is not None and not head.holds(key):
        return Head(event.subject_id, event.exam_id, event.seq, hashed, head.seal)
    return Head(event.subject_id, event.exam_id, event.seq, hashed, seal(key, event.subject_id, event.seq, hashed))


def broken_at(chain: Iterable[tuple[Event, str]]) -> int | None:
    """The first ``seq`` of one subject's chain, in order and from its start, that does not hold; ``None`` if all do.

    The last events being cut off shows only against the head; see ``fault``.
    """
    previous, expected = GENESIS, 1
    for event, stored in chain:
        if event.seq != expected or event.prev_hash != previous or digest(event) != stored:
            return expected
        previous, expected = stored, expected + 1
    return None


def fault(key: str, chain: Sequence[tuple[Event, str]], head: Head | None) -> str | None:
    """What is wrong with one subject's whole trail, in words without personal data; ``None`` when it holds."""
    if head is None:
        return "its trail has no head" if chain else "it has no trail"
    if not chain:
        return "its head stands without a trail"
    broken = broken_at(chain)
    if broken is not None:
        return f"event {broken} is not what was written"
    last, hashed = chain[-1]
    if (head.seq, head.hash, head.exam_id) != (last.seq, hashed, last.exam_id):
        return f"its trail ends at event {last.seq}, its head at {head.seq}"
    if head.seal is None:
        return "its trail was never sealed"
    return None if head.holds(key) else "its seal is not ours"
