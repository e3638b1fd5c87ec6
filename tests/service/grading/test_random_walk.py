"""People, crashes of render and the clock in any order: whatever happens, the rules of marking hold.

A model predicts which writes must be accepted; the database is asked after every step. One seed replays one walk.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from chassis.db import Transaction
from contracts.errors import Refusal
from contracts.errors.grading import DraftConflict, VersionConflict
from contracts.messages.render import DocumentComposed
from contracts.model import Actor, Role
from contracts.rpc.grading.copies import HeldLock, OneCopy, PutDraft, PutScores, Reopen
from services.grading.domain.copies import Move
from services.grading.store import audit, tables
from services.grading.store import locks as locks_store
from services.grading.store.integrity import broken
from services.grading.usecases import finalise, locks, marking, reopening
from tests.conftest import AUDIT_KEY
from tests.service.grading.desk import FULL, Desk, person

STEPS = 150
OFTEN = {"step_lock": 4, "step_score": 3, "step_finalise": 4, "step_render_answers": 4}


@dataclass
class Model:
    """What must be true of the one copy."""

    holder: uuid.UUID | None = None
    token: str | None = None
    old_tokens: list[tuple[Actor, str]] = field(default_factory=list)
    attempts: list[tuple[int, int]] = field(default_factory=list)
    scores_version: int = 0
    fences: list[int] = field(default_factory=list)

    def let_go(self) -> None:
        self.holder = self.token = None


class Walk:
    """Each step is a method named ``step_…``; a refusal is fine exactly when the model expects one."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk, self.chance, self.model = desk, random.Random(seed), Model()
        self.people = [desk.marker, desk.admin, person("Proviseur", Role.ADMIN)]
        self.copy_id = desk.add_copy()
        names = sorted(name for name in dir(self) if name.startswith("step_"))
        self.steps = [getattr(self, name) for name in names for _ in range(OFTEN.get(name, 1))]

    def status(self) -> str:
        return str(self.desk.row(self.copy_id).status)

    def expecting(self, accepted: bool, act: object) -> object:
        try:
            answer = act()  # type: ignore[operator]
        except Refusal:
            assert not accepted, "a write that had every right was refused"
            return None
        assert accepted, "a write without the right to it was accepted"
        return answer

    def step_lock(self) -> None:
        by, model = self.chance.choice(self.people), self.model
        free = self.status() in {"READY", "LOCKED"} and model.holder in {None, by.id}
        view = self.expecting(free, lambda: self.desk.lock(self.copy_id, by))
        if view is not None:
            if model.holder is None:
                model.fences.append(self.desk.row(self.copy_id).fence)
                model.old_tokens.append((by, view.token))  # type: ignore[attr-defined]
            model.holder, model.token = by.id, view.token  # type: ignore[attr-defined]

    def step_lease_ends(self) -> None:
        self.desk.expire(self.copy_id)
        self.model.let_go()

    def step_sweep(self) -> None:
        locks.release_ended(self.desk.app)

    def step_release(self) -> None:
        by, token = self._somebody_with_a_token()
        request = HeldLock(copy_id=self.copy_id, token=token, by=by)
        nothing_to_do = self.status() == "READY"
        self.expecting(self._holds(by, token) or nothing_to_do, lambda: locks.release_lock(self.desk.app, request))
        if self._holds(by, token):
            self.model.let_go()

    def step_save(self) -> None:
        by, token = self._somebody_with_a_token()
        version = marking.get_draft(self.desk.app, OneCopy(copy_id=self.copy_id, by=by)).version
        request = PutDraft(
            copy_id=self.copy_id, token=token, by=by, client_id=token[:20], version=version, payload={"n": token[:4]}
        )
        try:
            self.expecting(self._holds(by, token), lambda: marking.put_draft(self.desk.app, request))
        except DraftConflict as surprise:
            raise AssertionError("the current version is never a conflict under a new lock") from surprise

    def step_score(self) -> None:
        by, token = self._somebody_with_a_token()
        version = self.model.scores_version or None
        request = PutScores(copy_id=self.copy_id, token=token, by=by, version=version, scores=FULL)
        if self.expecting(self._holds(by, token), lambda: marking.put_scores(self.desk.app, request)) is not None:
            self.model.scores_version += 1

    def step_stale_score(self) -> None:
        by, token = self._somebody_with_a_token()
        request = PutScores(copy_id=self.copy_id, token=token, by=by, version=99, scores=FULL)
        with pytest.raises(VersionConflict if self._holds(by, token) else Refusal):
            marking.put_scores(self.desk.app, request)

    def step_finalise(self) -> None:
        by, token = self._somebody_with_a_token()
        status, row = self.status(), self.desk.row(self.copy_id)
        again = status == "GRADING_FAILED" and (by.role is Role.ADMIN or by.id == row.owner_id)
        answered = status in {"GRADED", "GRADING_IN_PROGRESS"}
        first = self._holds(by, token) and self.model.scores_version > 0
        self.expecting(first or again or answered, lambda: self.desk.finalise(self.copy_id, token, by))
        if first or again:
            self.model.let_go()

    def step_render_answers(self) -> None:
        row = self.desk.row(self.copy_id)
        attempt = max(1, row.attempt - self.chance.choice([0, 0, 0, 1]))
        revision = max(1, row.revision - self.chance.choice([0, 0, 0, 1]))
        outcome = self.chance.choice(["done", "crashed", "timeout", "refused_input"])
        self.desk.composed(self.copy_id, attempt, revision, outcome)
        current = row.status == "GRADING_IN_PROGRESS" and (attempt, revision) == (row.attempt, row.revision)
        if not current:
            assert self.desk.row(self.copy_id).version == row.version, "a late answer changed something"

    def step_half_an_hour_passes(self) -> None:
        self.desk.write(
            tables.copies.update()
            .where(tables.copies.c.status == "GRADING_IN_PROGRESS")
            .values(attempted_at=sa.text("clock_timestamp() - interval '31 minutes'"))
        )
        finalise.ask_for_stuck(self.desk.app)

    def step_reopen(self) -> None:
        ended = self.status() in {"GRADED", "GRADING_FAILED"}
        request = Reopen(copy_id=self.copy_id, by=self.desk.admin)
        self.expecting(ended, lambda: reopening.reopen(self.desk.app, request))

    def _somebody_with_a_token(self) -> tuple[Actor, str]:
        """Any token ever given, by whom it was given to, and now and then by a thief."""
        if not self.model.old_tokens:
            return self.chance.choice(self.people), "never given"
        by, token = self.chance.choice(self.model.old_tokens[-3:])
        return (self.chance.choice(self.people) if self.chance.random() < 0.1 else by), token

    def _holds(self, by: Actor, token: str) -> bool:
        return self.model.holder == by.id and self.model.token == token

    def check(self) -> None:
        with self.desk.db.reading(snapshot=True) as sql:
            assert broken(sql, AUDIT_KEY) == ([], None), "trail and tables tell different stories"
            chain = audit.trail(sql, self.copy_id)
        row = self.desk.row(self.copy_id)
        graded = [event for event, _ in chain if event.action == "GRADE"]
        assert len(graded) == len(self.desk.sent("grading.copy.graded.v1"))
        assert len({event.revision for event in graded}) == len(graded), "one document for each revision"
        asked = [(command["revision"], command["attempt"]) for command in self.desk.sent("render.document.compose.v1")]
        assert len(set(asked)) == len(asked), "no attempt is asked for twice"
        assert (row.status == "LOCKED") or self.model.holder is None
        assert self.model.fences == sorted(set(self.model.fences))

    def go(self, steps: int = STEPS) -> set[str]:
        """Every state the copy was seen in."""
        seen: set[str] = set()
        for _ in range(steps):
            self.chance.choice(self.steps)()
            self.check()
            seen.add(self.status())
        return seen


