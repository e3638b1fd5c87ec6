"""The scheme as a CSV file, in and out."""

from decimal import Decimal

import pytest

from contracts.errors.grading_exams import RosterNotCsv, RosterQuoteOpen, SchemeFileUnknown
from services.grading.domain.scheme import Node
from services.grading.domain.scheme_file import FileError, read, write

SCHEME = (
    Node("ex1", "Exercice 1", children=(Node("q1", "Dérivée", Decimal("2.5")), Node("q2", "Limite", Decimal(3)))),
    Node("ex2", "Exercice 2", Decimal(4)),
    Node("soin", "=Soin", Decimal("0.5"), bonus=True),
)


def test_what_is_written_is_read_as_it_was() -> None:
    assert read(write(SCHEME).encode()) == (SCHEME, ())


def test_a_spreadsheet_runs_nothing_of_what_is_written() -> None:
    assert "'=Soin" in write(SCHEME)


def test_a_row_stands_below_the_row_whose_path_begins_its_own() -> None:
    nodes, errors = read("Chemin;Libellé;Points\nA;Exercice A;\nA.a;Une;1,5\nA.b;Deux;0.5\nB;Exercice B;2\n".encode())
    assert errors == ()
    assert nodes == (
        Node("qA", "Exercice A", children=(Node("qA.a", "Une", Decimal("1.5")), Node("qA.b", "Deux", Decimal("0.5")))),
        Node("qB", "Exercice B", Decimal(2)),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_encodings_and_delimiters_of_spreadsheets_are_understood(encoding: str, delimiter: str) -> None:
    text = "path;label;points\n1;Énoncé;2\n".replace(";", delimiter)
    assert read(text.encode(encoding)) == ((Node("q1", "Énoncé", Decimal(2)),), ())


def test_an_exercise_may_tell_what_its_questions_add_up_to() -> None:
    nodes, errors = read(b"path;label;points\n1;Ex;3\n1.1;a;1\n1.2;b;2\n")
    assert errors == ()
    assert nodes[0].points is None
    assert read(b"path;label;points\n1;Ex;4\n1.1;a;1\n1.2;b;2\n") == ((), (FileError(2, "points", "4", "not_the_sum"),))


def test_every_row_that_is_wrong_is_told_by_its_line_and_column() -> None:
    text = (
        "path;label;points;bonus\n\n1;;1;\n1;Deux;2;\n2.1;Sans exercice;1;\n3;Trois;beaucoup;\n"
        "4;Quatre;;peut-être\n;x;1;\n"
    )
    nodes, errors = read(text.encode())
    assert nodes == ()
    assert [(error.row, error.field, error.reason) for error in errors] == [
        (3, "label", "missing"),
        (4, "path", "duplicate"),
        (5, "path", "no_parent"),
        (6, "points", "format"),
        (7, "points", "missing"),
        (7, "bonus", "format"),
        (8, "path", "missing"),
    ]


def test_columns_nobody_knows_and_files_that_are_no_text_are_refused() -> None:
    with pytest.raises(SchemeFileUnknown) as refused:
        read(b"Exercice;Note\nA;2\n")
    assert refused.value.details["missing"] == ["path", "label", "points"]
    with pytest.raises(SchemeFileUnknown):
        read(b";;;\n;\n")
    with pytest.raises(RosterQuoteOpen):
        read(b'path;label;points\n1;"' + b"x" * 140_000)
    with pytest.raises(RosterNotCsv):
        read(b"PK\x03\x04 xl/workbook.xml")
