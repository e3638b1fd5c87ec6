"""The journey of docs/story.md on the real stack: nothing is faked, everything goes through HTTP."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf
import pytest

from demo import scans
from demo.client import ApiRefused, Client
from tests.story import paper
from tests.story.journey import HIGHLIGHT, Journey, PatientClient, Pile, until
from tests.story.system import ROOT
from tests.story.traffic import Traffic
from tests.story.world import World

PER_COPY = {
    "ingest.copy.assembled.v1": 1,
    "ocr.text.extract.v1": 1,
    "ocr.text.extracted.v1": 1,
    "render.document.compose.v1": 1,
    "render.document.composed.v1": 1,
}
ANNOUNCED = {"grading.copy.graded.v1": 1}
A4_PT = (595.3, 841.9)

Truth = list[dict[str, Any]]


def test_generated_pile_goes_from_scan_to_candidate(world: World, tmp_path: Path) -> None:
    pile = Pile("Pile engendrée", "a3", scans.a3_pile(), scans.roster_csv(), [p.ine for p in scans.PUPILS])
    heard = tmp_path / "heard"
    with heard.open("w") as output:
        subscriber = subprocess.Popen([sys.executable, "docs/subscriber.py", world.bus_url], cwd=ROOT, stdout=output)
        try:
            follow(world, pile, pages=[4 * pupil.sheets for pupil in scans.PUPILS])
            until(lambda: "grading.exam.published.v1" in heard.read_text(), "the subscriber's output")
        finally:
            subscriber.kill()
            subscriber.wait()
    types = Counter(line.split()[0] for line in heard.read_text().splitlines())
    assert types == {"grading.copy.graded.v1": len(scans.PUPILS), "grading.exam.published.v1": 1}


def test_a3_sample_goes_from_scan_to_candidate(world: World, samples: Path) -> None:
    truth: Truth = json.loads((samples / "bac-blanc-a3.truth.json").read_text())
    sides: Truth = sorted(truth, key=lambda side: side["side"])
    by_copy: dict[int, Truth] = {}
    for side in sides:
        by_copy.setdefault(side["copy"], []).append(side)
    pile = Pile(
        "Bac blanc",
        "a3",
        (samples / "bac-blanc-a3.pdf").read_bytes(),
        (samples / "roster.csv").read_bytes(),
        [part[0]["candidate_ine"] for part in by_copy.values()],
    )
    finals = follow(world, pile, pages=[2 * len(part) for part in by_copy.values()])
    with pymupdf.open(samples / "bac-blanc-a3.pdf") as source:
        for part in by_copy.values():
            final = finals[part[0]["candidate_ine"]]
            for side in part:
                for half, page_no in (("left", side["left_page"]), ("right", side["right_page"])):
                    expect_page(final, page_no, source, side["side"], half, upside_down=side["upside_down"])


def test_a4_sample_goes_from_scan_to_candidate(world: World, samples: Path) -> None:
    truth: Truth = json.loads((samples / "devoir-a4.truth.json").read_text())
    ines = {page["copy"]: page["candidate_ine"] for page in truth}
    pile = Pile(
        "Devoir",
        "a4",
        (samples / "devoir-a4.pdf").read_bytes(),
        (samples / "roster.csv").read_bytes(),
        [ines[number] for number in sorted(ines)],
    )
    finals = follow(world, pile, pages=[4] * len(ines))
    with pymupdf.open(samples / "devoir-a4.pdf") as source:
        for page in truth:
            final = finals[page["candidate_ine"]]
            expect_page(final, page["page_no"], source, page["page"], "whole", upside_down=page["upside_down"])


def follow(world: World, pile: Pile, pages: list[int]) -> dict[str, bytes]:
    """Run the whole journey, checking what must hold of any pile; returns final PDFs by INE."""
    with Traffic(world.bus_url) as traffic:
        journey = Journey(world.system.base, pile)
        journey.open(world.admin_password)
        journey.finish_upload(journey.start_upload())
        journey.assemble()
        queue = journey.wait_for_readings()
        assert all(item["header"] for item in queue), "every copy's header was found"
        journey.identify()
        journey.allocate()
        expect_refused(journey)
        journey.mark_all()
        journey.publish()
        seen = journey.read_as_candidates()
    expect_budget(traffic, journey)
    assert set(seen) == set(pile.ines)
    for copy_id, ine, count in zip(journey.copies, pile.ines, pages, strict=True):
        result = seen[ine]
        assert result["copy_id"] == copy_id
        assert Decimal(result["total"]) == Decimal(journey.totals[copy_id])
        expect_final(result["pdf"], pile.pdf, count, result["total"])
        shown = journey.admin.get(f"/copies/{copy_id}")
        assert shown["status"] == "GRADED"
        assert Decimal(shown["total"]) == Decimal(result["total"])
    expect_anonymous(journey)
    return {ine: result["pdf"] for ine, result in seen.items()}


def expect_refused(journey: Journey) -> None:
    """Publishing too early lists what is missing, and changes nothing."""
    with pytest.raises(ApiRefused) as refused:
        journey.admin.put(f"/exams/{journey.exam}/publication")
    assert refused.value.status == 409
    assert refused.value.problem["code"] == "grading.not_publishable"


def expect_budget(traffic: Traffic, journey: Journey) -> None:
    """P: five messages between services per copy, one announcement, and not one call from service to service."""
    assert journey.copies
    for copy_id in journey.copies:
        found = {kind: n for (kind, subject), n in traffic.messages.items() if subject == copy_id}
        assert found == PER_COPY | ANNOUNCED, copy_id
    assert traffic.calls, "the gateway's calls were seen, so a service's call would be too"
    answered_to = {reply_to for _, reply_to in traffic.calls}
    assert len(answered_to) == 1, f"calls by others than the gateway: {Counter(traffic.calls)}"


def expect_final(final: bytes, upload: bytes, pages: int, total: str) -> None:
    """Page count, the scan's own streams, marks where they were put, the total as everywhere else."""
    sizes = paper.page_sizes(final)
    assert len(sizes) == pages + 1, "all pages and one score sheet"
    # An A3 side is cut at its fold, which lies within 2.5 % of the middle.
    assert all(abs(w - A4_PT[0]) < 0.025 * A4_PT[0] and abs(h - A4_PT[1]) < 1 for w, h in sizes)
    uploaded = {digest for page in paper.image_digests(upload) for digest in page}
    embedded = paper.image_digests(final)
    assert all(len(page) == 1 and page[0] in uploaded for page in embedded[:pages])
    width, height = sizes[1]
    left, top, right, bottom = paper.coloured_frame(final, 2)
    assert left == pytest.approx(HIGHLIGHT["x"] * width, abs=1)
    assert top == pytest.approx(HIGHLIGHT["y"] * height, abs=1)
    assert right == pytest.approx((HIGHLIGHT["x"] + HIGHLIGHT["w"]) * width, abs=1)
    assert bottom == pytest.approx((HIGHLIGHT["y"] + HIGHLIGHT["h"]) * height, abs=1)
    assert "l’œil" in paper.text(final, 1), "accents and ligatures are text"
    printed = paper.text(final, pages + 1).replace("\xa0", " ")
    assert total.replace(".", ",") in printed
    assert "Rédaction claire" in printed


