"""What the child says about a scan: how well it was made, what is on it, and whether it was fed twice."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageOps

from services.ingest import pixels
from services.ingest.fingerprints import FED_TWICE_BELOW, distance, fed_twice
from services.ingest.pixels import contrast, sides
from services.ingest.report import SKEWED_DEG
from tests.scans.paper import A4_PX, MM, Leaf, face, leaf, noisy, pdf, spread, tilted

Sides = list[dict[str, Any]]


@pytest.fixture
def cut(tmp_path: Path) -> Callable[..., Sides]:
    def cut(*pages: Image.Image, spreads: bool = False, **how: Any) -> Sides:
        path = tmp_path / "upload.pdf"
        path.write_bytes(pdf([leaf(page, **how) for page in pages]))
        result, _ = pixels.cut([str(path)], b"", first_side=1, last_side=len(pages), spreads=spreads)
        sides: Sides = result["sides"]
        return sides

    return cut


@pytest.fixture
def look(cut: Callable[..., Sides]) -> Callable[..., Sides]:
    """The faces of pages, in order."""
    return lambda *pages, **how: [face for side in cut(*pages, **how) for face in side["faces"]]


def in_pencil(page: Image.Image) -> Image.Image:
    return page.point(lambda level: 195 if level < 150 else level)


def dusty(specks: int) -> Image.Image:
    page, rng = face(1, lines=0), random.Random(1)
    for _ in range(specks):
        x, y, radius = rng.uniform(20, 190) * MM, rng.uniform(20, 270) * MM, rng.uniform(0.2, 0.5) * MM
        ImageDraw.Draw(page).ellipse((x - radius, y - radius, x + radius, y + radius), fill=90)
    return page


def marked(text: str, level: int) -> Image.Image:
    """A ruled page with nothing but a few characters."""
    page = face(1, lines=0)
    font = ImageFont.load_default(round(5 * MM))
    ImageDraw.Draw(page).text((90 * MM, 137 * MM), text, fill=level, font=font)
    return page


def shining_through(page: Image.Image, other: Image.Image, share: float) -> Image.Image:
    return Image.blend(page, ImageChops.multiply(page, ImageOps.mirror(other)), share)


def moved(page: Image.Image, x_mm: float, y_mm: float) -> Image.Image:
    result = Image.new("L", page.size, 250)
    result.paste(page, (round(x_mm * MM), round(y_mm * MM)))
    return result


def scanned_again(page: Image.Image, seed: int) -> Image.Image:
    """Another tilt, place, light, focus and grain."""
    rng = random.Random(seed)
    shift = (rng.uniform(-2, 2) * MM, rng.uniform(-2, 2) * MM)
    moved = page.rotate(rng.uniform(-1, 1), Image.Resampling.BILINEAR, translate=shift, fillcolor=248)
    light = rng.uniform(0.85, 1.0)
    lit = moved.point(lambda level: int(level * light)).filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.8)))
    return noisy(lit, rng.uniform(1, 4))


def test_a_blurred_page_is_told_from_a_sharp_one_whatever_it_is_written_with(look: Callable[..., Sides]) -> None:
    page = face(3)
    blurred = [page.filter(ImageFilter.GaussianBlur(0.25 * sigma * MM)) for sigma in (1, 2, 3)]
    sharp, pencil, grainy, *worse = [each["blur"] for each in look(page, in_pencil(page), noisy(page, 4), *blurred)]
    assert max(sharp, pencil, grainy) < 0.1  # measured in grey levels, pencil would count as blur
    assert sharp < worse[0] < worse[1] < worse[2]
    assert worse[0] < 0.4
    assert worse[2] > 0.8


def test_the_shadow_of_the_fold_is_no_blur(look: Callable[..., Sides]) -> None:
    left, right = look(spread(face(3, lines=1), face(4, lines=1)), spreads=True)
    assert max(left["blur"], right["blur"]) < 0.1


def test_a_printed_form_is_sharp_though_its_lines_have_no_edge_along_themselves(look: Callable[..., Sides]) -> None:
    form = face(3, header=True, lines=5)
    sharp, blurred = look(form, form.filter(ImageFilter.GaussianBlur(0.75 * MM)))
    assert sharp["blur"] < 0.1
    assert blurred["blur"] > 0.8


@pytest.mark.parametrize("degrees", [-2.5, -2.0, 2.0, 2.5])
def test_a_printed_line_laid_level_is_no_blur(look: Callable[..., Sides], degrees: float) -> None:
    (form,) = look(tilted(face(2, header=True, lines=14), degrees))
    assert form["blur"] < 0.1  # along itself it fades a little, where a pixel is shared by two rows
    assert abs(form["skew_deg"]) >= SKEWED_DEG


def test_blur_in_one_direction_counts(look: Callable[..., Sides]) -> None:
    page = face(3)
    smeared = Image.fromarray(
        np.mean([np.roll(np.asarray(page), step, axis=0) for step in range(8)], axis=0).astype("u1")
    )
    (found,) = look(smeared)
    assert found["blur"] > 0.6  # the sharp steps across would hide it


@pytest.mark.parametrize(
    ("edge", "x_mm", "y_mm"), [("left", -40, 0), ("right", 125, 0), ("top", 0, -66), ("bottom", 0, 25.5)]
)
def test_writing_that_runs_over_an_edge_is_clipped_there(
    look: Callable[..., Sides], edge: str, x_mm: float, y_mm: float
) -> None:
    whole = face(3)
    upright, kept = look(moved(whole, x_mm, y_mm), whole)
    assert upright["clipped"] == [edge]
    assert kept["clipped"] == []  # its ruling and its margin line run to the edges


def test_a_clipped_edge_is_named_as_it_stands_on_the_upright_page(look: Callable[..., Sides]) -> None:
    (found,) = look(moved(face(3), -40, 0).rotate(180))
    assert (found["turned"], found["clipped"]) == (True, ["left"])


def test_writing_across_the_fold_is_not_clipped(look: Callable[..., Sides]) -> None:
    left, right = look(spread(moved(face(3), 125, 0), moved(face(4), -40, 0)), spreads=True)
    assert (left["clipped"], right["clipped"]) == ([], [])


def test_a_torn_corner_and_a_dark_lid_are_not_writing(look: Callable[..., Sides]) -> None:
    page = face(3)
    draw = ImageDraw.Draw(page)
    draw.polygon([(0, 0), (15 * MM, 0), (0, 15 * MM)], fill=40)
    draw.rectangle((A4_PX[0] - 4 * MM, 0, A4_PX[0], A4_PX[1]), fill=30)
    (found,) = look(page)
    assert found["clipped"] == []


def test_what_shines_through_is_neither_writing_nor_ruling_nor_grain(look: Callable[..., Sides]) -> None:
    full, few = face(3), face(4, lines=4)
    clean, grainy, tilted_page, through, more = look(
        few,
        noisy(few, 4),
        tilted(few, -1.3),
        shining_through(few, full, 0.1),
        shining_through(face(4, lines=4, ruled=False), face(3, ruled=False, header=True), 0.1),
    )
    assert max(page["bleed"] for page in (clean, grainy, tilted_page)) < 0.03
    assert through["bleed"] > 0.05
    assert more["bleed"] > through["bleed"]


@pytest.mark.parametrize(
    ("page", "blank", "unsure"),
    [
        (face(1, lines=0), True, False),
        (dusty(3), True, False),
        (dusty(15), True, True),
        (shining_through(face(1, lines=0), face(3), 0.1), True, False),
        (marked("42", 60), False, False),
        (marked("42", 200), False, False),
        (marked("1", 60), False, True),
        (in_pencil(face(1, lines=1)), False, False),
    ],
    ids=["ruled", "dust", "much dust", "shining through", "a number", "in pencil", "one mark", "a line in pencil"],
)
def test_blank_is_said_with_its_doubt(look: Callable[..., Sides], page: Image.Image, blank: bool, unsure: bool) -> None:
    (found,) = look(page)
    assert (found["blank"], found["blank_unsure"]) == (blank, unsure)


def test_punched_holes_are_not_writing(look: Callable[..., Sides]) -> None:
    page = face(1, lines=0)
    for y in (108.5, 188.5):
        ImageDraw.Draw(page).ellipse((9 * MM, (y - 3) * MM, 15 * MM, (y + 3) * MM), fill=40)
    (found,) = look(page)
    assert found["blank"]


def test_a_page_fed_twice_resembles_itself_and_no_other(look: Callable[..., Sides]) -> None:
    pages = [face(seed, header=seed % 4 == 0, lines=(18, 18, 12, 4)[seed % 4]) for seed in range(8)]
    found = look(*(scanned_again(page, 1 + seed) for seed, page in enumerate([*pages, *pages])))
    first, again = ([page["fingerprint"] for page in found[half : half + 8]] for half in (0, 8))
    for one, scan in enumerate(first):
        assert [fed_twice(scan, other) for other in again] == [one == other for other in range(8)]


def test_a_page_fed_upside_down_resembles_itself(look: Callable[..., Sides]) -> None:
    upright, turned = look(face(3), face(3).rotate(180))
    assert turned["turned"]
    assert distance(upright["fingerprint"], turned["fingerprint"]) < FED_TWICE_BELOW / 2


def test_blank_pages_resemble_nothing(look: Callable[..., Sides]) -> None:
    one, other = look(face(1, lines=0), face(1, lines=0))
    assert not fed_twice(one["fingerprint"], other["fingerprint"])


def test_distance_is_the_share_of_strong_waves_that_do_not_agree() -> None:
    strong, positive = "f0", "c0"  # four strong waves: + + - -
    assert distance(strong + positive, strong + positive) == 0
    assert distance(strong + positive, strong + "40") == 0.25  # one has the other sign
    assert distance(strong + positive, "0f" + "00") == 1  # other waves are strong
    with pytest.raises(ValueError, match="same length"):
        distance("f0c0", "f0")


def test_the_margin_line_is_named_on_the_upright_page(look: Callable[..., Sides]) -> None:
    right = face(2, header=True, ruled=False)
    ImageDraw.Draw(right).line((185 * MM, 62 * MM, 185 * MM, A4_PX[1]), fill=180, width=2)
    found = look(face(3), face(3).rotate(180), right, right.rotate(180), face(3, ruled=False))
    assert [page["margin"] for page in found] == ["left", "left", "right", "right", None]


@pytest.mark.parametrize("turn_deg", [0, 180])
def test_writing_begins_and_ends_where_the_ink_does(look: Callable[..., Sides], turn_deg: int) -> None:
    (found,) = look(face(3, lines=5).rotate(turn_deg))
    assert found["turned"] == (turn_deg == 180)
    assert found["writing_top"] == pytest.approx(65 / 297, abs=0.02)
    assert found["writing_bottom"] == pytest.approx(117 / 297, abs=0.02)


@pytest.mark.parametrize("degrees", [-1.3, -0.5, 0.0, 0.8])
def test_the_tilt_is_measured(look: Callable[..., Sides], degrees: float) -> None:
    (found,) = look(tilted(face(3), degrees))  # counter-clockwise: rows rise to the right
    assert found["skew_deg"] == pytest.approx(-degrees, abs=0.1)


def test_a_side_says_its_size_its_fold_and_whether_it_is_sure_of_its_turn(cut: Callable[..., Sides]) -> None:
    plain = Image.new("L", (2 * A4_PX[0], A4_PX[1]), 250)
    folded, unfolded, single = cut(spread(face(4), face(1), fold=0.51), plain, face(3), spreads=True)
    assert [side["kind"] for side in (folded, unfolded, single)] == ["A3", "A3", "A4"]
    assert folded["fold"] == pytest.approx(0.51, abs=0.004)
    assert (unfolded["fold"], single["fold"]) == (None, None)
    assert [side["turn_sure"] for side in (folded, unfolded, single)] == [True, False, True]


def test_a_light_upright_a4_jpeg_is_its_own_screen_image(look: Callable[..., Sides]) -> None:
    page = face(3)
    light, turned_page = look(page, page.rotate(180))
    assert light["images"]["screen"] == light["images"]["full"]
    assert turned_page["images"]["screen"] != turned_page["images"].get("full")
    (large,) = look(page.resize((2480, 3508)), dpi=300)
    assert large["images"]["screen"]["height_px"] == 1754
    grain = noisy(page.resize((1654, 2339)), 40)
    (heavy,) = look(grain, dpi=200, quality=95)
    assert heavy["images"]["screen"]["height_px"] == pytest.approx(1754, abs=2)


def test_a_jpeg_that_carries_more_than_its_picture_is_coded_again(tmp_path: Path) -> None:
    scan = leaf(face(3))
    named = scan.data[:2] + b"\xff\xfe\x00\x0eLea Lefevre!" + scan.data[2:]
    path = tmp_path / "upload.pdf"
    path.write_bytes(pdf([Leaf(named, scan.dictionary, scan.width_pt, scan.height_pt)]))
    result, blobs = pixels.cut([str(path)], b"", first_side=1, last_side=1, spreads=False)
    screen = blobs[result["sides"][0]["faces"][0]["images"]["screen"]["blob"]]
    assert b"Lefevre" not in screen  # a marker gets it


def test_laid_level_is_turned_back() -> None:
    page = 255 - np.asarray(face(3).resize((620, 877)))
    lying = np.asarray(Image.fromarray(page).rotate(-0.8))
    back = contrast.level(lying, 0.8).astype(int)
    middle = (slice(40, -40), slice(40, -40))
    assert np.abs(back - page)[middle].mean() < 0.5 * np.abs(lying.astype(int) - page)[middle].mean()


@pytest.mark.parametrize("size", [(620, 877), (621, 878), (33, 400)])
def test_medians_are_medians(size: tuple[int, int]) -> None:
    page = np.random.default_rng(0).integers(0, 128, size[::-1], dtype=np.uint8)
    rows = np.sort(page[:, ::8], axis=1)
    np.testing.assert_array_equal(contrast.row_medians(page), rows[:, (rows.shape[1] - 1) // 2])


@pytest.mark.parametrize("size", [(1240, 1754), (1241, 1755), (7, 300)])
def test_halving_is_the_mean_of_four(size: tuple[int, int]) -> None:
    page = np.random.default_rng(0).integers(0, 256, size[::-1], dtype=np.uint8)
    wanted = np.asarray(Image.fromarray(page[: size[1] // 2 * 2, : size[0] // 2 * 2]).reduce(2))
    np.testing.assert_array_equal(sides.halved(page), wanted)
    turned = sides.turned(page[: wanted.shape[0] * 2, : wanted.shape[1] * 2], 90)  # a scan that lies on its side
    np.testing.assert_array_equal(sides.halved(turned), sides.turned(wanted, 90))
