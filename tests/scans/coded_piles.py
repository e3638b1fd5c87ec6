"""Piles in which sheets printed with codes lie among others, with the truth: pure, from a seed, no pixels.

What is assumed beside what ``piles`` says:

- All printed copies of an exam have the same number of pages. In 7 piles of 10 they lie as collected, in 1 from the
  last to the first, in 2 all printed sheets are mixed up. Copies on plain paper lie between printed ones, or behind.
- A code is not read 5 times in 1000, in one pile of four (toner, scribbles, a dirty glass) 6 times in 100. A page whose
  code was not read is no blank page: its code is ink; 1 time in 10 that is not sure.
- In a third of the piles that are not mixed up a pupil in ten wrote on a plain A4 sheet as well. It lies behind the
  printed ones of its copy, 1 time in 5 within them, and is read last; half of its backs are blank. (Mixed up, nothing
  would say whose it is.)
- In a third of the piles a side or a sheet was lost, or one was scanned twice. Some of each copy is left.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from services.ingest.imposition import Code, Face
from tests.scans.piles import Pile

EXAM = "e"


@dataclass(frozen=True)
class _Page:
    """``no``: its place in its copy, from 1. ``coded``: printed with a code."""

    id: UUID
    copy: int
    no: int
    written: bool
    coded: bool


_Sheet = list[list[_Page]]  # sides, of one page each, or of two from left to right


def coded_pile(seed: int) -> Pile:
    """Any pile with printed sheets in it."""
    return _Printed(random.Random(seed)).pile()


class _Printed:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self._pages = 0
        self.folded = self._chance(0.25)
        self.duplex = self.folded or self._chance(0.8)
        self.per = rng.choice((4, 4, 4, 8) if self.folded else (2, 4, 4, 6, 8) if self.duplex else (1, 2, 3, 4))
        self.unread = 0.06 if self._chance(0.25) else 0.005

    def _chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def pile(self) -> Pile:
        rng = self.rng
        count = rng.randint(2, 12)
        plain = rng.choice((0, 0, 0, 1, 2, 4))
        printed = [self._copy(no, coded=True) for no in range(count)]
        order = rng.choices(("straight", "reversed", "mixed"), (70, 10, 20))[0]
        if order != "mixed" and self._chance(1 / 3):
            printed = [self._with_more_paper(sheets) if self._chance(0.1) else sheets for sheets in printed]
        others = [self._copy(count + no, coded=False) for no in range(plain)]
        if order == "mixed":
            mixed = [sheet for sheets in printed for sheet in sheets]
            rng.shuffle(mixed)
            printed = [mixed]
        elif order == "reversed":
            printed = [[sheet[::-1] for sheet in reversed(sheets)] for sheets in reversed(printed)]
        for each in others:
            printed.insert(len(printed) if order == "mixed" else rng.randint(0, len(printed)), each)
        stack = [sheet for sheets in printed for sheet in sheets]
        harmed: set[int] = set()
        if self._chance(1 / 3):
            stack, harmed = self._fault(stack)
        return self._scanned(order, stack, harmed)

    # Paper

    def _page(self, copy: int, no: int, *, written: bool, coded: bool) -> _Page:
        self._pages += 1
        return _Page(UUID(int=self._pages), copy, no, written, coded)

    def _copy(self, copy: int, *, coded: bool) -> list[_Sheet]:
        last = self.rng.randint(1, self.per)
        pages = [self._page(copy, no, written=no <= last, coded=coded) for no in range(1, self.per + 1)]
        if self.folded:
            sheets = range(self.per // 4)
            return [[[pages[-1 - 2 * at], pages[2 * at]], [pages[2 * at + 1], pages[-2 - 2 * at]]] for at in sheets]
        step = 2 if self.duplex else 1
        return [[[page] for page in pages[at : at + step]] for at in range(0, self.per, step)]

    def _with_more_paper(self, sheets: list[_Sheet]) -> list[_Sheet]:
        copy = sheets[0][0][0].copy
        more = [[self._page(copy, self.per + 1, written=True, coded=False)]]
        if self.duplex:
            more.append([self._page(copy, self.per + 2, written=self._chance(0.5), coded=False)])
        at = self.rng.randrange(len(sheets)) if self._chance(0.2) else len(sheets)
        return [*sheets[:at], more, *sheets[at:]]

    def _fault(self, stack: list[_Sheet]) -> tuple[list[_Sheet], set[int]]:
        """Of printed paper: what becomes of other sheets, ``piles`` knows."""
        at = self.rng.choice([no for no, sheet in enumerate(stack) if sheet[0][0].coded])
        sheet = stack[at]
        copy = sheet[0][0].copy
        rest = [no for no, other in enumerate(stack) if no != at and other[0][0].copy == copy and other[0][0].coded]
        if self._chance(0.5):
            return [*stack[: at + 1], sheet, *stack[at + 1 :]], {copy}
        if rest and self._chance(0.5):
            return [*stack[:at], *stack[at + 1 :]], {copy}
        if len(sheet) < 2:
            return stack, set()
        return [*stack[:at], [self.rng.choice(sheet)], *stack[at + 1 :]], {copy}

    # What is seen of it

    def _scanned(self, order: str, stack: Iterable[_Sheet], harmed: set[int]) -> Pile:
        faces: list[Face] = []
        truth: dict[int, set[_Page]] = {}
        seen: set[UUID] = set()
        sides = (side for sheet in stack for side in sheet)
        for side_no, side in enumerate(sides, start=1):
            for page, half in zip(side, ("left", "right") if len(side) == 2 else ("whole",), strict=True):
                face = replace(self._face(page), side_no=side_no, half=half)  # type: ignore[arg-type]
                if page.id in seen:
                    self._pages += 1
                    face = replace(face, page_id=UUID(int=self._pages))
                seen.add(page.id)
                faces.append(face)
                truth.setdefault(page.copy, set()).add(page)
        numbers = sorted(truth)
        return Pile(
            "a3" if self.folded else "a4", self.per, "every_n", order, faces,
            [[page.id for page in sorted(truth[copy], key=lambda page: page.no)] for copy in numbers],
            {page.id for pages in truth.values() for page in pages if page.written},
            {at for at, copy in enumerate(numbers) if copy in harmed},
        )  # fmt: skip

    def _face(self, page: _Page) -> Face:
        header = "sure" if page.no == 1 and self._chance(0.99) else None
        blank = not page.written
        if page.coded and not self._chance(self.unread):
            return Face(page.id, 0, "whole", header, blank=blank, code=Code(EXAM, page.copy, page.no))  # type: ignore[arg-type]
        inked = page.written or page.coded
        return Face(page.id, 0, "whole", header, blank=not inked, blank_unsure=page.coded and self._chance(0.1))  # type: ignore[arg-type]
