"""Pages are conserved whatever a person does in staging (invariant I13), and a copy freezes its booklets."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors.ingest import (
    BookletFrozen,
    BookletSetAside,
    CannotSplitThere,
    NoPageLeft,
    PagesNotConserved,
    VersionConflict,
)
from contracts.records.pages import Box
from services.ingest.domain import Booklet, StagedPage, conserve, merge, pages_to_assemble, turned_box

EXAM = UUID(int=1)


def booklet(*pages: int, no: int = 2) -> Booklet:
    return Booklet(UUID(int=no), EXAM, 1, tuple(StagedPage(UUID(int=page)) for page in pages))


def test_leaving_a_page_out_names_it() -> None:
    with pytest.raises(PagesNotConserved) as refused:
        booklet(11, 12).arranged([StagedPage(UUID(int=12))])
    assert refused.value.details == {"missing": [str(UUID(int=11))], "unknown": [], "repeated": []}


def test_naming_a_page_twice_or_a_strange_one_is_refused() -> None:
    with pytest.raises(PagesNotConserved) as refused:
        booklet(11, 12).arranged([StagedPage(UUID(int=no)) for no in (11, 11, 99)])
    assert refused.value.details["repeated"] == [str(UUID(int=11))]
    assert refused.value.details["unknown"] == [str(UUID(int=99))]


@pytest.mark.parametrize("before_page", [4, 200])
def test_there_is_nothing_to_split_off_beyond_the_last_page(before_page: int) -> None:
    with pytest.raises(CannotSplitThere):
        booklet(11, 12, 13).split(before_page, UUID(int=9))


def test_an_assembled_booklet_is_frozen() -> None:
    frozen = replace(booklet(11), copy_id=UUID(int=5))
    with pytest.raises(BookletFrozen):
        frozen.editable()
    with pytest.raises(BookletFrozen):
        frozen.unfrozen()


def test_stray_paper_is_taken_back_before_it_is_edited() -> None:
    aside = replace(booklet(11), set_aside=True)
    with pytest.raises(BookletSetAside):
        aside.editable()
    assert aside.unfrozen() is aside


def test_a_stale_version_is_refused_with_the_current_one() -> None:
    with pytest.raises(VersionConflict) as refused:
        booklet(11).at_version(3)
    assert refused.value.details == {"version": 1}


def test_dropped_pages_stay_out_of_the_copy_and_one_must_be_left() -> None:
    kept, dropped = StagedPage(UUID(int=11)), StagedPage(UUID(int=12), dropped=True)
    assert pages_to_assemble([replace(booklet(), pages=(dropped, kept))]) == [kept]
    with pytest.raises(NoPageLeft):
        pages_to_assemble([replace(booklet(), pages=(dropped,))])


def test_a_header_box_turns_with_its_page() -> None:
    box = Box(x=0.125, y=0, w=0.5, h=0.25)
    assert turned_box(box, 90) == Box(x=0.75, y=0.125, w=0.25, h=0.5)
    assert turned_box(box, 180) == Box(x=0.375, y=0.75, w=0.5, h=0.25)
    assert turned_box(turned_box(box, 90), 270) == box
    assert turned_box(box, 0) is box


@given(st.data())
def test_any_sequence_of_splits_and_merges_conserves_every_page(data: st.DataObject) -> None:
    pages = [UUID(int=no) for no in range(1, data.draw(st.integers(1, 12)) + 1)]
    group = [Booklet(UUID(int=100), EXAM, 1, tuple(StagedPage(page) for page in pages))]
    for step in range(data.draw(st.integers(0, 12))):
        index = data.draw(st.integers(0, len(group) - 1))
        if len(group) > 1 and data.draw(st.booleans()):
            other = group.pop(index)
            target = data.draw(st.integers(0, len(group) - 1))
            group[target] = merge([group[target], other])
        elif len(group[index].pages) > 1:
            before = data.draw(st.integers(2, len(group[index].pages)))
            group[index : index + 1] = group[index].split(before, UUID(int=200 + step))
    conserve(pages, (page.id for each in group for page in each.pages))


def test_the_guard_sees_a_lost_page() -> None:
    with pytest.raises(PagesNotConserved):
        conserve([UUID(int=1), UUID(int=2)], [UUID(int=1)])
