"""The object store on a real S3 server, and on servers that misbehave."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pydantic
import pytest

from chassis.objects import PART, PROBE_TIMEOUT_S, ObjectDamaged, ObjectMissing, Objects
from chassis.processes import PORTS
from contracts.errors import Unavailable
from contracts.objects import ObjectRef


class Pipe(io.RawIOBase):
    """A body that cannot seek, as an HTTP request's."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._data.read(size)

    def seekable(self) -> bool:
        return False


def _absent(data: bytes = b"never put") -> ObjectRef:
    digest = hashlib.sha256(data).hexdigest()
    return ObjectRef(key=f"page/{digest[:2]}/{digest}", sha256=digest, size=len(data), media_type="image/png")


def test_an_object_is_named_by_its_digest_and_comes_back_whole(objects):
    data = os.urandom(100_000)
    ref = objects.put("page", data, "image/jpeg")
    digest = hashlib.sha256(data).hexdigest()
    assert ref == ObjectRef(key=f"page/{digest[:2]}/{digest}", sha256=digest, size=100_000, media_type="image/jpeg")
    assert objects.get(ref) == data
    assert objects.exists(ref)


@pytest.mark.parametrize("wrap", [bytes, io.BytesIO, Pipe])
def test_bytes_files_and_streams_give_the_same_object(objects, wrap):
    data = b"paper" * 50_000
    ref = objects.put("upload", wrap(data), "application/pdf")
    assert ref.sha256 == hashlib.sha256(data).hexdigest()
    assert objects.get(ref) == data


def test_a_file_is_read_from_where_it_stands_and_left_open(objects):
    file = io.BytesIO(b"header|body")
    file.seek(7)
    assert objects.get(objects.put("page", file, "text/plain")) == b"body"
    assert not file.closed


def test_a_large_file_goes_up_in_parts_and_comes_back(objects, tmp_path):
    source = tmp_path / "scan.pdf"
    source.write_bytes(os.urandom(PART * 2 + 12_345))
    with source.open("rb") as file:
        ref = objects.put("upload", file, "application/pdf")
    with (tmp_path / "back.pdf").open("wb") as file:
        objects.fetch(ref, file)
    assert (tmp_path / "back.pdf").read_bytes() == source.read_bytes()


def test_bytes_already_stored_are_not_sent_again(objects, monkeypatch):
    ref = objects.put("page", b"same", "text/plain")
    monkeypatch.setattr(objects._client, "put_object", lambda *_, **__: pytest.fail("sent twice"))
    assert objects.put("page", b"same", "text/plain") == ref


def test_bytes_of_some_age_are_renewed_when_they_are_put_again(objects, monkeypatch):
    """The store's own copy of an object onto itself: its bytes do not travel, and it is young again."""
    ref = objects.put("page", b"same", "text/plain")
    first = objects.stat(ref.key)
    monkeypatch.setattr("chassis.objects.RENEW_AFTER", timedelta(seconds=-1))
    monkeypatch.setattr(objects._client, "put_object", lambda *_, **__: pytest.fail("sent twice"))
    until = time.monotonic() + 10
    while objects.stat(ref.key).modified == first.modified and time.monotonic() < until:  # S3 tells whole seconds
        assert objects.put("page", b"same", "text/plain") == ref
    assert objects.stat(ref.key).modified > first.modified
    assert objects._client.stat_object(objects.bucket, ref.key).content_type == "text/plain"
    assert objects.get(ref) == b"same"


def test_a_copy_is_new_and_the_same(objects):
    ref = objects.put("page", b"paper", "image/jpeg")
    objects.copy(ref.key, f"bin/{ref.key}")
    assert [(each.key, each.size) for each in objects.list()] == [(f"bin/{ref.key}", 5), (ref.key, 5)]
    objects.delete(ref.key)
    assert objects.stat(ref.key) is None
    objects.copy(f"bin/{ref.key}", ref.key)
    assert objects.get(ref) == b"paper"
    with pytest.raises(ObjectMissing):
        objects.copy("page/nothing", "bin/nothing")


def test_the_empty_object_exists_too(objects):
    ref = objects.put("page", b"", "text/plain")
    assert objects.get(ref) == b""
    objects.delete(ref.key)
    with pytest.raises(ObjectMissing):
        objects.get(ref)


@pytest.mark.parametrize(("start", "length"), [(0, 10), (5, 10), (99_990, None), (0, None), (100_000, None), (7, 0)])
def test_a_part_of_an_object_is_streamed(objects, start, length):
    data = os.urandom(100_000)
    ref = objects.put("page", data, "image/png")
    with objects.open(ref, start, length) as chunks:
        assert b"".join(chunks) == data[start : None if length is None else start + length]


@pytest.mark.parametrize(("start", "length"), [(-1, None), (0, 5), (5, 0), (0, -1)])
def test_a_range_outside_the_object_is_refused(objects, start, length):
    ref = objects.put("page", b"1234", "image/png")
    with pytest.raises(ValueError, match="range"), objects.open(ref, start, length):
        pass


def test_a_reader_who_leaves_early_spoils_nothing(objects):
    big = objects.put("page", os.urandom(2_000_000), "image/png")
    small = objects.put("page", b"small", "text/plain")
    for _ in range(20):
        with objects.open(big) as chunks:
            next(chunks)
        assert objects.get(small) == b"small"


def test_a_missing_object_is_a_defect_and_not_an_outage(objects):
    ref = _absent()
    assert not objects.exists(ref)
    with pytest.raises(ObjectMissing, match=ref.key):
        objects.get(ref)
    with pytest.raises(ObjectMissing):
        objects.fetch(ref, io.BytesIO())


