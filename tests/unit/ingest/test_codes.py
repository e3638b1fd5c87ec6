"""Codes of printed sheets: read however the page was scanned, never invented, and they say which way up it is."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import segno
from PIL import Image

from chassis.sandbox import Sandbox
from services.ingest import pixels
from services.ingest.pixels import codes
from services.ingest.pixels.sides import grid
from tests.scans.paper import face, leaf, noisy, pdf, tilted
from tests.scans.printed import EXAM, scanned, sheets, sides

COPIES = [random.Random(seed).getrandbits(40) for seed in (1, 2)]
PAGES = [{"exam": str(EXAM), "copy": copy_no, "page": page} for copy_no in COPIES for page in (1, 2, 3, 4)]


@pytest.fixture(scope="module")
def printed() -> bytes:
    return sheets(COPIES)


def cut(tmp_path: Path, scans: list[Image.Image], dpi: int, *, spreads: bool = False) -> list[dict[str, Any]]:
    path = tmp_path / "upload.pdf"
    path.write_bytes(pdf([leaf(scan, dpi=dpi, quality=85) for scan in scans]))
    result, _ = pixels.cut([str(path)], b"", first_side=1, last_side=len(scans), spreads=spreads)
    return [page for side in result["sides"] for page in side["faces"]]


@pytest.mark.parametrize("dpi", [150, 200, 300])
def test_every_code_is_read_and_turns_its_page_upright(tmp_path: Path, printed: bytes, dpi: int) -> None:
    """Askew, shifted, pale, noisy, every third page upside down, every other one with a pen stroke over one code."""
    scans = [
        scanned(side, 100 * dpi + no, dpi, upside_down=no % 3 == 0, scribble="light" if no % 2 else "")
        for no, side in enumerate(sides(printed, dpi))
    ]
    pages = cut(tmp_path, scans, dpi)
    assert [page["code"] for page in pages] == PAGES
    assert [page["turn_deg"] for page in pages] == [180 if no % 3 == 0 else 0 for no in range(8)]


def test_pages_scribbled_over_in_both_corners_are_never_read_wrongly(printed: bytes) -> None:
    read = [
        (codes.read(np.asarray(scanned(side, 7 + no, 150, scribble="heavy"))), truth)
        for no, (side, truth) in enumerate(zip(sides(printed, 150), PAGES, strict=True))
    ]
    assert all(found is None or codes.as_json(found.code) == truth for found, truth in read)
    assert sum(found is not None for found, _ in read) >= 4  # level H repairs most of what two strokes hide


def test_a_double_sheet_tells_its_four_pages_whichever_way_it_lies(tmp_path: Path) -> None:
    outer, inner = sides(sheets(COPIES[:1], layout="a3"), 150)
    upright = cut(tmp_path, [scanned(outer, 1, 150), scanned(inner, 2, 150)], 150, spreads=True)
    assert [page["code"]["page"] for page in upright] == [4, 1, 2, 3]
    turned = cut(tmp_path, [scanned(outer, 3, 150, upside_down=True), inner.rotate(90, expand=True)], 150, spreads=True)
    assert [page["code"]["page"] for page in turned] == [4, 1, 2, 3]
    assert [page["half"] for page in turned] == ["left", "right"] * 2


def test_the_header_of_a_printed_sheet_is_found_and_hidden(tmp_path: Path, printed: bytes) -> None:
    first, second, *_ = cut(tmp_path, [scanned(side, 5, 200) for side in sides(printed, 200)[:2]], 200)
    assert first["header"]["sure"]
    assert 0.19 < first["header_box"][3] < 0.25  # its rule stands at 64 of 297 mm
    assert second["header"] is None


def test_an_empty_printed_page_is_blank(tmp_path: Path, printed: bytes) -> None:
    """Its codes are no ink of a candidate's: every printed page would have some."""
    (page,) = cut(tmp_path, [tilted(sides(printed, 150)[1], 1.5)], 150)
    assert (page["code"], page["blank"], page["ink"]) == (PAGES[1], True, 0)


def test_no_code_is_seen_where_there_is_none(tmp_path: Path) -> None:
    scans = [
        noisy(face(seed, header=seed % 4 == 0, lines=seed % 20, ruled=seed % 2 == 0, table=seed % 5 == 1), 4)
        for seed in range(12)
    ]
    assert [page["code"] for page in cut(tmp_path, scans, 100)] == [None] * 12
    # and none is even looked for on large pixels, which would cost a second decoding
    assert [codes.suspected(grid(np.asarray(scan))) for scan in scans] == [False] * 12


def test_somebody_elses_code_says_nothing(tmp_path: Path) -> None:
    stored = io.BytesIO()
    segno.make("https://example.org/devoir", error="h").save(stored, kind="png", scale=5, border=0)
    page = face(1).resize((1240, 1754))
    page.paste(Image.open(stored).convert("L"), (1050, 60))
    assert codes.suspected(grid(np.asarray(page)))
    (found,) = cut(tmp_path, [page], 150)
    assert found["code"] is None


def test_two_codes_that_differ_are_not_believed(printed: bytes) -> None:
    one, other = (np.asarray(side) for side in sides(printed, 150)[:2])
    glued = np.concatenate((one[:900], other[900:]))
    assert codes.read(one) is not None
    assert codes.read(glued) is None


def test_a_page_far_out_of_place_is_read_where_its_pile_has_codes(tmp_path: Path, printed: bytes) -> None:
    """40 mm to the right and up, as a narrow original under the lid: both corners miss their codes."""
    whole, other = sides(printed, 150)[:2]
    moved = Image.new("L", whole.size, 255)
    moved.paste(other, (240, -240))
    first, second = cut(tmp_path, [whole, moved], 150)
    assert (first["code"], second["code"]) == (PAGES[0], PAGES[1])
    assert cut(tmp_path, [moved], 150)[0]["code"] is None  # alone it costs nobody a search


def test_codes_are_read_inside_the_sandbox(tmp_path: Path, printed: bytes) -> None:
    """With system calls refused and memory bounded, as in production."""
    path = tmp_path / "upload.pdf"
    path.write_bytes(pdf([leaf(side, dpi=150) for side in sides(printed, 150)[:1]]))
    pool = Sandbox("services.ingest.pixels", size=1)
    try:
        reply = pool.run("cut", files=[path], deadline_s=60, first_side=1, last_side=1, spreads=False)
    finally:
        pool.close()
    assert reply.result["sides"][0]["faces"][0]["code"] == PAGES[0]
