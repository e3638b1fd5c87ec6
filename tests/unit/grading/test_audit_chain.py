"""The digest that chains the audit trail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

from services.grading.domain.audit import GENESIS, Event, Head, broken_at, digest, extended, fault, seal

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


KEY = "k" * 32
SECOND = replace(FIRST, seq=2, action="RELEASE", prev_hash=digest(FIRST))
CHAIN = [(FIRST, digest(FIRST)), (SECOND, digest(SECOND))]
HEAD = extended(KEY, extended(KEY, None, *CHAIN[0]), *CHAIN[1])


def test_the_seal_never_changes_between_releases() -> None:
    # Another form of what is sealed would report every trail there is.
    assert seal(KEY, UUID(int=1), 2, "ab" * 32) == "698adaf9cca84bc49cdcda1e77eb2d759af7c7c8b375addedaed4f38671f5766"


def test_a_whole_trail_holds_and_each_way_to_break_it_is_named() -> None:
    assert fault(KEY, CHAIN, HEAD) is None
    assert fault(KEY, CHAIN[:1], HEAD) == "its trail ends at event 1, its head at 2"
    assert fault(KEY, CHAIN[1:], HEAD) == "event 1 is not what was written"
    assert fault(KEY, CHAIN, None) == "its trail has no head"
    assert fault(KEY, [], HEAD) == "its head stands without a trail"
    assert fault(KEY, [], None) == "it has no trail"
    assert fault(KEY, CHAIN, replace(HEAD, seal=None)) == "its trail was never sealed"
    assert fault("other" * 7, CHAIN, HEAD) == "its seal is not ours"
    # A shorter trail with a head to match is whole in itself: only the seal knows.
    shorter = Head(FIRST.subject_id, FIRST.exam_id, 1, digest(FIRST), HEAD.seal)
    assert fault(KEY, CHAIN[:1], shorter) == "its seal is not ours"


def test_what_was_not_sealed_is_not_sealed_by_what_follows() -> None:
    third = replace(SECOND, seq=3, prev_hash=HEAD.hash)
    for unsealed in (replace(HEAD, seal=None), replace(HEAD, hash="0" * 64)):
        after = extended(KEY, unsealed, third, digest(third))
        assert (after.seq, after.seal, after.holds(KEY)) == (3, unsealed.seal, False)
