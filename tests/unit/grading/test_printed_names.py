"""Names in printed text are found however they are written; words that are also names are no find alone."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.grading.domain.identity import Candidate
from services.grading.domain.printed_names import Names, Word
from services.grading.domain.roster_columns import fold

ROSTER = (
    Candidate("zoe", "MARTIN-LEROY", "Zoé", "294070403HD"),
    Candidate("jean", "DE LA TOUR", "Jean-Baptiste", "6743314192F"),
    Candidate("rose", "PETIT", "Rose", None),
    Candidate("an", "LE", "An", None),
    Candidate("ines", "BENZARTI", "Inès", "024050944HH"),
    Candidate("hugo", "GRAND", "Hugo", None),
)
NAMES = Names(ROSTER)


def line(text: str, number: int = 0) -> list[Word]:
    """One word after the other, each 0.01 wide for every letter."""
    words, left = [], 0.05
    for word in text.split():
        words.append(Word(word, number, (round(left, 3), 0.1 + 0.03 * number, len(word) / 100, 0.02)))
        left += (len(word) + 1) / 100
    return words


def who(*texts: str) -> list[str]:
    words = [word for number, text in enumerate(texts) for word in line(text, number)]
    return [found.candidate for found in NAMES.find(words)]


@pytest.mark.parametrize(
    ("text", "candidate"),
    [
        ("Nom : Martin-Leroy Prénom : Zoé", "zoe"),
        ("Zoe MARTIN LEROY, TG2", "zoe"),
        ("Mme Leroy (Zoé)", "zoe"),
        ("rendu par zoe.martin@lycee.example", "zoe"),
        ("Élève DE LA TOUR Jean Baptiste", "jean"),
        ("Jean-Baptiste de la Tour", "jean"),
        ("BENZARTI, Mademoiselle Inès", "ines"),
        ("INES BENZARTI", "ines"),
        ("PETIT Rose", "rose"),
        ("Rose Petit", "rose"),
        ("rose.petit@lycee.example", "rose"),
        ("LE An", "an"),
        ("Hugo Grand a écrit", "hugo"),
        ("INE 294070403HD", "zoe"),
        ("n° 294 070 403HD", "zoe"),
        ("n°6743314192F.", "jean"),
    ],
)
def test_a_name_near_its_first_name_and_a_number_are_found(text: str, candidate: str) -> None:
    assert who(text) == [candidate]


@pytest.mark.parametrize(
    "text",
    [
        "Un petit bouquet rose est posé sur la grande tour",  # common words
        "la rose petit à petit s'ouvre",
        "Le petit prince a une rose",
        "Rose est un prénom. Petit aussi.",  # both everyday words, not beside each other
        "le grand Hugo écrivait des romans",
        "Martin et ses amis sont partis sans Zoé",  # four words lie between
        "M. Benzarti enseigne l'histoire",  # a last name alone
        "Zoé et Jean comparent leurs solutions",  # first names alone
        "on ouvre le livre en l'an mille",
        "Martin Luther King, 1963",
        "294070403",  # part of a number
        "tour de France",
        "Soit f la fonction définie sur R par f(x) = 2x + 1",
    ],
)
def test_words_that_are_also_names_are_no_find(text: str) -> None:
    assert who(text) == []


def test_names_on_two_lines_are_not_near() -> None:
    assert who("Les élèves Martin", "Zoé et leurs professeurs") == []


def test_a_page_without_text_and_a_roster_without_candidates_find_nothing() -> None:
    assert NAMES.find([]) == []
    assert Names([]).find(line("Martin Zoé")) == []


def test_both_halves_of_a_double_name_are_one_place() -> None:
    (found,) = NAMES.find(line("Nom MARTIN LEROY Zoé 2026"))
    assert found.box == (0.09, 0.1, 0.16, 0.02)  # from MARTIN to Zoé


def test_each_place_is_told_once_from_the_top() -> None:
    assert who("Inès Benzarti et Hugo Grand", "", "Zoé Leroy") == ["ines", "hugo", "zoe"]


def test_homonyms_are_one_place_and_the_first_of_the_roster() -> None:
    twice = Names([Candidate("first", "MARTIN", "Zoé"), Candidate("second", "Martin", "ZOE")])
    assert [found.candidate for found in twice.find(line("Martin Zoé"))] == ["first"]


LETTERS = st.text("abcdefghijklmnopqrstuvwxyzéèêëàâîïôûüçñ", min_size=4, max_size=12)
SMALL = ["les", "droites", "sont", "parallèles", "donc", "la", "suite", "converge", "vers", "zéro"]
FOLDED = set(map(fold, SMALL))


@given(LETTERS, LETTERS, st.booleans(), st.booleans(), st.booleans(), st.sampled_from([str.upper, str.title]))
def test_accents_case_and_order_hide_nobody(last, first, swapped, bare, capital, written) -> None:
    """Of any name, among other words."""
    shown = [written(last), written(first)]
    if bare:
        shown = [unicodedata.normalize("NFKD", each).encode("ascii", "ignore").decode() for each in shown]
    text = " ".join([*SMALL[:4], *(reversed(shown) if swapped else shown), *SMALL[4:]])
    found = Names([Candidate("it", last.upper() if capital else last, first.title())]).find(line(text))
    assert [each.candidate for each in found] == ["it"]


@given(st.lists(st.sampled_from(SMALL), max_size=60), st.lists(st.tuples(LETTERS, LETTERS), max_size=20))
def test_text_without_the_names_never_finds_them(text, people) -> None:
    absent = [Candidate(at, last, first) for at, (last, first) in enumerate(people) if fold(last) not in FOLDED]
    assert Names(absent).find(line(" ".join(text))) == []


BOXES = st.tuples(*[st.floats(0, 0.5)] * 4)


@given(st.lists(st.builds(Word, st.text(max_size=12), st.integers(0, 3), BOXES), max_size=30))
def test_whatever_was_read_every_place_lies_on_the_page(words) -> None:
    for found in NAMES.find(words):
        x, y, w, h = found.box
        assert min(x, y, w, h) >= 0
        assert max(x + w, y + h) <= 1.0002
