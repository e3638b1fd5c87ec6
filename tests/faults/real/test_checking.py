"""A checker that sees nothing proves nothing: each way of losing, doubling or falsifying is planted, and found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.real.campaign import slowest_job
from tests.faults.real.checking import RULES, check
from tests.faults.real.end import EndState, on_its_way
from tests.faults.real.history import Entry, History
from tests.faults.real.violations import DOUBLED, LOST, MESSAGE_LOST, STUCK, WRONG

EXAM, UPLOAD, COPY, NOTE, GONE, MARKER, CANDIDATE, FINALISING, UPLOADING, PAGE, OTHER_PAGE = (
    f"00000000-0000-0000-0000-{number:012}" for number in range(1, 12)
)
MESSAGE = "00000000-0000-0000-0000-000000000099"


def told(
    method: str, path: str, body: Any, answer: Any, *, at: float = 1.0, status: int = 200, tries: int = 1
) -> Entry:
    return Entry("somebody", method, path, body, status, answer, at, at + 0.5, tries)


def save(version: int, note: str, at: float) -> Entry:
    body = {"client_id": "desk", "version": version - 1, "payload": {"note": note}}
    return told("PUT", f"/copies/{COPY}/draft", body, {"version": version}, at=at)


def scored(version: int, points: str) -> Entry:
    return told("PUT", f"/copies/{COPY}/scores", {"scores": {"a": points}}, {"version": version})


def kept_save(version: int | None, note: str) -> dict[str, Any]:
    return {"copy_id": COPY, "owner_id": MARKER, "client_id": "desk", "base_version": 0, "version": version,
            "fence": 1, "payload": {"note": note}}  # fmt: skip


def event(seq: int, action: str, *, revision: int | None = None, **details: Any) -> dict[str, Any]:
    return {"subject_id": COPY, "seq": seq, "action": action, "revision": revision,
            "attempt": None if revision is None else 1, "details": details}  # fmt: skip


class Story:
    """One exam of one copy, from the pile to the publication, in which everything went well."""

    def __init__(self) -> None:
        self.history = History()
        conflict = {"client_id": "tablet", "version": 0, "payload": {"note": "the other window"}}
        for entry in (
            told("POST", "/exams", {"title": "Exam"}, {"id": EXAM}),
            told("POST", f"/exams/{EXAM}/uploads", {"pages": 2}, {"id": UPLOADING}),
            told("POST", f"/exams/{EXAM}/copies/assemble", {}, {"copy_ids": [COPY]}),
            told("PUT", f"/copies/{COPY}/identification", {"candidate_id": CANDIDATE}, {}),
            told("POST", f"/exams/{EXAM}/allocation", {}, {"items": [{"marker_id": MARKER, "copy_ids": [COPY]}]}),
            told("POST", f"/copies/{COPY}/lock", {}, {"token": "t1"}),
            save(1, "first", at=2.0),
            told("PUT", f"/copies/{COPY}/draft", conflict, {}, status=409),
            told("GET", f"/copies/{COPY}/draft", {}, {"version": 1}, at=3.0),
            save(2, "second", at=4.0),
            told("POST", f"/copies/{COPY}/annotations", {"content": "note"}, {"id": NOTE}),
            told("PATCH", f"/annotations/{NOTE}", {"content": "better"}, {"version": 2}),
            told("POST", f"/copies/{COPY}/annotations", {"content": "gone"}, {"id": GONE}),
            told("DELETE", f"/annotations/{GONE}", {"version": 1}, {}),
            scored(1, "5"),
            scored(2, "7.5"),
            told("POST", f"/copies/{COPY}/finalise", {}, {"id": FINALISING}),
            told("PUT", f"/exams/{EXAM}/publication", {}, {"publication": 1}),
        ):
            self.history.add(entry)
        self.end = EndState(_rows(), _seen(), {COPY: "final"}, {})

    def row(self, table: str, number: int = 0) -> dict[str, Any]:
        return self.end.rows[table][number]

    def answer_again(self, number: int, **changes: Any) -> None:
        self.history.entries[number] = replace(self.history.entries[number], **changes)


def _rows() -> dict[str, list[dict[str, Any]]]:
    return {
        "exams": [{"id": EXAM, "title": "Exam", "publication": 1, "published_at": "now"}],
        "copies": [
            {"id": COPY, "exam_id": EXAM, "status": "GRADED", "revision": 1, "attempt": 1, "fence": 1, "page_count": 2,
             "candidate_id": CANDIDATE, "marker_id": MARKER, "total": "7.500", "final_sha256": "final",
             "error_message": None},
        ],
        "results": [{"copy_id": COPY, "revision": 1, "total": "7.500", "sha256": "final"}],
        "audit": [
            event(1, "ALLOCATE"),
            event(2, "LOCK", fence=1),
            event(3, "ANNOTATION_CREATED", annotation_id=NOTE, fence=1),
            event(4, "ANNOTATION_CREATED", annotation_id=GONE, fence=1),
            event(5, "SCORES", version=1, scores={"a": "5"}, fence=1),
            event(6, "SCORES", version=2, scores={"a": "7.5"}, fence=1),
            event(7, "FINALISE", revision=1, fence=1),
            event(8, "GRADE", revision=1),
        ],
        "drafts": [{"copy_id": COPY, "owner_id": MARKER, "version": 2, "client_id": "desk",
                    "payload": {"note": "second"}}],
        "draft_saves": [kept_save(1, "first"), kept_save(None, "the other window"), kept_save(2, "second")],
        "marks": [{"copy_id": COPY, "version": 2, "scores": {"a": "7.5"}, "appraisal": ""}],
        "annotations": [
            {"id": NOTE, "copy_id": COPY, "version": 2, "content": "better", "deleted_at": None},
            {"id": GONE, "copy_id": COPY, "version": 2, "content": "gone", "deleted_at": "now"},
        ],
        "publications": [{"exam_id": EXAM, "publication": 1, "withdrawn_at": None}],
        "uploads": [{"id": UPLOAD, "exam_id": EXAM, "status": "ready", "sha256": "pile", "sides": 2}],
        "pages": [
            {"id": page, "upload_id": UPLOAD, "side_no": 1, "half": "whole", "booklet_id": "b"}
            for page in (PAGE, OTHER_PAGE)
        ],
        "booklets": [{"id": "b", "upload_id": UPLOAD, "copy_id": COPY}],
        "assemblies": [{"copy_id": COPY, "exam_id": EXAM, "page_count": 2}],
        "jobs": [
            {"id": UPLOADING, "type": "upload", "subject_id": UPLOAD, "revision": 0},
            {"id": FINALISING, "type": "finalise", "subject_id": COPY, "revision": 1},
        ],
        "outbox": [{"message_id": MESSAGE, "type": "ingest.copy.assembled.v1", "sent_at": "now"}],
        "inbox": [{"consumer": "grading.on.ingest.copy.assembled.v1", "message_id": MESSAGE}],
    }  # fmt: skip


def _seen() -> dict[str, Any]:
    return {
        f"/copies/{COPY}": {"total": "7.5"},
        f"/copies/{COPY}/scores": {"version": 2, "scores": {"a": "7.5"}},
        f"/copies/{COPY}/annotations": {"items": [{"id": NOTE, "version": 2}]},
        f"{MARKER} /copies/{COPY}/draft": {"version": 2, "payload": {"note": "second"}},
        f"/jobs/{UPLOADING}": {"id": UPLOADING, "status": "succeeded"},
        f"/jobs/{FINALISING}": {"id": FINALISING, "status": "succeeded"},
        f"/exams/{EXAM}/booklets": {"items": [{"upload_id": UPLOAD, "pages": [{"id": PAGE}, {"id": OTHER_PAGE}]}]},
    }


Tamper = Callable[[Story], object]


def lose_the_last_draft(story: Story) -> None:
    story.row("drafts").update(version=1, payload={"note": "first"})
    story.end.seen[f"{MARKER} /copies/{COPY}/draft"] = {"version": 1, "payload": {"note": "first"}}
    del story.end.rows["draft_saves"][2]


def overwrite_a_draft_blindly(story: Story) -> None:
    story.row("drafts")["payload"] = {"note": "the other window"}
    story.end.seen[f"{MARKER} /copies/{COPY}/draft"]["payload"] = {"note": "the other window"}


def finalise_twice(story: Story) -> None:
    story.end.rows["audit"].append(event(9, "FINALISE", revision=1, fence=1) | {"attempt": 2})


def lose_a_page(story: Story) -> None:
    del story.end.rows["pages"][1]
    del story.end.seen[f"/exams/{EXAM}/booklets"]["items"][0]["pages"][1]


def put_a_page_into_two_booklets(story: Story) -> None:
    story.end.seen[f"/exams/{EXAM}/booklets"]["items"].append({"upload_id": UPLOAD, "pages": [{"id": PAGE}]})


def withdraw_silently(story: Story) -> None:
    story.row("exams")["published_at"] = None


def grade_under_an_older_lock(story: Story) -> None:
    story.row("audit", 5)["details"]["fence"] = 0


def take_a_finalisation_back(story: Story) -> None:
    story.row("copies")["status"] = "LOCKED"
    story.end.rows["results"].clear()


def remove_what_nobody_removed(story: Story) -> None:
    story.row("annotations")["deleted_at"] = "now"
    story.end.seen[f"/copies/{COPY}/annotations"]["items"] = []


PLANTED: dict[str, tuple[Tamper, str]] = {
    "an answer 500": (lambda s: s.answer_again(0, status=500), WRONG),
    "a lost exam": (lambda s: s.row("exams").update(id=UPLOAD), LOST),
    "a doubled exam": (lambda s: s.end.rows["exams"].append(s.row("exams") | {"id": UPLOAD}), DOUBLED),
    "a lost upload": (lambda s: s.end.rows["uploads"].clear(), LOST),
    "an upload that never ends": (lambda s: s.row("uploads").update(status="splitting"), STUCK),
    "a pile taken twice": (lambda s: s.end.rows["uploads"].append(s.row("uploads") | {"id": COPY}), DOUBLED),
    "a lost page": (lose_a_page, LOST),
    "a page in two booklets": (put_a_page_into_two_booklets, DOUBLED),
    "a lost copy": (lambda s: s.end.rows["assemblies"].append({"copy_id": NOTE, "page_count": 2}), LOST),
    "a copy that lost a page": (lambda s: s.row("copies").update(page_count=1), LOST),
    "a copy made of nothing": (lambda s: s.row("booklets").update(copy_id=None), DOUBLED),
    "a job that never ends": (lambda s: s.end.seen[f"/jobs/{FINALISING}"].update(status="running"), STUCK),
    "a lost job": (lambda s: s.end.seen.pop(f"/jobs/{FINALISING}"), LOST),
    "a lost publication": (lambda s: s.end.rows["publications"].clear(), LOST),
    "a publication taken back": (withdraw_silently, LOST),
    "a publication too many": (lambda s: s.end.rows["publications"].append(s.row("publications") | {"publication": 2}),
                               DOUBLED),
    "a lost message": (lambda s: s.end.rows["inbox"].clear(), MESSAGE_LOST),
    "a message that was not sent": (lambda s: s.row("outbox").update(sent_at=None), STUCK),
    "a message from nowhere": (lambda s: s.row("inbox").update(message_id=COPY), WRONG),
    "a dead letter": (lambda s: s.end.queues.update({"grading.on.ingest.copy.assembled.v1.dead": 1}), STUCK),
    "a lost draft": (lose_the_last_draft, LOST),
    "a draft overwritten blindly": (overwrite_a_draft_blindly, LOST),
    "a refused draft that was not kept": (lambda s: s.end.rows["draft_saves"].pop(1), LOST),
    "a draft read as another": (lambda s: s.end.seen[f"{MARKER} /copies/{COPY}/draft"].update(version=1), WRONG),
    "a read that goes back": (lambda s: s.answer_again(8, answer={"version": 0}), LOST),
    "lost scores": (lambda s: s.end.rows["marks"].clear(), LOST),
    "other scores": (lambda s: s.row("marks").update(scores={"a": "8"}), LOST),
    "scores that are not in the trail": (lambda s: s.end.rows["audit"].pop(4), LOST),
    "scores twice in the trail": (lambda s: s.end.rows["audit"].append(s.row("audit", 5)), DOUBLED),
    "a lost annotation": (lambda s: s.end.rows["annotations"].pop(0), LOST),
    "a doubled annotation": (
        lambda s: s.end.rows["annotations"].append(s.row("annotations", 1) | {"id": COPY}), DOUBLED),
    "a doubled annotation, one of them changed since": (
        lambda s: s.end.rows["annotations"].append(s.row("annotations") | {"id": COPY, "content": "note"}), DOUBLED),
    "a lost change": (lambda s: s.row("annotations").update(version=1, content="note"), LOST),
    "a removed annotation that is back": (lambda s: s.row("annotations", 1).update(deleted_at=None), LOST),
    "an annotation that nobody removed": (remove_what_nobody_removed, LOST),
    "an annotation shown as it was": (
        lambda s: s.end.seen[f"/copies/{COPY}/annotations"]["items"][0].update(version=1), WRONG),
    "an annotation without a trail": (lambda s: s.end.rows["audit"].pop(2), WRONG),
    "a lost identification": (lambda s: s.row("copies").update(candidate_id=None), LOST),
    "a lost allocation": (lambda s: s.row("copies").update(marker_id=None), LOST),
    "a doubled allocation": (lambda s: s.end.rows["audit"].append(event(9, "ALLOCATE")), DOUBLED),
    "a lock that was not counted": (lambda s: s.row("copies").update(fence=2), WRONG),
    "a write under an older lock": (grade_under_an_older_lock, WRONG),
    "a draft under an older lock": (lambda s: s.row("draft_saves", 0).update(fence=2), WRONG),
    "a finalisation that never ends": (lambda s: s.row("copies").update(status="GRADING_IN_PROGRESS"), STUCK),
    "a finalisation taken back": (take_a_finalisation_back, LOST),
    "a finalisation that failed silently": (lambda s: s.row("copies").update(status="GRADING_FAILED"), WRONG),
    "a doubled finalisation": (finalise_twice, DOUBLED),
    "another document": (lambda s: s.end.documents.update({COPY: "other"}), LOST),
    "a wrong total": (lambda s: s.row("results").update(total="8.000"), WRONG),
    "another total on the screen": (lambda s: s.end.seen[f"/copies/{COPY}"].update(total="8"), WRONG),
}  # fmt: skip


def test_a_story_in_which_all_went_well_is_not_blamed() -> None:
    story = Story()
    assert check(story.history, story.end) == []
    assert on_its_way(story.end.rows, story.end.queues) == []


@pytest.mark.parametrize("planted", PLANTED)
def test_what_was_planted_is_found(planted: str) -> None:
    tamper, kind = PLANTED[planted]
    story = Story()
    tamper(story)
    assert kind in {violation.kind for violation in check(story.history, story.end)}


def test_every_rule_is_broken_by_something_planted() -> None:
    """A rule that nothing planted breaks may be blind."""
    broken = set()
    for tamper, _ in PLANTED.values():
        story = Story()
        tamper(story)
        broken |= {rule.__name__ for rule in RULES if list(rule(story.history, story.end))}
    assert broken == {rule.__name__ for rule in RULES}


def test_a_refusal_after_a_lost_answer_is_not_taken_for_certain() -> None:
    story = Story()
    withdrawal = told("DELETE", f"/exams/{EXAM}/publication", {}, {}, status=409, tries=2)
    story.history.add(withdrawal)
    withdraw_silently(story)
    assert check(story.history, story.end) == []


def test_a_job_is_as_slow_as_whoever_waited_for_it_saw() -> None:
    """From the last fault at 10 s, though it was asked for at 1 s; what came before does not count."""
    story = Story()
    assert slowest_job(story.history, quiet=10.0) == 0.0, "nobody looked at a job"
    for status, at in (("running", 11.0), ("succeeded", 140.0), ("succeeded", 900.0)):
        story.history.add(told("GET", f"/jobs/{FINALISING}", {}, {"status": status}, at=at))
    assert slowest_job(story.history, quiet=10.0) == 130.5
