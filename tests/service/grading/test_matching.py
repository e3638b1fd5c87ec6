"""A whole exam matched with its roster, on a real database."""

import dataclasses
import time
import uuid

import pytest
import sqlalchemy as sa

from contracts.errors.grading import ExamPublished, NotFound
from contracts.errors.grading_exams import CandidateTaken, IdentityChanged
from contracts.rpc.grading.copies import ExamQuery, ListIdentification, OneCopy
from contracts.rpc.grading.exams import OneExam, Publish, UpdateExam
from services.grading.store import audit, tables
from services.grading.store import identity as store
from services.grading.store.integrity import broken
from services.grading.usecases import copies, exams, identity, matching, publication
from tests.conftest import AUDIT_KEY
from tests.service.grading.desk import counted
from tests.service.grading.school import ROSTER, candidate_ids, identify, import_roster, read, read_fields

LOUISE, ETHAN, JADE = ("DA SILVA", "Louise", "294070403HD"), ("DA SILVA", "Ethan", "024050944HH"), (
    "ROBIN", "Jade", "6743314192F",
)  # fmt: skip


@pytest.fixture
def roster(desk):
    import_roster(desk.app, desk.exam_id, desk.admin)
    return candidate_ids(desk.app, desk.exam_id, desk.admin)


def solve(desk):
    return matching.solve_identification(desk.app, ExamQuery(exam_id=desk.exam_id, by=desk.admin))


def queue(desk, **page):
    return identity.identification_queue(desk.app, ListIdentification(exam_id=desk.exam_id, by=desk.admin, **page))


def of(desk, copy_id):
    return next(item for item in queue(desk, pending_only=False).items if item.copy_id == copy_id)


def due(desk):
    return [row.exam_id for row in desk.all(sa.select(tables.matching_due))]


def budget(desk, **fields):
    exam = exams.get_exam(desk.app, OneExam(exam_id=desk.exam_id, by=desk.admin))
    request = UpdateExam(exam_id=exam.id, version=exam.version, by=desk.admin, **fields)
    return exams.update_exam(desk.app, request)


def whole(desk):
    """The trail tells what the tables hold."""
    with desk.db.reading(snapshot=True) as sql:
        return broken(sql, AUDIT_KEY)[0] == []


def test_what_is_certain_is_taken_and_the_trail_says_by_whom(desk, roster):
    copy_id, unread = desk.add_copy(), desk.add_copy()
    read_fields(desk, copy_id, *LOUISE)
    found = solve(desk)
    assert (found.copies, found.identified, found.by_machine, found.unread) == (2, 1, 1, 1)
    item = of(desk, copy_id)
    assert (item.candidate_id, item.decided_by) == (roster["Louise"], "machine")
    assert item.probability > 0.999
    with desk.db.reading() as sql:
        event, _ = audit.trail(sql, copy_id)[-1]
    assert whole(desk)
    assert (event.action, event.actor, event.actor_id) == ("IDENTIFY", "korrigo", None)
    assert event.details["candidate_id"] == str(roster["Louise"])
    assert event.details["wrong_in_a_million"] <= 1000
    assert [each.copy_id for each in queue(desk).items] == [unread]


def test_matching_again_changes_nothing(desk, roster):
    copy_id = desk.add_copy()
    read_fields(desk, copy_id, *LOUISE)
    first = solve(desk)
    before = desk.row(copy_id)
    assert solve(desk) == first
    assert desk.row(copy_id) == before


def test_two_copies_of_one_candidate_are_left_to_a_person(desk, roster):
    for copy_id in (desk.add_copy(), desk.add_copy()):
        read_fields(desk, copy_id, *LOUISE)
    assert solve(desk).identified == 0
    assert {each.suggestions[0].candidate_id for each in queue(desk).items} == {roster["Louise"]}


