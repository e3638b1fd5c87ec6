"""Names in printed text: asked for page by page when nothing else waits, told to staff, compared with each roster."""

from __future__ import annotations

import pytest

from contracts.errors.grading import NotFound
from contracts.messages.ocr import PrintedWord, PrintExtracted
from contracts.model import Role
from contracts.records.pages import Box, Page, PageManifest
from contracts.rpc.grading.copies import ExamQuery
from contracts.rpc.grading.exams import DeleteExam, OneExam, UpdateExam
from contracts.rpc.grading.printed import DismissPrintedName, ListPrintedNames
from services.grading.store import tables
from services.grading.usecases import copies, exams, printed
from tests.service.grading.desk import covered, person, reference
from tests.service.grading.school import import_roster, read

OPEN, MASKED = (reference("pages", name).sha256 for name in ("open-2-screen", "masked-1-screen"))
JADE = "Élève : Robin Jade"


def switch(desk, on=True):
    version = exams.get_exam(desk.app, OneExam(exam_id=desk.exam_id, by=desk.admin)).version
    request = UpdateExam(exam_id=desk.exam_id, version=version, check_printed_names=on, by=desk.admin)
    return exams.update_exam(desk.app, request)


def add_read_copy(desk, **fields):
    copy_id = desk.add_copy(**fields)
    read(desk, copy_id)
    return copy_id


def asked(desk):
    return [(each["copy_id"], each["image"]["object"]["sha256"]) for each in desk.sent("ocr.print.extract.v1")]


def answer(desk, copy_id, image=OPEN, text="", outcome="done"):
    boxes = (Box(x=at / 10, y=0.2, w=0.08, h=0.02) for at in range(10))
    words = tuple(PrintedWord(text=word, line=0, box=box) for word, box in zip(text.split(), boxes, strict=False))
    said = PrintExtracted(copy_id=copy_id, image_sha256=image, outcome=outcome, engine="tesseract 5", words=words)
    printed.print_extracted(said, desk.delivery)


def listed(desk, by=None, **page):
    request = ListPrintedNames(exam_id=desk.exam_id, by=by or desk.admin, **page)
    return printed.list_printed_names(desk.app, request)


def told(desk):
    return [(each.copy_id, each.page_no, each.first_name) for each in listed(desk).items]


@pytest.fixture
def checking(desk):
    import_roster(desk.app, desk.exam_id, desk.admin)
    switch(desk)
    return desk


def test_an_exam_that_does_not_look_for_names_has_nothing_read(desk):
    add_read_copy(desk)
    assert printed.read_next(desk.app) == 0
    assert listed(desk).model_dump() == {
        "items": (), "next": None, "total": 0, "checking": False, "pages": 0, "waiting": 0, "unread": 0,
    }  # fmt: skip


def test_what_markers_see_of_each_page_is_read_once(checking):
    copy_id = add_read_copy(checking)
    assert printed.read_next(checking.app) == 2
    assert sorted(asked(checking)) == sorted([(str(copy_id), MASKED), (str(copy_id), OPEN)])
    assert printed.read_next(checking.app) == 0


def test_blank_pages_are_not_read(checking):
    copy_id = checking.add_copy()
    blank = checking.row(copy_id).pages
    blank[1]["blank"] = True
    checking.write(tables.copies.update().values(pages=blank))
    checking.write(tables.printed_pages.delete())
    switch(checking, on=False)
    switch(checking)
    read(checking, copy_id)
    assert printed.read_next(checking.app) == 1
    assert asked(checking) == [(str(copy_id), MASKED)]


def test_pages_that_came_before_the_switch_are_read_too(desk):
    copy_id = add_read_copy(desk)
    assert switch(desk).check_printed_names
    assert printed.read_next(desk.app) == 2
    assert {which for which, _ in asked(desk)} == {str(copy_id)}


def test_no_page_is_asked_for_while_a_header_is_to_be_read(checking):
    add_read_copy(checking)
    late = checking.add_copy()
    assert printed.read_next(checking.app) == 0
    read(checking, late, outcome="timeout")
    assert printed.read_next(checking.app) == 4


