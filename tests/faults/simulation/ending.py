"""Whether the world became what people were told, read from tables and store, not through the product's queries.

Invariants are those of docs/reliability.md. What can be seen without knowing what people were told is left to
``oversight.verify``, which runs on the same databases right after.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.rows import namedtuple_row

from contracts.records.marking import MarkingRecord
from tests.faults.simulation.history import History
from tests.faults.simulation.world import TurnedBack, World

UPLOADS = """
    SELECT u.id, u.status, u.sides, u.pages, count(p.id) AS found, count(p.booklet_id) AS placed,
           count(DISTINCT (p.side_no, p.half)) FILTER (WHERE p.id IS NOT NULL) AS faces,
           count(DISTINCT p.side_no) AS seen
    FROM uploads u LEFT JOIN pages p ON p.upload_id = u.id GROUP BY u.id
"""
PUBLISHED = """
    SELECT c.id, c.status, c.revision AS now, p.revision
    FROM published_copies p JOIN exams e ON e.id = p.exam_id AND e.publication = p.publication
    JOIN copies c ON c.id = p.copy_id WHERE e.published_at IS NOT NULL
"""
MARKING = {"SCORES", "ANNOTATION_CREATED", "ANNOTATION_CHANGED", "ANNOTATION_REMOVED"}
DONE = {"GRADED", "GRADING_FAILED"}


def violations(world: World, history: History) -> list[str]:
    """One sentence for each promise that was broken, the invariant's id first."""
    ending = _Ending(world, history)
    return [
        *(f"defect {each}" for each in world.defects),
        *(f"contradiction {each}" for each in history.contradictions),
        *ending.locks(), *ending.drafts(), *ending.marks(), *ending.notes(), *ending.operations(),
        *ending.finalisations(), *ending.documents(), *ending.messages(), *ending.paper(), *ending.acts(),
        *ending.shown(),
    ]  # fmt: skip


