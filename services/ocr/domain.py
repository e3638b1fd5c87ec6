"""What a reading is, and when two commands ask for the same one. Standard library only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["done", "refused_input", "out_of_memory", "timeout", "crashed", "no_engine"]

# What the same bytes would give again. The rest (a full machine, a missing program) may end otherwise next time.
LASTING: frozenset[Outcome] = frozenset({"done", "refused_input"})

MAX_LINES = 40
MAX_LINE_LENGTH = 200


@dataclass(frozen=True)
class Line:
    """One line as the engine read it; ``confidence`` is the engine's own, in [0, 1]."""

    text: str
    confidence: float


@dataclass(frozen=True)
class Question:
    """What determines a reading: the image's bytes, who reads, and how."""

    image_sha256: str
    engine: str
    parameters_digest: str


@dataclass(frozen=True)
class Reading:
    """How a question ended; lines only when ``done``, and perhaps none: a blank strip reads as nothing."""

    outcome: Outcome
    lines: tuple[Line, ...] = ()

    def __post_init__(self) -> None:
        if self.lines and self.outcome != "done":
            raise ValueError(f"a reading that is {self.outcome} has no lines")


def parameters_digest(parameters: Mapping[str, str]) -> str:
    """SHA-256 of the parameters, whatever their order."""
    canonical = json.dumps(sorted(parameters.items()), separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def tidy(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Lines fit to be stored and sent: no control characters, no empty ones, bounded in length and number."""
    kept = []
    for line in lines:
        text = " ".join("".join(each if each.isprintable() else " " for each in line.text).split())[:MAX_LINE_LENGTH]
        if text:
            kept.append(Line(text, min(1.0, max(0.0, line.confidence))))
    return tuple(kept[:MAX_LINES])
