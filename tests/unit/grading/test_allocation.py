"""Copies are spread evenly over markers, and nobody chooses which."""

import uuid
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from services.grading.domain.allocation import spread

COPIES = [uuid.UUID(int=n) for n in range(1, 12)]
ANA, BEN, EVE = (uuid.UUID(int=n << 64) for n in (1, 2, 3))


def test_eleven_copies_over_three_markers_are_four_four_three():
    assert sorted(Counter(spread(COPIES, [ANA, BEN, EVE], {}).values()).values()) == [3, 4, 4]


def test_the_order_of_copies_and_markers_does_not_matter():
    assert spread(COPIES, [ANA, BEN, EVE], {}) == spread(COPIES[::-1], [EVE, ANA, BEN, ANA], {})


def test_neighbours_in_the_pile_are_not_dealt_in_turn():
    given = spread(COPIES, [ANA, BEN], {})
    assert [given[copy] for copy in COPIES[:6]] != [ANA, BEN, ANA, BEN, ANA, BEN]


def test_a_late_delivery_evens_out_what_came_before():
    assert Counter(spread(COPIES[:4], [ANA, BEN], {ANA: 5, BEN: 1}).values()) == {BEN: 4}


@given(st.sets(st.uuids(), max_size=40), st.sets(st.uuids(), min_size=1, max_size=6))
def test_every_copy_gets_one_marker_and_loads_differ_by_one_at_most(copies, markers):
    result = spread(copies, list(markers), {})
    loads = Counter(result.values())
    assert result.keys() == copies
    assert not copies or max(loads.values()) - min(loads[marker] for marker in markers) <= 1