def test_nobody_on_the_roster_is_never_forced_onto_a_name(desk, roster):
    read_fields(desk, desk.add_copy(), "DA SILVA", "Marc", "555666777AB")
    read_fields(desk, desk.add_copy(), "MARCHAND", "Cyril", "111222333CD")
    assert solve(desk).identified == 0


def test_a_school_may_have_every_copy_confirmed(desk, roster):
    read_fields(desk, desk.add_copy(), *LOUISE)
    desk.app = dataclasses.replace(
        desk.app, settings=dataclasses.replace(desk.app.settings, identification_error_budget=0.0)
    )
    assert solve(desk).identified == 0


def test_an_exam_may_have_its_own_error_budget_and_is_matched_again_when_it_changes(desk, roster):
    copy_id = desk.add_copy()
    read_fields(desk, copy_id, *LOUISE)
    assert solve(desk).identified == 1
    budget(desk, identification_error_budget="0")
    assert due(desk) == [desk.exam_id]
    matching.match_due(desk.app)
    assert desk.row(copy_id).candidate_id is None
    assert budget(desk, forget_error_budget=True).identification_error_budget is None
    matching.match_due(desk.app)
    assert desk.row(copy_id).candidate_id == roster["Louise"]
    assert whole(desk)


def test_what_else_changes_about_an_exam_does_not_match_it_again(desk, roster):
    read_fields(desk, desk.add_copy(), *LOUISE)
    solve(desk)
    budget(desk, title="Autre titre")
    assert due(desk) == []


def test_readings_are_matched_by_the_clock_when_all_are_in(desk, roster):
    first, second = desk.add_copy(), desk.add_copy()
    read_fields(desk, first, *LOUISE)
    matching.match_due(desk.app)
    assert desk.row(first).candidate_id is None  # the other is still being read
    read(desk, second, outcome="timeout")
    while due(desk):
        matching.match_due(desk.app)
    assert desk.row(first).candidate_id == roster["Louise"]


def test_one_header_that_is_never_read_does_not_keep_the_others(desk, roster):
    copy_id, _ = desk.add_copy(), desk.add_copy()
    read_fields(desk, copy_id, *LOUISE)
    desk.write(tables.matching_due.update().values(since=sa.text("clock_timestamp() - interval '3 minutes'")))
    while due(desk):
        matching.match_due(desk.app)
    assert desk.row(copy_id).candidate_id == roster["Louise"]


def test_a_roster_imported_after_reading_is_matched_without_reading_again(desk):
    copy_id = desk.add_copy()
    read_fields(desk, copy_id, *LOUISE)
    assert solve(desk).identified == 0
    import_roster(desk.app, desk.exam_id, desk.admin)
    while due(desk):
        matching.match_due(desk.app)
    assert desk.row(copy_id).candidate_id == candidate_ids(desk.app, desk.exam_id, desk.admin)["Louise"]
    assert len(desk.sent("ocr.text.extract.v1")) == 1


def test_a_homonym_who_comes_with_a_later_roster_takes_the_certainty_back(desk, roster):
    copy_id = desk.add_copy()
    read_fields(desk, copy_id, "ROBIN", "Jade")
    other = desk.add_copy()
    read_fields(desk, other, *LOUISE)
    assert solve(desk).identified == 2
    import_roster(desk.app, desk.exam_id, desk.admin, ROSTER + "158825741BC;ROBIN;Jade;TG3;04/05/2008\n")
    assert solve(desk).identified == 1
    assert desk.row(copy_id).candidate_id is None
    assert desk.actions(copy_id)[-2:] == ["IDENTIFY", "UNIDENTIFY"]


def test_a_person_overrules_the_matching_and_the_rest_follows(desk, roster):
    first, second = desk.add_copy(), desk.add_copy()
    read_fields(desk, first, *LOUISE)
    solve(desk)
    assert identify(desk, second, roster["Louise"]).decided_by == "person"  # whom the matching had given to the first
    assert desk.row(first).candidate_id is None
    assert solve(desk).by_machine == 0
    assert identify(desk, first, roster["Jade"]).candidate_id == roster["Jade"]
    with pytest.raises(CandidateTaken):
        identify(desk, first, roster["Louise"], replaces=roster["Jade"])
    assert whole(desk)


