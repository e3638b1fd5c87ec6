"""Frames between a service and its child: a JSON head, then raw blobs; descriptors travel beside the first byte.

Never pickle: the child has parsed hostile bytes, and whatever it sends is data to be checked, not objects to be built.
Layout: head length (u32), head, blobs back to back; ``head["blobs"]`` lists their sizes in bytes.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any

PREFIX = struct.Struct(">I")
MAX_HEAD_BYTES = 8 << 20  # the head of a 5000 page scan is about 2 MiB
MAX_FILES = 16


class BadFrame(Exception):
    """The other end sent something that is not a frame, or a frame beyond its bounds."""


class Clock:
    """A deadline shared by every socket operation of one exchange; ``None`` waits without end (the child)."""

    def __init__(self, seconds: float | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds

    def arm(self, sock: socket.socket) -> None:
        """Give the next operation what is left. Python's time-out is per call: a trickle would never expire.

        Raises:
            TimeoutError: nothing is left.
        """
        if self._end is None:
            sock.settimeout(None)
            return
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)


def send(
    sock: socket.socket, head: dict[str, Any], blobs: Sequence[bytes], clock: Clock, files: Sequence[int] = ()
) -> None:
    """Write one frame. ``files`` are descriptors to hand over; they stay open on this side."""
    encoded = json.dumps({**head, "blobs": [len(blob) for blob in blobs]}, ensure_ascii=False).encode()
    if len(encoded) > MAX_HEAD_BYTES:
        raise BadFrame(f"head of {len(encoded)} bytes")
    prefix = PREFIX.pack(len(encoded))
    clock.arm(sock)
    if files:
        # The peer is idle and its buffer empty, so four bytes never block: eventlet has no green sendmsg.
        socket.send_fds(sock, [prefix], list(files))
    else:
        _send_all(sock, prefix, clock)
    for part in (encoded, *blobs):
        _send_all(sock, part, clock)


def receive(
    sock: socket.socket, clock: Clock, *, max_blob_bytes: int | None = None
) -> tuple[dict[str, Any], list[bytes]]:
    """Read one frame without descriptors.

    Raises:
        EOFError: the peer closed.
        BadFrame: not a frame, or more than ``max_blob_bytes`` in all its blobs together.
        TimeoutError: the clock ran out.
    """
    return _body(sock, _receive_exactly(sock, PREFIX.size, clock), clock, max_blob_bytes)


def receive_with_files(sock: socket.socket, clock: Clock) -> tuple[dict[str, Any], list[bytes], list[int]]:
    """Read one frame and the descriptors sent with it, which the caller must close. Child only (not green)."""
    clock.arm(sock)
    prefix, files, _, _ = socket.recv_fds(sock, PREFIX.size, MAX_FILES)
    if not prefix:
        raise EOFError
    prefix += _receive_exactly(sock, PREFIX.size - len(prefix), clock)
    head, blobs = _body(sock, prefix, clock, None)
    return head, blobs, files


def _body(
    sock: socket.socket, prefix: bytes, clock: Clock, max_blob_bytes: int | None
) -> tuple[dict[str, Any], list[bytes]]:
    (length,) = PREFIX.unpack(prefix)
    if length > MAX_HEAD_BYTES:
        raise BadFrame(f"head of {length} bytes")
    try:
        head = json.loads(_receive_exactly(sock, length, clock))
    except (ValueError, RecursionError) as error:
        raise BadFrame("head is not JSON") from error
    sizes = head.pop("blobs", None) if isinstance(head, dict) else None
    if not isinstance(sizes, list) or not all(type(size) is int and size >= 0 for size in sizes):
        raise BadFrame("head names no blob sizes")
    if max_blob_bytes is not None and sum(sizes) > max_blob_bytes:
        raise BadFrame(f"{sum(sizes)} bytes of blobs")
    return head, [_receive_exactly(sock, size, clock) for size in sizes]


def _send_all(sock: socket.socket, data: bytes, clock: Clock) -> None:
    view = memoryview(data)
    while view:
        clock.arm(sock)
        view = view[sock.send(view[: 1 << 20]) :]


def _receive_exactly(sock: socket.socket, size: int, clock: Clock) -> bytes:
    buffer = bytearray(size)
    view = memoryview(buffer)
    while view:
        clock.arm(sock)
        received = sock.recv_into(view)
        if not received:
            raise EOFError
        view = view[received:]
    return bytes(buffer)
