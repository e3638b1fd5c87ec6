"""All that a marking desk needs, in one answer."""

from __future__ import annotations

from contracts.rpc.grading.desk import COMMENTS_AT_ONCE, DeskExam, DeskScheme, DeskView, OpenDesk
from contracts.rpc.grading.exams import SchemeNode
from services.grading.context import Context
from services.grading.domain import scheme, walk
from services.grading.store import comments, copies, marking
from services.grading.usecases.marking import scores_view
from services.grading.usecases.shown import copy_view


def open_desk(app: Context, request: OpenDesk) -> DeskView:
    """One copy with its marks, its rules, its comments and its neighbours, all seen at one moment.

    Whose copy it is is not in it, for an administrator who marks neither.

    Raises:
        NotFound: also when it is not the caller's to see.
    """
    by = request.by
    with app.db.reading(snapshot=True) as sql:
        row = copies.one_listed(sql, request.copy_id, by)
        rules = marking.rules(sql, row.exam_id)
        marks = marking.marks(sql, row.id)
        annotations = marking.standing(sql, row.id)
        offered, _ = comments.listed(sql, row.exam_id, by, item_id=None, limit=COMMENTS_AT_ONCE)
        stops = copies.walk(sql, row.exam_id, by, request.item_id)
    place = (walk.by_copy if request.item_id is None else walk.by_item)(stops, row.id)
    return DeskView(
        copy_=copy_view(row, by).model_copy(update={"identified": None, "candidate_id": None}),
        exam=DeskExam(id=row.exam_id, title=rules.exam_title, total_points=rules.total_points, step=rules.step),
        scheme=DeskScheme(
            version=rules.scheme_version,
            nodes=tuple(SchemeNode.model_validate(node) for node in scheme.as_json(rules.nodes)),
        ),
        annotations=annotations,
        scores=scores_view(row.id, rules, marks),
        comments=offered,
        previous=place.previous,
        next=place.next,
        position=place.position,
        of=place.of,
        done=place.done,
    )
