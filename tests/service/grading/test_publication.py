"""Publishing, and what a person then reads, on a real database and store."""

import threading
import uuid
from decimal import Decimal

import pytest

from contracts.errors import Refusal
from contracts.errors.grading import ExamPublished, NotFound
from contracts.errors.grading_exams import NothingToPublish, NotPublishable
from contracts.records.marking import MarkingRecord
from contracts.rpc.grading.copies import Reopen
from contracts.rpc.grading.exams import DeleteExam, ListCandidates, OwnDocument, OwnResults, Publish, UpdateExam
from services.grading.store import copies as copies_store
from services.grading.store import integrity
from services.grading.usecases import candidates, copies, exams, publication, reopening
from tests.conftest import AUDIT_KEY
from tests.service.grading.school import candidate_ids, identify, import_roster


def publish(desk):
    return publication.publish(desk.app, Publish(exam_id=desk.exam_id, by=desk.admin))


def withdraw(desk):
    return publication.withdraw(desk.app, Publish(exam_id=desk.exam_id, by=desk.admin))


def own_results(desk, person_id):
    return candidates.own_results(desk.app, OwnResults(person_id=person_id))


def own_document(desk, person_id, copy_id):
    return candidates.own_document(desk.app, OwnDocument(person_id=person_id, copy_id=copy_id))


def persons(desk):
    listed = candidates.list_candidates(desk.app, ListCandidates(exam_id=desk.exam_id, by=desk.admin))
    return {each.first_name: each.person_id for each in listed.items}


@pytest.fixture
def jades(desk):
    """A graded copy of Jade's; the roster has two more."""
    import_roster(desk.app, desk.exam_id, desk.admin)
    copy_id = desk.graded()
    identify(desk, copy_id, candidate_ids(desk.app, desk.exam_id, desk.admin)["Jade"])
    return copy_id


def test_an_exam_without_copies_is_not_published(desk):
    with pytest.raises(NothingToPublish):
        publish(desk)


def test_every_copy_in_the_way_is_listed_with_its_reasons(desk, jades):
    ready, graded = desk.add_copy(), desk.graded()
    with pytest.raises(NotPublishable) as refused:
        publish(desk)
    assert {each["id"]: each["reasons"] for each in refused.value.details["copies"]} == {
        str(ready): ["not_graded", "not_identified"],
        str(graded): ["not_identified"],
    }
    assert desk.row(ready).anonymous_id in refused.value.text("fr")
    assert desk.sent("grading.exam.published.v1") == []


def test_publishing_tells_the_world_once_without_a_name_or_a_mark(desk, jades):
    first = publish(desk)
    assert (first.published, first.publication, first.copies) == (True, 1, 1)
    assert publish(desk) == first
    (event,) = desk.sent("grading.exam.published.v1")
    assert event["exam_id"] == str(desk.exam_id)
    assert {name: event[name] for name in ("publication", "copies")} == {"publication": 1, "copies": 1}
    assert set(event) == {"exam_id", "publication", "copies", "published_at"}


def test_nothing_is_read_before_publication(desk, jades):
    jade = persons(desk)["Jade"]
    assert own_results(desk, jade).items == ()
    with pytest.raises(NotFound):
        own_document(desk, jade, jades)


def test_a_person_reads_what_the_final_document_prints(desk, jades):
    publish(desk)
    jade = persons(desk)["Jade"]
    results = own_results(desk, jade)
    assert (results.last_name, results.first_name) == ("ROBIN", "Jade")
    (result,) = results.items
    with desk.db.reading() as sql:
        record = desk.app.objects.get_json(copies_store.record_of(sql, jades), MarkingRecord)
    assert result.total == record.total == desk.row(jades).total == Decimal("14.75")
    assert [(item.label, item.score, item.max_points) for item in result.items] == [
        ("Exercice 1 – Question 1", Decimal("6.25"), Decimal(8)),
        ("Exercice 1 – Question 2", Decimal(8), Decimal(12)),
        ("Soin", Decimal("0.5"), Decimal(1)),
    ]
    assert own_document(desk, jade, jades).object.key == desk.row(jades).final_key
    assert "ROBIN" not in own_document(desk, jade, jades).filename


def test_one_person_never_reads_anothers(desk, jades):
    publish(desk)
    ethan = persons(desk)["Ethan"]
    assert own_results(desk, ethan).items == ()
    for stranger in (ethan, uuid.uuid4()):
        with pytest.raises(NotFound):
            own_document(desk, stranger, jades)
    with pytest.raises(NotFound):
        own_results(desk, uuid.uuid4())


