"""Objects that nothing names: into the bin, later away, and out of the bin again should anything name them after all.

Nobody else deletes. An object is only moved when it is older than the grace, and ``Objects.put`` makes young again what
is put again, so an object whose row is still to come is never old. What remains is a put in the very moment of a move,
or a mistake of ours: that is what the bin is for. Every run begins and ends by putting back what is named and missing.

A run may be killed anywhere and may meet another: an object is copied before it is deleted, in both directions.
docs/adr/0011 says why it is done like this.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chassis import observe
from chassis.objects import ObjectMissing, Objects
from oversight.installation import Installation, now
from oversight.inventory import BIN, Inventory

GRACE = timedelta(hours=24)

log = observe.logger("oversight.garbage")


@dataclass
class Amount:
    objects: int = 0
    bytes: int = 0


def _amounts() -> dict[str, Amount]:
    return defaultdict(Amount)


@dataclass
class Collected:
    """What a run did, or would do, by kind of object: ``pages``, ``records``."""

    moved: dict[str, Amount] = field(default_factory=_amounts)
    removed: dict[str, Amount] = field(default_factory=_amounts)
    restored: dict[str, Amount] = field(default_factory=_amounts)
    in_bin: Amount = field(default_factory=Amount)

    def to_json(self) -> dict[str, Any]:
        parts = {"moved": self.moved, "removed": self.removed, "restored": self.restored}
        told: dict[str, Any] = {
            what: {kind: vars(amount) for kind, amount in sorted(kinds.items())} for what, kinds in parts.items()
        }
        return told | {"in_bin": vars(self.in_bin)}

    def __str__(self) -> str:
        lines = [
            f"{amount.objects:>9} {kind:<10} {amount.bytes:>15} bytes {words}"
            for words, kinds in (
                ("moved into the bin", self.moved),
                ("removed from the bin", self.removed),
                ("put back from the bin", self.restored),
            )
            for kind, amount in sorted(kinds.items())
        ]
        lines.append(f"{self.in_bin.objects:>9} objects    {self.in_bin.bytes:>15} bytes lie in the bin")
        return "\n".join(lines)


def collect(
    installation: Installation, *, grace: timedelta = GRACE, dry_run: bool = False, at: datetime | None = None
) -> Collected:
    """One run: put back, empty the bin of what has lain there for the grace, move what nothing names, put back.

    Args:
        installation: where; if one of its databases cannot be read, nothing is touched.
        grace: at least twice ``chassis.objects.RENEW_AFTER``, or an object may be collected while it is put again.
        dry_run: say what would be done, and do nothing.
        at: the time, when it is not the database's.

    Raises:
        Unavailable: a database or the store; whatever was done until then is whole.
    """
    done = Collected()
    with closing(Inventory()) as inventory:
        with installation.reading() as read:
            old = (at or now(read)) - grace
            inventory.list(installation)
            inventory.read_names(read)
        run = _Run(installation.objects, inventory, done, dry_run)
        run.restore()
        run.empty(old)
        run.move(old)
        if not dry_run:
            with installation.reading() as read:
                inventory.read_names(read)
            run.restore()
        done.in_bin = Amount(*inventory.in_bin())
    return done


def restore(installation: Installation) -> Collected:
    """Only put back what is named, missing and in the bin."""
    done = Collected()
    with installation.reading() as read, closing(Inventory()) as inventory:
        inventory.list(installation)
        inventory.read_names(read)
        _Run(installation.objects, inventory, done, dry_run=False).restore()
        done.in_bin = Amount(*inventory.in_bin())
    return done


@dataclass
class _Run:
    objects: Objects
    inventory: Inventory
    done: Collected
    dry_run: bool

    def restore(self) -> None:
        for key, size in self.inventory.to_restore():
            if not self.dry_run and (self.objects.stat(key) is not None or not self._copied(BIN + key, key)):
                continue  # somebody put it again, or another run was faster
            self._count(self.done.restored, key, size)
            self.inventory.appeared(key, size)
            log.warning("object_put_back", object_key=key)

    def empty(self, old: datetime) -> None:
        for key, size in self.inventory.to_remove(old):
            if not self.dry_run:
                self.objects.delete(BIN + key)
                self.inventory.vanished(BIN + key)
            self._count(self.done.removed, key, size)

    def move(self, old: datetime) -> None:
        for each in self.inventory.unnamed(old):
            if not self.dry_run:
                found = self.objects.stat(each.key)
                if found is None or found.modified >= old or not self._copied(each.key, BIN + each.key):
                    continue  # put again since it was listed, or another run was here
                self.objects.delete(each.key)
                self.inventory.vanished(each.key)
                self.inventory.appeared(BIN + each.key, each.size)
            self._count(self.done.moved, each.key, each.size)

    def _copied(self, source: str, target: str) -> bool:
        try:
            self.objects.copy(source, target)
        except ObjectMissing:
            return False
        return True

    def _count(self, amounts: dict[str, Amount], key: str, size: int) -> None:
        amount = amounts[key.partition("/")[0]]
        amount.objects += 1
        amount.bytes += size
