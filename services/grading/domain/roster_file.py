"""Reading a roster: from the bytes somebody exported to one row per record, or a refusal that says what to do."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.errors.grading_exams import RosterNotCsv, RosterQuoteOpen, RosterTooLarge
from services.grading.domain import roster_names
from services.grading.domain.roster_columns import FULL_NAME, Layout
from services.grading.domain.roster_columns import fold as fold  # identities are compared as rosters are

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 20_000
DELIMITERS = ";,\t"
HEADER_WITHIN = 30  # rows: some exports begin with the name of the school and the date

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
_TEXT_CELL = re.compile(r'="(.*)"')  # how a spreadsheet is kept from reading 0123 as a number
_MARKED_TEXT = re.compile(r"'(?=[0-9=+@-])")
_FOOTER = re.compile(r"(total|effectif|nombre d|edite le|exporte le|imprime le|page \d|\d+ (eleve|candidat|student))")
_INVISIBLE = re.compile("[\\u200b\\u200e\\u200f\\ufeff]")


@dataclass(frozen=True)
class Record:
    """One record of the file. ``row`` is its first line, from 1; ``values`` has a trimmed text per field found.

    ``skip`` says why it is about no candidate: ``blank``, ``before_header``, ``header`` (repeated, as in files glued
    together) or ``footer`` (a total, a date). ``surplus`` is what stands beyond the last column. Two names in one
    column that cannot be told apart stay in ``values["full_name"]``. ``cells`` is the row, for who has to correct it.
    """

    row: int
    values: Mapping[str, str]
    surplus: str = ""
    skip: str = ""
    cells: tuple[str, ...] = ()


@dataclass(frozen=True)
class RosterFile:
    """``columns`` are the fields found; a field that is not among them is not said by this file at all."""

    columns: tuple[str, ...]
    records: tuple[Record, ...]
    header: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """``rows`` with the line each starts on, the header among them at ``header_at``."""

    rows: list[tuple[int, list[str]]]
    header_at: int

    @property
    def header(self) -> list[str]:
        return self.rows[self.header_at][1] if self.rows else []


def table(data: bytes, layout: Layout) -> Table:
    """The cells of a CSV file, whatever its columns are called.

    Raises:
        RosterNotCsv, RosterTooLarge, RosterQuoteOpen.
    """
    if len(data) > MAX_BYTES:
        raise RosterTooLarge(max_rows=MAX_ROWS, max_bytes=MAX_BYTES)
    text = decode(data)
    skipped_lines = 0
    separator = _SEPARATOR_LINE.match(text.split("\n", 1)[0])
    delimiters = DELIMITERS
    if separator and "\n" in text:
        delimiters, skipped_lines, text = separator[1], 1, text.split("\n", 1)[1]
    delimiter, header_at = _best_reading(text, delimiters, layout)
    rows = [(line + skipped_lines, cells) for line, cells in _rows(text, delimiter)]
    if len(rows) > MAX_ROWS + 1:
        raise RosterTooLarge(max_rows=MAX_ROWS, max_bytes=MAX_BYTES)
    return Table(rows, header_at)


def read(data: bytes, layout: Layout | None = None) -> RosterFile:
    """Every record of a CSV file, in order; nothing is dropped.

    Encoding: a byte order mark decides, else UTF-16 shows by its zero bytes, else UTF-8, else Windows-1252.
    Header: the first row that names the columns needed. Delimiter: the one among ``;``, ``,`` and tab under which
    it names most.

    Raises:
        RosterNotCsv, RosterTooLarge, RosterQuoteOpen, RosterColumnsUnknown, RosterColumnMissing, RosterColumnTwice.
    """
    layout = layout or Layout()
    found = table(data, layout)
    header = found.header
    columns = layout.columns(header)
    records = [
        _record(line, cells, columns, header, after_header=index > found.header_at)
        for index, (line, cells) in enumerate(found.rows)
        if index != found.header_at
    ]
    return RosterFile(tuple(columns), tuple(records), tuple(header))


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


def _best_reading(text: str, delimiters: str, layout: Layout) -> tuple[str, int]:
    """The delimiter under which a header names most columns, and the header's place among the rows."""
    best: tuple[tuple[int, int], str, int] | None = None
    for delimiter in delimiters:
        at, header = _header(text, delimiter, layout)
        known = len(layout.found(header))
        if best is None or (known, len(header)) > best[0]:
            best = ((known, len(header)), delimiter, at)
    assert best is not None, "there is at least one delimiter"
    return best[1:]


def _header(text: str, delimiter: str, layout: Layout) -> tuple[int, list[str]]:
    """The first row that is a header, else the first that says something. Read leniently: errors are told later."""
    first: tuple[int, list[str]] | None = None
    for at, raw in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)):
        cells = [trim(cell) for cell in raw]
        if not any(cells):
            continue
        first = first or (at, cells)
        if layout.suits(cells):
            return at, cells
        if at - first[0] >= HEADER_WITHIN:
            break
    return first or (0, [])


def _rows(text: str, delimiter: str) -> Rows:
    """Every record with the line it starts on. A quote left open would swallow what follows: refused."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: Rows = []
    start = 1
    try:
        for cells in reader:
            rows.append((start, [trim(cell) for cell in cells]))
            start = reader.line_num + 1
    except csv.Error:
        raise RosterQuoteOpen(row=start) from None
    return rows


def _record(
    row: int, cells: Sequence[str], columns: Mapping[str, int], header: Sequence[str], *, after_header: bool
) -> Record:
    values = {field: cells[index] if index < len(cells) else "" for field, index in columns.items()}
    both = values.get(FULL_NAME, "")
    names = roster_names.split(both, header[columns[FULL_NAME]]) if both else None
    if names is not None:
        del values[FULL_NAME]
        values["last_name"], values["first_name"] = names
    surplus = " ".join(cell for cell in cells[len(header) :] if cell)
    return Record(row, values, surplus, _skip(cells, header, after_header=after_header), tuple(cells))


def _skip(cells: Sequence[str], header: Sequence[str], *, after_header: bool) -> str:
    said = [cell for cell in cells if cell]
    if not said:
        return "blank"
    if not after_header:
        return "before_header"
    if list(cells) == list(header):
        return "header"
    is_footer = _FOOTER.match(fold(said[0])) and all(cell.isdigit() for cell in said[1:])
    return "footer" if is_footer else ""


def trim(cell: str) -> str:
    """Composed letters, single spaces (no-break ones are spaces too), no invisible marks; controls stay, to be told."""
    text = _SPACES.sub(" ", unicodedata.normalize("NFC", _INVISIBLE.sub("", cell))).strip()
    return _MARKED_TEXT.sub("", _TEXT_CELL.sub(r"\1", text, count=1) if text.startswith("=") else text, count=1)
