"""The pages of one copy, frozen when it is assembled."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from contracts.model import Fraction, Model
from contracts.objects import ImageRef, ObjectRef


class Box(Model):
    """Rectangle as shares of the displayed page: ``x, y`` is the top left corner."""

    x: Fraction
    y: Fraction
    w: Fraction
    h: Fraction


class Cover(Model):
    """A zone of the upright page that a person hides from markers."""

    id: UUID
    box: Box


WHOLE = Box(x=0, y=0, w=1, h=1)


class PageSource(Model):
    """Where the page's ink lies in the original upload.

    ``side_no`` is the PDF page, from 1. ``clip`` is a share of that PDF page *as a viewer displays it* (its own
    /Rotate applied), before ``turn_deg``: the clockwise turn (0, 90, 180, 270) that makes the clipped part upright.
    """

    upload: ObjectRef
    side_no: int = Field(ge=1)
    clip: Box = WHOLE
    turn_deg: Literal[0, 90, 180, 270] = 0


class PageImages(Model):
    """What a browser shows. ``full`` is the scan's own stream, absent when the page is a part of a larger scan:
    it is then made on demand. ``screen`` is 150 to 200 dpi, ``thumb`` 25; both are upright, ``full``
    only where ``turn_deg`` is 0.
    """

    full: ImageRef | None = None
    screen: ImageRef
    thumb: ImageRef


class Page(Model):
    """One A4 face of a copy, ``page_no`` from 1.

    ``header`` is where the candidate's name stands, on the upright page; ``header_image`` is that zone alone, for
    reading. ``masked`` shows the page without its header and what is ``covered``; present exactly when there is either.
    """

    page_no: int = Field(ge=1)
    page_id: UUID
    source: PageSource
    blank: bool
    images: PageImages
    header: Box | None = None
    masked: PageImages | None = None
    header_image: ImageRef | None = None
    covered: tuple[Cover, ...] = ()

    @model_serializer(mode="wrap")
    def _as_before(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without ``covered`` where nothing is: a reader who does not know it can read all pages that hide nothing."""
        written: dict[str, Any] = write(self)
        if not self.covered:
            written.pop("covered", None)
        return written

    @property
    def hides(self) -> bool:
        """Whether markers see less of it than staff."""
        return self.header is not None or self.covered != ()


class PageManifest(Model):
    """All pages of one revision of a copy, in reading order. Stored under ``manifests/``."""

    schema_version: Literal[1] = 1
    exam_id: UUID
    copy_id: UUID
    revision: int = Field(ge=1)
    pages: tuple[Page, ...]
