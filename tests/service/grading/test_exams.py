"""Exams and schemes on a real database."""

import base64
from decimal import Decimal

import pytest
import sqlalchemy as sa

from contracts.errors.grading import BadCursor, ExamPublished, NotFound, VersionConflict, VersionRequired
from contracts.errors.grading_exams import (
    ExamDeleted,
    SchemeDoesNotAddUp,
    SchemeInvalid,
    SchemeStepUnfit,
    TotalHasScheme,
)
from contracts.model import Role
from contracts.rpc.grading.exams import DeleteExam, ListExams, OneExam, ReadSchemeFile, SchemeNode, UpdateExam
from services.grading.store import audit, tables
from services.grading.usecases import exams
from tests.service.grading.desk import counted, person
from tests.service.grading.school import TWENTY, candidate_ids, identify, import_roster, new_exam, put_scheme


def get(desk, exam_id, by=None):
    return exams.get_exam(desk.app, OneExam(exam_id=exam_id, by=by or desk.admin))


def listed(desk, by=None, **page):
    return exams.list_exams(desk.app, ListExams(by=by or desk.admin, **page))


def update(desk, exam, **fields):
    return exams.update_exam(
        desk.app, UpdateExam(**{"exam_id": exam.id, "version": exam.version, "by": desk.admin} | fields)
    )


def delete(desk, exam):
    return exams.delete_exam(desk.app, DeleteExam(exam_id=exam.id, version=exam.version, by=desk.admin))


def test_a_new_exam_is_out_of_twenty_without_scheme_and_audited(desk):
    exam = new_exam(desk.app, desk.admin, "Bac blanc de maths")
    assert (exam.total_points, exam.scheme_version, exam.version, exam.progress.copies) == (Decimal(20), 0, 1, 0)
    assert get(desk, exam.id) == exam
    with desk.db.reading() as sql:
        assert [event.action for event, _ in audit.trail(sql, exam.id)] == ["CREATE_EXAM"]


def test_an_update_changes_what_was_sent_and_needs_the_version_read(desk):
    exam = new_exam(desk.app, desk.admin)
    changed = update(desk, exam, title="Contrôle")
    assert (changed.title, changed.version, changed.pages_per_booklet) == ("Contrôle", 2, 4)
    with pytest.raises(VersionConflict) as refused:
        update(desk, exam, title="Perdu")
    assert refused.value.details["current"]["title"] == "Contrôle"


def test_an_update_that_changes_nothing_is_no_new_version(desk):
    exam = new_exam(desk.app, desk.admin)
    assert update(desk, exam, title=exam.title, total_points="20.00") == exam


def test_markers_know_only_exams_in_which_they_mark(desk):
    desk.add_copy()
    stranger = person("M. Noir")
    assert get(desk, desk.exam_id, desk.marker).progress.copies == 1
    assert [exam.id for exam in listed(desk, desk.marker).items] == [desk.exam_id]
    with pytest.raises(NotFound):
        get(desk, desk.exam_id, stranger)
    assert listed(desk, stranger).total == 0
    with pytest.raises(NotFound):
        update(desk, get(desk, desk.exam_id), by=desk.marker, title="x")
    with pytest.raises(NotFound):
        new_exam(desk.app, person("élève", Role.CANDIDATE))


def test_a_marker_is_told_of_their_copies_and_of_no_candidate(desk):
    import_roster(desk.app, desk.exam_id, desk.admin)
    copy_id = desk.add_copy()
    desk.add_copy(person("M. Noir"))
    identify(desk, copy_id, candidate_ids(desk.app, desk.exam_id, desk.admin)["Jade"])
    with counted(desk.db) as statements:
        seen = get(desk, desk.exam_id, desk.marker)
        assert listed(desk, desk.marker).items == (seen,)
    assert "candidate" not in " ".join(statements).replace("AS candidates", "")
    assert (seen.candidates, seen.progress.copies, seen.progress.identified) == (0, 1, 0)
    whole = get(desk, desk.exam_id)
    assert (whole.candidates, whole.progress.copies, whole.progress.identified) == (3, 2, 1)


