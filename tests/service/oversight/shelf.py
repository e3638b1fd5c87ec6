"""An object store in memory, behind the product's own ``Objects``, with a clock that tests set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, BinaryIO

from minio.error import S3Error

from chassis.objects import Objects


@dataclass(frozen=True)
class Entry:
    """An object, with the names the S3 client's answers have."""

    object_name: str
    data: bytes
    last_modified: datetime
    metadata: dict[str, str]
    content_type: str
    is_dir = False

    @property
    def size(self) -> int:
        return len(self.data)

    def stream(self, _: int) -> Iterator[bytes]:
        yield self.data

    def release_conn(self) -> None: ...

    def close(self) -> None: ...


class Shelf:
    """The part of the S3 client that ``Objects`` uses. ``before`` is called with the verb and the key of each call."""

    def __init__(self, entries: dict[str, tuple[bytes, datetime, str]] | None = None) -> None:
        self.entries = dict(entries or {})
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.before: Callable[[str, str], None] = lambda verb, key: None

    def _entry(self, verb: str, key: str) -> Entry:
        self.before(verb, key)
        if key not in self.entries:
            raise S3Error(None, "NoSuchKey", "no such key", key, None, None)  # type: ignore[arg-type]
        data, modified, media_type = self.entries[key]
        return Entry(key, data, modified, {"Date": format_datetime(self.now(), usegmt=True)}, media_type)

    def put_object(self, _: str, key: str, data: BinaryIO, size: int, *, content_type: str, **more: Any) -> None:
        self.before("put", key)
        self.entries[key] = (data.read(size), self.now(), content_type)

    def get_object(self, _: str, key: str, offset: int = 0, length: int = 0) -> Entry:
        found = self._entry("get", key)
        data = found.data[offset : offset + length] if length else found.data[offset:]
        return Entry(key, data, found.last_modified, found.metadata, found.content_type)

    def stat_object(self, _: str, key: str) -> Entry:
        return self._entry("stat", key)

    def copy_object(self, _: str, key: str, source: Any, **more: Any) -> None:
        found = self._entry("copy", source.object_name)
        self.entries[key] = (found.data, self.now(), found.content_type)

    def remove_object(self, _: str, key: str) -> None:
        self.before("delete", key)
        self.entries.pop(key, None)

    def list_objects(self, _: str, prefix: str = "", **more: Any) -> Iterator[Entry]:
        self.before("list", prefix)
        return iter([self._entry("listed", key) for key in sorted(self.entries) if key.startswith(prefix)])

    def bucket_exists(self, _: str) -> bool:
        return True


class ShelfObjects(Objects):
    """The product's client of the store, without a network."""

    def __init__(self, shelf: Shelf) -> None:
        self.bucket, self.shelf = "shelf", shelf
        self._client = shelf  # type: ignore[assignment]

    def close(self) -> None: ...
