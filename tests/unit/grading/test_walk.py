"""Where a marker goes from one copy."""

from __future__ import annotations

import uuid

from services.grading.domain.copies import Status
from services.grading.domain.walk import Place, Stop, by_copy, by_item

A, B, C, D = (uuid.UUID(int=number) for number in range(4))


def pile(b: Status = Status.READY, *, scored: tuple[uuid.UUID, ...] = ()) -> list[Stop]:
    states = {A: Status.GRADED, B: b, C: Status.LOCKED, D: Status.GRADING_IN_PROGRESS}
    return [Stop(each, state, each in scored) for each, state in states.items()]


def test_copy_by_copy_the_walk_ends_at_both_ends() -> None:
    assert by_copy(pile(), A) == Place(previous=None, next=B, position=1, of=4, done=2)
    assert by_copy(pile(), D) == Place(previous=C, next=None, position=4, of=4, done=2)


def test_by_item_the_next_copy_is_one_that_needs_a_score() -> None:
    assert by_item(pile(), A).next == B
    assert by_item(pile(scored=(B,)), A) == Place(previous=None, next=C, position=1, of=4, done=3)


def test_by_item_the_walk_goes_on_from_the_first_copy_after_the_last() -> None:
    assert by_item(pile(), C) == Place(previous=B, next=B, position=3, of=4, done=2)


def test_by_item_a_finalised_copy_needs_nothing_and_neither_does_the_one_at_hand() -> None:
    assert by_item(pile(b=Status.GRADING_FAILED), C).next is None
