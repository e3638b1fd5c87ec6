"""Objects on local disk: fetched once, bounded, checked, and never left behind."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import pytest

from chassis.disk_cache import DiskCache
from chassis.objects import ObjectDamaged, ObjectMissing, Objects
from contracts.objects import ObjectRef

KB = 1024


class Watched:
    """A store that writes down what was fetched, and may be made to wait."""

    def __init__(self, store: Objects) -> None:
        self._store = store
        self.fetched: list[str] = []
        self.may_go = threading.Event()
        self.may_go.set()

    def fetch(self, ref: ObjectRef, file: IO[bytes]) -> None:
        self.fetched.append(ref.sha256)
        assert self.may_go.wait(10)
        self._store.fetch(ref, file)


@pytest.fixture
def store(objects: Objects) -> Watched:
    return Watched(objects)


@pytest.fixture
def cache(store: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DiskCache]:
    """Room for 100 KB."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    cache = DiskCache(store, max_bytes=100 * KB)  # type: ignore[arg-type]
    yield cache
    cache.close()


def put(objects: Objects, size_kb: int = 40) -> tuple[ObjectRef, bytes]:
    data = os.urandom(size_kb * KB)
    return objects.put("upload", data, "application/pdf"), data


def test_an_object_is_fetched_once_and_read_often(cache: DiskCache, store: Watched, objects: Objects) -> None:
    ref, data = put(objects)
    for _ in range(5):
        with cache.at_hand(ref) as path:
            assert path.read_bytes() == data
    assert store.fetched == [ref.sha256]


def test_those_who_want_it_at_the_same_time_fetch_it_once(cache: DiskCache, store: Watched, objects: Objects) -> None:
    ref, data = put(objects)
    store.may_go.clear()

    def read() -> bytes:
        with cache.at_hand(ref) as path:
            return path.read_bytes()

    with ThreadPoolExecutor(8) as threads:
        readings = [threads.submit(read) for _ in range(8)]
        store.may_go.set()
        assert [reading.result() for reading in readings] == [data] * 8
    assert store.fetched == [ref.sha256]


def test_greenlets_that_want_it_at_the_same_time_fetch_it_once() -> None:
    script = """
import eventlet; eventlet.monkey_patch()
from chassis.disk_cache import DiskCache
from contracts.objects import ObjectRef
fetched = []
class Store:
    def fetch(self, ref, file):
        fetched.append(ref); eventlet.sleep(0.05); file.write(b"paper")
cache = DiskCache(Store(), max_bytes=100)
ref = ObjectRef(key="upload/aa/" + "a" * 64, sha256="a" * 64, size=5, media_type="application/pdf")
def read():
    with cache.at_hand(ref) as path:
        eventlet.sleep(0.01)
        return path.read_bytes()
readers = [eventlet.spawn(read) for _ in range(5)]
assert [reader.wait() for reader in readers] == [b"paper"] * 5
assert len(fetched) == 1, fetched
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_the_least_recently_used_leaves_when_there_is_no_room(
    cache: DiskCache, store: Watched, objects: Objects
) -> None:
    first, second, third = (put(objects)[0] for _ in range(3))
    for ref in (first, second, first, third, first, second):  # the third finds 80 of 100 KB taken; the second leaves
        with cache.at_hand(ref):
            pass
    assert store.fetched == [ref.sha256 for ref in (first, second, third, second)]


def test_room_is_made_before_fetching_not_after(cache: DiskCache, objects: Objects, tmp_path: Path) -> None:
    for _ in range(2):
        with cache.at_hand(put(objects)[0]):
            pass
    with cache.at_hand(put(objects, 70)[0]):
        assert held(tmp_path) == 1  # with the others still there, 150 KB of 100 would be taken


def test_what_is_in_use_stays_and_one_larger_than_the_bound_is_kept(
    cache: DiskCache, store: Watched, objects: Objects
) -> None:
    used, used_data = put(objects)
    large, large_data = put(objects, 300)
    with cache.at_hand(used) as path:
        with cache.at_hand(large) as other:
            assert other.read_bytes() == large_data
        assert path.read_bytes() == used_data
    with cache.at_hand(large):
        pass
    assert store.fetched == [used.sha256, large.sha256]


def test_what_a_child_was_given_stays_readable_after_it_left_the_cache(cache: DiskCache, objects: Objects) -> None:
    ref, data = put(objects)
    with cache.at_hand(ref) as path:
        given = path.open("rb")
    with cache.at_hand(put(objects, 300)[0]):
        pass  # the first is gone now
    cache.close()
    with given:
        assert given.read() == data


def test_a_damaged_object_is_refused_and_asked_for_again(
    cache: DiskCache, store: Watched, objects: Objects, tmp_path: Path
) -> None:
    ref, data = put(objects)
    objects._client.put_object(objects.bucket, ref.key, io.BytesIO(data[::-1]), len(data))
    for _ in range(2):
        with pytest.raises(ObjectDamaged), cache.at_hand(ref):
            pytest.fail("handed out")
    objects.delete(ref.key)
    with pytest.raises(ObjectMissing), cache.at_hand(ref):
        pytest.fail("handed out")
    assert held(tmp_path) == 0
    objects.put("upload", data, "application/pdf")
    with cache.at_hand(ref) as path:
        assert path.read_bytes() == data
    assert store.fetched == [ref.sha256] * 4


def test_the_files_have_no_name_so_nothing_is_left_however_the_process_ends(
    cache: DiskCache, objects: Objects, tmp_path: Path
) -> None:
    with cache.at_hand(put(objects)[0]) as path:
        assert list(tmp_path.iterdir()) == []
        assert path.stat().st_nlink == 0


def held(directory: Path) -> int:
    """Files in ``directory`` that this process has open, with or without a name."""
    return sum(os.path.realpath(f"/proc/self/fd/{number}").startswith(str(directory))
               for number in os.listdir("/proc/self/fd"))  # fmt: skip
