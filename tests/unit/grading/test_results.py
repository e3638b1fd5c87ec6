"""What a copy is worth: exact, bounded, and the same whatever the order."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors.grading import ItemsUnscored, ScoreOffStep, ScoreOutOfRange, UnknownItem
from services.grading.domain.results import check_known, copy_total, points
from services.grading.domain.scheme import Leaf

STEP = Decimal("0.25")


def item(name: str, most: str, *, bonus: bool = False) -> Leaf:
    return Leaf(item_id=name, path=(name,), max_points=Decimal(most), bonus=bonus)


@st.composite
def marked_copies(draw: st.DrawFn) -> tuple[list[Leaf], Decimal, dict[str, Decimal]]:
    """A scheme, its step, and a score for each item that the scheme allows."""
    step = draw(st.sampled_from([Decimal("0.1"), Decimal("0.25"), Decimal("0.5"), Decimal(1), Decimal("0.125")]))
    most = draw(st.lists(st.integers(0, 80), min_size=1, max_size=40))
    items = [Leaf(f"q{n}", (f"q{n}",), steps * step, draw(st.booleans())) for n, steps in enumerate(most)]
    scores = {each.item_id: draw(st.integers(0, steps)) * step for each, steps in zip(items, most, strict=True)}
    return items, step, scores


@given(marked_copies())
def test_the_total_is_the_exact_sum_up_to_the_exams_points(
    case: tuple[list[Leaf], Decimal, dict[str, Decimal]],
) -> None:
    items, step, scores = case
    out_of = sum((each.max_points for each in items if not each.bonus), Decimal(0))
    total = copy_total(items, step, scores, out_of)
    assert Fraction(total) == min(sum(map(Fraction, scores.values())), Fraction(out_of))  # a float sum drifts
    assert total % step == 0
    assert 0 <= total <= out_of


@given(marked_copies(), st.randoms())
def test_the_order_of_items_and_scores_does_not_matter(
    case: tuple[list[Leaf], Decimal, dict[str, Decimal]], chance: object
) -> None:
    items, step, scores = case
    shuffled, turned = list(items), list(scores.items())
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    chance.shuffle(turned)  # type: ignore[attr-defined]
    out_of = Decimal(10_000)
    assert copy_total(shuffled, step, dict(turned), out_of) == copy_total(items, step, scores, out_of)


def test_ten_tenths_are_one() -> None:
    items = [item(f"q{n}", "1") for n in range(10)]
    scores = {each.item_id: Decimal("0.1") for each in items}
    assert copy_total(items, Decimal("0.1"), scores, Decimal(20)) == 1  # 0.9999999999999999 as floats


def test_a_bonus_makes_up_for_what_was_lost_and_no_more() -> None:
    items = [item("q1", "20"), item("extra", "2", bonus=True)]
    assert copy_total(items, STEP, {"q1": Decimal(17), "extra": Decimal(2)}, Decimal(20)) == 19
    assert copy_total(items, STEP, {"q1": Decimal("19.5"), "extra": Decimal(2)}, Decimal(20)) == 20


def test_one_refusal_lists_every_missing_item() -> None:
    items = [item("q1", "5"), item("q2", "5"), item("extra", "1", bonus=True)]
    with pytest.raises(ItemsUnscored) as refused:
        copy_total(items, STEP, {"q2": Decimal(1)}, Decimal(10))
    assert refused.value.details == {"items": ["q1", "extra"]}
    assert "q1" in refused.value.text("fr")


@pytest.mark.parametrize(
    ("score", "refusal"),
    [("5.25", ScoreOutOfRange), ("-0.25", ScoreOutOfRange), ("0.1", ScoreOffStep), ("4.999", ScoreOffStep)],
)
def test_a_score_the_scheme_does_not_allow_has_no_total(score: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        copy_total([item("q1", "5")], STEP, {"q1": Decimal(score)}, Decimal(5))


def test_a_score_on_an_item_that_is_gone_counts_for_nothing() -> None:
    assert copy_total([item("q1", "5")], STEP, {"q1": Decimal(2), "neutralised": Decimal(9)}, Decimal(20)) == 2


def test_unknown_items_are_named_once_each() -> None:
    with pytest.raises(UnknownItem) as refused:
        check_known([item("q1", "5")], ["q1", "x", "y", "x"], 3)
    assert refused.value.details == {"items": ["x", "y"], "scheme_version": 3}


@pytest.mark.parametrize(("value", "shown"), [("1.250", "1.25"), ("20", "20"), ("-0.5", "-0.5"), ("0.000", "0")])
def test_points_travel_plain(value: str, shown: str) -> None:
    assert points(Decimal(value)) == shown
