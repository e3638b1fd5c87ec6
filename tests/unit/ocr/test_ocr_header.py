"""Which field is which and what stands in it, on the headers of other schools."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from contracts.records.letters import ALPHABET, BLANK, folded
from contracts.records.sheet import Zone
from services.ocr.handwriting import Letters, Recogniser, recogniser
from services.ocr.header import Reader
from services.ocr.registration import prepare
from services.ocr.strip import MM, Strip, load, skew, straighten
from tests.unit.ocr.sheets import BARE, PAPERS, WRITTEN, Paper, draw, jpeg

SCANS = {
    "plain": {"dpi": 200},
    "skewed and grainy": {"dpi": 200, "slope_deg": 2.4, "noise": 5.0},
    "coarse": {"dpi": 150, "slope_deg": -1.2},
    "fine and skewed": {"dpi": 300, "slope_deg": -2.8},
    "light pencil": {"dpi": 200, "slope_deg": 0.7, "ink": 120},
}


OTHER = {"last_name": "LEBLANC", "first_name": "Oscar", "number": "1122334455A"}


@pytest.fixture(scope="module")
def engine() -> Recogniser:
    found = recogniser()
    assert found is not None, "rapidocr and onnxruntime belong to the development environment"
    return found


def _scan(paper: Paper, **how: object) -> Strip:
    return straighten(load(jpeg(draw(paper, **how))))  # type: ignore[arg-type]


def _expected(paper: Paper) -> list[tuple[str, str]]:
    """In reading order, without what is no field of the candidate's."""
    places = sorted(paper.places, key=lambda place: (place.box[1], place.box[0]))
    return [(place.kind, _plain(WRITTEN[place.kind])) for place in places if place.kind is not None]


def _plain(text: str) -> str:
    return folded(text).replace(" ", "")


@pytest.mark.parametrize("scan", SCANS)
@pytest.mark.parametrize("paper", PAPERS)
def test_fields_are_found_and_named_from_what_is_printed(engine: Recogniser, paper: str, scan: str) -> None:
    seed = 10 * list(PAPERS).index(paper) + list(SCANS).index(scan)
    fields = Reader(engine).read(_scan(PAPERS[paper], seed=seed, **SCANS[scan]))
    assert [(field.kind, _plain(field.letters.text)) for field in fields] == _expected(PAPERS[paper])


def test_label_seen_before_is_not_read_again(engine: Recogniser) -> None:
    reader = Reader(engine)
    strips = [_scan(PAPERS["combs, number first"], seed=seed) for seed in (1, 2)]
    first = [field.kind for field in reader.read(strips[0])]
    read: list[int] = []
    original = engine.read
    engine.read = lambda line: read.append(1) or original(line)  # type: ignore[func-returns-value, method-assign]
    try:
        assert [field.kind for field in reader.read(strips[1])] == first
    finally:
        del engine.read
    assert len(read) == 3, "three fields, and none of their labels"


@pytest.mark.parametrize("scan", SCANS)
@pytest.mark.parametrize("sample", ["blank", "filled in"])
def test_bare_paper_is_read_through_its_sheet_model(engine: Recogniser, sample: str, scan: str) -> None:
    model = prepare(_scan(BARE, seed=1, written=OTHER if sample == "filled in" else {}))
    strip = _scan(BARE, seed=2, moved_mm=(4.0, -3.0), **SCANS[scan])
    assert Reader(engine).read(strip) == [], "without the model there is nothing to go by"
    placed = model.place(_zones(BARE), strip)
    assert placed is not None
    fields = Reader(engine).read(strip, placed)
    assert [(field.kind, _plain(field.letters.text)) for field in fields] == _expected(BARE)


