from __future__ import annotations

import pytest

from services.ocr.labels import NOT_A_NAME, Label, kinds, meaning, prefix


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("NOM :", "last_name"),
        ("Nom de famille", "last_name"),
        ("Nom de naissance :", "last_name"),
        ("Prénom(s)", "first_name"),
        ("Prénorn :", "first_name"),
        ("First name:", "first_name"),
        ("Surname", "last_name"),
        ("Nom et prénom", "unknown"),
        ("N° INE :", "number"),
        ("Nº candidat", "number"),
        ("Candidate number", "number"),
        ("Classe :", "class"),
        ("Date de naissance", "birth_date"),
        ("Né(e) le :", "birth_date"),
        ("Salle : B 204", None),
        ("Salle", NOT_A_NAME),
        ("DURAND", None),
        ("", None),
        (":", None),
    ],
)
def test_labels_mean_what_a_teacher_reads(text: str, label: Label | None) -> None:
    assert meaning(text) == label


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Nom : DURAND", ("last_name", 5)),
        ("NOM DURAND", ("last_name", 3)),
        ("Prénom Zoé", ("first_name", 6)),
        ("Date de naissance 12/03/2008", ("birth_date", 17)),
        ("Nomé", None),
        ("Nommand Luc", None),
        ("DURAND", None),
    ],
)
def test_label_in_front_of_the_writing_is_told_from_it(text: str, expected: tuple[Label, int] | None) -> None:
    assert prefix(text) == expected


@pytest.mark.parametrize(
    ("labels", "texts", "expected"),
    [
        ([None, None, None], ["DURAND", "Zoé", "1234567890A"], ["last_name", "first_name", "number"]),
        ([None, None, None], ["1234567890A", "DURAND", "Zoé"], ["number", "last_name", "first_name"]),
        ([None, None, None], ["DURAND", "Zoé", "TG4"], ["last_name", "first_name", "unknown"]),
        (["first_name", None], ["Zoé", "DURAND"], ["first_name", "last_name"]),
        ([None], ["DURAND Zoé"], ["unknown"]),
        (["last_name", NOT_A_NAME], ["DURAND", "12"], ["last_name", None]),
        (["number", "class"], ["12", "TG4"], ["number", "class"]),
    ],
)
def test_fields_without_labels_go_by_digits_and_order(
    labels: list[Label | None], texts: list[str], expected: list[str | None]
) -> None:
    assert kinds(labels, texts) == expected
