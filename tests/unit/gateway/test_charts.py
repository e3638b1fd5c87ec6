"""Where the marks of a chart stand."""

from __future__ import annotations

import itertools
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.rpc.grading.results import Bar, ItemStatistics, Spread
from services.gateway.web import charts


def item(facility: str | None, discrimination: str | None, **more: object) -> ItemStatistics:
    values = {
        "item_id": "q",
        "path": ("Q",),
        "points": "2",
        "bonus": False,
        "count": 4,
        "mean": "1",
        "zero": 0,
        "full": 0,
    }
    return ItemStatistics.model_validate(values | {"facility": facility, "discrimination": discrimination} | more)


SHARES = st.integers(0, 100).map(lambda hundredths: Decimal(hundredths) / 100)
POINTS = st.lists(st.tuples(SHARES, st.integers(-100, 100).map(lambda n: Decimal(n) / 100)), max_size=30)


def test_the_fullest_bar_reaches_no_higher_than_the_axis_and_none_is_below_it() -> None:
    bars = tuple(Bar(low=Decimal(n), high=Decimal(n + 1), count=n % 7) for n in range(20))
    drawn = charts.histogram(bars, Decimal(20), Spread(count=0))
    for column in drawn.columns:
        assert column.y >= charts.MARKS.top
        assert column.y + column.height == pytest.approx(charts.MARKS.top + charts.MARKS.height)
    assert [tick.value for tick in drawn.across] == [0, 5, 10, 15, 20]
    assert drawn.box is None
    assert [column.below_half for column in drawn.columns] == [True] * 10 + [False] * 10


def test_a_box_is_drawn_where_its_quartiles_are() -> None:
    five, ten = Decimal(5), Decimal(10)
    spread = Spread(
        count=3, mean=ten, deviation=five, lowest=Decimal(0), q1=five, median=ten, q3=Decimal(15), highest=Decimal(20)
    )
    box = charts.box(spread, Decimal(20), charts.Frame(left=0, top=0, width=200, height=10))
    assert box == charts.Box(lowest=0, q1=50, median=100, q3=150, highest=200, mean=100)


@given(POINTS)
def test_bubbles_stay_in_the_plot_and_keep_their_true_place(points: list[tuple[Decimal, Decimal]]) -> None:
    items = [item(str(facility), str(discrimination)) for facility, discrimination in points]
    cloud = charts.scatter(items)
    frame = charts.ITEMS
    assert [dot.no for dot in cloud.dots] == list(range(1, len(points) + 1))
    for dot in cloud.dots:
        assert frame.left <= dot.bx <= frame.left + frame.width
        assert frame.top <= dot.by <= frame.top + frame.height
        assert dot.x == frame.x(dot.item.facility or 0)
    assert cloud.up[0].value <= min((discrimination for _, discrimination in points), default=0)
    assert cloud.up[-1].value == 1


def test_bubbles_of_one_place_make_room_for_each_other() -> None:
    cloud = charts.scatter([item("0.5", "0.5")] * 6)
    for one, other in itertools.combinations(cloud.dots, 2):
        assert math.hypot(one.bx - other.bx, one.by - other.by) > 1.6 * charts.BUBBLE


def test_an_item_that_tells_nobody_apart_has_no_place_among_the_others() -> None:
    assert [dot.no for dot in charts.scatter([item("1", None), item("0.5", "0.3")]).dots] == [2]


@pytest.mark.parametrize(
    ("which", "said"),
    [
        (item("0.5", "0.6"), ()),
        (item("0.5", "0.19"), ("low",)),
        (item("0.5", "-0.1"), ("negative",)),
        (item("1", None, full=4), ("all",)),
        (item("0", None, zero=4), ("none",)),
        (item(None, None, count=0), ()),
    ],
)
def test_what_deserves_a_second_look_is_said(which: ItemStatistics, said: tuple[str, ...]) -> None:
    assert charts.remarks(which) == said


@pytest.mark.parametrize(("most", "top"), [(0, 4), (1, 1), (3, 3), (4, 4), (5, 8), (29, 32)])
def test_an_axis_of_counts_ends_on_a_number_one_can_divide(most: int, top: int) -> None:
    assert charts.nice_top(most) == top
