"""What a printed label says about the field it names. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

from contracts.records.letters import folded
from contracts.records.sheet import FieldKind

NOT_A_NAME: Final = "not a name"
"""A label that names something else: a room, a mark, a signature."""

Label = FieldKind | str

# In French and English, folded; a longer one is tried before a shorter one that it holds.
_LABELS: dict[str, Label] = {
    "NOM ET PRENOM": "unknown", "NOM PRENOM": "unknown", "NOMS ET PRENOMS": "unknown", "NAME AND SURNAME": "unknown",
    "FULL NAME": "unknown", "CANDIDAT": "unknown", "CANDIDATE": "unknown", "ELEVE": "unknown", "STUDENT": "unknown",
    "NAME": "unknown",
    "NOM": "last_name", "NOM DE FAMILLE": "last_name", "NOM DE NAISSANCE": "last_name", "NOM D USAGE": "last_name",
    "LAST NAME": "last_name", "SURNAME": "last_name", "FAMILY NAME": "last_name",
    "PRENOM": "first_name", "PRENOMS": "first_name", "FIRST NAME": "first_name", "GIVEN NAME": "first_name",
    "GIVEN NAMES": "first_name", "FORENAME": "first_name",
    "INE": "number", "N INE": "number", "NO INE": "number", "NUMERO": "number", "N CANDIDAT": "number",
    "NO CANDIDAT": "number", "NUMERO CANDIDAT": "number", "NUMERO DE CANDIDAT": "number", "N DE CANDIDAT": "number",
    "N D INSCRIPTION": "number", "NUMERO D INSCRIPTION": "number", "INSCRIPTION": "number", "MATRICULE": "number",
    "CANDIDATE NUMBER": "number", "CANDIDATE NO": "number", "STUDENT NUMBER": "number", "STUDENT NO": "number",
    "STUDENT ID": "number", "NUMBER": "number", "ID": "number",
    "CLASSE": "class", "CLASS": "class", "GROUPE": "class", "GROUP": "class", "DIVISION": "class", "SECTION": "class",
    "DATE DE NAISSANCE": "birth_date", "NE LE": "birth_date", "NE E LE": "birth_date", "NEE LE": "birth_date",
    "DATE OF BIRTH": "birth_date", "BIRTH DATE": "birth_date", "BORN": "birth_date",
    "SALLE": NOT_A_NAME, "ROOM": NOT_A_NAME, "TABLE": NOT_A_NAME, "PLACE": NOT_A_NAME, "SEAT": NOT_A_NAME,
    "EPREUVE": NOT_A_NAME, "MATIERE": NOT_A_NAME, "SUBJECT": NOT_A_NAME, "EXAMEN": NOT_A_NAME, "EXAM": NOT_A_NAME,
    "SESSION": NOT_A_NAME, "DATE": NOT_A_NAME, "NOTE": NOT_A_NAME, "MARK": NOT_A_NAME, "SCORE": NOT_A_NAME,
    "GRADE": NOT_A_NAME, "TOTAL": NOT_A_NAME, "APPRECIATION": NOT_A_NAME, "OBSERVATIONS": NOT_A_NAME,
    "SIGNATURE": NOT_A_NAME, "CENTRE": NOT_A_NAME, "CENTER": NOT_A_NAME, "PROFESSEUR": NOT_A_NAME,
    "TEACHER": NOT_A_NAME, "PAGE": NOT_A_NAME, "ETABLISSEMENT": NOT_A_NAME, "SCHOOL": NOT_A_NAME,
}  # fmt: skip
ALIKE = 0.76  # one letter in four misread, m for rn
SURELY_A_NUMBER = 0.6  # share of digits; INE numbers end with letters

_NUMBER_SIGN = re.compile(r"n[°º]", re.IGNORECASE)
_END = re.compile(r"[:：]")


def meaning(text: str) -> Label | None:
    """What a label as it was read stands for; ``None`` when it is no label we know."""
    words = _words(text)
    if not words:
        return None
    ranked = sorted(_LABELS, key=lambda label: -_alike(words, label))
    return _LABELS[ranked[0]] if _alike(words, ranked[0]) >= ALIKE else None


def prefix(text: str) -> tuple[Label, int] | None:
    """The label printed in front of what was written in the same box, and how many characters of ``text`` it takes.

    Only one that ends with a colon or is written exactly: Nomé is a name.
    """
    colon = _END.search(text)
    if colon is not None and (found := meaning(text[: colon.start()])) is not None:
        return found, colon.end()
    parts = [match.end() for match in re.finditer(r"\S+", text)]
    for end in reversed(parts[:4]):
        if _words(text[:end]) in _LABELS:
            return _LABELS[_words(text[:end])], end
    return None


def kinds(labels: Sequence[Label | None], texts: Sequence[str]) -> list[FieldKind | None]:
    """The kind of each field, from its label, else from what is written in it and the order; ``None``: to be left out.

    Without labels, a field of digits is the number, and names come as on most sheets: last name, then first name.
    """
    decided: list[FieldKind | None] = []
    for label, text in zip(labels, texts, strict=True):
        if label == NOT_A_NAME:
            decided.append(None)
        elif label is not None:
            decided.append(label)  # type: ignore[arg-type]
        else:
            decided.append("number" if _digits(text) >= SURELY_A_NUMBER else "unknown")
    nameless = [place for place, label in enumerate(labels) if label is None and decided[place] == "unknown"]
    missing: list[FieldKind] = [kind for kind in ("last_name", "first_name") if kind not in decided]
    if len(nameless) >= len(missing):  # one box alone may hold both names
        for place, kind in zip(nameless, missing, strict=False):
            decided[place] = kind
    return decided


def _words(text: str) -> str:
    return " ".join(folded(_NUMBER_SIGN.sub("N ", text)).split())


def _alike(words: str, label: str) -> float:
    return 1.0 if words == label else SequenceMatcher(None, words, label, autojunk=False).ratio()


def _digits(text: str) -> float:
    letters = [each for each in text if each.isalnum()]
    return sum(each.isdigit() for each in letters) / len(letters) if len(letters) >= 4 else 0.0
