"""Everything random in the product, from one seed: ids, tokens, and the time in ids."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from unittest.mock import patch

from chassis import ids


@contextmanager
def seeded(seed: int, now_ns: Callable[[], int]) -> Iterator[None]:
    """Inside, ``os.urandom``, ``secrets``, ``uuid4`` and ``uuid7`` repeat themselves for the same seed and clock."""
    source = random.Random(seed)
    with (
        patch.object(os, "urandom", source.randbytes),
        patch.object(random, "_urandom", source.randbytes),
        patch.object(ids, "time", SimpleNamespace(time_ns=now_ns)),
        patch.object(ids, "_last", 0),
    ):
        yield
