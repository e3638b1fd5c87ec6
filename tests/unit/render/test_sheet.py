"""The score sheet: every item once, in order, however long, in French and English."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from services.render import sheet
from services.render.ink import InkedCopy
from services.render.typeface import Reader
from tests.unit.render import paper


def composed(tmp_path: Any, **more: Any) -> bytes:
    upload = paper.scan(sides=1)
    return paper.compose(tmp_path, paper.record([paper.side(upload, 1)], **more), upload)[0]


def test_it_says_what_was_marked_and_how_much(tmp_path: Path) -> None:
    text = paper.text_of(
        composed(tmp_path, items=[paper.item("Question 1", "1.50"), paper.item("Question 2", "0", "0.25", bonus=True)]),
        1,
    )
    for words in (
        "Relevé de notes", "Bac blanc de mathématiques", "12 mars 2026", "Copie n° A7K-042", "14,5 / 20",
        "Question 1 1,5 / 2", "Total 14,5 / 20", "bonus", "0 / 0,25",
        "Corrigé le 20 mars 2026, 14 h 05 UTC", "révision 1", "page 1/1",
    ):  # fmt: skip
        assert words in text


def test_it_speaks_english(tmp_path: Path) -> None:
    text = paper.text_of(composed(tmp_path, language="en"), 1)
    for words in ("Score sheet", "14.5 / 20", "12 March 2026", "Marked on 20 March 2026, 14:05 UTC", "page 1/1"):
        assert words in text
    assert not re.search(r"[éèà]", text.replace("mathématiques", ""))


def test_the_total_is_the_records_even_when_the_items_do_not_add_up(tmp_path: Path) -> None:
    text = paper.text_of(composed(tmp_path, items=[paper.item("Question 1", "2")], total="19.75"), 1)
    assert text.count("19,75 / 20") == 2


def test_a_long_table_flows_over_several_pages_and_keeps_every_item(tmp_path: Path) -> None:
    items = [paper.item(f"Question-{n}", remark=f"remarque-{n} " + "mot " * 60) for n in range(90)]
    document = composed(tmp_path, items=items, appraisal="appréciation-finale")
    with pypdfium2.PdfDocument(document) as final:
        pages = len(final) - 1
    assert pages >= 4
    text = paper.all_text(document)
    assert re.findall(r"Question-(\d+)", text) == [str(n) for n in range(90)]
    assert re.findall(r"remarque-(\d+)", text) == [str(n) for n in range(90)]
    assert text.count("mot ") == 90 * 60
    assert "appréciation-finale" in text
    assert [f"page {n}/{pages}" in paper.text_of(document, n) for n in range(1, pages + 1)] == [True] * pages


def test_one_remark_longer_than_a_page_is_printed_whole(tmp_path: Path) -> None:
    words = [f"mot{n}" for n in range(1500)]
    document = composed(tmp_path, items=[paper.item("Question 1", remark=" ".join(words))])
    assert set(words) <= set(paper.all_text(document).split())


@pytest.mark.parametrize("path", [(), ("Seule",), ("Partie I", "Exercice 2", "Question 3", "a")])
def test_items_at_any_depth_are_named(tmp_path: Path, path: tuple[str, ...]) -> None:
    item = paper.item("x").model_copy(update={"path": path, "item_id": "sans-nom"})
    text = paper.text_of(composed(tmp_path, items=[item]), 1)
    for label in path or ("sans-nom",):
        assert label in text


def test_a_group_is_named_once_above_its_items() -> None:
    items = [
        paper.item("a").model_copy(update={"path": ("Exercice 1", "a")}),
        paper.item("b").model_copy(update={"path": ("Exercice 1", "b")}),
        paper.item("c").model_copy(update={"path": ("Exercice 2", "c")}),
    ]
    made = paper.record([paper.side(b"", 1)], items=items)
    (page,) = sheet.draw(made, InkedCopy("fr", Reader()))
    assert page.content().decode().count("Exercice 1".encode("utf-16-be").hex()) == 1
    assert page.content().decode().count("Exercice 2".encode("utf-16-be").hex()) == 1


def test_nothing_is_written_outside_the_margins(tmp_path: Path) -> None:
    items = [paper.item("Q" * 200, "9999.999", "9999.999", bonus=True, remark="W" * 500) for _ in range(3)]
    document = composed(tmp_path, items=items, exam_title="M" * 200, total="9999.999", total_points="9999.999")
    with pypdfium2.PdfDocument(document) as final:
        for index in range(1, len(final)):
            page = final[index].get_textpage()
            for n in range(page.count_rects()):
                left, bottom, right, _ = page.get_rect(n)
                assert left >= 50
                assert right <= sheet.WIDTH - 50
                assert bottom >= 20
