"""What people were told, in the order they were told it. The end is measured against this and nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class SavedDraft:
    copy_id: UUID
    owner_id: UUID
    base: int
    version: int
    payload: dict[str, Any]


@dataclass(frozen=True)
class SavedScores:
    copy_id: UUID
    version: int
    scores: dict[str, Decimal]


@dataclass
class Note:
    """An annotation as its author last heard of it; ``unsure`` once an answer about it was missed."""

    copy_id: UUID
    version: int
    content: str
    removed: bool = False
    unsure: bool = False


@dataclass(frozen=True)
class Operated:
    """``kind`` is the outcome that was told; ``None`` for an operation whose answer was missed."""

    copy_id: UUID
    op: dict[str, Any]
    kind: str | None


@dataclass(frozen=True)
class Finalised:
    copy_id: UUID
    revision: int


@dataclass(frozen=True)
class Told:
    """An act that must be in the trail of its subject, by its author."""

    action: str
    subject_id: UUID
    actor_id: UUID


@dataclass
class History:
    """``kept``: drafts that were refused, with the promise that what was sent is kept."""

    drafts: list[SavedDraft] = field(default_factory=list)
    kept: list[tuple[UUID, dict[str, Any]]] = field(default_factory=list)
    scores: list[SavedScores] = field(default_factory=list)
    notes: dict[UUID, Note] = field(default_factory=dict)
    asked_notes: Counter[UUID] = field(default_factory=Counter)
    """How many annotations were ever asked for, by copy; asking again under the same name does not count."""
    operated: list[Operated] = field(default_factory=list)
    finalised: list[Finalised] = field(default_factory=list)
    acts: list[Told] = field(default_factory=list)
    uploads: dict[UUID, int] = field(default_factory=dict)
    """Sides by upload."""
    assembled: set[UUID] = field(default_factory=set)
    shown: dict[tuple[UUID, int], tuple[Decimal, str]] = field(default_factory=dict)
    """Total and the document's digest of (copy, revision) as a candidate saw them."""
    contradictions: list[str] = field(default_factory=list)
    """Two answers that cannot both be true, noticed at once."""
