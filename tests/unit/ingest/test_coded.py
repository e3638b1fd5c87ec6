"""Printed codes say which copy a page is of, and where it stands in it."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from services.ingest.imposition import Code, Draft, Face, segment


def page(copy: int, no: int) -> Face:
    return Face(
        UUID(int=10 * copy + no), 0, "whole", "sure" if no == 1 else None, blank=False, code=Code("e", copy, no)
    )


def bare(face: Face) -> Face:
    """Its code could not be read."""
    return replace(face, code=None)


def divided(faces: Iterable[Face], per: int = 4) -> list[Draft]:
    return segment("a4", per, [replace(face, side_no=no) for no, face in enumerate(faces, start=1)])


def ids(draft: Draft) -> list[int]:
    return [each.int for each in draft.pages]


def codes(draft: Draft) -> list[str]:
    return [doubt.code for doubt in draft.doubts]


def copies(*numbers: int, pages: int = 4) -> list[Face]:
    return [page(copy, no) for copy in numbers for no in range(1, pages + 1)]


def test_pages_find_their_copy_and_place_in_a_shuffled_pile() -> None:
    for seed in range(20):
        pile = copies(1, 2, 3)
        random.Random(seed).shuffle(pile)
        drafts = divided(pile)
        assert sorted(map(ids, drafts)) == [[11, 12, 13, 14], [21, 22, 23, 24], [31, 32, 33, 34]]
        assert not any(draft.doubts for draft in drafts)


def test_both_halves_of_a_side_stand_where_their_codes_say() -> None:
    spots = [(4, 1, "left"), (1, 1, "right"), (2, 2, "left"), (3, 2, "right")]
    faces = [replace(page(7, no), side_no=side_no, half=half) for no, side_no, half in spots]  # type: ignore[arg-type]
    (draft,) = segment("a3", 4, faces)
    assert ids(draft) == [71, 72, 73, 74]
    assert not draft.doubts


def test_a_missing_page_is_asked_about() -> None:
    first, second = divided([each for each in copies(1, 2) if each.page_id.int not in (12, 24)])
    assert (ids(first), codes(first)) == ([11, 13, 14], ["page_missing"])
    # the other copy shows that there are four
    assert (ids(second), codes(second)) == ([21, 22, 23], ["page_missing"])


def test_a_page_that_is_there_twice_is_put_behind_its_copy() -> None:
    again = replace(page(1, 2), page_id=UUID(int=99))
    first, second = divided([*copies(1, 2), again])
    assert (ids(first), codes(first)) == ([11, 12, 13, 14, 99], ["code_twice"])
    assert (ids(second), codes(second)) == ([21, 22, 23, 24], [])


def test_the_only_page_without_its_code_fills_the_only_gap() -> None:
    pile = [bare(each) if each.page_id.int == 22 else each for each in copies(1, 2, 3)]
    drafts = divided(pile)
    assert [ids(draft) for draft in drafts] == [[11, 12, 13, 14], [21, 22, 23, 24], [31, 32, 33, 34]]
    assert not any(draft.doubts for draft in drafts)


def test_a_blank_page_does_not_stand_for_one_that_is_missing() -> None:
    pile = [replace(bare(each), blank=True) if each.page_id.int == 12 else each for each in copies(1, 2)]
    first, _ = divided(pile)
    assert codes(first) == ["page_missing"]  # a printed code is ink: this may be the back of anything


def test_a_blank_back_without_a_code_stays_with_its_sheet() -> None:
    backs = [replace(bare(page(copy, 5)), blank=True) for copy in (1, 2)]
    first, second = divided([*copies(1, pages=1), backs[0], *copies(2, pages=1), backs[1]])
    assert (ids(first), ids(second)) == ([11, 15], [21, 25])
    assert codes(first) == codes(second) == []


def test_a_written_page_without_a_code_stays_with_its_sheet_and_is_asked_about() -> None:
    first, second = divided([page(1, 1), bare(page(1, 5)), page(2, 1), bare(page(2, 5))])
    assert (ids(first), codes(first)) == ([11, 15], ["order_unsure"])
    assert (ids(second), codes(second)) == ([21, 25], ["order_unsure"])


def test_paper_without_codes_between_printed_copies_is_divided_as_ever() -> None:
    plain = [bare(each) for each in copies(5)]
    drafts = divided([*copies(1), *plain, *copies(2)])
    assert [ids(draft) for draft in drafts] == [[11, 12, 13, 14], [51, 52, 53, 54], [21, 22, 23, 24]]
    assert not any(draft.doubts for draft in drafts)


def test_no_page_is_lost_whatever_codes_say() -> None:
    for seed in range(300):
        rng = random.Random(seed)
        pile = [
            replace(
                page(rng.randint(1, 3), rng.randint(1, 5)),
                page_id=UUID(int=no + 1),
                code=Code("e", rng.randint(1, 3), rng.randint(1, 5)) if rng.random() < 0.6 else None,
                blank=rng.random() < 0.3,
            )
            for no in range(rng.randint(1, 12))
        ]
        drafts = divided(pile, 2)
        assert sorted(at for draft in drafts for at in ids(draft)) == list(range(1, len(pile) + 1))
