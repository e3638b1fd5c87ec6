"""Letters as a recogniser would see them, made up: clean, doubtful or unreadable."""

from __future__ import annotations

import random

import numpy as np

from contracts.records.letters import ALPHABET, COLUMNS, PER_NAT, columns, folded, pack
from services.grading.domain.evidence import Field, Kind
from services.grading.domain.letters import letters_of


def packed(text: str, *, sure: float = 0.97, seed: int = 0) -> tuple[str, int]:
    """Two steps a letter, the second without one. ``sure`` is how much of each step the right letter has."""
    rng = random.Random(seed)
    rows = []
    for column in [each for letter in columns(folded(text)) for each in (letter, 0)]:
        row = np.full(COLUMNS, (1 - sure) / 2 / (COLUMNS - 1))
        row[rng.randrange(1, len(ALPHABET))] += (1 - sure) / 2
        row[column] += sure
        rows.append(np.minimum(255, np.round(-PER_NAT * np.log(row / row.sum()))).astype(np.uint8))
    return pack(np.array(rows, np.uint8).tobytes()), len(rows)


def field(kind: Kind, text: str, *, sure: float = 0.97, seed: int = 0) -> Field:
    return Field(kind, text, letters_of(*packed(text, sure=sure, seed=seed)) if text else None)


def header(last: str = "", first: str = "", number: str = "", *, sure: float = 0.97, seed: int = 0) -> list[Field]:
    given: list[tuple[Kind, str]] = [("last_name", last), ("first_name", first), ("number", number)]
    return [field(kind, text, sure=sure, seed=seed + at) for at, (kind, text) in enumerate(given) if text]
