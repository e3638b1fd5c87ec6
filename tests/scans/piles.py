"""Piles of paper as a scanner and the child see them, with the truth: pure, from a seed, no pixels.

What is assumed of schools and scanners is written down here and nowhere taken from the solver:

- Pupils fill their pages in reading order up to a last one and take a sheet only when they need it, except where
  everybody is given the same number. A page is left before it is full 15 times in 100, left out 3 times in 100.
- A lone A4 sheet is taken when the double sheets are full, is read last and lies in the innermost of them.
- The stack lies one way throughout: as collected (80 in 100), turned over, in reverse order, or with the backs up.
- Both sides of a sheet that lies upside down do; the child sees that by the header, nearly always by the writing, and
  guesses a side without either. On A3 a wrong guess exchanges two pages.
- The header of a first page is missed 2 times in 1000 and unsure 1 time in 100, more often where a shifted fold cut it;
  another page shows one 3 times in 10 000, and seldom a clear one.
- A blank page is taken for written 1 time in 100 and is unsure 3 times; a few words are taken for blank 1 time in 10.
- Two scans of a page differ in 4 to 20 of 100 waves of their fingerprints, two pages of a pupil in 60.
- A feeder loses a side, or scans a sheet twice, right after itself and with both its sides, at most once in a pile.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal
from uuid import UUID

from services.ingest.imposition import Face, Grouping

WAVES, STRONGEST = 400, 128  # of a fingerprint
_Print = dict[int, bool]  # the strong waves, and whether each is positive


@dataclass
class _Page:
    """One face of paper. ``ends``: where the writing ends; 0 is blank. ``no``: its place in its copy, from 1."""

    id: UUID
    copy: int
    no: int
    ends: float = 0.0
    print: _Print = field(default_factory=dict)

    @property
    def written(self) -> bool:
        return self.ends > 0


# Faces of one side from left to right, and of one sheet.
_Side = list[_Page]
_Sheet = list[_Side]


@dataclass
class Pile:
    """``copies``: pages of each candidate in reading order, without what was lost. ``written``: pages with ink.

    ``harmed``: copies that lost a side or were scanned twice in part: to be flagged, whatever becomes of them.
    """

    intake: Literal["a3", "a4"]
    per: int
    grouping: Grouping
    way: str
    faces: list[Face]
    copies: list[list[UUID]]
    written: set[UUID]
    harmed: set[int] = field(default_factory=set)


WAYS = ("straight", "turned over", "reversed", "backs up")


def pile(seed: int) -> Pile:
    """Any pile; a third of them with a fault of the feeder."""
    return _Maker(random.Random(seed)).pile()


class _Maker:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self._pages = 0

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def pile(self) -> Pile:
        rng = self.rng
        kind = rng.choices(("a3", "every_n", "by_header", "one_per_file"), (50, 25, 20, 5))[0]
        way = rng.choices(WAYS, (80, 10, 6, 4))[0]
        count = 1 if kind == "one_per_file" else rng.choice((2, 3, 4, 5, 6, 8, 10, 14))
        duplex = self.chance(0.7)
        per = rng.choice((2, 4, 4, 4, 6, 8)) if duplex else rng.choice((1, 2, 3, 4, 5))
        if kind == "a3":
            stack = self._double_sheets(count)
        else:
            stack = self._a4(count, per if kind == "every_n" else None, duplex=duplex)
        if way in ("turned over", "reversed"):
            stack.reverse()
        if way in ("turned over", "backs up"):
            stack = [sheet[::-1] for sheet in stack]
        if way == "backs up" and not duplex and kind != "a3":
            way = "straight"
        harmed: set[int] = set()
        rich = self.chance(0.8)  # else only what was there first: headers and blanks
        if self.chance(0.35):
            # A whole sheet lost leaves no trace, unless all copies have the same number of pages.
            traced = {"every_n": 1, "one_per_file": 99}.get(kind, 2)
            stack, harmed = self._fault(stack, may_lose=lambda sheet: len(sheet) >= traced, may_repeat=rich)
        return self._scanned(kind, per, way, stack, harmed, rich=rich)

    # Paper

    def _page(self, copy: int, no: int, base: _Print) -> _Page:
        self._pages += 1
        return _Page(UUID(int=self._pages), copy, no, print=self._changed(base, 0.5))

    def _changed(self, waves: _Print, share: float) -> _Print:
        """Other waves are the strong ones, for so many of them."""
        kept = {wave: positive for wave, positive in waves.items() if not self.chance(share)}
        while len(kept) < STRONGEST:
            kept.setdefault(self.rng.randrange(WAVES), self.chance(0.5))
        return kept

    def _double_sheets(self, count: int) -> list[_Sheet]:
        given = self.rng.choice((0, 0, 0, 0, 0, 0, 1, 2, 2, 3))  # so many to everybody
        much = self.rng.uniform(0.1, 0.8)  # how many pupils want one more
        inserts = self.rng.choice((0, 0, 0, 0, 1, 2))  # sides scanned of each
        stack: list[_Sheet] = []
        for copy in range(count):
            sheets = given or 1
            while not given and sheets < 4 and self.chance(much / (1.5 if sheets > 1 else 1)):
                sheets += 1
            last = self.rng.randint(1, 4 * sheets) if given else self.rng.randint(4 * sheets - 3, 4 * sheets)
            lone = inserts if self.chance(0.2) else 0
            if lone:
                last = 4 * sheets + lone
            base = self._changed({}, 0)
            pages = [self._page(copy, no, base) for no in range(1, 4 * sheets + lone + 1)]
            self._write(pages, last)
            for no in range(1, sheets + 1):
                outside = [pages[4 * sheets - 2 * no + 1], pages[2 * no - 2]]
                inside = [pages[2 * no - 1], pages[4 * sheets - 2 * no]]
                stack.append([outside, inside])
            if lone:
                stack.append([[page] for page in pages[4 * sheets :]])
        return stack

    def _a4(self, count: int, per: int | None, *, duplex: bool) -> list[_Sheet]:
        rectos = duplex and self.chance(0.15)
        stack: list[_Sheet] = []
        longest = self.rng.randint(2, 8)
        for copy in range(count):
            last = self.rng.randint(1, per or longest)
            if per and self.chance(0.5):
                last = per
            size = per or (last + last % 2 if duplex else last)
            if rectos and not per:
                size, last = 2 * last, 2 * last - 1
            base = self._changed({}, 0)
            pages = [self._page(copy, no, base) for no in range(1, size + 1)]
            if rectos:
                self._write(pages[::2], (last + 1) // 2)
            else:
                self._write(pages, last)
            step = 2 if duplex else 1
            stack += [[[page] for page in pages[at : at + step]] for at in range(0, size, step)]
        return stack

    def _write(self, pages: Sequence[_Page], last: int) -> None:
        for page in pages[: last - 1]:
            if not self.chance(0.03):
                page.ends = self.rng.uniform(0.82, 0.95) if self.chance(0.85) else self.rng.uniform(0.3, 0.82)
        pages[last - 1].ends = self.rng.uniform(0.08, 0.95)
        for page in pages[last:]:
            if self.chance(0.004):
                page.ends = 0.1
        pages[0].ends = max(pages[0].ends, 0.2)  # a header, at least

    def _fault(
        self, stack: list[_Sheet], *, may_lose: Callable[[_Sheet], bool], may_repeat: bool
    ) -> tuple[list[_Sheet], set[int]]:
        at = self.rng.randrange(len(stack))
        sheet = stack[at]
        if may_lose(sheet) and not (may_repeat and self.chance(0.5)):
            lost = self.rng.randrange(len(sheet))
            changed = [side for no, side in enumerate(sheet) if no != lost]
            return [*stack[:at], *([changed] if changed else []), *stack[at + 1 :]], {sheet[0][0].copy}
        if not may_repeat:
            return stack, set()
        if not any(page.written for side in sheet for page in side):
            return stack, set()  # nobody would ever know
        return [*stack[: at + 1], sheet, *stack[at + 1 :]], {sheet[0][0].copy}

    # What is seen of it

    def _scanned(self, kind: str, per: int, way: str, stack: list[_Sheet], harmed: set[int], *, rich: bool) -> Pile:
        rng = self.rng
        margins = rng.choices(("none", "left", "mirrored"), (60, 30, 10))[0]
        numbered = self.chance(0.25)
        turned = 0.03 if self.chance(0.4) else 0.0
        faces: list[Face] = []
        seen: set[UUID] = set()
        truth: dict[int, list[_Page]] = {}
        side_no, turn_now = 0, False
        for sheet in stack:
            upside_down = self.chance(turned)
            for side in sheet:
                side_no += 1
                shifted = kind == "a3" and self.chance(0.02)
                views = [self._face(page, side_no, margins, numbered, shifted) for page in side]
                clear = any(view.header == "sure" for view in views)
                lean = self._lean(side)
                found = upside_down
                if not clear:
                    found = turn_now if abs(lean) < 0.8 else upside_down == (lean > 0)
                if clear:
                    turn_now = upside_down
                if found != upside_down:
                    views.reverse()
                halves = ("left", "right") if len(views) == 2 else ("whole",)
                for view, half in zip(views, halves, strict=True):
                    again = view.page_id in seen
                    seen.add(view.page_id)
                    if again:
                        self._pages += 1
                    faces.append(replace(
                        view, half=half, turned=found, lean=lean / len(views),
                        page_id=UUID(int=self._pages) if again else view.page_id,
                    ))  # fmt: skip
                for page in side:
                    if page not in truth.setdefault(page.copy, []):
                        truth[page.copy].append(page)
        if not rich:
            faces = [Face(each.page_id, each.side_no, each.half, each.header, blank=each.blank) for each in faces]
        grouping: Grouping = "every_n" if kind in ("a3", "every_n") else kind  # type: ignore[assignment]
        return Pile(
            "a3" if kind == "a3" else "a4", per, grouping, way, faces,
            [[page.id for page in sorted(pages, key=lambda page: page.no)] for _, pages in sorted(truth.items())],
            {page.id for pages in truth.values() for page in pages if page.written},
            {at for at, copy in enumerate(sorted(truth)) if copy in harmed},
        )  # fmt: skip

    def _lean(self, side: _Side) -> float:
        written = sum(page.ends > 0.2 for page in side) / len(side)
        return self.rng.gauss(0, 0.2) if not written else self.rng.gauss(1.2 + 1.5 * written, 0.8)

    def _face(self, page: _Page, side_no: int, margins: str, numbered: bool, shifted: bool) -> Face:
        rng = self.rng
        blank, unsure, ends = self._ink(page)
        left = margins == "left" or (page.no % 2 == 1)
        margin = None if margins == "none" or self.chance(0.1) else "left" if left != self.chance(0.02) else "right"
        page_no = None
        if numbered and self.chance(0.85):
            page_no = page.no if self.chance(0.998) else rng.randint(1, 9)
        header: str | None = None
        if page.no == 1:
            header = rng.choices(("sure", "unsure", None), (0.7, 0.25, 0.05) if shifted else (0.988, 0.01, 0.002))[0]
        elif page.written:
            header = rng.choices((None, "unsure", "sure"), (0.9997, 0.00025, 0.00005))[0]
        return Face(
            page.id, side_no, "whole", header, blank=blank, blank_unsure=unsure, writing_bottom=ends,  # type: ignore[arg-type]
            margin=margin, page_no=page_no, fingerprint=self._fingerprint(page),  # type: ignore[arg-type]
        )  # fmt: skip

    def _ink(self, page: _Page) -> tuple[bool, bool, float | None]:
        """Blank, blank unsure, where the ink ends, as measured."""
        if not page.written:
            if self.chance(0.01):
                return False, False, self.rng.uniform(0.1, 0.9)  # show-through
            return (True, False, None) if self.chance(0.97) else (self.chance(0.5), True, None)
        if page.ends < 0.15 and self.chance(0.25):
            return (True, False, None) if self.chance(0.4) else (self.chance(0.5), True, None)
        return False, False, min(0.97, max(0.02, page.ends + self.rng.gauss(0, 0.01)))

    def _fingerprint(self, page: _Page) -> str | None:
        if not page.written:
            return None
        seen = self._changed(page.print, self.rng.uniform(0.02, 0.1))
        strong, positive = (sum(1 << wave for wave in seen if every or seen[wave]) for every in (True, False))
        return f"{strong:0{WAVES // 4}x}{positive:0{WAVES // 4}x}"
