"""Sides that were scanned twice: the feeder took a sheet again."""

from __future__ import annotations

from collections.abc import Sequence

from services.ingest.imposition.faces import Face, Side

# A sheet, or a whole copy of two double sheets, comes again within so many sides.
FARTHEST = 8
# Share of different bits: two scans of one page differ in less than 14 of 100, two pages of one hand in 20 and more.
ALIKE_BELOW = 1 / 6
# A feeder errs now and then. Where more sides than this look like others near them, paper is printed alike, and
# likeness says nothing.
FEW = 2
FEW_SHARE = 0.1


def find(sides: Sequence[Side]) -> dict[int, int]:
    """Index of each side that repeats an earlier one, with the index of that one."""
    repeats: dict[int, int] = {}
    for at, side in enumerate(sides):
        for back in range(1, min(FARTHEST, at) + 1):
            if at - back not in repeats and _alike(sides[at - back], side):
                repeats[at] = at - back
                break
    if len(repeats) > max(FEW, FEW_SHARE * len(sides)):
        return {}
    for at, original in list(repeats.items()):
        _add_blank_back(sides, repeats, at, at - original)
    return repeats


def _add_blank_back(sides: Sequence[Side], repeats: dict[int, int], at: int, back: int) -> None:
    """The blank back of a repeated sheet is a repeat too, though a blank page has no likeness of its own."""
    for beside in (at - 1, at + 1):
        original = beside - back
        there = 0 <= original < beside < len(sides) and beside not in repeats and original not in repeats
        if there and sides[beside].blank and sides[original].blank:
            repeats[beside] = original
            return


def _alike(one: Side, other: Side) -> bool:
    if len(one.faces) != len(other.faces):
        return False
    pairs = list(zip(one.faces, other.faces, strict=True))
    if any(a.blank != b.blank and not a.blank_unsure and not b.blank_unsure for a, b in pairs):
        return False
    compared = [_difference(a.fingerprint, b.fingerprint) for a, b in pairs if _telling(a) and _telling(b)]
    return bool(compared) and max(compared) < ALIKE_BELOW


def _telling(face: Face) -> bool:
    return face.fingerprint is not None and not face.blank and not face.blank_unsure


def _difference(one: str | None, other: str | None) -> float:
    if one is None or other is None or len(one) != len(other):
        return 1.0
    return (int(one, 16) ^ int(other, 16)).bit_count() / (4 * len(one))
