"""Text on paper: nothing is lost, nothing is too wide, nothing is silently replaced."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.render.typeface import BOLD, MISSING, REGULAR, Reader, wrap

anything = st.text(alphabet=st.characters(codec="utf-8"), max_size=120)


@given(anything, st.floats(min_value=20, max_value=400))
def test_wrapping_keeps_every_character_and_the_width(text: str, width: float) -> None:
    cleaned = Reader().clean(text)
    lines = wrap(cleaned, REGULAR, 10, width)
    assert "".join("".join(lines).split()) == "".join(cleaned.split())
    assert all(REGULAR.width(line, 10) <= width or len(line) == 1 for line in lines)


@given(anything)
def test_cleaned_text_can_be_drawn_and_measured_in_both_faces(text: str) -> None:
    cleaned = Reader().clean(text)
    for face in (REGULAR, BOLD):
        for line in cleaned.split("\n"):
            assert "".join(part for _, part in face.runs(line)) == line
            assert sum(drawn.width(part, 10) for drawn, part in face.runs(line)) >= face.width(line, 10) - 0.01


def test_french_and_school_mathematics_have_glyphs() -> None:
    reader = Reader()
    for text in (
        "ÀÂÆÇÉÈÊËÎÏÔŒÙÛÜŸ àâæçéèêëîïôœùûüÿ « ’ ‘ “ ” – — … • € § ° № ‰",
        "≥ ≤ ≠ ≈ ± × ÷ ∞ √ ∑ ∏ ∫ ∂ ∇ ∈ ∉ ⊂ ∪ ∩ ∅ ∀ ∃ ⇒ ⇔ → ↦ ℝ ℕ ℤ ℚ ℂ ⟨ ⟩",
        "ΑΒΓΔΘΛΠΣΦΨΩ αβγδεθλμπρσφψω x₁ x² x³ 10⁻⁶ H₂O aₙ",
        "✓ ✗ ★ ½ ⅓ ¼",
    ):
        assert MISSING not in reader.clean(text)
    assert reader.replaced == 0


def test_each_missing_character_is_counted_but_shapeless_ones_are_not() -> None:
    reader = Reader()
    assert reader.clean("漢字") == MISSING * 2
    assert reader.clean("a\u200d\ufe0f\u202eb") == "ab"
    assert reader.replaced == 2


def test_letters_with_separate_accents_are_composed() -> None:
    assert Reader().clean("e\u0301te\u0301") == "été"


def test_a_line_never_begins_with_a_high_sign() -> None:
    text = Reader().clean("bien fait ! vraiment ; « oui » : voilà ?")
    for width in range(60, 140, 5):
        assert all(line[0] not in "!;:?»" for line in wrap(text, REGULAR, 9, width))


def test_what_bold_lacks_is_drawn_in_regular() -> None:
    assert [(face.resource, part) for face, part in BOLD.runs("Partie Δ1")] == [
        ("B", "Partie "),
        ("R", "Δ"),
        ("B", "1"),
    ]
