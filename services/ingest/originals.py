"""Uploads on local disk while they are being split: fetched once, not once per chunk."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from chassis.objects import ObjectDamaged, Objects
from contracts.objects import ObjectRef


@dataclass
class _Kept:
    """``users``: how many read it now. ``file`` is set once the bytes are complete."""

    size: int
    users: int = 0
    file: IO[bytes] | None = None
    fetching: threading.Lock = field(default_factory=threading.Lock)


class Originals:
    """A bounded cache of uploads in files without a name: they vanish with the process, however it ends.

    Safe from threads and greenlets. Two who want the same upload at the same time fetch it once.
    """

    def __init__(self, objects: Objects, *, max_bytes: int) -> None:
        self._objects = objects
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def at_hand(self, ref: ObjectRef) -> Iterator[Path]:
        """The upload as a path to be opened for reading, valid inside the block."""
        kept = self._take(ref)
        try:
            with kept.fetching:
                if kept.file is None:
                    kept.file = self._fetch(ref)
            yield Path(f"/proc/self/fd/{kept.file.fileno()}")
        finally:
            self._give_back(kept)

    def close(self) -> None:
        with self._lock:
            kept, self._kept = self._kept, OrderedDict()
        for each in kept.values():
            if each.file is not None:
                each.file.close()

    def _fetch(self, ref: ObjectRef) -> IO[bytes]:
        file = tempfile.TemporaryFile()  # noqa: SIM115  closed when it leaves the cache
        digest = hashlib.sha256()
        try:
            with self._objects.open(ref) as chunks:
                for chunk in chunks:
                    digest.update(chunk)
                    file.write(chunk)
            file.flush()
            if digest.hexdigest() != ref.sha256:
                raise ObjectDamaged(ref.key)
        except BaseException:
            file.close()
            raise
        return file

    def _take(self, ref: ObjectRef) -> _Kept:
        with self._lock:
            kept = self._kept.setdefault(ref.sha256, _Kept(ref.size))
            self._kept.move_to_end(ref.sha256)
            kept.users += 1
            return kept

    def _give_back(self, kept: _Kept) -> None:
        with self._lock:
            kept.users -= 1
            total = sum(each.size for each in self._kept.values())
            for key, each in list(self._kept.items())[:-1]:  # the newest stays, whatever its size
                if total <= self._max_bytes:
                    break
                if each.users == 0:
                    del self._kept[key]
                    total -= each.size
                    if each.file is not None:
                        each.file.close()