def test_a_person_changes_what_the_matching_found_without_naming_it(desk, roster):
    copy_id = desk.add_copy()
    read_fields(desk, copy_id, *LOUISE)
    solve(desk)
    with pytest.raises(IdentityChanged):  # whoever names one names the right one
        identify(desk, copy_id, roster["Jade"], replaces=roster["Ethan"])
    assert identify(desk, copy_id, roster["Jade"]).decided_by == "person"
    solve(desk)
    assert desk.row(copy_id).candidate_id == roster["Jade"]


def test_a_person_who_confirms_is_answerable_from_then_on(desk, roster):
    copy_id = desk.add_copy()
    read_fields(desk, copy_id, *LOUISE)
    solve(desk)
    assert identify(desk, copy_id, roster["Louise"]).decided_by == "person"
    assert desk.actions(copy_id)[-2:] == ["IDENTIFY", "IDENTIFY"]
    assert whole(desk)


def test_what_a_person_took_back_is_not_found_again_by_the_matching(desk, roster):
    copy_id = desk.add_copy()
    read_fields(desk, copy_id, *LOUISE)
    solve(desk)
    identity.unidentify(desk.app, OneCopy(copy_id=copy_id, by=desk.admin))
    assert solve(desk).identified == 0


def test_two_decisions_that_read_exchanged_are_shown_until_they_are_confirmed(desk, roster):
    first, second = desk.add_copy(), desk.add_copy()
    read_fields(desk, first, *LOUISE)
    read_fields(desk, second, *JADE)
    identify(desk, first, roster["Jade"])
    identify(desk, second, roster["Louise"])
    assert solve(desk).doubtful == 2
    assert {each.copy_id: each.doubt for each in queue(desk).items} == {first: "exchanged", second: "exchanged"}
    assert of(desk, first).suggestions[0].candidate_id == roster["Louise"], "whom it reads as, though another has her"
    identify(desk, first, roster["Jade"])
    assert solve(desk).doubtful == 1
    assert of(desk, first).doubt is None


def test_what_is_published_is_not_matched(desk, roster):
    copy_id = desk.graded()
    identify(desk, copy_id, roster["Jade"])
    publication.publish(desk.app, Publish(exam_id=desk.exam_id, by=desk.admin))
    with pytest.raises(ExamPublished):
        solve(desk)
    desk.write(tables.matching_due.update().values(since=sa.text("clock_timestamp() - interval '3 minutes'")))
    matching.match_due(desk.app)
    assert due(desk) == []
    assert desk.row(copy_id).candidate_id == roster["Jade"]


def test_matching_is_for_staff(desk, roster):
    with pytest.raises(NotFound):
        matching.solve_identification(desk.app, ExamQuery(exam_id=desk.exam_id, by=desk.marker))


def test_a_failed_reading_is_asked_for_again_on_demand(desk, roster):
    copy_id, read_well = desk.add_copy(), desk.add_copy()
    read(desk, copy_id, outcome="crashed")
    read_fields(desk, read_well, *LOUISE)
    asked = identity.read_failed_again(desk.app, ExamQuery(exam_id=desk.exam_id, by=desk.admin))
    assert asked.copies == 1
    assert of(desk, copy_id).reading is None  # being read
    assert desk.sent("ocr.text.extract.v1")[-1]["copy_id"] == str(copy_id)
    again = identity.read_again(desk.app, OneCopy(copy_id=read_well, by=desk.admin))
    assert (again.reading, len(desk.sent("ocr.text.extract.v1"))) == (None, 4)


def test_damaged_letters_are_left_out(desk, roster):
    copy_id = desk.add_copy()
    read_fields(desk, copy_id, *LOUISE)
    damaged = sa.text("jsonb_set(fields, '{0,letters}', '\"AAAA\"')")
    desk.write(tables.identifications.update().values(fields=damaged))
    assert solve(desk).copies == 1


