"""The digest that chains the audit trail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

from services.grading.domain.audit import GENESIS, Event, broken_at, digest

FIRST = Event(
    subject_id=UUID(int=1), seq=1, exam_id=UUID(int=2), copy_id=UUID(int=1), action="LOCK", revision=None, attempt=None,
    actor_id=UUID(int=3), actor="Mme Curie", at=datetime(2026, 6, 1, 8, 0, 0, 123456, tzinfo=UTC),
    details={"fence": 1, "a": "é"}, prev_hash=GENESIS,
)  # fmt: skip


def test_the_digest_never_changes_between_releases() -> None:
    # Chains written years ago must still verify: a changed canonical form breaks them all.
    assert digest(FIRST) == "6a7d0ffdfd618dde900f4a7df91562fe1cc1e784c94bc58e5d1a021eafc446ff"


def test_neither_key_order_nor_time_zone_matters() -> None:
    paris = FIRST.at.astimezone(timezone(timedelta(hours=2)))
    assert digest(replace(FIRST, details={"a": "é", "fence": 1}, at=paris)) == digest(FIRST)


def test_a_chain_holds_and_its_first_fault_is_named() -> None:
    second = replace(FIRST, seq=2, action="RELEASE", prev_hash=digest(FIRST))
    chain = [(FIRST, digest(FIRST)), (second, digest(second))]
    assert broken_at(chain) is None
    assert broken_at(chain[1:]) == 1
    assert broken_at([chain[0], (replace(second, action="LOCK"), digest(second))]) == 2
    assert broken_at([chain[0], (replace(second, prev_hash=GENESIS), digest(replace(second, prev_hash=GENESIS)))]) == 2
