"""The one base of everything that crosses a process."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer


class Model(BaseModel):
    """Frozen value. Unknown fields are refused: what we do not understand we do not silently drop.

    A field with an alias (``class``, a Python keyword) goes by its own name on the bus and by its alias over HTTP.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, populate_by_name=True)


class Tolerant(BaseModel):
    """Frozen value read by others, perhaps older than its writer: unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


# Points travel as decimal strings ("1.25"): a float would round a mark.
# 7 digits with 3 decimals hold a total of 9999.999 points; the scheme's step decides what is allowed.
Points = Annotated[
    Decimal,
    Field(max_digits=7, decimal_places=3, allow_inf_nan=False),
    PlainSerializer(lambda value: format(value.normalize() + 0, "f"), return_type=str),
]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
"""A share of the displayed page's width or height, from its top left corner."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Instant = AwareDatetime


class Role(StrEnum):
    """Who somebody is to the system; a candidate never shares a route with the others."""

    ADMIN = "admin"
    OPERATOR = "operator"
    MARKER = "marker"
    CANDIDATE = "candidate"


class Actor(Model):
    """Who asks, as the gateway authenticated them. ``name`` is shown to colleagues (lock held by …)."""

    id: UUID
    name: str
    role: Role


__all__ = ["Actor", "Fraction", "Instant", "Model", "Points", "Role", "Sha256", "Tolerant", "datetime"]