@pytest.mark.parametrize("seed", range(5))
def test_the_rules_hold_whatever_happens(desk: Desk, seed: int) -> None:
    assert len(Walk(desk, seed).go()) >= 4, "a walk that goes nowhere shows nothing"


def _no_lease_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever once had a lock may write for ever."""
    nobody = locks_store.Lease(uuid.uuid4(), "?", "?", 0, datetime.now(UTC), in_force=True)
    monkeypatch.setattr(locks_store, "required", lambda *_: nobody)


def _leases_never_end(monkeypatch: pytest.MonkeyPatch) -> None:
    real = locks_store.current

    def endless(sql: sa.Connection, copy_id: uuid.UUID) -> locks_store.Lease | None:
        lease = real(sql, copy_id)
        return lease and replace(lease, in_force=True)

    monkeypatch.setattr(locks_store, "current", endless)


def _attempts_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The overdue document is asked for again under the same number."""
    real = finalise.copies.move

    def same_attempt(*args: Any, **values: Any) -> Any:
        if args[2] is Move.TRY_AGAIN:
            values["attempt"] -= 1
        return real(*args, **values)

    monkeypatch.setattr(finalise.copies, "move", same_attempt)


def _any_answer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer to an old attempt is taken for the one now under way."""
    real = finalise.document_composed

    def blind(payload: DocumentComposed, transaction: Transaction) -> None:
        with transaction() as uow:
            copy = finalise.copies.hold_any(uow, payload.copy_id)
        assert copy is not None
        now = {"revision": copy.revision, "attempt": max(1, copy.attempt)}
        real(payload.model_copy(update=now), transaction)

    monkeypatch.setattr(finalise, "document_composed", blind)


@pytest.mark.parametrize("plant", [_no_lease_asked_for, _leases_never_end, _attempts_not_counted, _any_answer_counts])
def test_the_walk_sees_a_planted_defect(
    desk: Desk, plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises((AssertionError, IntegrityError)):
        Walk(desk, seed=1).go(400)
