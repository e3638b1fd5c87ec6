"""Answer sheets: imposition, what is printed, codes that readers read, and one document per wish."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import numpy as np
import pymupdf
import pypdfium2
import pytest
import zxingcpp

from contracts.errors.render import NotFoldable, TooManySheets
from contracts.records.codes import PageCode
from services.render.answer_sheet import MOST_PAGES, sides
from services.render.printing import answer_sheets
from tests.unit.render.paper import text_of

EXAM = UUID("0192f5c0-1111-7222-8333-444455556666")


def made(**changes: Any) -> bytes:
    values: dict[str, Any] = {
        "exam_id": str(EXAM), "title": "Bac blanc de mathématiques", "date": "2026-03-12", "language": "fr",
        "copies": [11, 22], "pages": 4, "layout": "a4", "ruled": True,
    }  # fmt: skip
    result, (document,) = answer_sheets([], b"", **(values | changes))
    with pypdfium2.PdfDocument(document) as pdf:
        assert len(pdf) == result["page_count"]
    return document


def pixels(document: bytes, index: int, dpi: int = 150) -> np.ndarray:
    with pypdfium2.PdfDocument(document) as pdf:
        return np.array(pdf[index].render(scale=dpi / 72, grayscale=True).to_numpy())


def codes(page: np.ndarray) -> list[tuple[PageCode | None, float, float]]:
    """Every code of a side with its centre in millimetres at 150 dpi, from left to right, then from top to bottom."""
    found = []
    for each in zxingcpp.read_barcodes(page, formats=zxingcpp.BarcodeFormat.QRCode):
        corners = (each.position.top_left, each.position.bottom_right)
        x, y = (sum(getattr(corner, axis) for corner in corners) / 2 / 150 * 25.4 for axis in "xy")
        found.append((PageCode.read(each.text), round(x), round(y)))
    return sorted(found, key=lambda code: code[1:])


def test_double_sheets_are_imposed_so_that_they_fold_into_the_right_order() -> None:
    assert sides("a3", 1, 4) == [(4, 1), (2, 3)]
    assert sides("a3", 1, 8) == [(8, 1), (2, 7), (6, 3), (4, 5)]
    assert sides("a3", 1, 12) == [(12, 1), (2, 11), (10, 3), (4, 9), (8, 5), (6, 7)]


def test_each_a4_copy_begins_a_sheet_of_its_own() -> None:
    assert sides("a4", 1, 4) == [(1,), (2,), (3,), (4,)]
    assert sides("a4", 1, 3) == [(1,), (2,), (3,), (None,)]  # or the next copy's page 1 would be on the back of page 3


def test_pages_that_do_not_fold_and_documents_too_long_are_refused() -> None:
    with pytest.raises(NotFoldable):
        sides("a3", 1, 6)
    with pytest.raises(TooManySheets) as refused:
        sides("a4", 1000, 5)
    assert refused.value.details == {"pages": 5000, "max": MOST_PAGES}
    assert len(sides("a4", 1000, 4)) == 4


def test_every_a4_page_carries_its_code_on_opposite_corners() -> None:
    document = made()
    for index, (copy_no, page_no) in enumerate([(c, p) for c in (11, 22) for p in (1, 2, 3, 4)]):
        code = PageCode(EXAM, copy_no, page_no)
        assert codes(pixels(document, index)) == [(code, 20, 277), (code, 190, 20)]


def test_a_double_sheet_shows_the_codes_of_both_its_faces() -> None:
    document = made(layout="a3", copies=[11])
    outer, inner = codes(pixels(document, 0)), codes(pixels(document, 1))
    assert outer == [(PageCode(EXAM, 11, 4), 20, 277), (PageCode(EXAM, 11, 4), 190, 20),
                     (PageCode(EXAM, 11, 1), 230, 277), (PageCode(EXAM, 11, 1), 400, 20)]  # fmt: skip
    assert [code and code.page_no for code, _, _ in inner] == [2, 2, 3, 3]


def test_the_header_is_on_the_first_page_alone() -> None:
    document = made()
    first, second = text_of(document, 0), text_of(document, 1)
    for words in ("Bac blanc de mathématiques", "12 mars 2026", "NOM", "Prénom", "N° candidat", "Classe"):
        assert words in first
        assert words not in second
    assert "Page 1 / 4" in first
    assert "Page 2 / 4" in second


def test_it_speaks_english() -> None:
    text = text_of(made(language="en"), 0)
    assert "LAST NAME" in text
    assert "12 March 2026" in text


def test_blank_paper_has_a_margin_and_no_ruling() -> None:
    def darkened_rows(document: bytes) -> int:
        """Rows of page 2 that are darker than paper all along the writing area."""
        return int((pixels(document, 1, dpi=300)[:, 700:2000] < 250).all(axis=1).sum())

    assert darkened_rows(made()) >= 31
    assert darkened_rows(made(ruled=False)) == 0
    margin = pixels(made(ruled=False), 1, dpi=300)[1000:2000, 420:430]
    assert (margin < 230).any(axis=1).all()


def test_ink_stands_out_on_what_is_printed_for_writing() -> None:
    """Ruling in a scan seen at 75 dpi keeps clear of what ingest takes for a pencil stroke (32 levels)."""
    fine = pixels(made(), 1, dpi=300)[: 3504 // 4 * 4, : 2480 // 4 * 4]
    page = fine.reshape(3504 // 4, 4, 620, 4).mean(axis=(1, 3))
    written_on = page[130:770, 110:590]
    assert written_on.min() > 255 - 32


def test_a_title_of_any_length_stays_off_the_boxes() -> None:
    text = text_of(made(title="Épreuve de spécialité " * 9), 0)
    assert "NOM" in text
    with pypdfium2.PdfDocument(made(title="Épreuve de spécialité " * 9)) as pdf:
        page = pdf[0].render(scale=150 / 72, grayscale=True).to_numpy()
    assert (page[round(22.5 * 5.9) : round(25 * 5.9), 71:1000] > 250).all()  # white between the title and the first box
    assert len(codes(page)) == 2


def test_the_same_numbers_give_the_same_bytes_and_viewers_are_told_how_to_print() -> None:
    document = made(layout="a3")
    assert document == made(layout="a3")
    with pymupdf.open(stream=document, filetype="pdf") as pdf:
        wishes = pdf.xref_get_key(pdf.pdf_catalog(), "ViewerPreferences")[1]
        assert pdf.metadata["title"] == "Copies à imprimer – Bac blanc de mathématiques"
        assert "/PrintScaling/None" in wishes
        assert "/DuplexFlipShortEdge" in wishes


def test_no_date_is_no_date() -> None:
    assert str(dt.date(2026, 3, 12).year) not in text_of(made(date=None), 0)
