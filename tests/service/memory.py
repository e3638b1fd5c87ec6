"""How much memory something takes at its worst, of this process."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RESET_PEAK = "5"  # proc(5), clear_refs: the peak starts anew at what is resident now


class Peak:
    growth_mb = 0.0


@contextmanager
def growing() -> Iterator[Peak]:
    """``growth_mb``, after the block: by how much its peak exceeded what was resident before."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text(RESET_PEAK, encoding="ascii")
    before, peak = _resident_kb("VmRSS"), Peak()
    yield peak
    peak.growth_mb = (_resident_kb("VmHWM") - before) / 1024


def _resident_kb(which: str) -> int:
    found = re.search(rf"{which}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1])
