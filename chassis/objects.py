"""The object store: immutable objects named by their own digest, behind a few verbs.

Nothing here needs more of S3 than put, get with a range, head, copy, delete and list, so any S3 will do.
"""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import IO, BinaryIO, Protocol, Self, TypeVar, cast

import pydantic
import urllib3
from minio import Minio
from minio.commonconfig import REPLACE, CopySource
from minio.error import MinioException, S3Error
from urllib3.connectionpool import ConnectionPool

from chassis.failpoints import Failpoint, reached
from contracts.errors import Unavailable
from contracts.objects import ObjectRef

M = TypeVar("M", bound=pydantic.BaseModel)

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 30.0
INTERACTIVE_READ_TIMEOUT_S = 4.0
"""For a process that answers people. It and the connection's 5 s are never added: what has failed once is not asked."""
PROBE_TIMEOUT_S = 2.0
CHUNK = 256 * 1024
RENEW_AFTER = timedelta(hours=12)
"""Put again, an object of this age is young again: what is being put now is never old enough to be collected."""
PART = 16 * 1024 * 1024  # an upload's share of memory; 10 000 parts of it are 156 GiB
_SPOOL = 4 * 1024 * 1024
_KIND = re.compile(r"[a-z]+")
_ABSENT = {"NoSuchKey", "NoSuchObject"}


class ObjectMissing(Exception):
    """The store does not have an object that a row or message refers to: a defect, never retried."""


class ObjectDamaged(Exception):
    """The bytes in the store are not those that were put: size or digest differ. A defect, never retried."""


@dataclass(frozen=True)
class StoredObject:
    """One entry of a listing; ``size`` in bytes."""

    key: str
    size: int
    modified: datetime


class StoreSettings(Protocol):
    """The part of the settings that says where the store is; ``chassis.settings.StoreUser`` has it."""

    @property
    def s3_endpoint(self) -> str: ...
    @property
    def s3_access_key(self) -> str: ...
    @property
    def s3_secret_key(self) -> str: ...
    @property
    def s3_bucket(self) -> str: ...
    @property
    def s3_secure(self) -> bool: ...
    @property
    def s3_region(self) -> str: ...