def test_withdrawing_takes_everything_back_until_the_next_publication(desk, jades):
    publish(desk)
    jade = persons(desk)["Jade"]
    gone = withdraw(desk)
    assert (gone.published, gone.publication, gone.copies, gone.published_at) == (False, 1, 0, None)
    assert withdraw(desk) == gone
    assert own_results(desk, jade).items == ()
    with pytest.raises(NotFound):
        own_document(desk, jade, jades)
    assert len(desk.sent("grading.exam.withdrawn.v1")) == 1
    assert publish(desk).publication == 2
    assert len(own_results(desk, jade).items) == 1


def test_what_is_published_is_neither_reopened_nor_given_new_paper(desk, jades):
    publish(desk)
    with pytest.raises(ExamPublished):
        reopening.reopen(desk.app, Reopen(copy_id=jades, by=desk.admin))
    with pytest.raises(ExamPublished):
        copies.copy_assembled(desk.app, desk.paper(jades, revision=2), desk.delivery)


def test_a_published_exam_is_not_deleted(desk, jades):
    publish(desk)
    with pytest.raises(ExamPublished):
        exams.delete_exam(desk.app, DeleteExam(exam_id=desk.exam_id, version=2, by=desk.admin))


def test_markers_do_not_publish(desk, jades):
    request = Publish(exam_id=desk.exam_id, by=desk.marker)
    for verb in (publication.publish, publication.withdraw):
        with pytest.raises(NotFound):
            verb(desk.app, request)


def test_publishing_ten_times_at_once_is_one_publication(desk, jades):
    views = []
    threads = [threading.Thread(target=lambda: views.append(publish(desk))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [view.publication for view in views] == [1] * 10
    assert len(desk.sent("grading.exam.published.v1")) == 1


def test_reopening_and_publishing_at_once_never_publish_an_open_copy(desk, jades):
    for _ in range(8):
        outcomes = []
        barrier = threading.Barrier(2)

        def attempt(act, barrier=barrier, outcomes=outcomes):
            barrier.wait()
            try:
                act()
                outcomes.append("done")
            except Refusal as refusal:
                outcomes.append(refusal.code)

        acts = [lambda: publish(desk), lambda: reopening.reopen(desk.app, Reopen(copy_id=jades, by=desk.admin))]
        threads = [threading.Thread(target=attempt, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outcomes.count("done") == 1
        if desk.row(jades).status != "GRADED":
            return
        withdraw(desk)


def a_class(desk, size):
    """So many published copies of so many candidates; the first candidate's person."""
    rows = "".join(f"NOM{n};P{n};T{n % 2};0{n + 1}/01/2008\n" for n in range(size))
    import_roster(desk.app, desk.exam_id, desk.admin, f"Nom;Prénom;Classe;Date de naissance\n{rows}")
    who = candidate_ids(desk.app, desk.exam_id, desk.admin)
    for n in range(size):
        identify(desk, desk.graded(), who[f"P{n}"])
    return persons(desk)["P0"]


def show_class(desk):
    request = UpdateExam(exam_id=desk.exam_id, version=1, class_statistics=True, by=desk.admin)
    assert exams.update_exam(desk.app, request).class_statistics


def test_a_candidate_reads_how_the_class_did_where_the_exam_shows_it(desk):
    show_class(desk)
    first = a_class(desk, 5)
    publish(desk)
    (result,) = own_results(desk, first).items
    assert result.statistics is not None
    assert (result.statistics.copies, result.statistics.median) == (5, Decimal("14.75"))
    with desk.db.reading(snapshot=True) as sql:
        assert integrity.broken(sql, AUDIT_KEY)[0] == []  # the choice is in the exam's trail


def test_without_being_asked_for_nobody_reads_how_the_class_did(desk):
    first = a_class(desk, 5)
    publish(desk)
    assert own_results(desk, first).items[0].statistics is None


def test_a_class_too_small_to_hide_in_is_not_shown(desk):
    show_class(desk)
    first = a_class(desk, 4)
    publish(desk)
    assert own_results(desk, first).items[0].statistics is None


def test_a_withdrawn_result_is_told_until_it_is_back(desk, jades):
    jade, louise = persons(desk)["Jade"], persons(desk)["Louise"]
    assert own_results(desk, jade).withdrawn == ()
    publish(desk)
    withdraw(desk)
    (gone,) = own_results(desk, jade).withdrawn
    assert gone.exam_title == "Bac blanc"
    assert own_results(desk, jade).items == ()
    assert own_results(desk, louise).withdrawn == ()
    publish(desk)
    assert own_results(desk, jade).withdrawn == ()
