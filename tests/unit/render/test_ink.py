"""What the marker drew: where, in which colour, and that every word of it can be read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest

from services.render import ink, sheet
from services.render.canvas import Canvas
from services.render.domain import TEMPLATE_VERSION
from services.render.typeface import Reader
from tests.unit.render import paper

SCALE = 2


def blank(size: tuple[int, int] = paper.A4) -> bytes:
    return paper.pdf({
        1: b"<</Type/Catalog/Pages 2 0 R>>",
        2: b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Resources<<>>>>" % size,
    })  # fmt: skip


def drawn(tmp_path: Any, marks: list[Any], *, language: str = "fr") -> tuple[np.ndarray[Any, Any], bytes]:
    """The first page as pdfium shows it, and the document."""
    upload = blank()
    made = paper.record([paper.side(upload, 1)], marks, language=language)
    document, _ = paper.compose(tmp_path, made, upload)
    with pypdfium2.PdfDocument(document) as final:
        pixels = final[0].render(scale=SCALE, rev_byteorder=True).to_numpy()[..., :3].astype(np.int16)
    return pixels, document


def extent(mask: np.ndarray[Any, Any]) -> tuple[float, float, float, float]:
    """x0, y0, x1, y1 in points."""
    rows, columns = np.where(mask)
    assert len(rows), "nothing of that colour"
    return columns.min() / SCALE, rows.min() / SCALE, (columns.max() + 1) / SCALE, (rows.max() + 1) / SCALE


def red(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return (pixels[..., 0] - pixels[..., 1] > 90) & (pixels[..., 0] - pixels[..., 2] > 60)


def green(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return (pixels[..., 1] - pixels[..., 0] > 60) & (pixels[..., 1] - pixels[..., 2] > 20)


def blue(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return pixels[..., 2] - pixels[..., 0] > 90


def yellow(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return (pixels[..., 0] - pixels[..., 2] > 60) & (pixels[..., 0] - pixels[..., 1] < 40)


@pytest.mark.parametrize(("kind", "colour"), [("highlight", yellow), ("bonus", green), ("error", red)])
def test_a_marked_area_is_where_the_marker_drew_it(tmp_path: Path, kind: str, colour: Callable[..., Any]) -> None:
    pixels, _ = drawn(tmp_path, [paper.mark(kind, 0.2, 0.3, 0.4, 0.1)])
    tag = round(0.4 * 842 + 2) * SCALE  # below the frame of a bonus stands the word
    expected = (0.2 * 595, 0.3 * 842, 0.6 * 595, 0.4 * 842)
    assert extent(colour(pixels[:tag])) == pytest.approx(expected, abs=1)


def test_an_error_on_a_line_of_writing_is_underlined_from_end_to_end(tmp_path: Path) -> None:
    pixels, _ = drawn(tmp_path, [paper.mark("error", 0.2, 0.3, 0.4, 0.015)])
    x0, y0, x1, y1 = extent(red(pixels))
    assert (x0, x1) == pytest.approx((0.2 * 595, 0.6 * 595), abs=1)
    assert y0 > 0.3 * 842 + 5  # a line under the words, not a frame around them
    assert (y0 + y1) / 2 == pytest.approx(0.315 * 842, abs=1)


@pytest.mark.parametrize(("kind", "colour"), [("tick", green), ("cross", red)])
def test_a_stamp_is_centred_on_its_point(tmp_path: Path, kind: str, colour: Callable[..., Any]) -> None:
    pixels, _ = drawn(tmp_path, [paper.mark(kind, 0.5, 0.5)])
    x0, y0, x1, y1 = extent(colour(pixels))
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx((0.5 * 595, 0.5 * 842), abs=1)


def test_a_comment_stands_beside_its_dot(tmp_path: Path) -> None:
    pixels, _ = drawn(tmp_path, [paper.mark("comment", 0.3, 0.3, content="Bien")])
    x0, y0, *_ = extent(blue(pixels))
    assert (x0, y0) == pytest.approx((0.3 * 595 - 1.5, 0.3 * 842 - 1.5), abs=1)


def test_a_comment_in_the_margin_keeps_to_it(tmp_path: Path) -> None:
    """Otherwise it would lie over the candidate's own words: 31 % of the width."""
    words = "Justifier chaque étape du calcul"
    pixels, _ = drawn(tmp_path, [paper.mark("comment", 0.02, 0.3, 0.16, 0.0, content=words)])
    _, _, x1, _ = extent(pixels.sum(axis=2) < 600)
    assert x1 <= (0.02 + 0.16) * 595 + 2