def expect_page(
    final: bytes, page_no: int, source: pymupdf.Document, side_no: int, half: str, *, upside_down: bool
) -> None:
    """Page ``page_no`` shows that part of that side, the right way up: it looks like it, and unlike its reverse."""
    page = source[side_no - 1]
    shown = page.get_pixmap(matrix=pymupdf.Matrix(0.5, 0.5), colorspace=pymupdf.csGRAY)
    whole = np.frombuffer(shown.samples, np.uint8).reshape(shown.height, shown.width).astype(float)
    if upside_down:
        whole = whole[::-1, ::-1]
    middle = whole.shape[1] // 2
    expected = {"whole": whole, "left": whole[:, :middle], "right": whole[:, middle:]}[half]
    found = paper.scan_alone(final, page_no, height_px=expected.shape[0])
    # The fold was found near the middle, not at it: only the outer edge is the same.
    columns = min(expected.shape[1], found.shape[1])
    inner = slice(-columns, None) if half == "right" else slice(columns)
    expected, found = expected[:, inner], found[:, inner]
    right_way, wrong_way = _likeness(expected, found), _likeness(expected[::-1, ::-1], found)
    if expected.std() > 4:  # a blank page looks the same both ways
        assert right_way > 0.8, (page_no, side_no, half, right_way)
        assert right_way > wrong_way + 0.2


def _likeness(one: Any, other: Any) -> float:
    """Correlation of both pictures seen from afar, so that a fold found a millimetre aside does not count."""
    return float(np.corrcoef(_from_afar(one).ravel(), _from_afar(other).ravel())[0, 1])


def _from_afar(picture: Any, rows: int = 60, columns: int = 30) -> Any:
    height, width = picture.shape[0] // rows * rows, picture.shape[1] // columns * columns
    return picture[:height, :width].reshape(rows, height // rows, columns, width // columns).mean(axis=(1, 3))


def expect_anonymous(journey: Journey) -> None:
    """No name, no INE, no candidate in what a marker is told."""
    names = [
        c[field] for c in journey.admin.items(f"/exams/{journey.exam}/candidates") for field in ("last_name", "ine")
    ]
    for marker in journey.markers:
        heard = told(marker, f"/exams/{journey.exam}/copies")
        own = marker.items(f"/exams/{journey.exam}/copies")
        assert own
        heard += "".join(
            told(marker, f"/copies/{copy['id']}{part}") for copy in own for part in ("", "/scores", "/annotations")
        )
        assert not [name for name in names if name and name in heard]
        for forbidden in (f"/exams/{journey.exam}/candidates", f"/exams/{journey.exam}/identification"):
            with pytest.raises(ApiRefused):
                marker.get(forbidden)
        with pytest.raises(ApiRefused):
            marker.call("GET", f"/copies/{own[0]['id']}/final.pdf")


def told(client: Client, path: str) -> str:
    return client.call("GET", path).text


def test_page_images_of_a_marker_are_masked(world: World) -> None:
    pile = Pile("Masque", "a4", scans.a4_pile(scans.PUPILS[:2]), scans.roster_csv(), [p.ine for p in scans.PUPILS[:2]])
    journey = Journey(world.system.base, pile)
    journey.open(world.admin_password)
    journey.finish_upload(journey.start_upload())
    journey.assemble()
    journey.allocate()
    digests: Callable[[Client, str, str], str] = lambda who, copy_id, size: hashlib.sha256(  # noqa: E731
        who.call("GET", f"/copies/{copy_id}/pages/1", params={"size": size}).content
    ).hexdigest()
    for marker in journey.markers:
        for copy in marker.items(f"/exams/{journey.exam}/copies"):
            for size in ("thumb", "screen", "full"):
                assert digests(marker, copy["id"], size) != digests(journey.admin, copy["id"], size)
    stranger = PatientClient(world.system.base)
    with pytest.raises(ApiRefused) as refused:
        stranger.call("GET", f"/copies/{journey.copies[0]}/pages/1")
    assert refused.value.status == 401
