"""What a caller may see of a copy, from its row."""

from __future__ import annotations

from typing import Any

from contracts.model import Actor
from contracts.records.pages import Page
from contracts.rpc.grading.copies import CopyView, LockView, PageView
from services.grading.domain.copies import Status
from services.grading.store import copies


def copy_view(row: Any, by: Actor) -> CopyView:
    """A row of ``copies.one_listed`` as ``by`` may see it."""
    masked = not copies.sees_candidates(by)
    return CopyView(
        **summary(row, by),
        pages=tuple(_page_view(Page.model_validate(page), masked) for page in row.pages),
        final_available=row.status == Status.GRADED and not masked,
    )


def summary(row: Any, by: Actor) -> dict[str, Any]:
    """What ``by`` may know: for markers, who sat the exam is not even in the row."""
    identity = copies.sees_candidates(by)
    lock = None
    if row.lock_owner_id is not None:
        lock = LockView(owner=row.lock_owner, owner_id=row.lock_owner_id, expires_at=row.expires_at)
    return {
        "id": row.id,
        "exam_id": row.exam_id,
        "anonymous_id": row.anonymous_id,
        "status": row.status,
        "page_count": row.page_count,
        "revision": row.revision,
        "paper_revision": row.paper_revision,
        "lock": lock,
        "marker_id": row.marker_id,
        "marker": row.marker,
        "total": row.total,
        "identified": row.candidate_id is not None if identity else None,
        "candidate_id": row.candidate_id if identity else None,
        "error_message": row.error_message,
        "version": row.version,
    }


def _page_view(page: Page, masked: bool) -> PageView:
    images = page.masked if masked and page.masked is not None else page.images
    return PageView(
        page_no=page.page_no,
        blank=page.blank,
        width_px=images.screen.width_px,
        height_px=images.screen.height_px,
        header_masked=masked and page.header is not None,
        covered=page.covered,
    )
