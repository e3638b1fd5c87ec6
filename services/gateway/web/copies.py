"""The pile of an exam, and one copy to read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue

from contracts.model import Role
from contracts.rpc.grading import copies as rpc
from contracts.rpc.grading import exams as exams_rpc
from services.gateway import reading
from services.gateway.auth import caller
from services.gateway.context import ask
from services.gateway.routes.copies import CopiesWanted
from services.gateway.web.frame import blueprint, show

MAY_SEE_SCORES = {Role.ADMIN, Role.MARKER}


@blueprint.get("/exams/<uuid:exam_id>/copies")
def copies(exam_id: UUID) -> ResponseReturnValue:
    """The pile; a marker sees their own copies."""
    wanted = reading.validated(CopiesWanted, {k: v for k, v in request.args.items() if v and k in _FILTERS})
    assert isinstance(wanted, CopiesWanted)
    exam = ask(exams_rpc.GET_EXAM, exam_id=exam_id, by=caller().actor)
    found = ask(
        rpc.LIST_COPIES,
        exam_id=exam_id,
        limit=100,
        cursor=wanted.cursor,
        status=wanted.status,
        identified=wanted.identified,
        by=caller().actor,
    )
    kept = {name: value for name in ("status", "identified") if (value := request.args.get(name))}
    following = f"?{urlencode(kept | {'cursor': found.next})}" if found.next else None
    return show("copies.html", exam=exam, current="copies", found=found, wanted=wanted, following=following)


_FILTERS = {"status", "identified", "cursor"}


@blueprint.get("/copies/<uuid:copy_id>")
def copy(copy_id: UUID) -> ResponseReturnValue:
    """Every page of a copy, and its marks as far as they are given."""
    by = caller().actor
    found = ask(rpc.GET_COPY, copy_id=copy_id, by=by)
    exam = ask(exams_rpc.GET_EXAM, exam_id=found.exam_id, by=by)
    scores = ask(rpc.GET_SCORES, copy_id=copy_id, by=by) if _has_scores(found) else None
    rows = list(scored(ask(exams_rpc.GET_SCHEME, exam_id=exam.id, by=by).nodes, scores)) if scores else []
    history = None if caller().role is Role.MARKER else _history(copy_id)
    return show("copy.html", exam=exam, current="copies", copy=found, scores=scores, rows=rows, history=history)


HISTORY = 200


def _history(copy_id: UUID) -> tuple[rpc.AuditEvent, ...]:
    """What happened to a copy, latest first, so much of it as one looks at."""
    return ask(rpc.COPY_EVENTS, copy_id=copy_id, limit=HISTORY, by=caller().actor).items[::-1]


def _has_scores(copy: rpc.CopyView) -> bool:
    return caller().role in MAY_SEE_SCORES and copy.status is not rpc.CopyStatus.READY


@dataclass(frozen=True)
class Row:
    """One line of the scheme. ``score`` is null on branches and on items not marked yet."""

    level: int
    label: str
    leaf: bool
    bonus: bool
    score: Decimal | None
    points: Decimal | None
    remark: str


def scored(nodes: Iterable[exams_rpc.SchemeNode], scores: rpc.ScoresView, level: int = 0) -> Iterator[Row]:
    """The scheme, line by line, with what was given."""
    for node in nodes:
        leaf = not node.children
        remark = scores.remarks.get(node.id, "")
        yield Row(level, node.label, leaf, node.bonus, scores.scores.get(node.id), node.points, remark)
        yield from scored(node.children, scores, level + 1)
