"""Opaque cursors: the sort key of the last item, so that a list does not shift when something is added before it."""

from __future__ import annotations

import base64
import binascii
import json
from uuid import UUID

from contracts.errors.ingest import BadCursor

MOST_ITEMS = 200


def to_cursor(*key: object) -> str:
    return base64.urlsafe_b64encode(json.dumps([str(part) for part in key]).encode()).decode().rstrip("=")


def from_cursor(cursor: str, size: int) -> list[str]:
    """Raises: BadCursor."""
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise BadCursor from error
    if not isinstance(key, list) or len(key) != size or not all(isinstance(part, str) for part in key):
        raise BadCursor
    return key


def page_size(limit: int) -> int:
    return max(1, min(limit, MOST_ITEMS))


def as_uuid(text: str) -> UUID:
    """Raises: BadCursor."""
    try:
        return UUID(text)
    except ValueError as error:
        raise BadCursor from error
