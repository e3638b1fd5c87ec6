"""Thousands of generated piles: every page is kept, and a copy that is wrong is shown to a person.

What piles are made of, and how badly they are seen, is in ``tests/scans/piles.py`` and ``tests/scans/coded_piles.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from services.ingest.imposition import Draft, of_piles, segment
from tests.scans.coded_piles import coded_pile
from tests.scans.piles import Pile, pile

PILES, CODED_PILES = 2000, 500
# On 16 000 piles that nothing was chosen on 0.00054, bound 0.00071 (ADR 0017).
MOST_SILENT = 0.001
# Questions to a copy of piles without a fault of the feeder: those that lie as collected, and those that lie any other
# way, where headers at both ends and few pages can leave the direction open. That is one question, however many copies.
MOST_ASKED_STRAIGHT = 0.08
MOST_ASKED_OTHERWISE = 0.15
MOST_ASKED_CODED = 0.12


def _silent(given: Pile, drafts: list[Draft]) -> Iterator[bool]:
    """Of each copy: whether it is wrong although nobody is asked.

    Right: all its pages together, those with writing in their order. A copy that was harmed is never right.
    """
    draft_of = {page: draft for draft in drafts for page in draft.pages}
    for no, copy in enumerate(given.copies):
        holding = {id(draft_of[page]): draft_of[page] for page in copy}.values()
        first, *others = holding
        right = (
            not others
            and no not in given.harmed
            and sorted(first.pages) == sorted(copy)
            and [page for page in first.pages if page in given.written] == [p for p in copy if p in given.written]
        )
        yield not right and any(not draft.doubts and not draft.asked for draft in holding)


def _questions(drafts: list[Draft]) -> int:
    """What a person has to answer: once for each doubtful copy, and once for each doubt about the pile."""
    return sum(any(doubt.side_no for doubt in draft.doubts) for draft in drafts) + len(of_piles(drafts))


def _counted(make: Callable[[int], Pile], seeds: range) -> Counter[str]:
    """Copies, those that are wrong without a doubt, and of sound piles, by how they lie, the questions asked."""
    counted: Counter[str] = Counter()
    for seed in seeds:
        given = make(seed)
        drafts = segment(given.intake, given.per, given.faces, given.grouping)
        pages = Counter(page for draft in drafts for page in draft.pages)
        assert pages == Counter(face.page_id for face in given.faces), f"pile {seed} lost a page"
        counted["copies"] += len(given.copies)
        counted["silent"] += sum(_silent(given, drafts))
        if not given.harmed:
            lies = "straight" if given.way == "straight" else "otherwise"
            counted[lies] += len(given.copies)
            counted[f"{lies} asked"] += _questions(drafts)
    return counted


@pytest.mark.timeout(300)
def test_generated_piles_are_divided_right_or_asked_about() -> None:
    counted = _counted(pile, range(PILES))
    assert counted["silent"] <= MOST_SILENT * counted["copies"], counted
    assert counted["straight asked"] <= MOST_ASKED_STRAIGHT * counted["straight"], counted
    assert counted["otherwise asked"] <= MOST_ASKED_OTHERWISE * counted["otherwise"], counted


@pytest.mark.timeout(120)
def test_generated_piles_of_printed_sheets_are_put_right_or_asked_about() -> None:
    counted = _counted(coded_pile, range(CODED_PILES))
    assert counted["silent"] <= MOST_SILENT * counted["copies"], counted
    asked, copies = (counted[f"straight{which}"] + counted[f"otherwise{which}"] for which in (" asked", ""))
    assert asked <= MOST_ASKED_CODED * copies, counted
