"""What the trail says the tables hold."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.grading.domain.audit import GENESIS, Event
from services.grading.domain.replay import differences, replay

COPY, EXAM, MARKER, CANDIDATE = (UUID(int=number) for number in (1, 2, 3, 4))
AT = datetime(2026, 6, 1, 8, tzinfo=UTC)
PAPER = {"anonymous_id": "ACDEFH", "paper_revision": 1, "manifest": "m1", "pages": 4, "paper_sha256": "p1"}
RECORD = {"key": "records/ab/ab", "sha256": "r1", "size": 7, "media_type": "application/json"}
DOCUMENT = {"key": "finals/cd/cd", "sha256": "d1", "size": 9, "media_type": "application/pdf"}


def told(*events: tuple[str, dict[str, Any]], copy_id: UUID | None = COPY, **numbers: int) -> Any:
    """A trail of actions and details, all by Mme Curie."""
    trail = [
        Event(
            subject_id=copy_id or EXAM, seq=seq, exam_id=EXAM, copy_id=copy_id, action=action,
            revision=numbers.get("revision", 1), attempt=numbers.get("attempt", 1), actor_id=MARKER, actor="Mme Curie",
            at=AT, details=details, prev_hash=GENESIS,
        )
        for seq, (action, details) in enumerate(events, 1)
    ]  # fmt: skip
    return replay(trail)


def test_a_graded_copy_is_told_with_its_document_and_its_result() -> None:
    rows = told(
        ("ASSEMBLE", PAPER),
        ("ALLOCATE", {"marker_id": str(MARKER), "marker_sha256": "name"}),
        ("LOCK", {"fence": 1}),
        ("FINALISE", {"record": "r1", "record_ref": RECORD, "total": "14.75", "fence": 1}),
        ("TRY_AGAIN", {"after": "crashed", "delay_s": 10}),
        ("GRADE", {"document": "d1", "document_ref": DOCUMENT, "total": "14.75", "graded_at": AT.isoformat()}),
        ("IDENTIFY", {"candidate_id": str(CANDIDATE), "replaces": None}),
    )
    assert rows["copies", COPY] == {
        "exam_id": EXAM, "anonymous_id": "ACDEFH", "status": "GRADED", "version": 7, "revision": 1, "fence": 1,
        "paper_revision": 1, "manifest_sha256": "m1", "paper_sha256": "p1", "page_count": 4, "candidate_id": CANDIDATE,
        "marker_id": MARKER, "marker_sha256": "name", "owner_id": MARKER, "owner": "Mme Curie", "locked_at": None,
        "attempt": 1, "tries": 1, "attempted_at": None, "record": RECORD, "record_sha256": "r1",
        "record_total": Decimal("14.75"), "error_code": None, "error_message": None, "message_sha256": None,
        "final_key": "finals/cd/cd", "final_sha256": "d1", "final_size": 9, "total": Decimal("14.75"), "graded_at": AT,
        "created_at": AT,
    }  # fmt: skip
    assert rows["results", 1] == {
        "exam_id": EXAM, "record": RECORD, "record_sha256": "r1", "document": DOCUMENT, "document_sha256": "d1",
        "total": Decimal("14.75"), "graded_at": AT,
    }  # fmt: skip


def test_a_reopened_copy_has_nothing_of_its_document_and_keeps_its_result() -> None:
    graded = [
        ("ASSEMBLE", PAPER), ("LOCK", {"fence": 1}), ("FINALISE", {"record": "r1", "total": "1"}),
        ("GRADE", {"document": "d1", "total": "1"}),
    ]  # fmt: skip
    rows = told(*graded, ("REOPEN", {"from_revision": 1, "from": "GRADED"}), revision=2)
    row = rows["copies", COPY]
    assert (row["status"], row["revision"], row["attempt"], row["owner"], row["total"]) == ("READY", 2, 0, None, None)
    assert (row["final_sha256"], row["record_sha256"]) == (None, None)
    assert ("results", 2) in rows


def test_new_paper_changes_the_state_of_a_finalised_copy_alone() -> None:
    new = {"paper_revision": 2, "manifest": "m2", "pages": 6}
    open_copy = told(("ASSEMBLE", PAPER), ("LOCK", {"fence": 1}), ("NEW_PAPER", new | {"status": "LOCKED"}))
    row = open_copy["copies", COPY]
    assert (row["status"], row["revision"], row["owner"], row["page_count"]) == ("LOCKED", 1, "Mme Curie", 6)
    failed = told(("ASSEMBLE", PAPER), ("LOCK", {"fence": 1}), ("NEW_PAPER", new | {"status": "GRADING_FAILED"}))
    row = failed["copies", COPY]
    assert (row["status"], row["revision"], row["owner"]) == ("READY", 2, None)


def test_what_an_older_release_did_not_say_is_not_compared() -> None:
    rows = told(
        ("ASSEMBLE", {"paper_revision": 1, "manifest": "m1", "pages": 4}), ("ALLOCATE", {"marker_id": str(MARKER)})
    )
    assert not {"anonymous_id", "paper_sha256", "marker_sha256", "marker"} & rows["copies", COPY].keys()


def test_an_exam_is_told_with_its_schemes_and_publications() -> None:
    created = {"intake": "a3", "date": None, "total_points": "20", "pages_per_booklet": 4, "title_sha256": "t1"}
    rows = told(
        ("CREATE_EXAM", created),
        ("PUT_SCHEME", {"version": 1, "affected_copies": 0, "sha256": "s1"}),
        ("CHANGE_EXAM", {"fields": ["scheme_version", "total_points"], "values": {"total_points": "30"}}),
        ("PUBLISH", {"publication": 1, "copies": 2, "sha256": "c1"}),
        ("WITHDRAW", {"publication": 1}),
        copy_id=None,
    )
    row = rows["exams", EXAM]
    assert (row["version"], row["scheme_version"], row["total_points"], row["published_at"]) == (
        4,
        0,
        Decimal(30),
        None,
    )
    assert rows["schemes", 1] == {"created_at": AT, "created_by": MARKER, "sha256": "s1"}
    assert rows["publications", 1]["withdrawn_by"] == MARKER
    assert rows["published_copies", 1] == {"copies": 2, "sha256": "c1"}


def test_each_difference_names_its_table_and_column_and_nobody() -> None:
    stored = {("copies", COPY): {"total": 3, "marker": "Mme Curie"}, ("results", 1): {"total": 3}}
    assert differences({("copies", COPY): {"total": 2, "marker": "M. Noir"}, ("marks", COPY): {}}, stored) == [
        "marks has lost a row",
        "results has a row nobody wrote",
        "copies.marker is not what was written",
        "copies.total is not what was written",
    ]
    assert differences({("results", 1): {"total": 3}}, {("results", 1): {"total": 3, "more": 1}}) == []
