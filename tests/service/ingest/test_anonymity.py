"""No marker is shown a name: not on a page whose header nobody found, not on one whose mask does not hold."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from PIL import Image
from psycopg.types.json import Jsonb

from contracts.objects import ImageRef
from contracts.records.pages import Page, PageManifest
from contracts.rpc.ingest import AddPaper, AssembleCertain, AssembleCopy, PageImageWanted
from services.ingest import assembling, images
from tests.scans.paper import a4_pile, face, leaf, pdf
from tests.scans.printed import EXAM, sheets, sides
from tests.service.ingest.conftest import OPERATOR, Ingest

SHARE = 0.3  # KORRIGO_INGEST_HIDDEN_SHARE as it comes


def first_page(ingest: Ingest, **said: Any) -> Page:
    """Page 1 of a copy that a person makes of the only booklet, despite its doubts."""
    (booklet,) = ingest.booklets()
    request = AssembleCopy(exam_id=ingest.exam_id, booklet_ids=(booklet.id,), by=OPERATOR, **said)
    assembling.assemble_copy(ingest.context, request)
    (event,) = ingest.assembled()
    return ingest.context.objects.get_json(event.manifest, PageManifest).pages[0]


def shown(ingest: Ingest, image: ImageRef) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(ingest.context.objects.get(image.object))).convert("L"))


def expect_hidden(picture: np.ndarray[Any, Any], share: float) -> None:
    upper, lower = picture[: int(share * len(picture)) - 8], picture[round(share * len(picture)) + 8 :]
    assert upper.min() > 245
    assert lower.min() < 160, "the answer stays"


def test_a_first_page_without_a_header_hides_its_upper_part(ingest: Ingest) -> None:
    ingest.ready(a4_pile(1, pages=2, headers=False), "a4", 2)
    assert ingest.booklets()[0].doubts == ("no_header", "direction_unsure")  # nothing tells how the pile lies
    page = first_page(ingest)
    assert page.header is not None
    assert page.masked is not None
    assert (page.header.y, page.header.h) == (0, SHARE)
    for picture in (page.masked.screen, page.masked.thumb):
        expect_hidden(shown(ingest, picture), SHARE)
    full = images.full_page_image(
        ingest.context, PageImageWanted(copy_id=ingest.assembled()[0].copy_id, page_no=1, masked=True)
    )
    expect_hidden(shown(ingest, full), SHARE)
    assert page.header_image is not None  # whoever identifies the copy sees what is hidden
    strip = shown(ingest, page.header_image)
    assert strip.shape[0] == pytest.approx(SHARE * page.images.screen.height_px, abs=1)


def test_unless_a_person_says_that_no_name_stands_there(ingest: Ingest) -> None:
    ingest.ready(a4_pile(1, pages=2, headers=False), "a4", 2)
    page = first_page(ingest, first_page_bare=True)
    assert (page.header, page.masked) == (None, None)


def test_late_sheets_hide_the_upper_part_of_the_first_of_them(ingest: Ingest) -> None:
    """Whoever takes another sheet writes their name on it."""
    ingest.ready(a4_pile(1, pages=2), "a4", 2)
    first_page(ingest)
    ingest.ready(a4_pile(1, pages=3, headers=False), "a4", 3)
    (late,) = [booklet for booklet in ingest.booklets() if booklet.copy_id is None]
    request = AddPaper(copy_id=ingest.assembled()[0].copy_id, booklet_ids=(late.id,), by=OPERATOR)
    assembling.add_paper(ingest.context, request)
    pages = ingest.context.objects.get_json(ingest.assembled()[-1].manifest, PageManifest).pages
    assert [page.masked is not None for page in pages] == [True, False, True, False, False]


def test_an_unsure_header_is_hidden_as_a_sure_one(ingest: Ingest) -> None:
    """Two boxes and no rule below them: the pages are doubtful, the mask is not."""
    lone = face(4, header=True)
    lone.paste(250, (0, 172, lone.width, 245))  # takes off the number's box and the rule
    ingest.ready(pdf([leaf(lone), leaf(face(5))]), "a4", 2)
    assert "header_unsure" in ingest.booklets()[0].doubts
    page = first_page(ingest)
    assert page.masked is not None
    assert page.header is not None
    expect_hidden(shown(ingest, page.masked.screen), page.header.h)


def set_doubt(ingest: Ingest, code: str, side_no: int) -> None:
    with ingest.context.db.transaction() as work:
        work.sql.exec_driver_sql(
            "UPDATE pages SET features = features || %(doubts)s WHERE side_no = %(side_no)s",
            {"doubts": Jsonb({"doubts": [code]}), "side_no": side_no},
        )


def test_a_mask_that_does_not_hold_hides_more(ingest: Ingest) -> None:
    ingest.ready(a4_pile(1, pages=2), "a4", 2)
    set_doubt(ingest, "mask_failed", 1)
    page = first_page(ingest, first_page_bare=True)  # said of a page without a header, which this is not
    assert page.header is not None
    assert page.masked is not None
    assert page.header.h == SHARE
    expect_hidden(shown(ingest, page.masked.screen), SHARE)


def test_a_failed_mask_leaves_its_booklet_to_a_person(ingest: Ingest) -> None:
    upload = ingest.register(a4_pile(2, pages=2), "a4", 2).upload
    first, second = ingest.commands()
    ingest.split(first)
    set_doubt(ingest, "mask_failed", 1)
    ingest.split(second)
    assert [booklet.doubts for booklet in ingest.booklets()] == [("mask_failed",), ()]
    done = assembling.assemble_certain(ingest.context, AssembleCertain(exam_id=ingest.exam_id, by=OPERATOR))
    assert (len(done.copy_ids), len(done.left)) == (1, 1)
    assert upload.exam_id == ingest.exam_id


def printed(exam_id: UUID) -> bytes:
    return pdf([leaf(side, dpi=150) for side in sides(sheets([7], pages=2, exam_id=exam_id), 150)])


def codes(ingest: Ingest) -> list[Any]:
    return [row.code for row in ingest.rows("SELECT features -> 'code' AS code FROM pages ORDER BY side_no")]


def test_codes_of_this_exam_are_kept(ingest: Ingest) -> None:
    ingest.ready(printed(ingest.exam_id), "a4", 2)
    assert codes(ingest) == [{"exam": str(ingest.exam_id), "copy": 7, "page": page} for page in (1, 2)]
    assert ingest.booklets()[0].doubts == ()


def test_sheets_of_another_exam_are_a_doubt_and_their_codes_count_for_nothing(ingest: Ingest) -> None:
    assert ingest.exam_id != EXAM
    ingest.ready(printed(uuid4()), "a4", 2)
    assert codes(ingest) == [None, None]
    assert ingest.booklets()[0].doubts == ("foreign_code",)
