"""The sheet model of an exam: where name, number and class stand on the header of this kind of paper."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from contracts.model import Fraction, Model
from contracts.objects import ImageRef

FieldKind = Literal["last_name", "first_name", "number", "class", "birth_date", "unknown"]
MAX_FIELDS = 8


class Zone(Model):
    """What is written where, in shares of the sample: ``x, y`` is the top left corner, printed box included or not."""

    kind: FieldKind
    x: Fraction
    y: Fraction
    w: Fraction = Field(gt=0)
    h: Fraction = Field(gt=0)


class SheetModel(Model):
    """Zones drawn once on a ``sample``: the header strip of any copy on this paper, blank or filled in."""

    sample: ImageRef
    zones: tuple[Zone, ...] = Field(min_length=1, max_length=MAX_FIELDS)
