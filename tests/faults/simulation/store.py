"""An object store in memory, behind the product's own ``Objects``: it can be away, or answer too late to be heard."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime
from typing import Any, BinaryIO

import urllib3
from minio.error import S3Error

from chassis.objects import Objects
from contracts.objects import ObjectRef

ANSWER_LOST = 0.02


@dataclass(frozen=True)
class Entry:
    """Also what ``stat`` and ``list`` of the real client give: they have these names there."""

    object_name: str
    data: bytes
    last_modified: datetime
    told_at: datetime | None = None

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def metadata(self) -> dict[str, str]:
        """Headers of the answer: the store's own clock."""
        return {"Date": format_datetime(self.told_at)} if self.told_at else {}

    is_dir = False
    content_type = "application/octet-stream"

    # A download

    def stream(self, _: int) -> Iterator[bytes]:
        yield self.data

    def release_conn(self) -> None:
        """No connection."""

    close = release_conn


class Store:
    """The part of the S3 client that ``Objects`` uses. Listings are in the order of keys, as S3 promises."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.reset(random.Random(0), {})

    def reset(self, chance: random.Random, entries: Mapping[str, Entry]) -> None:
        self.chance = chance
        self.faulty = False
        self.up = True
        self.entries = dict(entries)

    def _reach(self) -> None:
        if not self.up:
            raise urllib3.exceptions.HTTPError("down")

    def _entry(self, key: str) -> Entry:
        self._reach()
        if key not in self.entries:
            raise S3Error(None, "NoSuchKey", "no such key", key, None, None)  # type: ignore[arg-type]
        return self.entries[key]

    def put_object(self, _: str, key: str, data: BinaryIO, size: int, **options: Any) -> None:
        self._reach()
        self.entries[key] = Entry(key, data.read(size), self._now())
        if self.faulty and self.chance.random() < ANSWER_LOST:
            raise urllib3.exceptions.HTTPError("the answer was lost")

    def get_object(self, _: str, key: str, offset: int = 0, length: int = 0) -> Entry:
        entry = self._entry(key)
        data = entry.data[offset : offset + length] if length else entry.data[offset:]
        return Entry(key, data, entry.last_modified)

    def stat_object(self, _: str, key: str) -> Entry:
        return replace(self._entry(key), told_at=self._now())

    def copy_object(self, _: str, key: str, source: Any, **options: Any) -> None:
        self.entries[key] = Entry(key, self._entry(source.object_name).data, self._now())

    def remove_object(self, _: str, key: str) -> None:
        self._reach()
        self.entries.pop(key, None)

    def list_objects(self, _: str, prefix: str = "", recursive: bool = False, **options: Any) -> Iterator[Entry]:
        self._reach()
        for key in sorted(self.entries):
            if key.startswith(prefix) and key in self.entries:
                yield self.entries[key]

    def bucket_exists(self, _: str) -> bool:
        self._reach()
        return True


class SimulatedObjects(Objects):
    """The product's object store client, speaking to ``Store`` instead of the network."""

    def __init__(self, store: Store) -> None:
        self.bucket = "simulated"
        self._client = self._probing = store  # type: ignore[assignment]

    def close(self) -> None:
        """Nothing is open."""


class AtHand:
    """Stands where a service keeps originals on disk: the bytes themselves go to the children."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    @contextmanager
    def at_hand(self, ref: ObjectRef) -> Iterator[bytes]:
        yield self._objects.get(ref)

    def close(self) -> None:
        """Nothing is kept."""
