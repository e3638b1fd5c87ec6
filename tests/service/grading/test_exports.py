"""Asking for an export: which documents, under which names, told once."""

from __future__ import annotations

import uuid

import pytest

from contracts.errors.grading import NotFound
from contracts.errors.grading_exams import NothingToExport
from contracts.messages.render import ExportSettled
from contracts.model import Role
from contracts.objects import ObjectRef
from contracts.records.export import ExportManifest
from contracts.rpc.grading.results import ExportStarted, StartExport
from services.grading.usecases import exports
from tests.service.grading.desk import Desk, person
from tests.service.grading.school import candidate_ids, identify, import_roster


def start(desk: Desk, once: uuid.UUID | None = None) -> ExportStarted:
    return exports.start_export(desk.app, StartExport(exam_id=desk.exam_id, once=once, by=desk.admin))


def test_every_graded_copy_is_exported_under_a_safe_name(desk: Desk) -> None:
    import_roster(desk.app, desk.exam_id, desk.admin)
    jades, nobodys = desk.graded(), desk.graded()
    desk.add_copy()
    identify(desk, jades, candidate_ids(desk.app, desk.exam_id, desk.admin)["Louise"])
    found = start(desk)
    assert found.copies == 2
    (command,) = desk.sent("render.export.build.v1")
    manifest = desk.app.objects.get_json(ObjectRef.model_validate(command["manifest"]), ExportManifest)
    ids = {copy_id: desk.row(copy_id).anonymous_id for copy_id in (jades, nobodys)}
    assert {entry.copy_id: entry.name for entry in manifest.entries} == {
        jades: f"TG2/DA-SILVA_Louise_{ids[jades]}.pdf",
        nobodys: f"{ids[nobodys]}.pdf",
    }


def test_asked_twice_under_one_name_it_is_made_once(desk: Desk) -> None:
    desk.graded()
    name = uuid.uuid4()
    assert start(desk, name) == start(desk, name)
    assert len(desk.sent("render.export.build.v1")) == 1
    start(desk)
    assert len(desk.sent("render.export.build.v1")) == 2


def test_the_trail_says_who_asked_and_what_came_of_it(desk: Desk) -> None:
    desk.graded()
    found = start(desk)
    settled = ExportSettled(export_id=found.export_id, exam_id=desk.exam_id, outcome="done", copies=1, missing=0)
    exports.export_settled(settled, desk.delivery)
    with desk.db.reading() as sql:
        told = exports.audit.trail(sql, desk.exam_id)
    assert [(event.action, event.actor) for event, _ in told][-2:] == [
        ("EXPORT", "Direction"),
        ("EXPORT_SETTLED", told[-1][0].actor),
    ]
    assert told[-1][0].details["outcome"] == "done"


def test_an_exam_without_a_graded_copy_has_nothing_to_export(desk: Desk) -> None:
    desk.add_copy()
    with pytest.raises(NothingToExport):
        start(desk)


@pytest.mark.parametrize("role", [Role.MARKER, Role.OPERATOR, Role.CANDIDATE])
def test_only_administrators_take_all_documents_out(desk: Desk, role: Role) -> None:
    desk.graded()
    with pytest.raises(NotFound):
        exports.start_export(desk.app, StartExport(exam_id=desk.exam_id, by=person("X", role)))
