"""The one base of everything that crosses a process."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic_core import PydanticCustomError


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


def _day(value: Any) -> Any:
    """Pydantic alone would take 0 for the first of January 1970, and a time of day for its date."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII) is None:
        raise PydanticCustomError("date_parsing", "a date YYYY-MM-DD is expected")
    if not isinstance(value, str | dt.date):
        raise PydanticCustomError("date_type", "a date YYYY-MM-DD is expected")
    return value


def _line(value: str) -> str:
    if _CONTROL.search(value) or _NOT_IN_A_LINE.search(value):
        raise PydanticCustomError("control_character", "this text holds an invisible control character")
    return value


def _text(value: str) -> str:
    value = _LINE_ENDS.sub("\n", value)
    if _CONTROL.search(value):
        raise PydanticCustomError("control_character", "this text holds an invisible control character")
    return value


_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_NOT_IN_A_LINE = re.compile("[\t-\r\u2028-\u202e\u2066-\u2069]")
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\u2028\u2029]")  # a word processor pastes \x0b for a line break

Day = Annotated[dt.date, BeforeValidator(_day)]
ONE_LINE = AfterValidator(_line)
"""For a title or a name: no control character, and none that turns the direction of writing. After the lengths."""
PROSE = AfterValidator(_text)
"""For what is written at length: every kind of line end becomes ``\\n``; other control characters are refused."""

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


__all__ = [
    "ONE_LINE", "PROSE", "Actor", "Day", "Fraction", "Instant", "Model", "Points", "Role", "Sha256", "Tolerant",
]  # fmt: skip
