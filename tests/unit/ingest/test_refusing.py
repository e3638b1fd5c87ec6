"""Files that ingest refuses, each for its own reason and with its own code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pymupdf
import pytest

from contracts.errors import Refusal
from contracts.errors.ingest import (
    Damaged,
    EmptyFile,
    Encrypted,
    NotAPdf,
    PageTooLarge,
    TooManyPages,
    UnsafeImage,
)
from services.ingest import pixels
from tests.scans.paper import Leaf, face, leaf, pdf

Inspect = Callable[[bytes], int]


@pytest.fixture
def inspect(tmp_path: Path) -> Inspect:
    def look(data: bytes) -> int:
        path = tmp_path / "upload"
        path.write_bytes(data)
        result, _ = pixels.inspect([str(path)], b"", max_sides=5)
        sides: int = result["sides"]
        return sides

    return look


@pytest.fixture(scope="module")
def page() -> Leaf:
    return leaf(face(1))


def test_a_good_scan_is_accepted(inspect: Inspect, page: Leaf) -> None:
    assert inspect(pdf([page, page])) == 2


@pytest.mark.parametrize(
    "data",
    [
        b"<html><body>%PDF-1.4</body></html>",
        b"\x89PNG\r\n\x1a\n" + b"%PDF-1.4",
        b"PK\x03\x04 %PDF-1.4",
        b"just some text",
        b" " * 1024 + b"%PDF-1.4",
    ],
)
def test_what_does_not_begin_like_a_pdf_is_not_one(inspect: Inspect, data: bytes) -> None:
    with pytest.raises(NotAPdf):
        inspect(data)


def test_an_empty_file_is_refused(inspect: Inspect) -> None:
    with pytest.raises(EmptyFile):
        inspect(b"")


def test_a_password_is_refused(inspect: Inspect) -> None:
    document = pymupdf.open()
    document.new_page()
    # 5: AES of 256 bits
    locked = document.tobytes(encryption=5, owner_pw="owner", user_pw="user")
    with pytest.raises(Encrypted):
        inspect(locked)


def test_more_pages_than_allowed_are_refused_with_both_numbers(inspect: Inspect, page: Leaf) -> None:
    with pytest.raises(TooManyPages) as refused:
        inspect(pdf([page] * 6))
    assert refused.value.details == {"pages": 6, "max": 5}


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_a_file_that_was_cut_short_is_damaged(inspect: Inspect, page: Leaf, share: float) -> None:
    whole = pdf([page] * 4)
    with pytest.raises((Damaged, EmptyFile)):
        inspect(whole[: int(len(whole) * share)])


def test_a_page_tree_that_lies_is_damaged(inspect: Inspect, page: Leaf) -> None:
    with pytest.raises(Refusal) as refused:
        inspect(pdf([page, page], count=4))  # MuPDF would show two white pages
    assert refused.value.code == "ingest.damaged"
    assert "(" not in refused.value.text("fr")  # there is no page to name


@pytest.mark.parametrize(("width_pt", "height_pt"), [(20, 500), (15_000, 14_000), (100, 1001)])
def test_paper_of_no_possible_size_is_refused(inspect: Inspect, page: Leaf, width_pt: int, height_pt: int) -> None:
    with pytest.raises(PageTooLarge) as refused:
        inspect(pdf([Leaf(page.data, page.dictionary, width_pt, height_pt)]))
    assert refused.value.details == {"side_no": 1, "reason": "paper"}


def test_a_bomb_is_refused_by_what_its_dictionary_says(inspect: Inspect, page: Leaf) -> None:
    vast = page.dictionary.replace(b"/Width 827/Height 1169", b"/Width 30000/Height 30000")
    with pytest.raises(PageTooLarge):
        inspect(pdf([Leaf(page.data, vast, 595, 842)]))


def test_a_bomb_is_refused_by_what_its_stream_says(inspect: Inspect, page: Leaf) -> None:
    at = page.data.index(b"\xff\xc0")
    lying = page.data[: at + 5] + (60_000).to_bytes(2, "big") * 2 + page.data[at + 9 :]
    with pytest.raises(PageTooLarge):
        inspect(pdf([Leaf(lying, page.dictionary, 595, 842)]))


def test_a_jpeg_of_very_many_scans_is_refused(inspect: Inspect, page: Leaf) -> None:
    slow = page.data[:-2] + b"\xff\xda\x00\x02" * 40 + b"\xff\xd9"
    with pytest.raises(UnsafeImage):
        inspect(pdf([Leaf(slow, page.dictionary, 595, 842)]))


def test_every_refusal_says_what_to_do_in_both_languages() -> None:
    for kind in Refusal.__subclasses__():
        if kind.code.startswith("ingest."):
            assert kind.en.endswith(".")
            assert kind.fr.endswith(".")
            assert kind.en != kind.fr
