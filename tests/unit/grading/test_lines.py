"""Lines as Tesseract reads them from real strips of `line` and comb headers, against a roster."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.grading.domain.evidence import Roster
from services.grading.domain.identity import Candidate, Index

ROSTER = [
    Candidate(1, "ROBIN", "Jade", "6743314192F"),
    Candidate(2, "DA SILVA", "Ethan", "024050944HH"),
    Candidate(3, "DA SILVA", "Louise", "294070403HD"),
    Candidate(4, "DE LA FONTAINE", "Enzo", "839507488DB"),
    Candidate(5, "DE LA FONTAINE", "Cédric", "229646097EF"),
    Candidate(6, "GIRARD", "Nina", "704321875CJ"),
    Candidate(7, "GIRARD", "Clément", "490939835HF"),
    Candidate(8, "PARIS", "Yasmine", "051175227EG"),
    Candidate(9, "PARIS", "Gabriel", "6258137648R"),
    Candidate(10, "CRÈVECŒUR", "Noah", "640732650DD"),
    Candidate(11, "MARTIN", "Martin", None),
    Candidate(12, "O'CONNOR", "Ahmed", None),
]


@pytest.mark.parametrize(
    ("expected", "lines"),
    [
        pytest.param(1, ["ROBIN", "JADE", "67433/4192F", "NOM: ROBIN", "Prénom : JA DE"], id="fields, then the strip"),
        pytest.param(3, ["NOM : DA SILVA", "Prénom : Louise", "N° INE: 294070403HD Salle : B 204"], id="labelled"),
        pytest.param(3, ["NOM : DA SILVA  Prénom : Louise  N° INE : 294070403HD"], id="all on one line"),
        pytest.param(3, ["vom: [DK SUV", "Prénom : Louise", "ewe: GRADED EEE)"], id="only the first name was legible"),
        pytest.param(8, ["PORAL", "YOLMINE", "OSs/11S227€ 4"], id="every field a little wrong"),
        pytest.param(4, ["nom: DE LA FONTAINE", "Prénom : EN20", "839509083D2"], id="digit for letter; wrong INE"),
        pytest.param(6, ["Nina", "GIRARD", "70432187 50CJ"], id="names swapped"),
        pytest.param(6, ["NOM; Nine", "Prénom : GIRARD"], id="names swapped, misread, no INE"),
        pytest.param(7, ["GIRARD", "49093983SHT"], id="no first name: INE decides"),
        pytest.param(9, ["PARIS", "GABRIEL"], id="no INE"),
        pytest.param(10, ["CREVECOEUR noah"], id="accents and ligature lost"),
        pytest.param(9, ["G2SBI37648R"], id="digits read as letters"),
        pytest.param(12, ["NOM: OCONNOR |", "Prenom: AHMED"], id="apostrophe lost"),
        pytest.param(1, ["Épreuve : MATHÉMATIQUES", "on ROBNEEE EE EEE EEE", "N° INE : 6]7|413[3//[a[1{9/2/F] Salle"],
                     id="rules of the box read as letters"),
    ],
)  # fmt: skip
def test_the_right_candidate_comes_first(expected, lines):
    nats = Roster(ROSTER).weigh([], lines)
    assert ROSTER[int(np.argmax(nats))].id == expected


def test_one_word_is_not_both_names():
    found = Index(ROSTER).likenesses(["MARTIN"])
    assert found["last_name"][10] == 1.0
    assert "first_name" not in found or found["first_name"][10] == 0.0


def test_what_was_not_found_at_all_was_not_read():
    assert set(Index(ROSTER).likenesses(["PARIS", "GABRIEL"])) == {"last_name", "first_name"}
    assert Index(ROSTER).likenesses([]) == Index([]).likenesses(["MARTIN"]) == {}


@given(st.lists(st.text(max_size=60), max_size=6))
def test_whatever_was_read_likeness_is_a_share(lines):
    for shares in Index(ROSTER).likenesses(lines).values():
        assert len(shares) == len(ROSTER)
        assert all(0 <= each <= 1 for each in shares)
