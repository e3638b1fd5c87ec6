"""Who marks which copies."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from uuid import UUID

import sqlalchemy as sa

from chassis import observe
from contracts.errors.grading import NotFound
from contracts.rpc.grading.copies import Allocate, Allocation, Allocations, ExamQuery
from services.grading.context import Context
from services.grading.domain.allocation import spread
from services.grading.domain.audit import sha256
from services.grading.domain.copies import Status
from services.grading.store import audit, exams
from services.grading.store.copies import sees_candidates

log = observe.logger("grading.allocation")


def allocate(app: Context, request: Allocate) -> Allocations:
    """Spread READY copies that have no marker, or those of one who is to have fewer; nobody else loses one.

    Again with the same markers: no change. A copy that somebody is marking right now stays with them.
    """
    names = {marker.id: marker.name for marker in request.markers}
    with app.db.transaction() as uow:
        exam = exams.hold(uow, request.exam_id, request.by)  # one allocation of an exam at a time
        rows = exams.allocated(uow.sql, exam.id)
        free = [row.id for row in rows if row.marker_id == request.taken_from and row.status == Status.READY]
        if request.taken_from is not None:
            free = free[request.keeping :]
        loads = Counter(row.marker_id for row in rows if row.marker_id is not None and row.id not in set(free))
        others = [marker for marker in names if marker != request.taken_from]
        given = spread(free, others, loads) if others else {}
        done = exams.allocate(
            uow, {copy: (marker, names[marker]) for copy, marker in given.items()}, request.taken_from
        )
        entries = [
            audit.Entry("ALLOCATE", request.by, exam.id, copy, _told(given[copy], names)) for copy in sorted(done)
        ]
        audit.append(uow, *entries)
        view = _view(uow.sql, exam.id)
    log.info("copies_allocated", exam_id=exam.id, copies=len(done), markers=len(names))
    return view


def _told(marker: UUID, names: Mapping[UUID, str]) -> dict[str, str]:
    return {"marker_id": str(marker), "marker_sha256": sha256(names[marker])}


def get_allocation(app: Context, request: ExamQuery) -> Allocations:
    if not sees_candidates(request.by):
        raise NotFound
    with app.db.reading() as sql:
        return _view(sql, exams.find(sql, request.exam_id, request.by).id)


def _view(sql: sa.Connection, exam_id: UUID) -> Allocations:
    """Markers by name; each one's copies in the order of anonymous ids."""
    names: dict[UUID, str] = {}
    theirs: defaultdict[UUID, list[UUID]] = defaultdict(list)
    states: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
    unallocated = 0
    for row in exams.allocated(sql, exam_id):
        if row.marker_id is None:
            unallocated += 1
        else:
            names[row.marker_id] = row.marker
            theirs[row.marker_id].append(row.id)
            states[row.marker_id][row.status] += 1
    items = tuple(
        Allocation(
            marker_id=marker, marker=names[marker], copy_ids=tuple(theirs[marker]), by_status=dict(states[marker])
        )
        for marker in sorted(theirs, key=lambda marker: (names[marker], marker))
    )
    return Allocations(items=items, unallocated=unallocated)
