"""Sheets that were scanned twice: the feeder took one again, right after itself."""

from __future__ import annotations

from collections.abc import Sequence

from services.ingest.fingerprints import fed_twice
from services.ingest.imposition.faces import Face, Side

# A feeder errs now and then. Where more sheets than this look like the one before, paper is written or printed alike,
# and likeness says nothing.
FEW = 1
FEW_SHARE = 0.1


def find(sides: Sequence[Side]) -> dict[int, int]:
    """Index of each side that repeats an earlier one, with the index of that one.

    A sheet comes again with both its sides. Only an A4 page can be scanned on one side, and come again alone.
    """
    repeats: dict[int, int] = {}
    sheets = at = 0
    while at < len(sides):
        length = _comes_again(sides, at)
        repeats |= {at + no: at - length + no for no in range(length)}
        sheets += bool(length)
        at += length or 1
    return repeats if sheets <= max(FEW, FEW_SHARE * len(sides)) else {}


def _comes_again(sides: Sequence[Side], at: int) -> int:
    """How many sides from here on are those just before once more."""
    if _all_alike(sides[at - 2 : at] if at > 1 else (), sides[at : at + 2]):
        return 2
    alone = at > 0 and not sides[at].spread
    return int(alone and _all_alike(sides[at - 1 : at], sides[at : at + 1]))


def _all_alike(before: Sequence[Side], now: Sequence[Side]) -> bool:
    """Whether all that is written on these sides is alike, and that is more than what is blank on one of both."""
    if [len(side.faces) for side in before] != [len(side.faces) for side in now]:
        return False
    pairs = [pair for one, other in zip(before, now, strict=True) for pair in zip(one.faces, other.faces, strict=True)]
    if any((one.header is None) != (other.header is None) for one, other in pairs):
        return False
    written = [(one, other) for one, other in pairs if _telling(one) and _telling(other)]
    sure = [(one, other) for one, other in pairs if _sure(one) and _sure(other)]
    misjudged = sum(one.blank != other.blank for one, other in sure)
    return len(written) > misjudged and all(fed_twice(one.fingerprint, other.fingerprint) for one, other in written)


def _sure(face: Face) -> bool:
    """What seems written and yet has no strong waves of ink may be the other page showing through."""
    return not face.blank_unsure and (face.blank or face.fingerprint is not None)


def _telling(face: Face) -> bool:
    return face.fingerprint is not None and not face.blank and not face.blank_unsure