def test_changed_bytes_are_noticed(objects):
    ref = objects.put("page", b"true bytes", "text/plain")
    objects._client.put_object(objects.bucket, ref.key, io.BytesIO(b"fake bytes"), 10)
    with pytest.raises(ObjectDamaged):
        objects.get(ref)
    with pytest.raises(ObjectDamaged):
        objects.fetch(ref, io.BytesIO())


def test_a_file_that_changes_while_it_is_sent_is_not_kept(objects):
    class Changing(io.BytesIO):
        def seek(self, offset: int, whence: int = 0) -> int:
            self.getbuffer()[0:1] = b"X"
            return super().seek(offset, whence)

    with pytest.raises(ObjectDamaged):
        objects.put("page", Changing(b"0123456789"), "text/plain")
    assert list(objects.list()) == []


def test_listing_goes_by_prefix_in_order_and_deleting_twice_is_fine(objects):
    refs = [objects.put(kind, bytes([n]), "text/plain") for kind in ("page", "upload") for n in range(3)]
    assert [each.key for each in objects.list("page/")] == sorted(ref.key for ref in refs[:3])
    first = next(iter(objects.list("upload/")))
    assert (first.size, first.modified.utcoffset() is not None) == (1, True)
    objects.delete(first.key)
    objects.delete(first.key)
    assert len(list(objects.list())) == 5


def test_records_are_stored_as_json_and_equal_records_are_one_object(objects):
    class Manifest(pydantic.BaseModel):
        pages: int
        name: str

    ref = objects.put_json("manifest", Manifest(pages=2, name="é"))
    assert objects.put_json("manifest", Manifest(name="é", pages=2)) == ref
    assert objects.get_json(ref, Manifest) == Manifest(pages=2, name="é")
    assert ref.media_type == "application/json"


@pytest.mark.parametrize("kind", ["", "Page", "a/b", "../x", "page1"])
def test_a_kind_is_lower_case_letters(objects, kind):
    with pytest.raises(ValueError, match="kind"):
        objects.put(kind, b"x", "text/plain")


def test_a_wrong_key_or_bucket_is_an_outage_with_the_stores_reason(s3):
    stranger = Objects(s3.endpoint, s3.access_key, "wrong-secret", s3.bucket)
    with pytest.raises(Unavailable, match="object_store: AccessDenied"):
        stranger.put("page", b"x", "text/plain")
    nowhere = Objects(s3.endpoint, s3.access_key, s3.secret_key, "no-such-bucket")
    with pytest.raises(Unavailable, match="object_store: no such bucket"):
        nowhere.ping()


def test_no_store_is_an_outage():
    (port,) = PORTS.take(1)
    nowhere = Objects(f"127.0.0.1:{port}", "a", "b" * 8, "korrigo")
    for use in (nowhere.ping, lambda: nowhere.get(_absent()), lambda: nowhere.put("page", b"x", "text/plain")):
        with pytest.raises(Unavailable, match="object_store"):
            use()
    PORTS.release(port)


@contextmanager
def _server(answer: Callable[[BaseHTTPRequestHandler, int], None]) -> Iterator[str]:
    """An S3 endpoint that answers its n-th request (from 1) as told."""
    count = 0

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            nonlocal count
            count += 1
            answer(self, count)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _say(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", length: int | None = None) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)


def test_a_transient_error_is_retried_and_then_forgotten():
    def answer(handler: BaseHTTPRequestHandler, number: int) -> None:
        _say(handler, 503) if number == 1 else _say(handler, 200, b"never put")

    with _server(answer) as endpoint:
        assert Objects(endpoint, "a", "b" * 8, "korrigo").get(_absent()) == b"never put"


def test_retries_end():
    asked: list[int] = []

    def answer(handler: BaseHTTPRequestHandler, number: int) -> None:
        asked.append(number)
        _say(handler, 503)

    with _server(answer) as endpoint, pytest.raises(Unavailable, match="object_store"):
        Objects(endpoint, "a", "b" * 8, "korrigo").get(_absent())
    assert asked == [1, 2, 3]


def test_a_stream_cut_short_is_an_outage():
    def answer(handler: BaseHTTPRequestHandler, _: int) -> None:
        _say(handler, 200, b"never", length=9)
        handler.close_connection = True

    with _server(answer) as endpoint, pytest.raises(Unavailable, match="object_store"):
        Objects(endpoint, "a", "b" * 8, "korrigo").get(_absent())


def test_a_store_that_ignores_the_range_is_not_believed():
    def answer(handler: BaseHTTPRequestHandler, _: int) -> None:
        _say(handler, 200, b"never put")

    with (
        _server(answer) as endpoint,
        Objects(endpoint, "a", "b" * 8, "korrigo").open(_absent(), 0, 3) as chunks,
        pytest.raises(ObjectDamaged),
    ):
        b"".join(chunks)


def test_a_store_that_never_answers_is_an_outage_after_one_time_out():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        endpoint = f"127.0.0.1:{mute.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(Unavailable, match="object_store"):
            Objects(endpoint, "a", "b" * 8, "korrigo", read_timeout_s=1).get(_absent())
        assert time.monotonic() - started < 1.9  # a second wait would only be longer


def test_a_probe_is_brief_whatever_the_patience():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        endpoint = f"127.0.0.1:{mute.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(Unavailable, match="object_store"):
            Objects(endpoint, "a", "b" * 8, "korrigo").ping()
        assert time.monotonic() - started < PROBE_TIMEOUT_S + 1