def test_deleting_keeps_everything_and_restoring_brings_it_back(desk):
    """P0-DI-005."""
    copy_id = desk.add_copy()
    deleted = delete(desk, get(desk, desk.exam_id))
    assert deleted.deleted_at is not None
    assert delete(desk, deleted) == deleted
    assert listed(desk).total == 0
    with pytest.raises(NotFound):
        get(desk, desk.exam_id, desk.marker)
    with pytest.raises(ExamDeleted):
        put_scheme(desk.app, desk.exam_id, desk.admin, version=1)
    restored = exams.restore_exam(desk.app, OneExam(exam_id=desk.exam_id, by=desk.admin))
    assert (restored.deleted_at, restored.progress.by_status) == (None, {"READY": 1})
    assert desk.row(copy_id).exam_id == desk.exam_id


def test_the_list_is_newest_first_and_its_pages_meet(desk):
    made = [new_exam(desk.app, desk.admin, f"E{n}").id for n in range(5)]
    seen, cursor = [], None
    while True:
        page = listed(desk, limit=2, cursor=cursor)
        assert page.total == 6
        seen += [exam.id for exam in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen == [*reversed(made), desk.exam_id]


def test_a_made_up_cursor_is_refused(desk):
    for cursor in ("x", "eyJhIjoxfQ", "WyJ4Il0"):
        with pytest.raises(BadCursor):
            listed(desk, cursor=cursor)


def test_listing_takes_the_same_three_queries_for_one_exam_and_for_twenty(desk):
    with counted(desk.db) as one:
        listed(desk)
    for n in range(20):
        new_exam(desk.app, desk.admin, f"E{n}")
    with counted(desk.db) as many:
        assert len(listed(desk).items) == 21
    assert len(one) == len(many) == 3


# Schemes


def test_a_scheme_is_stored_read_back_and_versioned(desk):
    exam = new_exam(desk.app, desk.admin)
    first = put_scheme(desk.app, exam.id, desk.admin)
    assert (first.version, first.impact.marked_copies) == (1, 0)
    assert exams.get_scheme(desk.app, OneExam(exam_id=exam.id, by=desk.admin)).nodes == TWENTY
    halves = (SchemeNode(id="a", label="A", points="10"), SchemeNode(id="b", label="B", points="10"))
    assert put_scheme(desk.app, exam.id, desk.admin, version=1, nodes=halves).version == 2
    kept = desk.all(sa.select(tables.schemes.c.version).where(tables.schemes.c.exam_id == exam.id))
    assert sorted(row.version for row in kept) == [1, 2]


def test_before_any_scheme_version_zero_is_read_and_accepted(desk):
    exam = new_exam(desk.app, desk.admin)
    nothing = exams.get_scheme(desk.app, OneExam(exam_id=exam.id, by=desk.admin))
    assert (nothing.version, nothing.nodes) == (0, ())
    assert put_scheme(desk.app, exam.id, desk.admin, version=0).version == 1


def test_a_later_scheme_needs_the_version_read(desk):
    with pytest.raises(VersionRequired):
        put_scheme(desk.app, desk.exam_id, desk.admin, version=None)
    with pytest.raises(VersionConflict) as refused:
        put_scheme(desk.app, desk.exam_id, desk.admin, version=0)
    assert refused.value.details["current"]["version"] == 1


def test_the_scheme_in_force_again_is_no_new_version(desk):
    exam = new_exam(desk.app, desk.admin)
    put_scheme(desk.app, exam.id, desk.admin)
    assert put_scheme(desk.app, exam.id, desk.admin, version=1).version == 1


def test_a_sum_that_is_not_the_total_is_told_with_both_numbers_and_the_items(desk):
    exam = new_exam(desk.app, desk.admin, total_points="20.5")
    with pytest.raises(SchemeDoesNotAddUp) as refused:
        put_scheme(desk.app, exam.id, desk.admin)
    assert (refused.value.details["sum"], refused.value.details["expected"]) == ("20", "20.5")
    assert refused.value.details["nodes"] == [
        {"id": "q1", "label": "Question 1", "points": "8"},
        {"id": "ex2", "label": "Exercice 2", "points": "12"},
    ]
    assert "totalisent 20 points et l'examen est noté sur 20,5" in refused.value.text("fr")
    assert "20 points and the exam is out of 20.5" in refused.value.text("en")


def test_a_wrong_tree_and_a_wrong_step_are_told(desk):
    exam = new_exam(desk.app, desk.admin)
    with pytest.raises(SchemeInvalid) as refused:
        put_scheme(desk.app, exam.id, desk.admin, nodes=(*TWENTY, SchemeNode(id="q1", label="Encore", points="0.1")))
    assert {error["reason"] for error in refused.value.details["errors"]} == {"duplicate_id", "not_a_multiple_of_step"}
    assert "q1 (cet identifiant sert deux fois)" in refused.value.text("fr")
    with pytest.raises(SchemeStepUnfit):
        put_scheme(desk.app, exam.id, desk.admin, step="4")
    assert get(desk, exam.id).scheme_version == 0


def test_a_change_after_marking_began_says_whose_scores_no_longer_fit(desk):
    desk.marked()  # q1 6.25 of 8, q2 8 of 12, extra 0.5
    lower = (
        SchemeNode(id="q1", label="Q1", points="6"),
        SchemeNode(id="q2", label="Q2", points="14"),
        SchemeNode(id="extra", label="Soin", points="1", bonus=True),
    )
    impact = put_scheme(desk.app, desk.exam_id, desk.admin, version=1, nodes=lower).impact
    assert (impact.marked_copies, impact.affected_copies) == (1, 1)


def test_a_graded_copy_keeps_the_scheme_its_record_names(desk):
    copy_id = desk.graded()
    before = desk.row(copy_id)
    halves = (SchemeNode(id="a", label="A", points="10"), SchemeNode(id="b", label="B", points="10"))
    assert put_scheme(desk.app, desk.exam_id, desk.admin, version=1, nodes=halves).version == 2
    assert (desk.row(copy_id).total, desk.row(copy_id).record) == (before.total, before.record)


def test_another_total_takes_the_scheme_out_of_force_until_marking_began(desk):
    changed = update(desk, get(desk, desk.exam_id), total_points="40")
    assert changed.scheme_version == 0
    draft = exams.get_scheme(desk.app, OneExam(exam_id=desk.exam_id, by=desk.admin))
    assert (draft.version, len(draft.nodes)) == (0, 2)  # the old tree, to be corrected
    forty = (SchemeNode(id="q1", label="Q1", points="40"), SchemeNode(id="extra", label="Soin", points="1", bonus=True))
    assert put_scheme(desk.app, desk.exam_id, desk.admin, version=0, nodes=forty).version == 2


def test_the_total_stays_once_a_copy_has_scores(desk):
    desk.marked()
    with pytest.raises(TotalHasScheme) as refused:
        update(desk, get(desk, desk.exam_id), total_points="40")
    assert refused.value.details == {"sum": "20", "total": "40"}


def test_what_is_published_does_not_change(desk):
    desk.write(tables.exams.update().values(published_at=sa.func.now()))
    exam = get(desk, desk.exam_id)
    for change in (
        lambda: update(desk, exam, title="x"),
        lambda: delete(desk, exam),
        lambda: put_scheme(desk.app, exam.id, desk.admin, version=1),
        lambda: import_roster(desk.app, exam.id, desk.admin),
    ):
        with pytest.raises(ExamPublished):
            change()


def test_exams_that_were_set_aside_are_listed_apart_and_to_staff_alone(desk):
    exam = new_exam(desk.app, desk.admin)
    delete(desk, exam)
    assert [each.id for each in listed(desk, archived=True).items] == [exam.id]
    assert exam.id not in [each.id for each in listed(desk).items]
    assert listed(desk, desk.marker, archived=True).total == 0


def test_progress_counts_copies_that_have_a_marker(desk):
    desk.add_copy()
    assert get(desk, desk.exam_id).progress.allocated == 1


def test_a_dry_run_checks_a_scheme_and_stores_nothing(desk):
    exam = new_exam(desk.app, desk.admin)
    assert put_scheme(desk.app, exam.id, desk.admin, dry_run=True).version == 0
    assert get(desk, exam.id) == exam
    with pytest.raises(SchemeDoesNotAddUp):
        put_scheme(desk.app, exam.id, desk.admin, nodes=TWENTY[:1], dry_run=True)


def test_a_scheme_goes_out_as_a_file_and_comes_back(desk):
    exam = new_exam(desk.app, desk.admin)
    put_scheme(desk.app, exam.id, desk.admin)
    text = exams.write_scheme_file(desk.app, OneExam(exam_id=exam.id, by=desk.admin)).text
    request = ReadSchemeFile(exam_id=exam.id, file=base64.b64encode(text.encode()), by=desk.admin)
    assert exams.read_scheme_file(desk.app, request).nodes == TWENTY
    broken = ReadSchemeFile(exam_id=exam.id, file=base64.b64encode(text.replace("8;", "huit;").encode()), by=desk.admin)
    read = exams.read_scheme_file(desk.app, broken)
    assert (read.nodes, [(error.row, error.field, error.value) for error in read.errors]) == (
        (),
        [(3, "points", "huit")],
    )
