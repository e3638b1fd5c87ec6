"""Printed text of whole pages: one answer for each command, with tesseract in its child or without."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from PIL import Image, ImageDraw, ImageFont

from chassis.db import Database
from chassis.disk_cache import DiskCache
from chassis.objects import Objects
from chassis.sandbox import TaskFailed
from contracts.errors.ocr import UnreadableImage
from contracts.messages.ocr import ExtractPrint
from contracts.objects import ImageRef
from services.ocr import printed, store
from services.ocr.context import Context
from services.ocr.domain import Word, tidy_words
from services.ocr.engines import FieldsFirst, PpOcr, PrintReader, Tesseract, TesseractPages, reading_sandbox

ANYWHERE = (0.1, 0.1, 0.2, 0.02)


class FakeReader:
    def __init__(self, found: list[Word] | Exception, name: str | None = "fake 1.0") -> None:
        self.found, self.name = found, name

    def version(self, _languages: Sequence[str]) -> str | None:
        return self.name

    def words(self, _image: bytes, _languages: Sequence[str], /) -> list[Word]:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.fixture
def pages() -> Iterator[TesseractPages]:
    sandbox = reading_sandbox(size=1, environ=os.environ, preload=False)
    yield TesseractPages(sandbox)
    sandbox.close()


@pytest.fixture
def app(database: Callable[[str], Database], objects: Objects) -> Iterator[Callable[[PrintReader | None], Context]]:
    samples, sandbox = DiskCache(objects, max_bytes=1 << 20), reading_sandbox(size=0, environ=os.environ)
    db = database("ocr")
    headers = FieldsFirst(PpOcr(sandbox), Tesseract(sandbox))
    yield lambda reader: Context(db, objects, headers, samples, lambda: None, reader)
    samples.close()
    sandbox.close()


def command(objects: Objects, image: bytes) -> ExtractPrint:
    ref = ImageRef(object=objects.put("pages", image, "image/png"), width_px=1241, height_px=1754)
    return ExtractPrint(copy_id=uuid4(), image=ref)


def answers(db: Database) -> list[dict[str, Any]]:
    outbox = store.metadata.tables["outbox"]
    with db.reading() as sql:
        rows = sql.execute(sa.select(outbox).order_by(outbox.c.id)).all()
    assert all(row.type == "ocr.print.extracted.v1" for row in rows)
    return [row.data for row in rows]


def a4_page(*lines: tuple[int, int, str]) -> bytes:
    image = Image.new("L", (1241, 1754), 250)
    draw = ImageDraw.Draw(image)
    for left, top, text in lines:
        draw.text((left, top), text, fill=20, font=ImageFont.load_default(size=26))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_words_are_told_with_their_line_and_place(app: Any, objects: Objects, pages: TesseractPages) -> None:
    here = app(pages)
    page = a4_page((200, 400, "Nom : MARTIN Hugo"), (200, 900, "Exercice deux"))
    asked = command(objects, page)
    printed.extract_print(here, asked, here.db.transaction)
    (answer,) = answers(here.db)
    assert (answer["copy_id"], answer["image_sha256"]) == (str(asked.copy_id), asked.image.object.sha256)
    assert (answer["outcome"], answer["engine"][:9]) == ("done", "tesseract")
    found = {word["text"]: word for word in answer["words"]}
    assert found["MARTIN"]["line"] == found["Hugo"]["line"] != found["Exercice"]["line"]
    box = found["Exercice"]["box"]
    assert (box["x"], box["y"]) == pytest.approx((200 / 1241, 905 / 1754), abs=0.01)
    assert (box["w"], box["h"]) == pytest.approx((105 / 1241, 20 / 1754), abs=0.02)


def test_a_page_without_text_is_read_and_says_nothing(app: Any, objects: Objects, pages: TesseractPages) -> None:
    here = app(pages)
    printed.extract_print(here, command(objects, a4_page()), here.db.transaction)
    (answer,) = answers(here.db)
    assert (answer["outcome"], answer["words"]) == ("done", [])


@pytest.mark.parametrize(
    ("reader", "outcome"),
    [
        (None, "no_engine"),
        (FakeReader([], name=None), "no_engine"),
        (FakeReader(UnreadableImage(reason="not_an_image")), "refused_input"),
    ],
)
def test_what_cannot_be_read_is_an_answer_too(app: Any, objects: Objects, reader: Any, outcome: str) -> None:
    here = app(reader)
    printed.extract_print(here, command(objects, b"no image"), here.db.transaction)
    (answer,) = answers(here.db)
    assert (answer["outcome"], answer["words"]) == (outcome, [])


def test_a_child_that_dies_is_tried_again_and_answered_for_in_the_end(app: Any, objects: Objects) -> None:
    failure = TaskFailed("timeout", "60 s")
    here, asked = app(FakeReader(failure)), command(objects, b"page")
    with pytest.raises(TaskFailed):
        printed.extract_print(here, asked, here.db.transaction)
    assert answers(here.db) == []
    printed.print_failed(asked, failure, here.db.transaction)
    assert [each["outcome"] for each in answers(here.db)] == ["timeout"]


def test_words_are_bounded_and_stay_on_the_page() -> None:
    found = [
        Word("a", 0, ANYWHERE),
        Word("\x00Zo\u0000é" + "é" * 80, 0, (0.9, -0.1, 0.3, 2.0)),
        *[Word("mot", 1, ANYWHERE)] * 5,
    ]
    kept = tidy_words(found, most=3)
    assert len(kept) == 3
    assert len(kept[0].text) == 60
    x, y, w, h = kept[0].box
    assert (x, y, round(w, 6), h) == (0.9, 0, 0.1, 1)
