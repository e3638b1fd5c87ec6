"""What must agree between two databases, or between a database and the objects it names.

Each function looks at one page of one service's subjects. Databases are read one after the other, so what a working
system changes in between may look wrong once; ``verify`` looks a second time before it says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from chassis.bus.relay import KEEP
from chassis.invariants import Page, Subjects
from chassis.outbox import replayed_id
from contracts.catalogue import BY_TYPE, MESSAGES
from oversight.documents import Unreadable
from oversight.installation import INBOX, OUTBOX, Installation, Reader
from oversight.report import Finding


@dataclass(frozen=True)
class Look:
    """One look at one page: where to read, whose subjects they are."""

    installation: Installation
    read: Reader
    service: str
    page: Page

    def own(self, subjects: Subjects, query: str) -> Sequence[sa.Row[Any]]:
        """What the page's own service says."""
        return subjects.select(self.read(self.service), query, self.page)

    def finding(self, invariant: str, subject: object, what: str) -> Finding:
        return Finding(invariant, self.service, str(subject), what)

    def theirs(self, service: str, query: str, **values: Any) -> Sequence[sa.Row[Any]]:
        return self.read(service).execute(sa.text(query), values).all()


REPLAYS = 8
"""A dead letter sent again so many times is still known for the message it was."""


# Messages


def messages_are_heard(look: Look) -> Iterator[Finding]:
    """Every message sent has had its effect, once, wherever it is heard: its id is in the inbox."""
    waiting: dict[str, dict[UUID, Any]] = defaultdict(dict)
    for row in look.own(OUTBOX, _SENT):
        for consumer in BY_TYPE[row.type].consumers if row.type in BY_TYPE else ():
            waiting[consumer][row.message_id] = row
    for consumer, rows in waiting.items():
        unheard = set(rows) - _heard(look, consumer, rows.values())
        again = {row.message_id: row for row in rows.values() if row.message_id in unheard}
        unheard -= _heard_again(look, consumer, again) if again else set()
        unheard -= set(look.installation.dead_letters()) if unheard else set()
        for message_id in sorted(unheard):
            yield look.finding("I7", message_id, f"{rows[message_id].type} was sent and had no effect at {consumer}")


_SENT = """
    SELECT message_id, type FROM outbox
    WHERE {id} AND sent_at < clock_timestamp() - make_interval(secs => :settled_after_s)
"""
_HEARD = "SELECT message_id FROM inbox WHERE consumer = ANY(:queues) AND message_id = ANY(:ids)"


def _heard(look: Look, consumer: str, rows: Collection[Any]) -> set[UUID]:
    queues = sorted({BY_TYPE[row.type].queue(consumer) for row in rows})
    ids = [row.message_id for row in rows]
    return {row.message_id for row in look.theirs(consumer, _HEARD, queues=queues, ids=ids)}


def _heard_again(look: Look, consumer: str, rows: dict[UUID, Any]) -> set[UUID]:
    """Which of these were heard as a dead letter that somebody sent again, and perhaps again."""
    original: dict[UUID, UUID] = {}
    for message_id in rows:
        derived = message_id
        for _ in range(REPLAYS):
            derived = replayed_id(derived)
            original[derived] = message_id
    queues = sorted({BY_TYPE[row.type].queue(consumer) for row in rows.values()})
    found = look.theirs(consumer, _HEARD, queues=queues, ids=list(original))
    return {original[row.message_id] for row in found}


_BY_QUEUE = {message.queue(consumer): message for message in MESSAGES for consumer in message.consumers}
_EFFECTS = "SELECT consumer, message_id, clock_timestamp() AS now FROM inbox WHERE {message_id}"
_KNOWN = "SELECT message_id FROM outbox WHERE message_id = ANY(:ids)"


def effects_were_sent(look: Look) -> Iterator[Finding]:
    """Nothing took effect that nobody sent: a message whose transaction was taken back must not be out.

    Outbox rows are deleted when they are old, so old messages (by their id, which holds the time) are not asked for;
    nor are dead letters sent again, which have no row.
    """
    heard: dict[str, set[UUID]] = defaultdict(set)
    for row in look.own(INBOX, _EFFECTS):
        message = _BY_QUEUE.get(row.consumer)
        recent = row.now.timestamp() - (row.message_id.int >> 80) / 1000 < (KEEP / 2).total_seconds()
        if message is not None and row.message_id.version == 7 and recent:
            for sender in message.senders:
                heard[sender].add(row.message_id)
    for sender, ids in heard.items():
        known = {row.message_id for row in look.theirs(sender, _KNOWN, ids=list(ids))}
        for message_id in sorted(ids - known):
            yield look.finding("I7", message_id, f"it took effect, and {sender} never sent it")


# Paper

_ASSEMBLY = Subjects("assemblies", key="copy_id")
_ASSEMBLIES = """
    SELECT copy_id, exam_id, revision, manifest, page_count,
        assembled_at < clock_timestamp() - make_interval(secs => :settled_after_s) AS settled
    FROM assemblies WHERE {copy_id}
"""
_BOOKLETS = """
    SELECT b.copy_id, array_agg(p.id ORDER BY p.place) AS pages
    FROM booklets b JOIN pages p ON p.booklet_id = b.id AND NOT p.dropped
    WHERE b.copy_id = ANY(:ids) GROUP BY b.copy_id, b.id
"""
_COPIES = """
    SELECT id, exam_id, paper_revision, manifest, page_count,
        ARRAY(SELECT (page ->> 'page_id')::uuid FROM jsonb_array_elements(pages) WITH ORDINALITY AS e(page, no)
              ORDER BY no) AS pages
    FROM copies WHERE id = ANY(:ids)
"""


