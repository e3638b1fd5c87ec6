"""Importing a roster: each record becomes one thing to do, to skip or to correct, before anything is written."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from services.grading.domain.roster_columns import FIELDS, FULL_NAME, fold
from services.grading.domain.roster_file import Record, RosterFile

Id = TypeVar("Id")

# The national identifier: 9 digits and 2 letters since 2018, before that 10 digits and 1 letter.
INE = re.compile(r"[0-9]{9}[A-Z]{2}|[0-9]{10}[A-Z]")
FORMULA = ("=", "+", "@")  # with these a spreadsheet takes a cell for a program
MAX_NAME = 100
MAX_CLASS = 50
OLDEST_BIRTH_YEAR = 1900
_ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00(?::00)?)?")
_FRENCH_DATE = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")


@dataclass(frozen=True)
class Person:
    """Who a row is about. ``None`` and ``""`` mean the file does not say."""

    last_name: str
    first_name: str
    ine: str | None = None
    class_name: str = ""
    birth_date: dt.date | None = None

    @property
    def key(self) -> str:
        """What makes a candidate the same in the next import: INE when known, else names and birth date, folded."""
        if self.ine is not None:
            return f"ine:{self.ine}"
        return f"name:{'|'.join(self.folded)}|{self.birth_date or ''}"

    @property
    def folded(self) -> tuple[str, str]:
        return fold(self.last_name), fold(self.first_name)

    @property
    def certain(self) -> bool:
        """Whether ``key`` names one human: two of the same name without birth date may well be two."""
        return self.ine is not None or self.birth_date is not None

    def may_be(self, other: Person) -> bool:
        """Same names, and nothing both say differs."""
        return (
            self.folded == other.folded
            and (self.ine is None or other.ine is None or self.ine == other.ine)
            and (self.birth_date is None or other.birth_date is None or self.birth_date == other.birth_date)
        )

    def told(self, row: Person) -> Person:
        """This person after what a row says; what it leaves out stays."""
        return Person(
            row.last_name,
            row.first_name,
            row.ine or self.ine,
            row.class_name or self.class_name,
            row.birth_date or self.birth_date,
        )


@dataclass(frozen=True)
class Skipped:
    """``reason``: ``blank``, ``before_header``, ``header``, ``footer`` or ``same_as_row_N``."""

    row: int
    reason: str


@dataclass(frozen=True)
class Error:
    """One row that cannot be imported, told by its first wrong field.

    ``reason``: ``missing``, ``format``, ``too_long``, ``control_character``, ``formula`` (a spreadsheet would run it),
    ``out_of_range``, ``too_many_columns``, ``cannot_split`` (two names in one column), ``duplicate_of_row_N`` (the same
    person, told differently) or ``ambiguous`` (several known candidates fit).
    """

    row: int
    field: str
    value: str
    reason: str


@dataclass(frozen=True)
class Plan(Generic[Id]):
    """What an import would do. Every record of the file is in exactly one of the five."""

    created: tuple[Person, ...]
    updated: Mapping[Id, Person]
    unchanged: tuple[Id, ...]
    skipped: tuple[Skipped, ...]
    errors: tuple[Error, ...]


def plan(file: RosterFile, known: Mapping[Id, Person], *, today: dt.date) -> Plan[Id]:
    """Decide about every record; nothing of the exam's roster is ever removed.

    A record is the known candidate with its INE, else the one with its names whom nothing contradicts. Planning the
    same file on the result gives only ``unchanged`` and ``skipped``.
    """
    skipped: list[Skipped] = []
    errors: list[Error] = []
    rows: dict[int, Person] = {}
    for record in file.records:
        if record.skip:
            skipped.append(Skipped(record.row, record.skip))
            continue
        outcome = _person(record, today)
        if isinstance(outcome, Error):
            errors.append(outcome)
        else:
            rows[record.row] = outcome
    rows, repeated, clashing = _distinct(rows)
    matched, new, ambiguous = _match(rows, known)
    updated = {which: known[which].told(rows[row]) for row, which in matched.items()}
    return Plan(
        created=tuple(rows[row] for row in new),
        updated={which: person for which, person in updated.items() if person != known[which]},
        unchanged=tuple(which for which, person in updated.items() if person == known[which]),
        skipped=tuple(sorted([*skipped, *repeated], key=lambda entry: entry.row)),
        errors=tuple(sorted([*errors, *clashing, *ambiguous], key=lambda entry: entry.row)),
    )


def _person(record: Record, today: dt.date) -> Person | Error:
    for field, value in record.values.items():
        if any(unicodedata.category(char) in {"Cc", "Cs"} for char in value):
            shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in value)
            return Error(record.row, field, shown[:MAX_NAME], "control_character")
    if record.surplus:
        return Error(record.row, "row", record.surplus[:MAX_NAME], "too_many_columns")
    if record.values.get(FULL_NAME):
        return Error(record.row, FULL_NAME, record.values[FULL_NAME][:MAX_NAME], "cannot_split")
    said = {field: record.values.get(field, "") for field in FIELDS}
    for field, limit in (("last_name", MAX_NAME), ("first_name", MAX_NAME), ("class", MAX_CLASS)):
        text = said[field]
        if field != "class" and not fold(text):
            return Error(record.row, field, text[:MAX_NAME], "missing")
        if text.startswith(FORMULA):
            return Error(record.row, field, text[:MAX_NAME], "formula")
        if len(text) > limit:
            return Error(record.row, field, text[:limit], "too_long")
    ine = said["ine"].replace(" ", "").upper()
    if ine and not INE.fullmatch(ine):
        return Error(record.row, "ine", said["ine"][:MAX_NAME], "format")
    person = Person(said["last_name"], said["first_name"], ine or None, said["class"])
    born = said["birth_date"]
    if not born:
        return person
    date = _date(born)
    if date is None:
        return Error(record.row, "birth_date", born[:MAX_NAME], "format")
    if date.year < OLDEST_BIRTH_YEAR or date >= today:
        return Error(record.row, "birth_date", born, "out_of_range")
    return replace(person, birth_date=date)


def _date(text: str) -> dt.date | None:
    """``dd/mm/yyyy`` (also with ``.`` or ``-``) or ISO 8601; two-digit years are nobody's guess."""
    if iso := _ISO_DATE.fullmatch(text):
        year, month, day = (int(part) for part in iso.groups())
    elif french := _FRENCH_DATE.fullmatch(text):
        day, month, year = (int(part) for part in french.groups())
    else:
        return None
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _distinct(rows: Mapping[int, Person]) -> tuple[dict[int, Person], list[Skipped], list[Error]]:
    """Rows about different people; a repetition is skipped, a contradiction is an error that names both rows."""
    kept: dict[int, Person] = {}
    repeated: list[Skipped] = []
    clashing: list[Error] = []
    by_ine: dict[str, int] = {}
    by_name: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for row, person in rows.items():
        earlier = by_ine.get(person.ine) if person.ine else None
        field, value = "ine", person.ine or ""
        if earlier is None:
            field, value = "last_name", person.last_name
            earlier = next((other for other in by_name[person.folded] if person.may_be(kept[other])), None)
        if earlier is None:
            kept[row] = person
            by_name[person.folded].append(row)
            if person.ine:
                by_ine[person.ine] = row
        elif kept[earlier] == person:
            repeated.append(Skipped(row, f"same_as_row_{earlier}"))
        else:
            clashing.append(Error(row, field, value, f"duplicate_of_row_{earlier}"))
    return kept, repeated, clashing


