"""Messages about letters. They carry no name: a reading travels to grading only, which owns the roster."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from contracts.model import Fraction, Tolerant
from contracts.objects import ImageRef


class ExtractText(Tolerant):
    """Read one header. ``lexicon`` may hold the names to expect; an empty one reads freely."""

    copy_id: UUID
    revision: int = Field(ge=1)
    image: ImageRef
    languages: tuple[str, ...] = ("fra", "eng")
    lexicon: tuple[str, ...] = ()


class ReadLine(Tolerant):
    """One line of text in reading order; ``confidence`` is the engine's own, in [0, 1]."""

    text: str
    confidence: Fraction


class TextExtracted(Tolerant):
    """The one reply to ExtractText. Unreadable is an outcome: ``done`` with no lines. Other outcomes carry none."""

    copy_id: UUID
    revision: int = Field(ge=1)
    outcome: Literal["done", "refused_input", "out_of_memory", "timeout", "crashed", "no_engine"]
    engine: str
    lines: tuple[ReadLine, ...] = ()
