"""Statistics against their definitions, written down again the plain way."""

from __future__ import annotations

import itertools
import math
import statistics as reference
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.grading.domain.statistics import (
    bar_width,
    discrimination,
    facility,
    histogram,
    quartile,
    reliability,
    rounded,
    spread,
)

QUARTERS = st.integers(0, 80).map(lambda quarters: Decimal(quarters) / 4)
MARKS = st.lists(QUARTERS, min_size=1, max_size=60)


def decimals(*values: str) -> list[Decimal]:
    return [Decimal(value) for value in values]


@given(MARKS)
def test_mean_median_and_deviation_are_those_of_the_definition(marks: list[Decimal]) -> None:
    found = spread(marks)
    floats = [float(mark) for mark in marks]
    assert float(found.mean) == pytest.approx(reference.fmean(floats), abs=0.0006)
    assert float(found.median) == pytest.approx(reference.median(floats), abs=0.0006)
    assert float(found.deviation) == pytest.approx(reference.pstdev(floats), abs=0.0006)
    assert (found.lowest, found.highest, found.count) == (min(marks), max(marks), len(marks))


@given(MARKS, st.sampled_from([1, 2, 3]))
def test_a_quartile_is_the_smallest_mark_that_enough_do_not_exceed(marks: list[Decimal], quarter: int) -> None:
    found = quartile(sorted(marks), quarter)
    enough = [mark for mark in marks if 4 * sum(each <= mark for each in marks) >= quarter * len(marks)]
    assert found == min(enough)


@given(MARKS)
def test_the_order_of_the_marks_says_nothing(marks: list[Decimal]) -> None:
    assert spread(marks) == spread(marks[::-1])


@given(MARKS, QUARTERS.filter(bool))
def test_every_mark_is_in_exactly_one_bar(marks: list[Decimal], total: Decimal) -> None:
    marks = [min(mark, total) for mark in marks]
    bars = histogram(marks, total)
    assert sum(bar.count for bar in bars) == len(marks)
    assert (bars[0].low, bars[-1].high) == (0, total)
    assert all(before.high == after.low for before, after in itertools.pairwise(bars))
    for bar in bars:
        last = bar is bars[-1]
        assert bar.count == sum(bar.low <= mark < bar.high or (last and mark == bar.high) for mark in marks)


@pytest.mark.parametrize(
    ("total", "width"), [("20", "1"), ("10", "0.5"), ("40", "2.5"), ("100", "5"), ("5", "0.25"), ("30", "2.5")]
)
def test_bars_have_a_width_one_can_read(total: str, width: str) -> None:
    assert bar_width(Decimal(total)) == Decimal(width)


def test_twenty_out_of_twenty_is_in_the_last_bar() -> None:
    bars = histogram(decimals("20", "19", "0"), Decimal(20))
    assert (len(bars), bars[-1].count, bars[0].count) == (20, 2, 1)


def test_a_half_thousandth_goes_up() -> None:
    assert rounded(Fraction(1, 2000)) == Decimal("0.001")
    assert rounded(Fraction(2, 3)) == Decimal("0.667")


def test_no_marks_have_no_mean() -> None:
    assert spread([]).mean is None
    assert facility([], Decimal(2)) is None
    assert discrimination([], []) is None
    assert reliability([], ["a", "b"]) is None


@given(st.lists(st.tuples(QUARTERS, QUARTERS), min_size=2, max_size=40))
def test_discrimination_is_pearsons_correlation(pairs: list[tuple[Decimal, Decimal]]) -> None:
    scores, others = [x for x, _ in pairs], [y for _, y in pairs]
    found = discrimination(scores, others)
    if len(set(scores)) == 1 or len(set(others)) == 1:
        assert found is None
    else:
        assert found is not None
        assert float(found) == pytest.approx(
            reference.correlation([float(x) for x in scores], [float(y) for y in others]), abs=0.0006
        )
        assert -1 <= found <= 1
        assert discrimination(others, scores) == found


def test_an_item_everybody_gets_right_tells_nobody_apart() -> None:
    assert discrimination(decimals("1", "1", "1"), decimals("3", "9", "12")) is None


def test_an_item_that_only_the_weak_get_right_is_negative() -> None:
    assert discrimination(decimals("1", "1", "0", "0"), decimals("2", "3", "10", "11")) == Decimal("-0.992")


def test_facility_is_the_share_of_the_points() -> None:
    assert facility(decimals("0.5", "1", "1.5"), Decimal(2)) == Decimal("0.5")
    assert facility(decimals("1", "1", "0"), Decimal(1)) == Decimal("0.667")


@given(st.lists(st.tuples(QUARTERS, QUARTERS, QUARTERS), min_size=2, max_size=30))
def test_reliability_is_cronbachs_alpha(rows: list[tuple[Decimal, ...]]) -> None:
    copies = [dict(zip("abc", row, strict=True)) for row in rows]
    totals = [float(sum(row)) for row in rows]
    found = reliability(copies, ["a", "b", "c"])
    if len(set(totals)) == 1:
        assert found is None
        return
    of_items = sum(reference.pvariance([float(row[at]) for row in rows]) for at in range(3))
    expected = 1.5 * (1 - of_items / reference.pvariance(totals))
    assert found is not None
    assert math.isclose(float(found), expected, rel_tol=1e-6, abs_tol=0.0006)


def test_copies_that_lack_an_item_do_not_count_for_reliability() -> None:
    whole = [{"a": Decimal(n), "b": Decimal(n)} for n in range(4)]
    assert reliability([*whole, {"a": Decimal(9)}], ["a", "b"]) == 1
