"""Whose copy is whose, on a real database."""

import threading
import uuid

import pytest
import sqlalchemy as sa

from contracts.errors import Refusal
from contracts.errors.grading import ExamPublished, NotFound
from contracts.errors.grading_exams import CandidateNotInExam, CandidateTaken, IdentityChanged
from contracts.rpc.grading.copies import Identify, ListIdentification, OneCopy
from contracts.rpc.grading.exams import Publish
from services.grading.store import audit, tables
from services.grading.usecases import copies, identity, publication
from tests.service.grading.desk import counted, other_header
from tests.service.grading.school import candidate_ids, identify, import_roster, new_exam, read


def queue(desk, **page):
    return identity.identification_queue(desk.app, ListIdentification(exam_id=desk.exam_id, by=desk.admin, **page))


@pytest.fixture
def roster(desk):
    import_roster(desk.app, desk.exam_id, desk.admin)
    return candidate_ids(desk.app, desk.exam_id, desk.admin)


def unidentify(desk, copy_id):
    return identity.unidentify(desk.app, OneCopy(copy_id=copy_id, by=desk.admin))


def test_a_reading_ranks_the_roster(desk, roster):
    copy_id = desk.add_copy()
    read(desk, copy_id, "DA SILVA", "Louise", "2441170412")
    (item,) = queue(desk).items
    assert (item.copy_id, item.reading_outcome, item.reading) == (copy_id, "done", ("DA SILVA", "Louise", "2441170412"))
    assert item.suggestions[0].candidate_id == roster["Louise"]
    assert item.suggestions[0].confidence > item.suggestions[1].confidence
    assert item.header is not None


def test_a_roster_imported_after_reading_needs_nothing_done_again(desk):
    copy_id = desk.add_copy()
    read(desk, copy_id, "NOM : ROBIN", "Prénom : Jade")
    assert queue(desk).items[0].suggestions == ()
    import_roster(desk.app, desk.exam_id, desk.admin)
    assert next(each.first_name for each in queue(desk).items[0].suggestions) == "Jade"


def test_nobody_waits_for_ever_for_a_reading(desk, roster):
    """Its command is dead and ocr was never told, or its answer is. Asked for again alone, it would be "being read"
    for as long as ocr does not answer."""
    copy_id = desk.add_copy()
    assert identity.ask_for_unread(desk.app) == 0
    late = sa.text("clock_timestamp() - interval '31 minutes'")
    desk.write(tables.identifications.update().values(updated_at=late))
    assert identity.ask_for_unread(desk.app) == 1
    assert identity.ask_for_unread(desk.app) == 0
    (item,) = queue(desk).items
    assert (item.reading_outcome, item.reading) == ("timeout", ())
    first, second = desk.sent("ocr.text.extract.v1")
    assert second == first
    read(desk, copy_id, "DA SILVA", "Louise")  # at last
    assert queue(desk).items[0].reading == ("DA SILVA", "Louise")


def test_a_copy_that_was_read_is_not_asked_for_again(desk, roster):
    read(desk, desk.add_copy(), "ROBIN")
    late = sa.text("clock_timestamp() - interval '31 minutes'")
    desk.write(tables.identifications.update().values(updated_at=late))
    assert identity.ask_for_unread(desk.app) == 0


def test_a_reading_of_older_paper_is_ignored(desk, roster):
    copy_id = desk.add_copy()
    first, second = desk.pages(copy_id)
    copies.copy_assembled(desk.app, desk.revised(copy_id, [other_header(first), second]), desk.delivery)
    read(desk, copy_id, "ROBIN", revision=1)
    assert queue(desk).items[0].reading is None
    read(desk, copy_id, "DA SILVA", revision=2)
    assert queue(desk).items[0].reading == ("DA SILVA",)


def test_a_reading_of_an_unknown_copy_is_ignored(desk, roster):
    read(desk, uuid.uuid4(), "ROBIN")
    assert queue(desk).total == 0


