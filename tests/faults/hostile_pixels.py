"""The pixels of ingest, but a scan may carry a fault that its reader then has; used by ``hostile_ingest``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.ingest import pixels
from services.ingest.pixels import cut, full, turn  # noqa: F401  # tasks, unchanged

MARK = b"%%reader:"
FAULTS = {
    "hang": "hang",
    "burn": "burn",
    "memory bomb": "eat_memory",
    "segfault": "segfault",
    "fork bomb": "fork_bomb",
    "endless output": "chatter",
}
"""What a scan may be marked with, and the task of ``sandbox_tasks`` that does it."""


def inspect(files: Sequence[str], blob: bytes, *, max_sides: int) -> Any:
    """As the real one, unless the file ends with a fault."""
    tail = Path(files[0]).read_bytes()[-64:]
    if MARK in tail:
        from tests.faults import sandbox_tasks  # not in the process that only wants to know the names

        fault = tail.split(MARK)[1].split(b"\n")[0].decode()
        getattr(sandbox_tasks, FAULTS[fault])(list(files), blob)
    return pixels.inspect(files, blob, max_sides=max_sides)
