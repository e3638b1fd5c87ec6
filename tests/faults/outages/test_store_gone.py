"""The object store away for a minute, and its disk full: what was acknowledged ends well, the rest is told."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chassis.testing.servers import ObjectStore, Postgres, workspace
from contracts.objects import ObjectRef
from demo.client import JSON, ApiRefused, Client
from tests.faults.figures import report
from tests.faults.outages.careful import CarefulJourney, finish, journey_of
from tests.faults.outages.ground import Ground, ground
from tests.story.journey import MARKERS, PASSWORD, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]

AWAY_S = 60.0
SETTLED_WITHIN_S = 120.0
DISK_MB = 192
LEFT_FREE = 256 * 1024  # bytes: a record may still fit, a scan or a document does not


@dataclass
class SmallDisk:
    """The store's directory; a file system of its own where ``reason`` is empty."""

    path: Path
    reason: str

    def free(self) -> int:
        found = os.statvfs(self.path)
        return found.f_bavail * found.f_frsize

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        ballast = self.path / "ballast"
        try:
            with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while (room := self.free() - LEFT_FREE) > 0:
                    file.write(bytes(min(room, 1 << 20)))
            yield
        finally:
            ballast.unlink()


@pytest.fixture(scope="module")
def disk() -> Iterator[SmallDisk]:
    with workspace("disk") as path:
        mounting = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0711", "tmpfs", str(path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        reason = "" if mounting.returncode == 0 else f"a small disk cannot be mounted here: {mounting.stderr.strip()}"
        try:
            yield SmallDisk(path, reason)
        finally:
            if not reason:
                subprocess.run(["umount", "--lazy", str(path)], check=True)


@pytest.fixture(scope="module")
def own_store(disk: SmallDisk) -> Iterator[ObjectStore]:
    with ObjectStore(disk.path / "s3", durable=True) as server:
        yield server


@pytest.fixture(scope="module")
def own_ground(
    postgres: Postgres, vhost: str, own_store: ObjectStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    with ground("store_gone", postgres, vhost, own_store, tmp_path_factory.mktemp("store_gone")) as built:
        yield built


@pytest.fixture(scope="module")
def figures() -> Iterator[JSON]:
    found: JSON = {}
    yield found
    report("outages_store", found)


class Doing(threading.Thread):
    """One person's work, which may last as long as the outage; its failure is raised where it is waited for."""

    def __init__(self, work: Any) -> None:
        super().__init__(daemon=True)
        self._work = work
        self.result: Any = None
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:
            self.error = error

    def wait(self, timeout_s: float) -> Any:
        self.join(timeout_s)
        assert not self.is_alive(), "still at work"
        if self.error is not None:
            raise self.error
        return self.result


def _at_the_desk(ground: Ground, title: str, seed: int) -> CarefulJourney:
    journey = journey_of(ground, title, 2, seed=seed)
    journey.open(ground.admin_password)
    journey.finish_upload(journey.start_upload())
    journey.assemble()
    journey.identify()
    journey.allocate()
    return journey


def test_a_store_that_was_away_for_a_minute_has_cost_nothing_but_time(
    own_ground: Ground, own_store: ObjectStore, figures: JSON
) -> None:
    marked = _at_the_desk(own_ground, "Corrigée", 1)
    early, late = (journey_of(own_ground, title, 2, seed=seed) for title, seed in (("Tôt", 2), ("Tard", 3)))
    for journey in (early, late):
        journey.open(own_ground.admin_password)
    pids = own_ground.system.pids()
    first, second = marked.markers
    (first_copy,), (second_copy,) = (
        [copy["id"] for copy in marker.items(f"/exams/{marked.exam}/copies")] for marker in (first, second)
    )
    finalising = marked.mark(first, first_copy)
    splitting = early.start_upload()
    own_store.kill()
    gone = time.monotonic()
    marking = Doing(lambda: marked.mark(second, second_copy))
    uploading = Doing(late.start_upload)
    until(lambda: second_copy in marked.totals, "scores written while the store is away", 30)
    Client(own_ground.base).sign_in(MARKERS[0], PASSWORD)
    time.sleep(max(0.0, AWAY_S - (time.monotonic() - gone)))  # the outage itself
    assert marking.is_alive(), "a finalisation was acknowledged whose record cannot have been stored"
    assert uploading.is_alive(), "an upload was acknowledged that cannot have been stored"
    own_store.start()
    back = time.monotonic()
    jobs = [finalising, splitting, marking.wait(SETTLED_WITHIN_S), uploading.wait(SETTLED_WITHIN_S)]
    ended = [marked.admin.wait(job, timeout_s=SETTLED_WITHIN_S) for job in jobs]
    settled_s = time.monotonic() - back
    assert [job["status"] for job in ended] == ["succeeded"] * 4
    finish(marked)
    for journey in (early, late):
        booklets = journey.admin.items(f"/exams/{journey.exam}/booklets")
        assert [len(booklet["pages"]) for booklet in booklets] == [4, 4]
    assert own_ground.system.pids() == pids
    figures |= {"away_s": AWAY_S, "settled_s": settled_s}
    assert settled_s < SETTLED_WITHIN_S


def test_a_full_disk_refuses_what_is_new_and_keeps_what_it_has(
    own_ground: Ground, own_store: ObjectStore, disk: SmallDisk, figures: JSON
) -> None:
    if disk.reason:
        pytest.skip(disk.reason)
    marked = _at_the_desk(own_ground, "Disque plein", 4)
    late = journey_of(own_ground, "Trop tard", 2, seed=5)
    late.open(own_ground.admin_password)
    pids = own_ground.system.pids()
    kept = {stored.key: stored.size for stored in own_ground.objects.list()}
    first, second = marked.markers
    (first_copy,), (second_copy,) = (
        [copy["id"] for copy in marker.items(f"/exams/{marked.exam}/copies")] for marker in (first, second)
    )
    with disk.full():
        with pytest.raises(ApiRefused) as refused:
            Client(own_ground.base).sign_in("admin", own_ground.admin_password).post(
                f"/exams/{late.exam}/uploads", files={"file": ("pile.pdf", late.pile.pdf, "application/pdf")}
            )
        assert (refused.value.status, refused.value.problem["dependency"]) == (503, "object_store")
        marking = Doing(lambda: marked.mark(first, first_copy))
        until(lambda: first_copy in marked.totals, "scores written while the disk is full", 30)
        assert len(_page(marked.admin, second_copy)) > 1000, "reading goes on"
        # Acknowledged or not yet: it is not graded, since its document cannot have been stored.
        assert marked.admin.get(f"/copies/{first_copy}")["status"] in {"LOCKED", "GRADING_IN_PROGRESS"}
    freed = time.monotonic()
    jobs = [marking.wait(SETTLED_WITHIN_S), marked.mark(second, second_copy)]
    splitting = late.start_upload()
    ended = [marked.admin.wait(job, timeout_s=SETTLED_WITHIN_S) for job in (*jobs, splitting)]
    figures["settled_after_full_disk_s"] = time.monotonic() - freed
    assert [job["status"] for job in ended] == ["succeeded"] * 3
    finish(marked)
    assert own_ground.system.pids() == pids
    for key, size in kept.items():  # every write that was acknowledged before reads back whole
        own_ground.objects.get(_ref(key, size))


def _page(client: Client, copy_id: str) -> bytes:
    return client.call("GET", f"/copies/{copy_id}/pages/1").content


def _ref(key: str, size: int) -> ObjectRef:
    return ObjectRef(key=key, sha256=key.rsplit("/", 1)[-1], size=size, media_type="application/octet-stream")