def _match(rows: Mapping[int, Person], known: Mapping[Id, Person]) -> tuple[dict[int, Id], list[int], list[Error]]:
    """Which known candidate each row is; rows of new ones; rows that could be several known ones.

    INE first over the whole file, so that a row without one never takes a candidate whose own row comes later.
    """
    by_ine = {person.ine: which for which, person in known.items() if person.ine}
    matched = {row: by_ine[person.ine] for row, person in rows.items() if person.ine in by_ine}
    taken = set(matched.values())
    by_name: defaultdict[tuple[str, str], list[Id]] = defaultdict(list)
    for which, person in known.items():
        if which not in taken:
            by_name[person.folded].append(which)
    fitting = {
        row: _fitting(person, by_name[person.folded], known) for row, person in rows.items() if row not in matched
    }
    suitors: defaultdict[Id, int] = defaultdict(int)
    for candidates in fitting.values():
        for which in candidates:
            suitors[which] += 1
    new: list[int] = []
    ambiguous: list[Error] = []
    for row, candidates in fitting.items():
        if len(candidates) > 1:
            ambiguous.append(Error(row, "last_name", rows[row].last_name, "ambiguous"))
        elif candidates and suitors[candidates[0]] == 1:
            matched[row] = candidates[0]
        else:  # nobody, or one whom several rows could be: which one is not for us to guess
            new.append(row)
    return matched, new, ambiguous


def _fitting(person: Person, namesakes: Iterable[Id], known: Mapping[Id, Person]) -> Sequence[Id]:
    """Known candidates the row may be; those born on the very day it says come before those without a birth date."""
    fits = [which for which in namesakes if known[which].may_be(person)]
    same_day = [which for which in fits if known[which].birth_date == person.birth_date]
    return same_day or fits
