"""Exams and their schemes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from chassis import observe
from chassis.db import UnitOfWork
from chassis.ids import uuid7
from contracts.errors.grading import BadCursor, ExamPublished, NotFound, VersionConflict, VersionRequired
from contracts.errors.grading_exams import SchemeDoesNotAddUp, SchemeInvalid, SchemeStepUnfit, TotalHasScheme
from contracts.model import Actor
from contracts.rpc.grading.exams import (
    CreateExam,
    DeleteExam,
    Exams,
    ExamView,
    ListExams,
    OneExam,
    Progress,
    PutScheme,
    ReadSchemeFile,
    SchemeDraft,
    SchemeFile,
    SchemeFileError,
    SchemeImpact,
    SchemeNode,
    SchemeView,
    UpdateExam,
)
from services.grading.context import Context
from services.grading.domain import scheme, scheme_file
from services.grading.domain.audit import sha256
from services.grading.domain.results import points
from services.grading.store import audit, exams, identity, printed
from services.grading.store.copies import sees_candidates
from services.grading.store.paging import cursor, key_after

log = observe.logger("grading.exams")

DEFAULT_STEP = Decimal("0.25")
_BUDGET = "identification_error_budget"
_FIELDS = ("title", "date", "total_points", "pages_per_booklet")
_CHANGEABLE = (*_FIELDS, "class_statistics", "check_printed_names", _BUDGET)


def create_exam(app: Context, request: CreateExam) -> ExamView:
    """A new exam; asked again, the one there is, as it stands."""
    if not sees_candidates(request.by):
        raise NotFound
    exam_id = request.once or uuid7()
    values = {name: getattr(request, name) for name in (*_FIELDS, "intake", _BUDGET)}
    with app.db.transaction() as uow:
        added = exams.add(uow, exam_id, values, request.by)
        if added:
            told = request.model_dump(mode="json", exclude={"by", "title", "once"})
            told |= {"title_sha256": sha256(request.title)}
            audit.append(uow, audit.Entry("CREATE_EXAM", request.by, exam_id, details=told))
        view = _view(uow.sql, exam_id, request.by)
    log.info("exam_created" if added else "exam_asked_again", exam_id=exam_id)
    return view


def get_exam(app: Context, request: OneExam) -> ExamView:
    """Staff also see an exam that was deleted: that is how it is found again."""
    with app.db.reading() as sql:
        return _view(sql, request.exam_id, request.by)


def list_exams(app: Context, request: ListExams) -> Exams:
    """Newest first, each with its progress; three queries for any number."""
    after = after_id(request.cursor)
    with app.db.reading() as sql:
        rows, total = exams.listed(sql, request.by, archived=request.archived, after=after, limit=request.limit + 1)
        shown = rows[: request.limit]
        progress = exams.progress(sql, [row.id for row in shown], request.by)
    items = tuple(_shown(row, progress.get(row.id, [])) for row in shown)
    more = len(rows) > len(shown)
    return Exams(items=items, next=cursor(str(items[-1].id)) if more else None, total=total)


def update_exam(app: Context, request: UpdateExam) -> ExamView:
    """Change what was sent; the rest keeps its value.

    Before marking began, another total takes the scheme out of force until one that adds up to it is stored; after
    that the total stays. Another error budget has the copies matched again. From when printed names are
    looked for, the pages there are are read as well.

    Raises:
        VersionConflict, ExamDeleted, ExamPublished, TotalHasScheme.
    """
    changes = {name: getattr(request, name) for name in _CHANGEABLE if getattr(request, name) is not None}
    if request.forget_error_budget:
        changes[_BUDGET] = None
    with app.db.transaction() as uow:
        row = exams.hold(uow, request.exam_id, request.by)
        _expect(uow.sql, row, request.version, request.by)
        if row.published_at is not None:
            raise ExamPublished
        changed = {name: value for name, value in changes.items() if getattr(row, name) != value}
        if "total_points" in changed and row.scheme_version:
            _let_go_of_scheme(uow, row, changed["total_points"])
            changed["scheme_version"] = 0
        if changed:
            exams.change(uow, row.id, **changed)
            values = request.model_dump(mode="json", include=changed.keys() - {"title"})
            if "title" in changed:
                values["title_sha256"] = sha256(changed["title"])
            details = {"fields": sorted(changed), "values": values}
            audit.append(uow, audit.Entry("CHANGE_EXAM", request.by, row.id, details=details))
        if _BUDGET in changed:
            identity.expect_matching(uow, row.id)
        if changed.get("check_printed_names"):
            printed.expect_exam(uow, row.id)
        return _view(uow.sql, row.id, request.by)


def delete_exam(app: Context, request: DeleteExam) -> ExamView:
    """Soft: nothing is removed, and ``restore_exam`` brings it back. Deleted already: the same answer again."""
    with app.db.transaction() as uow:
        row = exams.hold(uow, request.exam_id, request.by, deleted=True)
        if row.deleted_at is None:
            _expect(uow.sql, row, request.version, request.by)
            if row.published_at is not None:
                raise ExamPublished
            exams.change(uow, row.id, deleted_at=uow.now(), deleted_by=request.by.id)
            audit.append(uow, audit.Entry("DELETE_EXAM", request.by, row.id))
            log.info("exam_deleted", exam_id=row.id)
        return _view(uow.sql, row.id, request.by)


def restore_exam(app: Context, request: OneExam) -> ExamView:
    with app.db.transaction() as uow:
        row = exams.hold(uow, request.exam_id, request.by, deleted=True)
        if row.deleted_at is not None:
            exams.change(uow, row.id, deleted_at=None, deleted_by=None)
            audit.append(uow, audit.Entry("RESTORE_EXAM", request.by, row.id))
            log.info("exam_restored", exam_id=row.id)
        return _view(uow.sql, row.id, request.by)


def get_scheme(app: Context, request: OneExam) -> SchemeView:
    """The scheme in force. Version 0 means none is: then ``nodes`` are the last ones stored, or nothing."""
    with app.db.reading() as sql:
        return _scheme_view(sql, exams.find(sql, request.exam_id, request.by))


def put_scheme(app: Context, request: PutScheme) -> SchemeView:
    """Store the next version and put it in force; the version in force again changes nothing.

    Allowed after marking began: open copies are marked under the new version from now on, and ``impact`` says whose
    scores no longer fit. Finalised copies keep the version their record names. A dry run stores nothing.

    Raises:
        VersionRequired, VersionConflict: somebody stored one since.
        SchemeStepUnfit, SchemeInvalid, SchemeDoesNotAddUp: told in this order, each with everything it found.
        ExamDeleted, ExamPublished.
    """
    nodes = scheme.from_json([node.model_dump() for node in request.nodes])
    with app.db.transaction() as uow:
        row = exams.hold(uow, request.exam_id, request.by)
        if row.published_at is not None:
            raise ExamPublished
        if row.scheme_version and request.version is None:
            raise VersionRequired(version=row.scheme_version)
        if (request.version or 0) != row.scheme_version:
            current = _scheme_view(uow.sql, row).model_dump(mode="json")
            raise VersionConflict(version=row.scheme_version, current=current)
        _check(nodes, request.step, row.total_points)
        latest = exams.latest_scheme(uow.sql, row.id)
        impact = scheme.impact(nodes, exams.marked(uow.sql, row.id))
        version = latest.version if latest else 0
        in_force = latest is not None and version == row.scheme_version
        if not request.dry_run and not (
            in_force and scheme.from_json(latest.nodes) == nodes and latest.step == request.step
        ):
            version += 1
            exams.add_scheme(uow, row.id, version, nodes, request.step, request.by)
            rules = sha256([scheme.as_json(nodes), points(request.step)])
            details = {"version": version, "affected_copies": impact.affected, "sha256": rules}
            audit.append(uow, audit.Entry("PUT_SCHEME", request.by, row.id, details=details))
            log.info("scheme_stored", exam_id=row.id, scheme_version=version, affected=impact.affected)
    return SchemeView(
        exam_id=row.id,
        version=version,
        nodes=request.nodes,
        step=request.step,
        total_points=row.total_points,
        impact=SchemeImpact(marked_copies=impact.marked, affected_copies=impact.affected),
    )


def read_scheme_file(app: Context, request: ReadSchemeFile) -> SchemeDraft:
    """What a CSV file says, row by row. The exam's scheme stays as it is.

    Raises:
        RosterNotCsv, RosterQuoteOpen, SchemeFileUnknown.
    """
    with app.db.reading() as sql:
        exams.find(sql, request.exam_id, request.by)
    nodes, errors = scheme_file.read(request.file)
    return SchemeDraft(
        nodes=tuple(SchemeNode.model_validate(node) for node in scheme.as_json(nodes)),
        errors=tuple(SchemeFileError(**asdict(error)) for error in errors),
    )


def write_scheme_file(app: Context, request: OneExam) -> SchemeFile:
    """The scheme that ``get_scheme`` shows, as a file that ``read_scheme_file`` understands."""
    view = get_scheme(app, request)
    return SchemeFile(text=scheme_file.write(scheme.from_json([node.model_dump() for node in view.nodes])))


def after_id(given: str | None) -> UUID | None:
    """The id in a cursor that names the last item shown; names and dates stay out of URLs."""
    key = key_after(given, str)
    if key is None:
        return None
    try:
        return UUID(str(key[0]))
    except ValueError as error:
        raise BadCursor from error


def _check(nodes: Sequence[scheme.Node], step: Decimal, total_points: Decimal) -> None:
    if not scheme.step_fits(step, total_points):
        raise SchemeStepUnfit(step=points(step), total=points(total_points))
    if found := scheme.problems(nodes, step):
        raise SchemeInvalid(errors=[problem.as_json() for problem in found])
    counted = scheme.counted_points(nodes)
    if counted != total_points:
        listed = [
            {"id": leaf.item_id, "label": leaf.path[-1], "points": points(leaf.max_points)}
            for leaf in scheme.leaves(nodes)
            if not leaf.bonus
        ]
        raise SchemeDoesNotAddUp(sum=points(counted), expected=points(total_points), nodes=listed)


def _let_go_of_scheme(uow: UnitOfWork, row: Any, total: Decimal) -> None:
    latest = exams.latest_scheme(uow.sql, row.id)
    if exams.marked(uow.sql, row.id):
        counted = scheme.counted_points(scheme.from_json(latest.nodes))
        raise TotalHasScheme(sum=points(counted), total=points(total))


def _expect(sql: sa.Connection, row: Any, version: int, by: Actor) -> None:
    if row.version != version:
        raise VersionConflict(version=row.version, current=_view(sql, row.id, by).model_dump(mode="json"))


def _scheme_view(sql: sa.Connection, row: Any) -> SchemeView:
    latest = exams.latest_scheme(sql, row.id)
    return SchemeView(
        exam_id=row.id,
        version=row.scheme_version,
        nodes=tuple(SchemeNode.model_validate(node) for node in latest.nodes) if latest else (),
        step=latest.step if latest else DEFAULT_STEP,
        total_points=row.total_points,
    )


def _view(sql: sa.Connection, exam_id: UUID, by: Actor) -> ExamView:
    row = exams.find(sql, exam_id, by)
    return _shown(row, exams.progress(sql, [exam_id], by).get(exam_id, []))


def _shown(row: Any, progress: Sequence[Any]) -> ExamView:
    return ExamView(
        id=row.id,
        title=row.title,
        date=row.date,
        total_points=row.total_points,
        intake=row.intake,
        pages_per_booklet=row.pages_per_booklet,
        version=row.version,
        scheme_version=row.scheme_version,
        candidates=row.candidates,
        progress=Progress(
            copies=sum(each.copies for each in progress),
            identified=sum(each.identified for each in progress),
            allocated=sum(each.allocated for each in progress),
            by_status={each.status: each.copies for each in progress},
        ),
        published_at=row.published_at,
        deleted_at=row.deleted_at,
        created_at=row.created_at,
        class_statistics=row.class_statistics,
        check_printed_names=row.check_printed_names,
        identification_error_budget=row.identification_error_budget,
    )
