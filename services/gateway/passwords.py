"""Passwords: which are good enough, and how they are hashed without stalling everybody else."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable
from difflib import SequenceMatcher
from functools import cached_property
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from contracts.errors.gateway import PasswordRefused, TooManyRequests

# OWASP's second recommendation; 31 ms alone on the machine of reference.
TIME_COST, MEMORY_KIB, PARALLELISM = 2, 19 * 1024, 1
SHORTEST, LONGEST = 12, 128
WAIT_S = 5.0
SIMILAR = 0.7

_LEET = str.maketrans("013457@$!", "oieastasi")
_REASONS = {
    "too_short": (f"au moins {SHORTEST} caractères", f"at least {SHORTEST} characters"),
    "too_long": (f"au plus {LONGEST} caractères", f"at most {LONGEST} characters"),
    "all_numeric": ("pas seulement des chiffres", "not only digits"),
    "common": ("ce mot de passe est parmi les premiers essayés", "this password is among the first ones tried"),
    "similar_to_user": ("trop proche de l'identifiant ou du nom", "too close to the user name or the name"),
}


class Passwords:
    """Hash and verify, at most ``concurrency`` at a time; ``waiting`` more wait up to ``WAIT_S``, the rest gets 429.

    Whoever waits holds a thread of the server: without the second bound a storm of sign-ins would stop all else.

    argon2 releases the GIL, so a thread is enough; under eventlet a real thread is taken from its pool, or the hash
    (31 ms and more) would stop every greenthread.
    """

    def __init__(self, concurrency: int, waiting: int) -> None:
        self._hasher = PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM)
        self._running = threading.BoundedSemaphore(concurrency)
        self._admitted = threading.BoundedSemaphore(concurrency + waiting)
        self._run = _off_the_hub()

    def hash(self, password: str) -> str:
        return str(self._bounded(self._hasher.hash, password))

    def matches(self, known: str | None, password: str) -> bool:
        """Whether ``password`` is the one of hash ``known``; without a hash it takes the same time and says no."""
        return bool(self._bounded(self._verify, known or self._nobody, password)) and known is not None

    def outdated(self, known: str) -> bool:
        """The hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(known)

    def _verify(self, known: str, password: str) -> bool:
        try:
            return self._hasher.verify(known, password)
        except (VerificationError, InvalidHashError):
            return False

    def _bounded(self, work: Callable[..., Any], *arguments: str) -> Any:
        if not self._admitted.acquire(blocking=False):
            raise TooManyRequests(retry_after_s=2)
        try:
            if not self._running.acquire(timeout=WAIT_S):
                raise TooManyRequests(retry_after_s=2)
            try:
                return self._run(work, *arguments)
            finally:
                self._running.release()
        finally:
            self._admitted.release()

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash("nobody has this password")


def _off_the_hub() -> Callable[..., Any]:
    patcher = sys.modules.get("eventlet.patcher")
    if patcher is not None and patcher.is_monkey_patched("thread"):
        from eventlet import tpool

        run: Callable[..., Any] = tpool.execute
        return run
    return lambda work, *arguments: work(*arguments)


def require_good(password: str, *, username: str, display_name: str, field: str, language: str) -> None:
    """Refuse a password that is easy to guess, with every reason at once (P1.2)."""
    codes = weaknesses(password, username=username, display_name=display_name)
    if codes:
        texts = {code: _REASONS[code][0 if language == "fr" else 1] for code in codes}
        raise PasswordRefused(errors=[{"field": field, "code": code, "message": texts[code]} for code in codes])


def weaknesses(password: str, *, username: str, display_name: str) -> list[str]:
    """Codes of all that is wrong with it; empty when it is good."""
    found = []
    if len(password) < SHORTEST:
        found.append("too_short")
    if len(password) > LONGEST:
        found.append("too_long")
    if password.isdigit():
        found.append("all_numeric")
    if _is_common(password):
        found.append("common")
    if _is_similar(password.lower(), username.lower(), display_name.lower()):
        found.append("similar_to_user")
    return found


def _is_common(password: str) -> bool:
    """A common word, whatever digits and signs surround it and however often it is repeated, or a keyboard run."""
    lower = password.lower()
    stem = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", lower)
    plain = re.sub(r"[^a-z]", "", stem.translate(_LEET))
    candidates = {lower, plain, stem, _period(lower), _period(stem), _period(plain)}
    return bool(candidates & COMMON) or len(_period(lower)) <= 2 or _is_run(lower)


def _period(word: str) -> str:
    """``abcabcabc`` → ``abc``."""
    if not word:
        return word
    length = (word + word).find(word, 1)
    return word[:length]


def _is_run(word: str) -> bool:
    """Nearly every character follows its neighbour in the alphabet, among the digits or on the keyboard."""
    rows = "abcdefghijklmnopqrstuvwxyz 01234567890 azertyuiop qsdfghjklm wxcvbn qwertyuiop asdfghjkl zxcvbnm"
    both = rows + " " + rows[::-1]
    steps = [word[i : i + 2] in both or word[i] == word[i + 1] for i in range(len(word) - 1)]
    return bool(steps) and sum(steps) >= 0.8 * len(steps)


def _is_similar(password: str, username: str, display_name: str) -> bool:
    parts = [part for part in re.split(r"\W+|_", f"{username} {display_name}") if len(part) >= 4]
    if any(part in password or part in password.translate(_LEET) for part in parts):
        return True
    return any(SequenceMatcher(None, password, whole).ratio() >= SIMILAR for whole in (username, display_name) if whole)


COMMON = frozenset(
    word for word in Path(__file__).with_name("common_passwords.txt").read_text("utf-8").split() if word[0] != "#"
)
