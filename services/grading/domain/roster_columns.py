"""Which column of a roster says what: headers as schools export them, or as the person who imports names them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.errors.grading_exams import RosterColumnMissing, RosterColumnsUnknown, RosterColumnTwice

FIELDS = ("ine", "last_name", "first_name", "class", "birth_date")
REQUIRED = ("last_name", "first_name")
FULL_NAME = "full_name"  # one column for both names

# Headers of any origin (hand-made, Pronote, Siècle, Cyclades), folded; the first named wins over the later.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "ine": (
        "ine", "n ine", "no ine", "num ine", "numero ine", "code ine", "ine eleve", "ine rnie", "identifiant national",
        "identifiant national eleve", "identifiant national de l eleve", "numero national", "n national", "id national",
        "national id", "national student id", "student id", "student number", "candidate number",
    ),
    "last_name": (
        "nom", "nom de famille", "nom usage", "nom d usage", "nom eleve", "nom de l eleve", "nom candidat",
        "nom du candidat", "nom de naissance", "noms", "last name", "lastname", "surname", "family name", "name",
    ),
    "first_name": (
        "prenom", "prenoms", "prenom usuel", "prenom usage", "prenom d usage", "prenom eleve", "prenom de l eleve",
        "prenom candidat", "prenom du candidat", "prenom 1", "prenom s", "first name", "firstname", "given name",
        "given names", "forename",
    ),
    FULL_NAME: (
        "nom prenom", "nom et prenom", "nom prenoms", "nom et prenoms", "nom prenom eleve", "nom et prenom de l eleve",
        "prenom nom", "prenom et nom", "eleve", "candidat", "nom complet", "identite", "full name",
        "last name first name", "first name last name", "student", "student name",
    ),
    "class": ("classe", "division", "code classe", "libelle classe", "groupe", "class", "class name", "group", "form"),
    "birth_date": (
        "date de naissance", "date naissance", "naissance", "ne le", "ne e le", "nee le", "date naiss", "ddn",
        "birth date", "birthdate", "date of birth", "birthday", "dob", "born",
    ),
}  # fmt: skip

# Where an origin means another column than everybody else, or calls it by a name of its own; these win.
PRESETS: dict[str, dict[str, tuple[str, ...]]] = {
    "generic": {},
    "pronote": {FULL_NAME: ("eleve",), "ine": ("numero national",), "class": ("classe de rattachement", "classe")},
    "siecle": {  # also STSweb
        "ine": ("id national", "ine rnie"),
        "last_name": ("nom d usage", "nom usage", "nom de famille"),
        "first_name": ("prenom d usage", "prenom usage", "prenom 1", "prenom"),
        "class": ("code division", "code structure", "division"),
        "birth_date": ("date naiss", "date naissance"),
    },
    "cyclades": {  # what stands on the summons: the name of birth
        "last_name": ("nom de naissance", "nom de famille", "nom"),
        "class": ("division de classe", "code division", "division"),
        "birth_date": ("ne e le", "date de naissance"),
    },
}


def fold(text: str) -> str:
    """Lower case without accents, ligatures spelt out, everything that is no letter or digit a single space."""
    spelt = text.casefold().replace("œ", "oe").replace("æ", "ae").replace("ø", "o").replace("ł", "l")
    plain = "".join(char for char in unicodedata.normalize("NFKD", spelt) if not unicodedata.combining(char))
    return " ".join("".join(char if char.isalnum() else " " for char in plain).split())


@dataclass(frozen=True)
class Layout:
    """What the person who imports says about the file.

    ``mapping``: headers by field, for columns that are not found by themselves; ``preset``: where the file comes from.
    """

    preset: str = "generic"
    mapping: Mapping[str, str] | None = None

    def meanings(self) -> dict[str, tuple[str, int]]:
        """Field and rank of each folded header; rank 0 wins."""
        meanings: dict[str, tuple[str, int]] = {}
        own, said = PRESETS[self.preset], self.mapping or {}
        for field, usual in SYNONYMS.items():
            if field not in said:
                names = dict.fromkeys((*own.get(field, ()), *usual))
                meanings |= {name: (field, rank) for rank, name in enumerate(names)}
        return meanings | {fold(header): (field, 0) for field, header in said.items()}

    def found(self, header: Sequence[str]) -> set[str]:
        """The fields that a row names, if it is the header."""
        meanings = self.meanings()
        return {meanings[fold(cell)][0] for cell in header if fold(cell) in meanings}

    def suits(self, header: Sequence[str]) -> bool:
        """Whether a row names enough columns to be the header, and all that were said to be there."""
        found = self.found(header)
        return (found.issuperset(REQUIRED) or FULL_NAME in found) and found.issuperset(self.mapping or ())

    def guess(self, header: Sequence[str]) -> dict[str, int]:
        """Where each field seems to stand, to be shown and corrected: of several columns the likeliest."""
        meanings = self.meanings()
        ranked = sorted((*meanings[fold(cell)][::-1], at) for at, cell in enumerate(header) if fold(cell) in meanings)
        found = {field: at for _, field, at in reversed(ranked)}
        for unused in (FULL_NAME,) if found.keys() >= {*REQUIRED} else REQUIRED if FULL_NAME in found else ():
            found.pop(unused, None)
        return {field: found[field] for field in (*FIELDS, FULL_NAME) if field in found}

    def columns(self, header: Sequence[str]) -> dict[str, int]:
        """Where each field stands. One column for both names counts only where there are not two.

        Raises:
            RosterColumnsUnknown, RosterColumnMissing, RosterColumnTwice.
        """
        meanings = self.meanings()
        places: dict[str, list[tuple[int, int]]] = {}
        for index, cell in enumerate(header):
            field, rank = meanings.get(fold(cell), ("", 0))
            if field:
                places.setdefault(field, []).append((rank, index))
        shown = [cell[:40] for cell in header[:20] if cell]
        absent = [name for field, name in (self.mapping or {}).items() if field not in places]
        if absent:
            raise RosterColumnMissing(wanted=absent, found=shown)
        missing = [field for field in REQUIRED if field not in places]
        if missing and FULL_NAME not in places:
            raise RosterColumnsUnknown(found=shown, missing=missing)
        for unused in REQUIRED if missing else (FULL_NAME,):
            places.pop(unused, None)
        for ranked in places.values():
            ranked.sort()
            if len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
                raise RosterColumnTwice(columns=[header[index] for _, index in ranked])
        return {field: places[field][0][1] for field in (*FIELDS, FULL_NAME) if field in places}
