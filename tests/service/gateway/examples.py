"""Answers of the services, spelled out."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import UUID

from contracts.rpc.grading.copies import CopyStatus, CopyView
from contracts.rpc.grading.exams import ExamView, Progress
from contracts.rpc.ingest import Intake, UploadStatus, UploadView

NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


def exam_view(exam_id: UUID, **changes: Any) -> ExamView:
    values: dict[str, Any] = {
        "id": exam_id,
        "title": "Bac blanc",
        "date": dt.date(2026, 11, 23),
        "total_points": Decimal(20),
        "intake": Intake.A3,
        "pages_per_booklet": 4,
        "version": 1,
        "scheme_version": 0,
        "candidates": 0,
        "progress": Progress(copies=0, identified=0, by_status={}),
        "published_at": None,
        "deleted_at": None,
        "created_at": NOON,
    }
    return ExamView(**(values | changes))


def upload_view(upload_id: UUID, exam_id: UUID, **changes: Any) -> UploadView:
    values: dict[str, Any] = {
        "id": upload_id,
        "exam_id": exam_id,
        "status": UploadStatus.SPLITTING,
        "sides": 28,
        "sides_done": 0,
        "pages": 0,
        "booklets": 0,
        "anomalies": (),
        "error": None,
        "filename": "scan.pdf",
        "created_at": NOON,
    }
    return UploadView(**(values | changes))


def copy_view(copy_id: UUID, **changes: Any) -> CopyView:
    values: dict[str, Any] = {
        "id": copy_id,
        "exam_id": UUID(int=1),
        "anonymous_id": "A-17",
        "status": CopyStatus.READY,
        "page_count": 4,
        "revision": 1,
        "paper_revision": 1,
        "lock": None,
        "marker_id": None,
        "marker": None,
        "total": None,
        "identified": None,
        "candidate_id": None,
        "error_message": None,
        "version": 3,
        "pages": (),
        "final_available": False,
    }
    return CopyView(**(values | changes))
