"""Opaque cursors of the gateway's own lists: the sort key of the last item shown."""

from __future__ import annotations

import base64
from uuid import UUID

from services.gateway.reading import refuse_fields


def write(position: str) -> str:
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def read(cursor: str) -> str:
    """Refused as a field error when it is not one of ours."""
    try:
        position = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:  # covers bad base 64 and bad UTF-8
        refuse_fields(("cursor", "string_pattern_mismatch"))
    if "\x00" in position:
        refuse_fields(("cursor", "string_pattern_mismatch"))
    return position


def read_id(cursor: str) -> UUID:
    """The same for lists whose sort key is an id."""
    try:
        return UUID(read(cursor))
    except ValueError:
        refuse_fields(("cursor", "string_pattern_mismatch"))
