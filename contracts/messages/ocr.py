"""Messages about letters. They carry no name: a reading travels to grading only, which owns the roster."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from contracts.model import Fraction, Tolerant
from contracts.objects import ImageRef
from contracts.records.letters import MAX_PACKED, MAX_STEPS
from contracts.records.pages import Box
from contracts.records.sheet import MAX_FIELDS, FieldKind, SheetModel


class ExtractText(Tolerant):
    """Read one header. ``lexicon`` may hold the names to expect; an empty one reads freely.

    ``sheet`` says where the fields are; without it they are found from what is printed on the strip itself.
    """

    copy_id: UUID
    revision: int = Field(ge=1)
    image: ImageRef
    languages: tuple[str, ...] = ("fra", "eng")
    lexicon: tuple[str, ...] = ()
    sheet: SheetModel | None = None


class ReadLine(Tolerant):
    """One line of text in reading order; ``confidence`` is the engine's own, in [0, 1]."""

    text: str
    confidence: Fraction


class ReadField(Tolerant):
    """What is written in one field. ``text`` is the best guess, with accents and case, ``confidence`` the engine's own.

    ``letters`` are ``steps`` rows of contracts.records.letters: what a guess throws away. Without them the engine knows
    only its best guess.
    """

    kind: FieldKind
    text: str
    confidence: Fraction
    letters: str | None = Field(default=None, max_length=MAX_PACKED)
    steps: int = Field(default=0, ge=0, le=MAX_STEPS)


class TextExtracted(Tolerant):
    """The one reply to ExtractText. Unreadable is an outcome: ``done`` with no lines. Other outcomes carry none.

    ``fields`` are there when their places are known and the engine can read handwriting: one for each field that has
    ink, from the top. A kind may come twice, and ``unknown`` may be any of them.
    """

    copy_id: UUID
    revision: int = Field(ge=1)
    outcome: Literal["done", "refused_input", "out_of_memory", "timeout", "crashed", "no_engine"]
    engine: str
    lines: tuple[ReadLine, ...] = ()
    fields: tuple[ReadField, ...] = Field(default=(), max_length=MAX_FIELDS)


MAX_WORDS = 1500  # a page set in 9 points has about 900


class ExtractPrint(Tolerant):
    """Read the printed text of one page as markers see it, where a name should not stand. Never urgent."""

    copy_id: UUID
    image: ImageRef
    languages: tuple[str, ...] = ("fra", "eng")


class PrintedWord(Tolerant):
    """One word; words of one ``line`` (from 0) stand beside each other, from left to right."""

    text: str = Field(max_length=60)
    line: int = Field(ge=0)
    box: Box


class PrintExtracted(Tolerant):
    """The one reply to ExtractPrint, in reading order. Other outcomes than ``done`` carry no words."""

    copy_id: UUID
    image_sha256: str
    outcome: Literal["done", "refused_input", "out_of_memory", "timeout", "crashed", "no_engine"]
    engine: str
    words: tuple[PrintedWord, ...] = Field(default=(), max_length=MAX_WORDS)
