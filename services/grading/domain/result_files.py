"""Results as files: one for programs, one for Pronote and French spreadsheets."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from services.grading.domain.results import points
from services.grading.domain.roster_errors import harmless
from services.grading.domain.scheme import Leaf

State = Literal["graded", "marking", "no_copy"]
PRONOTE_HEADER: Final = ("Nom", "Prénom", "Classe", "INE", "Note", "Barème", "Appréciation")
CSV_HEADER: Final = (
    "last_name", "first_name", "class", "ine", "birth_date", "anonymous_id", "state", "total", "total_points",
)  # fmt: skip

_NOT_DECOMPOSED = str.maketrans(
    {"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ß": "ss", "đ": "d", "Đ": "D",
     "’": "-", "ʼ": "-"}
)  # fmt: skip
"""Letters that are no letter with an accent to Unicode."""


@dataclass(frozen=True)
class Result:
    """One candidate. Only a ``graded`` copy shows its ``total`` and ``scores``: the others may still change."""

    last_name: str
    first_name: str
    class_name: str
    ine: str | None
    birth_date: dt.date | None
    anonymous_id: str | None
    state: State
    total: Decimal | None
    scores: Mapping[str, Decimal]
    appraisal: str


def for_programs(results: Sequence[Result], items: Sequence[Leaf], total_points: Decimal) -> bytes:
    """RFC 4180: UTF-8, commas, CRLF, decimal points; one column per item, titled by its labels."""
    rows: list[list[str]] = [[*CSV_HEADER, *(" / ".join(item.path) for item in items)]]
    for each in results:
        given = [each.scores.get(item.item_id) for item in items]
        rows.append(
            [
                each.last_name,
                each.first_name,
                each.class_name,
                each.ine or "",
                each.birth_date.isoformat() if each.birth_date else "",
                each.anonymous_id or "",
                each.state,
                _number(each.total),
                points(total_points),
                *map(_number, given),
            ]
        )
    return _written(rows, ",").encode()


def for_pronote(results: Sequence[Result], total_points: Decimal) -> bytes:
    """UTF-8 with BOM, ``;``, decimal comma, CRLF. Whoever has no mark stands there with an empty one."""
    rows: list[list[str]] = [[*PRONOTE_HEADER]]
    for each in results:
        mark, out_of = _number(each.total), points(total_points)
        names = [each.last_name, each.first_name, each.class_name, each.ine or ""]
        rows.append([*names, mark.replace(".", ","), out_of.replace(".", ","), each.appraisal])
    return _written(rows, ";").encode("utf-8-sig")


def _written(rows: Sequence[Sequence[str]], delimiter: str) -> str:
    """Every cell is shown by a spreadsheet, never run; scores are not negative, so none loses its sign."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerows([map(harmless, row) for row in rows])
    return out.getvalue()


def _number(value: Decimal | None) -> str:
    return "" if value is None else points(value)


def document_name(class_name: str | None, last_name: str | None, first_name: str | None, anonymous_id: str) -> str:
    """``TG2/DA-SILVA_Louise_K7Q2MX.pdf``: safe on every system, unique by the anonymous id.

    A copy that nobody identified has only that. Folders are classes; without one a file stands at the top.
    """
    name = "_".join(part for part in (_safe(last_name, 40), _safe(first_name, 40), _safe(anonymous_id, 30)) if part)
    folder = _safe(class_name, 60)
    return f"{folder}/{name}.pdf" if folder else f"{name}.pdf"


def _safe(text: str | None, most: int) -> str:
    """Letters and digits of ASCII, accents dropped; whatever stands between them becomes one dash."""
    plain = unicodedata.normalize("NFKD", (text or "").translate(_NOT_DECOMPOSED)).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:most].strip("-")