def paper_is_conserved(look: Look) -> Iterator[Finding]:
    """Every page of a copy's booklets is in its manifest, once and in order; grading has exactly that paper."""
    assemblies = look.own(_ASSEMBLY, _ASSEMBLIES)
    ids = [row.copy_id for row in assemblies]
    booklets: dict[UUID, list[Sequence[UUID]]] = defaultdict(list)
    for row in look.theirs("ingest", _BOOKLETS, ids=ids):
        booklets[row.copy_id].append(row.pages)
    copies = {row.id: row for row in look.theirs("grading", _COPIES, ids=ids)}
    for row in assemblies:
        pages = None
        try:
            paper = look.installation.documents.paper(row.manifest)
        except Unreadable:
            yield look.finding("I13", row.copy_id, "its manifest cannot be read")
            continue
        if paper is not None:
            pages = paper.pages
            if (paper.copy_id, paper.exam_id, paper.revision) != (row.copy_id, row.exam_id, row.revision):
                yield look.finding("I13", row.copy_id, "its manifest is of another copy, exam or revision")
            elif not _in_some_order(pages, booklets[row.copy_id]):
                yield look.finding("I13", row.copy_id, "its manifest has other pages than its booklets")
        copy = copies.get(row.copy_id)
        wrong = _not_agreed(row, copy)
        if wrong is not None:
            yield look.finding("I7", row.copy_id, wrong)
        elif copy is not None and copy.manifest == row.manifest and pages is not None and tuple(copy.pages) != pages:
            yield look.finding("I13", row.copy_id, "grading shows other pages than its manifest has")


def _not_agreed(row: Any, copy: Any) -> str | None:
    """What grading should know of an assembly and does not, unless the news may still be on its way."""
    if copy is None:
        return "it was assembled, and grading does not know it" if row.settled else None
    if copy.paper_revision != row.revision:
        late = copy.paper_revision < row.revision and not row.settled
        return None if late else f"its paper is at revision {row.revision}, and grading has {copy.paper_revision}"
    if (copy.exam_id, copy.manifest, copy.page_count) != (row.exam_id, row.manifest, row.page_count):
        return "grading has another manifest, exam or number of pages than ingest"
    return None


def _in_some_order(pages: Sequence[UUID], booklets: Sequence[Sequence[UUID]]) -> bool:
    """Whether ``pages`` are those of the booklets, one booklet after the other; which came first is written nowhere."""
    by_first = {booklet[0]: list(booklet) for booklet in booklets}
    place = 0
    while place < len(pages):
        booklet = by_first.pop(pages[place], [])
        if not booklet or list(pages[place : place + len(booklet)]) != booklet:
            return False
        place += len(booklet)
    return not by_first


_COPY = Subjects("copies")
_IDS = "SELECT id FROM copies WHERE {id}"
_ASSEMBLED = "SELECT copy_id FROM assemblies WHERE copy_id = ANY(:ids)"


def copies_have_paper(look: Look) -> Iterator[Finding]:
    """Grading knows no copy that ingest did not assemble."""
    ids = [row.id for row in look.own(_COPY, _IDS)]
    known = {row.copy_id for row in look.theirs("ingest", _ASSEMBLED, ids=ids)}
    for each in ids:
        if each not in known:
            yield look.finding("I7", each, "grading has it, and ingest never assembled it")


# Marks

_RECORDS = """
    SELECT c.id, c.exam_id, c.revision, c.record, c.record_total AS total, m.scores
    FROM copies c LEFT JOIN marks m ON m.copy_id = c.id WHERE {c.id} AND jsonb_typeof(c.record) = 'object'
    UNION ALL
    SELECT copy_id, exam_id, revision, record, total, NULL FROM results WHERE {copy_id}
"""


def totals_are_those_of_the_records(look: Look) -> Iterator[Finding]:
    """What a copy is worth is the sum of the scores frozen in its record, and those are the ones the marker gave."""
    for row in look.own(_COPY, _RECORDS):
        wrong = _wrong_total(look, row)
        if wrong is not None:
            yield look.finding("I3", row.id, wrong)


def _wrong_total(look: Look, row: Any) -> str | None:
    try:
        record = look.installation.documents.marked(row.record)
    except Unreadable:
        return f"the record of revision {row.revision} cannot be read"
    if record is None:
        return None
    if (record.copy_id, record.exam_id, record.revision) != (row.id, row.exam_id, row.revision):
        return f"the record of revision {row.revision} is of another copy, exam or revision"
    if not record.adds_up:
        return f"the record of revision {row.revision} does not add up to its total"
    if record.total != row.total:
        return f"the total of revision {row.revision} is not that of its record"
    given = {item: Decimal(score) for item, score in (row.scores or {}).items()}
    if row.scores is not None and any(given.get(item) != score for item, score in record.scores.items()):
        return f"the scores of revision {row.revision} are not those of its record"
    return None


LOOKS: dict[tuple[str, str], tuple[Callable[[Look], Iterator[Finding]], ...]] = {
    ("ingest", "assemblies"): (paper_is_conserved,),
    ("grading", "copies"): (copies_have_paper, totals_are_those_of_the_records),
    ("", "outbox"): (messages_are_heard,),
    ("", "inbox"): (effects_were_sent,),
}
"""By service ("" for every one) and table: what yields the findings of a page."""
