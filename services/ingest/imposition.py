"""Imposition, pure: which faces of a pile make a booklet, and in which order they are read.

Words: a *side* is one PDF page, from 1; a *face* one A4 page on it; a *spread* a side of two; a *sheet* two sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal
from uuid import UUID

from services.ingest.domain import conserve

Half = Literal["whole", "left", "right"]

# More double sheets than this in one copy are rarer than a header that was not recognised.
MOST_SHEETS = 4


@dataclass(frozen=True)
class Face:
    """One A4 face as the child saw it. ``header`` is ``None``, ``"sure"`` or ``"unsure"``; ``sound``: image intact."""

    page_id: UUID
    side_no: int
    half: Half
    header: Literal["sure", "unsure"] | None = None
    sound: bool = True


@dataclass(frozen=True)
class Doubt:
    """Why a person must look; ``code`` is stable and documented in the service's README."""

    code: str
    side_no: int


@dataclass(frozen=True)
class Draft:
    """Pages of one candidate in reading order, as far as the machine can tell. Certain without ``doubts``."""

    pages: tuple[UUID, ...]
    first_side: int
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True)
class _Side:
    side_no: int
    faces: tuple[Face, ...]

    @property
    def spread(self) -> bool:
        return len(self.faces) == 2

    @property
    def headed(self) -> bool:
        return any(face.header for face in self.faces)

    @property
    def surely_headed(self) -> bool:
        return any(face.header == "sure" for face in self.faces)

    def face(self, half: Half) -> Face:
        return next(face for face in self.faces if face.half == half)


@dataclass(frozen=True)
class _Sheet:
    """``outer`` carries the first and last page. One of the two is missing on a sheet that lost a side."""

    outer: _Side | None
    inner: _Side | None
    doubts: tuple[Doubt, ...] = ()

    @property
    def sides(self) -> tuple[_Side, ...]:
        return tuple(side for side in (self.outer, self.inner) if side is not None)

    @property
    def headed(self) -> bool:
        return any(side.headed for side in self.sides)


def segment(intake: Literal["a3", "a4"], pages_per_booklet: int, faces: Sequence[Face]) -> list[Draft]:
    """Group every face of an upload into booklets, in the order of the pile.

    Args:
        intake: how the paper was fed.
        pages_per_booklet: for A4; a hint that A3 does not need.
        faces: all faces of the upload, in any order.

    Raises:
        PagesNotConserved: a defect of this module, caught before it is stored.
    """
    ordered = sorted(faces, key=lambda face: (face.side_no, face.half))
    drafts = _cut_every(pages_per_booklet, ordered) if intake == "a4" else _impose(ordered)
    conserve((face.page_id for face in ordered), (page for draft in drafts for page in draft.pages))
    return drafts


def _cut_every(count: int, faces: Sequence[Face]) -> list[Draft]:
    """A4: one booklet every ``count`` pages; a header anywhere but first says that the pile is out of step."""
    drafts = []
    for start in range(0, len(faces), count):
        group = faces[start : start + count]
        first = group[0]
        doubts = [] if first.header else [Doubt("no_header", first.side_no)]
        doubts += [Doubt("header_elsewhere", face.side_no) for face in group[1:] if face.header == "sure"]
        if len(group) < count:
            doubts.append(Doubt("short_booklet", group[-1].side_no))
        drafts.append(_draft(group, doubts))
    return drafts


def _impose(faces: Sequence[Face]) -> list[Draft]:
    """A3: sides to sheets, sheets to copies, each copy in reading order."""
    sides = [_Side(side_no, tuple(group)) for side_no, group in groupby(faces, key=lambda face: face.side_no)]
    copies: list[list[_Sheet]] = []
    for sheet in _sheets(sides):
        if sheet.headed or not copies:
            copies.append([sheet])
        else:
            copies[-1].append(sheet)  # nested inside the sheet before it
    return [_copy_draft(sheets) for sheets in copies]


