"""What the clients were told, kept by the clients: against this the end is checked."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import requests

from demo.client import JSON, ApiRefused
from tests.story.journey import LOST, PatientClient, worth_asking_again


@dataclass(frozen=True)
class Entry:
    """One request with all its tries, and the one answer that ended it.

    Attributes:
        status: ``None`` when no try was answered; then, too, it may have had its effect.
        answer: the JSON, or ``{"sha256": …}`` of other bytes.
        sent, ended: monotonic seconds, of the first try and of the answer.
        tries: more than one when answers were lost or the system said 503.
    """

    who: str
    method: str
    path: str
    body: JSON
    status: int | None
    answer: JSON
    sent: float
    ended: float
    tries: int = 1

    @property
    def acknowledged(self) -> bool:
        return self.status is not None and self.status < 300

    @property
    def uncertain(self) -> bool:
        """It may have had its effect all the same: unanswered, or refused because a lost try had succeeded."""
        return self.status is None or (self.tries > 1 and not self.acknowledged)


@dataclass
class History:
    """All entries in the order of their answers; ``writes`` of them are acknowledged ones. Any thread may add."""

    entries: list[Entry] = field(default_factory=list)
    writes: int = 0
    retries: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, entry: Entry) -> None:
        with self._lock:
            self.entries.append(entry)
            self.writes += entry.acknowledged and entry.method != "GET"
            self.retries += entry.tries - 1

    def of(self, method: str, pattern: str) -> Iterator[tuple[Entry, str]]:
        """Entries of one operation with the first id in their path; in ``pattern`` ``*`` stands for an id.

        As method ``*`` is any write.
        """
        for entry in self.entries:
            fits = entry.method == method or (method == "*" and entry.method != "GET")
            if fits and (found := _compiled(pattern).fullmatch(entry.path)):
                yield entry, found.group(1) if found.lastindex else ""

    def acknowledged(self, method: str, pattern: str) -> Iterator[tuple[Entry, str]]:
        return ((entry, found) for entry, found in self.of(method, pattern) if entry.acknowledged)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", "([0-9a-f-]{36})"))


class GaveUp(Exception):
    """The system did not answer for longer than a patient client waits."""


class Witness(PatientClient):
    """A patient client that writes down how each request ended.

    ``noted`` is written down in the place of a body that is a file.
    """

    patience_s = 600.0
    pause_s = 0.2

    def __init__(self, base: str, history: History, who: str) -> None:
        super().__init__(base)
        self.history, self.who = history, who

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("timeout", 20)
        body = options.pop("noted", None) or options.get("json") or options.get("params") or {}
        sent = time.monotonic()
        try:
            answer = super().call(method, path, **options)
        except (*LOST, ApiRefused) as error:
            if isinstance(error, ApiRefused) and not worth_asking_again(error):
                self._note(method, path, body, error.status, error.problem, sent)
                raise
            self._note(method, path, body, None, {}, sent)
            raise GaveUp(f"{method} {path} after {self.tries} tries") from error
        self._note(method, path, body, answer.status_code, _told(answer), sent)
        return answer

    def _note(self, method: str, path: str, body: JSON, status: int | None, answer: JSON, sent: float) -> None:
        entry = Entry(self.who, method, path, body, status, answer, sent, time.monotonic(), self.tries)
        self.history.add(entry)


def _told(answer: requests.Response) -> JSON:
    if "json" in answer.headers.get("Content-Type", ""):
        told: JSON = answer.json()
        return told
    return {"sha256": hashlib.sha256(answer.content).hexdigest()}
