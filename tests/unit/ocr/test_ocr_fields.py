"""Strips drawn here, so that the right answer is known to the pixel."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from services.ocr.fields import boxes, erased, written
from services.ocr.strip import Grey, Strip, long_runs, skew, straighten

WIDTH, HEIGHT = 1654, 590  # 210 x 75 mm at 200 dpi
LEFT, CELL, CELLS = 310, 52, 12
FIELDS = ((170, 240), (270, 340))


def _strip(*, comb: bool, paper: int = 250) -> Image.Image:
    """Two boxes; in each, one filled blot per letter: 3 in the first, 5 in the second, 20 px wide."""
    image = Image.new("L", (WIDTH, HEIGHT), paper)
    draw = ImageDraw.Draw(image)
    right = LEFT + CELL * CELLS
    for letters, (top, bottom) in zip((3, 5), FIELDS, strict=True):
        draw.rectangle((LEFT, top, right, bottom), outline=40, width=3)
        for cell in range(1, CELLS) if comb else ():
            draw.line((LEFT + cell * CELL, top, LEFT + cell * CELL, bottom), fill=40, width=3)
        for letter in range(letters):
            x = LEFT + letter * CELL + 16
            draw.rectangle((x, top + 20, x + 19, bottom - 20), fill=60)
    return image


def _fields(strip: Image.Image) -> list[Grey]:
    level = straighten(strip)
    return [line for box in boxes(level) if (line := written(level, box)) is not None]


def _blots(field: Grey) -> list[int]:
    """Widths of the stretches of ink, from the left."""
    dark = (field < 128).any(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], dark, [False])).astype(np.int8))).reshape(-1, 2)
    return [int(end - start) for start, end in edges]


@pytest.mark.parametrize("slope", [0.0, 1.3, -2.2])
@pytest.mark.parametrize("comb", [True, False])
def test_each_field_holds_its_letters_and_no_rule(slope: float, comb: bool) -> None:
    strip = _strip(comb=comb).rotate(-slope, Image.Resampling.BICUBIC, fillcolor=250)  # clockwise by the slope
    fields = _fields(strip)
    assert [len(_blots(field)) for field in fields] == [3, 5]
    assert all(abs(width - 20) <= 4 for field in fields for width in _blots(field))


def test_letters_of_a_comb_are_moved_together_but_a_blank_cell_stays_a_space() -> None:
    strip = _strip(comb=True)
    draw = ImageDraw.Draw(strip)
    top, bottom = FIELDS[0]
    draw.rectangle(
        (LEFT + 5 * CELL + 16, top + 20, LEFT + 5 * CELL + 35, bottom - 20), fill=60
    )  # after two blank cells
    dark = (_fields(strip)[0] < 128).any(axis=0)
    starts = np.flatnonzero(np.diff(dark.astype(np.int8)) == 1)
    close, closer, far = (int(distance) for distance in np.diff(starts))
    assert close == closer < 0.7 * CELL
    assert far > 1.5 * close


def test_long_tail_is_not_taken_for_the_side_of_a_cell() -> None:
    strip = _strip(comb=True)
    top, bottom = FIELDS[0]
    x = LEFT + 3 * CELL + 20  # a third into the fourth cell, as tall as the box
    ImageDraw.Draw(strip).line((x, top, x, bottom), fill=60, width=4)
    assert len(_blots(_fields(strip)[0])) == 4


def test_empty_boxes_give_no_line_and_dust_is_not_writing() -> None:
    strip = Image.new("L", (WIDTH, HEIGHT), 250)
    draw = ImageDraw.Draw(strip)
    draw.rectangle((LEFT, 170, 1300, 240), outline=40, width=3)
    draw.point([(700, 200), (701, 200)], fill=40)
    assert _fields(strip) == []


def test_cleaned_strip_keeps_writing_outside_boxes_and_loses_rules() -> None:
    strip = _strip(comb=True)
    draw = ImageDraw.Draw(strip)
    draw.line((80, 450, 1550, 450), fill=40, width=3)
    draw.rectangle((100, 480, 140, 520), fill=40)
    level = straighten(strip)
    clean = erased(level, boxes(level))
    assert (clean[447:454, 200:1500] > 200).all()
    assert (clean[485:515, 105:135] < 100).all()


def test_grey_paper_and_a_shadow_make_no_ink() -> None:
    shade = np.linspace(0.55, 1.0, WIDTH)
    dim = Image.fromarray((np.asarray(_strip(comb=False, paper=235)) * shade).astype(np.uint8))
    assert [len(_blots(field)) for field in _fields(dim)] == [3, 5]


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (40, 400), (400, 5)])
def test_tiny_or_odd_images_are_read_as_blank(size: tuple[int, int]) -> None:
    level = straighten(Image.new("L", size, 255))
    assert boxes(level) == []
    assert level.grey.shape == (size[1], size[0])


@pytest.mark.parametrize("slope", [-3.0, -0.4, 0.0, 2.75])
def test_skew_is_the_slope_of_the_rules_clockwise(slope: float) -> None:
    turned = _strip(comb=False).rotate(-slope, Image.Resampling.BICUBIC, fillcolor=250)
    assert skew(np.asarray(turned) < 190) == pytest.approx(slope, abs=0.06)


def test_rule_survives_small_gaps_and_a_short_stroke_is_no_rule() -> None:
    ink = np.zeros((9, 400), np.bool_)
    ink[2, 50:350] = True
    ink[2, 100:105] = False
    ink[6, 50:140] = True
    found = long_runs(ink, 170)
    assert found[2, 50:100].all()
    assert found[2, 105:350].all()
    assert not found[5:].any()


def test_gap_between_two_boxes_is_not_a_box() -> None:
    rules = np.zeros((HEIGHT, WIDTH), np.bool_)
    for top, bottom in FIELDS:
        rules[[top, bottom], LEFT : LEFT + 600] = True  # 30 px between the boxes, as tall as a low field
    found = boxes(Strip(np.where(rules, np.uint8(0), np.uint8(255)), rules, rules))
    assert [(box.top, box.bottom) for box in found if not box.open] == [(171, 240), (271, 340)]
