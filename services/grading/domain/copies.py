"""A copy's life as one state machine, and what a marker may know of a copy."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from contracts.errors.grading import PagesMoved, ReasonRequired, SecondPersonRequired

# No vowels but A and E (no words), nothing that looks like something else on paper (0 O, 1 I, 2 Z, 5 S, 8 B).
ANONYMOUS_ALPHABET: Final = "ACDEFHJKLMNPRTVWXY34679"
ANONYMOUS_LENGTH: Final = 6  # 23^6 = 148 million: in an exam of 1000 copies two collide once in 300 exams

MAX_TRIES: Final = 3  # P0-DI-004
RETRY_DELAYS_S: Final = (10, 60)
"""Before the second and the third try, in seconds."""


class Status(StrEnum):
    READY = "READY"
    LOCKED = "LOCKED"
    GRADING_IN_PROGRESS = "GRADING_IN_PROGRESS"
    GRADED = "GRADED"
    GRADING_FAILED = "GRADING_FAILED"


FINALISED: Final = frozenset({Status.GRADING_IN_PROGRESS, Status.GRADED, Status.GRADING_FAILED})


class Move(StrEnum):
    """What happens to a copy; the audit trail uses these words."""

    LOCK = "LOCK"
    RELEASE = "RELEASE"
    EXPIRE = "EXPIRE"
    FINALISE = "FINALISE"
    TRY_AGAIN = "TRY_AGAIN"
    GRADE = "GRADE"
    FAIL = "FAIL"
    REOPEN = "REOPEN"
    NEW_PAPER = "NEW_PAPER"


@dataclass(frozen=True)
class Transition:
    """``move`` is possible from any of ``sources`` and leads to ``target``."""

    move: Move
    sources: frozenset[Status]
    target: Status


def _from(move: Move, *sources: Status, to: Status) -> Transition:
    return Transition(move, frozenset(sources), to)


TRANSITIONS: Final[Mapping[Move, Transition]] = {
    each.move: each
    for each in (
        _from(Move.LOCK, Status.READY, Status.LOCKED, to=Status.LOCKED),  # LOCKED: an expired lease is taken over
        _from(Move.RELEASE, Status.LOCKED, to=Status.READY),
        _from(Move.EXPIRE, Status.LOCKED, to=Status.READY),
        _from(Move.FINALISE, Status.LOCKED, Status.GRADING_FAILED, to=Status.GRADING_IN_PROGRESS),
        _from(Move.TRY_AGAIN, Status.GRADING_IN_PROGRESS, to=Status.GRADING_IN_PROGRESS),
        _from(Move.GRADE, Status.GRADING_IN_PROGRESS, to=Status.GRADED),
        _from(Move.FAIL, Status.GRADING_IN_PROGRESS, to=Status.GRADING_FAILED),
        _from(Move.REOPEN, Status.GRADED, Status.GRADING_FAILED, to=Status.READY),
        _from(Move.NEW_PAPER, *FINALISED, to=Status.READY),  # open copies change paper without changing state
    )
}

# What a state does not have: a transition clears it in the same statement.
_DOCUMENT = ("final_key", "final_sha256", "final_size", "total", "graded_at")
_ERROR = ("error_code", "error_message")
_RECORD = ("record", "record_total")
ABSENT: Final[Mapping[Status, tuple[str, ...]]] = {
    Status.READY: ("owner_id", "owner", "locked_at", "attempted_at", *_RECORD, *_ERROR, *_DOCUMENT),
    Status.LOCKED: ("attempted_at", *_RECORD, *_ERROR, *_DOCUMENT),
    Status.GRADING_IN_PROGRESS: ("locked_at", *_ERROR, *_DOCUMENT),
    Status.GRADED: ("locked_at", "attempted_at", *_ERROR),
    Status.GRADING_FAILED: ("locked_at", "attempted_at", *_DOCUMENT),
}


@dataclass(frozen=True)
class Copy:
    """One copy without its paper and without its candidate."""

    id: UUID
    exam_id: UUID
    anonymous_id: str
    status: Status
    version: int
    revision: int
    paper_revision: int
    page_count: int
    marker_id: UUID | None
    marker: str | None
    owner_id: UUID | None
    owner: str | None
    fence: int
    attempt: int
    tries: int
    error_message: str | None
    total: Decimal | None
    graded_at: datetime | None


class Outcome(StrEnum):
    """What render answers."""

    DONE = "done"
    REFUSED_INPUT = "refused_input"
    OUT_OF_MEMORY = "out_of_memory"
    TIMEOUT = "timeout"
    CRASHED = "crashed"


NEW_PAPER_REASON: Final = "new paper"
"""Why the system itself opened a copy again."""


def check_change_of_released(copy: Copy, reason: str | None, by: UUID) -> None:
    """What candidates could read once changes with a reason, and not by whoever finalised it last.

    Raises:
        ReasonRequired, SecondPersonRequired.
    """
    if reason is None:
        raise ReasonRequired
    if by == copy.owner_id:
        raise SecondPersonRequired


def check_pages_keep_numbers(before: Sequence[UUID], after: Sequence[UUID]) -> None:
    """Pages may be added behind the others, replaced or taken away; one that stays keeps its number. Marks name it.

    Raises:
        PagesMoved: ``pages`` are numbers in ``before``, from 1.
    """
    now = {page: number for number, page in enumerate(after, start=1)}
    moved = [number for number, page in enumerate(before, start=1) if now.get(page, number) != number]
    if moved:
        raise PagesMoved(pages=moved)


def delay_before_next_try(outcome: Outcome, tries: int) -> int | None:
    """Seconds to wait before asking for the document again; ``None`` when a person has to look.

    ``tries`` counts the attempts that failed since a person last asked, this one included.
    """
    if outcome is Outcome.REFUSED_INPUT or tries >= MAX_TRIES:
        return None
    return RETRY_DELAYS_S[tries - 1]


def new_anonymous_id() -> str:
    """Random: it says nothing of the order of the pile, and the pile nothing of it."""
    return "".join(secrets.choice(ANONYMOUS_ALPHABET) for _ in range(ANONYMOUS_LENGTH))
