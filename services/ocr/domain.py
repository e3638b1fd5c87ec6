"""What a reading is, and when two commands ask for the same one. Standard library and contracts only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from contracts.records.sheet import FieldKind

Outcome = Literal["done", "refused_input", "out_of_memory", "timeout", "crashed", "no_engine"]

# What the same bytes would give again. The rest (a full machine, a missing program) may end otherwise next time.
LASTING: frozenset[Outcome] = frozenset({"done", "refused_input"})

MAX_LINES = 40
MAX_LINE_LENGTH = 200
MAX_WORD_LENGTH = 60


@dataclass(frozen=True)
class Line:
    """One line as the engine read it; ``confidence`` is the engine's own, in [0, 1]."""

    text: str
    confidence: float


@dataclass(frozen=True)
class Field:
    """What is written in one field; ``letters`` are ``steps`` packed rows (contracts.records.letters)."""

    kind: FieldKind
    text: str
    confidence: float
    letters: str
    steps: int


@dataclass(frozen=True)
class Word:
    """One printed word on its line (from 0); ``box`` is left, top, width and height in shares of the page."""

    text: str
    line: int
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Question:
    """What determines a reading: the image's bytes, who reads, and how."""

    image_sha256: str
    engine: str
    parameters_digest: str


@dataclass(frozen=True)
class Reading:
    """How a question ended; lines and fields only when ``done``, perhaps none: a blank strip reads as nothing."""

    outcome: Outcome
    lines: tuple[Line, ...] = ()
    fields: tuple[Field, ...] = ()

    def __post_init__(self) -> None:
        if (self.lines or self.fields) and self.outcome != "done":
            raise ValueError(f"a reading that is {self.outcome} has no lines")


def parameters_digest(parameters: Mapping[str, str]) -> str:
    """SHA-256 of the parameters, whatever their order."""
    canonical = json.dumps(sorted(parameters.items()), separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def tidy(reading: Reading) -> Reading:
    """Text fit to be stored and sent: no control characters, no empty lines, bounded in length and number."""
    lines = [Line(_one_line(line.text), _share(line.confidence)) for line in reading.lines]
    fields = [
        replace(field, text=_one_line(field.text), confidence=_share(field.confidence)) for field in reading.fields
    ]
    return replace(reading, lines=tuple(line for line in lines if line.text)[:MAX_LINES], fields=tuple(fields))


def tidy_words(words: Iterable[Word], most: int) -> tuple[Word, ...]:
    """Those with two letters or digits at least, the first ``most`` of them, inside the page."""
    kept = []
    for word in words:
        text = _one_line(word.text)[:MAX_WORD_LENGTH]
        if sum(map(str.isalnum, text)) > 1:
            x, y, w, h = (_share(part) for part in word.box)
            kept.append(Word(text, word.line, (x, y, min(w, 1 - x), min(h, 1 - y))))
    return tuple(kept[:most])


def _one_line(text: str) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:MAX_LINE_LENGTH]


def _share(confidence: float) -> float:
    return min(1.0, max(0.0, confidence))
