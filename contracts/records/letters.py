"""What a recogniser saw of one field, letter by letter, small enough to travel: it can be scored against any roster.

A field is read in ``steps`` from left to right. Each step has a row of COLUMNS probabilities p, kept as
q = min(255, round(-16 ln p)) in one byte: within 3 % of p, and nothing below 1.2e-7. Characters are folded, their
probabilities added up: case and accents do not tell one candidate from another.
"""

from __future__ import annotations

import base64
import unicodedata
import zlib

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 "
COLUMNS = 1 + len(ALPHABET) + 1
BLANK = 0
"""Column for "no new letter here" (CTC's blank)."""
OTHER = COLUMNS - 1
"""Column for everything that is neither blank nor in ALPHABET."""
PER_NAT = 16
MAX_STEPS = 160
MAX_PACKED = 8400  # characters of MAX_STEPS rows that zlib cannot shrink

_SPACES = " '’‘`´-‐‑–.,·_\u00a0\u202f"
_SPELT = str.maketrans(
    {"Œ": "OE", "œ": "oe", "Æ": "AE", "æ": "ae", "ß": "ss", "ẞ": "SS", "Ø": "O", "ø": "o", "Ł": "L", "ł": "l", "Đ": "D",
     "đ": "d", "ı": "i"}
    | dict.fromkeys(_SPACES, " ")
)  # fmt: skip


def folded(text: str) -> str:
    """Only characters of ALPHABET, spelt without accents and case; what is none of them (日, +) is left out.

    Spaces stay as they are, several too: nothing is trimmed.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_SPELT)).upper()
    return "".join(each for each in plain if each in ALPHABET)


def columns(text: str) -> list[int]:
    """The column of each letter of a folded text. Raises: ValueError: it is not folded."""
    return [1 + ALPHABET.index(each) for each in text]


def column(character: str) -> int:
    """Where a recogniser's character counts. One that is spelt with two letters (Œ) counts for the first."""
    spelt = folded(character)
    return 1 + ALPHABET.index(spelt[0]) if spelt else OTHER


def pack(rows: bytes) -> str:
    """Rows of COLUMNS bytes, one after the other, as text for a message."""
    if len(rows) % COLUMNS or len(rows) > MAX_STEPS * COLUMNS:
        raise ValueError(f"{len(rows)} bytes are no rows of {COLUMNS}, or too many")
    return base64.b64encode(zlib.compress(rows, 9)).decode("ascii")


def unpack(letters: str, steps: int) -> bytes:
    """``steps`` x COLUMNS bytes, row by row. Never allocates more, whatever it is given.

    Raises:
        ValueError: these are no ``steps`` packed rows.
    """
    try:
        unpacking = zlib.decompressobj()
        rows = unpacking.decompress(base64.b64decode(letters, validate=True), steps * COLUMNS + 1)
    except (ValueError, zlib.error) as error:
        raise ValueError("not packed letters") from error
    if len(rows) != steps * COLUMNS or not unpacking.eof:
        raise ValueError(f"not {steps} rows")
    return rows