def test_few_pages_are_waited_for_at_a_time(checking):
    for _ in range(3):
        add_read_copy(checking)
    assert printed.read_next(checking.app) == printed.ASKED_AT_ONCE
    assert printed.read_next(checking.app) == 0
    which, image = asked(checking)[0]
    answer(checking, which, image)
    assert printed.read_next(checking.app) == 1


def test_what_nobody_answered_is_asked_for_again(checking):
    add_read_copy(checking)
    printed.read_next(checking.app)
    checking.write(tables.printed_pages.update().values(asked_at="2020-01-01"))
    assert printed.read_next(checking.app) == 2
    assert len(asked(checking)) == 4


def test_a_name_that_was_covered_is_looked_for_below_and_told_no_more(checking):
    copy_id = add_read_copy(checking)
    printed.read_next(checking.app)
    answer(checking, copy_id, MASKED)
    answer(checking, copy_id, text=JADE)
    printed.compare_next(checking.app)
    assert told(checking) == [(copy_id, 2, "Jade")]
    pages = checking.pages(copy_id)
    hidden = covered(pages[1])
    copies.copy_assembled(checking.app, checking.revised(copy_id, [pages[0], hidden]), checking.delivery)
    assert (listed(checking).waiting, told(checking)) == (1, [])
    checking.write(tables.printed_pages.update().values(asked_at="2020-01-01"))
    assert printed.read_next(checking.app) == 1
    image = hidden.masked.screen.object.sha256
    assert asked(checking)[-1] == (str(copy_id), image)
    answer(checking, copy_id, image, text="Élève : une autre")
    printed.compare_next(checking.app)
    assert (listed(checking).waiting, told(checking)) == (0, [])


@pytest.mark.parametrize("off", ["switched off", "deleted"])
def test_an_exam_that_stopped_looking_has_no_more_pages_read(checking, off):
    add_read_copy(checking)
    if off == "deleted":
        version = exams.get_exam(checking.app, OneExam(exam_id=checking.exam_id, by=checking.admin)).version
        exams.delete_exam(checking.app, DeleteExam(exam_id=checking.exam_id, version=version, by=checking.admin))
    else:
        switch(checking, on=False)
    assert printed.read_next(checking.app) == 0


def test_a_name_of_the_roster_is_told_with_its_place(checking):
    copy_id = add_read_copy(checking)
    printed.read_next(checking.app)
    answer(checking, copy_id, text=JADE)
    assert (listed(checking).waiting, told(checking)) == (2, [])
    assert printed.compare_next(checking.app) == 1
    assert printed.compare_next(checking.app) == 0
    assert told(checking) == [(copy_id, 2, "Jade")]
    (found,) = listed(checking).items
    assert found.box == Box(x=0.2, y=0.2, w=0.18, h=0.02)
    assert found.last_name == "ROBIN"
    assert listed(checking).waiting == 1


def test_another_roster_is_looked_for_in_what_was_read(checking):
    copy_id = add_read_copy(checking)
    printed.read_next(checking.app)
    answer(checking, copy_id, text="Paul Nouveau")
    printed.compare_next(checking.app)
    assert told(checking) == []
    import_roster(checking.app, checking.exam_id, checking.admin, "Nom;Prénom\nNOUVEAU;Paul\n")
    assert printed.compare_next(checking.app) == 1
    assert told(checking) == [(copy_id, 2, "Paul")]
    assert len(asked(checking)) == 2


def test_a_page_that_stays_when_the_copy_is_revised_keeps_what_was_read(checking):
    copy_id = add_read_copy(checking)
    printed.read_next(checking.app)
    answer(checking, copy_id, text=JADE)
    answer(checking, copy_id, MASKED)
    printed.compare_next(checking.app)
    paper = checking.row(copy_id).pages
    checking.write(tables.copies.update().values(pages=[paper[1] | {"page_no": 1}]))
    assert told(checking) == [(copy_id, 1, "Jade")]
    assert printed.read_next(checking.app) == 0


def test_a_page_that_the_copy_has_no_more_is_neither_read_nor_told(checking):
    copy_id = add_read_copy(checking)
    paper = checking.row(copy_id).pages
    checking.write(tables.copies.update().values(pages=paper[:1]))
    assert printed.read_next(checking.app) == 1
    answer(checking, copy_id, OPEN, JADE)
    assert told(checking) == []


