"""How a set of marks is spread, and what its items tell. Pure and exact: rounded once, at the end, to thousandths.

Marks are whole thousandths, as points are stored, so that sums are sums of integers: sums of fractions would hold a
service up for seconds. The set is the whole population (the copies of an exam, not a sample of them), so variances
divide by n.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Final

THOUSANDTH: Final = Decimal("0.001")
UNITS: Final = 1000  # to a point
PRECISION: Final = 50  # digits of square roots before they are rounded to thousandths
MOST_BARS: Final = 20


@dataclass(frozen=True)
class Spread:
    """Everything but ``count`` is null of no marks at all."""

    count: int
    mean: Decimal | None = None
    deviation: Decimal | None = None
    lowest: Decimal | None = None
    q1: Decimal | None = None
    median: Decimal | None = None
    q3: Decimal | None = None
    highest: Decimal | None = None


@dataclass(frozen=True)
class Bar:
    """Marks in [``low``, ``high``[; the last bar includes ``high``."""

    low: Decimal
    high: Decimal
    count: int


def spread(marks: Sequence[Decimal]) -> Spread:
    """Mean, median, quartiles and standard deviation (σ, dividing by n)."""
    if not marks:
        return Spread(0)
    ordered = sorted(marks)
    return Spread(
        count=len(ordered),
        mean=rounded(mean(ordered)),
        deviation=_root(variance(ordered)),
        lowest=ordered[0],
        q1=quartile(ordered, 1),
        median=rounded(median(ordered)),
        q3=quartile(ordered, 3),
        highest=ordered[-1],
    )


def mean(values: Sequence[Decimal]) -> Fraction:
    return Fraction(sum(_units(values)), UNITS * len(values))


def variance(values: Sequence[Decimal]) -> Fraction:
    """Mean square deviation from the mean, (1/n) Σ (x − x̄)²."""
    return covariance(values, values)


def covariance(left: Sequence[Decimal], right: Sequence[Decimal]) -> Fraction:
    """(1/n) Σ (x − x̄)(y − ȳ), by König's formula: the mean of products less the product of means."""
    xs, ys, n = _units(left), _units(right), len(left)
    products = sum(x * y for x, y in zip(xs, ys, strict=True))
    return Fraction(n * products - sum(xs) * sum(ys), (UNITS * n) ** 2)


def _units(values: Sequence[Decimal]) -> list[int]:
    return [int(value * UNITS) for value in values]


def median(ordered: Sequence[Decimal]) -> Fraction:
    """The middle mark, or halfway between the two in the middle."""
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return (Fraction(low) + Fraction(high)) / 2


def quartile(ordered: Sequence[Decimal], quarter: int) -> Decimal:
    """The smallest mark such that ``quarter`` quarters of all are at most as high.

    As French schools teach it, and definition 1 of Hyndman and Fan, Sample Quantiles in Statistical Packages, The
    American Statistician 50 (1996): always a mark that somebody has.
    """
    return ordered[-(-quarter * len(ordered) // 4) - 1]


def histogram(marks: Sequence[Decimal], total_points: Decimal) -> tuple[Bar, ...]:
    """Bars of one width from 0 to ``total_points``, whether marks lie there or not."""
    width = bar_width(total_points)
    count = int((total_points / width).to_integral_value(ROUND_CEILING))
    found = [0] * count
    for mark in marks:
        found[min(int(mark // width), count - 1)] += 1
    return tuple(Bar(width * at, min(width * (at + 1), total_points), found[at]) for at in range(count))


def bar_width(total_points: Decimal) -> Decimal:
    """The smallest of … 0.25, 0.5, 1, 2.5, 5, 10 … that makes at most ``MOST_BARS`` bars."""
    width = Decimal("0.001")
    steps = (Decimal("2.5"), Decimal(2), Decimal(2))
    at = 0
    while total_points / width > MOST_BARS:
        width *= steps[at % 3]
        at += 1
    return width.normalize() + 0


def facility(scores: Sequence[Decimal], max_points: Decimal) -> Decimal | None:
    """Mean score as a share of what could be had (difficulty index p of classical test theory)."""
    return rounded(mean(scores) / Fraction(max_points)) if scores and max_points else None


def discrimination(scores: Sequence[Decimal], others: Sequence[Decimal]) -> Decimal | None:
    """Corrected item–total correlation: Pearson's r of an item with the sum of all other items of the same copies.

    r = cov(x, y) / √(var(x) var(y)), with y the total without x: left in, an item would correlate with itself
    (Henrysson, Correction of item–total correlations in item analysis, Psychometrika 28, 1963). Null where either
    does not vary.
    """
    if len(scores) < 2:
        return None
    product = variance(scores) * variance(others)
    if not product:
        return None
    with localcontext() as exact:
        exact.prec = PRECISION
        return _thousandths(_decimal(covariance(scores, others)) / _decimal(product).sqrt())


def reliability(copies: Sequence[Mapping[str, Decimal]], items: Sequence[str]) -> Decimal | None:
    """Cronbach's alpha, k/(k−1) (1 − Σ var(xᵢ) / var(Σ xᵢ)), of copies that have a score on every item.

    Cronbach, Coefficient alpha and the internal structure of tests, Psychometrika 16 (1951). Null with fewer than two
    items or copies, or where totals do not vary.
    """
    whole = [scores for scores in copies if all(item in scores for item in items)]
    if len(items) < 2 or len(whole) < 2:
        return None
    of_totals = variance([sum((scores[item] for item in items), Decimal(0)) for scores in whole])
    if not of_totals:
        return None
    of_items = sum((variance([scores[item] for scores in whole]) for item in items), Fraction(0))
    k = len(items)
    return rounded(Fraction(k, k - 1) * (1 - of_items / of_totals))


def rounded(value: Fraction) -> Decimal:
    """To thousandths, ties away from zero."""
    with localcontext() as exact:
        exact.prec = PRECISION
        return _thousandths(_decimal(value))


def _root(value: Fraction) -> Decimal:
    with localcontext() as exact:
        exact.prec = PRECISION
        return _thousandths(_decimal(value).sqrt())


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def _thousandths(value: Decimal) -> Decimal:
    return value.quantize(THOUSANDTH, ROUND_HALF_UP)
