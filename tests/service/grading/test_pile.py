"""The pile, its flags and its statistics, on a real database: who sees what, at which cost."""

from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
import sqlalchemy as sa

from contracts.errors.grading import NotFound
from contracts.model import Actor, Role
from contracts.rpc.grading.copies import ExamQuery
from contracts.rpc.grading.exams import DeleteExam
from contracts.rpc.grading.results import Pile, SetFlag, Statistics
from services.grading.store import tables
from services.grading.usecases import exams, pile, statistics
from tests.service.grading.desk import Desk, counted, person
from tests.service.grading.school import candidate_ids, identify, import_roster


def pile_of(desk: Desk, by: Actor) -> Pile:
    return pile.get_pile(desk.app, ExamQuery(exam_id=desk.exam_id, by=by))


def statistics_of(desk: Desk, by: Actor) -> Statistics:
    return statistics.get_statistics(desk.app, ExamQuery(exam_id=desk.exam_id, by=by))


def graded(desk: Desk, q1: str, q2: str, marker: Actor | None = None) -> uuid.UUID:
    """A graded copy with these scores, allocated to ``marker`` afterwards."""
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    desk.score(copy_id, token, {"q1": Decimal(q1), "q2": Decimal(q2), "extra": Decimal(0)})
    desk.finalise(copy_id, token)
    desk.composed(copy_id)
    if marker is not None:
        desk.allocate(copy_id, marker)
    return copy_id


def test_the_pile_has_every_copy_with_what_was_given_so_far(desk: Desk) -> None:
    untouched, begun, done = desk.add_copy(), desk.add_copy(), graded(desk, "6", "8.5")
    desk.score(begun, desk.token(begun), {"q1": Decimal("1.25")})
    found = pile_of(desk, desk.admin)
    assert [(item.item_id, item.points, item.bonus) for item in found.items] == [
        ("q1", 8, False), ("q2", 12, False), ("extra", 1, True),
    ]  # fmt: skip
    assert found.items[0].path == ("Exercice 1", "Question 1")
    told = {copy.id: (copy.status, copy.scores, copy.total) for copy in found.copies}
    assert told == {
        untouched: ("READY", {}, None),
        begun: ("LOCKED", {"q1": Decimal("1.25")}, None),
        done: ("GRADED", {"q1": 6, "q2": Decimal("8.5"), "extra": 0}, Decimal("14.5")),
    }
    assert [copy.anonymous_id for copy in found.copies] == sorted(copy.anonymous_id for copy in found.copies)


def test_a_marker_finds_their_own_copies_alone(desk: Desk) -> None:
    other = person("M. Perrin")
    own, theirs = desk.add_copy(), desk.add_copy(other)
    assert [copy.id for copy in pile_of(desk, desk.marker).copies] == [own]
    assert [copy.id for copy in pile_of(desk, other).copies] == [theirs]
    with pytest.raises(NotFound):
        pile_of(desk, person("Nobody"))
    with pytest.raises(NotFound):
        pile_of(desk, person("A candidate", Role.CANDIDATE))


def test_nothing_in_a_pile_says_whose_copy_it_is(desk: Desk) -> None:
    import_roster(desk.app, desk.exam_id, desk.admin)
    copy_id = desk.add_copy()
    jade = candidate_ids(desk.app, desk.exam_id, desk.admin)["Jade"]
    identify(desk, copy_id, jade)
    for told in (pile_of(desk, desk.marker), statistics_of(desk, desk.marker)):
        text = told.model_dump_json()
        assert not any(secret in text for secret in (str(jade), "Jade", "ROBIN", "6743314192F", "candidate"))


def test_annotations_that_stand_are_counted(desk: Desk) -> None:
    copy_id = desk.add_copy()
    row = {"copy_id": copy_id, "version": 1, "fence": 1, "page_no": 1, "type": "tick", "updated_by": desk.marker.id,
           "x": 0, "y": 0, "w": 0, "h": 0, "created_at": sa.func.now(), "updated_at": sa.func.now()}  # fmt: skip
    desk.write(tables.annotations.insert().values(id=uuid.uuid4(), **row))
    desk.write(tables.annotations.insert().values(id=uuid.uuid4(), deleted_at=sa.func.now(), **row))
    assert pile_of(desk, desk.marker).copies[0].annotations == 1


