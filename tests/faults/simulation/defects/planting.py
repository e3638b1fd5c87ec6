"""What a defect is, how one is registered, planted and looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from tests.faults.simulation.world import World


@dataclass(frozen=True)
class Defect:
    """``shows_as``: how the violations begin that this defect must lead to; others do not count as caught."""

    plant: Callable[[World], AbstractContextManager[Any]]
    shows_as: str


DEFECTS: dict[str, Defect] = {}


def defect(shows_as: str) -> Callable[[Callable[[World], Iterator[None]]], None]:
    """Register under the function's name, which says what the program does wrong."""

    def register(plant: Callable[[World], Iterator[None]]) -> None:
        DEFECTS[plant.__name__] = Defect(contextmanager(plant), shows_as)

    return register


def replaced(*changes: tuple[Any, str, Any]) -> ExitStack:
    """Each ``(owner, name, value)``, until the end."""
    stack = ExitStack()
    for owner, name, value in changes:
        stack.enter_context(patch.object(owner, name, value))
    return stack


def first_caught(world: World, name: str, seeds: Iterable[int], run: Callable[[World, int], Any]) -> Any:
    """The first outcome that shows the defect for what it is, or ``None``."""
    planted = DEFECTS[name]
    with planted.plant(world):
        for seed in seeds:
            outcome = run(world, seed)
            if any(violation.startswith(planted.shows_as) for violation in outcome.violations):
                return outcome
    return None
