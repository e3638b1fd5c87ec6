"""Importing a roster into a real database."""

import datetime as dt
import threading
import time

import pytest
import sqlalchemy as sa

from contracts.errors.grading import NotFound
from contracts.errors.grading_exams import ExamDeleted, RosterHasErrors, RosterNotCsv, RosterTooLarge
from contracts.rpc.grading.exams import DeleteExam, FindBadRows, ImportRoster, ListCandidates, LookAtRoster
from services.grading.domain import roster_file
from services.grading.store import audit, tables
from services.grading.usecases import candidates, exams, roster
from tests.service.grading.desk import counted
from tests.service.grading.school import ROSTER, identify, import_roster, new_exam, stored

HEADER = ROSTER.splitlines()[0] + "\n"


def names(desk, exam_id=None, **page):
    request = ListCandidates(exam_id=exam_id or desk.exam_id, by=desk.admin, **page)
    return candidates.list_candidates(desk.app, request)


def trail(desk):
    with desk.db.reading() as sql:
        return [event for event, _ in audit.trail(sql, desk.exam_id)]


def test_an_import_creates_the_candidates_and_the_same_again_changes_nothing(desk):
    report = import_roster(desk.app, desk.exam_id, desk.admin)
    assert (report.created, report.updated, report.unchanged, report.errors) == (3, 0, 0, ())
    before = names(desk)
    again = import_roster(desk.app, desk.exam_id, desk.admin)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 3)
    assert names(desk) == before
    assert [event.details["created"] for event in trail(desk) if event.action == "IMPORT_ROSTER"] == [3]


def test_candidates_are_listed_by_name_with_everything_the_file_said(desk):
    import_roster(desk.app, desk.exam_id, desk.admin)
    listed = names(desk)
    assert [(each.last_name, each.first_name) for each in listed.items] == [
        ("DA SILVA", "Ethan"), ("DA SILVA", "Louise"), ("ROBIN", "Jade"),
    ]  # fmt: skip
    jade = listed.items[2]
    assert (jade.ine, jade.class_name, jade.birth_date, jade.copy_id) == (
        "6743314192F", "TG1", dt.date(2008, 1, 3), None,
    )  # fmt: skip


def test_one_wrong_row_and_nothing_is_imported(desk):
    with pytest.raises(RosterHasErrors) as refused:
        import_roster(desk.app, desk.exam_id, desk.admin, ROSTER + "12;DURAND;Léa;TG1;\n\n")
    assert names(desk).total == 0
    report = refused.value.details["report"]
    assert report["errors"] == [{"row": 5, "field": "ine", "value": "12", "reason": "format"}]
    assert (report["created"], report["skipped"]) == (3, [{"row": 6, "reason": "blank"}])


def test_a_dry_run_gives_the_report_of_the_import_and_writes_nothing(desk):
    dry = import_roster(desk.app, desk.exam_id, desk.admin, dry_run=True)
    assert names(desk).total == 0
    assert "IMPORT_ROSTER" not in {event.action for event in trail(desk)}
    assert dry.model_copy(update={"dry_run": False}) == import_roster(desk.app, desk.exam_id, desk.admin)
    wrong = import_roster(desk.app, desk.exam_id, desk.admin, ROSTER + "12;DURAND;Léa;TG1;\n", dry_run=True)
    assert (wrong.unchanged, len(wrong.errors)) == (3, 1)


def test_an_update_keeps_the_candidate_the_person_and_the_copy(desk):
    import_roster(desk.app, desk.exam_id, desk.admin)
    before = {each.first_name: each for each in names(desk).items}
    copy_id = desk.add_copy()
    identify(desk, copy_id, before["Jade"].id)
    report = import_roster(desk.app, desk.exam_id, desk.admin, HEADER + "6743314192F;ROBINSON;Jade;TG3;03/01/2008\n")
    assert (report.created, report.updated) == (0, 1)
    after = {each.first_name: each for each in names(desk).items}
    assert (after["Jade"].last_name, after["Jade"].class_name) == ("ROBINSON", "TG3")
    assert (after["Jade"].id, after["Jade"].person_id, after["Jade"].copy_id) == (
        before["Jade"].id, before["Jade"].person_id, copy_id,
    )  # fmt: skip
    assert len(after) == 3  # those the file does not name stay


