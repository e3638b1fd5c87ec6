"""What final PDFs and answer sheets say, in French and English: labels, numbers, dates. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

MINUS = "\N{MINUS SIGN}"

_MONTHS_FR = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip
_MONTHS_EN = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

LABELS: dict[str, dict[str, str]] = {
    "fr": {
        "sheet": "Relevé de notes",
        "anonymous": "Copie n°",
        "question": "Question",
        "points": "Points",
        "total": "Total",
        "bonus": "bonus",
        "bonus_mark": "Bonus",
        "appraisal": "Appréciation",
        "long_comments": "Suite des annotations",
        "on_page": "Page {page} de la copie",
        "continued": "(suite)",
        "see": "… [suite n° {number} après le relevé]",
        "marked": "Corrigé le {date}",
        "revision": "révision {revision}",
        "page": "page {page}/{pages}",
        "replaced": "Les signes {sign} remplacent des caractères que ce document ne sait pas écrire ({count}).",
        "answer_sheets": "Copies à imprimer",
        "last_name": "NOM",
        "capitals": "en majuscules",
        "first_name": "Prénom",
        "number": "N° candidat",
        "class": "Classe",
        "sheet_page": "Page {page} / {pages}",
        "codes_free": "Ne rien écrire ni coller sur les codes.",
    },
    "en": {
        "sheet": "Score sheet",
        "anonymous": "Copy no.",
        "question": "Question",
        "points": "Points",
        "total": "Total",
        "bonus": "bonus",
        "bonus_mark": "Bonus",
        "appraisal": "Appraisal",
        "long_comments": "Annotations, continued",
        "on_page": "Page {page} of the copy",
        "continued": "(continued)",
        "see": "… [continued, no. {number}, after the score sheet]",
        "marked": "Marked on {date}",
        "revision": "revision {revision}",
        "page": "page {page}/{pages}",
        "replaced": "The signs {sign} stand for characters this document cannot write ({count}).",
        "answer_sheets": "Answer sheets",
        "last_name": "LAST NAME",
        "capitals": "in capitals",
        "first_name": "First name",
        "number": "Candidate no.",
        "class": "Class",
        "sheet_page": "Page {page} / {pages}",
        "codes_free": "Leave the codes free: write and stick nothing on them.",
    },
}


def label(language: str, key: str, **values: object) -> str:
    return LABELS[language][key].format(**values)


def points(value: Decimal, language: str) -> str:
    """No trailing zeros; a decimal comma in French: ``14,5``."""
    text = format(value.normalize() + 0, "f").replace("-", MINUS)
    return text.replace(".", ",") if language == "fr" else text


def signed_points(value: Decimal, language: str) -> str:
    return ("+" if value > 0 else "") + points(value, language)


def day(value: date, language: str) -> str:
    if language == "fr":
        return f"{'1er' if value.day == 1 else value.day} {_MONTHS_FR[value.month - 1]} {value.year}"
    return f"{value.day} {_MONTHS_EN[value.month - 1]} {value.year}"


def moment(value: datetime, language: str) -> str:
    """The instant in UTC, and says so: the document must be the same bytes wherever it is made."""
    utc = value.astimezone(UTC)
    clock = f"{utc:%H} h {utc:%M}" if language == "fr" else f"{utc:%H:%M}"
    return f"{day(utc.date(), language)}, {clock} UTC"