@pytest.mark.parametrize("ruling", ["underlines", "dots"])
@pytest.mark.parametrize("sample", ["blank", "filled in"])
def test_lines_to_write_on_are_no_letters(engine: Recogniser, sample: str, ruling: str) -> None:
    paper = replace(BARE, ruling=ruling)
    model = prepare(_scan(paper, seed=1, written=OTHER if sample == "filled in" else {}))
    strip = _scan(paper, seed=2, moved_mm=(3.0, -2.0))
    placed = model.place(_zones(paper), strip)
    assert placed is not None
    fields = Reader(engine).read(strip, placed)
    assert [(field.kind, _plain(field.letters.text)) for field in fields] == _expected(paper)


@pytest.mark.parametrize("scan", SCANS)
def test_line_with_a_label_is_a_field_and_one_without_is_not(engine: Recogniser, scan: str) -> None:
    named = replace(BARE, ruling="underlines")
    fields = Reader(engine).read(_scan(named, seed=5, **SCANS[scan]))
    assert [(field.kind, _plain(field.letters.text)) for field in fields] == _expected(named)
    nameless = replace(named, places=(replace(BARE.places[0], label=""),))
    assert Reader(engine).read(_scan(nameless, seed=5, **SCANS[scan])) == []


@pytest.mark.parametrize("slope", [0.0, 0.6, -1.5])
def test_writing_alone_is_levelled_to_half_a_degree(slope: float) -> None:
    # Only roughly looked at, every second of these came out wrong by 0.6 degrees.
    for seed in range(3, 9):
        image = draw(BARE, seed=seed, slope_deg=slope)
        assert skew(np.asarray(image) < 190) == pytest.approx(slope, abs=0.5)


@pytest.mark.parametrize("moved", [(0.0, 0.0), (8.0, 5.0), (-6.0, -4.0)])
@pytest.mark.parametrize("other", [{}, {"last_name": "LEBLANC", "first_name": "Oscar"}], ids=["blank", "filled in"])
def test_zones_follow_the_paper_within_a_stroke_or_two(moved: tuple[float, float], other: dict[str, str]) -> None:
    model = prepare(_scan(BARE, seed=3, written=other))
    strip = _scan(BARE, seed=4, moved_mm=moved)
    placed = model.place(_zones(BARE), strip)
    assert placed is not None
    for (_, box), place in zip(placed, BARE.places, strict=True):
        assert box.left / strip.mm == pytest.approx(place.box[0] + moved[0], abs=0.6)
        assert box.top / strip.mm == pytest.approx(place.box[1] + moved[1], abs=0.6)


def test_zone_drawn_off_the_sample_is_read_as_nothing(engine: Recogniser) -> None:
    model = prepare(_scan(BARE, seed=1))
    strip = _scan(BARE, seed=2)
    zones = [Zone(kind="number", x=x, y=y, w=w, h=h) for x, y, w, h in ((1, 1, 1, 1), (0.99, 0, 0.001, 0.001))]
    placed = model.place(zones, strip)
    assert placed is not None
    assert Reader(engine).read(strip, placed) == []


def test_another_paper_is_not_read_with_this_papers_zones() -> None:
    model = prepare(_scan(PAPERS["side by side, labels above, in English"], seed=1, written={}))
    assert model.place(_zones(BARE), _scan(PAPERS["boxes beside their labels"], seed=2)) is None
    assert model.place(_zones(BARE), _scan(BARE, seed=2)) is None


def _zones(paper: Paper) -> list[Zone]:
    boxes = [(place.kind or "unknown", *place.box) for place in paper.places]
    return [
        Zone(kind=kind, x=x * MM, y=y / paper.height_mm, w=w * MM, h=h / paper.height_mm) for kind, x, y, w, h in boxes
    ]


def test_rows_spell_what_the_text_says(engine: Recogniser) -> None:
    fields = {field.kind: field.letters for field in Reader(engine).read(_scan(PAPERS["labels inside"], seed=7))}
    assert _spelt(fields["last_name"]) == "MARTINEZ", "the rows of the label are gone with its text"


def _spelt(letters: Letters) -> str:
    best = [int(row.argmin()) for row in letters.rows]
    return "".join(
        ALPHABET[now - 1] for before, now in zip([BLANK, *best], best, strict=False) if now not in (BLANK, before)
    )