def test_a_person_is_the_same_in_every_exam_when_the_key_is_certain(desk):
    text = HEADER + "6743314192F;ROBIN;Jade;;\n;MARTIN;Noah;;05/05/2008\n;DURAND;Léa;;\n"
    other = new_exam(desk.app, desk.admin)
    import_roster(desk.app, desk.exam_id, desk.admin, text)
    import_roster(desk.app, other.id, desk.admin, text)
    here = {each.first_name: each.person_id for each in names(desk).items}
    there = {each.first_name: each.person_id for each in names(desk, other.id).items}
    assert here["Jade"] == there["Jade"]
    assert here["Noah"] == there["Noah"]
    # Two of that name may well be two people: one must not read the other's results.
    assert here["Léa"] != there["Léa"]


def test_a_freed_key_does_not_give_two_candidates_of_an_exam_one_person(desk):
    import_roster(desk.app, desk.exam_id, desk.admin, HEADER + ";MARTIN;Noah;;05/05/2008\n")
    import_roster(desk.app, desk.exam_id, desk.admin, HEADER + "123456789AB;MARTIN;Noah;;05/05/2008\n")
    import_roster(desk.app, desk.exam_id, desk.admin, HEADER + "123456789AB;DURAND;Noah;;05/05/2008\n")
    report = import_roster(desk.app, desk.exam_id, desk.admin, HEADER + ";MARTIN;Noah;;05/05/2008\n")
    assert report.created == 1
    assert len({each.person_id for each in names(desk).items}) == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
def test_any_encoding_gives_the_same_names(desk, encoding):
    text = HEADER + ";CRÈVECŒUR;Noël;;05/05/2008\n"
    import_roster(desk.app, desk.exam_id, desk.admin, text.encode(encoding))
    assert [(each.last_name, each.first_name) for each in names(desk).items] == [("CRÈVECŒUR", "Noël")]


def test_a_spreadsheet_is_refused_and_nothing_left_behind(desk):
    with pytest.raises(RosterNotCsv):
        import_roster(desk.app, desk.exam_id, desk.admin, b"PK\x03\x04 [Content_Types].xml")
    assert names(desk).total == 0


def test_a_file_too_large_is_refused_unread(desk):
    file = stored(desk.app.objects, ROSTER).model_copy(update={"size": roster_file.MAX_BYTES + 1})
    with pytest.raises(RosterTooLarge):
        roster.import_roster(desk.app, ImportRoster(exam_id=desk.exam_id, file=file, dry_run=False, by=desk.admin))


def test_markers_neither_import_nor_list(desk):
    desk.add_copy()
    with pytest.raises(NotFound):
        import_roster(desk.app, desk.exam_id, desk.marker)
    with pytest.raises(NotFound):
        candidates.list_candidates(desk.app, ListCandidates(exam_id=desk.exam_id, by=desk.marker))


def test_a_deleted_exam_takes_no_roster(desk):
    exams.delete_exam(desk.app, DeleteExam(exam_id=desk.exam_id, version=1, by=desk.admin))
    with pytest.raises(ExamDeleted):
        import_roster(desk.app, desk.exam_id, desk.admin)


def test_five_thousand_rows_in_one_go(desk):
    rows = "".join(f"{n:09d}AB;NOM{n};Prénom{n};TG{n % 9};01/02/2008\n" for n in range(5000))
    begin = time.monotonic()
    assert import_roster(desk.app, desk.exam_id, desk.admin, HEADER + rows).created == 5000
    assert import_roster(desk.app, desk.exam_id, desk.admin, HEADER + rows).unchanged == 5000
    changed = rows.replace(";TG1;", ";TX1;")
    assert import_roster(desk.app, desk.exam_id, desk.admin, HEADER + changed).updated == 556
    assert time.monotonic() - begin < 25  # the gateway waits 30 s for one of the three


def test_two_imports_of_one_file_at_once_create_each_candidate_once(desk):
    created = []

    def run() -> None:
        created.append(import_roster(desk.app, desk.exam_id, desk.admin).created)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(created) == [0, 0, 0, 3]


