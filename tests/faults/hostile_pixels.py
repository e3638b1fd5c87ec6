"""The pixels of ingest, but a scan may carry a fault that its reader then has; used by ``hostile_ingest``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.ingest import pixels
from services.ingest.pixels import cut, full, turn  # noqa: F401  # tasks, unchanged
from tests.faults import sandbox_tasks

MARK = b"%%reader:"


def fork_bomb(_files: list[str], _blob: bytes) -> Any:
    while True:
        os.fork()


FAULTS = {
    "hang": sandbox_tasks.hang,
    "burn": sandbox_tasks.burn,
    "memory bomb": sandbox_tasks.eat_memory,
    "segfault": sandbox_tasks.segfault,
    "fork bomb": fork_bomb,
    "endless output": sandbox_tasks.chatter,
}


def inspect(files: Sequence[str], blob: bytes, *, max_sides: int) -> Any:
    """As the real one, unless the file ends with a fault."""
    tail = Path(files[0]).read_bytes()[-64:]
    if MARK in tail:
        FAULTS[tail.split(MARK)[1].split(b"\n")[0].decode()](list(files), blob)
    return pixels.inspect(files, blob, max_sides=max_sides)
