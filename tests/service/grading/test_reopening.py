"""What candidates could read changes with a reason and a second person, and they see what it was before."""

import uuid
from decimal import Decimal

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from contracts.errors.grading import ExamPublished, NotYours, ReasonRequired, SecondPersonRequired
from contracts.model import Role
from contracts.rpc.grading.copies import Finalise, OneCopy, PutScores, Reopen, TakeLock
from contracts.rpc.grading.exams import ListCandidates, OwnDocument, OwnResults, Publish
from services.grading.domain.audit import sha256
from services.grading.store import tables
from services.grading.usecases import candidates, copies, finalise, identity, locks, marking, publication, reopening
from tests.service.grading.desk import FULL, person
from tests.service.grading.school import candidate_ids, identify, import_roster

WHY = "Un point oublié à la question 2"


def publish(desk):
    return publication.publish(desk.app, Publish(exam_id=desk.exam_id, by=desk.admin))


def withdraw(desk):
    return publication.withdraw(desk.app, Publish(exam_id=desk.exam_id, by=desk.admin))


def reopen(desk, copy_id, reason=None, by=None):
    return reopening.reopen(desk.app, Reopen(copy_id=copy_id, reason=reason, by=by or desk.admin))


def mark_again(desk, copy_id, version, revision, **scores):
    token = desk.token(copy_id)
    desk.score(copy_id, token, FULL | {name: Decimal(score) for name, score in scores.items()}, version=version)
    desk.finalise(copy_id, token)
    desk.composed(copy_id, revision=revision)


def person_of(desk, name):
    listed = candidates.list_candidates(desk.app, ListCandidates(exam_id=desk.exam_id, by=desk.admin))
    return next(each.person_id for each in listed.items if each.first_name == name)


def result_of(desk, name="Jade"):
    (result,) = candidates.own_results(desk.app, OwnResults(person_id=person_of(desk, name))).items
    return result


def reasons(desk):
    return desk.all(sa.select(tables.reopenings).order_by(tables.reopenings.c.revision))


@pytest.fixture
def released(desk):
    """Jade's copy, which she could read at 14.75 points; the publication is withdrawn."""
    import_roster(desk.app, desk.exam_id, desk.admin)
    copy_id = desk.graded()
    identify(desk, copy_id, candidate_ids(desk.app, desk.exam_id, desk.admin)["Jade"])
    publish(desk)
    withdraw(desk)
    return copy_id


def test_without_a_reason_what_was_released_stays(desk, released):
    before = desk.row(released)
    with pytest.raises(ReasonRequired):
        reopen(desk, released)
    assert desk.row(released) == before
    assert reasons(desk) == []


def test_who_finalised_it_does_not_reopen_it(desk):
    import_roster(desk.app, desk.exam_id, desk.admin)
    copy_id = desk.add_copy()
    token = locks.take_lock(desk.app, TakeLock(copy_id=copy_id, by=desk.admin)).token
    marking.put_scores(desk.app, PutScores(copy_id=copy_id, token=token, by=desk.admin, scores=FULL))
    finalise.finalise(desk.app, Finalise(copy_id=copy_id, token=token, by=desk.admin))
    desk.composed(copy_id)
    identify(desk, copy_id, candidate_ids(desk.app, desk.exam_id, desk.admin)["Jade"])
    publish(desk)
    withdraw(desk)
    with pytest.raises(SecondPersonRequired):
        reopen(desk, copy_id, WHY)
    second = person("Proviseur", Role.ADMIN)
    assert reopen(desk, copy_id, WHY, by=second).revision == 2
    assert [(row.revision, row.reason, row.reopened_by) for row in reasons(desk)] == [(2, WHY, second.id)]


def test_neither_a_reason_nor_a_second_person_opens_what_is_published(desk, released):
    publish(desk)
    with pytest.raises(ExamPublished):
        reopen(desk, released, WHY)
    with pytest.raises(NotYours):
        reopen(desk, released, WHY, by=desk.marker)


def test_the_trail_pins_the_reason_without_its_words(desk, released):
    reopen(desk, released, WHY)
    query = sa.select(tables.audit.c.details).where(tables.audit.c.action == "REOPEN")
    ((details,),) = desk.all(query)
    assert details == {"from_revision": 1, "from": "GRADED", "reason_sha256": sha256(WHY)}


def test_a_copy_never_released_is_reopened_as_before_and_keeps_a_reason_that_was_given(desk):
    silent, said = desk.graded(), desk.graded()
    assert reopen(desk, silent).revision == 2
    assert reopen(desk, said, WHY).revision == 2
    assert [(row.copy_id, row.reason) for row in reasons(desk)] == [(said, WHY)]


@pytest.mark.parametrize("reason", ["", "  \n", "x" * 501, "bell\x07"])
def test_a_reason_is_a_text_of_500_characters_at_most(reason):
    with pytest.raises(ValidationError):
        Reopen(copy_id=uuid.uuid4(), reason=reason, by=person("Direction", Role.ADMIN))


def test_the_candidate_sees_what_it_was_before_and_why_it_changed(desk, released):
    first = desk.all(sa.select(tables.publications.c.published_at))[0].published_at
    publish(desk)
    withdraw(desk)  # the same revision twice: told once, from when it was first released
    reopen(desk, released, WHY)
    mark_again(desk, released, version=1, revision=2, q2=9)
    reopen(desk, released, "Encore un point")  # revision 2 was never released: not told
    mark_again(desk, released, version=2, revision=3, q2=10)
    publish(desk)
    result = result_of(desk)
    assert (result.revision, result.total) == (3, Decimal("16.75"))
    (earlier,) = result.earlier
    assert (earlier.revision, earlier.total, earlier.published_at) == (1, Decimal("14.75"), first)
    assert (earlier.reason, earlier.changed_at) == (WHY, reasons(desk)[0].reopened_at)
    own = candidates.own_document(desk.app, OwnDocument(person_id=person_of(desk, "Jade"), copy_id=released))
    assert own.filename.endswith("-3.pdf")


def test_what_was_not_changed_has_no_history(desk, released):
    publish(desk)
    assert result_of(desk).earlier == ()


def test_nobody_sees_the_history_of_a_copy_that_was_not_theirs_then(desk, released):
    ids = candidate_ids(desk.app, desk.exam_id, desk.admin)
    reopen(desk, released, WHY)
    identity.unidentify(desk.app, OneCopy(copy_id=released, by=desk.admin))
    identify(desk, released, ids["Ethan"])
    mark_again(desk, released, version=1, revision=2, q2=9)
    publish(desk)
    assert result_of(desk, "Ethan").earlier == ()


def test_new_paper_for_what_was_released_says_so_and_the_candidate_sees_it(desk, released):
    copies.copy_assembled(desk.app, desk.paper(released, revision=2), desk.delivery)
    assert (desk.row(released).status, desk.row(released).revision) == ("READY", 2)
    assert [(row.revision, row.reason, row.reopened_by) for row in reasons(desk)] == [(2, "new paper", None)]
    mark_again(desk, released, version=1, revision=2, q2=9)
    publish(desk)
    (earlier,) = result_of(desk).earlier
    assert (earlier.total, earlier.reason) == (Decimal("14.75"), None)


def test_new_paper_for_what_nobody_could_read_needs_no_reason(desk):
    copy_id = desk.graded()
    copies.copy_assembled(desk.app, desk.paper(copy_id, revision=2), desk.delivery)
    assert (desk.row(copy_id).revision, reasons(desk)) == (2, [])
