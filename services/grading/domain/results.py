"""What a copy is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from contracts.errors.grading import ItemsUnscored, ScoreOffStep, ScoreOutOfRange, UnknownItem
from services.grading.domain.scheme import Leaf


def missing(items: Sequence[Leaf], scores: Mapping[str, Decimal]) -> tuple[str, ...]:
    """Items without a score, in the order of the paper. Bonus items need one too: no bonus is a 0 somebody gave."""
    return tuple(item.item_id for item in items if item.item_id not in scores)


def check_scores(items: Sequence[Leaf], step: Decimal, scores: Mapping[str, Decimal]) -> None:
    """Refuse the first score that is off: below 0, above its item's maximum, or not a multiple of ``step``.

    A score whose item is not in ``items`` is not looked at; see ``check_known`` for what is written.
    """
    for item in items:
        score = scores.get(item.item_id)
        if score is None:
            continue
        if not 0 <= score <= item.max_points:
            raise ScoreOutOfRange(item=item.item_id, score=points(score), max=points(item.max_points))
        if score % step:
            raise ScoreOffStep(item=item.item_id, score=points(score), step=points(step))


def check_known(items: Sequence[Leaf], named: Sequence[str], scheme_version: int) -> None:
    """Refuse names that are no items of the scheme in force; one reply lists them all."""
    known = {item.item_id for item in items}
    unknown = [name for name in dict.fromkeys(named) if name not in known]
    if unknown:
        raise UnknownItem(items=unknown, scheme_version=scheme_version)


def copy_total(items: Sequence[Leaf], step: Decimal, scores: Mapping[str, Decimal], total_points: Decimal) -> Decimal:
    """Add up one copy, exactly: every score is a multiple of ``step``, so there is nothing to round.

    Bonus items add like the others and the sum stops at ``total_points``: a bonus makes up for what was lost and never
    gives more than the exam is out of.

    A score for an item that is not in ``items`` is ignored by design: schemes lose items when a question is
    neutralised.

    Raises:
        ItemsUnscored: ``items`` lists every missing item, so one reply fixes all.
        ScoreOutOfRange, ScoreOffStep: the first score that the scheme in force does not allow.
    """
    unscored = missing(items, scores)
    if unscored:
        raise ItemsUnscored(items=list(unscored))
    check_scores(items, step, scores)
    return min(sum((scores[item.item_id] for item in items), Decimal(0)), total_points)


def total_so_far(
    items: Sequence[Leaf], step: Decimal, scores: Mapping[str, Decimal], total_points: Decimal
) -> Decimal | None:
    """``None`` while the total cannot be said: items are missing, or a newer scheme allows less than was given."""
    if not items:
        return None
    try:
        return copy_total(items, step, scores, total_points)
    except (ItemsUnscored, ScoreOutOfRange, ScoreOffStep):
        return None


def points(value: Decimal) -> str:
    """Points as they travel: plain, without trailing zeros."""
    return format(value.normalize() + 0, "f")
