"""P0-DI under concurrency, on a real database: many threads want the same thing at the same moment.

32 of them, each with a connection of its own: with fewer, they would wait for the pool instead of for each other.
"""

from __future__ import annotations

import itertools
import random
import threading
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from chassis.db import Database
from chassis.objects import Objects
from contracts.errors import Refusal
from contracts.errors.grading import DraftConflict, LockedByOther, LockLost
from contracts.errors.grading_exams import CandidateTaken
from contracts.model import Role
from contracts.rpc.grading.copies import (
    AnnotationFields,
    ChangeAnnotation,
    CreateAnnotation,
    HeldLock,
    OneCopy,
    PutDraft,
    PutScores,
    Reopen,
)
from contracts.rpc.grading.exams import Publish
from services.grading.store import tables
from services.grading.usecases import copies, locks, marking, publication, reopening
from tests.conftest import AUDIT_KEY
from tests.service.grading.desk import FULL, Desk, open_desk, person
from tests.service.grading.school import candidate_ids, identify, import_roster

pytestmark = pytest.mark.timeout(300)  # a busy machine takes three times as long as a quiet one

CROWD = 32
T = TypeVar("T")


@pytest.fixture
def crowd(database_url: Callable[[str], str]) -> Iterator[Database]:
    db = Database(database_url("grading"), service="grading", pool_size=CROWD, max_overflow=0, audit_key=AUDIT_KEY)
    yield db
    db.close()


@pytest.fixture
def desk(crowd: Database, objects: Objects) -> Desk:
    return open_desk(crowd, objects)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(CROWD) as threads:
        yield threads


def at_once(pool: ThreadPoolExecutor, acts: Sequence[Callable[[], T]]) -> list[T | Refusal]:
    """Begin all of them at the same moment; what each answered, a refusal being an answer too."""
    start = threading.Barrier(len(acts))

    def act(each: Callable[[], T]) -> T | Refusal:
        start.wait(10)
        try:
            return each()
        except Refusal as refusal:
            return refusal

    return list(pool.map(act, acts))


def test_of_32_who_lock_at_once_one_wins_100_times(desk: Desk, pool: ThreadPoolExecutor) -> None:
    """P0-DI-001. A lock that is looked for and then made has two winners; a fence read before the row is held, twice
    the same number."""
    copy_id = desk.add_copy()
    racers = [person(f"Admin {n}", Role.ADMIN) for n in range(CROWD)]
    fences = []
    for _ in range(100):
        answers = at_once(pool, [lambda by=by: desk.lock(copy_id, by) for by in racers])
        won = [(by, each) for by, each in zip(racers, answers, strict=True) if not isinstance(each, Refusal)]
        assert len(won) == 1
        ((winner, lock),) = won
        assert {type(each) for each in answers if isinstance(each, Refusal)} == {LockedByOther}
        row = desk.row(copy_id)
        assert row.owner_id == winner.id
        fences.append(row.fence)
        locks.release_lock(desk.app, HeldLock(copy_id=copy_id, token=lock.token, by=winner))
    assert fences == list(range(1, 101))


@dataclass(frozen=True)
class Acknowledged:
    base: int
    version: int
    sent: int


