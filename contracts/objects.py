"""Where bytes are: never on the bus, only by reference."""

from __future__ import annotations

from pydantic import Field

from contracts.model import Model, Sha256


class ObjectRef(Model):
    """One immutable object of the store. ``key`` ends with ``sha256``; ``size`` is in bytes."""

    key: str = Field(pattern=r"^[a-z]+/[0-9a-f]{2}/[0-9a-f]{64}$")
    sha256: Sha256
    size: int = Field(ge=0)
    media_type: str


class ImageRef(Model):
    """A stored image and its size in pixels, as displayed."""

    object: ObjectRef
    width_px: int = Field(gt=0)
    height_px: int = Field(gt=0)
