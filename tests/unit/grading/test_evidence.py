"""What one header says about a roster."""

import datetime as dt
import time

import numpy as np
import pytest

from contracts.records.letters import pack
from services.grading.domain.evidence import Field, Roster
from services.grading.domain.identity import Candidate
from services.grading.domain.letters import IMPOSSIBLE, background, letters_of, likelihoods
from tests.unit.grading.seen import field, header, packed

CANDIDATES = [
    Candidate(0, "ROBIN", "Jade", "6743314192F", "TG1", dt.date(2008, 1, 3)),
    Candidate(1, "DA SILVA", "Ethan", "024050944HH", "TG2", dt.date(2008, 2, 1)),
    Candidate(2, "DA SILVA", "Louise", "294070403HD", "TG2", dt.date(2008, 1, 1)),
    Candidate(3, "DE LA FONTAINE", "Enzo", "839507488DB"),
    Candidate(4, "CRÈVECŒUR", "Noah", "640732650DD"),
    Candidate(5, "MARTIN", "Martin"),
    Candidate(6, "O'CONNOR", "Jean-Baptiste", "158825741BC"),
    Candidate(7, "LÉVY", "Anna", "111222333AA"),
    Candidate(8, "LEVI", "Anne", "999888777ZZ"),
]
ROSTER = Roster(CANDIDATES)


def first(fields, lines=()):
    nats = ROSTER.weigh(fields, lines)
    best = np.argsort(-nats, kind="stable")
    assert nats[best[0]] > nats[best[1]]  # equals would be right by luck
    return int(best[0])


@pytest.mark.parametrize(
    ("expected", "fields"),
    [
        pytest.param(2, header("DA SILVA", "Louise", "294070403HD"), id="clean"),
        pytest.param(2, header("DA SILVA", "Louise"), id="no number"),
        pytest.param(2, header("DASILVA", "LOUISE"), id="space left out"),
        pytest.param(0, header("R O B I N", "J A D E"), id="a space in every box"),
        pytest.param(4, header("CREVECOEUR", "noah"), id="accents and ligature lost"),
        pytest.param(2, header("Louise", "Da Silva"), id="names in each other's field"),
        pytest.param(3, header("FONTAINE", "Enzo"), id="part of a compound last name"),
        pytest.param(6, header("OCONNOR", "Jean"), id="part of a compound first name"),
        pytest.param(1, header("DA SILVA", "", "024050944HH"), id="no first name: the number decides"),
        pytest.param(1, header("DA SLVA", "Ethan"), id="a letter left out"),
        pytest.param(0, header("ROBIN", "Jade", "6743314792F"), id="a wrong digit"),
        pytest.param(0, header("ROBIN", "Jade", "67433l4l92F"), id="digits read as letters"),
        pytest.param(7, header("LEVY", "Anna"), id="beside a near namesake"),
        pytest.param(2, header("", "", "294070403HD"), id="the number alone"),
        pytest.param(2, header("DA SILVA", "", "294070"), id="a number that was not scanned to its end"),
        pytest.param(5, header("MARTIN", "MARTIN"), id="one name twice"),
        pytest.param(0, [field("unknown", "ROBIN"), field("unknown", "Jade")], id="fields of no known kind"),
        pytest.param(0, [field("unknown", "Salle B204"), field("last_name", "ROBIN"), field("first_name", "Jade")],
                     id="a field that is none of the candidate's"),
        pytest.param(2, [*header("DA SILVA"), field("birth_date", "01 01 2008")], id="siblings by birth date"),
        pytest.param(2, [field("last_name", "DA SILVA Louise")], id="both names in one field"),
    ],
)  # fmt: skip
def test_the_right_candidate_comes_first(expected, fields):
    assert first(fields) == expected


def test_a_class_tells_namesakes_apart():
    twins = Roster([Candidate(0, "MARTIN", "Léa", class_name="TG1"), Candidate(1, "MARTIN", "Léa", class_name="TG2")])
    nats = twins.weigh([*header("MARTIN", "LEA"), field("class", "TG2")])
    assert nats[1] > nats[0] + 1


