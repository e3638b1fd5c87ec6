"""Rosters as they really come, each with what must become of it; every row of each is accounted for (invariant I15)."""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import dataclass, field

import pytest

from contracts.errors import Refusal
from services.grading.domain import roster_errors
from services.grading.domain.roster import Plan, plan
from services.grading.domain.roster_columns import Layout
from services.grading.domain.roster_file import MAX_ROWS, RosterFile, read

TODAY = dt.date(2026, 3, 1)
H = "INE;Nom;Prénom;Classe\n"
MARTIN, DURAND = ("MARTIN", "Noah"), ("DURAND", "Léa")


@dataclass(frozen=True)
class Odd:
    """``names`` of those created; ``skipped`` and ``errors`` by row; or the ``code`` of the refusal."""

    data: bytes
    names: tuple[tuple[str, str], ...] = ()
    skipped: tuple[tuple[int, str], ...] = ()
    errors: tuple[tuple[int, str, str], ...] = ()
    code: str = ""
    layout: Layout = field(default_factory=Layout)


def text(content: str, encoding: str = "utf-8", **expected: object) -> Odd:
    return Odd(content.encode(encoding), **expected)  # type: ignore[arg-type]


def mapped(**mapping: str) -> Layout:
    return Layout(mapping=mapping)


TWO = H + "123456789AB;MARTIN;Noah;TG1\n;DURAND;Léa;TG2\n"
BOTH = (MARTIN, DURAND)
ROSTERS = {
    # Bytes
    "UTF-8 with a byte order mark": text(TWO, "utf-8-sig", names=BOTH),
    "UTF-16 as Excel writes it": text(TWO.replace(";", "\t"), "utf-16", names=BOTH),
    "UTF-16 big-endian without a mark": text(TWO, "utf-16-be", names=BOTH),
    "Windows-1252": text(TWO, "cp1252", names=BOTH),
    "UTF-8 broken in the middle": Odd(TWO.encode().replace(b"\xa9a", b"\xffa"), code="grading.roster_not_csv"),
    "commas": text(TWO.replace(";", ","), names=BOTH),
    "line ends of an old Macintosh": text(TWO.replace("\n", "\r"), names=BOTH),
    "line ends of Windows, one missing at the end": text(TWO.strip().replace("\n", "\r\n"), names=BOTH),
    "Excel's sep= line": text("sep=|\n" + TWO.replace(";", "|"), names=BOTH),
    "an Excel workbook": Odd(b"PK\x03\x04\x14\0\x06\0[Content_Types].xml", code="grading.roster_not_csv"),
    "a photo of the list": Odd(b"\xff\xd8\xff\xe0" + bytes(500), code="grading.roster_not_csv"),
    "nothing": Odd(b"", code="grading.roster_not_csv"),
    "a header and nobody": text(H),
    "zeros between the letters of one name": text(H + ";MAR\0TIN;Noah;\n",
        errors=((2, "last_name", "control_character"),)),
    "a quote that never ends": text(H + ';"MARTIN;Noah;\n;DURAND;Léa;\n', code="grading.roster_quote_open"),
    # Rows
    "a header in the fifth row": text(
        "Lycée Jean Moulin\n\nClasse : TG1;;\nÉdité le 01/03/2026\n" + TWO, names=BOTH,
        skipped=((1, "before_header"), (2, "blank"), (3, "before_header"), (4, "before_header")),
    ),
    "totals and a date at the end": text(
        TWO + "Total;2;;\n2 élèves;;;\nÉdité le 01/03/2026;;;\n", names=BOTH,
        skipped=((4, "footer"), (5, "footer"), (6, "footer")),
    ),
    "a candidate whose name is Total": text(H + ";TOTAL;Noah;\n", names=(("TOTAL", "Noah"),)),
    "blank lines between": text(TWO.replace("\n;", "\n;;;\n\n;"), names=BOTH, skipped=((3, "blank"), (4, "blank"))),
    "two exports glued together": text(TWO + TWO, names=BOTH,
        skipped=((4, "header"), (5, "same_as_row_2"), (6, "same_as_row_3"))),
    "a name over two lines": text(H + ';"MARTIN\nép. LE GALL";Noah;\n',
        errors=((2, "last_name", "control_character"),)),
    "a header over two lines": text('"Nom\nde famille";"Pré\nnom";Prenom\nMARTIN;x;Noah\n', names=(MARTIN,)),
    "a row too long": text(H + ";MARTIN;Noah;TG1;redouble\n", errors=((2, "row", "too_many_columns"),)),
    "a row too short": text(H + ";MARTIN\n;DURAND;Léa\n", names=(DURAND,), errors=((2, "first_name", "missing"),)),
    "nobody's first name": text(H + ";MARTIN;;\n", errors=((2, "first_name", "missing"),)),
    # People
    "homonyms in two classes": text(H + ";MARTIN;Noah;TG1\n;MARTIN;Noah;TG2\n", names=(MARTIN,),
        errors=((3, "last_name", "duplicate_of_row_2"),)),
    "homonyms with an INE each": text(H + "123456789AB;MARTIN;Noah;\n123456789CD;MARTIN;Noah;\n",
        names=(MARTIN, MARTIN)),
    "one INE for two people": text(H + "123456789AB;MARTIN;Noah;\n123456789AB;DURAND;Léa;\n", names=(MARTIN,),
        errors=((3, "ine", "duplicate_of_row_2"),)),
    "an INE of ten characters": text(H + "123456789A;MARTIN;Noah;\n", errors=((2, "ine", "format"),)),
    "an INE that Excel made a number of": text(H + "1,23457E+10;MARTIN;Noah;\n", errors=((2, "ine", "format"),)),
    "an INE kept from Excel": text(H + '="123456789AB";MARTIN;Noah;\n\'123456789CD;DURAND;Léa;\n', names=BOTH),
    "a formula for a name": text(H + ';"=HYPERLINK(""http://x"")";Noah;\n;MARTIN;@SUM(A1);\n',
        errors=((2, "last_name", "formula"), (3, "first_name", "formula"))),
    "letters composed and decomposed": text(H + ";CRÈVECŒUR;Noe\u0308l;\n;CRE\u0300VECŒUR;Noël;\n",
        names=(("CRÈVECŒUR", "Noël"),), skipped=((3, "same_as_row_2"),)),
    "no-break and invisible spaces": text(H + ";\u00a0MARTIN\u200b;\u202fNoah ;\n", names=(MARTIN,)),
    "as many rows as a list may have": text(
        H + "".join(f"{n:09d}AB;NOM{n};Noah;\n" for n in range(MAX_ROWS)),
        names=tuple((f"NOM{n}", "Noah") for n in range(MAX_ROWS)),
    ),
    "one row more": text(H + ";A;B;\n" * (MAX_ROWS + 1), code="grading.roster_too_large"),
    # Columns
    "both names in one column": text(
        "Nom Prénom;Classe\nDA SILVA Louise-Marie;TG1\nNoah MARTIN;TG1\nde VILLIERS Anne;TG2\n"
        '"DURAND, Léa";\nPetit Zoé;\n',
        names=(("DA SILVA", "Louise-Marie"), MARTIN, ("de VILLIERS", "Anne"), DURAND, ("Petit", "Zoé")),
    ),
    "both names, and nobody knows where one ends": text(
        "Élève;Classe\nDA SILVA LOUISE;TG1\nPetit Zoé;TG1\n;TG1\n",
        errors=((2, "full_name", "cannot_split"), (3, "full_name", "cannot_split"), (4, "last_name", "missing")),
    ),
    "both names in one column, and apart": text("Élève;Nom;Prénom\nx y z;MARTIN;Noah\n", names=(MARTIN,)),
    "columns nobody knows": text("Matricule;Famille\n1;MARTIN\n", code="grading.roster_columns_unknown"),
    "columns nobody knows, explained": text(
        "Matricule;Famille;Petit nom\n123456789AB;MARTIN;Noah\n", names=(MARTIN,),
        layout=mapped(ine="Matricule", last_name="Famille", first_name="petit nom"),
    ),
    "columns explained that are not there": text(TWO, code="grading.roster_column_missing",
        layout=mapped(ine="Matricule")),
    "a column explained that is there twice": text("Nom;Nom;Prénom\nA;B;C\n", code="grading.roster_column_twice",
        layout=mapped(last_name="Nom")),
    "two names of one person, from Cyclades": text("Nom d'usage;Nom de naissance;Prénom\nPETIT;MARTIN;Noah\n",
        names=(MARTIN,), layout=Layout("cyclades")),
    "two names of one person, from Siècle": text(
        "NOM_DE_FAMILLE;NOM_USAGE;PRENOM_1;ID_NATIONAL\nPETIT;MARTIN;Noah;123456789AB\n",
        names=(MARTIN,), layout=Layout("siecle")),
    "a list from Pronote": text(
        "Élève;Né(e) le;Classe de rattachement;Numéro national\nMARTIN Noah;01/02/2008;TG1;123456789AB\n",
        names=(MARTIN,), layout=Layout("pronote")),
    "the same column twice": text("Nom;Prénom;Prénom\nMARTIN;Noah;Léo\n", code="grading.roster_column_twice"),
}  # fmt: skip


