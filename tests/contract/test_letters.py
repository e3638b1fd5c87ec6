"""Letters travel in a few kilobytes and are checked on arrival: they come from a process that read hostile bytes."""

from __future__ import annotations

import base64
import random
import zlib

import pytest
from pydantic import ValidationError

from contracts.messages.ocr import ReadField
from contracts.records.letters import (
    ALPHABET,
    BLANK,
    COLUMNS,
    MAX_PACKED,
    MAX_STEPS,
    OTHER,
    column,
    columns,
    folded,
    pack,
    unpack,
)


def test_rows_come_back_as_they_were() -> None:
    rows = bytes(range(2 * COLUMNS))
    assert unpack(pack(rows), 2) == rows
    assert unpack(pack(b""), 0) == b""


def test_the_longest_field_fits_into_the_message_even_if_it_cannot_be_shrunk() -> None:
    noise = random.Random(4).randbytes(MAX_STEPS * COLUMNS)
    letters = pack(noise)
    assert len(letters) <= MAX_PACKED
    assert ReadField(kind="number", text="", confidence=0, letters=letters, steps=MAX_STEPS).letters == letters


@pytest.mark.parametrize("rows", [b"\0" * (COLUMNS + 1), b"\0" * COLUMNS * (MAX_STEPS + 1)], ids=["ragged", "long"])
def test_what_is_no_rows_is_not_packed(rows: bytes) -> None:
    with pytest.raises(ValueError, match="rows"):
        pack(rows)


@pytest.mark.parametrize(
    "letters",
    [
        "é",
        "AAAA",
        pack(b"\0" * COLUMNS)[:-8],
        pack(b"\0" * COLUMNS * 3),
        pack(b"\0" * COLUMNS),
        base64.b64encode(zlib.compress(b"\0" * 50_000_000)).decode(),
    ],
    ids=["no base64", "no zlib", "cut off", "too many", "too few", "bomb"],
)
def test_what_is_not_two_rows_is_refused(letters: str) -> None:
    with pytest.raises(ValueError, match="not "):
        unpack(letters, 2)


def test_a_field_with_more_steps_than_the_longest_is_no_field() -> None:
    with pytest.raises(ValidationError):
        ReadField(kind="number", text="", confidence=0, letters="", steps=MAX_STEPS + 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Éloïse", "ELOISE"),
        ("L'HÉRITIER-Nuñez", "L HERITIER NUNEZ"),
        ("Œuvrard Lætitia", "OEUVRARD LAETITIA"),
        ("Łukasz Straße", "LUKASZ STRASSE"),
        ("0123 456 789 B", "0123 456 789 B"),
        ("日+", ""),
    ],
)
def test_folding_spells_a_name_as_the_columns_do(text: str, expected: str) -> None:
    assert folded(text) == expected


def test_every_letter_has_its_column_and_the_rest_share_the_last() -> None:
    assert [column(each) for each in ALPHABET] == columns(ALPHABET) == list(range(BLANK + 1, OTHER))
    assert column("é") == column("E") == 5
    assert column("-") == column("’") == column(" ") == 37
    assert column("œ") == column("O"), "one step cannot hold two letters: it counts for the first"
    assert column("漢") == OTHER
