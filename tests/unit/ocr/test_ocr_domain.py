from __future__ import annotations

import pytest

from services.ocr.domain import MAX_LINE_LENGTH, MAX_LINES, Field, Line, Reading, parameters_digest, tidy


def test_parameters_in_another_order_ask_the_same_question() -> None:
    assert parameters_digest({"a": "1", "b": "2"}) == parameters_digest({"b": "2", "a": "1"})
    assert parameters_digest({"a": "1", "b": "2"}) != parameters_digest({"a": "2", "b": "1"})


def test_order_of_languages_is_another_question() -> None:
    assert parameters_digest({"languages": "fra+eng"}) != parameters_digest({"languages": "eng+fra"})


def test_lines_are_made_fit_to_store_and_send() -> None:
    dirty = [Line("NOM :\x00\x1b[2J  DURAND\u2028", 1.7), Line(" \n", 0.5), Line("x" * 999, -1.0)]
    tidied = tidy(Reading("done", tuple(dirty))).lines
    assert tidied == (Line("NOM : [2J DURAND", 1.0), Line("x" * MAX_LINE_LENGTH, 0.0))
    assert len(tidy(Reading("done", (Line("a", 0.5),) * 100)).lines) == MAX_LINES


def test_text_of_a_field_is_made_fit_and_its_letters_are_left_alone() -> None:
    (field,) = tidy(Reading("done", fields=(Field("last_name", "DU\x1bRAND ", 1.2, "eJw=", 12),))).fields
    assert field == Field("last_name", "DU RAND", 1.0, "eJw=", 12)


def test_failed_reading_has_no_lines() -> None:
    with pytest.raises(ValueError, match="timeout"):
        Reading("timeout", (Line("DURAND", 0.9),))
    with pytest.raises(ValueError, match="crashed"):
        Reading("crashed", fields=(Field("last_name", "DURAND", 0.9, "", 0),))