def test_of_1000_autosaves_over_100_copies_none_is_lost(desk: Desk, pool: ThreadPoolExecutor) -> None:
    """P0-DI-002. Two windows of one marker at each copy, each saving what it has on the version it last heard of."""
    tokens = {copy_id: desk.token(copy_id) for copy_id in (desk.add_copy() for _ in range(100))}
    known = dict.fromkeys(tokens, 0)
    acknowledged: dict[uuid.UUID, list[Acknowledged]] = defaultdict(list)
    refused: dict[uuid.UUID, set[int]] = defaultdict(set)
    jobs = [(copy_id, f"window {n % 2}") for copy_id in tokens for n in range(10)]
    random.Random(7).shuffle(jobs)

    def save(number: int, copy_id: uuid.UUID, window: str) -> None:
        base = known[copy_id]
        request = PutDraft(
            copy_id=copy_id, token=tokens[copy_id], by=desk.marker, client_id=window, version=base,
            payload={"n": number},
        )  # fmt: skip
        try:
            saved = marking.put_draft(desk.app, request)
        except DraftConflict:
            refused[copy_id].add(number)
        else:
            acknowledged[copy_id].append(Acknowledged(base, saved.version, number))
            known[copy_id] = max(known[copy_id], saved.version)

    for each in [pool.submit(save, number, *job) for number, job in enumerate(jobs)]:
        each.result()

    saves = tables.draft_saves
    kept: dict[uuid.UUID, dict[int, int | None]] = defaultdict(dict)
    for row in desk.all(sa.select(saves.c.copy_id, saves.c.payload, saves.c.version)):
        kept[row.copy_id][row.payload["n"]] = row.version
    current = {row.copy_id: row for row in desk.all(sa.select(tables.drafts))}
    for copy_id in tokens:
        chain = sorted(acknowledged[copy_id], key=lambda each: each.version)
        assert [each.version for each in chain] == list(range(1, len(chain) + 1))  # no hole, none twice
        assert [each.base for each in chain] == list(range(len(chain)))  # each was the base of the next
        assert (current[copy_id].version, current[copy_id].payload["n"]) == (chain[-1].version, chain[-1].sent)
        stored = {each.sent: each.version for each in chain} | dict.fromkeys(refused[copy_id])
        assert kept[copy_id] == stored  # both sides of each conflict
    counted = sum(map(len, acknowledged.values())), sum(map(len, refused.values()))
    assert sum(counted) == 1000
    assert min(counted) > 0, counted


def test_ten_finalise_one_copy_at_once_100_times(desk: Desk, pool: ThreadPoolExecutor) -> None:
    """P0-DI-003."""
    for _ in range(100):
        copy_id, token = desk.marked()
        answers = at_once(pool, [lambda c=copy_id, t=token: desk.finalise(c, t)] * 10)
        assert [each for each in answers if isinstance(each, Refusal)] == []
        assert len({each.model_dump_json() for each in answers if not isinstance(each, Refusal)}) == 1
    trail = Counter((row.copy_id, row.action) for row in desk.all(sa.select(tables.audit)))
    assert {count for (_, action), count in trail.items() if action == "FINALISE"} == {1}
    commands = desk.sent("render.document.compose.v1")
    assert Counter(Counter(each["copy_id"] for each in commands).values()) == {1: 100}
    records = {str(row.id): row.record["key"] for row in desk.all(sa.select(tables.copies))}
    assert {each["copy_id"]: each["record"]["key"] for each in commands} == records  # the one record that is named


def _fences(desk: Desk, copy_id: uuid.UUID) -> list[int]:
    """Of every write to the marking, in the order of their commits."""
    query = sa.select(tables.audit.c.details, tables.audit.c.action).where(tables.audit.c.copy_id == copy_id)
    rows = desk.all(query.order_by(tables.audit.c.seq))
    return [row.details["fence"] for row in rows if row.action in {"SCORES", "LOCK"}]


def test_whoever_lost_the_lock_writes_nothing_more(desk: Desk, pool: ThreadPoolExecutor) -> None:
    """P0-DI-001. The lease ends while its holder writes, and somebody else takes over and writes: 30 times."""
    for _ in range(30):
        copy_id = desk.add_copy()
        token = desk.token(copy_id)
        wrote = threading.Event()

        def write_on(copy_id: uuid.UUID = copy_id, token: str = token, wrote: threading.Event = wrote) -> int:
            for version in itertools.count():
                try:
                    desk.score(copy_id, token, FULL, version=version or None)
                except LockLost:
                    return version
                wrote.set()
            raise AssertionError

        def take_over(copy_id: uuid.UUID = copy_id, wrote: threading.Event = wrote) -> str:
            assert wrote.wait(60), "nobody wrote before the lease ended: the race does not take place"
            desk.expire(copy_id)
            mine = desk.token(copy_id, desk.admin)
            request = OneCopy(copy_id=copy_id, by=desk.admin)
            stored = marking.get_scores(desk.app, request).version
            put = PutScores(copy_id=copy_id, token=mine, by=desk.admin, version=stored or None, scores={})
            marking.put_scores(desk.app, put)
            return mine

        before, _ = at_once(pool, [write_on, take_over])
        assert not isinstance(before, Refusal)
        stored = desk.all(sa.select(tables.marks).where(tables.marks.c.copy_id == copy_id))[0]
        # Not one write of the first came after the second's: they are v1 … vn under fence 1, then one under fence 2.
        assert (stored.fence, stored.version, stored.scores) == (2, before + 1, {})
        assert _fences(desk, copy_id) == [1] * (1 + before) + [2, 2]


