"""Where the fields stand on an exam's headers, drawn once."""

import pytest

from contracts.errors.grading import CopyOfOtherExam, NotFound
from contracts.errors.grading_exams import SampleWithoutHeader
from contracts.records.sheet import Zone
from contracts.rpc.grading.copies import ExamQuery, PutSheetModel
from services.grading.store import tables
from services.grading.usecases import identity, sheets
from tests.service.grading.school import candidate_ids, identify, import_roster, new_exam, read_fields

NAME = Zone(kind="last_name", x=0.1, y=0.2, w=0.5, h=0.1)
NUMBER = Zone(kind="number", x=0.1, y=0.5, w=0.5, h=0.1)


def put(desk, copy_id, *zones, exam_id=None):
    request = PutSheetModel(exam_id=exam_id or desk.exam_id, sample_copy_id=copy_id, zones=zones, by=desk.admin)
    return sheets.put_sheet_model(desk.app, request)


def mine(desk, by=None):
    return ExamQuery(exam_id=desk.exam_id, by=by or desk.admin)


def asked(desk):
    return [(each["copy_id"], each["sheet"]) for each in desk.sent("ocr.text.extract.v1")]


def test_a_sheet_model_goes_with_every_question_from_then_on(desk):
    copy_id = desk.add_copy()
    assert put(desk, copy_id, NAME).zones == (NAME,)
    later = desk.add_copy()
    assert [which for which, _ in asked(desk)] == [str(copy_id), str(copy_id), str(later)]
    assert [None if sheet is None else len(sheet["zones"]) for _, sheet in asked(desk)] == [None, 1, 1]
    assert sheets.get_sheet_model(desk.app, mine(desk)).sample_copy_id == copy_id


def test_changing_it_reads_again_what_no_person_decided(desk):
    import_roster(desk.app, desk.exam_id, desk.admin)
    decided, open_ = desk.add_copy(), desk.add_copy()
    read_fields(desk, open_, "ROBIN", "Jade")
    identify(desk, decided, candidate_ids(desk.app, desk.exam_id, desk.admin)["Louise"])
    before = len(asked(desk))
    put(desk, open_, NAME)
    assert [which for which, _ in asked(desk)[before:]] == [str(open_)]
    put(desk, open_, NAME)
    assert len(asked(desk)) == before + 1  # the same again
    put(desk, open_, NAME, NUMBER)
    assert len(asked(desk)) == before + 2
    sheets.remove_sheet_model(desk.app, mine(desk))
    assert asked(desk)[-1] == (str(open_), None)
    with pytest.raises(NotFound):
        sheets.get_sheet_model(desk.app, mine(desk))


def test_an_overdue_header_is_asked_for_with_the_sheet_model(desk):
    copy_id = desk.add_copy()
    put(desk, copy_id, NAME)
    desk.write(tables.identifications.update().values(updated_at="2020-01-01"))
    assert identity.ask_for_unread(desk.app) == 1
    assert asked(desk)[-1][1] is not None


def test_the_sample_is_a_header_of_this_exam(desk):
    other = new_exam(desk.app, desk.admin)
    with pytest.raises(CopyOfOtherExam):
        put(desk, desk.add_copy(), NAME, exam_id=other.id)
    bare = desk.add_copy()
    desk.write(tables.copies.update().where(tables.copies.c.id == bare).values(pages=[]))
    with pytest.raises(SampleWithoutHeader):
        put(desk, bare, NAME)


def test_sheet_models_are_for_staff(desk):
    copy_id = desk.add_copy()
    put(desk, copy_id, NAME)
    with pytest.raises(NotFound):
        sheets.get_sheet_model(desk.app, mine(desk, desk.marker))
    with pytest.raises(NotFound):
        sheets.remove_sheet_model(desk.app, mine(desk, desk.marker))
    with pytest.raises(NotFound):
        sheets.put_sheet_model(
            desk.app,
            PutSheetModel(exam_id=desk.exam_id, sample_copy_id=copy_id, zones=(NAME,), by=desk.marker),
        )
