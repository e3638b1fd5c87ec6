"""A person hides a zone from markers: every image of the page that they get, and nothing else."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest

from contracts.errors.ingest import NotFound, PaperChanged, TooManyCovers
from contracts.objects import ImageRef
from contracts.records.pages import Page, PageManifest
from contracts.rpc.ingest import AddPaper, Area, AssembleCopy, CoverZone, PageImageWanted, UncoverZone, ZoneCovered
from services.ingest import assembling, covering, images
from services.ingest.pixels.masking import COVER_TONE
from tests.scans.paper import a4_pile, pile
from tests.service.ingest.conftest import OPERATOR, Ingest
from tests.service.ingest.test_anonymity import shown

ZONE = Area(x=0.2, y=0.5, w=0.4, h=0.2)
OTHER = Area(x=0.9, y=0.9, w=0.5, h=0.5)  # reaches over the edge


@pytest.fixture
def copy_id(ingest: Ingest) -> UUID:
    """Two A4 pages; the first has a header."""
    return assembled(ingest, a4_pile(1, pages=2), "a4", 2)


def assembled(ingest: Ingest, *scan: Any) -> UUID:
    ingest.ready(*scan)
    (booklet,) = ingest.booklets()
    request = AssembleCopy(exam_id=ingest.exam_id, booklet_ids=(booklet.id,), by=OPERATOR)
    (made,) = assembling.assemble_copy(ingest.context, request).copy_ids
    return made


def cover(ingest: Ingest, copy_id: UUID, page_no: int = 2, box: Area = ZONE, once: UUID | None = None) -> ZoneCovered:
    request = CoverZone(copy_id=copy_id, page_no=page_no, box=box, once=once, by=OPERATOR)
    return covering.cover_zone(ingest.context, request)


def uncover(ingest: Ingest, copy_id: UUID, cover_id: UUID) -> None:
    covering.uncover_zone(ingest.context, UncoverZone(copy_id=copy_id, cover_id=cover_id, by=OPERATOR))


def pages(ingest: Ingest) -> tuple[Page, ...]:
    return ingest.context.objects.get_json(ingest.assembled()[-1].manifest, PageManifest).pages


def inside(picture: np.ndarray, box: Area, by: int = 0) -> np.ndarray:
    """The zone on the picture, ``by`` pixels larger on each side."""
    height, width = picture.shape
    return picture[
        max(0, round(box.y * height) - by) : round((box.y + box.h) * height) + by,
        max(0, round(box.x * width) - by) : round((box.x + box.w) * width) + by,
    ]


def expect_covered(picture: np.ndarray, box: Area) -> None:
    zone = inside(picture, box, by=-8)  # edges ring as far as JPEG's blocks reach
    assert zone.size
    assert np.abs(zone.astype(int) - COVER_TONE).max() <= 4


def full(ingest: Ingest, copy_id: UUID, page_no: int, *, masked: bool = True) -> ImageRef:
    return images.full_page_image(ingest.context, PageImageWanted(copy_id=copy_id, page_no=page_no, masked=masked))


@pytest.mark.parametrize("page_no", [1, 2])
def test_markers_see_nothing_of_a_covered_zone_at_any_size(ingest: Ingest, copy_id: UUID, page_no: int) -> None:
    before = pages(ingest)[page_no - 1]
    done = cover(ingest, copy_id, page_no)
    page = pages(ingest)[page_no - 1]
    assert (done.revision, done.page_no, page.covered) == (2, page_no, (done.cover,))
    assert page.masked is not None
    for image in (page.masked.screen, page.masked.thumb, full(ingest, copy_id, page_no)):
        expect_covered(shown(ingest, image), ZONE)
    assert page.images == before.images, "staff see what was scanned"
    assert full(ingest, copy_id, page_no, masked=False) == before.images.full
    assert page.source == before.source, "so do candidates, whose copy is drawn from the scan"
    around = inside(shown(ingest, page.masked.screen), ZONE, by=60)
    assert around.min() < 160, "the answer beside it stays"


def test_a_header_stays_hidden_when_another_zone_is(ingest: Ingest, copy_id: UUID) -> None:
    before = pages(ingest)[0]
    cover(ingest, copy_id, page_no=1)
    page = pages(ingest)[0]
    assert (page.header, page.header_image) == (before.header, before.header_image)
    assert page.header is not None
    assert page.masked is not None
    for image in (page.masked.screen, page.masked.thumb, full(ingest, copy_id, 1)):
        picture = shown(ingest, image)
        assert picture[: int(page.header.h * len(picture)) - 8].min() > 245


def test_what_was_covered_by_mistake_is_shown_again(ingest: Ingest, copy_id: UUID) -> None:
    before = pages(ingest)
    first, second = (cover(ingest, copy_id, box=box).cover.id for box in (ZONE, OTHER))
    with_both = full(ingest, copy_id, 2)
    uncover(ingest, copy_id, first)
    page = pages(ingest)[1]
    assert page.masked is not None
    assert [each.id for each in page.covered] == [second]
    expect_covered(shown(ingest, page.masked.screen), OTHER)
    assert inside(shown(ingest, page.masked.screen), ZONE).min() < 160
    assert full(ingest, copy_id, 2) != with_both
    uncover(ingest, copy_id, second)
    assert pages(ingest)[1] == before[1]
    assert full(ingest, copy_id, 2) == before[1].images.full
    with pytest.raises(NotFound):
        uncover(ingest, copy_id, second)
    assert [(event.revision, event.by) for event in ingest.assembled()] == [(no, OPERATOR) for no in range(1, 6)]


def test_a_zone_is_covered_once_under_one_name(ingest: Ingest, copy_id: UUID) -> None:
    once = uuid4()
    assert cover(ingest, copy_id, once=once) == cover(ingest, copy_id, once=once)
    assert len(pages(ingest)[1].covered) == 1


def test_what_cannot_be_covered_is_refused_and_changes_nothing(
    ingest: Ingest, copy_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    for unknown in ({"copy_id": uuid4()}, {"copy_id": copy_id, "page_no": 3}):
        with pytest.raises(NotFound):
            cover(ingest, **unknown)
    monkeypatch.setattr(covering, "MOST", 1)
    cover(ingest, copy_id)
    with pytest.raises(TooManyCovers) as refused:
        cover(ingest, copy_id, box=OTHER)
    assert refused.value.details == {"page_no": 2, "most": 1}
    cover(ingest, copy_id, page_no=1)  # each page for itself
    assert ingest.assembled()[-1].revision == 3


def test_late_sheets_leave_covers_where_they_are(ingest: Ingest, copy_id: UUID) -> None:
    done = cover(ingest, copy_id)
    ingest.ready(a4_pile(1, pages=3), "a4", 3)
    (late,) = [booklet for booklet in ingest.booklets() if booklet.copy_id is None]
    assembling.add_paper(ingest.context, AddPaper(copy_id=copy_id, booklet_ids=(late.id,), by=OPERATOR))
    now = pages(ingest)
    assert len(now) == 5
    assert now[1].covered == (done.cover,)


def test_of_zones_covered_at_the_same_moment_none_is_lost_in_silence(ingest: Ingest, copy_id: UUID) -> None:
    covered: list[UUID] = []
    refused: list[int] = []

    def race(at: int) -> None:
        box = Area(x=0.1, y=0.1 * at, w=0.2, h=0.05)
        try:
            covered.append(cover(ingest, copy_id, box=box).cover.id)
        except PaperChanged:
            refused.append(at)

    threads = [threading.Thread(target=race, args=(at,)) for at in range(4, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(covered) + len(refused) == 4
    assert {each.id for each in pages(ingest)[1].covered} == set(covered)
    assert ingest.assembled()[-1].revision == 1 + len(covered)


def test_a_page_cut_out_of_a_double_sheet_and_turned_is_covered_where_it_is_seen(ingest: Ingest) -> None:
    made = assembled(ingest, pile([1], upside_down=[1, 2]))
    cover(ingest, made, page_no=2)
    page = pages(ingest)[1]
    assert page.masked is not None
    for image in (page.masked.screen, page.masked.thumb, full(ingest, made, 2)):
        expect_covered(shown(ingest, image), ZONE)
