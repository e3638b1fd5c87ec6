"""What an export is to hold: the final documents of an exam, each under the name it gets in the zip."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from contracts.model import Model
from contracts.objects import ObjectRef

SafeName = Annotated[str, Field(pattern=r"^(?:[A-Za-z0-9_-]{1,60}/)?[A-Za-z0-9_-]{1,120}\.pdf$")]
"""A path of at most one folder that every system can unpack: no accents, no dots but the last, nothing above it."""


class ExportEntry(Model):
    copy_id: UUID
    anonymous_id: str
    name: SafeName
    document: ObjectRef


class ExportManifest(Model):
    """``name`` of its entries are unique. The object holds names of people: no row keeps it."""

    version: Literal[1] = 1
    export_id: UUID
    exam_id: UUID
    entries: tuple[ExportEntry, ...]
