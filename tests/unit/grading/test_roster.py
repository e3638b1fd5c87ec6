"""What an import would do: every record in exactly one place, nothing guessed, again is a no-op."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.grading.domain.roster import Error, Person, Skipped, plan
from services.grading.domain.roster_file import read

TODAY = dt.date(2026, 3, 1)
HEADER = "INE;Nom;Prénom;Classe;Date de naissance\n"
BORN = dt.date(2008, 2, 1)


def planned(rows, known=None):
    return plan(read((HEADER + rows).encode()), known or {}, today=TODAY)


def test_a_new_row_is_a_new_person():
    result = planned("123456789AB;MARTIN;Noah;TG2;01/02/2008\n")
    assert result.created == (Person("MARTIN", "Noah", "123456789AB", "TG2", BORN),)


@pytest.mark.parametrize(
    "born", ["01/02/2008", "1/2/2008", "01-02-2008", "01.02.2008", "2008-02-01", "2008-02-01 00:00:00"]
)
def test_birth_dates_are_day_first_or_iso(born):
    assert planned(f";MARTIN;Noah;;{born}\n").created[0].birth_date == BORN


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ("12;MARTIN;Noah;;", ("ine", "12", "format")),
        ("12345678ABC;MARTIN;Noah;;", ("ine", "12345678ABC", "format")),
        ("1,23457E+10;MARTIN;Noah;;", ("ine", "1,23457E+10", "format")),
        (";;Noah;;", ("last_name", "", "missing")),
        (";MARTIN;-;;", ("first_name", "-", "missing")),
        (";MARTIN;Noah;;31/02/2008", ("birth_date", "31/02/2008", "format")),
        (";MARTIN;Noah;;01/02/08", ("birth_date", "01/02/08", "format")),
        (";MARTIN;Noah;;01/02/1808", ("birth_date", "01/02/1808", "out_of_range")),
        (";MARTIN;Noah;;01/03/2026", ("birth_date", "01/03/2026", "out_of_range")),
        (";MAR\x00TIN;Noah;;", ("last_name", "MAR\N{REPLACEMENT CHARACTER}TIN", "control_character")),
        (";MARTIN;Noah;;;extra", ("row", "extra", "too_many_columns")),
        (f";{'M' * 101};Noah;;", ("last_name", "M" * 100, "too_long")),
    ],
)
def test_a_wrong_field_is_named_with_its_value_and_reason(row, error):
    assert planned(row + "\n").errors == (Error(2, *error),)


def test_an_ine_is_read_without_spaces_and_in_any_case():
    assert planned("123 456 789 ab;MARTIN;Noah;;\n").created[0].ine == "123456789AB"


def test_blank_rows_are_skipped_and_told():
    assert planned("\n;;;;\n;MARTIN;Noah;;\n").skipped == (Skipped(2, "blank"), Skipped(3, "blank"))


def test_the_same_line_twice_is_skipped_once():
    line = "123456789AB;MARTIN;Noah;TG2;01/02/2008\n"
    result = planned(line + line)
    assert (len(result.created), result.skipped) == (1, (Skipped(3, "same_as_row_2"),))


def test_one_ine_with_two_names_is_an_error_that_names_both_rows():
    result = planned("123456789AB;MARTIN;Noah;;\n123456789AB;DURAND;Léa;;\n")
    assert result.errors == (Error(3, "ine", "123456789AB", "duplicate_of_row_2"),)


def test_namesakes_that_nothing_tells_apart_are_duplicates():
    result = planned(";MARTIN;Noah;TG1;\n;Martin;NOAH;TG2;01/02/2008\n")
    assert result.errors == (Error(3, "last_name", "Martin", "duplicate_of_row_2"),)


def test_namesakes_born_on_other_days_are_two_people():
    assert len(planned(";MARTIN;Noah;;01/02/2008\n;MARTIN;Noah;;02/02/2008\n").created) == 2


def test_namesakes_with_different_ines_are_two_people():
    assert len(planned("123456789AB;MARTIN;Noah;;\n123456789CD;MARTIN;Noah;;\n").created) == 2


def test_the_namesake_born_on_the_day_is_meant_not_the_one_whose_birth_date_is_unknown():
    known = {1: Person("MARTIN", "Noah"), 2: Person("MARTIN", "Noah", None, "", BORN)}
    result = planned(";MARTIN;Noah;TG2;01/02/2008\n", known)
    assert result.updated == {2: Person("MARTIN", "Noah", None, "TG2", BORN)}  # "ambiguous" without the preference


def test_a_row_with_the_known_ine_corrects_the_name():
    result = planned("123456789AB;MARTINE;Noah;;\n", {7: Person("MARTIN", "Noah", "123456789AB", "TG2", BORN)})
    assert result.updated == {7: Person("MARTINE", "Noah", "123456789AB", "TG2", BORN)}  # class and birth date stay


def test_an_ine_learnt_later_goes_to_the_known_candidate():
    result = planned("123456789AB;Martin;Noah;;\n", {7: Person("Martin", "Noah", None, "", BORN)})
    assert result.updated == {7: Person("Martin", "Noah", "123456789AB", "", BORN)}
    assert result.created == ()


def test_a_row_with_an_ine_comes_first_wherever_it_stands():
    known = {7: Person("MARTIN", "Noah", "123456789AB", "", BORN)}
    result = planned(";MARTIN;Noah;;01/02/2008\n123456789AB;DURAND;Léa;;\n", known)
    assert result.updated == {7: Person("DURAND", "Léa", "123456789AB", "", BORN)}
    assert [person.last_name for person in result.created] == ["MARTIN"]


def test_a_row_that_could_be_two_known_candidates_is_not_guessed():
    known = {1: Person("MARTIN", "Noah", "123456789AB"), 2: Person("MARTIN", "Noah", "123456789CD")}
    assert planned(";MARTIN;Noah;;\n", known).errors == (Error(2, "last_name", "MARTIN", "ambiguous"),)


def test_a_known_candidate_whom_two_rows_could_be_is_given_to_neither():
    rows = ";MARTIN;Noah;;01/02/2008\n;MARTIN;Noah;;02/02/2008\n"
    result = planned(rows, {1: Person("MARTIN", "Noah")})
    assert (len(result.created), result.updated) == (2, {})


def test_five_thousand_rows_are_planned_in_one_go():
    rows = "".join(f"{n:09d}AB;NOM{n % 700};Prénom{n % 900};TG2;01/02/2008\n" for n in range(5000))
    first = planned(rows)
    assert len(first.created) == 5000
    again = planned(rows, dict(enumerate(first.created)))
    assert len(again.unchanged) == 5000


# Few values, so that rows collide: INE of both forms and wrong ones, namesakes, missing and wrong dates.
CELLS = st.tuples(
    st.sampled_from(["", "123456789AB", "123456789CD", "1234567890Z", "12", " "]),
    st.sampled_from(["MARTIN", "Martin", "DURAND", "", "\x00", '"LE; GALL"']),
    st.sampled_from(["Noah", "NOAH", "Léa", ""]),
    st.sampled_from(["", "TG1", "TG2"]),
    st.sampled_from(["", "01/02/2008", "2008-02-01", "02/02/2008", "31/02/2008"]),
)
FILES = st.lists(CELLS.map(";".join) | st.sampled_from(["", ";;;;", "a;b;c;d;e;f", HEADER.strip()]), max_size=12)


def applied(known, result):
    after = {**known, **result.updated}
    return after | {max(after, default=0) + 1 + n: person for n, person in enumerate(result.created)}


@given(FILES, FILES)
@settings(max_examples=400, deadline=None)
def test_every_record_is_in_exactly_one_place_and_the_same_file_again_changes_nothing(earlier, later):
    known = {}
    for lines in (earlier, later):
        rows = "\n".join(lines) + "\n"
        result = planned(rows, known)
        accounted = len(result.created) + len(result.updated) + len(result.unchanged)
        assert accounted + len(result.skipped) + len(result.errors) == (len(lines) or 1)
        told = [entry.row for entry in (*result.skipped, *result.errors)]
        assert len(told) == len(set(told))
        if result.errors:
            continue  # nothing is imported
        known = applied(known, result)
        assert len({person.key for person in known.values()}) == len(known)
        again = planned(rows, known)
        assert (again.created, again.updated, again.errors) == ((), {}, ())
        assert again.skipped == result.skipped