def test_two_hundred_copies_are_solved_again_in_well_under_a_second(desk):
    """After a decision only the assignment is computed again: every header is weighed against a roster once."""
    lines = [
        f"{n:09d}AB;NOM{chr(65 + n % 26)}{chr(65 + n // 26)}OT;Prenom{chr(65 + n * 7 % 26)};TG1;" for n in range(200)
    ]
    import_roster(desk.app, desk.exam_id, desk.admin, "INE;Nom;Prénom;Classe;Date de naissance\n" + "\n".join(lines))
    with desk.db.transaction() as uow:
        row = desk.row(desk.add_copy())._mapping
        for n in range(199):
            values = {**row, "id": uuid.uuid4(), "anonymous_id": f"N{n:05d}"}
            uow.sql.execute(tables.copies.insert().values(**values))
            uow.sql.execute(tables.identifications.insert().values(copy_id=values["id"], paper_revision=1))
    for n, each in enumerate(desk.all(sa.select(tables.copies.c.id))):
        ine, last, first, *_ = lines[n].split(";")
        read_fields(desk, each.id, last, first, ine)
    assert solve(desk).identified == 200
    began = time.process_time()
    with counted(desk.db) as queries:
        solve(desk)
    assert time.process_time() - began < 1.0  # measured 0.2 s
    assert len(queries) < 20


@pytest.fixture
def collected(desk):
    """Copies of forty candidates by last name, as they lie in one scan; all headers are clear but the eighth."""
    names = [(f"{a}{b}OVEN", f"{b}ELIE") for a in "BCDFGHKL" for b in "AEIOU"]
    lines = [f"{at:09d}AB;{last};{first};TG1;" for at, (last, first) in enumerate(names)]
    import_roster(desk.app, desk.exam_id, desk.admin, "INE;Nom;Prénom;Classe;Date de naissance\n" + "\n".join(lines))
    found = {}
    for at, (last, first) in enumerate(names):
        found[last] = desk.add_copy(first_side=2 * at + 1)
        if at != 7:
            read_fields(desk, found[last], last, first)
    assert solve(desk).identified == 39
    return found


def offered(desk, copy_id):
    return [each.last_name for each in of(desk, copy_id).suggestions]


def test_a_copy_of_which_nothing_was_read_is_offered_to_whoever_stands_there_on_the_list(desk, collected):
    """A person looks at it: the place alone identifies nobody."""
    read(desk, collected["CIOVEN"])
    assert solve(desk).identified == 39
    (found,) = of(desk, collected["CIOVEN"]).suggestions
    assert (found.last_name, found.by_place) == ("CIOVEN", True)


def test_late_sheets_leave_a_copy_in_its_place(desk, collected):
    copies.copy_assembled(desk.app, desk.paper(collected["CIOVEN"], 2, pages=3, first_side=15), desk.delivery)
    assert offered(desk, collected["CIOVEN"]) == ["CIOVEN"]


def test_a_first_page_from_elsewhere_in_the_scan_is_a_place_elsewhere(desk, collected):
    copies.copy_assembled(desk.app, desk.paper(collected["CIOVEN"], 2, first_side=401), desk.delivery)
    assert offered(desk, collected["CIOVEN"]) == []


def test_the_fields_that_were_read_by_letters_are_known(desk, roster):
    """Where both names are among them, the place of the copy may make its candidate surer."""
    both, one, lines, unread = (desk.add_copy() for _ in range(4))
    read_fields(desk, both, "ROBIN", "Jade")
    read_fields(desk, one, "ROBIN")
    read(desk, lines, "ROBIN Jade")
    with desk.db.reading() as sql:
        kinds = {row.id: row.kinds for row in store.readings(sql, desk.exam_id, pending_only=False)}
    assert kinds == {both: ["last_name", "first_name"], one: ["last_name"], lines: None, unread: None}
