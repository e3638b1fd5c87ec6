"""A scan of printed sheets that is not complete, or more than complete, as its booklets show it."""

from __future__ import annotations

from tests.scans.paper import leaf, pdf
from tests.scans.printed import sheets, sides
from tests.service.ingest.conftest import Ingest

Seen = list[tuple[list[int], tuple[str, ...]]]


def booklets(ingest: Ingest, kept: list[int]) -> Seen:
    """Print two copies of two pages and scan these of the four; sides and doubts of each booklet."""
    printed = sides(sheets([7, 8], pages=2, exam_id=ingest.exam_id), 150)
    ingest.ready(pdf([leaf(printed[at], dpi=150) for at in kept]), "a4", 2)
    return [([page.side_no for page in booklet.pages], booklet.doubts) for booklet in ingest.booklets()]


def test_pages_scanned_in_any_order_lie_as_their_codes_say(ingest: Ingest) -> None:
    assert booklets(ingest, [3, 0, 2, 1]) == [([3, 1], ()), ([2, 4], ())]


def test_a_page_that_was_not_scanned_is_missed(ingest: Ingest) -> None:
    assert booklets(ingest, [0, 2, 3]) == [([1], ("page_missing",)), ([2, 3], ())]


def test_a_page_scanned_twice_stands_behind_its_copy(ingest: Ingest) -> None:
    assert booklets(ingest, [0, 1, 1, 2, 3]) == [([1, 2, 3], ("code_twice",)), ([4, 5], ())]