def test_a_lease_that_ends_is_taken_over_or_swept_never_both(desk: Desk, pool: ThreadPoolExecutor) -> None:
    """P0-DI-001 and 008. The sweeper must not free a copy that somebody took the moment before."""
    for _ in range(30):
        copy_id = desk.add_copy()
        desk.token(copy_id)
        desk.expire(copy_id)
        _, lock = at_once(pool, [lambda: locks.release_ended(desk.app), lambda c=copy_id: desk.lock(c, desk.admin)])
        assert not isinstance(lock, Refusal | int)
        row = desk.row(copy_id)
        assert (row.status, row.owner_id, row.fence) == ("LOCKED", desk.admin.id, 2)
        held = desk.all(sa.select(tables.locks).where(tables.locks.c.copy_id == copy_id))
        assert [each.token for each in held] == [lock.token]


def test_two_copies_said_to_be_one_candidates_at_once_30_times(desk: Desk, pool: ThreadPoolExecutor) -> None:
    """P0-DI-008: the unique index decides, not a look."""
    import_roster(desk.app, desk.exam_id, desk.admin)
    louise = candidate_ids(desk.app, desk.exam_id, desk.admin)["Louise"]
    pair = [desk.add_copy(), desk.add_copy()]
    for _ in range(30):
        answers = at_once(pool, [lambda c=copy_id: identify(desk, c, louise) for copy_id in pair])
        assert [type(each) for each in answers if isinstance(each, Refusal)] == [CandidateTaken]
        theirs = [copy_id for copy_id in pair if desk.row(copy_id).candidate_id == louise]
        assert len(theirs) == 1
        desk.write(tables.copies.update().values(candidate_id=None))


def test_publishing_reopening_and_new_paper_at_once(desk: Desk, pool: ThreadPoolExecutor, objects: Objects) -> None:
    """P0-DI-008. Whatever comes first, candidates read what is final, and what they read does not change: 10 times."""
    for _ in range(10):
        exam = open_desk(desk.db, objects)
        import_roster(exam.app, exam.exam_id, exam.admin)
        who = candidate_ids(exam.app, exam.exam_id, exam.admin)
        first, second = exam.graded(), exam.graded()
        identify(exam, first, who["Louise"])
        identify(exam, second, who["Jade"])
        paper = exam.paper(second, revision=2)
        acts: dict[str, Callable[[], Any]] = {
            "publish": lambda exam=exam: publication.publish(exam.app, Publish(exam_id=exam.exam_id, by=exam.admin)),
            "reopen": lambda exam=exam, c=first: reopening.reopen(exam.app, Reopen(copy_id=c, by=exam.admin)),
            "paper": lambda exam=exam, new=paper: copies.copy_assembled(exam.app, new, exam.delivery),
        }
        answers = dict(zip(acts, at_once(pool, list(acts.values())), strict=True))
        done = {name for name, answer in answers.items() if not isinstance(answer, Refusal)}
        refused = {name: answer.code for name, answer in answers.items() if isinstance(answer, Refusal)}
        states = {exam.row(first).status, exam.row(second).status}
        if "publish" in done:
            assert refused == {"reopen": "grading.exam_published", "paper": "grading.exam_published"}
            assert states == {"GRADED"}
        else:
            assert refused == {"publish": "grading.not_publishable"}
            assert states == {"READY"}


def test_many_marks_of_one_copy_at_once_are_each_seen_or_refused(desk: Desk, pool: ThreadPoolExecutor) -> None:
    """P0-DI-007. 16 windows change one annotation on the version they read: one per version, the others are told."""
    copy_id = desk.add_copy()
    token = desk.token(copy_id)
    note = AnnotationFields(page=1, type="comment", x=0.1, y=0.1, w=0.1, h=0.1)
    made = marking.create_annotation(
        desk.app, CreateAnnotation(copy_id=copy_id, token=token, by=desk.marker, annotation=note)
    )
    for version in range(1, 11):
        changes = [
            ChangeAnnotation(annotation_id=made.id, token=token, version=version, content=f"window {n}", by=desk.marker)
            for n in range(16)
        ]
        answers = at_once(pool, [lambda each=each: marking.change_annotation(desk.app, each) for each in changes])
        stood = [each for each in answers if not isinstance(each, Refusal)]
        assert [each.version for each in stood] == [version + 1]
        assert {each.code for each in answers if isinstance(each, Refusal)} == {"grading.version_conflict"}