def _sheets(sides: Sequence[_Side]) -> list[_Sheet]:
    """Pair the sides of each sheet. A feeder that swallows a side must not shift everything after it.

    The pile lies one way throughout: outer sides first, unless the first header says otherwise. A header where an
    inner side should be shows that a side is missing before it; pairing starts anew there.
    """
    first_headed = next((index for index, side in enumerate(sides) if side.surely_headed), 0)
    # With an odd number of sides a first header in second place is a stray side before it, not a pile face down.
    outer_second = first_headed % 2 == 1 and len(sides) % 2 == 0
    sheets, at = [], 0
    while at < len(sides):
        side = sides[at]
        following = sides[at + 1] if at + 1 < len(sides) else None
        if not side.spread:
            sheets.append(_alone(side, "not_a3"))
            at += 1
        elif following is None or not following.spread:
            sheets.append(_alone(side, "odd_sides"))
            at += 1
        elif (side if outer_second else following).surely_headed:
            sheets.append(_alone(side, "side_missing"))
            at += 1
        else:
            sheets.append(_Sheet(following, side) if outer_second else _Sheet(side, following))
            at += 2
    return sheets


def _alone(side: _Side, code: str) -> _Sheet:
    doubts = (Doubt(code, side.side_no),)
    return _Sheet(side, None, doubts) if side.headed or not side.spread else _Sheet(None, side, doubts)


def _copy_draft(sheets: Sequence[_Sheet]) -> Draft:
    doubts = [doubt for sheet in sheets for doubt in sheet.doubts]
    first = sheets[0].sides[0].side_no
    if not sheets[0].headed:
        doubts.append(Doubt("no_header", first))
    if len(sheets) > MOST_SHEETS:
        doubts.append(Doubt("many_sheets", first))
    for side in (side for sheet in sheets for side in sheet.sides if side.spread):
        if side.face("left").header:
            code = "two_headers" if side.face("right").header else "header_on_left"
            doubts.append(Doubt(code, side.side_no))
    return _draft(reading_order(sheets), doubts)


def reading_order(sheets: Sequence[_Sheet]) -> list[Face]:
    """Faces of nested double sheets: the s-th of n from outside shows 4n-2s+2 | 2s-1 outside, 2s | 4n-2s+1 inside.

    Two sheets give 8|1, 2|7, 6|3, 4|5. Lone A4 pages come last.
    """
    spreads = [sheet for sheet in sheets if all(side.spread for side in sheet.sides)]
    total = 4 * len(spreads)
    numbered: list[tuple[int, Face]] = []
    for no, sheet in enumerate(spreads, start=1):
        if sheet.outer:
            numbered += [(2 * no - 1, sheet.outer.face("right")), (total - 2 * no + 2, sheet.outer.face("left"))]
        if sheet.inner:
            numbered += [(2 * no, sheet.inner.face("left")), (total - 2 * no + 1, sheet.inner.face("right"))]
    lone = [side.faces[0] for sheet in sheets for side in sheet.sides if not side.spread]
    return [face for _, face in sorted(numbered, key=lambda pair: pair[0])] + lone


def with_doubts(draft: Draft, of_pages: Mapping[UUID, Sequence[Doubt]]) -> Draft:
    """The draft with the doubts that its pages cast on it, wherever they were put."""
    more = [doubt for page in draft.pages for doubt in of_pages.get(page, ())]
    return replace(draft, doubts=tuple(dict.fromkeys([*draft.doubts, *more]))) if more else draft


def _draft(faces: Sequence[Face], doubts: Iterable[Doubt]) -> Draft:
    unsure = [Doubt("header_unsure", face.side_no) for face in faces if face.header == "unsure"]
    damaged = [Doubt("image_damaged", face.side_no) for face in faces if not face.sound]
    return Draft(
        pages=tuple(face.page_id for face in faces),
        first_side=min(face.side_no for face in faces),
        doubts=tuple(dict.fromkeys([*doubts, *unsure, *damaged])),
    )
