"""Results: who got what, for those who may know both."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from contracts.errors.grading import NotFound
from contracts.model import Actor, Role
from contracts.rpc.grading import results as rpc
from services.grading.context import Context
from services.grading.domain import result_files
from services.grading.domain.copies import Status
from services.grading.store import exams, marking, results
from services.grading.store.paging import cursor
from services.grading.usecases.exams import after_id

_MEDIA_TYPE: Final = "text/csv; charset=utf-8"
_FILENAMES: Final = {"csv": "results.csv", "pronote": "notes-pronote.csv"}


def list_results(app: Context, request: rpc.ListResults) -> rpc.Results:
    """Candidates by name, those without a copy too. Three queries, however many."""
    after = after_id(request.cursor)
    with app.db.reading() as sql:
        exam = _exam(sql, request.exam_id, request.by)
        rows = results.listed(sql, request.exam_id, after=after, limit=request.limit + 1)
        counted = results.counts(sql, request.exam_id)
    items = tuple(_view(row) for row in rows[: request.limit])
    more = len(rows) > len(items)
    return rpc.Results(
        items=items,
        next=cursor(str(items[-1].candidate_id)) if more else None,
        total=counted.candidates,
        total_points=exam.total_points,
        graded=counted.graded,
        marking=counted.with_copy - counted.graded,
        no_copy=counted.candidates - counted.with_copy,
        unidentified=counted.unidentified,
    )


def make_results_file(app: Context, request: rpc.ResultsFile) -> rpc.FileMade:
    """All results as a file. No row names it: the garbage collector takes it in a week."""
    with app.db.reading() as sql:
        _exam(sql, request.exam_id, request.by)
        rules = marking.rules(sql, request.exam_id)
        rows = results.listed(sql, request.exam_id)
    told = [_result(row) for row in rows]
    if request.format == "pronote":
        data = result_files.for_pronote(told, rules.total_points)
    else:
        data = result_files.for_programs(told, rules.items, rules.total_points)
    file = app.objects.put("results", data, _MEDIA_TYPE)
    return rpc.FileMade(file=file, filename=_FILENAMES[request.format])


def _exam(sql: sa.Connection, exam_id: Any, by: Actor) -> Any:
    """Names beside marks are the administrator's; nobody else learns even whether there are any."""
    if by.role is not Role.ADMIN:
        raise NotFound
    exam = exams.find(sql, exam_id, by)
    if exam.deleted_at is not None:
        raise NotFound
    return exam


def _state(row: Any) -> result_files.State:
    if row.copy_id is None:
        return "no_copy"
    return "graded" if row.status == Status.GRADED else "marking"


def _view(row: Any) -> rpc.ResultView:
    state = _state(row)
    return rpc.ResultView(
        candidate_id=row.candidate_id,
        ine=row.ine,
        last_name=row.last_name,
        first_name=row.first_name,
        class_name=row.class_name,
        state=state,
        copy_id=row.copy_id,
        anonymous_id=row.anonymous_id,
        revision=row.revision,
        total=row.total,
        graded_at=row.graded_at,
    )


def _result(row: Any) -> result_files.Result:
    state = _state(row)
    graded = state == "graded"
    return result_files.Result(
        last_name=row.last_name,
        first_name=row.first_name,
        class_name=row.class_name,
        ine=row.ine,
        birth_date=row.birth_date,
        anonymous_id=row.anonymous_id,
        state=state,
        total=row.total,
        scores={item: Decimal(score) for item, score in row.scores.items()} if graded else {},
        appraisal=(row.appraisal or "") if graded else "",
    )
