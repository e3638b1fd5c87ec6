"""Reading a roster: from the bytes somebody exported to one row per record, or a refusal that says what to do."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.errors.grading_exams import (
    RosterColumnsUnknown,
    RosterColumnTwice,
    RosterNotCsv,
    RosterQuoteOpen,
    RosterTooLarge,
)

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 20_000
DELIMITERS = ";,\t"

FIELDS = ("ine", "last_name", "first_name", "class", "birth_date")
REQUIRED = ("last_name", "first_name")

# Headers as schools export them (Pronote, Siècle, Cyclades, hand-made), folded; the first named wins over the later.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "ine": (
        "ine", "n ine", "no ine", "num ine", "numero ine", "code ine", "ine eleve", "ine rnie", "identifiant national",
        "identifiant national eleve", "identifiant national de l eleve", "numero national", "national id",
        "national student id", "student id", "student number", "candidate number",
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
    "class": ("classe", "division", "code classe", "libelle classe", "groupe", "class", "class name", "group", "form"),
    "birth_date": (
        "date de naissance", "date naissance", "naissance", "ne le", "ne e le", "nee le", "date naiss", "ddn",
        "birth date", "birthdate", "date of birth", "birthday", "dob", "born",
    ),
}  # fmt: skip
_MEANING = {name: (field, rank) for field, names in SYNONYMS.items() for rank, name in enumerate(names)}

_SIGNATURES = (
    (b"%PDF", "pdf"),
    (b"\xd0\xcf\x11\xe0", "xls"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"\x1f\x8b", "archive"),
    (b"7z\xbc\xaf", "archive"),
    (b"Rar!", "archive"),
    (b"{\\rtf", "rtf"),
)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)  # Excel's own first line
_UTF8_LETTER = re.compile(rb"\xc3[\x80-\xbf]|\xc5[\x92\x93]")  # À to ÿ, Œ and œ
_BINARY_SHARE = 0.05
_SPACES = re.compile("[ \\u00a0\\u202f]+")
_INVISIBLE = re.compile("[\\u200b\\u200e\\u200f\\ufeff]")


@dataclass(frozen=True)
class Record:
    """One record of the file. ``row`` is its first line, from 1; ``values`` has a trimmed text per column found.

    ``surplus`` is what stands beyond the last column. All values are empty in a ``blank`` record; ``header`` is a
    repetition of the header row, as files glued together have.
    """

    row: int
    values: Mapping[str, str]
    surplus: str = ""
    blank: bool = False
    header: bool = False


@dataclass(frozen=True)
class RosterFile:
    """``columns`` are the fields found; a field that is not among them is not said by this file at all."""

    columns: tuple[str, ...]
    records: tuple[Record, ...]


def read(data: bytes) -> RosterFile:
    """Every record of a CSV file, in order; nothing is dropped.

    Encoding: a byte order mark decides, else UTF-16 shows by its zero bytes, else UTF-8, else Windows-1252.
    Delimiter: the one among ``;``, ``,`` and tab under which the header row names most columns.

    Raises:
        RosterNotCsv, RosterTooLarge, RosterQuoteOpen, RosterColumnsUnknown, RosterColumnTwice.
    """
    if len(data) > MAX_BYTES:
        raise RosterTooLarge(max_rows=MAX_ROWS, max_bytes=MAX_BYTES)
    text = decode(data)
    skipped_lines = 0
    separator = _SEPARATOR_LINE.match(text.split("\n", 1)[0])
    delimiters = DELIMITERS
    if separator and "\n" in text:
        delimiters, skipped_lines, text = separator[1], 1, text.split("\n", 1)[1]
    rows, columns = _best_reading(text, delimiters)
    header_at = next(index for index, (_, cells) in enumerate(rows) if any(cells))
    header = rows[header_at][1]
    records = []
    for index, (line, cells) in enumerate(rows):
        if index == header_at:
            continue
        records.append(_record(line + skipped_lines, cells, columns, header))
    if len(records) > MAX_ROWS:
        raise RosterTooLarge(max_rows=MAX_ROWS, max_bytes=MAX_BYTES)
    return RosterFile(tuple(columns), tuple(records))


def decode(data: bytes) -> str:
    """The file as text; ``RosterNotCsv`` when it is no text."""
    if not data.strip():
        raise RosterNotCsv(found="empty")
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            text = _strictly(data[len(mark) :], encoding)
            break
    else:
        _refuse_other_formats(data)
        text = _without_mark(data)
    if not text.strip():
        raise RosterNotCsv(found="empty")
    strange = sum(1 for char in text if unicodedata.category(char) == "Cc" and char not in "\t\r\n")
    if strange > len(text) * _BINARY_SHARE and strange > 2:
        raise RosterNotCsv(found="binary")
    start = text[:500].lstrip().lower()
    if start.startswith(("<!doctype", "<html", "<?xml", "<table", "<head")):
        raise RosterNotCsv(found="html")
    if start.startswith(("{", "[")):
        raise RosterNotCsv(found="json")
    return text


def fold(text: str) -> str:
    """Lower case without accents, ligatures spelt out, everything that is no letter or digit a single space."""
    spelt = text.casefold().replace("œ", "oe").replace("æ", "ae").replace("ø", "o").replace("ł", "l")
    plain = "".join(char for char in unicodedata.normalize("NFKD", spelt) if not unicodedata.combining(char))
    return " ".join("".join(char if char.isalnum() else " " for char in plain).split())


def _refuse_other_formats(data: bytes) -> None:
    for signature, found in _SIGNATURES:
        if data.startswith(signature):
            raise RosterNotCsv(found=found)
    if data.startswith(b"PK\x03\x04"):  # a zip: spreadsheets are zips, their first kilobytes name their parts
        head = data[:4096]
        if b"opendocument.spreadsheet" in head:
            raise RosterNotCsv(found="ods")
        raise RosterNotCsv(found="xlsx" if b"xl/" in data or b"[Content_Types]" in head else "archive")


def _without_mark(data: bytes) -> str:
    sample = data[:4096]
    pairs = max(len(sample) // 2, 1)
    if len(data) % 2 == 0 and sample[1::2].count(0) > 0.7 * pairs:  # Latin letters: every other byte is zero
        return _strictly(data, "utf-16-le")
    if len(data) % 2 == 0 and sample[0::2].count(0) > 0.7 * pairs:
        return _strictly(data, "utf-16-be")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        if _UTF8_LETTER.search(data):  # damaged UTF-8: as Windows-1252 every "é" would silently become "Ã©"
            raise RosterNotCsv(found="encoding") from None
        return _strictly(data, "cp1252")


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise RosterNotCsv(found="encoding") from None


Rows = list[tuple[int, list[str]]]


def _best_reading(text: str, delimiters: str) -> tuple[Rows, dict[str, int]]:
    """The rows under the delimiter that names most columns, and which column is which field."""
    best: tuple[tuple[int, int], str, list[str]] | None = None
    for delimiter in delimiters:
        header = _first_row(text, delimiter)
        known = len({_MEANING[fold(cell)][0] for cell in header if fold(cell) in _MEANING})
        if best is None or (known, len(header)) > best[0]:
            best = ((known, len(header)), delimiter, header)
    assert best is not None, "there is at least one delimiter"
    _, delimiter, header = best
    return _rows(text, delimiter), _columns(header)


def _first_row(text: str, delimiter: str) -> list[str]:
    """The first record that says something; read leniently, errors are told by the full reading."""
    for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        if any(cell.strip() for cell in cells):
            return [_trim(cell) for cell in cells]
    return []


def _columns(header: Sequence[str]) -> dict[str, int]:
    found: dict[str, list[tuple[int, int]]] = {}
    for index, cell in enumerate(header):
        meaning = _MEANING.get(fold(cell))
        if meaning is not None:
            found.setdefault(meaning[0], []).append((meaning[1], index))
    missing = [field for field in REQUIRED if field not in found]
    if missing:
        shown = [cell[:40] for cell in header[:20] if cell]
        raise RosterColumnsUnknown(found=shown, missing=missing)
    for places in found.values():
        places.sort()
        if len(places) > 1 and places[0][0] == places[1][0]:
            raise RosterColumnTwice(columns=[header[index] for _, index in places])
    return {field: found[field][0][1] for field in FIELDS if field in found}


def _rows(text: str, delimiter: str) -> Rows:
    """Every record with the line it starts on. A quote left open would swallow what follows: refused."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: Rows = []
    start = 1
    try:
        for cells in reader:
            rows.append((start, [_trim(cell) for cell in cells]))
            start = reader.line_num + 1
    except csv.Error:
        raise RosterQuoteOpen(row=start) from None
    return rows


def _record(row: int, cells: Sequence[str], columns: Mapping[str, int], header: Sequence[str]) -> Record:
    values = {field: cells[index] if index < len(cells) else "" for field, index in columns.items()}
    surplus = " ".join(cell for cell in cells[len(header) :] if cell)
    return Record(row, values, surplus, blank=not any(cells), header=list(cells) == list(header))


def _trim(cell: str) -> str:
    """Composed letters, single spaces (no-break ones are spaces too), no invisible marks; controls stay, to be told."""
    return _SPACES.sub(" ", unicodedata.normalize("NFC", _INVISIBLE.sub("", cell))).strip()
