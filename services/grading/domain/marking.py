"""What is frozen when a copy is finalised."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from contracts.errors.grading import NoScheme, PageOutOfRange
from contracts.records.marking import MarkingRecord, RecordedAnnotation, RecordedItem, RecordedPage
from contracts.records.pages import Page
from contracts.rpc.grading.copies import AnnotationView
from services.grading.domain.copies import Copy
from services.grading.domain.results import copy_total
from services.grading.domain.scheme import Leaf, Node

DRAFT_MAX_BYTES: Final = 1_000_000
"""What a draft may weigh as JSON; a copy with 300 pen strokes is 222 KB."""


@dataclass(frozen=True)
class Rules:
    """How an exam is marked now. ``scheme_version`` is 0 and ``items`` empty while there is no scheme."""

    exam_title: str
    exam_date: date | None
    total_points: Decimal
    scheme_version: int
    step: Decimal
    items: tuple[Leaf, ...]
    nodes: tuple[Node, ...] = ()
    """The tree whose leaves ``items`` are."""


@dataclass(frozen=True)
class Marks:
    """Scores, remarks per item and the appraisal of one copy; ``version`` 0 when nothing was stored."""

    version: int = 0
    scores: Mapping[str, Decimal] | None = None
    remarks: Mapping[str, str] | None = None
    appraisal: str = ""


@dataclass(frozen=True)
class Snapshot:
    """All that a record is made of, read at one moment."""

    copy: Copy
    rules: Rules
    pages: tuple[Page, ...]
    marks: Marks
    annotations: tuple[RecordedAnnotation, ...]
    read_at: datetime
    edition: tuple[int, ...]
    """Grows with every change of anything above: equal editions are equal snapshots."""


def marking_record(snapshot: Snapshot) -> MarkingRecord:
    """Freeze one copy as it was read.

    Raises:
        NoScheme: nothing says what the copy is marked out of.
        ItemsUnscored, ScoreOutOfRange, ScoreOffStep: as ``copy_total``.
        PageOutOfRange: annotations stand on pages that newer paper no longer has.
    """
    copy, rules, marks = snapshot.copy, snapshot.rules, snapshot.marks
    if not rules.items:
        raise NoScheme
    scores, remarks = marks.scores or {}, marks.remarks or {}
    total = copy_total(rules.items, rules.step, scores, rules.total_points)
    off_page = [mark for mark in snapshot.annotations if mark.page_no > len(snapshot.pages)]
    if off_page:
        raise PageOutOfRange(
            page=off_page[0].page_no,
            page_count=len(snapshot.pages),
            annotations=[str(mark.id) for mark in off_page],
        )
    return MarkingRecord(
        exam_id=copy.exam_id,
        exam_title=rules.exam_title,
        exam_date=rules.exam_date,
        copy_id=copy.id,
        anonymous_id=copy.anonymous_id,
        revision=copy.revision,
        scheme_version=rules.scheme_version,
        pages=tuple(
            RecordedPage(page_no=page.page_no, blank=page.blank, source=page.source) for page in snapshot.pages
        ),
        annotations=snapshot.annotations,
        items=tuple(_recorded(item, scores, remarks) for item in rules.items),
        total=total,
        total_points=rules.total_points,
        appraisal=marks.appraisal,
        finalised_at=snapshot.read_at,
    )


def _recorded(item: Leaf, scores: Mapping[str, Decimal], remarks: Mapping[str, str]) -> RecordedItem:
    return RecordedItem(
        item_id=item.item_id,
        path=item.path,
        max_points=item.max_points,
        score=scores[item.item_id],
        bonus=item.bonus,
        remark=remarks.get(item.item_id, ""),
    )


def annotation_digest(annotation: AnnotationView) -> str:
    """What the trail pins an annotation by. A field that is newer than the trail counts only where it says something:
    older annotations keep the digest they got.
    """
    said = annotation.model_dump(mode="json")
    newer = {name for name in ("pressures", "colour", "comment_id") if not said[name]}
    return payload_digest({name: value for name, value in said.items() if name not in newer})[0]


def payload_digest(payload: Mapping[str, Any]) -> tuple[str, int]:
    """SHA-256 and size in bytes of a payload as canonical JSON: equal payloads have equal digests."""
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return hashlib.sha256(text).hexdigest(), len(text)
