"""Messages about ink."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from contracts.model import Tolerant
from contracts.objects import ObjectRef


class ComposeDocument(Tolerant):
    """Make the final PDF of one finalised revision. ``record`` is a MarkingRecord v1 that is already in the store.

    ``attempt`` counts the tries of this revision, from 1; the reply repeats it, and a reply to an older one is void.
    """

    copy_id: UUID
    exam_id: UUID
    revision: int = Field(ge=1)
    attempt: int = Field(ge=1)
    record: ObjectRef


class DocumentComposed(Tolerant):
    """The one reply to ComposeDocument. ``document`` and ``page_count`` are present exactly when ``done``.

    ``reason`` is the first 500 characters of what went wrong, without personal data.
    """

    copy_id: UUID
    exam_id: UUID
    revision: int = Field(ge=1)
    attempt: int = Field(ge=1)
    outcome: Literal["done", "refused_input", "out_of_memory", "timeout", "crashed"]
    document: ObjectRef | None = None
    page_count: int | None = None
    reason: str | None = Field(default=None, max_length=500)


class BuildExport(Tolerant):
    """Put the final PDFs of an exam into one zip. ``manifest`` is an ExportManifest v1 that is already in the store."""

    export_id: UUID
    exam_id: UUID
    manifest: ObjectRef
    copies: int = Field(ge=1)


class ExportSettled(Tolerant):
    """The one reply to BuildExport. ``done``: there is a zip with all of ``copies`` but ``missing``.

    ``failed``: there is none, because not one document could be read or the store was away for too long.
    """

    export_id: UUID
    exam_id: UUID
    outcome: Literal["done", "failed"]
    copies: int = Field(ge=1)
    missing: int = Field(ge=0)