REFUSED = {name: odd for name, odd in ROSTERS.items() if odd.code}
TAKEN = {name: odd for name, odd in ROSTERS.items() if not odd.code}


@pytest.mark.parametrize("odd", REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_read_is_refused_in_words(odd: Odd) -> None:
    with pytest.raises(Refusal) as refused:
        read(odd.data, odd.layout)
    assert refused.value.code == odd.code
    assert len(refused.value.text("fr")) > 20


@pytest.mark.parametrize("odd", TAKEN.values(), ids=TAKEN.keys())
def test_a_roster_ends_as_foretold_and_no_row_is_lost(odd: Odd) -> None:
    file = read(odd.data, odd.layout)
    result: Plan[int] = plan(file, {}, today=TODAY)
    assert tuple((each.last_name, each.first_name) for each in result.created) == odd.names
    assert tuple((each.row, each.reason) for each in result.skipped) == odd.skipped
    assert tuple((each.row, each.field, each.reason) for each in result.errors) == odd.errors
    assert len(result.created) + len(result.skipped) + len(result.errors) == len(file.records)
    again = plan(file, dict(enumerate(result.created)), today=TODAY)
    assert (again.created, again.updated, len(again.unchanged)) == ((), {}, len(result.created))


BAD = H + '12;MARTIN;Noah;TG1\n123456789AB;DURAND;Léa;TG1\n;"=1+1";"a;b";TG2;surplus\n'


def bad_rows(content: str, language: str = "fr") -> tuple[RosterFile, list[list[str]]]:
    file = read(content.encode())
    result: Plan[int] = plan(file, {}, today=TODAY)
    data = roster_errors.bad_rows_csv(file, result.errors, language)
    assert data.startswith(b"\xef\xbb\xbf")  # without it Excel shows "PrÃ©nom"
    return file, list(csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=";"))


