"""What goes on beside a test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Self


class Meanwhile:
    """While the block runs, each of ``acts`` is done again and again in a thread of its own, ``pause_s`` apart."""

    def __init__(self, acts: Iterable[Callable[[], object]], *, pause_s: float) -> None:
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._repeat, args=(act, pause_s)) for act in acts]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, act: Callable[[], object], pause_s: float) -> None:
        while not self._stopping.wait(pause_s):
            act()
