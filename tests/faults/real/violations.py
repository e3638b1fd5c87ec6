"""What a checker may find."""

from __future__ import annotations

from dataclasses import dataclass

LOST = "lost"
DOUBLED = "doubled"
WRONG = "wrong"
STUCK = "stuck"
MESSAGE_LOST = "message lost"


@dataclass(frozen=True)
class Violation:
    kind: str
    what: str
