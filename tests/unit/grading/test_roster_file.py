"""Reading a roster file: every way a school exports one, and every file that is none."""

import pytest

from contracts.errors import Refusal
from contracts.errors.grading_exams import (
    RosterColumnsUnknown,
    RosterColumnTwice,
    RosterNotCsv,
    RosterQuoteOpen,
    RosterTooLarge,
)
from services.grading.domain import roster_columns, roster_file
from services.grading.domain.roster_file import fold, read

LINES = "INE;Nom;Prénom;Classe;Date de naissance\r\n1234567890A;CRÈVECŒUR;Noël;TG2;01/02/2008\r\n"


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "bom utf-16-be"]
)
def test_encoding_and_delimiter_are_recognised(encoding, delimiter):
    text = LINES.replace(";", delimiter)
    data = b"\xfe\xff" + text.encode("utf-16-be") if encoding.startswith("bom") else text.encode(encoding)
    (record,) = read(data).records
    assert record.values == {
        "ine": "1234567890A",
        "last_name": "CRÈVECŒUR",
        "first_name": "Noël",
        "class": "TG2",
        "birth_date": "01/02/2008",
    }


@pytest.mark.parametrize(
    "header",
    ["N° INE;NOM;PRENOM;DIVISION;NE(E) LE", "student id;Last name;First Name;Class;Date of birth",
     "Identifiant national;Nom de famille;Prénom(s);Groupe;Né(e) le"],
)  # fmt: skip
def test_headers_have_synonyms_in_both_languages(header):
    assert read(f"{header}\n1234567890A;MARTIN;Noah;TG2;\n".encode()).columns == roster_columns.FIELDS


def test_columns_come_in_any_order_and_others_are_ignored():
    (record,) = read(b"Sexe,Prenom,Courriel,Nom\nM,Noah,noah@example.org,MARTIN\n").records
    assert record.values == {"last_name": "MARTIN", "first_name": "Noah"}


def test_the_more_usual_of_two_columns_wins():
    (record,) = read(b"Nom de naissance;Nom;Prenom\nDUPONT;MARTIN;Ana\n").records
    assert record.values["last_name"] == "MARTIN"


def test_a_comma_in_a_quoted_name_is_no_delimiter():
    (record,) = read('Nom,Prénom\n"LE GALL, ép. MARTIN",Aya\n'.encode()).records
    assert record.values["last_name"] == "LE GALL, ép. MARTIN"


def test_excels_own_first_line_names_the_delimiter_and_rows_keep_their_numbers():
    (record,) = read(b"sep=;\r\nNom;Prenom\r\nMARTIN;Noah\r\n").records
    assert (record.row, record.values["last_name"]) == (3, "MARTIN")


def test_rows_count_lines_of_the_file_even_after_a_value_of_two_lines():
    rows = [record.row for record in read(b'Nom;Prenom\n"A\nB";C\nD;E\n').records]
    assert rows == [2, 4]


def test_no_record_is_dropped_blank_and_repeated_headers_included():
    records = read(b"\n;;\nNom;Prenom\n\nA;B\n ; \nNom;Prenom\nC;D").records
    assert [(r.row, r.skip) for r in records] == [
        (1, "blank"), (2, "blank"), (4, "blank"), (5, ""), (6, "blank"), (7, "header"), (8, ""),
    ]  # fmt: skip


def test_a_header_that_is_missing_names_what_was_found_and_what_is_expected():
    with pytest.raises(RosterColumnsUnknown) as refused:
        read(b"Matricule;Note\nMARTIN;12\n")
    assert refused.value.details["found"] == ["Matricule", "Note"]
    assert refused.value.details["missing"] == ["last_name", "first_name"]
    assert "Matricule, Note" in refused.value.text("fr")
    assert "Prénom" in refused.value.text("fr")


def test_the_same_header_twice_is_refused():
    with pytest.raises(RosterColumnTwice):
        read(b"Nom;Nom;Prenom\nA;B;C\n")


def test_an_open_quote_is_refused_with_its_row_instead_of_swallowing_the_rest():
    with pytest.raises(RosterQuoteOpen) as refused:
        read(b'Nom;Prenom\nA;B\n"C;D\nE;F\n')
    assert refused.value.details["row"] == 3


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", "empty"),
        (b" \r\n\r\n ", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"%PDF-1.7\n%\xe2\xe3", "pdf"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00[Content_Types].xml xl/workbook.xml", "xlsx"),
        (b"PK\x03\x04mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "ods"),
        (b"PK\x03\x04\x14\x00 photo.jpg", "archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "xls"),
        (b"<!DOCTYPE html><html><table><tr><td>Nom;Prenom</td></tr></table>", "html"),
        (b'{"nom": "MARTIN"}', "json"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (bytes(range(1, 32)) * 40, "binary"),
        (b"Nom;Pr\xe9nom\n\x81\x8d\x90;\xe9\n", "encoding"),
        (b"\xff\xfeN\x00o\x00m", "encoding"),
        ("Nom;Prénom\nBOËDEC;Zoé\n".encode() + b"\xc3", "encoding"),
    ],
)
def test_what_is_no_csv_is_named_and_the_text_says_what_to_do(data, found):
    with pytest.raises(RosterNotCsv) as refused:
        read(data)
    assert refused.value.details["found"] == found
    assert "CSV" in refused.value.text("fr")
    assert refused.value.text("fr").split(" : ")[1].split()[0] in {"c'est", "ce", "il", "ses"}  # words, not the code


def test_size_is_bounded(monkeypatch):
    with pytest.raises(RosterTooLarge):
        read(b"Nom;Prenom\n" + b"A;B\n" * (roster_file.MAX_ROWS + 1))
    with pytest.raises(RosterTooLarge):
        read(b"x" * (roster_file.MAX_BYTES + 1))


@pytest.mark.parametrize(
    "data", [b"\x00", b'"', b"\r", b";", b"\xff\xfe\x00\xd8", b"Nom;Prenom", b"sep=;\n", b"\x00\x00"]
)
def test_scraps_are_read_or_refused_never_a_defect(data):
    try:
        read(data)
    except Refusal:
        pass


def test_folding_spells_out_ligatures_and_drops_accents_and_signs():
    assert fold("  CRÈVECŒUR-d'Été ") == "crevecoeur d ete"
