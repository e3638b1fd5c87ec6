"""The pile: every copy of an exam with what was given so far, to compare and to come back to."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from contracts.errors.grading import NotFound
from contracts.rpc.grading.copies import ExamQuery
from contracts.rpc.grading.results import FlagView, Pile, PileCopy, PileItem, SetFlag
from services.grading.context import Context
from services.grading.domain.copies import Status
from services.grading.domain.marking import Rules
from services.grading.domain.results import total_so_far
from services.grading.store import copies, exams, marking, pile

Scores: TypeAlias = Mapping[str, Decimal]


def get_pile(app: Context, request: ExamQuery) -> Pile:
    """Copies × items; a marker's own copies. Three queries, however many copies."""
    rules, rows = read(app, request)
    items = tuple(
        PileItem(item_id=item.item_id, path=item.path, points=item.max_points, bonus=item.bonus) for item in rules.items
    )
    return Pile(items=items, copies=tuple(_copy(row, rules) for row in rows), total_points=rules.total_points)


def set_flag(app: Context, request: SetFlag) -> FlagView:
    """Flag a copy for whoever sees it, or take the flag down. Needs no lock: it changes no mark."""
    note = request.note if request.flagged else ""
    with app.db.transaction() as uow:
        copies.find(uow.sql, request.copy_id, request.by)
        pile.flag(uow, request.copy_id, flagged=request.flagged, note=note, by=request.by)
    return FlagView(copy_id=request.copy_id, flagged=request.flagged, note=note)


def read(app: Context, request: ExamQuery) -> tuple[Rules, list[Any]]:
    """The scheme in force, and the copies the caller may see (``store.pile.listed``)."""
    with app.db.reading() as sql:
        if exams.find(sql, request.exam_id, request.by).deleted_at is not None:
            raise NotFound
        return marking.rules(sql, request.exam_id), pile.listed(sql, request.exam_id, request.by)


def scores_of(row: Any, rules: Rules) -> dict[str, Decimal]:
    """What was given on items of the scheme in force."""
    stored = row.scores or {}
    return {item.item_id: Decimal(stored[item.item_id]) for item in rules.items if item.item_id in stored}


def _copy(row: Any, rules: Rules) -> PileCopy:
    scores = scores_of(row, rules)
    graded = row.status == Status.GRADED
    return PileCopy(
        id=row.id,
        anonymous_id=row.anonymous_id,
        status=row.status,
        marker=row.marker,
        scores=scores,
        total=row.total if graded else total_so_far(rules.items, rules.step, scores, rules.total_points),
        flagged=bool(row.flagged),
        note=row.note or "",
        annotations=row.annotations,
    )
