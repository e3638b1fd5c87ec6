"""Which faces make a booklet, and in which order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.imposition import Doubt, Draft, Face, of_piles, segment


def spreads(headed: Iterable[bool], first_side: int = 1) -> list[Face]:
    """A pile of A3 sides; ``headed`` says which have the header on their right half."""
    faces = []
    for side_no, has_header in enumerate(headed, start=first_side):
        faces.append(Face(UUID(int=10 * side_no), side_no, "left"))
        faces.append(Face(UUID(int=10 * side_no + 1), side_no, "right", "sure" if has_header else None))
    return faces


def order(draft: Draft) -> list[str]:
    return [f"{page.int // 10}{'R' if page.int % 10 else 'L'}" for page in draft.pages]


def codes(draft: Draft) -> set[str]:
    return {doubt.code for doubt in draft.doubts}


def test_a_double_sheet_reads_outside_right_inside_left_inside_right_outside_left() -> None:
    (draft,) = segment("a3", 4, spreads([True, False]))
    assert order(draft) == ["1R", "2L", "2R", "1L"]
    assert not draft.doubts


def test_a_nested_sheet_reads_between_the_pages_of_the_one_around_it() -> None:
    (draft,) = segment("a3", 4, spreads([True, False, False, False]))
    # 8|1, 2|7, 6|3, 4|5
    assert order(draft) == ["1R", "2L", "3R", "4L", "4R", "3L", "2R", "1L"]
    assert not draft.doubts


def test_a_pile_fed_inner_side_first_reads_the_same() -> None:
    first, second = segment("a3", 4, spreads([False, True, False, True]))
    assert order(first) == ["2R", "1L", "1R", "2L"]
    assert not first.doubts
    assert not second.doubts


def test_a_swallowed_side_does_not_shift_the_copies_after_it() -> None:
    drafts = segment("a3", 4, spreads([True, False, True, True, False]))  # the third side lost its back
    assert [order(draft) for draft in drafts] == [["1R", "2L", "2R", "1L"], ["3R", "3L"], ["4R", "5L", "5R", "4L"]]
    assert [codes(draft) for draft in drafts] == [set(), {"side_missing"}, set()]


def test_a_stray_side_before_the_first_header_is_no_pile_fed_face_down() -> None:
    drafts = segment("a3", 4, spreads([False, True, False]))
    # cut every two sides it would be two copies without a doubt on the first
    assert all("side_missing" in codes(draft) for draft in drafts if draft.first_side == 1)
    assert all(draft.doubts for draft in drafts if len(draft.pages) != 4)


def test_an_odd_last_side_is_doubtful() -> None:
    _, last = segment("a3", 4, spreads([True, False, True]))
    assert "side_missing" in codes(last)


def test_a_copy_of_five_sheets_more_likely_hides_a_header() -> None:
    (draft,) = segment("a3", 4, spreads([True] + [False] * 9))
    assert codes(draft) == {"many_sheets"}


def test_a_lone_a4_page_in_a_pile_of_a3_is_doubtful() -> None:
    (draft,) = segment("a3", 4, [*spreads([True, False]), Face(UUID(int=30), 3, "whole")])
    # its other side may be lost; and without a look at the writing it may belong in the middle
    assert codes(draft) >= {"side_missing"}
    assert order(draft) == ["1R", "2L", "2R", "1L", "3L"]


def test_two_headers_on_one_side_are_doubtful() -> None:
    faces = spreads([True, False])
    faces[0] = Face(faces[0].page_id, 1, "left", "sure")
    assert codes(segment("a3", 4, faces)[0]) == {"two_headers"}


def test_an_unsure_header_begins_a_doubtful_copy() -> None:
    faces = spreads([True, False, False, False])
    faces[5] = Face(faces[5].page_id, 3, "right", "unsure")
    first, second = segment("a3", 4, faces)
    assert len(first.pages) == 4  # appended to the first copy it would be another candidate's paper
    assert "header_unsure" in codes(second)


def singles(headed: Iterable[bool]) -> list[Face]:
    return [
        Face(UUID(int=10 * no), no, "whole", "sure" if has_header else None)
        for no, has_header in enumerate(headed, start=1)
    ]


def test_a4_pages_are_cut_every_n() -> None:
    drafts = segment("a4", 2, singles([True, False, True, False]))
    assert [order(draft) for draft in drafts] == [["1L", "2L"], ["3L", "4L"]]
    assert not any(draft.doubts for draft in drafts)


def test_a_header_out_of_step_makes_both_booklets_doubtful() -> None:
    drafts = segment("a4", 2, singles([True, True, False, False]))
    assert all(draft.doubts for draft in drafts)


def test_the_last_booklet_may_be_short() -> None:
    *_, last = segment("a4", 3, singles([True, False, False, True]))
    assert "short_booklet" in codes(last)


def test_a_damaged_image_makes_its_booklet_doubtful() -> None:
    (draft,) = segment("a4", 1, [Face(UUID(int=10), 1, "whole", "sure", sound=False)])
    assert codes(draft) == {"image_damaged"}


header = st.sampled_from([None, None, None, "sure", "unsure"])


@st.composite
def piles(draw: st.DrawFn) -> list[Face]:
    """Any pile a scanner could give us, however absurd."""
    faces: list[Face] = []
    for side_no in range(1, draw(st.integers(1, 14)) + 1):
        halves = ("left", "right") if draw(st.integers(0, 9)) else ("whole",)
        for half in halves:
            faces.append(Face(UUID(int=len(faces) + 1), side_no, half, draw(header), draw(st.booleans())))  # type: ignore[arg-type]
    return draw(st.permutations(faces))


@settings(deadline=None)
@given(piles(), st.sampled_from(["a3", "a4"]), st.integers(1, 6))
def test_no_page_is_ever_lost_or_doubled(faces: list[Face], intake: str, per: int) -> None:
    drafts = segment(intake, per, faces)  # type: ignore[arg-type]
    assert sorted(page for draft in drafts for page in draft.pages) == sorted(face.page_id for face in faces)
    assert all(draft.pages for draft in drafts)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.integers(2, 4))
def test_a_well_fed_pile_whose_ends_tell_its_direction_is_divided_right(before: list[int], last: int) -> None:
    sheets_of_copies = [*before, last]
    headed = [side == sheet == 0 for sheets in sheets_of_copies for sheet in range(sheets) for side in range(2)]
    drafts = segment("a3", 4, spreads(headed))
    assert [len(draft.pages) for draft in drafts] == [4 * sheets for sheets in sheets_of_copies]
    # most are certain by their headers alone; sizes that no other copy of a small pile has may be asked about
    assert all(codes(draft) <= {"pages_unsure", "direction_unsure"} for draft in drafts)


def test_single_double_sheets_are_certain_whichever_side_came_first() -> None:
    for headed in ([True, False] * 4, [False, True] * 4):
        drafts = segment("a3", 4, spreads(headed))
        assert [len(draft.pages) for draft in drafts] == [4] * 4
        assert not any(draft.doubts for draft in drafts)


def test_a_pile_scanned_from_its_last_sheet_is_recognised() -> None:
    # turned over: inner sides first, each copy from its innermost sheet; the header comes last
    drafts = segment("a3", 4, spreads([False, False, False, True] * 4))
    assert order(drafts[0])[:4] == ["4R", "3L", "2R", "1L"]
    assert not any(draft.doubts for draft in drafts)


def test_a_pile_that_may_lie_either_way_is_asked_about() -> None:
    # Backs up; either two sheets then one, or turned over and one then two: nothing else to see.
    assert all(draft.doubts for draft in segment("a3", 4, spreads([False, True, False, False, False, True])))


def test_full_double_sheets_that_may_lie_in_reverse_are_asked_about_and_wait_for_nobody() -> None:
    # One, two and one double sheets, full of writing; in reverse: one, one and two.
    drafts = segment("a3", 4, spreads([True, False, True, False, False, False, True, False]))
    assert [len(draft.pages) for draft in drafts] == [4, 8, 4]
    assert [(draft.asked, draft.doubts) for draft in drafts] == [(False, ()), (True, ()), (True, ())]
    assert of_piles(drafts) == [Doubt("direction_unsure", None)]


def test_one_header_in_a_pile_that_is_cut_at_headers_is_asked_about() -> None:
    (draft,) = segment("a4", 4, singles([True, False, False]), "by_header")
    assert codes(draft) == {"pages_unsure"}


def test_a_page_lost_from_a_cut_pile_does_not_shift_the_copies_after_it() -> None:
    drafts = segment("a4", 4, singles([True, False, False, False, True, False, False, True, False, False, False]))
    assert [len(draft.pages) for draft in drafts] == [4, 3, 4]
    assert [codes(draft) for draft in drafts] == [set(), {"short_booklet"}, set()]


def test_copies_of_any_length_begin_at_their_headers() -> None:
    headed = [True, False, False, True, False, True, False, False, False, False]
    drafts = segment("a4", 4, singles(headed), "by_header")
    assert [len(draft.pages) for draft in drafts] == [3, 2, 5]


def test_one_file_is_one_copy() -> None:
    (draft,) = segment("a4", 2, singles([True, False, False, False, False]), "one_per_file")
    assert len(draft.pages) == 5
    assert not draft.doubts


def printed(faces: Iterable[Face], *, alike: int = 32) -> list[Face]:
    """Each with a fingerprint of its own, or the same again after so many faces."""
    return [
        replace(face, blank=False, fingerprint=f"{0xFF << 8 * (no % alike):064x}{0:064x}")
        for no, face in enumerate(faces)
    ]


def scanned(*parts: Iterable[Face]) -> list[Face]:
    """One behind the other, two faces a side."""
    faces = [face for part in parts for face in part]
    return [replace(face, page_id=UUID(int=no + 1), side_no=no // 2 + 1) for no, face in enumerate(faces)]


def test_a_sheet_fed_twice_is_put_behind_its_copy() -> None:
    faces = printed(spreads([True, False, True, False, True, False]))
    drafts = segment("a3", 4, scanned(faces[:8], faces[4:]))
    assert [len(draft.pages) for draft in drafts] == [4, 8, 4]
    assert [codes(draft) for draft in drafts] == [set(), {"fed_twice"}, set()]


def test_a_page_called_blank_on_one_scan_alone_does_not_hide_that_its_sheet_was_fed_twice() -> None:
    faces = printed(spreads([True, False, True, False, True, False]))
    again = [*faces[4:7], replace(faces[7], blank=True, fingerprint=None)]  # a few words, seen once
    drafts = segment("a3", 4, scanned(faces[:8], again, faces[8:]))
    assert [codes(draft) for draft in drafts] == [set(), {"fed_twice"}, set()]


def test_one_side_like_another_is_no_sheet_fed_twice() -> None:
    faces = printed(spreads([True, False, True, False]))
    copied = [replace(one, fingerprint=other.fingerprint) for one, other in zip(faces[4:6], faces[:2], strict=True)]
    # a feeder takes sheets, not sides; one taken out would tear a copy in two
    assert not any(draft.doubts for draft in segment("a3", 4, [*faces[:4], *copied, *faces[6:]]))


def test_paper_that_is_alike_all_through_was_not_fed_twice() -> None:
    faces = printed(spreads([True, False] * 6), alike=4)
    assert [len(draft.pages) for draft in segment("a3", 4, faces)] == [4] * 6


def test_a_page_scanned_on_one_side_comes_again_alone() -> None:
    faces = printed(singles([True, False, True, False, True, False]))
    again = replace(faces[2], page_id=UUID(int=999))
    pile = [replace(face, side_no=no) for no, face in enumerate([*faces[:3], again, *faces[3:]], start=1)]
    drafts = segment("a4", 2, pile)
    assert [len(draft.pages) for draft in drafts] == [2, 3, 2]
    assert [codes(draft) for draft in drafts] == [set(), {"fed_twice"}, set()]


def test_pages_beside_a_copy_without_a_header_are_asked_about_too() -> None:
    faces = spreads([True, False, True, False, True, False, True, False])
    faces[9] = replace(faces[9], header=None, blank=False)  # the third copy: its header was missed, or it is no copy
    drafts = segment("a3", 4, [replace(face, page_no=no) for face, no in zip(faces, [4, 1, 2, 3] * 4, strict=True)])
    assert [codes(draft) for draft in drafts] == [set(), {"pages_unsure"}, {"no_header"}, set()]


def test_a_pile_that_begins_without_a_header_may_lie_the_other_way() -> None:
    # Sheets of two pages, the last scanned first, one side lost: or the first header was missed.
    headed = [False, False, False, False, True, False, False, False, False] + [True, False, False, False] * 3
    assert all(draft.doubts for draft in segment("a4", 4, singles([*headed, True, False]), "by_header"))


def test_a_side_lost_between_headers_at_both_ends_leaves_open_which_way_a_pile_lies() -> None:
    headed = (
        [True, False]
        + [True, False, False, False] * 2
        + [True, False, False]
        + [True, False, False, False, True, False]
    )
    drafts = segment("a4", 4, singles(headed), "by_header")
    assert [len(draft.pages) for draft in drafts] == [2, 4, 4, 3, 4, 2]
    assert all(draft.doubts for draft in drafts)


def test_a_few_signs_of_one_kind_do_not_settle_which_way_a_pile_lies() -> None:
    faces = singles([True, False, False] * 8 + [True])  # a copy of one page at an end: both ends show a header
    faces = [replace(face, blank=no in (2, 5)) for no, face in enumerate(faces)]  # two that end blank if it is straight
    drafts = segment("a4", 4, faces, "by_header")
    assert of_piles(drafts) == [Doubt("direction_unsure", None)]


def test_two_copies_taken_for_one_do_not_vouch_for_their_common_size() -> None:
    drafts = segment("a4", 4, singles([True, False] * 3 + [True, False, False, False]), "by_header")
    assert [len(draft.pages) for draft in drafts] == [2, 2, 2, 4]
    assert ["pages_unsure" in codes(draft) for draft in drafts] == [False, False, False, True]


def test_a_page_that_the_other_side_shows_through_does_not_hide_that_its_sheet_was_fed_twice() -> None:
    faces = printed(spreads([True, False, True, False, True, False]))
    once = [
        replace(face, blank=no != 1, fingerprint=face.fingerprint if no == 1 else None)
        for no, face in enumerate(faces[4:8])
    ]
    through = [replace(once[0], blank=False), *once[1:]]  # taken for written, without a wave of ink
    drafts = segment("a3", 4, scanned(faces[:4], through, once, faces[8:]))
    assert [codes(draft) for draft in drafts] == [set(), {"fed_twice"}, set()]
