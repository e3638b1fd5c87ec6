"""What the child makes of a page: which way up, where the header is, whether it is blank; and that ink is not lost."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from demo import scans
from services.ingest import pixels
from services.ingest.pixels import document, jpeg
from tests.scans.paper import Leaf, face, leaf, noisy, pdf, sheets, spread, tilted


def cut(tmp_path: Path, *leaves: Leaf, spreads: bool = False) -> tuple[list[dict[str, Any]], list[bytes]]:
    path = tmp_path / "upload.pdf"
    path.write_bytes(pdf(leaves))
    result, blobs = pixels.cut([str(path)], b"", first_side=1, last_side=len(leaves), spreads=spreads)
    return [page for side in result["sides"] for page in side["faces"]], blobs


def picture(blobs: list[bytes], image: dict[str, int]) -> np.ndarray[Any, Any]:
    shown = Image.open(io.BytesIO(blobs[image["blob"]]))
    assert shown.size == (image["width_px"], image["height_px"])
    return np.asarray(shown.convert("L"))


def ink(pixels_: np.ndarray[Any, Any]) -> int:
    return int((pixels_ < 128).sum())


@pytest.mark.parametrize("turn_deg", [0, 90, 180, 270])
@pytest.mark.parametrize("header", [True, False])
def test_a_page_is_turned_upright_however_it_was_fed(tmp_path: Path, turn_deg: int, header: bool) -> None:
    lying = face(3, header=header).rotate(turn_deg, expand=True)  # counter-clockwise: undone by as much clockwise
    (page,), blobs = cut(tmp_path, leaf(lying))
    assert page["turn_deg"] == turn_deg
    assert (page["header"] is not None) == header
    screen = picture(blobs, page["images"]["screen"])
    upright = np.asarray(face(3, header=header).resize(screen.shape[::-1]))
    assert np.abs(screen.astype(int) - upright).mean() < 6


@pytest.mark.parametrize("own_turn", [90, 180, 270])
def test_the_pages_own_rotate_is_honoured(tmp_path: Path, own_turn: int) -> None:
    stored = face(3, header=True).rotate(own_turn, expand=True)
    (page,), _ = cut(tmp_path, leaf(stored, extra=b"/Rotate %d" % own_turn))
    assert page["turn_deg"] == 0  # a viewer shows it upright already
    assert "full" not in page["images"]  # a browser would show the bare stream lying


def test_an_upright_a4_jpeg_is_passed_through_untouched(tmp_path: Path) -> None:
    scan = leaf(face(3), kind="colour")
    (page,), blobs = cut(tmp_path, scan)
    assert blobs[page["images"]["full"]["blob"]] == scan.data


def test_what_programs_noted_in_a_jpeg_is_not_passed_on(tmp_path: Path) -> None:
    """Comment, XMP and IPTC: a scanner may write down whose account it was used with. The picture is the same."""
    scan = leaf(face(3), kind="colour")
    noted = b"".join(
        b"\xff" + marker + (2 + len(text)).to_bytes(2, "big") + text
        for marker, text in (
            (b"\xfe", b"CANARY"),
            (b"\xe1", b"http://ns.adobe.com/xap/1.0/\0CANARY"),
            (b"\xed", b"CANARY"),
        )
    )
    (page,), blobs = cut(tmp_path, replace(scan, data=scan.data[:2] + noted + scan.data[2:]))
    assert blobs[page["images"]["full"]["blob"]] == scan.data


@pytest.mark.parametrize("kind", ["grey", "colour", "fax", "flate"])
def test_every_kind_of_scan_gives_the_same_page(tmp_path: Path, kind: str) -> None:
    (page,), blobs = cut(tmp_path, leaf(face(5, header=True), kind=kind))
    assert page["header"]["sure"]
    assert (page["turn_deg"], page["blank"]) == (0, False)
    assert picture(blobs, page["images"]["thumb"]).shape[1] == pytest.approx(207, abs=1)  # 25 dpi
    assert ink(picture(blobs, page["images"]["screen"])) > 3000


@pytest.mark.parametrize("degrees", [-1.0, -0.4, 0.4, 1.0])
def test_a_tilted_noisy_page_keeps_its_header(tmp_path: Path, degrees: float) -> None:
    (page,), _ = cut(tmp_path, leaf(noisy(tilted(face(7, header=True), degrees), 4)))
    assert page["header"] is not None
    assert 0.17 < page["header_box"][3] < 0.24  # the rule stands at 60 of 297 mm


def test_the_mask_hides_every_box_and_nothing_below_the_rule(tmp_path: Path) -> None:
    (page,), blobs = cut(tmp_path, leaf(face(9, header=True)))
    shown, hidden = (picture(blobs, page[images]["screen"]) for images in ("images", "masked"))
    boxes_end, answers_begin = (round(mm / 297 * shown.shape[0]) for mm in (56, 63))
    assert ink(shown[:boxes_end]) > 1000
    assert ink(hidden[:boxes_end]) == 0
    assert ink(hidden[answers_begin:]) == pytest.approx(ink(shown[answers_begin:]), rel=0.02)
    thumb = picture(blobs, page["masked"]["thumb"])
    assert ink(thumb[: round(56 / 297 * thumb.shape[0])]) == 0
    strip = picture(blobs, page["header_image"])
    assert ink(strip) > 1000


@pytest.mark.parametrize(
    ("page", "blank"),
    [
        (face(1, lines=0), True),
        (face(1, lines=0, ruled=False), True),
        (noisy(face(1, lines=0), 4), True),
        (face(1, lines=1), False),
    ],
    ids=["ruled", "white", "noisy", "one line"],
)
def test_blank_means_without_writing(tmp_path: Path, page: Image.Image, blank: bool) -> None:
    (found,), _ = cut(tmp_path, leaf(page))
    assert found["blank"] is blank


def test_a_table_at_the_top_is_no_header(tmp_path: Path) -> None:
    (page,), _ = cut(tmp_path, leaf(face(2, table=True)))
    assert page["header"] is None


@pytest.mark.parametrize("fold", [0.49, 0.5, 0.51])
@pytest.mark.parametrize("upside_down", [False, True])
def test_a_spread_is_cut_at_its_fold(tmp_path: Path, fold: float, upside_down: bool) -> None:
    side = spread(face(4), face(1, header=True), fold=fold)
    (left, right), _ = cut(tmp_path, leaf(side.rotate(180) if upside_down else side), spreads=True)
    assert (left["half"], right["half"]) == ("left", "right")
    assert left["header"] is None
    assert right["header"]["sure"]
    at = left["clip"][2]
    assert at == pytest.approx(fold, abs=0.004)
    assert left["turn_deg"] == right["turn_deg"] == (180 if upside_down else 0)
    # The clip is a share of the side as a viewer shows it.
    assert left["clip"][0] == pytest.approx(1 - fold if upside_down else 0, abs=0.004)


def test_a_blank_side_lies_as_the_first_page_before_it_did(tmp_path: Path) -> None:
    headed, _ = sheets(1)
    blank = spread(face(0, lines=0, ruled=False), face(0, lines=0, ruled=False))
    pages, _ = cut(tmp_path, leaf(headed.rotate(180)), leaf(blank), spreads=True)
    assert [page["turn_deg"] for page in pages] == [180] * 4


def test_a_lone_a4_page_among_spreads_stays_whole(tmp_path: Path) -> None:
    (page,), _ = cut(tmp_path, leaf(face(3)), spreads=True)
    assert page["half"] == "whole"


def test_a_page_with_anything_over_its_scan_is_drawn(tmp_path: Path) -> None:
    scan = leaf(face(3))
    plain = b"q %.3f 0 0 %.3f 0 0 cm /I0 Do Q\n" % (scan.width_pt, scan.height_pt)
    ways = {
        "as it is": (plain, b"", True),
        "drawn over": (plain + b"0 0 100 100 re f\n", b"", False),
        "half size": (b"q 300 0 0 421 0 0 cm /I0 Do Q\n", b"", False),
        "slanted": (b"q 595 20 -20 842 0 0 cm /I0 Do Q\n", b"", False),
        "cropped": (plain, b"/CropBox[0 0 300 300]", False),
        "scaled": (plain, b"/UserUnit 2", False),
    }
    for name, (content, extra, passes) in ways.items():
        path = tmp_path / "page.pdf"
        path.write_bytes(pdf([Leaf(scan.data, scan.dictionary, scan.width_pt, scan.height_pt, extra, content)]))
        with document.open_pdf(str(path)) as opened:
            assert (document.as_scan(opened, 0) is not None) == passes, name


def test_a_jpeg_that_browsers_show_otherwise_is_not_passed_through(tmp_path: Path) -> None:
    scan = leaf(face(3), kind="colour")
    inverted = scan.data[:2] + b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00" + scan.data[2:]
    (page,), _ = cut(tmp_path, Leaf(inverted, scan.dictionary, scan.width_pt, scan.height_pt))
    assert "full" not in page["images"]


def test_a_full_page_has_the_scans_own_resolution_and_hides_what_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "upload.pdf"
    side = spread(face(4), face(1, header=True))
    path.write_bytes(pdf([leaf(side.rotate(180))]))
    ask = {"side_no": 1, "spreads": True, "clip": [0, 0, 0.5, 1], "turn_deg": 180}
    size, (shown,) = pixels.full([str(path)], b"", header=None, covered=[], **ask)  # type: ignore[arg-type]
    assert size == {"width_px": side.width // 2, "height_px": side.height}
    boxes = {"header": [0, 0, 1, 0.2], "covered": [[0, 0.5, 1, 0.1], [0, 0.6, 1, 0.1]]}
    _, (hidden,) = pixels.full([str(path)], b"", **boxes, **ask)  # type: ignore[arg-type]
    top, middle = slice(0, side.height // 5), slice(side.height // 2 + 16, side.height * 7 // 10 - 16)
    assert ink(np.asarray(Image.open(io.BytesIO(shown)))[top]) > 500
    assert ink(np.asarray(Image.open(io.BytesIO(hidden)))[top]) == 0
    assert np.asarray(Image.open(io.BytesIO(hidden)))[middle].std() < 2, "one even grey"


@pytest.mark.parametrize("dpi", [100, 200, 300])
def test_a_hairline_header_is_found_at_any_resolution(tmp_path: Path, dpi: int) -> None:
    path = tmp_path / "upload.pdf"
    path.write_bytes(scans.a4_pile(scans.PUPILS[:1], pages=2, dpi=dpi))  # its lines are one pixel wide at any dpi
    result, _ = pixels.cut([str(path)], b"", first_side=1, last_side=2, spreads=False)
    first, second = (side["faces"][0] for side in result["sides"])
    assert first["header"]["sure"]
    assert second["header"] is None


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("size", [(1654, 2339), (1651, 2333), (2480, 3508)])
@pytest.mark.parametrize("share", [0.2, 0.2371, 1.0])
def test_the_upper_rows_are_those_of_the_whole_page(mode: str, size: tuple[int, int], share: float) -> None:
    out = io.BytesIO()
    face(3, header=True).convert(mode).resize(size).save(out, "JPEG", quality=80)
    raw = out.getvalue()
    head = jpeg.read_head(raw)
    assert head is not None
    for min_height_px in (2339, 1170):
        whole, _ = jpeg.decode(raw, grey=True, min_height_px=min_height_px)
        upper = jpeg.decode_upper(raw, head, min_height_px=min_height_px, share=share)
        assert upper is not None
        np.testing.assert_array_equal(upper, whole[: round(share * len(whole))])


def test_the_upper_rows_of_a_progressive_stream_are_not_guessed() -> None:
    out = io.BytesIO()
    face(3, header=True).save(out, "JPEG", progressive=True)
    head = jpeg.read_head(out.getvalue())
    assert head is not None
    assert jpeg.decode_upper(out.getvalue(), head, min_height_px=1000, share=0.2) is None


def test_a_header_read_on_the_upper_rows_is_the_one_cut_from_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = leaf(face(9, header=True))
    (quick,), quick_blobs = cut(tmp_path, page)
    monkeypatch.setattr(jpeg, "decode_upper", lambda *_, **__: None)
    (whole,), whole_blobs = cut(tmp_path, page)
    assert whole["header_image"] == quick["header_image"]
    assert quick_blobs[quick["header_image"]["blob"]] == whole_blobs[whole["header_image"]["blob"]]
