"""Does everything hold? Every invariant over the live databases and the store, without writing anything.

Subjects are looked at page by page. The system may work meanwhile: what looks wrong is looked at a second time after a
short wait, and told only if it is still wrong.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import IO, Any, cast

from chassis.invariants import Page, Subjects
from chassis.objects import ObjectDamaged, ObjectMissing
from contracts.objects import ObjectRef
from oversight import agreement, schema
from oversight.installation import SERVICES, Installation, subjects
from oversight.inventory import Inventory, Reference
from oversight.progress import Progress
from oversight.report import Finding, Report

PAGE = 1000
GRACE = timedelta(hours=24)


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
    run = _Run(installation, progress or Progress(), page, second_look_s, pause, until)
    complete = run.rows() and run.objects(deep=deep, strict=strict, grace=grace)
    report = run.progress.finish() if complete else run.progress.report
    report.complete = complete
    report.seconds = time.monotonic() - begun
    return report


@dataclass
class _Run:
    installation: Installation
    progress: Progress
    page: Page
    second_look_s: float
    pause: Callable[[float], None]
    until: float | None

    def rows(self) -> bool:
        """Schema and subjects of every service; whether there was time for all."""
        if self.progress.after("schema", "") is not None:
            self.progress.report.add(schema.look(self.installation))
            self.progress.moved("schema", "", done=True)
        return all(self._subjects(service, each) for service in SERVICES for each in subjects(service))

    def _subjects(self, service: str, group: Subjects) -> bool:
        what = f"{service}.{group.table}"
        looks = (*agreement.LOOKS.get((service, group.table), ()), *agreement.LOOKS.get(("", group.table), ()))
        after = self.progress.after(what, group.first)
        if not looks and not group.checks:
            return True
        while after is not None:
            if self._late():
                return False
            with self.installation.databases[service].reading() as sql:
                count, last = group.bounds(sql, after, PAGE)
            if count:
                page = replace(self.page, after=after, last=last)
                self._confirmed(lambda page=page: self._look(service, group, looks, page))  # type: ignore[misc]
            self.progress.report.checked[what] += count
            self.progress.moved(what, last, done=count < PAGE)
            after = last if count == PAGE else None
        return True

    def _look(
        self, service: str, group: Subjects, looks: tuple[tuple[str, agreement.Look], ...], page: Page
    ) -> Iterator[Finding]:
        with self.installation.databases[service].reading() as sql:
            for check in group.checks:
                for breach in group.breaches(sql, check, page):
                    yield Finding(check.invariant, service, *breach)
        for invariant, look in looks:
            for breach in look(self.installation, service, page):
                yield Finding(invariant, service, *breach)

    def _confirmed(self, look: Callable[[], Iterator[Finding]]) -> None:
        found = list(look())
        if found:
            self.pause(self.second_look_s)
            again = set(look())
            self.progress.report.add(each for each in found if each in again)

    def _late(self) -> bool:
        return self.until is not None and time.monotonic() > self.until

    def objects(self, *, deep: bool, strict: bool, grace: timedelta) -> bool:
        """The store against what names its objects; whether there was time for all."""
        if self._late():
            return False
        inventory = Inventory()
        try:
            old = self.installation.now() - grace
            inventory.list(self.installation)
            inventory.read_names(self.installation)
            self._missing(inventory)
            report = self.progress.report
            unnamed = [each for each in inventory.unnamed() if each.modified < old]
            notes = [Finding("I9", "objects", each.key, "nothing names it") for each in unnamed]
            report.add(notes) if strict else report.notes.extend(notes)
            report.checked["objects.stored"], report.checked["objects.named"] = inventory.count()
            return not deep or self._bytes(inventory)
        finally:
            inventory.close()

    def _missing(self, inventory: Inventory) -> None:
        found = [each for each in inventory.missing() if not self._is_there(each)]
        self.progress.report.add(_about(each, "is not in the store in its size") for each in found)

    def _is_there(self, named: Reference) -> bool:
        found = self.installation.objects.stat(named.key)
        return found is not None and found.size == named.size

    def _bytes(self, inventory: Inventory) -> bool:
        after = self.progress.after("objects.bytes", "") or ""
        for each in inventory.named(after):
            if self._late():
                return False
            try:
                ref = ObjectRef(key=each.key, sha256=each.key[-64:], size=each.size, media_type="")
                self.installation.objects.fetch(ref, cast(IO[bytes], _Nowhere()))
            except ObjectDamaged:
                self.progress.report.add([_about(each, "has other bytes than its name says")])
            except ObjectMissing:
                pass  # told already
            self.progress.report.checked["objects.bytes"] += 1
            self.progress.moved("objects.bytes", each.key, done=False)
        return True


class _Nowhere(io.RawIOBase):
    """Takes bytes and keeps none: ``fetch`` compares their digest on the way."""

    def write(self, data: Any) -> int:
        return len(data)


def _about(reference: Reference, wrong: str) -> Finding:
    """A final document is part of what makes a copy graded; the rest is named by whoever needs it."""
    invariant = "I2" if reference.key.startswith("finals/") else "I9"
    return Finding(invariant, reference.service, reference.subject, f"{reference.key} {wrong}")
