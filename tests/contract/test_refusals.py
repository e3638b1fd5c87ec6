"""What a refusal says to a person."""

from __future__ import annotations

from typing import ClassVar

from contracts.errors import Refusal


class Sums(Refusal):
    code, http_status = "test.sums", 422
    en: ClassVar[str] = "They make {sum}, not {total}: {parts}."
    fr: ClassVar[str] = "La somme est {sum} au lieu de {total} : {parts}."


def test_points_have_a_comma_in_french_and_a_point_in_english() -> None:
    refusal = Sums(sum="11.5", total="20", parts=["2.25", "v1.2"])
    assert refusal.text("fr") == "La somme est 11,5 au lieu de 20 : 2,25, v1.2."
    assert refusal.text("en") == "They make 11.5, not 20: 2.25, v1.2."


def test_a_missing_detail_never_breaks_a_text() -> None:
    assert Sums(sum="1").text("en") == "They make 1, not ?: ?."


def test_a_long_list_shows_its_first_words() -> None:
    assert Sums(sum="1", total="2", parts=[str(n) for n in range(40)]).text("en").endswith("10, 11, ….")
