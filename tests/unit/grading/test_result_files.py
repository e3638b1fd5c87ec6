"""Files of results, byte by byte: other software depends on every one of them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from services.grading.domain.result_files import Result, document_name, for_programs, for_pronote
from services.grading.domain.scheme import Leaf

GOLDEN = Path(__file__).parent / "golden"
ITEMS = (
    Leaf("q1", ("Exercice 1", "Question 1"), Decimal(8), False),
    Leaf("q2", ("Exercice 1", "Question 2, suite"), Decimal(12), False),
)


def result(last_name: str, first_name: str, **fields: object) -> Result:
    values: dict[str, object] = {
        "class_name": "TG1", "ine": None, "birth_date": None, "anonymous_id": None, "state": "no_copy",
        "total": None, "scores": {}, "appraisal": "",
    }  # fmt: skip
    return Result(last_name=last_name, first_name=first_name, **(values | fields))  # type: ignore[arg-type]


RESULTS = (
    result(
        "BENALI",
        "Zoé",
        ine="120890177FA",
        birth_date=dt.date(2008, 3, 9),
        anonymous_id="K7Q2MX",
        state="graded",
        total=Decimal("14.250"),
        scores={"q1": Decimal("6.25"), "q2": Decimal(8)},
        appraisal='Bon travail ; « rigueur » à tenir.\nÀ l\'oral : "oser".',
    ),
    result("D’ARC; dite la Pucelle", "Jeanne", anonymous_id="A1B2C3", state="marking"),
    result('=HYPERLINK("http://x")', "+33", class_name="@T", appraisal=""),
)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("results.csv", for_programs(RESULTS, ITEMS, Decimal(20))),
        ("results.pronote.csv", for_pronote(RESULTS, Decimal(20))),
    ],
)
def test_a_file_is_what_was_promised_to_the_byte(name: str, made: bytes) -> None:
    assert made == (GOLDEN / name).read_bytes()


def test_pronote_gets_a_bom_semicolons_decimal_commas_and_crlf() -> None:
    made = for_pronote(RESULTS, Decimal(20))
    assert made.startswith(b"\xef\xbb\xbfNom;Pr\xc3\xa9nom;")
    assert b";14,25;20;" in made
    assert made.endswith(b"\r\n")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "＝"])
def test_no_cell_is_a_formula(start: str) -> None:
    row = (result(f"{start}cmd|' /C calc'!A0", "x"),)
    assert f"'{start}cmd" in for_pronote(row, Decimal(20)).decode()
    assert f"'{start}cmd" in for_programs(row, (), Decimal(20)).decode()


def test_an_open_copy_shows_no_mark() -> None:
    open_copy = for_pronote((RESULTS[1],), Decimal(20)).decode("utf-8-sig").splitlines()[1]
    assert open_copy.endswith(";TG1;;;20;")


@pytest.mark.parametrize(
    ("who", "name"),
    [
        (("TG 2", "LEFÈVRE", "Noémie"), "TG-2/LEFEVRE_Noemie_K7Q2MX.pdf"),
        (("", "D’ARC; dite la Pucelle", "Jeanne"), "D-ARC-dite-la-Pucelle_Jeanne_K7Q2MX.pdf"),
        (("../..", "Œuvrard/..", "a\\b"), "OEuvrard_a-b_K7Q2MX.pdf"),
        ((None, None, None), "K7Q2MX.pdf"),
        (("TG1", "山田", "太郎"), "TG1/K7Q2MX.pdf"),
    ],
)
def test_names_of_documents_are_safe_everywhere(who: tuple[str | None, ...], name: str) -> None:
    assert document_name(*who, "K7Q2MX") == name  # type: ignore[arg-type]
