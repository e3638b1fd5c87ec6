"""Looking through the trail of all exams."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from contracts.errors.grading import BadCursor, NotFound
from contracts.model import Role
from contracts.rpc.grading.audit import AuditLines, SearchAudit
from services.grading.store.paging import cursor
from services.grading.usecases.trail import search_audit
from tests.service.grading.desk import Desk, counted, person

ADMIN = person("Admin", Role.ADMIN)


def search(desk: Desk, **wanted: Any) -> AuditLines:
    return search_audit(desk.app, SearchAudit(by=ADMIN, **wanted))


def test_the_latest_comes_first_and_every_part_follows_the_one_before(desk: Desk) -> None:
    for _ in range(3):
        desk.add_copy()
    whole = search(desk)
    assert [line.at for line in whole.items] == sorted((line.at for line in whole.items), reverse=True)
    assert whole.total == len(whole.items) > 3
    seen, following = [], None
    while True:
        part = search(desk, limit=2, cursor=following)
        seen += part.items
        following = part.next
        if following is None:
            break
    assert seen == list(whole.items)


def test_each_criterion_restricts(desk: Desk) -> None:
    copy_id, other = desk.add_copy(), desk.add_copy()
    lines = search(desk).items
    mine = [line for line in lines if line.copy_id == copy_id]
    assert list(search(desk, copy_id=copy_id).items) == mine
    assert list(search(desk, anonymous_id=mine[0].anonymous_id.lower()).items) == mine
    assert other not in {line.copy_id for line in search(desk, copy_id=copy_id).items}
    assert {line.action for line in search(desk, action="CREATE_EXAM").items} == {"CREATE_EXAM"}
    actor = next(line.actor_id for line in lines if line.actor_id is not None)
    assert {line.actor_id for line in search(desk, actor_id=actor).items} == {actor}
    latest = lines[0].at
    assert search(desk, since=latest + timedelta(seconds=1)).total == 0
    assert {line.at < latest for line in search(desk, until=latest).items} <= {True}
    assert search(desk, exam_id=lines[0].exam_id).total == len(lines)


def test_only_an_administrator_looks_through_it(desk: Desk) -> None:
    for role in (Role.MARKER, Role.OPERATOR):
        with pytest.raises(NotFound):
            search_audit(desk.app, SearchAudit(by=person("X", role)))


@pytest.mark.parametrize("key", [("yesterday", "x", 1), ("2026-05-12T10:00:00", "0" * 32, 1)])
def test_a_cursor_that_is_none_of_ours_is_refused(desk: Desk, key: tuple[str, str, int]) -> None:
    with pytest.raises(BadCursor):
        search(desk, cursor=cursor(*key))


def test_more_lines_cost_no_more_queries(desk: Desk) -> None:
    desk.add_copy()
    with counted(desk.db) as few:
        search(desk)
    for _ in range(5):
        desk.add_copy()
    with counted(desk.db) as many:
        search(desk)
    assert len(few) == len(many)
