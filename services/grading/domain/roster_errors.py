"""The rows of a roster that cannot be imported, as a file to correct in a spreadsheet and to import again."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from services.grading.domain.roster import Error
from services.grading.domain.roster_file import RosterFile

# French, English
HEADER = (("Ligne", "Motif"), ("Row", "Reason"))
FIELD_NAMES = {
    "ine": ("INE", "INE"),
    "last_name": ("Nom", "Last name"),
    "first_name": ("Prénom", "First name"),
    "full_name": ("Nom et prénom", "Name"),
    "class": ("Classe", "Class"),
    "birth_date": ("Date de naissance", "Birth date"),
    "row": ("Ligne", "Row"),
}
REASONS = {
    "missing": ("cette valeur manque", "this value is missing"),
    "format": ("ce format n'est pas accepté", "this format is not accepted"),
    "too_long": ("trop long", "too long"),
    "control_character": ("caractère invisible ou retour à la ligne", "an invisible character or a line break"),
    "formula": ("une formule n'est pas un nom", "a formula is no name"),
    "out_of_range": ("date impossible", "an impossible date"),
    "too_many_columns": ("plus de valeurs que de colonnes", "more values than columns"),
    "cannot_split": (
        "où finit le nom et où commence le prénom ? Écrivez le nom en capitales",
        "where does the last name end? Write it in capitals",
    ),
    "duplicate": (
        "contredit la ligne {row}, qui parle de la même personne",
        "contradicts row {row} on the same person",
    ),
    "ambiguous": ("plusieurs candidats de la liste portent ce nom", "several candidates of the roster have this name"),
}
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0", "＝", "＋", "－", "＠")


def bad_rows_csv(file: RosterFile, errors: Sequence[Error], language: str) -> bytes:
    """Each refused row as the file has it, behind its number and what is wrong; for French spreadsheets: ``;``, BOM.

    The two columns in front are none of a roster's, and surplus values stay at the end: corrected, it is a roster.
    """
    english = language == "en"
    cells = {record.row: record.cells for record in file.records}
    out = io.StringIO()
    rows = csv.writer(out, delimiter=";", lineterminator="\r\n")
    rows.writerow([*HEADER[english], *map(harmless, file.header)])
    for error in errors:
        rows.writerow([error.row, _in_words(error, english=english), *map(harmless, cells[error.row])])
    return out.getvalue().encode("utf-8-sig")


def _in_words(error: Error, *, english: bool) -> str:
    reason, _, row = error.reason.partition("_of_row_")
    return f"{FIELD_NAMES[error.field][english]}{': ' if english else ' : '}{REASONS[reason][english].format(row=row)}"


def harmless(cell: str) -> str:
    """A spreadsheet shows it instead of running it (ASVS 1.2.10)."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
