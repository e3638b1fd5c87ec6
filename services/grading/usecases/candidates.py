"""Candidates: the roster as staff see it, and what a person may read about themselves."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from contracts.errors.grading import NotFound
from contracts.records.marking import MarkingRecord, RecordedItem
from contracts.rpc.grading.exams import (
    CandidateResult,
    CandidateResults,
    Candidates,
    CandidateView,
    ClassStatistics,
    Document,
    EarlierResult,
    ListCandidates,
    OwnDocument,
    OwnResults,
    ResultItem,
    WithdrawnResult,
)
from services.grading.context import Context
from services.grading.domain.statistics import spread
from services.grading.store import candidates, exams, publications
from services.grading.store.copies import sees_candidates
from services.grading.store.paging import cursor
from services.grading.usecases.exams import after_id


def list_candidates(app: Context, request: ListCandidates) -> Candidates:
    """By name, for staff; three queries for any number."""
    if not sees_candidates(request.by):
        raise NotFound
    after = after_id(request.cursor)
    with app.db.reading() as sql:
        exams.find(sql, request.exam_id, request.by)
        rows, total = candidates.listed(sql, request.exam_id, after=after, limit=request.limit + 1)
    items = tuple(
        CandidateView(
            id=row.id,
            person_id=row.person_id,
            ine=row.ine,
            last_name=row.last_name,
            first_name=row.first_name,
            class_name=row.class_name,
            birth_date=row.birth_date,
            copy_id=row.copy_id,
        )
        for row in rows[: request.limit]
    )
    more = len(rows) > len(items)
    return Candidates(items=items, next=cursor(str(items[-1].id)) if more else None, total=total)


def own_results(app: Context, request: OwnResults) -> CandidateResults:
    """What is published about a person now, newest first; nothing published is an empty list.

    Marks come from the record frozen at finalisation, the one the final PDF printed. Revisions that the person could
    read before are told with the reason why they changed, exams that were taken back with the day.
    """
    with app.db.reading() as sql:
        person = candidates.latest_of_person(sql, request.person_id)
        if person is None:
            raise NotFound
        published = publications.of_person(sql, request.person_id)
        earlier = publications.earlier_of_person(sql, request.person_id)
        withdrawn = publications.withdrawn_from_person(sql, request.person_id)
        totals = publications.totals(
            sql, [(each.exam_id, each.publication) for each in published if each.class_statistics]
        )
    return CandidateResults(
        last_name=person.last_name,
        first_name=person.first_name,
        items=tuple(
            _result(app.objects.get_json(each.record, MarkingRecord), each, earlier, totals.get(each.exam_id, []))
            for each in published
        ),
        withdrawn=tuple(
            WithdrawnResult(exam_title=row.title, exam_date=row.date, withdrawn_at=row.withdrawn_at)
            for row in withdrawn
        ),
    )


def own_document(app: Context, request: OwnDocument) -> Document:
    """The PDF that was published, even if a later revision exists; ``NotFound`` for anything else."""
    with app.db.reading() as sql:
        published = publications.of_person(sql, request.person_id)
    for each in published:
        if each.copy_id == request.copy_id:
            return Document(object=each.document, filename=f"{each.anonymous_id}-{each.revision}.pdf")
    raise NotFound


CLASS_OF = 5
"""Below, quartiles would tell what each of the others got."""


def _class(totals: Sequence[Decimal]) -> ClassStatistics | None:
    if len(totals) < CLASS_OF:
        return None
    told = spread(totals)
    return ClassStatistics(copies=told.count, mean=told.mean, q1=told.q1, median=told.median, q3=told.q3)


def _result(
    record: MarkingRecord, published: publications.Published, earlier: Sequence[Any], totals: Sequence[Decimal]
) -> CandidateResult:
    return CandidateResult(
        exam_id=record.exam_id,
        exam_title=record.exam_title,
        exam_date=record.exam_date,
        copy_id=record.copy_id,
        total=record.total,
        total_points=record.total_points,
        appraisal=record.appraisal,
        items=tuple(_item(item) for item in record.items),
        revision=record.revision,
        published_at=published.published_at,
        earlier=tuple(
            EarlierResult(
                revision=row.revision,
                total=row.total,
                published_at=row.published_at,
                reason=row.reason if row.reopened_by is not None else None,
                changed_at=row.reopened_at,
            )
            for row in earlier
            if row.copy_id == published.copy_id and row.revision < published.revision
        ),
        statistics=_class(totals),
    )


def _item(item: RecordedItem) -> ResultItem:
    return ResultItem(label=" – ".join(item.path), score=item.score, max_points=item.max_points, remark=item.remark)
