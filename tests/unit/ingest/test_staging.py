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
    CannotInsertThere,
    CannotSplitThere,
    NoPageLeft,
    PageNotThere,
    PagesNotConserved,
    VersionConflict,
)
from contracts.records.pages import Box
from services.ingest.domain import Booklet, StagedPage, conserve, merge, pages_to_assemble, turned_box, undone

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


def test_pages_of_another_booklet_are_inserted_in_the_order_named() -> None:
    target, source = booklet(11, 12), booklet(21, 22, 23, no=3)
    into, left = target.insert(2, source, [UUID(int=23), UUID(int=21)])
    assert numbers(into) == [11, 23, 21, 12]
    assert numbers(left) == [22]


def test_without_names_all_pages_are_moved_behind_the_last() -> None:
    into, left = booklet(11, 12).insert(None, booklet(21, 22, no=3), [])
    assert (numbers(into), left.pages) == ([11, 12, 21, 22], ())


def test_a_page_that_is_not_there_or_is_named_twice_is_not_moved() -> None:
    for wrong in ([99], [21, 21]):
        with pytest.raises(PageNotThere) as refused:
            booklet(11).insert(1, booklet(21, no=3), [UUID(int=no) for no in wrong])
        assert refused.value.details == {"page_id": str(UUID(int=wrong[-1]))}


def test_there_is_no_place_beyond_the_one_behind_the_last_page() -> None:
    with pytest.raises(CannotInsertThere) as refused:
        booklet(11, 12).insert(4, booklet(21, no=3), [])
    assert refused.value.details == {"before_page": 4, "pages": 2, "last": 3}


def test_a_booklet_that_was_assembled_since_is_not_undone() -> None:
    with pytest.raises(BookletFrozen):
        undone([booklet(11), replace(booklet(12, no=3), copy_id=UUID(int=5))], [booklet(11, 12)])


def numbers(one: Booklet) -> list[int]:
    return [page.id.int for page in one.pages]


class Pile:
    """Booklets by id, and what they were before each act: the journal in its simplest form."""

    def __init__(self, pages: int, size: int) -> None:
        cuts = [range(first, min(first + size, pages)) for first in range(0, pages, size)]
        self.now = {UUID(int=no): booklet(*cut, no=no) for no, cut in enumerate(cuts, start=100)}
        self.acts: list[tuple[list[Booklet], list[UUID]]] = []

    def filled(self) -> list[Booklet]:
        return [each for each in self.now.values() if each.pages and not each.set_aside]

    def keep(self, before: list[Booklet], after: list[Booklet]) -> None:
        self.acts.append((before, [each.id for each in after]))
        self.now |= {each.id: each for each in after}

    def undo(self) -> None:
        before, ids = self.acts.pop()
        self.now |= {each.id: each for each in undone([self.now[each] for each in ids], before)}

    def act(self, data: st.DataObject) -> None:
        """Any act that is possible now, or none."""
        filled = self.filled()
        if not filled:
            return
        one = data.draw(st.sampled_from(filled))
        others = [each for each in filled if each is not one]
        match data.draw(st.sampled_from(["arrange", "split", "merge", "insert", "set_aside", "take_back"])):
            case "arrange":
                turned = [replace(page, turn_deg=90, dropped=not page.dropped) for page in one.pages]
                self.keep([one], [one.arranged(data.draw(st.permutations(turned)))])
            case "split" if len(one.pages) > 1:
                parts = one.split(data.draw(st.integers(2, len(one.pages))), UUID(int=1000 + len(self.now)))
                self.keep([one], list(parts))
            case "merge" if others:
                self.keep([one, *others[:2]], merge([one, *others[:2]]))
            case "insert" if others:
                source = data.draw(st.sampled_from(others))
                taken = data.draw(st.lists(st.sampled_from([page.id for page in source.pages]), unique=True))
                place = data.draw(st.none() | st.integers(1, len(one.pages) + 1))
                self.keep([one, source], list(one.insert(place, source, taken)))
            case "set_aside":
                self.keep([one], [replace(one, set_aside=True)])
            case "take_back":
                aside = [each for each in self.now.values() if each.set_aside]
                self.keep(aside[:1], [replace(each, set_aside=False) for each in aside[:1]]) if aside else None


def seen(pile: Pile) -> dict[UUID, tuple[tuple[StagedPage, ...], bool]]:
    """What there is to see: a booklet without pages is not there."""
    return {each.id: (each.pages, each.set_aside) for each in pile.now.values() if each.pages}


@given(st.data())
def test_any_sequence_of_acts_and_undoings_conserves_every_page(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    pile = Pile(count, data.draw(st.integers(1, 4)))
    history = [seen(pile)]
    for _ in range(data.draw(st.integers(0, 15))):
        if pile.acts and data.draw(st.integers(0, 3)) == 0:
            pile.undo()
            history.pop()
            assert seen(pile) == history[-1]  # exactly what was, however much was undone before
        else:
            acts = len(pile.acts)
            pile.act(data)
            history += [seen(pile)] if len(pile.acts) > acts else []
        conserve((UUID(int=no) for no in range(count)), (page.id for each in pile.now.values() for page in each.pages))
    while pile.acts:
        pile.undo()
    assert seen(pile) == history[0]


def test_the_guard_sees_a_lost_page() -> None:
    with pytest.raises(PagesNotConserved):
        conserve([UUID(int=1), UUID(int=2)], [UUID(int=1)])
