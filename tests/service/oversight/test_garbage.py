"""Nothing that is named is ever collected, whatever happens meanwhile; what nothing names goes after its time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from chassis import failpoints
from chassis.failpoints import Failpoint
from contracts.objects import ObjectRef
from oversight.garbage import Amount, Collected, collect, restore
from oversight.installation import Installation
from oversight.verify import verify
from tests.service.oversight.shelf import ShelfObjects

DAY = timedelta(hours=24)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Yard:
    """An installation whose clock is the test's, with a table that names objects."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        assert isinstance(installation.objects, ShelfObjects)
        self.objects, self.shelf = installation.objects, installation.objects.shelf
        self.hours = 0.0
        self.shelf.now = self.now
        # A roster file is read once and named by no row: it would be collected first of all.
        kept = {key: entry for key, entry in self.shelf.entries.items() if not key.startswith("rosters/")}
        self.shelf.entries = {key: (data, NOON, kind) for key, (data, _, kind) in kept.items()}

    def now(self) -> datetime:
        return NOON + timedelta(hours=self.hours)

    def put(self, data: bytes) -> ObjectRef:
        return self.objects.put("pages", data, "image/jpeg")

    def name(self, ref: ObjectRef) -> None:
        """A row names the object from now on."""
        with self.installation.databases["render"].transaction() as uow:
            uow.sql.execute(
                sa.text("INSERT INTO artefacts VALUES (:record, 1, :sha256, :size, :key, 1, 0, now())"),
                {"record": uuid4().hex * 2, "sha256": ref.sha256, "size": ref.size, "key": ref.key},
            )

    def collect(self, **options: Any) -> Collected:
        return collect(self.installation, grace=DAY, at=self.now(), **options)

    def has(self, ref: ObjectRef) -> bool:
        return ref.key in self.shelf.entries

    def in_bin(self, ref: ObjectRef) -> bool:
        return f"bin/{ref.key}" in self.shelf.entries

    def at(self, verb: str, key: str, act: Callable[[], object]) -> None:
        """Do something once, just before the store is asked for this."""

        def before(asked: str, about: str) -> None:
            if (asked, about) == (verb, key):
                self.shelf.before = lambda *_: None
                act()

        self.shelf.before = before


@pytest.fixture
def yard(installation: Installation) -> Yard:
    return Yard(installation)


pytestmark = pytest.mark.parametrize("own", [("render",)], indirect=True, ids=[""])


def test_what_is_named_is_never_touched(yard: Yard) -> None:
    before = {key: data for key, (data, *_) in yard.shelf.entries.items()}
    yard.hours = 1000
    done = yard.collect()
    assert (done.moved, done.restored) == ({}, {})
    assert {key: data for key, (data, *_) in yard.shelf.entries.items() if key in before} == before
    assert verify(yard.installation, settled_after_s=0, second_look_s=0, deep=True).ok


def test_an_orphan_goes_in_two_steps_each_after_the_grace(yard: Yard) -> None:
    orphan = yard.put(b"of a crashed upload")
    yard.hours = 23.9
    assert yard.collect().moved == {}
    yard.hours = 24.1
    assert yard.collect().moved == {"pages": Amount(1, 19)}
    assert (yard.has(orphan), yard.in_bin(orphan)) == (False, True)
    yard.hours = 48
    assert yard.collect().removed == {}
    assert yard.in_bin(orphan)
    yard.hours = 48.2
    assert yard.collect().removed == {"pages": Amount(1, 19)}
    assert not yard.in_bin(orphan)
    assert yard.collect().in_bin == Amount(0, 0)


def test_a_dry_run_says_what_would_be_done_and_does_nothing(yard: Yard) -> None:
    yard.put(b"of a crashed upload")
    yard.hours = 24.1
    before = dict(yard.shelf.entries)
    assert yard.collect(dry_run=True).moved == yard.collect(dry_run=True).moved == {"pages": Amount(1, 19)}
    assert yard.shelf.entries == before
    yard.collect()
    yard.hours = 50
    before = dict(yard.shelf.entries)
    assert yard.collect(dry_run=True).removed == {"pages": Amount(1, 19)}
    assert yard.shelf.entries == before


def test_bytes_put_again_are_young_again(yard: Yard) -> None:
    """Without that, the second upload of a file could lose it between its put and its row."""
    ref = yard.put(b"a scan that was refused")
    yard.hours = 24.1
    yard.put(b"a scan that was refused")
    assert yard.collect().moved == {}
    yard.name(ref)
    assert yard.has(ref)


def test_what_is_put_again_after_the_listing_stays(yard: Yard) -> None:
    ref = yard.put(b"scan")
    yard.hours = 24.1
    yard.at("stat", ref.key, lambda: yard.put(b"scan"))  # the collector's last look before it moves the object
    assert yard.collect().moved == {}
    assert yard.has(ref)


def test_what_is_named_after_the_listing_stays(yard: Yard) -> None:
    ref = yard.put(b"scan")
    yard.hours = 24.1
    yard.at("list", "", lambda: yard.name(ref))
    assert yard.collect().moved == {}
    assert yard.has(ref)


