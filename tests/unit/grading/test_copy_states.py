"""The state machine of a copy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.rpc.grading.copies import CopyStatus
from services.grading.domain.copies import (
    ABSENT,
    ANONYMOUS_ALPHABET,
    FINALISED,
    MAX_TRIES,
    RETRY_DELAYS_S,
    TRANSITIONS,
    Move,
    Outcome,
    Status,
    delay_before_next_try,
    new_anonymous_id,
)


def test_every_move_and_every_state_is_in_the_table() -> None:
    assert set(TRANSITIONS) == set(Move)
    assert set(ABSENT) == set(Status)
    assert {status.value for status in Status} | {"STAGING"} == {status.value for status in CopyStatus}


@given(st.lists(st.sampled_from(Move), max_size=60))
def test_a_document_is_only_reached_through_finalisation(moves: list[Move]) -> None:
    status, finalised = Status.READY, False
    for move in moves:
        transition = TRANSITIONS[move]
        if status not in transition.sources:
            continue  # the UPDATE changes no row
        if move is Move.FINALISE:
            finalised = True
        if move in {Move.REOPEN, Move.NEW_PAPER}:
            finalised = False
        status = transition.target
        assert (status in FINALISED) == finalised


def test_an_acknowledged_finalisation_is_only_undone_on_purpose() -> None:
    # The watch and the sweeper move by TRY_AGAIN and EXPIRE: neither leads out of the finalised states.
    leaving = {move for move, each in TRANSITIONS.items() if each.sources & FINALISED and each.target not in FINALISED}
    assert leaving == {Move.REOPEN, Move.NEW_PAPER}


def test_from_every_state_a_final_document_can_be_reached() -> None:
    reached = {Status.GRADED}
    for _ in Status:
        reached |= {source for each in TRANSITIONS.values() if each.target in reached for source in each.sources}
    assert reached == set(Status)


def test_what_a_state_lacks_is_cleared() -> None:
    assert "locked_at" in ABSENT[Status.READY]
    assert "owner_id" in ABSENT[Status.READY]
    for status in set(Status) - {Status.GRADED}:
        assert {"final_key", "final_sha256", "final_size", "total", "graded_at"} <= set(ABSENT[status])
    for status in FINALISED:
        assert "owner_id" not in ABSENT[status]
        assert "record" not in ABSENT[status]


@pytest.mark.parametrize("outcome", [Outcome.CRASHED, Outcome.TIMEOUT, Outcome.OUT_OF_MEMORY])
def test_three_tries_with_growing_delay(outcome: Outcome) -> None:
    delays = [delay_before_next_try(outcome, tries) for tries in range(1, MAX_TRIES + 1)]
    assert delays == [*RETRY_DELAYS_S, None]
    assert list(RETRY_DELAYS_S) == sorted(RETRY_DELAYS_S)


def test_a_refused_input_is_refused_again_next_time() -> None:
    assert delay_before_next_try(Outcome.REFUSED_INPUT, 1) is None


def test_anonymous_ids_are_readable_and_do_not_repeat() -> None:
    ids = [new_anonymous_id() for _ in range(500)]
    assert len(set(ids)) >= 499  # one pair in 148 million
    assert set("".join(ids)) <= set(ANONYMOUS_ALPHABET)
    assert not set(ANONYMOUS_ALPHABET) & set("0OQ1IZ2S5B8GU")