class Objects:
    """One bucket. Safe to share between threads or greenthreads; not across a fork.

    Every verb raises ``Unavailable("object_store")`` when the store cannot be reached, is too slow or refuses us.
    """

    def __init__(
        self,
        endpoint: str,
        access_key: str,
        secret_key: str,
        bucket: str,
        *,
        secure: bool = False,
        region: str = "us-east-1",
        read_timeout_s: float = READ_TIMEOUT_S,
    ) -> None:
        self.bucket = bucket
        self._pool = urllib3.PoolManager(
            maxsize=16,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=read_timeout_s),
            # Our puts may be repeated: the key is the digest. POST (multipart) is not in the list.
            retries=_Retry(
                total=2,
                connect=0,  # the bus and the person try again; a second wait of 5 s would only be longer
                read=1,
                redirect=0,
                status_forcelist=(500, 502, 503, 504),
                allowed_methods=("GET", "HEAD", "PUT", "DELETE"),
                backoff_factor=0.2,
                raise_on_status=False,
            ),
        )
        self._probes = urllib3.PoolManager(maxsize=1, timeout=PROBE_TIMEOUT_S, retries=False)

        def client(pool: urllib3.PoolManager) -> Minio:
            return Minio(
                endpoint,
                access_key=access_key,
                secret_key=secret_key,
                secure=secure,
                region=region,  # given, or each bucket would first be asked where it is
                http_client=pool,
            )

        self._client, self._probing = client(self._pool), client(self._probes)

    @classmethod
    def of(cls, settings: StoreSettings, *, read_timeout_s: float = READ_TIMEOUT_S) -> Objects:
        return cls(
            settings.s3_endpoint,
            settings.s3_access_key,
            settings.s3_secret_key,
            settings.s3_bucket,
            secure=settings.s3_secure,
            region=settings.s3_region,
            read_timeout_s=read_timeout_s,
        )

    def put(self, kind: str, data: bytes | BinaryIO, media_type: str) -> ObjectRef:
        """Store bytes under ``<kind>/<first two of digest>/<digest>``; bytes already there are not sent again.

        An object of some age is renewed all the same: until a row names it, only its youth protects it.

        Args:
            kind: lower-case letters; what the object is (``uploads``, ``pages``, ``manifests``).
            data: bytes, or a binary file read to its end from where it stands. A file that cannot seek is spooled to
                disk first, since the key is its digest. The file is not closed.
            media_type: stored with the object and served with it.
        """
        if not _KIND.fullmatch(kind):
            raise ValueError("an object's kind is made of lower-case letters")
        if isinstance(data, bytes):
            return self._put(kind, io.BytesIO(data), hashlib.sha256(data).hexdigest(), len(data), media_type)
        if data.seekable():
            start = data.tell()
            digest, size = _measure(data)
            data.seek(start)
            return self._put(kind, data, digest, size, media_type)
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL) as spool:
            sha256 = hashlib.sha256()
            while chunk := data.read(CHUNK):
                sha256.update(chunk)
                spool.write(chunk)
            size = spool.tell()
            spool.seek(0)
            return self._put(kind, cast(BinaryIO, spool), sha256.hexdigest(), size, media_type)

    def _put(self, kind: str, data: BinaryIO, digest: str, size: int, media_type: str) -> ObjectRef:
        ref = ObjectRef(key=f"{kind}/{digest[:2]}/{digest}", sha256=digest, size=size, media_type=media_type)
        reached(Failpoint.OBJECT_STORING)
        if self._renewed(ref):
            return ref
        counted = _Hashing(data)
        with _failures_named(ref.key):
            self._client.put_object(
                self.bucket,
                ref.key,
                cast(BinaryIO, counted),
                size,
                content_type=media_type,
                part_size=PART,
                num_parallel_uploads=1,  # one part in memory, and none is begun after one has failed
            )
        if counted.digest() != digest:  # the file changed between the two readings
            self.delete(ref.key)
            raise ObjectDamaged(ref.key)
        reached(Failpoint.OBJECT_STORED)
        return ref

    def _renewed(self, ref: ObjectRef) -> bool:
        """Whether the object is there in full, and young. Its age is told by the store's own clock."""
        try:
            with _failures_named(ref.key):
                found = self._client.stat_object(self.bucket, ref.key)
                if found.size != ref.size:
                    return False
                told = (found.metadata or {}).get("Date")
                modified = cast(datetime, found.last_modified)
                if told is None or parsedate_to_datetime(told) - modified > RENEW_AFTER:
                    self.copy(ref.key, ref.key)
                return True
        except ObjectMissing:  # also when it was collected between the two
            return False

    def get(self, ref: ObjectRef) -> bytes:
        """The whole object, checked against its size and digest. For small objects: it is held in memory."""
        with self.open(ref) as chunks:
            data = b"".join(chunks)
        if len(data) != ref.size or hashlib.sha256(data).hexdigest() != ref.sha256:
            raise ObjectDamaged(ref.key)
        return data

    @contextmanager
    def open(self, ref: ObjectRef, start: int = 0, length: int | None = None) -> Iterator[Iterator[bytes]]:
        """Stream ``length`` bytes (default: to the end) from byte ``start``, in chunks of at most 256 KiB.

        The amount is checked, the digest is not: a reader may want only a part. Errors may come with any chunk.
        """
        if start < 0 or (length is not None and length < 0) or start + (length or 0) > ref.size:
            raise ValueError("the range lies outside the object")
        expected = ref.size - start if length is None else length
        if expected == 0:  # S3 cannot say "no bytes"; an empty object must still be there
            self._require(ref)
            yield iter(())
            return
        ranged = start > 0 or expected < ref.size
        with _failures_named(ref.key):
            response = self._client.get_object(self.bucket, ref.key, offset=start, length=expected if ranged else 0)
        finished = False

        def chunks() -> Iterator[bytes]:
            nonlocal finished
            seen = 0
            with _failures_named(ref.key):
                for chunk in response.stream(CHUNK):
                    seen += len(chunk)
                    yield chunk
            if seen != expected:
                raise ObjectDamaged(ref.key)
            finished = True

        try:
            yield chunks()
        finally:
            if finished:
                response.release_conn()
            else:
                response.close()  # unread bytes would spoil the connection for the next request

    def fetch(self, ref: ObjectRef, file: IO[bytes]) -> None:
        """Write the object into ``file`` and check its digest; after an error the file holds nothing of use."""
        sha256 = hashlib.sha256()
        with self.open(ref) as chunks:
            for chunk in chunks:
                sha256.update(chunk)
                file.write(chunk)
        if sha256.hexdigest() != ref.sha256:
            raise ObjectDamaged(ref.key)

    def exists(self, ref: ObjectRef) -> bool:
        """Whether the object is there in its full size."""
        found = self.stat(ref.key)
        return found is not None and found.size == ref.size

    def stat(self, key: str) -> StoredObject | None:
        """What a listing would say of this key."""
        try:
            with _failures_named(key):
                found = self._client.stat_object(self.bucket, key)
        except ObjectMissing:
            return None
        return StoredObject(key, found.size or 0, cast(datetime, found.last_modified))

    def copy(self, source: str, target: str) -> None:
        """Let the store copy an object, which makes the copy new; onto itself it renews the object.

        Raises:
            ObjectMissing: there is nothing at ``source``.
        """
        with _failures_named(source):
            # S3 refuses a copy onto itself that changes nothing. That the metadata is replaced counts as a change.
            media_type = self._client.stat_object(self.bucket, source).content_type
            metadata: dict[str, str | list[str] | tuple[str]] = {"Content-Type": media_type or ""}
            self._client.copy_object(
                self.bucket, target, CopySource(self.bucket, source), metadata=metadata, metadata_directive=REPLACE
            )

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is fine."""
        reached(Failpoint.OBJECT_DELETING)
        try:
            with _failures_named(key):
                self._client.remove_object(self.bucket, key)
        except ObjectMissing:
            return

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Every object whose key begins with ``prefix``, in the order of keys; asks page by page."""
        with _failures_named(prefix):
            for entry in self._client.list_objects(self.bucket, prefix=prefix, recursive=True):
                if not entry.is_dir:
                    yield StoredObject(str(entry.object_name), entry.size or 0, cast(datetime, entry.last_modified))

    def get_json(self, ref: ObjectRef, model: type[M]) -> M:
        return model.model_validate_json(self.get(ref))

    def put_json(self, kind: str, model: pydantic.BaseModel) -> ObjectRef:
        """Store a record as JSON. Equal records give the same object: fields keep the order of their class."""
        return self.put(kind, model.model_dump_json().encode(), "application/json")

    def ensure_bucket(self) -> None:
        """Create the bucket if it is not there; for set-up, a service never calls it."""
        with _failures_named(self.bucket):
            if not self._client.bucket_exists(self.bucket):
                self._client.make_bucket(self.bucket)

    def ping(self) -> None:
        """``Unavailable`` when the store does not answer, refuses us or has no such bucket. Asks once, for 2 s."""
        with _failures_named(self.bucket):
            found = self._probing.bucket_exists(self.bucket)
        if not found:
            raise Unavailable("object_store", "no such bucket")

    def close(self) -> None:
        self._pool.clear()
        self._probes.clear()

    def _require(self, ref: ObjectRef) -> None:
        if not self.exists(ref):
            raise ObjectMissing(ref.key)


class _Retry(urllib3.Retry):
    """Repeats what broke, never what was waited for in vain: the second wait would be as long as the first."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: urllib3.BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        if isinstance(error, urllib3.exceptions.TimeoutError):
            raise error
        return super().increment(method, url, response, error, _pool, _stacktrace)


class _Hashing(io.RawIOBase):
    """Reads through to ``source`` and hashes what passes."""

    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._source = source
        self._sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._source.read(size)
        self._sha256.update(chunk)
        return chunk

    def digest(self) -> str:
        return self._sha256.hexdigest()


def _measure(file: BinaryIO) -> tuple[str, int]:
    """Digest and number of bytes from here to the end."""
    sha256 = hashlib.sha256()
    size = 0
    while chunk := file.read(CHUNK):
        sha256.update(chunk)
        size += len(chunk)
    return sha256.hexdigest(), size


@contextmanager
def _failures_named(key: str) -> Iterator[None]:
    try:
        yield
    except S3Error as error:
        if error.code in _ABSENT:
            raise ObjectMissing(key) from error
        raise Unavailable("object_store", error.code or "refused") from error
    except (MinioException, urllib3.exceptions.HTTPError) as error:
        raise Unavailable("object_store", type(error).__name__) from error
