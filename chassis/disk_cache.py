"""Objects on local disk while a service works with them: fetched once, not once per task."""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from chassis.objects import Objects
from contracts.objects import ObjectRef


@dataclass(eq=False)
class _Kept:
    """``users``: how many read it now. ``file`` is set once the bytes are complete and checked."""

    size: int
    users: int = 0
    file: IO[bytes] | None = None
    fetching: threading.Lock = field(default_factory=threading.Lock)


class DiskCache:
    """A bounded cache of objects in files without a name: they vanish with the process, however it ends.

    Safe from threads and greenlets. Those who want the same object at the same time fetch it once. At most
    ``max_bytes`` stay; more only while they are in use at the same time, or for one object that is larger.
    """

    def __init__(self, objects: Objects, *, max_bytes: int) -> None:
        self._objects = objects
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def at_hand(self, ref: ObjectRef) -> Iterator[Path]:
        """The object as a path to be opened for reading, valid inside the block; what was opened stays readable.

        Raises:
            ObjectMissing, ObjectDamaged, Unavailable: as the store says; the next who asks tries again.
        """
        kept = self._take(ref)
        try:
            with kept.fetching:
                if kept.file is None:
                    kept.file = self._fetch(ref)
            yield Path(f"/proc/self/fd/{kept.file.fileno()}")
        finally:
            self._give_back(ref, kept)

    def close(self) -> None:
        """Give the disk back. For the end of the process: nobody may be inside ``at_hand``."""
        with self._lock:
            kept, self._kept = self._kept, OrderedDict()
        for each in kept.values():
            _discard(each)

    def _fetch(self, ref: ObjectRef) -> IO[bytes]:
        file = tempfile.TemporaryFile()  # noqa: SIM115  closed when it leaves the cache
        try:
            self._objects.fetch(ref, file)
            file.flush()
        except BaseException:
            file.close()
            raise
        return file

    def _take(self, ref: ObjectRef) -> _Kept:
        with self._lock:
            kept = self._kept.setdefault(ref.sha256, _Kept(ref.size))
            self._kept.move_to_end(ref.sha256)
            kept.users += 1
            self._make_room()
            return kept

    def _give_back(self, ref: ObjectRef, kept: _Kept) -> None:
        with self._lock:
            kept.users -= 1
            if kept.users == 0 and kept.file is None and self._kept.get(ref.sha256) is kept:
                del self._kept[ref.sha256]  # it could not be fetched
            self._make_room()

    def _make_room(self) -> None:
        total = sum(each.size for each in self._kept.values())
        for key, each in list(self._kept.items())[:-1]:  # the newest stays, whatever its size
            if total <= self._max_bytes:
                break
            if each.users == 0:
                del self._kept[key]
                total -= each.size
                _discard(each)


def _discard(kept: _Kept) -> None:
    if kept.file is not None:
        kept.file.close()