@pytest.mark.parametrize("outcome", ["no_engine", "timeout", "crashed", "out_of_memory", "refused_input"])
def test_reading_that_failed_is_visible_and_left_to_a_person(desk, roster, outcome):
    copy_id = desk.add_copy()
    assert (queue(desk).items[0].reading, queue(desk).items[0].reading_outcome) == (None, None)
    read(desk, copy_id, outcome=outcome)
    (item,) = queue(desk).items
    assert (item.reading, item.reading_outcome, item.suggestions) == ((), outcome, ())
    assert identify(desk, copy_id, roster["Jade"]).candidate_id == roster["Jade"]


def test_the_riskiest_come_last_and_pages_meet(desk, roster):
    sure, unsure, unread = (desk.add_copy() for _ in range(3))
    read(desk, unsure, "DA SILVA")
    read(desk, sure, "DA SILVA", "Louise", "294070403HD")
    assert queue(desk).items[0].copy_id == sure
    first = queue(desk, limit=1)
    second = queue(desk, limit=1, cursor=first.next)
    third = queue(desk, limit=1, cursor=second.next)
    assert [page.items[0].copy_id for page in (first, second, third)] == [i.copy_id for i in queue(desk).items]
    assert {second.items[0].copy_id, third.items[0].copy_id} == {unsure, unread}
    assert (third.next, third.total) == (None, 3)


def test_a_candidate_who_has_a_copy_is_not_suggested_for_another(desk, roster):
    first, second = desk.add_copy(), desk.add_copy()
    for copy_id in (first, second):
        read(desk, copy_id, "DA SILVA", "Louise")
    identify(desk, first, roster["Louise"])
    (pending,) = queue(desk).items
    assert pending.copy_id == second
    assert roster["Louise"] not in [each.candidate_id for each in pending.suggestions]
    everything = {item.copy_id: item for item in queue(desk, pending_only=False).items}
    assert everything[first].suggestions[0].candidate_id == roster["Louise"]


def test_the_queue_takes_the_same_queries_for_two_copies_and_for_twenty(desk, roster):
    for _ in range(2):
        read(desk, desk.add_copy(), "ROBIN")
    with counted(desk.db) as few:
        queue(desk)
    for _ in range(18):
        read(desk, desk.add_copy(), "DA SILVA")
    with counted(desk.db) as many:
        assert len(queue(desk).items) == 20
    assert len(few) == len(many) == 6


def test_the_queue_is_for_staff(desk, roster):
    copy_id = desk.add_copy()
    with pytest.raises(NotFound):
        identity.identification_queue(desk.app, ListIdentification(exam_id=desk.exam_id, by=desk.marker))
    with pytest.raises(NotFound):
        identity.identify(desk.app, Identify(copy_id=copy_id, candidate_id=roster["Jade"], by=desk.marker))
    with pytest.raises(NotFound):
        identity.unidentify(desk.app, OneCopy(copy_id=copy_id, by=desk.marker))


def test_an_identity_is_audited_by_ids_alone_and_the_same_again_changes_nothing(desk, roster):
    copy_id = desk.add_copy()
    identify(desk, copy_id, roster["Jade"])
    before = desk.row(copy_id)
    identify(desk, copy_id, roster["Jade"])
    assert desk.row(copy_id) == before
    assert desk.actions(copy_id) == ["ASSEMBLE", "ALLOCATE", "IDENTIFY"]
    with desk.db.reading() as sql:
        event, _ = audit.trail(sql, copy_id)[-1]
    assert event.details == {"candidate_id": str(roster["Jade"]), "replaces": None}


def test_a_candidate_has_one_copy_and_the_refusal_names_it(desk, roster):
    first, second = desk.add_copy(), desk.add_copy()
    identify(desk, first, roster["Jade"])
    with pytest.raises(CandidateTaken) as refused:
        identify(desk, second, roster["Jade"])
    assert refused.value.details == {"copy_id": str(first), "anonymous_id": desk.row(first).anonymous_id}
    assert desk.row(first).anonymous_id in refused.value.text("fr")
    assert desk.actions(second) == ["ASSEMBLE", "ALLOCATE"]


