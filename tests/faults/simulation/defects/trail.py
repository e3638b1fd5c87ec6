"""What the trail does not say, or says too late."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from services.grading.store import audit
from tests.faults.simulation.defects.planting import defect, replaced
from tests.faults.simulation.world import World


@defect("I10")
def writes_the_trail_after_the_commit(world: World) -> Iterator[None]:
    def append(uow: Any, *entries: Any) -> None:
        def later() -> None:
            with world.databases["grading"].transaction() as work:
                original(work, *entries)

        uow.after_commit.append(later)

    original = audit.append
    with replaced((audit, "append", append)):
        yield


@defect("I10")
def identifies_without_a_trace(_: World) -> Iterator[None]:
    def append(uow: Any, *entries: Any) -> None:
        original(uow, *(each for each in entries if each.action not in {"IDENTIFY", "UNIDENTIFY"}))

    original = audit.append
    with replaced((audit, "append", append)):
        yield
