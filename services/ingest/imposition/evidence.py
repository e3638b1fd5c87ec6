"""How well a page order explains what was seen on the pages: its cost, the natural logarithm of 1 / probability.

Costs of independent things add up; a difference of 4.6 is odds of 100 to 1. The probabilities below are estimates of
how often a thing happens in a school, not measurements; only their order of magnitude matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from services.ingest.imposition.faces import Face

# How often a header shows on the first page, and on any other (a printed table at the top looks like one).
HEADER_FIRST = {"sure": 0.976, "unsure": 0.02, None: 0.004}
HEADER_ELSEWHERE = {"sure": 0.0005, "unsure": 0.002, None: 0.9975}

# How often a page is judged blank when it is blank, and when it is not (a line in faint pencil; show-through).
BLANK_SEEN = 0.98
BLANK_MISJUDGED = 0.01

# Where writing ends on the page, for a page that is followed by another, and for the last one: a pupil goes on at the
# top of the next page when this one is full, seldom before.
ENDS_BELOW = ((0.80, 0.85, 0.20), (0.60, 0.08, 0.25), (0.0, 0.07, 0.55))

# A page left out in the middle, and a page with something on it after the last one.
LEFT_OUT = 0.05
STRAY_WRITING = 0.01

# Prior of the last page with writing: on the last sheet (nobody takes one without need), before it, nowhere.
ON_LAST_SHEET, BEFORE_IT, NOWHERE = 0.78, 0.2, 0.02

RECTOS_ONLY = 0.1  # of pupils, or of teachers, want the backs blank

NUMBER_SKIPS = -log(0.02)  # a page was lost that nobody missed, or a number misread
NUMBER_FALLS_BACK = -log(0.0002)  # a number misread
MARGIN_MISJUDGED = 0.03

TINY = 1e-300  # products of probabilities stay above 0


class Evidence:
    """What was seen on the faces of a pile, at hand as numbers; orders are given as indices into ``faces``."""

    def __init__(self, faces: Sequence[Face]) -> None:
        self.faces = faces
        first = [-log(HEADER_FIRST[face.header]) for face in faces]
        elsewhere = [-log(HEADER_ELSEWHERE[face.header]) for face in faces]
        # Headers on all pages cost what they cost elsewhere; on the first page of a copy they cost so much more.
        self._as_first = [one - other for one, other in zip(first, elsewhere, strict=True)]
        self._elsewhere = elsewhere
        self._writing = [_likelihoods(face) for face in faces]
        self._numbered = any(face.page_no is not None for face in faces)
        # Margins that are all on one side say nothing about order.
        self._margins = len({face.margin for face in faces if face.margin}) == 2

    def headers(self, order: Sequence[int]) -> float:
        """Cost of the headers when these faces are read in this order: quick, and seldom wrong."""
        return self._as_first[order[0]] + sum([self._elsewhere[at] for at in order])

    def writing(self, order: Sequence[int], last_sheet: int, places: Sequence[int] = ()) -> float:
        """Cost of everything else; the last sheet has so many of the pages, which have these numbers or 1, 2, 3 …"""
        cost = self._writing_cost(order, last_sheet)
        if self._numbered:
            cost += self._number_cost(order, places or range(1, len(order) + 1))
        if self._margins:
            cost += self._margin_cost(order)
        return cost

    def _writing_cost(self, order: Sequence[int], last_sheet: int) -> float:
        """A pupil writes from the first page to a last one; then the pages stay blank."""
        pages = [self._writing[at] for at in order]
        both = _written_to_some_page(pages, last_sheet)
        if len(pages) < 2:
            return -log(both)
        rectos = _written_to_some_page(pages[::2], max(1, last_sheet // 2))
        for blank, _, _ in pages[1::2]:
            rectos *= blank
        return -log(max(TINY, (1 - RECTOS_ONLY) * both + RECTOS_ONLY * rectos))

    def _number_cost(self, order: Sequence[int], places: Sequence[int]) -> float:
        """Printed numbers run on. One too high: a page before it was lost; too low: another copy, or a wrong order."""
        cost, ahead = 0.0, 0
        for at, place in zip(order, places, strict=False):
            no = self.faces[at].page_no
            if no is not None:
                if no - place != ahead:
                    cost += NUMBER_SKIPS if no - place > ahead else NUMBER_FALLS_BACK
                ahead = no - place
        return cost

    def _margin_cost(self, order: Sequence[int]) -> float:
        """On the left of every page, or always on the inner or the outer edge: then it tells front from back."""
        seen = [(self.faces[at].margin == "left", place % 2 == 1) for place, at in enumerate(order)]
        seen = [each for each, at in zip(seen, order, strict=True) if self.faces[at].margin]
        if not seen:
            return 0.0
        mirrored = sum(left == back for left, back in seen)
        left = sum(left for left, _ in seen)
        misjudged = min(left, len(seen) - left, mirrored, len(seen) - mirrored)
        sure = len(seen) - misjudged
        return misjudged * -log(MARGIN_MISJUDGED) + sure * -log(1 - MARGIN_MISJUDGED)


def _likelihoods(face: Face) -> tuple[float, float, float]:
    """Of what was seen, if the page is: blank; written and followed by another; the last one written."""
    if face.blank is None:
        return 1.0, 1.0, 1.0
    if face.blank_unsure:
        return 0.5, 0.5, 0.5
    if face.blank:
        return BLANK_SEEN, BLANK_MISJUDGED, BLANK_MISJUDGED
    inner, last = 1.0, 1.0
    if face.writing_bottom is not None:
        _, inner, last = next(row for row in ENDS_BELOW if face.writing_bottom >= row[0])
    return 1 - BLANK_SEEN, (1 - BLANK_MISJUDGED) * inner, (1 - BLANK_MISJUDGED) * last


def _written_to_some_page(pages: Sequence[tuple[float, float, float]], last_sheet: int) -> float:
    """Probability, summed over the page on which the writing ends."""
    size = len(pages)
    after = [1.0] * (size + 1)  # product over the pages from here on, none of them written
    for at in range(size - 1, -1, -1):
        blank, inner, _ = pages[at]
        after[at] = max(TINY, after[at + 1] * ((1 - STRAY_WRITING) * blank + STRAY_WRITING * inner))
    earlier = max(0, size - last_sheet)
    on_last = (ON_LAST_SHEET if earlier else ON_LAST_SHEET + BEFORE_IT) / (size - earlier)
    before = BEFORE_IT / earlier if earlier else 0.0
    total, up_to = NOWHERE * after[0], 1.0
    for at, (blank, inner, last) in enumerate(pages):
        total += (before if at < earlier else on_last) * up_to * last * after[at + 1]
        up_to *= (1 - LEFT_OUT) * inner + LEFT_OUT * blank
    return max(TINY, total)