def test_new_pages_of_a_copy_are_read(checking):
    copy_id = add_read_copy(checking)
    printed.read_next(checking.app)
    for image in (OPEN, MASKED):
        answer(checking, copy_id, image)
    grown = checking.paper(copy_id, revision=2, pages=3)
    manifest = checking.app.objects.get_json(grown.manifest, PageManifest)
    pages = (*map(Page.model_validate, checking.row(copy_id).pages), manifest.pages[2])
    ref = checking.app.objects.put_json("manifests", manifest.model_copy(update={"pages": pages}))
    copies.copy_assembled(checking.app, grown.model_copy(update={"manifest": ref}), checking.delivery)
    read(checking, copy_id, revision=2)
    assert printed.read_next(checking.app) == 1
    assert asked(checking)[-1] == (str(copy_id), reference("pages", "open-3-screen").sha256)


def test_a_page_that_cannot_be_read_is_counted_and_read_again_on_demand(checking):
    copy_id = add_read_copy(checking)
    printed.read_next(checking.app)
    answer(checking, copy_id, outcome="no_engine")
    assert (listed(checking).unread, listed(checking).waiting) == (1, 1)
    again = ExamQuery(exam_id=checking.exam_id, by=checking.admin)
    assert printed.read_print_again(checking.app, again).pages == 1
    assert printed.read_print_again(checking.app, again).pages == 0
    assert printed.read_next(checking.app) == 1
    answer(checking, copy_id, text=JADE)
    answer(checking, copy_id, outcome="crashed")  # a late answer to the first question
    printed.compare_next(checking.app)
    assert (listed(checking).unread, told(checking)) == (0, [(copy_id, 2, "Jade")])


def test_what_a_person_dismissed_is_not_told_again(checking):
    copy_id = add_read_copy(checking)
    printed.read_next(checking.app)
    answer(checking, copy_id, text="Robin Jade x x x x Silva Louise")
    printed.compare_next(checking.app)
    first, second = listed(checking).items
    request = DismissPrintedName(copy_id=copy_id, id=first.id, by=checking.admin)
    for _ in range(2):
        printed.dismiss_printed_name(checking.app, request)
    assert listed(checking).items == (second,)
    import_roster(checking.app, checking.exam_id, checking.admin, "Nom;Prénom\nNOUVEAU;Paul\n")
    printed.compare_next(checking.app)
    assert listed(checking).items == (second,)
    with pytest.raises(NotFound):
        printed.dismiss_printed_name(checking.app, request.model_copy(update={"id": copy_id}))


def test_the_list_comes_in_parts_in_the_order_of_copies_and_pages(checking):
    for _ in range(3):
        copy_id = add_read_copy(checking)
        answer(checking, copy_id, text=JADE)
    printed.compare_next(checking.app)
    whole = listed(checking).items
    part = listed(checking, limit=2)
    assert (part.items, part.total) == (whole[:2], 3)
    rest = listed(checking, limit=2, cursor=part.next)
    assert (rest.items, rest.next) == (whole[2:], None)
    assert [each.anonymous_id for each in whole] == sorted(each.anonymous_id for each in whole)


def test_markers_know_nothing_of_it(checking):
    copy_id = add_read_copy(checking)
    answer(checking, copy_id, text=JADE)
    printed.compare_next(checking.app)
    (found,) = listed(checking).items
    for by in (checking.marker, person("Mme Autre"), person("Louise", Role.CANDIDATE)):
        with pytest.raises(NotFound):
            listed(checking, by)
        with pytest.raises(NotFound):
            printed.dismiss_printed_name(checking.app, DismissPrintedName(copy_id=copy_id, id=found.id, by=by))
        with pytest.raises(NotFound):
            printed.read_print_again(checking.app, ExamQuery(exam_id=checking.exam_id, by=by))


def test_an_answer_that_nobody_waits_for_is_ignored(desk):
    copy_id = add_read_copy(desk)
    answer(desk, copy_id, text=JADE)
    assert desk.all(tables.printed_pages.select()) == []
