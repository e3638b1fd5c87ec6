"""Whether two pages are one page that went through the scanner twice. Pure: it knows hex, no pixels."""

from __future__ import annotations

FED_TWICE_BELOW = 0.33
"""Of 24 drawn pages, scanned again tilted by 1 degree, moved by 2 mm and lit otherwise, those of 4 lines and more came
to 0.21 at most; two pages of one hand to 0.38 at least. A page of two lines may come to 0.67: its tilt is not found."""


def distance(one: str, other: str) -> float:
    """Share of the strongest waves of ink in which two pages do not agree: 0 for the same scan, up to 1.

    A fingerprint is two rows of bits: which waves are strong, and which of those are positive.

    Raises:
        ValueError: no fingerprints, or of different lengths.
    """
    if len(one) != len(other) or not one:
        raise ValueError("fingerprints of the same length are compared")
    half = len(one) // 2
    strong, also_strong = int(one[:half], 16), int(other[:half], 16)
    opposed = int(one[half:], 16) ^ int(other[half:], 16)
    return 1 - (strong & also_strong & ~opposed).bit_count() / max(strong.bit_count(), also_strong.bit_count(), 1)


def fed_twice(one: str | None, other: str | None) -> bool:
    """Whether two pages are so much alike; a page without ink has no fingerprint and resembles nothing."""
    return one is not None and other is not None and distance(one, other) < FED_TWICE_BELOW
