"""What the end of a schedule is judged by, where a judgement depends on more than the last state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest

from tests.faults.simulation.ending import counted_from
from tests.faults.simulation.world import TurnedBack

COPY, OTHER = UUID(int=1), UUID(int=2)
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def _back(minutes: int, last: int, copy_id: UUID = COPY) -> TurnedBack:
    """Set back to so many minutes before nine, when the trail of the copy had ``last`` events."""
    return TurnedBack(NINE - timedelta(minutes=minutes), {copy_id: last})


@pytest.mark.parametrize(
    ("turned_back", "minutes_before_nine"),
    [
        ([], 0),
        ([_back(10, last=2)], 0),  # before the lock was taken: it was taken by the clock that was set
        ([_back(10, last=5)], 0),  # after the lease ended
        ([_back(10, last=9, copy_id=OTHER)], 0),  # when this copy had no trail yet
        ([_back(10, last=3)], 10),  # right after it was taken: a renewal counts from ten to nine
        ([_back(10, last=4)], 10),
        ([_back(4, last=3), _back(7, last=4), _back(30, last=5)], 7),
    ],
)
def test_a_lease_counts_from_its_lock_unless_the_clock_was_set_back_under_it(
    turned_back: Sequence[TurnedBack], minutes_before_nine: int
) -> None:
    # A judge that left out every schedule whose clock went back would not see the first four.
    taken = SimpleNamespace(subject_id=COPY, seq=3, at=NINE)
    ended = SimpleNamespace(subject_id=COPY, seq=5, at=NINE + timedelta(minutes=9))
    assert counted_from(taken, ended, turned_back) == NINE - timedelta(minutes=minutes_before_nine)


def test_a_clock_that_was_ahead_when_the_lock_was_taken_is_no_reason_to_wait_less() -> None:
    # Set back to a time that is still later than the lock: the lock counts from when it was taken.
    taken = SimpleNamespace(subject_id=COPY, seq=3, at=NINE)
    ended = SimpleNamespace(subject_id=COPY, seq=5, at=NINE + timedelta(minutes=9))
    assert counted_from(taken, ended, [TurnedBack(NINE + timedelta(minutes=3), {COPY: 3})]) == NINE