def test_homonyms_are_equal_when_only_their_names_were_read():
    nats = Roster([Candidate(0, "MARTIN", "Léa", "1"), Candidate(1, "MARTIN", "Léa", "2")]).weigh(
        header("MARTIN", "LEA")
    )
    assert nats[0] == nats[1]


def test_somebody_who_is_not_on_the_roster_fits_nobody():
    """A ratio of letters would find somebody half alike: each name alone is close to one of the roster."""
    assert ROSTER.weigh(header("MARCHAND", "Louis", "555666777AB")).max() < 0


def test_one_contradicting_field_does_not_rule_out_what_all_others_say():
    """A number copied from a neighbour's sheet, or a strip cut out wrongly: a bounded doubt, no impossibility."""
    agreed, contradicted = ROSTER.weigh(header("ROBIN", "Jade")), ROSTER.weigh(header("ROBIN", "Jade", "555666777AB"))
    assert -7.1 < contradicted[0] - agreed[0] < -4


def test_unreadable_letters_say_little():
    rows = np.full((20, 39), round(16 * np.log(39)), np.uint8)
    nats = ROSTER.weigh([Field("last_name", "?", letters_of(pack(rows.tobytes()), 20))])
    assert nats.max() < 3


def test_without_letters_lines_of_text_decide():
    assert first([], ["NOM : DA SILVA", "Prénom : Louise", "N° INE: 294070403HD Salle : B 204"]) == 2
    assert first([Field("last_name", "DA SILVA"), Field("first_name", "Ethan")]) == 1


@pytest.mark.parametrize("lines", [[], [""], ["Épreuve : MATHÉMATIQUES"], ["|||", "[[] ] ]"]])
def test_nothing_to_go_by_is_said_to_be_so(lines):
    nats = ROSTER.weigh([], lines)
    assert nats is None or nats.max() < 2


def test_an_empty_roster_fits_nothing():
    assert Roster([]).weigh(header("ROBIN", "Jade")) is None


def test_a_candidate_nobody_else_is_compared_with_changes_nothing_for_the_others():
    more = Roster([*CANDIDATES, Candidate(9, "ZIEGLER", "Quentin", "777000777XX")])
    fields = header("DA SILVA", "Louise", "294070403HD")
    before, after = ROSTER.weigh(fields), more.weigh(fields)
    assert np.argmax(after) == 2
    assert abs(after[2] - before[2]) < 0.5


def test_likelihoods_add_up_all_ways_of_spreading_a_word():
    letters = np.array([[0.5, 0.5], [0.25, 0.75]])  # no new letter, A
    letters = np.hstack([letters, np.zeros((2, 35))])
    (one, two) = likelihoods(letters, ["A", "AA"])
    assert np.exp(one) == pytest.approx(0.5 * 0.75 + 0.5 * 0.75 + 0.5 * 0.25)
    assert two == IMPOSSIBLE  # the same letter twice needs a step between


def test_a_word_longer_than_what_was_seen_is_impossible():
    assert likelihoods(letters_of(*packed("AB")), ["ABCDEFGH", ""]).tolist() == [IMPOSSIBLE, IMPOSSIBLE]


def test_some_word_is_likelier_than_any_one_word_of_its_weight():
    letters = letters_of(*packed("ROBIN"))
    assert background(letters, 1.5) > float(likelihoods(letters, ["ROBIN"])[0]) - 5 * 1.5


def test_three_hundred_candidates_take_a_few_milliseconds():
    roster = Roster([Candidate(n, f"NOM{chr(65 + n % 26)}{n}LE", f"PRE{n}NOM", f"{n:09d}AB") for n in range(300)])
    fields = header("NOMABCDEFLE", "PREABCDNOM", "000000007AB")
    began = time.process_time()
    for _ in range(10):
        roster.weigh(fields)
    assert time.process_time() - began < 0.4  # measured 0.05 s
