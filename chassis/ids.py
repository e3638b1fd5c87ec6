"""Identifiers that sort by the time they were made."""

from __future__ import annotations

import secrets
import threading
import time
from uuid import UUID

_lock = threading.Lock()
_last = 0


def uuid7() -> UUID:
    """Time-ordered UUID (RFC 9562, version 7): strictly increasing within a process, close to it between processes.

    48 bits of milliseconds, then 12 bits of the millisecond's fraction (method 3 of section 6.2), then 62 random bits.
    """
    global _last
    with _lock:
        # 4096 steps a millisecond; a clock set back repeats the last step plus one until it has caught up
        _last = max(_last + 1, time.time_ns() * 4096 // 1_000_000)
        stamp = _last
    milliseconds, fraction = divmod(stamp, 4096)
    return UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | secrets.randbits(62))
