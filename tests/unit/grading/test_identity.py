"""Suggestions: lines as Tesseract reads them from real strips of `line` and comb headers, against a roster."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.grading.domain.identity import Candidate, Index, certainty

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
INDEX = Index(ROSTER)


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
    assert INDEX.rank(lines)[0].id == expected


@pytest.mark.parametrize(
    "lines", [[], [""], ["Épreuve : MATHÉMATIQUES"], ["N° INE : Salle : B 204"], ["|||", "[[] ] ]"]]
)
def test_lines_that_say_nothing_leave_nothing_to_trust(lines):
    assert certainty(INDEX.rank(lines)) < 0.2


def test_a_clean_reading_is_near_certain_and_a_surname_two_share_is_not():
    clean = certainty(INDEX.rank(["DA SILVA", "Louise", "294070403HD"]))
    shared = certainty(INDEX.rank(["DA SILVA"]))
    unread = certainty(INDEX.rank([]))
    assert clean > 0.5 > 0.1 > shared >= unread == 0.0


def test_one_word_is_not_both_names():
    ranked = {each.id: each.confidence for each in INDEX.rank(["MARTIN"], limit=12)}
    assert ranked[11] < 0.75  # 1.0 if "MARTIN" counted as last and as first name


def test_confidence_is_a_share_and_the_list_is_ranked_and_short():
    ranked = INDEX.rank(["PARIS", "GABRIEL", "6258137648R"], limit=3)
    assert len(ranked) == 3
    assert [each.confidence for each in ranked] == sorted((each.confidence for each in ranked), reverse=True)
    assert 0 <= ranked[-1].confidence <= ranked[0].confidence <= 1


def test_an_empty_roster_suggests_nobody():
    assert Index([]).rank(["MARTIN"]) == ()


def test_an_exam_of_three_hundred_is_ranked_in_one_pass():
    roster = [Candidate(n, f"NOM{n:03d}AB", f"Prenom{n:03d}", f"{n:09d}AB") for n in range(300)]
    begin = time.process_time()
    index = Index(roster)
    for n in range(200):
        assert index.rank([f"NOM : NOM{n:03d}AB", f"Prénom : Prenom{n:03d}", f"N° INE : {n:09d}AB"])[0].id == n
    assert time.process_time() - begin < 2.0  # measured 0.2 s


@given(st.lists(st.text(max_size=60), max_size=6))
def test_whatever_was_read_the_ranking_is_a_ranking(lines):
    ranked = INDEX.rank(lines, limit=12)
    assert len({each.id for each in ranked}) == len(ranked)
    assert all(0 <= each.confidence <= 1 for each in ranked)
    assert 0 <= certainty(ranked) <= 1
