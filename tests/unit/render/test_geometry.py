"""Final PDFs from pages of every geometry, seen by a renderer that is not the one that made them (pdfium)."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2

from contracts.records.pages import WHOLE, Box, PageSource
from tests.unit.render import paper

# Where the pen touches each page, as shares of the upright page; the drawing below is grey, so red is ours.
TOUCHES = ((0.12, 0.15), (0.85, 0.2), (0.3, 0.55), (0.7, 0.9))
SCALE = 0.6

ROTATIONS = (b"", b"/Rotate 90", b"/Rotate 180", b"/Rotate 270", b"/Rotate -90", b"/Rotate 450")
BOXES = {
    "plain": b"/MediaBox[0 0 595 842]",
    "negative origin": b"/MediaBox[-100 -50 495 792]",
    "corners swapped": b"/MediaBox[595 842 0 0]",
    "fractions": b"/MediaBox[0.37 0.91 595.276 841.89]",
    "cropped": b"/MediaBox[0 0 595 842]/CropBox[50 100 500 700]",
    "crop reaches out": b"/MediaBox[-20 -30 575 812]/CropBox[100 -200 2000 500]",
    "A3": b"/MediaBox[0 0 1191 842]",
}
UNITS = (b"", b"/UserUnit 2")
CLIPS = (WHOLE, Box(x=0, y=0, w=0.5, h=1), Box(x=0.5, y=0, w=0.5, h=1), Box(x=0.25, y=0.1, w=0.7, h=0.55))
TURNS = (0, 90, 180, 270)

DRAWING = (
    b"q 0.9 g -200 -300 2600 2600 re f 0.3 g 120 140 60 300 re f 0.5 g 200 500 250 40 re f"
    b" 0.6 g 700 90 180 500 re f 0.2 g 400 300 60 60 re f Q"
)
DIRTY = {
    "a matrix left behind": b" 0.5 0 0 0.5 100 100 cm 0.4 g 0 0 300 300 re f",
    "q without Q": b" q q 0.3 0 0 0.3 50 50 cm 0.4 g 0 0 300 300 re f",
    "Q without q": b" q 0.4 g 0 0 300 300 re f Q Q Q 0.25 0 0 0.25 10 10 cm",
    "a clip left behind": b" 0 0 50 50 re W n 0.4 g 0 0 50 50 re f",
    "text left open": b" BT 10 10 Td",
    "colour and width left behind": b" 0 1 0 rg 0 1 0 RG 40 w [30 30] 0 d",
}


def odd_pages(pages: list[tuple[bytes, bytes]], *, inherited: bytes = b"") -> bytes:
    """One PDF; each page has a dictionary part and operators."""
    objects = {1: b"<</Type/Catalog/Pages 2 0 R>>"}
    for index, (attributes, content) in enumerate(pages):
        objects[10 + 2 * index] = b"<</Type/Page/Parent 2 0 R/Resources<<>>/Contents %d 0 R%s>>" % (
            11 + 2 * index,
            attributes,
        )
        objects[11 + 2 * index] = paper.stream(content)
    kids = b" ".join(b"%d 0 R" % (10 + 2 * index) for index in range(len(pages)))
    objects[2] = b"<</Type/Pages/Count %d/Kids[%s]%s>>" % (len(pages), kids, inherited)
    return paper.pdf(objects)


def touched(sources: list[PageSource]) -> list[Any]:
    """One pen dot per touch and page."""
    dots = tuple(((x, y),) for x, y in TOUCHES)
    return [paper.mark("pen", page_no=page, strokes=dots) for page in range(1, len(sources) + 1)]


def rendered(page: pypdfium2.PdfPage, scale: float = SCALE) -> np.ndarray[Any, Any]:
    pixels = page.render(scale=scale, rev_byteorder=True).to_numpy()
    return np.asarray(pixels[..., :3], dtype=np.int16)


def red_centres(image: np.ndarray[Any, Any]) -> list[tuple[float, float]]:
    """Centres of the red dots, as shares, each looked for in the neighbourhood of its touch."""
    redness = image[..., 0] - image[..., 1]
    height, width = redness.shape
    found = []
    for x, y in TOUCHES:
        left, top = max(0, int((x - 0.09) * width)), max(0, int((y - 0.09) * height))
        area = redness[top : int((y + 0.09) * height), left : int((x + 0.09) * width)].clip(3) - 3
        assert area.sum() > 0, "no dot"
        rows, columns = np.indices(area.shape)
        found.append((
            (left + (columns * area).sum() / area.sum() + 0.5) / width,
            (top + (rows * area).sum() / area.sum() + 0.5) / height,
        ))  # fmt: skip
    return found


def part_shown(original: np.ndarray[Any, Any], source: PageSource) -> np.ndarray[Any, Any]:
    """The clip of a displayed page, turned upright."""
    height, width = original.shape[:2]
    clip = source.clip
    left, top = round(clip.x * width), round(clip.y * height)
    part = original[top : round((clip.y + clip.h) * height), left : round((clip.x + clip.w) * width)]
    return np.rot90(part, -source.turn_deg // 90)


def same_picture(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """Share of pixels that differ clearly; edges may fall on another pixel."""
    height, width = min(one.shape[0], other.shape[0]), min(one.shape[1], other.shape[1])
    assert abs(one.shape[0] - other.shape[0]) <= 2
    assert abs(one.shape[1] - other.shape[1]) <= 2
    return float((np.abs(one[:height, :width] - other[:height, :width]).max(axis=2) > 40).mean())


def check(tmp_path: Path, upload: bytes, sources: list[PageSource], names: list[str]) -> None:
    """Every page shows the right part the right way up, and every dot is within 1 pt of where it was put."""
    plain, _ = paper.compose(tmp_path, paper.record(sources), upload)
    inked, _ = paper.compose(tmp_path, paper.record(sources, touched(sources)), upload)
    wrong = []
    with (
        pypdfium2.PdfDocument(upload) as scan,
        pypdfium2.PdfDocument(plain) as clean,
        pypdfium2.PdfDocument(inked) as final,
    ):
        for index, (source, name) in enumerate(zip(sources, names, strict=True)):
            width_pt, height_pt = final[index].get_size()
            for (x, y), (at_x, at_y) in zip(
                TOUCHES, red_centres(rendered(final[index], 900 / max(width_pt, height_pt))), strict=True
            ):
                if max(abs(x - at_x) * width_pt, abs(y - at_y) * height_pt) > 1:
                    wrong.append(f"{name}: dot at {at_x:.3f} {at_y:.3f} instead of {x} {y}")
            scan_page, final_page = scan[source.side_no - 1], clean[index]
            ratio = max(final_page.get_size()) / max(
                np.multiply(scan_page.get_size(), (source.clip.w, source.clip.h)).tolist()
            )
            expected = part_shown(rendered(scan_page, SCALE * ratio), source)
            if same_picture(rendered(final_page), expected) > 0.02:
                wrong.append(f"{name}: another picture")
    assert not wrong, "\n".join(wrong)


def test_every_rotation_box_unit_clip_and_turn(tmp_path: Path) -> None:
    pages, sources, names = [], [], []
    clip_and_turn = itertools.cycle(itertools.product(CLIPS, TURNS))
    for rotation, box, unit in itertools.product(ROTATIONS, BOXES.values(), UNITS):
        pages.append((box + rotation + unit, DRAWING))
    upload = odd_pages(pages)
    described = list(itertools.product(ROTATIONS, BOXES, UNITS))
    for side_no, (rotation, box_name, unit) in enumerate(described, 1):
        for _ in range(3):  # 84 geometries with 3 of the 16 cuts each; 84 and 16 share no rhythm that skips one
            clip, turn = next(clip_and_turn)
            sources.append(paper.side(upload, side_no, clip=clip, turn_deg=turn))
            names.append(f"{box_name} {rotation!r} {unit!r} clip {clip} turn {turn}")
    check(tmp_path, upload, sources, names)


def test_boxes_and_rotation_inherited_from_the_page_tree(tmp_path: Path) -> None:
    upload = odd_pages([(b"", DRAWING)], inherited=b"/MediaBox[0 0 842 595]/CropBox[20 30 800 500]/Rotate 90")
    sources = [paper.side(upload, 1, clip=clip, turn_deg=turn) for clip in CLIPS for turn in TURNS]
    check(tmp_path, upload, sources, [str(source) for source in sources])


def test_state_that_a_page_leaves_behind_does_not_touch_our_ink(tmp_path: Path) -> None:
    upload = odd_pages([(b"/MediaBox[0 0 595 842]", DRAWING + dirt) for dirt in DIRTY.values()])
    sources = [paper.side(upload, side_no) for side_no in range(1, len(DIRTY) + 1)]
    check(tmp_path, upload, sources, list(DIRTY))


def test_a_page_is_as_large_as_it_is_shown(tmp_path: Path) -> None:
    upload = odd_pages([(b"/MediaBox[0 0 1191 842]/Rotate 180", DRAWING), (b"/MediaBox[0 0 300 400]/UserUnit 2", b"")])
    half = Box(x=0, y=0, w=0.5, h=1)
    sources = [paper.side(upload, 1, clip=half), paper.side(upload, 1, clip=half, turn_deg=90), paper.side(upload, 2)]
    document, _ = paper.compose(tmp_path, paper.record(sources), upload)
    with pypdfium2.PdfDocument(document) as final:
        assert [final[i].get_size() for i in range(3)] == [(595.5, 842), (842, 595.5), (600, 800)]


def test_a_page_beyond_the_limit_of_viewers_is_reduced_to_it(tmp_path: Path) -> None:
    upload = odd_pages([(b"/MediaBox[0 0 14400 7200]/UserUnit 4", DRAWING)])
    document, _ = paper.compose(tmp_path, paper.record([paper.side(upload, 1)]), upload)
    with pypdfium2.PdfDocument(document) as final:
        assert final[0].get_size() == (14400, 7200)
