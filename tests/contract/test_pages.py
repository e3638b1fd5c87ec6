"""A page that hides nothing is written as it always was: a reader of an older release can read it."""

from __future__ import annotations

from uuid import UUID

from contracts.objects import ImageRef, ObjectRef
from contracts.records.pages import Box, Cover, Page, PageImages, PageSource

OBJECT = ObjectRef(key="pages/ab/" + "ab" * 32, sha256="ab" * 32, size=1, media_type="image/jpeg")
IMAGE = ImageRef(object=OBJECT, width_px=1240, height_px=1754)
OPEN = Page(
    page_no=1,
    page_id=UUID(int=1),
    source=PageSource(upload=OBJECT, side_no=1),
    blank=False,
    images=PageImages(screen=IMAGE, thumb=IMAGE),
)
COVER = Cover(id=UUID(int=2), box=Box(x=0.1, y=0.2, w=0.3, h=0.04))


def test_a_page_with_nothing_covered_does_not_say_so() -> None:
    assert "covered" not in OPEN.model_dump(mode="json")
    assert Page.model_validate_json(OPEN.model_dump_json()) == OPEN
    assert not OPEN.hides


def test_a_page_says_what_is_covered() -> None:
    hidden = OPEN.model_copy(update={"covered": (COVER,), "masked": OPEN.images})
    assert Page.model_validate_json(hidden.model_dump_json()) == hidden
    assert hidden.hides
