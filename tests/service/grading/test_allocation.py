"""Spreading copies over markers, on a real database."""

import threading
import uuid

import pytest
import sqlalchemy as sa

from contracts.errors.grading import NotFound
from contracts.rpc.grading.copies import Allocate, ExamQuery, Marker
from services.grading.store import tables
from services.grading.usecases import allocation, copies
from tests.service.grading.desk import counted, person

ANA, BEN = person("Ana"), person("Ben")


LOCKED_BY_ANA = {"status": "LOCKED", "owner_id": ANA.id, "owner": ANA.name, "locked_at": sa.func.now()}


def allocate(desk, *markers, **more):
    told = tuple(Marker(id=marker.id, name=marker.name) for marker in markers)
    return allocation.allocate(desk.app, Allocate(exam_id=desk.exam_id, markers=told, by=desk.admin, **more))


def unallocated(desk, count):
    made = [uuid.uuid4() for _ in range(count)]
    for copy_id in made:
        copies.copy_assembled(desk.app, desk.paper(copy_id), desk.delivery)
    return made


def test_copies_without_a_marker_are_spread_evenly_and_audited(desk):
    made = unallocated(desk, 7)
    result = allocate(desk, ANA, BEN)
    assert sorted(len(each.copy_ids) for each in result.items) == [3, 4]
    assert ({copy for each in result.items for copy in each.copy_ids}, result.unallocated) == (set(made), 0)
    assert desk.actions(made[0])[-1] == "ALLOCATE"


def test_the_same_again_changes_nothing(desk):
    made = unallocated(desk, 5)
    first = allocate(desk, ANA, BEN)
    rows = [desk.row(copy) for copy in made]
    assert allocate(desk, BEN, ANA) == first
    assert [desk.row(copy) for copy in made] == rows


def test_only_ready_copies_without_a_marker_are_given_away(desk):
    mine = desk.add_copy()
    locked = desk.add_copy()
    desk.lock(locked)
    desk.write(tables.copies.update().where(tables.copies.c.id == locked).values(marker_id=None, marker=None))
    result = allocate(desk, ANA)
    assert result.unallocated == 1
    assert [(each.marker, each.copy_ids) for each in result.items] == [("Mme Curie", (mine,))]


def test_copies_of_a_marker_who_is_ill_go_to_the_others_but_not_what_they_are_marking(desk):
    unallocated(desk, 6)
    held = allocate(desk, ANA).items[0].copy_ids[0]
    desk.write(tables.copies.update().where(tables.copies.c.id == held).values(**LOCKED_BY_ANA))
    moved = allocate(desk, BEN, taken_from=ANA.id)
    assert {each.marker: len(each.copy_ids) for each in moved.items} == {"Ana": 1, "Ben": 5}
    assert {each.marker: each.by_status for each in moved.items} == {"Ana": {"LOCKED": 1}, "Ben": {"READY": 5}}
    assert allocate(desk, BEN, taken_from=ANA.id) == moved
    assert allocate(desk, BEN, taken_from=BEN.id) == moved


def test_a_marker_keeps_as_many_copies_as_were_asked_for_also_when_asked_twice(desk):
    unallocated(desk, 6)
    allocate(desk, ANA)
    moved = allocate(desk, BEN, taken_from=ANA.id, keeping=4)
    assert allocate(desk, BEN, taken_from=ANA.id, keeping=4) == moved
    assert {each.marker: len(each.copy_ids) for each in moved.items} == {"Ana": 4, "Ben": 2}


def test_late_copies_even_out_what_came_before(desk):
    unallocated(desk, 4)
    allocate(desk, ANA)
    unallocated(desk, 4)
    assert [len(each.copy_ids) for each in allocate(desk, ANA, BEN).items] == [4, 4]


def test_two_allocations_at_once_give_each_copy_one_marker(desk):
    made = unallocated(desk, 9)
    threads = [threading.Thread(target=allocate, args=(desk, marker)) for marker in (ANA, BEN)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [desk.actions(copy).count("ALLOCATE") for copy in made] == [1] * 9


def test_allocating_takes_the_same_queries_for_two_copies_and_for_twenty(desk):
    unallocated(desk, 2)
    with counted(desk.db) as few:
        allocate(desk, ANA, BEN)
    unallocated(desk, 20)
    with counted(desk.db) as many:
        allocate(desk, ANA, BEN)
    assert len(few) == len(many)


def test_the_allocation_is_for_staff(desk):
    desk.add_copy()
    with pytest.raises(NotFound):
        allocation.get_allocation(desk.app, ExamQuery(exam_id=desk.exam_id, by=desk.marker))
    assert allocation.get_allocation(desk.app, ExamQuery(exam_id=desk.exam_id, by=desk.admin)).unallocated == 0