def test_a_change_names_what_it_replaces(desk, roster):
    copy_id = desk.add_copy()
    identify(desk, copy_id, roster["Jade"])
    for wrong in (None, roster["Ethan"]):
        with pytest.raises(IdentityChanged) as refused:
            identify(desk, copy_id, roster["Louise"], replaces=wrong)
        assert refused.value.details == {"candidate_id": str(roster["Jade"])}
    assert identify(desk, copy_id, roster["Louise"], replaces=roster["Jade"]).candidate_id == roster["Louise"]
    with pytest.raises(IdentityChanged):
        identify(desk, desk.add_copy(), roster["Ethan"], replaces=roster["Jade"])


def test_a_candidate_of_another_exam_is_refused(desk, roster):
    other = new_exam(desk.app, desk.admin)
    import_roster(desk.app, other.id, desk.admin)
    stranger = candidate_ids(desk.app, other.id, desk.admin)["Jade"]
    with pytest.raises(CandidateNotInExam):
        identify(desk, desk.add_copy(), stranger)


def test_unidentifying_frees_the_candidate(desk, roster):
    first, second = desk.add_copy(), desk.add_copy()
    identify(desk, first, roster["Jade"])
    assert unidentify(desk, first).candidate_id is None
    assert unidentify(desk, first).candidate_id is None
    assert desk.actions(first) == ["ASSEMBLE", "ALLOCATE", "IDENTIFY", "UNIDENTIFY"]
    assert identify(desk, second, roster["Jade"]).candidate_id == roster["Jade"]


def test_what_is_published_keeps_its_identity(desk, roster):
    copy_id = desk.graded()
    identify(desk, copy_id, roster["Jade"])
    publication.publish(desk.app, Publish(exam_id=desk.exam_id, by=desk.admin))
    with pytest.raises(ExamPublished):
        identify(desk, copy_id, roster["Louise"], replaces=roster["Jade"])
    with pytest.raises(ExamPublished):
        unidentify(desk, copy_id)


def test_two_copies_said_at_once_to_be_one_candidates_end_with_one(desk, roster):
    """Without the unique index, a look before the write lets both through when they look together."""
    for _ in range(10):
        pair = [desk.add_copy(), desk.add_copy()]
        barrier = threading.Barrier(2)
        outcomes = []

        def claim(copy_id, barrier=barrier, outcomes=outcomes):
            barrier.wait()
            try:
                identify(desk, copy_id, roster["Jade"])
                outcomes.append("linked")
            except Refusal as refusal:
                outcomes.append(refusal.code)

        threads = [threading.Thread(target=claim, args=(copy_id,)) for copy_id in pair]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["grading.candidate_taken", "linked"]
        for copy_id in pair:
            unidentify(desk, copy_id)


def test_two_changes_of_one_copy_at_once_end_with_one(desk, roster):
    copy_id = desk.add_copy()
    barrier = threading.Barrier(2)
    outcomes = []

    def claim(name):
        barrier.wait()
        try:
            identify(desk, copy_id, roster[name])
            outcomes.append("linked")
        except Refusal as refusal:
            outcomes.append(refusal.code)

    threads = [threading.Thread(target=claim, args=(name,)) for name in ("Jade", "Louise")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["grading.identity_changed", "linked"]
    assert desk.actions(copy_id) == ["ASSEMBLE", "ALLOCATE", "IDENTIFY"]


def test_the_queue_tells_how_the_whole_exam_stands(desk, roster):
    first, second = desk.add_copy(), desk.add_copy()
    identify(desk, first, roster["Louise"])
    read(desk, second, "ROBIN", "Jade")
    standing = queue(desk).standing
    assert (standing.copies, standing.identified, standing.by_machine, standing.unread) == (2, 1, 0, 1)