class _Ending:
    def __init__(self, world: World, history: History) -> None:
        self.world, self.history = world, history
        self.copies = {row.id: row for row in self._rows("grading", "SELECT * FROM copies")}
        self.trails: dict[UUID, list[Any]] = defaultdict(list)
        for row in self._rows("grading", "SELECT * FROM audit ORDER BY subject_id, seq"):
            self.trails[row.subject_id].append(row)

    def _rows(self, service: str, query: str) -> list[Any]:
        with self.world.connections[service].cursor(row_factory=namedtuple_row) as cursor:
            return cursor.execute(query).fetchall()

    def locks(self) -> Iterator[str]:
        """I1: whoever writes under a lock is the one who took it last, and nobody took it from them before its time."""
        lease = timedelta(seconds=self.world.hosted["grading"].service.app.settings.lock_lease_s)
        for copy_id, trail in self.trails.items():
            holder, fence, taken = None, 0, None
            for event in trail:
                ends = event.action in {"LOCK", "EXPIRE"} and holder is not None
                if ends and event.at - counted_from(taken, event, self.world.turned_back) < lease:
                    yield f"I1 copy {copy_id}: {event.action} while a lock was in force, event {event.seq}"
                if event.action == "LOCK":
                    taken = event
                    if event.details["fence"] <= fence:
                        yield f"I1 copy {copy_id}: fence {event.details['fence']} after {fence}"
                    holder, fence = event.actor_id, event.details["fence"]
                    continue
                under_lock = event.action in MARKING or (event.action == "FINALISE" and "fence" in event.details)
                if under_lock and (event.actor_id, event.details["fence"]) != (holder, fence):
                    yield f"I1 copy {copy_id}: {event.action} without the lock, event {event.seq}"
                if event.action in {"RELEASE", "EXPIRE", "FINALISE"}:
                    holder = None
        leased = {row.copy_id for row in self._rows("grading", "SELECT copy_id FROM locks")}
        locked = {row.id for row in self.copies.values() if row.status == "LOCKED"}
        for copy_id in sorted(leased ^ locked):
            yield f"I1 copy {copy_id} has a lease and is not locked, or is locked without one"

    def drafts(self) -> Iterator[str]:
        """I4: the last save that was acknowledged is what is stored, or a later one that was based on it."""
        chains: dict[tuple[UUID, UUID], dict[int, Any]] = defaultdict(dict)
        for row in self._rows("grading", "SELECT * FROM draft_saves WHERE version IS NOT NULL ORDER BY id"):
            chains[row.copy_id, row.owner_id][row.version] = row
        for (copy_id, _), chain in chains.items():
            for version in range(2, len(chain) + 1):
                before, after = chain.get(version - 1), chain.get(version)
                if before and after and before.fence == after.fence and before.client_id != after.client_id:
                    yield f"I4 copy {copy_id}: draft {version} overwrote that of another window"
        stored = {(row.copy_id, row.owner_id): row for row in self._rows("grading", "SELECT * FROM drafts")}
        for saved in self.history.drafts:
            chain = chains[saved.copy_id, saved.owner_id]
            row = chain.get(saved.version)
            if row is None or row.payload != saved.payload or row.base_version != saved.base:
                yield f"I4 copy {saved.copy_id}: acknowledged draft {saved.version} is not what was kept"
            now = stored.get((saved.copy_id, saved.owner_id))
            if now is None or now.version < saved.version:
                yield f"I4 copy {saved.copy_id}: acknowledged draft {saved.version} is gone"
            elif now.version == saved.version and now.payload != saved.payload:
                yield f"I4 copy {saved.copy_id}: acknowledged draft {saved.version} was overwritten"
        for key, chain in chains.items():
            if sorted(chain) != list(range(1, len(chain) + 1)):
                yield f"I4 copy {key[0]}: versions of a draft have holes: {sorted(chain)}"
        kept = {(row.copy_id, json.dumps(row.payload)) for row in self._rows("grading", "SELECT * FROM draft_saves")}
        for copy_id, payload in self.history.kept:
            if (copy_id, json.dumps(payload)) not in kept:
                yield f"I4 copy {copy_id}: a draft that was refused was not kept"

    def marks(self) -> Iterator[str]:
        """I4 for scores: each acknowledged version stands in the trail with its scores, the last one in its row."""
        stored = {row.copy_id: row for row in self._rows("grading", "SELECT * FROM marks")}
        for saved in self.history.scores:
            events = [
                event for event in self.trails[saved.copy_id]
                if event.action == "SCORES" and event.details["version"] == saved.version
            ]  # fmt: skip
            if len(events) != 1 or _points(events[0].details["scores"]) != saved.scores:
                yield f"I4 copy {saved.copy_id}: acknowledged scores {saved.version} stand in {len(events)} events"
            now = stored.get(saved.copy_id)
            if now is None or now.version < saved.version:
                yield f"I4 copy {saved.copy_id}: acknowledged scores {saved.version} are gone"
            elif now.version == saved.version and _points(now.scores) != saved.scores:
                yield f"I4 copy {saved.copy_id}: acknowledged scores {saved.version} were overwritten"

    def notes(self) -> Iterator[str]:
        stored = {row.id: row for row in self._rows("grading", "SELECT * FROM annotations")}
        made = Counter(row.copy_id for row in stored.values())
        for copy_id, count in made.items():
            if count > self.history.asked_notes[copy_id]:
                yield f"I6 copy {copy_id} has {count} annotations, and fewer were asked for"
        for note_id, note in self.history.notes.items():
            row = stored.get(note_id)
            if row is None or row.version < note.version:
                yield f"I4 annotation {note_id} is gone, or older than its author knows"
            elif note.removed and row.deleted_at is None:
                yield f"I4 annotation {note_id} was removed and stands"
            elif not note.removed and not note.unsure and row.version == note.version and row.content != note.content:
                yield f"I4 annotation {note_id} says something else at version {row.version}"

    def operations(self) -> Iterator[str]:
        """I4, I6: an operation has the one answer that was told, and annotations and scores are what those done say."""
        rows = self._rows("grading", "SELECT * FROM operations ORDER BY id")
        kept = {(row.copy_id, row.op["id"]): row for row in rows}
        for told in self.history.operated:
            row = kept.get((told.copy_id, told.op["id"]))
            if told.kind is not None and (row is None or row.op != told.op):
                yield f"I4 copy {told.copy_id}: an operation that was answered ({told.kind}) was not kept"
            elif told.kind is not None and row.outcome != told.kind:
                yield f"I6 copy {told.copy_id}: an operation was answered {told.kind} and is {row.outcome}"
        done = [row for row in rows if row.outcome == "done"]
        notes = {row.id: row for row in self._rows("grading", "SELECT * FROM annotations")}
        for row in {row.annotation_id: row for row in done if row.annotation_id is not None}.values():
            note, erased = notes.get(row.annotation_id), row.op["do"] == "erase"
            if note is None or note.version != row.version or (note.deleted_at is not None) != erased:
                yield f"I4 annotation {row.annotation_id} is not what the last operation made of it"
            elif not erased and note.content != row.op["annotation"]["content"]:
                yield f"I4 annotation {row.annotation_id} says something else than the last operation"
        for row in done:
            if row.op["do"] == "score" and row.op["was"] != row.op["score"]:
                stood = [self._scores_at(row.copy_id, row.version - back).get(row.op["item_id"]) for back in (1, 0)]
                if stood != [row.op["was"], row.op["score"]]:
                    yield f"I4 copy {row.copy_id}: a score was done that was not based on what stood"

    def _scores_at(self, copy_id: UUID, version: int) -> dict[str, str]:
        events = (event.details for event in self.trails[copy_id] if event.action == "SCORES")
        return next((details["scores"] for details in events if details["version"] == version), {})

    def finalisations(self) -> Iterator[str]:
        """I5, I6: what was finalised is graded, has failed with a reason, or was taken up again by somebody named."""
        for each in self.history.finalised:
            row = self.copies[each.copy_id]
            if row.revision == each.revision and row.status not in DONE:
                yield f"I5 copy {row.id}: finalised as revision {each.revision}, and is {row.status}"
            if row.revision > each.revision and not any(
                event.action in {"REOPEN", "NEW_PAPER"} for event in self.trails[row.id]
            ):
                yield f"I5 copy {row.id}: revision {each.revision} was taken back by nobody"
        for row in self.copies.values():
            if row.status == "GRADING_IN_PROGRESS":
                yield f"I5 copy {row.id} waits for its document, and nothing is on its way"
            if row.status == "GRADING_FAILED" and not (row.error_message or "").strip():
                yield f"I5 copy {row.id} failed without a reason"
            self_asked = [e for e in self.trails[row.id] if e.action == "FINALISE"]
            if len({(e.revision, e.attempt) for e in self_asked}) != len(self_asked):
                yield f"I6 copy {row.id}: one attempt was finalised twice"
            graded = [e.revision for e in self.trails[row.id] if e.action == "GRADE"]
            if len(set(graded)) != len(graded):
                yield f"I6 copy {row.id}: one revision was graded twice"

    def documents(self) -> Iterator[str]:
        """I2, I3: the document exists, is the one that was named, and prints what was scored last before."""
        for row in self._rows("grading", "SELECT * FROM results"):
            entry = self.world.store.entries.get(row.document["key"])
            record = self.world.store.entries.get(row.record["key"])
            if entry is None or record is None:
                yield f"I2 copy {row.copy_id}: the document or record of revision {row.revision} is not in the store"
                continue
            printed = json.loads(entry.data)
            frozen = MarkingRecord.model_validate_json(record.data)
            added = sum((item.score for item in frozen.items), Decimal(0))
            totals = {Decimal(printed["total"]), frozen.total, min(added, frozen.total_points), row.total}
            if len(totals) != 1:
                yield f"I3 copy {row.copy_id}: revision {row.revision} has the totals {sorted(totals)}"
            if (printed["copy_id"], printed["revision"]) != (str(row.copy_id), row.revision):
                yield f"I3 copy {row.copy_id}: the document is of {printed['copy_id']} revision {printed['revision']}"
            if len(frozen.pages) != printed["pages"]:
                yield f"I3 copy {row.copy_id}: the document has {printed['pages']} pages"
            yield from self._scored_last(row, frozen)
        results = {(row.copy_id, row.revision) for row in self._rows("grading", "SELECT * FROM results")}
        for row in self.copies.values():
            if row.status == "GRADED" and row.final_key not in self.world.store.entries:
                yield f"I2 copy {row.id} is graded and its document is not in the store"
            if row.status == "GRADED" and (row.id, row.revision) not in results:
                yield f"I2 copy {row.id} is graded and revision {row.revision} is not in the history"

    def _scored_last(self, row: Any, frozen: MarkingRecord) -> Iterator[str]:
        """The frozen scores are those acknowledged last before the freezing: the trail knows both."""
        latest: dict[str, Decimal] = {}
        for event in self.trails[row.copy_id]:
            if event.action == "SCORES":
                latest = _points(event.details["scores"])
            if event.action == "FINALISE" and event.revision == row.revision and "again" not in event.details:
                frozen_scores = {item.item_id: item.score for item in frozen.items}
                if frozen_scores != {item: latest.get(item) for item in frozen_scores}:
                    yield f"I3 copy {row.copy_id}: revision {row.revision} froze other scores than were saved last"

    def messages(self) -> Iterator[str]:
        """I7, I8: nothing waits any more, nothing died without a reason, and each message had its one effect."""
        for service in self.world.hosted:
            for row in self._rows(service, "SELECT message_id, type FROM outbox WHERE sent_at IS NULL"):
                yield f"I7 {row.type} {row.message_id} of {service} was never sent"
        for message in (*self.world.broker.ready, *self.world.broker.in_hand):
            yield f"I7 a message waits in {message.queue}"
        for message in self.world.broker.dead:
            if message.headers.get("korrigo-reason") not in {"refused", "exhausted"}:
                yield f"I8 a message died in {message.queue}: {message.headers.get('korrigo-error')}"

    def paper(self) -> Iterator[str]:
        """I13: every side of a settled pile is there once, and grading has the paper that ingest assembled."""
        uploads = {row.id: row for row in self._rows("ingest", "SELECT * FROM uploads")}
        for upload_id, sides in self.history.uploads.items():
            row = uploads.get(upload_id)
            if row is None or row.sides != sides:
                yield f"I13 upload {upload_id} was acknowledged and is not there"
            elif row.status == "splitting":
                yield f"I5 upload {upload_id} is still being split, and nothing is on its way"
        told = {event.details["upload_id"] for events in self.trails.values() for event in events
                if event.action == "UPLOAD_SETTLED"}  # fmt: skip
        for row in self._rows("ingest", UPLOADS):
            if row.status != "splitting" and str(row.id) not in told:
                yield f"I7 upload {row.id} is {row.status}, and its exam does not know"
            if row.found != row.faces or row.found != row.pages:
                yield f"I13 upload {row.id} counts {row.pages} pages and has {row.found}, {row.faces} of them distinct"
            if row.status == "ready" and (row.placed != row.found or row.seen != row.sides):
                yield f"I13 upload {row.id}: {row.placed} of {row.found} pages are in a booklet"
        manifests = {row.copy_id: row for row in self._rows("ingest", "SELECT * FROM assemblies")}
        for copy_id in self.history.assembled:
            row, copy = manifests.get(copy_id), self.copies.get(copy_id)
            if row is None or copy is None:
                yield f"I13 copy {copy_id} was assembled and {'grading' if row else 'ingest'} does not know it"
            elif copy.manifest["sha256"] != row.manifest["sha256"]:
                yield f"I13 copy {copy_id}: grading has other paper than ingest"

    def acts(self) -> Iterator[str]:
        """I10: what somebody was told they did is in the trail, by them."""
        trail = {
            (event.action, event.subject_id, event.actor_id) for events in self.trails.values() for event in events
        }
        for act in self.history.acts:
            if (act.action, act.subject_id, act.actor_id) not in trail:
                yield f"I10 {act.action} of {act.subject_id} is not in the trail"
        for copy_id in self.copies:
            if [event.action for event in self.trails[copy_id]][:1] != ["ASSEMBLE"]:
                yield f"I10 the trail of copy {copy_id} does not begin with its assembly"

    def shown(self) -> Iterator[str]:
        """I17: what a candidate saw of a revision is still what that revision was worth."""
        results = {(row.copy_id, row.revision): row for row in self._rows("grading", "SELECT * FROM results")}
        for key, (total, digest) in self.history.shown.items():
            row = results.get(key)
            if row is None or (row.total, row.document["sha256"]) != (total, digest):
                yield f"I17 copy {key[0]}: revision {key[1]} is no longer what a candidate saw"
        reasons = {(row.copy_id, row.revision): row for row in self._rows("grading", "SELECT * FROM reopenings")}
        for row in self._rows("grading", "SELECT DISTINCT copy_id, revision FROM published_copies"):
            if self.copies[row.copy_id].revision == row.revision:
                continue
            changed = reasons.get((row.copy_id, row.revision + 1))
            finalised = [
                event.actor_id for event in self.trails[row.copy_id]
                if event.action == "FINALISE" and event.revision == row.revision and "again" not in event.details
            ]  # fmt: skip
            if changed is None or changed.reopened_by in finalised:
                yield f"I17 copy {row.copy_id}: revision {row.revision} was changed without a reason or a second person"
        for row in self._rows("grading", PUBLISHED):
            if (row.status, row.now) != ("GRADED", row.revision):
                yield f"I17 copy {row.id} is published as revision {row.revision}, and is {row.status} {row.now}"


def counted_from(taken: Any, ended: Any, turned_back: Iterable[TurnedBack]) -> datetime:
    """The earliest time from which a lease may count that lasted from one event of a trail to another.

    Renewing is not in the trail. It makes a lease longer, unless the clock was set back meanwhile: then it may count
    from that time on.
    """
    meanwhile = (each.to for each in turned_back if taken.seq <= each.last.get(taken.subject_id, 0) < ended.seq)
    return min([taken.at, *meanwhile])


def _points(scores: dict[str, str]) -> dict[str, Decimal]:
    return {item: Decimal(score) for item, score in scores.items()}
