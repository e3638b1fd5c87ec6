"""Every way some sides in a row can be one copy: the order of its pages, and what must have gone wrong for it.

Costs as in ``evidence``. Only sizes and headers are looked at here; how well an order explains what was seen on the
pages is for ``Evidence``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, groupby
from math import log
from typing import Protocol

from services.ingest.imposition.faces import Doubt, Half, Side


@dataclass(frozen=True)
class Way:
    """How a pile lies: the first sheet of each copy scanned first, or last; of each sheet its front first, or second.

    The front of a double sheet is its outside. A stack turned over is both the other way round.
    """

    forward: bool
    front_first: bool
    cost: float

    @property
    def in_pairs(self) -> bool:
        """Pages come neither in their order nor in its reverse: only paper scanned on both sides can lie so."""
        return self.forward != self.front_first


# Nearly all piles lie as they were collected; a stack turned over is the commonest way to get it wrong.
WAYS = (
    Way(forward=True, front_first=True, cost=-log(0.89)),
    Way(forward=False, front_first=False, cost=-log(0.06)),
    Way(forward=False, front_first=True, cost=-log(0.03)),
    Way(forward=True, front_first=False, cost=-log(0.02)),
)

SIDE_LOST = -log(0.003)  # the feeder swallowed a side, or took two sheets at once
SHEET_FLIPPED = -log(0.002)  # one sheet lies the other way round than its pile
HAS_INSERTS = -log(0.1)  # lone A4 sheets in a copy on double sheets
INSERTS_WITHIN = -log(0.02)  # of such copies, those where they are read in the middle and not at the end
MISPLACED = -log(0.003)  # a lone A4 sheet on the wrong side of the double sheet that it was in
ON_LONE_PAPER = -log(0.01)  # a whole copy on lone A4 sheets in a pile of double sheets
PAGE_TOO_FEW = -log(0.004)  # each
PAGE_TOO_MANY = -log(0.002)  # each
STRAY_PAGES = -log(1e-5)  # any number of pages

# More double sheets than this in one copy are rarer than a header that was not recognised.
MOST_SHEETS = 4
SHEETS = {1: 0.6, 2: 0.25, 3: 0.09, 4: 0.05, 5: 0.007, 6: 0.003}
MOST_INSERTS = 6  # sides


@dataclass(frozen=True)
class Reading:
    """One way to read some sides as one copy. ``order``: indices of faces. ``size``: sheets, or pages of A4.

    ``last_sheet``: how many of the pages are on its last sheet. ``places``: page numbers in the copy where some are
    known to be lost; else from 1 without a gap.
    """

    order: tuple[int, ...]
    size: int
    last_sheet: int
    cost: float = 0.0
    doubts: tuple[Doubt, ...] = ()
    places: tuple[int, ...] = ()


class Layout(Protocol):
    """What the copies of a pile can look like.

    ``sizes``: how probable each is; the pile itself may teach better. Every pile has a division into copies.
    """

    sizes: dict[int, float] | None

    def stops(self, start: int) -> range:
        """Where a copy that begins there may end."""

    def readings(self, way: Way, start: int, stop: int) -> Iterator[Reading]:
        """The sides from ``start`` up to ``stop`` as one copy."""


Sheet = tuple[Side | None, Side | None]  # outside and inside of a double sheet; a lost side is None


class DoubleSheets:
    """A3: nested double sheets, with lone A4 sheets put in."""

    sizes: dict[int, float] | None = SHEETS

    def __init__(self, sides: Sequence[Side]) -> None:
        self._sides = sides
        self._index = _indices(sides)

    def stops(self, start: int) -> range:
        return range(start + 1, min(len(self._sides), start + 2 * max(SHEETS) + MOST_INSERTS) + 1)

    def readings(self, way: Way, start: int, stop: int) -> Iterator[Reading]:
        sides = self._sides[start:stop]
        spreads = [side for side in sides if side.spread]
        lone = [side for side in sides if not side.spread]
        if not spreads:
            doubt = Doubt("not_a3", lone[0].side_no)
            for cost, read in _each_as_read(way, lone):
                order = tuple(self._at(side, "whole") for side in read)
                yield Reading(order, 1, len(order), ON_LONE_PAPER + cost, (doubt,))
            return
        if (len(spreads) + 1) // 2 > max(SHEETS):
            return
        for sheets, cost, doubts in self._sheetings(way, spreads):
            if len(sheets) > MOST_SHEETS:
                doubts = (*doubts, Doubt("many_sheets", spreads[0].side_no))
            numbered = self.numbered(sheets)
            order = tuple(at for _, at in numbered)
            places = tuple(place for place, _ in numbered) if len(order) % 4 else ()
            double = Reading(order, len(sheets), 4, cost, doubts, places)
            yield from self._with_inserts(way, double, sides, lone) if lone else (double,)

    def _sheetings(self, way: Way, spreads: Sequence[Side]) -> Iterator[tuple[list[Sheet], float, tuple[Doubt, ...]]]:
        """Spreads as sheets, the outermost first."""
        if len(spreads) % 2 == 0:
            sheets = [self._sheet(way, *pair) for pair in zip(spreads[::2], spreads[1::2], strict=True)]
            sheets = sheets if way.forward else sheets[::-1]
            yield sheets, 0.0, ()
            for at, (outer, inner) in enumerate(sheets):
                if inner is not None and inner.face("right").header:  # worth a thought only then
                    yield [*sheets[:at], (inner, outer), *sheets[at + 1 :]], SHEET_FLIPPED, ()
            return
        for alone in range(0, len(spreads), 2):
            others = [*spreads[:alone], *spreads[alone + 1 :]]
            whole = [self._sheet(way, *pair) for pair in zip(others[::2], others[1::2], strict=True)]
            side = spreads[alone]
            headed = any(face.header for face in side.faces)
            sheets = [*whole[: alone // 2], (side, None) if headed else (None, side), *whole[alone // 2 :]]
            cost = SIDE_LOST + log((len(spreads) + 1) / 2)  # whichever sheet it was
            yield sheets if way.forward else sheets[::-1], cost, (Doubt("side_missing", side.side_no),)

    @staticmethod
    def _sheet(way: Way, first: Side, second: Side) -> Sheet:
        return (first, second) if way.front_first else (second, first)

    def _with_inserts(
        self, way: Way, double: Reading, sides: Sequence[Side], lone: Sequence[Side]
    ) -> Iterator[Reading]:
        """Lone sheets lie in the innermost double sheet. Most pupils took them last."""
        if len(lone) > MOST_INSERTS:
            return
        cost, doubts = double.cost + HAS_INSERTS, double.doubts
        if not (sides[0] if way.forward else sides[-1]).spread:
            cost, doubts = cost + MISPLACED, (*doubts, Doubt("not_a3", lone[0].side_no))
        middle = len(double.order) // 2
        for extra, read in _each_as_read(way, lone):
            inserts = tuple(self._at(side, "whole") for side in read)
            within = double.order[:middle] + inserts + double.order[middle:]
            yield Reading(double.order + inserts, double.size, len(inserts), cost + extra, doubts)
            yield Reading(within, double.size, 4, cost + extra + INSERTS_WITHIN, doubts)

    def numbered(self, sheets: Sequence[Sheet]) -> list[tuple[int, int]]:
        """Faces of nested double sheets: the s-th of n from outside shows 4n-2s+2 | 2s-1 outside, 2s | 4n-2s+1 inside.

        Two sheets give 8|1, 2|7, 6|3, 4|5. Returns: page numbers with the indices of their faces, in order.
        """
        total = 4 * len(sheets)
        numbered: list[tuple[int, int]] = []
        for no, (outer, inner) in enumerate(sheets, start=1):
            if outer:
                numbered += [(2 * no - 1, self._at(outer, "right")), (total - 2 * no + 2, self._at(outer, "left"))]
            if inner:
                numbered += [(2 * no, self._at(inner, "left")), (total - 2 * no + 1, self._at(inner, "right"))]
        return sorted(numbered)

    def _at(self, side: Side, half: Half) -> int:
        return self._index[side.side_no] + (half == "right")


class Pages:
    """A4: so many pages a copy (``count``), or as many as there are up to the next header (``None``)."""

    def __init__(self, sides: Sequence[Side], count: int | None) -> None:
        self._sides = sides
        self._index = _indices(sides)
        self._count = count
        self._longest = _longest_run(sides) if count is None else count + 2
        # A copy of any length, the short ones first; a pile soon shows which.
        lengths = range(1, self._longest + 1)
        self.sizes = None if count else {length: 1 / length / sum(1 / each for each in lengths) for length in lengths}

    def stops(self, start: int) -> range:
        return range(start + 1, min(len(self._sides), start + self._longest) + 1)

    def readings(self, way: Way, start: int, stop: int) -> Iterator[Reading]:
        size = stop - start
        cost, doubts = self._unusual(way, size, self._sides[stop - 1])
        for extra, sides in _each_as_read(way, self._sides[start:stop]):
            order = tuple(self._index[side.side_no] + no for side in sides for no in range(len(side.faces)))
            yield Reading(order, size, min(2, size) if self._count is None else size, cost + extra, doubts)

    def _unusual(self, way: Way, size: int, last: Side) -> tuple[float, tuple[Doubt, ...]]:
        count = self._count or size
        if size < count:
            return min(STRAY_PAGES, (count - size) * PAGE_TOO_FEW), (Doubt("short_booklet", last.side_no),)
        if size > count:
            return (size - count) * PAGE_TOO_MANY, (Doubt("long_booklet", last.side_no),)
        if way.in_pairs and size % 2:
            return SIDE_LOST, () if self._count else (Doubt("side_missing", last.side_no),)
        return 0.0, ()


class OneCopy:
    """A4: all pages of the file are one copy."""

    sizes: dict[int, float] | None = None

    def __init__(self, sides: Sequence[Side]) -> None:
        self._pages = Pages(sides, len(sides))
        self._count = len(sides)

    def stops(self, start: int) -> range:
        return range(0) if start else range(self._count, self._count + 1)

    def readings(self, way: Way, start: int, stop: int) -> Iterator[Reading]:
        yield from self._pages.readings(way, start, stop)


def _each_as_read(way: Way, sides: Sequence[Side]) -> Iterator[tuple[float, list[Side]]]:
    """The sides of lone sheets, front and back of each in turn; where one is lost, for each sheet it may be of."""
    if not way.in_pairs:
        yield 0.0, list(sides if way.forward else reversed(sides))
        return
    odd = len(sides) % 2 == 1
    for alone in range(0, len(sides), 2) if odd else (len(sides),):
        sheets = [sides[at : at + 2] for at in range(0, alone, 2)]
        sheets += [sides[at : at + 2] for at in range(alone + 1, len(sides), 2)]
        if odd:
            sheets.insert(alone // 2, sides[alone : alone + 1])
        cost = log((len(sides) + 1) / 2) if odd else 0.0
        yield cost, list(chain.from_iterable(map(reversed, sheets)) if way.forward else chain(*reversed(sheets)))


def _indices(sides: Sequence[Side]) -> dict[int, int]:
    """Where the faces of each side begin in the list of all faces."""
    begins = accumulate((len(side.faces) for side in sides), initial=0)
    return {side.side_no: begin for side, begin in zip(sides, begins, strict=False)}


def _longest_run(sides: Sequence[Side]) -> int:
    """Twice the longest run of pages without a header: one header may have been missed."""
    runs = [len(list(run)) for headed, run in groupby(sides, key=lambda side: bool(side.faces[0].header)) if not headed]
    return min(len(sides), 2 * max(runs, default=0) + 2)
