"""Marking records and page manifests, each read from the store once: they never change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from chassis.objects import ObjectDamaged, ObjectMissing, Objects
from contracts.objects import ObjectRef
from contracts.records.marking import MarkingRecord
from contracts.records.pages import PageManifest

KEPT = 20_000


class Unreadable(Exception):
    """The bytes are not those that were put, or no such document."""


@dataclass(frozen=True)
class Marked:
    """What a record says of its copy; ``adds_up`` when its total is the sum of its scores, at most the exam's."""

    copy_id: UUID
    exam_id: UUID
    revision: int
    total: Decimal
    adds_up: bool
    scores: Mapping[str, Decimal]


@dataclass(frozen=True)
class Paper:
    copy_id: UUID
    exam_id: UUID
    revision: int
    pages: tuple[UUID, ...]


D = TypeVar("D", Marked, Paper)


class Documents:
    """The last ``KEPT`` that were asked for are remembered by their digest."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._known: OrderedDict[str, Marked | Paper] = OrderedDict()

    def marked(self, named: Mapping[str, Any]) -> Marked | None:
        """``None`` when the store does not have it, which the inventory reports. Raises: Unreadable."""
        return self._read(named, _marked, Marked)

    def paper(self, named: Mapping[str, Any]) -> Paper | None:
        """As ``marked``, for a manifest."""
        return self._read(named, _paper, Paper)

    def _read(self, named: Mapping[str, Any], parse: Callable[[bytes], D], kind: type[D]) -> D | None:
        try:
            ref = ObjectRef.model_validate(named)
            known = self._known.get(ref.sha256)
            if isinstance(known, kind):
                self._known.move_to_end(ref.sha256)
                return known
            read = parse(self._objects.get(ref))
        except ObjectMissing:
            return None
        except (ObjectDamaged, ValueError) as error:
            raise Unreadable from error
        self._known[ref.sha256] = read
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
        return read


def _marked(data: bytes) -> Marked:
    record = MarkingRecord.model_validate_json(data)
    within = all(0 <= item.score <= item.max_points for item in record.items)
    total = min(sum((item.score for item in record.items), Decimal(0)), record.total_points)
    scores = {item.item_id: item.score for item in record.items}
    adds_up = within and total == record.total
    return Marked(record.copy_id, record.exam_id, record.revision, record.total, adds_up, scores)


def _paper(data: bytes) -> Paper:
    manifest = PageManifest.model_validate_json(data)
    pages = tuple(page.page_id for page in manifest.pages)
    return Paper(manifest.copy_id, manifest.exam_id, manifest.revision, pages)
