"""What the graded copies of an exam say together, about its items and about who marked them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from contracts.rpc.grading import results as rpc
from contracts.rpc.grading.copies import ExamQuery
from services.grading.context import Context
from services.grading.domain import statistics as figures
from services.grading.domain.copies import Status
from services.grading.domain.scheme import Leaf
from services.grading.usecases.pile import Scores, read, scores_of


def get_statistics(app: Context, request: ExamQuery) -> rpc.Statistics:
    """Of the copies the caller may see: a marker reads about their own marking alone, so that nobody marks towards
    somebody else's mean. Three queries, however many copies.

    Items are judged on the scheme in force: a score on an item that is gone counts only in its copy's total.
    """
    rules, rows = read(app, request)
    graded = [row for row in rows if row.status == Status.GRADED]
    scored = [scores_of(row, rules) for row in graded]
    totals = [row.total for row in graded]
    return rpc.Statistics(
        exam_id=request.exam_id,
        copies=len(rows),
        total_points=rules.total_points,
        spread=_spread(totals),
        half_or_more=sum(2 * total >= rules.total_points for total in totals),
        reliability=figures.reliability(scored, [item.item_id for item in rules.items]),
        histogram=_bars(totals, rules.total_points),
        items=_items(rules.items, scored),
        markers=_markers(rows, rules.total_points),
    )


def _items(items: Sequence[Leaf], scored: Sequence[Scores]) -> tuple[rpc.ItemStatistics, ...]:
    whole = [scores for scores in scored if len(scores) == len(items)]
    sums = [sum(scores.values(), Decimal(0)) for scores in whole]
    found = []
    for item in items:
        given = [scores[item.item_id] for scores in scored if item.item_id in scores]
        own = [scores[item.item_id] for scores in whole]
        found.append(
            rpc.ItemStatistics(
                item_id=item.item_id,
                path=item.path,
                points=item.max_points,
                bonus=item.bonus,
                count=len(given),
                mean=figures.rounded(figures.mean(given)) if given else None,
                facility=figures.facility(given, item.max_points),
                discrimination=figures.discrimination(own, [s - x for s, x in zip(sums, own, strict=True)]),
                zero=sum(score == 0 for score in given),
                full=sum(score >= item.max_points for score in given),
            )
        )
    return tuple(found)


def _markers(rows: Sequence[Any], total_points: Decimal) -> tuple[rpc.MarkerStatistics, ...]:
    """By name; copies that are nobody's come last."""
    names = {row.marker_id: row.marker for row in rows}
    found = []
    for marker_id in sorted(names, key=lambda each: (names[each] is None, names[each] or "", str(each))):
        theirs = [row for row in rows if row.marker_id == marker_id]
        totals = [row.total for row in theirs if row.status == Status.GRADED]
        if marker_id is None and not totals:
            continue
        found.append(
            rpc.MarkerStatistics(
                marker_id=marker_id,
                marker=names[marker_id],
                copies=len(theirs),
                spread=_spread(totals),
                histogram=_bars(totals, total_points),
            )
        )
    return tuple(found)


def _spread(totals: Sequence[Decimal]) -> rpc.Spread:
    return rpc.Spread(**vars(figures.spread(totals)))


def _bars(totals: Sequence[Decimal], total_points: Decimal) -> tuple[rpc.Bar, ...]:
    return tuple(rpc.Bar(**vars(bar)) for bar in figures.histogram(totals, total_points))
