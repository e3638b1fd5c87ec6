"""The text of the code on printed sheets: paper outlives programs, so it is read for ever."""

from __future__ import annotations

import re
from uuid import UUID

from hypothesis import example, given
from hypothesis import strategies as st

from contracts.records.codes import COPY_BITS, MOST_PAGES, PageCode, copy_label

EXAM = UUID("0192f5c0-1111-7222-8333-444455556666")
PRINTED = "KRG101JBTW048HE8H86CT48HANASK628T5CY4T03DE4Q"


def test_a_sheet_printed_by_the_first_version_is_read() -> None:
    assert PageCode.read(PRINTED) == PageCode(EXAM, 0x12_3456_789A, 3)


def test_what_is_printed_has_not_changed() -> None:
    assert PageCode(EXAM, 0x12_3456_789A, 3).to_text() == PRINTED


@given(st.uuids(), st.integers(0, (1 << COPY_BITS) - 1), st.integers(1, MOST_PAGES))
@example(UUID(int=(1 << 128) - 1), (1 << COPY_BITS) - 1, MOST_PAGES)
def test_a_code_says_what_was_put_in_and_fits_the_symbol(exam_id: UUID, copy_no: int, page_no: int) -> None:
    code = PageCode(exam_id, copy_no, page_no)
    text = code.to_text()
    assert PageCode.read(text) == code
    assert re.fullmatch("[0-9A-Z]{44}", text)  # QR version 4 at level H holds 50 such characters
    assert copy_label(copy_no) in text


@given(st.integers(0, 43), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_one_wrong_character_is_noticed(place: int, wrong: str) -> None:
    changed = PRINTED[:place] + wrong + PRINTED[place + 1 :]
    assert PageCode.read(changed) is None or changed == PRINTED


def test_other_peoples_codes_say_nothing() -> None:
    for text in ("", "https://example.org/KRG1", PRINTED.lower(), PRINTED + "0", PRINTED[:-1], "KRG2" + PRINTED[4:]):
        assert PageCode.read(text) is None


def test_a_page_that_cannot_be_and_an_exam_too_large_say_nothing() -> None:
    """With a right check: nobody prints them, so somebody made them up."""
    assert PageCode.read(PageCode(EXAM, 1, 0).to_text()) is None
    assert PageCode.read(PageCode(EXAM, 1, 100).to_text()) is None
    too_large = "ZZ" + PageCode(EXAM, 1, 1).to_text()[6:]
    assert PageCode.read("KRG1" + too_large[:22]) is None