def test_comments_at_the_same_place_are_both_readable(tmp_path: Path) -> None:
    marks = [paper.mark("comment", 0.3, 0.3, content="première remarque"),
             paper.mark("comment", 0.305, 0.305, content="deuxième remarque")]  # fmt: skip
    _, document = drawn(tmp_path, marks)
    with pypdfium2.PdfDocument(document) as final:
        page = final[0].get_textpage()
        tops = sorted(page.get_rect(n)[3] for n in range(page.count_rects()))
    assert len(tops) == 2
    assert tops[1] - tops[0] > 9  # 8.9 pt letters: one line apart at least


@pytest.mark.parametrize(
    ("language", "printed"), [("fr", ("−0,5", "+1,25", "Bonus +0,5")), ("en", ("−0.5", "+1.25", "Bonus +0.5"))]
)
def test_points_are_written_in_the_records_language(tmp_path: Path, language: str, printed: tuple[str, ...]) -> None:
    marks = [
        paper.mark("error", 0.1, 0.2, 0.2, 0.1, content="faux", score_delta="-0.50"),
        paper.mark("comment", 0.1, 0.5, content="bien", score_delta="1.25"),
        paper.mark("bonus", 0.1, 0.7, score_delta="0.5"),
    ]
    _, document = drawn(tmp_path, marks, language=language)
    text = paper.text_of(document, 0)
    for words in printed:
        assert words in text


