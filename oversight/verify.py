"""Does everything hold? Every invariant over the live databases and the store, without writing anything.

Subjects are looked at page by page. The system may work meanwhile: what looks wrong is looked at a second time after a
short wait, and told only if it is still wrong.
"""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import IO, Any, cast
from uuid import UUID

from chassis.invariants import Page, Subjects, count
from chassis.objects import ObjectDamaged, ObjectMissing
from contracts.objects import ObjectRef
from oversight import agreement, schema
from oversight.installation import SERVICES, Installation, Reader, now, subjects
from oversight.inventory import Inventory, Reference
from oversight.progress import Progress
from oversight.report import Finding, Report
from services.grading.store import integrity

PAGE = 1000
GRACE = timedelta(hours=24)
Looks = tuple[Callable[[agreement.Look], Iterator[Finding]], ...]


def verify(
    installation: Installation,
    *,
    settled_after_s: float = 900,
    unended_after_s: float | None = None,
    deep: bool = False,
    strict: bool = False,
    grace: timedelta = GRACE,
    second_look_s: float = 1.0,
    seconds: float | None = None,
    progress: Progress | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> Report:
    """Look at everything once.

    Args:
        installation: where to look.
        settled_after_s: what was sent longer ago must have been heard and applied.
        unended_after_s: what was finalised longer ago must be graded or have failed; default: ``settled_after_s``.
        deep: read every named object and compare its bytes with its digest.
        strict: an object that nothing names and that is older than ``grace`` is a finding, not a note.
        grace: an object may be so young that its row is still to come.
        second_look_s: what looks wrong is looked at again after so long.
        seconds: stop after so long; with the same ``progress`` the next call goes on.
        progress: how far earlier calls came; left out, this one begins anew.
        pause: waits before the second look.

    Raises:
        Unavailable: a database or the store; ``progress`` knows how far this came.
    """
    begun = time.monotonic()
    page = Page("", "", settled_after_s, settled_after_s if unended_after_s is None else unended_after_s)
    until = None if seconds is None else begun + seconds
    with closing(Inventory()) as inventory:
        with installation.reading() as read:
            run = _Run(installation, read, progress or Progress(), page, second_look_s, pause, until)
            complete = run.rows() and run.objects(inventory, strict=strict, grace=grace)
        complete = complete and (not deep or run.bytes(inventory))  # for hours: no transaction waits for it
    report = run.progress.finish() if complete else run.progress.report
    report.complete = complete
    report.seconds = time.monotonic() - begun
    return report


@dataclass
class _Run:
    installation: Installation
    read: Reader
    progress: Progress
    page: Page
    second_look_s: float
    pause: Callable[[float], None]
    until: float | None
    moved: bool = False
    """Whether this call got anywhere: each does, however little time it is given."""

    @property
    def report(self) -> Report:
        return self.progress.report

    def rows(self) -> bool:
        """Schema and subjects of every service; whether there was time for all."""
        if self.progress.after("schema", "") is not None:
            self.report.add(schema.look(self.read))
            self.progress.moved("schema", "", done=True)
        return all(map(self._service, SERVICES)) and self._trails()

    def _trails(self) -> bool:
        """The sealed trails of grading, and its tables against them: each page in a snapshot of its own."""
        after = self.progress.after("grading.trails", "")
        while after is not None:
            if self._late():
                return False
            with self.installation.databases["grading"].reading(snapshot=True) as sql:
                broken, last = integrity.broken(sql, self.installation.audit_key, after=UUID(after) if after else None)
            self.report.add(Finding("I10", "grading", str(each.subject_id), each.reason) for each in broken)
            after = None if last is None else str(last)
            self._move("grading.trails", after or "", done=after is None)
        return True

    def _service(self, service: str) -> bool:
        groups = subjects(service)
        counts = count(self.read(service), groups, PAGE)
        return all(self._subjects(service, group, counts[group.table]) for group in groups)

    def _subjects(self, service: str, group: Subjects, known: int) -> bool:
        """``known``: how many there are, counted up to a page; fewer need not be counted again."""
        what = f"{service}.{group.table}"
        looks = (*agreement.LOOKS.get((service, group.table), ()), *agreement.LOOKS.get(("", group.table), ()))
        after = self.progress.after(what, group.first) if looks or group.checks else None
        while after is not None:
            if self._late():
                return False
            if known < PAGE:
                found, last = known, group.last
            else:
                found, last = group.bounds(self.read(service), after, PAGE)
            if found:
                self._look(service, group, looks, replace(self.page, after=after, last=last))
            self.report.checked[what] += found
            self._move(what, last, done=found < PAGE)
            after = last if found == PAGE else None
        return True

    def _look(self, service: str, group: Subjects, looks: Looks, page: Page) -> None:
        """Once, and a second time if something looks wrong."""
        found = list(self._findings(service, group, looks, page))
        if found:
            self.pause(self.second_look_s)
            again = set(self._findings(service, group, looks, page))
            self.report.add(each for each in found if each in again)

    def _findings(self, service: str, group: Subjects, looks: Looks, page: Page) -> Iterator[Finding]:
        for check, breach in group.breaches(self.read(service), page):
            yield Finding(check.invariant, service, *breach)
        for look in looks:
            yield from look(agreement.Look(self.installation, self.read, service, page))

    def _late(self) -> bool:
        return self.moved and self.until is not None and time.monotonic() > self.until

    def _move(self, what: str, after: str, *, done: bool) -> None:
        self.progress.moved(what, after, done=done)
        self.moved = True

    def objects(self, inventory: Inventory, *, strict: bool, grace: timedelta) -> bool:
        """The store against what names its objects; whether there was time for it."""
        if self._late():
            return False
        old = now(self.read) - grace
        inventory.list(self.installation)
        inventory.read_names(self.read)
        missing = [each for each in inventory.missing() if not self._is_there(each)]
        self.report.add(_about(each, "is not in the store in its size") for each in missing)
        unnamed: Counter[str] = Counter()
        for each in inventory.unnamed(old):
            unnamed[each.key.partition("/")[0]] += 1
            if strict:
                self.report.add([Finding("I9", "objects", each.key, "nothing names it")])
        for kind, number in unnamed.items():
            self.report.notes.append(Finding("I9", "objects", kind, f"nothing names {number} of them"))
        self.report.checked["objects.stored"], self.report.checked["objects.named"] = inventory.count()
        return True

    def _is_there(self, named: Reference) -> bool:
        found = self.installation.objects.stat(named.key)
        return found is not None and found.size == named.size

    def bytes(self, inventory: Inventory) -> bool:
        """Every named object against its digest; whether there was time for all."""
        for number, each in enumerate(inventory.named(self.progress.after("objects.bytes", "") or ""), start=1):
            try:
                ref = ObjectRef(key=each.key, sha256=each.key[-64:], size=each.size, media_type="")
                self.installation.objects.fetch(ref, cast(IO[bytes], _Nowhere()))
            except (ObjectDamaged, ValueError):
                self.report.add([_about(each, "has other bytes than its name says")])
            except ObjectMissing:
                pass  # told already
            self.report.checked["objects.bytes"] += 1
            self.moved = True
            late = self._late()
            if late or number % PAGE == 0:
                self._move("objects.bytes", each.key, done=False)
            if late:
                return False
        return True


class _Nowhere(io.RawIOBase):
    """Takes bytes and keeps none: ``fetch`` compares their digest on the way."""

    def write(self, data: Any) -> int:
        return len(data)


def _about(reference: Reference, wrong: str) -> Finding:
    """A final document is part of what makes a copy graded; the rest is named by whoever needs it."""
    invariant = "I2" if reference.key.startswith("finals/") else "I9"
    return Finding(invariant, reference.service, reference.subject, f"{reference.key} {wrong}")
