"""Comparing what clients were told with how everything stands in the end. Pure: a test can tamper with either."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from contracts.catalogue import BY_TYPE
from tests.faults.real import checking_marking
from tests.faults.real.end import EndState
from tests.faults.real.history import Entry, History
from tests.faults.real.violations import DOUBLED, LOST, MESSAGE_LOST, STUCK, WRONG, Violation

Rule = Callable[[History, EndState], Iterator[Violation]]

TERMINAL = {"succeeded", "failed", "cancelled"}


def check(history: History, end: EndState) -> list[Violation]:
    return [violation for rule in RULES for violation in rule(history, end)]


def no_answer_is_a_defect(history: History, end: EndState) -> Iterator[Violation]:
    """The only 5xx is 503, which a careful client never ends with."""
    for entry in history.entries:
        if entry.status is not None and entry.status >= 500:
            yield Violation(WRONG, f"{entry.method} {entry.path} answered {entry.status}: {entry.answer}")


def exams_are_created_once(history: History, end: EndState) -> Iterator[Violation]:
    rows = end.grouped("exams", "title")
    for entry, _ in history.acknowledged("POST", "/exams"):
        ids = [row["id"] for row in rows.get(entry.body["title"], ())]
        if entry.answer["id"] not in ids:
            yield Violation(LOST, f"exam {entry.answer['id']}")
        if len(ids) > 1:
            yield Violation(DOUBLED, f"exam {entry.body['title']} exists {len(ids)} times")


def uploads_end_with_every_page_in_one_booklet(history: History, end: EndState) -> Iterator[Violation]:
    """``noted`` says how many pages the pile has."""
    jobs, uploads = end.by("jobs", "id"), end.by("uploads", "id")
    pages = end.grouped("pages", "upload_id")
    for entry, exam_id in history.acknowledged("POST", "/exams/*/uploads"):
        job = jobs.get(entry.answer["id"])
        upload = None if job is None else uploads.get(job["subject_id"])
        if upload is None or upload["exam_id"] != exam_id:
            yield Violation(LOST, f"upload of job {entry.answer['id']}")
            continue
        if upload["status"] == "splitting":
            yield Violation(STUCK, f"upload {upload['id']} is splitting")
        if upload["status"] != "ready":
            continue
        staged = Counter(
            page["id"]
            for booklet in end.seen.get(f"/exams/{exam_id}/booklets", {"items": []})["items"]
            if booklet["upload_id"] == upload["id"]
            for page in booklet["pages"]
        )
        found = Counter(page["id"] for page in pages.get(upload["id"], ()) if page["booklet_id"] is not None)
        if staged != found:
            yield Violation(WRONG, f"upload {upload['id']}: the booklets shown are not those stored")
        if len(found) != entry.body["pages"]:
            kind = LOST if len(found) < entry.body["pages"] else DOUBLED
            yield Violation(kind, f"upload {upload['id']} has {len(found)} pages of {entry.body['pages']}")
        for page_id, times in staged.items():
            if times > 1:
                yield Violation(DOUBLED, f"page {page_id} is in {times} booklets")


def a_pile_is_taken_once(history: History, end: EndState) -> Iterator[Violation]:
    for (exam_id, sha256), rows in end.grouped("uploads", "exam_id", "sha256").items():
        live = [row for row in rows if row["status"] in {"splitting", "ready"}]
        if len(live) > 1:
            yield Violation(DOUBLED, f"the pile {sha256[:12]} of exam {exam_id} was taken {len(live)} times")


def assembled_copies_reach_marking_once(history: History, end: EndState) -> Iterator[Violation]:
    copies, assemblies = end.by("copies", "id"), end.by("assemblies", "copy_id")
    told = [
        copy_id
        for path in ("/exams/*/copies/assemble", "/exams/*/copies")
        for entry, _ in history.acknowledged("POST", path)
        for copy_id in entry.answer["copy_ids"]
    ]
    for copy_id in {*told, *assemblies}:
        if copy_id not in copies or copy_id not in assemblies:
            yield Violation(LOST, f"copy {copy_id}, which was assembled")
        elif copies[copy_id]["page_count"] != assemblies[copy_id]["page_count"]:
            yield Violation(LOST, f"copy {copy_id} lost pages on its way to marking")
    assembled = Counter(booklet["copy_id"] for booklet in end.rows.get("booklets", ()) if booklet["copy_id"])
    for copy_id in copies.keys() - assembled.keys():
        yield Violation(DOUBLED, f"copy {copy_id} is made of no booklet")


def jobs_have_ended(history: History, end: EndState) -> Iterator[Violation]:
    for path, job in end.seen.items():
        if path.startswith("/jobs/") and job["status"] not in TERMINAL:
            yield Violation(STUCK, f"job {job['id']} is {job['status']}")
    for path in ("/exams/*/uploads", "/copies/*/finalise"):
        for entry, _ in history.acknowledged("POST", path):
            if f"/jobs/{entry.answer['id']}" not in end.seen:
                yield Violation(LOST, f"job {entry.answer['id']}")


def exams_are_published_as_was_said_last(history: History, end: EndState) -> Iterator[Violation]:
    publications = end.grouped("publications", "exam_id")
    last: dict[str, Entry] = {}
    asked: Counter[str] = Counter()
    for entry, exam_id in history.of("*", "/exams/*/publication"):
        if entry.acknowledged or entry.uncertain:
            last[exam_id] = entry
        asked[exam_id] += entry.method == "PUT"
        known = {row["publication"] for row in publications.get(exam_id, ())}
        if entry.acknowledged and entry.answer["publication"] not in known:
            yield Violation(LOST, f"publication {entry.answer['publication']} of exam {exam_id}")
    for exam_id, row in end.by("exams", "id").items():
        latest = last.get(exam_id)
        if latest and latest.acknowledged and (row["published_at"] is not None) != (latest.method == "PUT"):
            yield Violation(LOST, f"{latest.method} of the publication of exam {exam_id}")
        if len(publications.get(exam_id, ())) > asked[exam_id]:
            yield Violation(DOUBLED, f"exam {exam_id} was published more often than asked: {asked[exam_id]} times")


def every_message_took_effect_once(history: History, end: EndState) -> Iterator[Violation]:
    """For every row of an outbox one row in the inbox of each consumer; that there are not two is a primary key."""
    taken = {(row["consumer"], row["message_id"]) for row in end.rows.get("inbox", ())}
    sent = set()
    for row in end.rows.get("outbox", ()):
        message = BY_TYPE[row["type"]]
        if row["sent_at"] is None:
            yield Violation(STUCK, f"{row['type']} {row['message_id']} was never sent")
            continue
        for consumer in message.consumers:
            sent.add((message.queue(consumer), row["message_id"]))
            if (message.queue(consumer), row["message_id"]) not in taken:
                yield Violation(MESSAGE_LOST, f"{row['type']} {row['message_id']} never reached {consumer}")
    for consumer, message_id in taken - sent:
        if ".on." not in consumer:  # the name of a remote call, which is no message
            continue
        yield Violation(WRONG, f"{consumer} took {message_id}, which nobody sent")


def queues_are_empty(history: History, end: EndState) -> Iterator[Violation]:
    """Nothing in this workload deserves a dead letter."""
    for name, count in end.queues.items():
        yield Violation(STUCK, f"{name} holds {count} messages")


RULES: tuple[Rule, ...] = (
    no_answer_is_a_defect,
    exams_are_created_once,
    uploads_end_with_every_page_in_one_booklet,
    a_pile_is_taken_once,
    assembled_copies_reach_marking_once,
    jobs_have_ended,
    exams_are_published_as_was_said_last,
    every_message_took_effect_once,
    queues_are_empty,
    *checking_marking.RULES,
)
