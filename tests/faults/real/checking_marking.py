"""The rules of marking: what was saved, given, locked, finalised and identified is what is there in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from tests.faults.real.end import EndState, Row
from tests.faults.real.history import History
from tests.faults.real.violations import DOUBLED, LOST, STUCK, WRONG, Violation

FINAL = {"GRADED", "GRADING_FAILED"}


def drafts_are_what_was_saved(history: History, end: EndState) -> Iterator[Violation]:
    """Each acknowledged save is the draft, or the base of the save that came next; so is what a read returned."""
    saves = {
        (row["copy_id"], row["client_id"], row["version"]): row["payload"]
        for row in end.rows.get("draft_saves", ())
        if row["version"] is not None
    }
    refused = {(row["copy_id"], row["payload"].get("note")) for row in end.rows.get("draft_saves", ())}
    drafts = end.by("drafts", "copy_id")
    for entry, copy_id in history.of("PUT", "/copies/*/draft"):
        if entry.acknowledged:
            version, draft = entry.answer["version"], drafts.get(copy_id)
            kept = saves.get((copy_id, entry.body["client_id"], version)) == entry.body["payload"]
            stored = draft is not None and (draft["version"] > version or draft["payload"] == entry.body["payload"])
            if version != entry.body["version"] + 1 or not kept or not stored:
                yield Violation(LOST, f"draft {version} of copy {copy_id}, saved in window {entry.body['client_id']}")
        elif entry.status == 409 and (copy_id, entry.body["payload"]["note"]) not in refused:
            yield Violation(LOST, f"what was refused and promised to be kept of copy {copy_id}: {entry.body}")
    for copy_id, draft in drafts.items():
        seen = end.seen[f"{draft['owner_id']} /copies/{copy_id}/draft"]
        if (seen["version"], seen["payload"]) != (draft["version"], draft["payload"]):
            yield Violation(WRONG, f"the draft of copy {copy_id} is read as {seen}")
        versions = [row["version"] for row in end.rows["draft_saves"] if row["copy_id"] == copy_id]
        if sorted(v for v in versions if v is not None) != list(range(1, draft["version"] + 1)):
            yield Violation(LOST, f"saves between two drafts of copy {copy_id}")


def reads_never_go_back(history: History, end: EndState) -> Iterator[Violation]:
    """A read begun after a save was acknowledged returns that save or a later one."""
    saved: dict[str, list[tuple[float, int]]] = {}
    for entry, copy_id in history.acknowledged("PUT", "/copies/*/draft"):
        saved.setdefault(copy_id, []).append((entry.ended, entry.answer["version"]))
    for entry, copy_id in history.acknowledged("GET", "/copies/*/draft"):
        before = [version for ended, version in saved.get(copy_id, ()) if ended <= entry.sent]
        if before and entry.answer["version"] < max(before):
            yield Violation(LOST, f"draft {max(before)} of copy {copy_id}: a later read returned an older one")


def scores_are_what_was_given(history: History, end: EndState) -> Iterator[Violation]:
    """Each acknowledged version is in the trail once, as it was sent; the last one is what is read."""
    trail: dict[tuple[str, int], list[Row]] = {}
    for row in end.rows.get("audit", ()):
        if row["action"] == "SCORES":
            trail.setdefault((row["subject_id"], row["details"]["version"]), []).append(row)
    marks = end.by("marks", "copy_id")
    for entry, copy_id in history.acknowledged("PUT", "/copies/*/scores"):
        version, mark = entry.answer["version"], marks.get(copy_id)
        events = trail.get((copy_id, version), [])
        if len(events) > 1:
            yield Violation(DOUBLED, f"scores {version} of copy {copy_id}")
        if not events or mark is None or mark["version"] < version:
            yield Violation(LOST, f"scores {version} of copy {copy_id}")
            continue
        wanted = _points(entry.body["scores"])
        last = mark["version"] == version
        if _points(events[0]["details"]["scores"]) != wanted or (last and _points(mark["scores"]) != wanted):
            yield Violation(LOST, f"scores {version} of copy {copy_id} are others than those given")
    for copy_id, mark in marks.items():
        seen = end.seen[f"/copies/{copy_id}/scores"]
        if (seen["version"], _points(seen["scores"])) != (mark["version"], _points(mark["scores"])):
            yield Violation(WRONG, f"the scores of copy {copy_id} are read as {seen}")


def _points(scores: dict[str, str]) -> dict[str, Decimal]:
    return {item: Decimal(score) for item, score in scores.items()}


def annotations_stand_once(history: History, end: EndState) -> Iterator[Violation]:
    """Every note has a text of its own, by which a second one made of the same request is found."""
    rows, texts = end.by("annotations", "id"), end.grouped("annotations", "content")
    for entry, _ in history.acknowledged("POST", "/copies/*/annotations"):
        annotation_id = entry.answer["id"]
        if annotation_id not in rows:
            yield Violation(LOST, f"annotation {annotation_id}")
        twins = {row["id"] for row in texts.get(entry.body["content"], ())} - {annotation_id}
        if twins:
            yield Violation(DOUBLED, f"annotation {annotation_id} exists again as {twins}")
    for entry, annotation_id in history.acknowledged("PATCH", "/annotations/*"):
        version, row = entry.answer["version"], rows.get(annotation_id)
        latest = row is not None and row["version"] == version
        if row is None or row["version"] < version or (latest and row["content"] != entry.body["content"]):
            yield Violation(LOST, f"change {version} of annotation {annotation_id}")
    asked = set()
    for entry, annotation_id in history.of("DELETE", "/annotations/*"):
        asked.add(annotation_id)
        if entry.acknowledged and rows[annotation_id]["deleted_at"] is None:
            yield Violation(LOST, f"the removal of annotation {annotation_id}")
    for row in rows.values():
        if row["deleted_at"] is not None and row["id"] not in asked:
            yield Violation(LOST, f"annotation {row['id']}, which nobody removed")


def annotations_are_shown_as_stored(history: History, end: EndState) -> Iterator[Violation]:
    """And the trail tells of each once."""
    shown = {
        item["id"]: item["version"]
        for path, answer in end.seen.items()
        if path.endswith("/annotations")
        for item in answer["items"]
    }
    rows = end.rows.get("annotations", ())
    stored = {row["id"]: row["version"] for row in rows if row["deleted_at"] is None}
    for annotation_id, version in shown.items() ^ stored.items():
        yield Violation(WRONG, f"annotation {annotation_id} in version {version} is only shown, or only stored")
    created = Counter(
        row["details"]["annotation_id"] for row in end.rows.get("audit", ()) if row["action"] == "ANNOTATION_CREATED"
    )
    for row in rows:
        if created[row["id"]] != 1:
            yield Violation(WRONG, f"annotation {row['id']} was created {created[row['id']]} times in the trail")


def identifications_hold(history: History, end: EndState) -> Iterator[Violation]:
    copies = end.by("copies", "id")
    for entry, copy_id in history.acknowledged("PUT", "/copies/*/identification"):
        if copy_id not in copies or copies[copy_id]["candidate_id"] != entry.body["candidate_id"]:
            yield Violation(LOST, f"whose copy {copy_id} is")


def nobody_loses_a_copy(history: History, end: EndState) -> Iterator[Violation]:
    """An allocation, once acknowledged, stays; each copy was given once."""
    copies = end.by("copies", "id")
    given = Counter(row["subject_id"] for row in end.rows.get("audit", ()) if row["action"] == "ALLOCATE")
    for entry, _ in history.acknowledged("POST", "/exams/*/allocation"):
        for item in entry.answer["items"]:
            for copy_id in item["copy_ids"]:
                if copy_id not in copies or copies[copy_id]["marker_id"] != item["marker_id"]:
                    yield Violation(LOST, f"who marks copy {copy_id}")
                if given[copy_id] > 1:
                    yield Violation(DOUBLED, f"copy {copy_id} was given to a marker {given[copy_id]} times")


def fences_only_grow(history: History, end: EndState) -> Iterator[Violation]:
    """Each lock has the next number; no write carries a smaller one than the write before it."""
    tokens: dict[str, set[str]] = {}
    for entry, copy_id in history.acknowledged("POST", "/copies/*/lock"):
        tokens.setdefault(copy_id, set()).add(entry.answer["token"])
    events = end.grouped("audit", "subject_id")
    for copy_id, copy in end.by("copies", "id").items():
        trail = events.get(copy_id, [])
        locks = [row["details"]["fence"] for row in trail if row["action"] == "LOCK"]
        if locks != list(range(1, copy["fence"] + 1)):
            yield Violation(WRONG, f"the locks of copy {copy_id} are numbered {locks}")
        if len(tokens.get(copy_id, ())) > len(locks):
            yield Violation(LOST, f"a lock of copy {copy_id}")
        fences = [row["details"]["fence"] for row in trail if "fence" in row["details"]]
        if fences != sorted(fences):
            yield Violation(WRONG, f"a write to copy {copy_id} came under an older lock: {fences}")
    for copy_id, saves in end.grouped("draft_saves", "copy_id").items():
        fences = [row["fence"] for row in saves]
        if fences != sorted(fences):
            yield Violation(WRONG, f"a draft of copy {copy_id} was saved under an older lock: {fences}")


def finalising_ends_and_happens_once(history: History, end: EndState) -> Iterator[Violation]:
    """GRADED with the document that is served, or GRADING_FAILED with its reason; one event for each attempt."""
    copies = end.by("copies", "id")
    events = end.grouped("audit", "subject_id", "action")
    for copy_id, copy in copies.items():
        finalised = [(row["revision"], row["attempt"]) for row in events.get((copy_id, "FINALISE"), ())]
        if len(set(finalised)) != len(finalised):
            yield Violation(DOUBLED, f"copy {copy_id} was finalised twice: {finalised}")
        reopened = sum(1 for _ in events.get((copy_id, "REOPEN"), ()))
        failed = sum(1 for _ in events.get((copy_id, "FAIL"), ()))
        if len(finalised) > reopened + failed + 1:
            yield Violation(DOUBLED, f"copy {copy_id} was finalised {len(finalised)} times")
        if copy["status"] == "GRADING_IN_PROGRESS":
            yield Violation(STUCK, f"copy {copy_id} is still being finalised")
        if copy["status"] == "GRADED" and end.documents.get(copy_id) != copy["final_sha256"]:
            yield Violation(LOST, f"the final document of copy {copy_id}")
        if copy["status"] == "GRADING_FAILED" and not copy["error_message"]:
            yield Violation(WRONG, f"copy {copy_id} failed without a reason")
    results = end.by("results", "copy_id", "revision")
    for entry, copy_id in history.acknowledged("POST", "/copies/*/finalise"):
        known = copies.get(copy_id)
        job = end.by("jobs", "id").get(entry.answer["id"])
        if known is None or job is None:
            yield Violation(LOST, f"the finalisation of copy {copy_id}")
        elif (copy_id, job["revision"]) not in results and known["status"] not in FINAL:
            yield Violation(LOST, f"the finalisation of copy {copy_id}, which is {known['status']}")


def totals_are_sums(history: History, end: EndState) -> Iterator[Violation]:
    """What a revision is worth is the sum of the scores that were in force when it was finalised."""
    results = end.by("results", "copy_id", "revision")
    for copy_id, trail in end.grouped("audit", "subject_id").items():
        scores: dict[str, str] = {}
        for row in trail:
            if row["action"] == "SCORES":
                scores = row["details"]["scores"]
            result = results.get((copy_id, row["revision"])) if row["action"] == "FINALISE" else None
            if result is not None and Decimal(result["total"]) != sum(map(Decimal, scores.values())):
                yield Violation(WRONG, f"copy {copy_id} is worth {result['total']}, its scores are {scores}")
    for copy_id, copy in end.by("copies", "id").items():
        result = results.get((copy_id, copy["revision"]))
        seen = end.seen[f"/copies/{copy_id}"]
        if copy["status"] == "GRADED" and not (
            result is not None
            and Decimal(result["total"]) == Decimal(copy["total"]) == Decimal(seen["total"])
            and result["sha256"] == copy["final_sha256"]
        ):
            yield Violation(WRONG, f"copy {copy_id} shows {seen['total']}, its row and its result say otherwise")


RULES = (
    drafts_are_what_was_saved,
    reads_never_go_back,
    scores_are_what_was_given,
    annotations_stand_once,
    annotations_are_shown_as_stored,
    identifications_hold,
    nobody_loses_a_copy,
    fences_only_grow,
    finalising_ends_and_happens_once,
    totals_are_sums,
)
