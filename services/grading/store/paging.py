"""Opaque cursors: the sort key of the last item, so that a list does not shift when something is added before it."""

from __future__ import annotations

import base64
import binascii
import json

from contracts.errors.grading import BadCursor


def cursor(*key: str | int) -> str:
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def key_after(given: str | None, *kinds: type) -> list[str | int] | None:
    """The sort key in a cursor, ``None`` without one; ``BadCursor`` when it is not one of ours."""
    if given is None:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise BadCursor from error
    if not isinstance(key, list) or [type(part) for part in key] != list(kinds) or not all(map(_comparable, key)):
        raise BadCursor
    return key


def _comparable(part: str | int) -> bool:
    """PostgreSQL can compare it: a NUL, half a character or an endless number would fail there, as a defect."""
    return 0 <= part < 1 << 31 if isinstance(part, int) else part.isprintable()