@pytest.mark.parametrize("verb", ["copy", "delete"])
def test_what_is_named_while_it_is_moved_is_put_back_by_the_same_run(yard: Yard, verb: str) -> None:
    ref = yard.put(b"scan")
    yard.hours = 24.1
    yard.at(verb, ref.key, lambda: yard.name(ref))
    assert yard.collect().restored == {"pages": Amount(1, 4)}
    assert yard.objects.get(ref) == b"scan"


def test_what_is_put_while_it_is_moved_and_named_later_is_put_back_by_the_next_run(yard: Yard) -> None:
    """The one moment that youth does not protect: renewed between the collector's last look and its delete."""
    ref = yard.put(b"scan")
    yard.hours = 24.1
    yard.at("delete", ref.key, lambda: yard.put(b"scan"))
    yard.collect()
    yard.name(ref)
    assert not yard.has(ref)
    assert not verify(yard.installation, settled_after_s=0, second_look_s=0).ok
    assert restore(yard.installation).restored == {"pages": Amount(1, 4)}
    assert yard.objects.get(ref) == b"scan"


def test_what_is_put_after_it_was_moved_is_sent_again(yard: Yard) -> None:
    ref = yard.put(b"scan")
    yard.hours = 24.1
    yard.collect()
    assert yard.put(b"scan") == ref
    yard.name(ref)
    yard.hours = 100
    yard.collect()
    assert yard.objects.get(ref) == b"scan"
    assert not yard.in_bin(ref)


def test_an_object_that_goes_while_it_is_renewed_is_sent_again(yard: Yard) -> None:
    ref = yard.put(b"scan")
    yard.hours = 24.1
    yard.at("copy", ref.key, lambda: yard.shelf.entries.pop(ref.key))
    assert yard.put(b"scan") == ref
    assert yard.has(ref)


class Killed(BaseException):
    """The collector's process ends here."""


def test_a_run_killed_between_copy_and_delete_loses_nothing_and_the_next_goes_on(yard: Yard) -> None:
    kept, gone = yard.put(b"named later"), yard.put(b"never named")
    yard.hours = 24.1

    def kill(point: Failpoint) -> None:
        if point is Failpoint.OBJECT_DELETING:
            raise Killed

    failpoints.watch(kill)
    try:
        with pytest.raises(Killed):
            yard.collect()
    finally:
        failpoints.watch(None)
    assert yard.has(kept)
    assert yard.has(gone)
    yard.name(kept)
    yard.collect()
    yard.hours = 60
    yard.collect()
    assert yard.objects.get(kept) == b"named later"
    assert not yard.has(gone)
    assert not any(key.startswith("bin/") for key in yard.shelf.entries)


@pytest.mark.parametrize("verb", ["stat", "copy", "delete"])
def test_two_collectors_at_once_do_the_work_of_one(yard: Yard, verb: str) -> None:
    orphan = yard.put(b"orphan")
    yard.hours = 24.1
    yard.at(verb, orphan.key, yard.collect)
    yard.collect()
    assert (yard.has(orphan), yard.in_bin(orphan)) == (False, True)
    yard.hours = 50
    yard.at("delete", f"bin/{orphan.key}", yard.collect)
    yard.collect()
    assert not yard.in_bin(orphan)


def test_two_collectors_put_back_what_is_named(yard: Yard) -> None:
    ref = yard.put(b"scan")
    yard.hours = 24.1
    yard.collect()
    yard.name(ref)
    yard.at("copy", f"bin/{ref.key}", yard.collect)
    yard.collect()
    assert yard.objects.get(ref) == b"scan"


def test_without_one_of_the_databases_nothing_is_touched(yard: Yard, postgres: Any) -> None:
    from chassis.db import Database
    from contracts.errors import Unavailable

    orphan = yard.put(b"orphan")
    yard.hours = 24.1
    away = Database("postgresql+psycopg://korrigo:wrong@127.0.0.1:1/none", service="ocr")
    broken = replace(yard.installation, databases={**yard.installation.databases, "ocr": away})
    with pytest.raises(Unavailable):
        collect(broken, grace=DAY, at=yard.now())
    assert yard.has(orphan)


def test_small_pages_collect_the_same(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oversight.inventory.PAGE", 2)
    for number in range(5):
        yard.put(b"orphan %d" % number)
    yard.hours = 24.1
    assert yard.collect().moved == {"pages": Amount(5, 40)}


def test_a_collection_on_a_real_store(installation: Installation, objects: Any) -> None:
    """Copies onto itself and into the bin are the store's to refuse; here it does not."""
    orphan = objects.put("pages", b"orphan" * 1000, "image/jpeg")
    assert isinstance(installation.objects, ShelfObjects)
    real = replace(installation, objects=objects)
    later = datetime.now(UTC) + timedelta(hours=25)
    assert collect(real, grace=DAY, at=later).moved == {"pages": Amount(1, 6000)}
    assert [each.key for each in objects.list()] == [f"bin/{orphan.key}"]
    assert collect(real, grace=DAY, at=later + DAY).removed == {"pages": Amount(1, 6000)}
    assert list(objects.list()) == []