def test_the_pile_and_its_statistics_take_three_queries_however_many_copies(desk: Desk) -> None:
    """P1.7."""
    graded(desk, "1", "2")
    for _ in range(2):
        with counted(desk.db) as statements:
            pile_of(desk, desk.admin)
        assert len([each for each in statements if each.startswith("SELECT")]) == 3
        with counted(desk.db) as statements:
            statistics_of(desk, desk.admin)
        assert len([each for each in statements if each.startswith("SELECT")]) == 3
        for _ in range(5):
            desk.add_copy()


def test_a_flag_is_seen_by_whoever_sees_the_copy_until_it_is_taken_down(desk: Desk) -> None:
    copy_id = desk.add_copy()

    def flag(by: Actor, flagged: bool, note: str = "") -> None:
        pile.set_flag(desk.app, SetFlag(copy_id=copy_id, flagged=flagged, note=note, by=by))

    flag(desk.marker, True, "Écriture à revoir à deux")
    (seen,) = pile_of(desk, desk.admin).copies
    assert (seen.flagged, seen.note) == (True, "Écriture à revoir à deux")
    flag(desk.admin, False, "forgotten")
    (seen,) = pile_of(desk, desk.marker).copies
    assert (seen.flagged, seen.note) == (False, "")
    with pytest.raises(NotFound):
        flag(person("Somebody else"), True)


def test_a_deleted_exam_has_no_pile(desk: Desk) -> None:
    desk.add_copy()
    exams.delete_exam(desk.app, DeleteExam(exam_id=desk.exam_id, version=1, by=desk.admin))
    with pytest.raises(NotFound):
        pile_of(desk, desk.admin)


def test_statistics_are_of_graded_copies_alone(desk: Desk) -> None:
    desk.add_copy()
    for q1, q2 in (("2", "3"), ("4", "6"), ("6", "9"), ("8", "12")):
        graded(desk, q1, q2)
    found = statistics_of(desk, desk.admin)
    assert (found.copies, found.spread.count, found.half_or_more) == (5, 4, 3)
    assert (found.spread.mean, found.spread.median) == (Decimal("12.5"), Decimal("12.5"))
    assert (found.spread.q1, found.spread.q3) == (5, 15)
    assert found.spread.deviation == Decimal("5.590")  # sqrt(31.25)
    q1 = found.items[0]
    assert (q1.count, q1.mean, q1.facility, q1.discrimination) == (4, 5, Decimal("0.625"), 1)
    assert (q1.zero, q1.full) == (0, 1)
    assert found.items[2].discrimination is None  # nobody got the bonus: it tells nobody apart
    assert sum(bar.count for bar in found.histogram) == 4


def test_each_marker_is_told_apart_for_the_administration(desk: Desk) -> None:
    other = person("M. Perrin")
    graded(desk, "8", "12")
    graded(desk, "0", "4", other)
    desk.add_copy(other)
    found = statistics_of(desk, desk.admin)
    told = [(each.marker, each.copies, each.spread.count, each.spread.mean) for each in found.markers]
    assert told == [("M. Perrin", 2, 1, 4), ("Mme Curie", 1, 1, 20)]


def test_a_marker_reads_statistics_of_their_own_marking_alone(desk: Desk) -> None:
    """Somebody else's mean would pull their own marking towards it."""
    other = person("M. Perrin")
    graded(desk, "8", "12")
    graded(desk, "0", "4", other)
    found = statistics_of(desk, other)
    assert (found.copies, found.spread.mean, [each.marker for each in found.markers]) == (1, 4, ["M. Perrin"])
    assert "Curie" not in found.model_dump_json()


def test_an_exam_without_a_graded_copy_has_no_figures(desk: Desk) -> None:
    desk.add_copy()
    found = statistics_of(desk, desk.admin)
    assert (found.copies, found.spread.count, found.spread.mean, found.reliability) == (1, 0, None, None)
    assert found.items[0].facility is None
