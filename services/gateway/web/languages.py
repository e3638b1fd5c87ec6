"""French and English: the catalogues, plurals, and how numbers and days are written.

The same JSON catalogues serve the templates and the browser's modules (``static/js/core/words.js``).
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from functools import cache
from pathlib import Path

from services.gateway import problems

CATALOGUES = Path(__file__).parent.parent / "static" / "i18n"
LANGUAGES = ("fr", "en")


@cache
def catalogue(language: str) -> dict[str, str]:
    """Key to text. A key that is missing is a defect, and a test looks for all of them."""
    found: dict[str, str] = json.loads((CATALOGUES / f"{language}.json").read_text(encoding="utf-8"))
    return found


def t(key: str, **values: object) -> str:
    """The text of ``key`` in the reader's language."""
    return catalogue(problems.language())[key].format_map(values)


def known(key: str, otherwise: str) -> str:
    """The text of ``key``, or ``otherwise`` for a code that this catalogue does not know."""
    return catalogue(problems.language()).get(key, otherwise)


def n(key: str, count: int | Decimal, **values: object) -> str:
    """``key`` for a number of things; French counts nought as one, English as several."""
    alone = count < 2 if problems.language() == "fr" else count == 1
    return t(f"{key}.{'one' if alone else 'other'}", n=count, **values)


def points(value: Decimal | str | None) -> str:
    """``12,5`` or ``12.5``; a dash when there is no number yet."""
    if value is None:
        return "–"
    written = format(Decimal(value).normalize() + 0, "f")
    return written.replace(".", ",") if problems.language() == "fr" else written


def day(value: dt.date | None) -> str:
    """``12 mai 2026`` or ``12 May 2026``."""
    if value is None:
        return t("day.none")
    month = t(f"month.{value.month}")
    number = t("day.first") if value.day == 1 else str(value.day)
    return f"{number} {month} {value.year}"