def test_two_exams_that_import_the_same_people_at_once_share_the_persons(desk):
    other = new_exam(desk.app, desk.admin)
    rows = [f"{n:09d}AB;NOM{n};Prénom{n};;\n" for n in range(200)]
    texts = {desk.exam_id: HEADER + "".join(rows), other.id: HEADER + "".join(reversed(rows))}
    threads = [
        threading.Thread(target=import_roster, args=(desk.app, exam_id, desk.admin, text))
        for exam_id, text in texts.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    count = sa.select(sa.func.count(), sa.func.count(sa.distinct(tables.candidates.c.person_id)))
    assert tuple(desk.all(count.select_from(tables.candidates))[0]) == (400, 200)


def test_the_pages_of_the_list_meet_and_take_constant_queries(desk):
    rows = "".join(f";MARTIN;Noah;;{1 + n % 28:02d}/{1 + n // 28:02d}/2008\n" for n in range(60))
    import_roster(desk.app, desk.exam_id, desk.admin, HEADER + rows)
    seen, cursor = [], None
    while not seen or cursor is not None:
        with counted(desk.db) as statements:
            page = names(desk, limit=25, cursor=cursor)
        assert len(statements) == 3
        seen += [each.id for each in page.items]
        cursor = page.next
    assert len(seen) == len(set(seen)) == 60


def test_asked_for_the_good_rows_it_imports_them_and_again_changes_nothing(desk):
    text = ROSTER + "12;DURAND;Léa;TG1;\n"
    wanted = {"exam_id": desk.exam_id, "file": stored(desk.app.objects, text), "by": desk.admin, "dry_run": False}
    report = roster.import_roster(desk.app, ImportRoster(**wanted, partial=True))
    assert (report.created, [error.row for error in report.errors]) == (3, [5])
    again = roster.import_roster(desk.app, ImportRoster(**wanted, partial=True))
    assert (again.created, again.updated, again.unchanged, len(again.errors)) == (0, 0, 3, 1)
    assert names(desk).total == 3


def test_columns_that_somebody_explained_are_read(desk):
    text = "Famille;Petit nom\nROBIN;Jade\n"
    mapping = {"last_name": "Famille", "first_name": "Petit nom"}
    file = stored(desk.app.objects, text)
    request = ImportRoster(exam_id=desk.exam_id, file=file, by=desk.admin, dry_run=False, mapping=mapping)
    assert roster.import_roster(desk.app, request).created == 1


def test_the_bad_rows_are_a_file_and_nothing_is_imported(desk):
    import_roster(desk.app, desk.exam_id, desk.admin)
    text = ROSTER + "12;DURAND;Léa;TG1;\n"
    file = stored(desk.app.objects, text)
    found = roster.find_bad_rows(desk.app, FindBadRows(exam_id=desk.exam_id, file=file, by=desk.admin, language="en"))
    lines = desk.app.objects.get(found.file).decode("utf-8-sig").splitlines()
    assert lines[1:] == ["5,INE: this format is not accepted,12,DURAND,Léa,TG1,".replace(",", ";")]
    assert names(desk).total == 3


def test_markers_get_no_bad_rows(desk):
    with pytest.raises(NotFound):
        request = FindBadRows(exam_id=desk.exam_id, file=stored(desk.app.objects, ROSTER), by=desk.marker)
        roster.find_bad_rows(desk.app, request)


def look(desk, text, **said):
    request = LookAtRoster(exam_id=desk.exam_id, file=stored(desk.app.objects, text), by=desk.admin, **said)
    return roster.look_at_roster(desk.app, request)


def test_a_file_is_looked_at_before_anything_is_imported(desk):
    seen = look(desk, "Lycée Curie\nNom;Prénom;Groupe;Commentaire\nDUPONT;Léa;TG1;\n;;;\nMARTIN;Paul;TG2;tiers temps\n")
    assert (seen.header, seen.records) == (("Nom", "Prénom", "Groupe", "Commentaire"), 2)
    assert {each.field: each.header for each in seen.columns} == {
        "last_name": "Nom", "first_name": "Prénom", "class": "Groupe",
    }  # fmt: skip
    assert seen.rows[1] == ("MARTIN", "Paul", "TG2", "tiers temps")


def test_columns_that_nobody_knows_are_shown_to_be_named(desk):
    text = "Famille;Petit nom\nDUPONT;Léa\n"
    assert look(desk, text).columns == ()
    named = look(desk, text, mapping={"last_name": "Famille", "first_name": "Petit nom"})
    assert {each.field: each.header for each in named.columns} == {"last_name": "Famille", "first_name": "Petit nom"}