def test_the_bad_rows_say_what_is_wrong_beside_what_they_said() -> None:
    _, rows = bad_rows(BAD)
    assert rows[0] == ["Ligne", "Motif", "INE", "Nom", "Prénom", "Classe"]
    assert rows[1] == ["2", "INE : ce format n'est pas accepté", "12", "MARTIN", "Noah", "TG1"]
    assert [row[0] for row in rows[1:]] == ["2", "4"]


def test_no_cell_of_the_bad_rows_is_a_formula() -> None:
    _, rows = bad_rows(BAD, "en")
    assert rows[2][3] == "'=1+1"
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)


def test_bad_rows_put_right_are_a_roster() -> None:
    _, rows = bad_rows(BAD)
    rows[1][2] = "123456789CD"
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows(rows[:2])
    corrected: Plan[int] = plan(read(out.getvalue().encode()), {}, today=TODAY)
    (person,) = corrected.created
    assert (person.last_name, person.ine) == ("MARTIN", "123456789CD")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_reason_and_field_has_words(language: str) -> None:
    reasons = {reason.rsplit("_of_row_")[0] for odd in ROSTERS.values() for *_, reason in odd.errors}
    assert reasons <= roster_errors.REASONS.keys()
    assert {name for odd in ROSTERS.values() for _, name, _ in odd.errors} <= roster_errors.FIELD_NAMES.keys()
