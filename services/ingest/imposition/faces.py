"""What a pile is made of, and what imposition says about it.

Words: a *side* is one PDF page, from 1; a *face* one A4 page on it; a *spread* a side of two; a *sheet* two sides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Literal
from uuid import UUID

Half = Literal["whole", "left", "right"]


@dataclass(frozen=True)
class Code:
    """What a printed code says: the page of a copy of an exam."""

    exam: str
    copy: int
    page: int


@dataclass(frozen=True)
class Face:
    """One A4 face as the child saw it; ``None`` where it did not look.

    ``header``: ``None`` is none, not unknown. ``sound``: image intact. ``writing_bottom``: where the ink ends, a share
    of the height. ``margin``: side of the printed margin line. ``page_no``: as printed. ``turned``: lay upside down;
    ``lean``: how clearly it does not, or does (0: a guess). ``fingerprint``: hexadecimal, alike for images alike.
    """

    page_id: UUID
    side_no: int
    half: Half
    header: Literal["sure", "unsure"] | None = None
    sound: bool = True
    blank: bool | None = None
    blank_unsure: bool = False
    writing_bottom: float | None = None
    margin: Literal["left", "right"] | None = None
    page_no: int | None = None
    turned: bool | None = None
    lean: float | None = None
    fingerprint: str | None = None
    code: Code | None = None


@dataclass(frozen=True)
class Doubt:
    """Why a person must look; ``code`` is stable, see the service's README. Without a side it is of the whole pile."""

    code: str
    side_no: int | None


@dataclass(frozen=True)
class Draft:
    """Pages of one candidate in reading order, as far as the machine can tell. Certain without ``doubts``.

    ``asked``: a person is asked which way its pile lies, but it does not wait for the answer.
    ``confidence``: how probable these pages in this order are, 0 to 1, given all that was seen on the pile.
    """

    pages: tuple[UUID, ...]
    first_side: int
    doubts: tuple[Doubt, ...]
    confidence: float = 1.0
    asked: bool = False


@dataclass(frozen=True)
class Side:
    side_no: int
    faces: tuple[Face, ...]

    @property
    def spread(self) -> bool:
        return len(self.faces) == 2

    @property
    def blank(self) -> bool:
        return all(face.blank for face in self.faces)

    def face(self, half: Half) -> Face:
        return next(face for face in self.faces if face.half == half)


def sides_of(faces: Iterable[Face]) -> list[Side]:
    """In the order they were scanned."""
    ordered = sorted(faces, key=lambda face: (face.side_no, face.half))
    return [Side(side_no, tuple(group)) for side_no, group in groupby(ordered, key=lambda face: face.side_no)]
