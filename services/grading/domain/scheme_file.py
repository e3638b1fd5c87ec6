"""The scheme as a CSV file: ``path;label;points;bonus;id``, one row per exercise and question, parents first.

``path`` is the outline number: ``2.1`` stands below ``2``, whatever the parts are called. ``points`` of a row with
rows below it may be empty, or what these add up to. ``bonus`` and ``id`` may be missing: ``id`` keeps scores attached
to their question, without it the path names it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from contracts.errors.grading_exams import RosterQuoteOpen, SchemeFileUnknown
from services.grading.domain.roster_columns import fold
from services.grading.domain.roster_errors import harmless
from services.grading.domain.roster_file import DELIMITERS, decode, trim
from services.grading.domain.scheme import MAX_DEPTH, Node, counted_points

COLUMNS = {
    "path": ("path", "chemin", "numero", "n", "no", "number"),
    "label": ("label", "libelle", "intitule", "question", "titre"),
    "points": ("points", "point", "bareme", "pts"),
    "bonus": ("bonus",),
    "id": ("id", "identifiant"),
}
REQUIRED = ("path", "label", "points")
MAX_LABEL = 200
MAX_ID = 64
_PATH = re.compile(r"[^\W_]{1,8}(\.[^\W_]{1,8})*\.?")
_POINTS = re.compile(r"\d{1,4}([.,]\d{1,3})?")
_YES = {"1", "x", "oui", "yes", "true", "vrai", "bonus"}
_NO = {"", "0", "non", "no", "false", "faux"}


@dataclass(frozen=True)
class FileError:
    """One thing wrong with one row; ``row`` counts lines from 1.

    ``reason``: ``missing``, ``format``, ``too_long``, ``duplicate``, ``no_parent`` (its exercise stands in no row
    above), ``too_deep``, or ``not_the_sum`` of what stands below.
    """

    row: int
    field: str
    value: str
    reason: str


@dataclass
class _Row:
    """A row that was understood, with the rows below it."""

    number: int
    path: tuple[str, ...]
    label: str
    points: Decimal | None
    bonus: bool
    id: str
    below: list[_Row] = field(default_factory=list)

    def node(self) -> Node:
        children = tuple(row.node() for row in self.below)
        return Node(self.id, self.label, None if children else self.points, self.bonus, children)


def read(data: bytes) -> tuple[tuple[Node, ...], tuple[FileError, ...]]:
    """The tree a file describes, or everything that is wrong with its rows; then no tree.

    Raises:
        RosterNotCsv, RosterQuoteOpen: nothing could be read.
        SchemeFileUnknown: the first row does not name the columns.
    """
    numbered, columns = _table(decode(data))
    errors: list[FileError] = []
    known: dict[tuple[str, ...], _Row] = {}
    ids: set[str] = set()
    roots: list[_Row] = []
    for number, cells in numbered:
        told = {name: cells[at] if at < len(cells) else "" for name, at in columns.items()}
        row = _understood(number, told, known, ids, errors)
        if row is not None:
            known[row.path] = row
            ids.add(row.id)
            (known[row.path[:-1]].below if row.path[:-1] else roots).append(row)
    for row in known.values():
        errors += _sum_errors(row)
    if errors:
        first = {(error.row, error.field): error for error in reversed(errors)}  # what follows from it is not told
        return (), tuple(sorted(first.values(), key=lambda error: error.row))
    return tuple(row.node() for row in roots), ()


def write(nodes: Sequence[Node]) -> str:
    """What ``read`` reads, for spreadsheets: a byte order mark, ``;``, points with a comma."""
    out = io.StringIO()
    rows = csv.writer(out, delimiter=";", lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for path, node in _numbered(nodes):
        points = "" if node.points is None else format(node.points.normalize() + 0, "f").replace(".", ",")
        rows.writerow([path, harmless(node.label), points, "oui" if node.bonus else "", harmless(node.id)])
    return "\N{BYTE ORDER MARK}" + out.getvalue()


def _numbered(nodes: Sequence[Node], above: str = "") -> list[tuple[str, Node]]:
    found = []
    for place, node in enumerate(nodes, 1):
        path = f"{above}{place}"
        found += [(path, node), *_numbered(node.children, f"{path}.")]
    return found


def _table(text: str) -> tuple[list[tuple[int, list[str]]], dict[str, int]]:
    """Rows that say something, with their line, and where each column stands."""
    readings = [_rows(text, delimiter) for delimiter in DELIMITERS]
    headers = [rows[0][1] if rows else [] for rows in readings]
    found = zip(readings, headers, map(_columns, headers), strict=True)
    rows, header, columns = max(found, key=lambda reading: len(reading[2]))
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise SchemeFileUnknown(found=[cell[:40] for cell in header[:20] if cell], missing=missing)
    return rows[1:], columns


def _rows(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows = []
    start = 1
    try:
        for raw in reader:
            cells = [trim(cell) for cell in raw]
            if any(cells):
                rows.append((start, cells))
            start = reader.line_num + 1
    except csv.Error:  # a value longer than any: a quotation mark was left open
        raise RosterQuoteOpen(row=start) from None
    return rows


def _columns(header: Sequence[str]) -> dict[str, int]:
    folded = [fold(cell) for cell in header]
    return {
        name: next(at for at, cell in enumerate(folded) if cell in names)
        for name, names in COLUMNS.items()
        if set(names) & set(folded)
    }


def _understood(
    number: int,
    told: Mapping[str, str],
    known: Mapping[tuple[str, ...], _Row],
    ids: set[str],
    errors: list[FileError],
) -> _Row | None:
    """The row, unless something is wrong with it: that goes to ``errors``."""
    path = tuple(told["path"].rstrip(".").split("."))
    name = told.get("id", "") or "q" + ".".join(path)
    wrong = {
        "path": _path_problem(told["path"], path, known),
        "label": _text_problem(told["label"], MAX_LABEL),
        "points": "format" if told["points"] and not _POINTS.fullmatch(told["points"]) else "",
        "bonus": "" if fold(told.get("bonus", "")) in _YES | _NO else "format",
        "id": _text_problem(name, MAX_ID) or ("duplicate" if name in ids and path not in known else ""),
    }
    found = [FileError(number, column, told.get(column, "")[:MAX_LABEL], why) for column, why in wrong.items() if why]
    errors += found
    if wrong["path"]:
        return None
    points = None if not told["points"] or wrong["points"] else Decimal(told["points"].replace(",", "."))
    return _Row(number, path, told["label"], points, fold(told.get("bonus", "")) in _YES, name)


def _path_problem(text: str, path: tuple[str, ...], known: Mapping[tuple[str, ...], _Row]) -> str:
    if not text:
        return "missing"
    if not _PATH.fullmatch(text):
        return "format"
    if path in known:
        return "duplicate"
    if len(path) > MAX_DEPTH:
        return "too_deep"
    return "" if len(path) == 1 or path[:-1] in known else "no_parent"


def _text_problem(text: str, most: int) -> str:
    if not text:
        return "missing"
    if len(text) > most:
        return "too_long"
    return "" if text.isprintable() else "format"


def _sum_errors(row: _Row) -> list[FileError]:
    if row.below and row.points is not None and row.points != counted_points([row.node()]):
        return [FileError(row.number, "points", str(row.points), "not_the_sum")]
    if not row.below and row.points is None:
        return [FileError(row.number, "points", "", "missing")]
    return []
