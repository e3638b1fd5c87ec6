"""Whoever holds a copy's lock, or does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from services.grading.domain import copies as copies_domain
from services.grading.store import copies, locks, tables
from tests.faults.simulation.defects.planting import defect, replaced
from tests.faults.simulation.world import World


@defect("I1")
def writes_without_looking_at_the_lock(_: World) -> Iterator[None]:
    nobody = locks.Lease(tables.sa.Uuid, "", "", 0, None, True)  # type: ignore[arg-type]

    def required(sql: Any, copy_id: Any, token: Any, by: Any) -> Any:
        return locks.current(sql, copy_id) or nobody

    with replaced((locks, "required", required)):
        yield


@defect("I1")
def takes_a_lock_that_is_in_force(_: World) -> Iterator[None]:
    def current(sql: Any, copy_id: Any) -> Any:
        lease = original(sql, copy_id)
        return lease and replace(lease, in_force=False)

    original = locks.current
    with replaced((locks, "current", current)), replaced((locks, "required", _required_with(original))):
        yield


def _required_with(current: Any) -> Any:
    def required(sql: Any, copy_id: Any, token: Any, by: Any) -> Any:
        with patch.object(locks, "current", current):
            return original(sql, copy_id, token, by)

    original = locks.required
    return required


@defect("I1")
def lets_the_fence_stand_still(_: World) -> Iterator[None]:
    def move(uow: Any, copy_id: Any, by_move: Any, *expected: Any, **values: Any) -> Any:
        values.pop("fence", None)
        return original(uow, copy_id, by_move, *expected, **values)

    original = copies.move
    with replaced((copies, "move", move)):
        yield


@defect("I1")
def sweeps_a_lease_and_leaves_its_copy_locked(_: World) -> Iterator[None]:
    def move(uow: Any, copy_id: Any, by_move: Any, *expected: Any, **values: Any) -> Any:
        return None if by_move is copies_domain.Move.EXPIRE else original(uow, copy_id, by_move, *expected, **values)

    original = copies.move
    with replaced((copies, "move", move)):
        yield
