"""Who marks what: evenly, and chosen by nobody."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID


def spread(copies: Collection[UUID], markers: Sequence[UUID], loads: Mapping[UUID, int]) -> dict[UUID, UUID]:
    """Give each copy a marker; the same copies, markers and loads always give the same answer.

    Copies are taken in the order of their ids' digests: no order of the pile, of names or of arrival, and none that
    anybody could choose. Each goes to the marker who has fewest by then, ``loads`` (what each has in this exam
    already) included: a late delivery evens out what came before.
    """
    has = {marker: loads.get(marker, 0) for marker in sorted(set(markers))}
    given: dict[UUID, UUID] = {}
    for copy in sorted(set(copies), key=lambda copy: hashlib.sha256(copy.bytes).digest()):
        marker = min(has, key=lambda marker: has[marker])  # the first of equals: ``has`` is in the order of ids
        given[copy] = marker
        has[marker] += 1
    return given