@pytest.mark.parametrize("length", [40, 400, 2000, 4000])
@pytest.mark.parametrize(("x", "y"), [(0, 0), (0.99, 0.02), (0.5, 0.99), (1, 1)])
def test_every_word_of_a_comment_is_printed_on_its_page(tmp_path: Path, length: int, x: float, y: float) -> None:
    words = [f"mot{n}" for n in range(length // 7)]
    _, document = drawn(tmp_path, [paper.mark("comment", x, y, content=" ".join(words))])
    assert set(words) <= set(paper.text_of(document, 0).split())


def test_a_comment_too_long_for_its_page_is_printed_whole_after_the_score_sheet(tmp_path: Path) -> None:
    lines = [f"ligne{n}" for n in range(300)]
    _, document = drawn(tmp_path, [paper.mark("comment", 0.2, 0.2, content="\n".join(lines))])
    assert "[suite n° 1 après le relevé]" in paper.text_of(document, 0)
    assert "ligne299" not in paper.text_of(document, 0)
    assert set(lines) <= set(paper.all_text(document).split())
    assert "Page 1 de la copie" in paper.all_text(document)


def test_a_highlight_does_not_hide_the_writing(tmp_path: Path) -> None:
    upload = paper.scan(sides=1)
    made = paper.record([paper.side(upload, 1)], [paper.mark("highlight", 0, 0, 1, 1)])
    document, _ = paper.compose(tmp_path, made, upload)
    with pypdfium2.PdfDocument(document) as final:
        shown = final[0].render(scale=1, rev_byteorder=True).to_numpy()[..., :3].astype(np.int16)
    assert shown.max(axis=2).min() < 110  # a veil, not paint: the bars of 90 are still dark


def test_no_annotation_at_all_leaves_the_scan_as_it_was(tmp_path: Path) -> None:
    upload = paper.scan(sides=1)
    document, _ = paper.compose(tmp_path, paper.record([paper.side(upload, 1)]), upload)
    with pypdfium2.PdfDocument(upload) as scan, pypdfium2.PdfDocument(document) as final:
        before, after = (d[0].render(scale=1).to_numpy().astype(np.int16) for d in (scan, final))
    assert np.abs(before - after).max() <= 2


@pytest.mark.parametrize(("chosen", "colour"), [("red", red), ("green", green), ("blue", blue)])
@pytest.mark.parametrize("kind", ["tick", "pen", "error"])
def test_a_chosen_colour_is_that_of_the_mark(
    tmp_path: Path, kind: str, chosen: str, colour: Callable[..., Any]
) -> None:
    strokes = (((0.3, 0.3), (0.5, 0.4)),) if kind == "pen" else ()
    pixels, _ = drawn(tmp_path, [paper.mark(kind, 0.3, 0.3, 0.2, 0.1, strokes=strokes, colour=chosen)])
    assert colour(pixels).any()
    assert not any(other(pixels).any() for other in (red, green, blue) if other is not colour)


def test_a_pen_pressed_harder_draws_wider(tmp_path: Path) -> None:
    line = tuple((0.1 + 0.02 * n, 0.5) for n in range(41))
    pressures = tuple(n / 40 for n in range(41))
    pixels, _ = drawn(tmp_path, [paper.mark("pen", strokes=(line,), pressures=(pressures,))])
    heights = red(pixels).sum(axis=0) / SCALE
    thin, middle, thick = (heights[round(x * 595 * SCALE)] for x in (0.14, 0.5, 0.86))
    assert thin < middle < thick
    # 3.4 thousandths of the page's width, times 0.45 to 1.7 (services/render/ink.py): 0.9 to 3.4 points
    assert (middle, thick) == pytest.approx((2.2, 3.3), abs=0.8)


def test_pressures_that_do_not_fit_their_stroke_say_nothing(tmp_path: Path) -> None:
    strokes = (((0.1, 0.5), (0.9, 0.5)), ((0.1, 0.6), (0.9, 0.6)))
    plain, _ = drawn(tmp_path, [paper.mark("pen", strokes=strokes)])
    for pressures in ((), ((0.9,),), ((), (), (1.0, 1.0))):
        pixels, _ = drawn(tmp_path, [paper.mark("pen", strokes=strokes, pressures=pressures)])
        assert (pixels == plain).all()


def test_a_pen_that_was_pressed_and_not_moved_leaves_a_dot(tmp_path: Path) -> None:
    pixels, _ = drawn(tmp_path, [paper.mark("pen", strokes=(((0.5, 0.5),) * 2,), pressures=((0.2, 1.0),))])
    x0, y0, x1, y1 = extent(red(pixels))
    assert (x1 - x0, y1 - y0) == pytest.approx((3.4, 3.4), abs=1)


def test_a_drawing_that_changes_has_a_new_template_version() -> None:
    """The memo answers for old records with old drawings: whoever changes the drawing must say so."""
    upload = blank()
    marks = [paper.mark(kind, 0.2, 0.1 * n, 0.3, 0.05, content="Très bien", score_delta="0.5",
                        strokes=(((0.1, 0.1), (0.2, 0.3), (0.4, 0.2)),))
             for n, kind in enumerate(("comment", "highlight", "error", "bonus", "tick", "cross", "pen"))]  # fmt: skip
    made = paper.record([paper.side(upload, 1)], marks, appraisal="Bon travail.")
    copy = ink.InkedCopy("fr", Reader())
    page = Canvas(595, 842)
    ink.draw(page, made.annotations, 1, copy)
    drawing = page.content() + b"".join(canvas.content() for canvas in sheet.draw(made, copy))
    assert (TEMPLATE_VERSION, hashlib.sha256(drawing).hexdigest()[:16]) == (2, "b09ea67ad81aa3f4")
