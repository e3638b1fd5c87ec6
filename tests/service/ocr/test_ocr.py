"""ocr's use cases on real PostgreSQL and a real store; the engine is a fake where its failures are the point."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from PIL import Image, ImageChops, ImageDraw, ImageFont

from chassis.bus.subscription import AlreadyHandled, Delivery
from chassis.db import Database
from chassis.disk_cache import DiskCache
from chassis.ids import uuid7
from chassis.objects import ObjectMissing, Objects
from chassis.sandbox import TaskFailed
from contracts.errors import Unavailable
from contracts.errors.ocr import UnreadableImage
from contracts.messages.ocr import ExtractText
from contracts.objects import ImageRef
from contracts.records.letters import ALPHABET, BLANK, COLUMNS, pack, unpack
from contracts.records.sheet import SheetModel, Zone
from services.ocr import context as ocr_context
from services.ocr import store, usecases
from services.ocr.context import Context
from services.ocr.domain import Field, Line, Reading
from services.ocr.engines import FieldsFirst, PpOcr, Sheet, Tesseract, reading_sandbox


@dataclass
class FakeEngine:
    """Reads what it is told, or raises it; ``version`` ``None`` is a machine without tesseract."""

    result: Sequence[Line] | Exception = ()
    name: str | None = "fake 1.0"
    fields: Sequence[Field] = ()
    calls: list[bytes] = field(default_factory=list)
    samples: list[bytes | None] = field(default_factory=list)

    def version(self, _languages: Sequence[str]) -> str | None:
        return self.name

    def parameters(self, languages: Sequence[str], _lexicon: Sequence[str], /) -> Mapping[str, str]:
        return {"languages": "+".join(languages)}

    def read(self, image: bytes, _languages: Any, _lexicon: Any, sheet: Sheet | None, /) -> Reading:
        self.calls.append(image)
        self.samples.append(None if sheet is None else sheet.sample.read_bytes())
        if isinstance(self.result, Exception):
            raise self.result
        return Reading("done", tuple(self.result), tuple(self.fields))


@pytest.fixture
def db(database: Callable[[str], Database]) -> Database:
    return database("ocr")


@pytest.fixture
def tesseract() -> Iterator[Tesseract]:
    sandbox = reading_sandbox(size=1, environ=os.environ)
    yield Tesseract(sandbox)
    sandbox.close()


CACHES: list[DiskCache] = []


@pytest.fixture(autouse=True)
def _no_file_left_open() -> Iterator[None]:
    yield
    while CACHES:
        CACHES.pop().close()


def _app(db: Database, objects: Objects, engine: Any) -> Context:
    app = Context(db, objects, engine, DiskCache(objects, max_bytes=1 << 20), release=lambda: None)
    CACHES.append(app.samples)
    return app


def _command(objects: Objects, image: bytes, *, copy_id: UUID | None = None, **fields: Any) -> ExtractText:
    ref = ImageRef(object=objects.put("header", image, "image/png"), width_px=1654, height_px=590)
    return ExtractText(copy_id=copy_id or uuid4(), revision=1, image=ref, **fields)


def _extract(app: Context, command: ExtractText) -> dict[str, Any]:
    """Carries out one delivery and returns the one event it sent."""
    usecases.extract_text(app, command, app.db.transaction)
    (reply,) = _replies(app.db, command)
    return reply


def _replies(db: Database, command: ExtractText) -> list[dict[str, Any]]:
    outbox = store.metadata.tables["outbox"]
    with db.reading() as sql:
        rows = sql.execute(
            sa.select(outbox).where(outbox.c.subject == str(command.copy_id)).order_by(outbox.c.id)
        ).all()
    assert all(row.type == "ocr.text.extracted.v1" for row in rows)
    return [row.data for row in rows]


def _stored(db: Database) -> list[tuple[str, list[Any]]]:
    with db.reading() as sql:
        return [(row.outcome, row.lines) for row in sql.execute(sa.select(store.readings))]


def _written(text: str, *, box: bool = True, label: str = "", moved: tuple[int, int] = (0, 0)) -> bytes:
    image = Image.new("L", (1654, 590), 250)
    draw = ImageDraw.Draw(image)
    if box:
        draw.rectangle((310, 170, 1060, 250), outline=40, width=3)
    draw.text((20, 190), label, fill=30, font=ImageFont.load_default(size=36))
    draw.text((330, 180), text, fill=30, font=ImageFont.load_default(size=50))
    image = ImageChops.offset(image, *moved)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_reading_is_stored_and_told_in_one_transaction(db: Database, objects: Objects) -> None:
    app = _app(db, objects, FakeEngine([Line("DURAND", 0.91), Line("Zoé", 0.5)]))
    command = _command(objects, b"pixels")
    assert _extract(app, command) == {
        "copy_id": str(command.copy_id),
        "revision": 1,
        "outcome": "done",
        "engine": "fake 1.0",
        "lines": [{"text": "DURAND", "confidence": 0.91}, {"text": "Zoé", "confidence": 0.5}],
        "fields": [],
    }
    assert _stored(db) == [("done", [["DURAND", 0.91], ["Zoé", 0.5]])]


def test_known_image_is_answered_without_the_engine_and_without_the_store(db: Database, objects: Objects) -> None:
    engine = FakeEngine([Line("DURAND", 0.9)])
    app = _app(db, objects, engine)
    first = _command(objects, b"pixels")
    _extract(app, first)
    second = first.model_copy(update={"copy_id": uuid4()})
    objects.delete(first.image.object.key)
    assert _extract(app, second)["lines"] == [{"text": "DURAND", "confidence": 0.9}]
    assert engine.calls == [b"pixels"]


@pytest.mark.parametrize("change", ["image", "engine", "languages"])
def test_another_image_engine_or_language_is_another_question(db: Database, objects: Objects, change: str) -> None:
    engine = FakeEngine([Line("DURAND", 0.9)])
    app = _app(db, objects, engine)
    _extract(app, _command(objects, b"pixels"))
    engine.name = "fake 2.0" if change == "engine" else engine.name
    languages = ("eng",) if change == "languages" else ("fra", "eng")
    _extract(app, _command(objects, b"other" if change == "image" else b"pixels", languages=languages))
    assert len(engine.calls) == 2


NAME = Field("last_name", "DURAND", 0.9, pack(bytes(3 * COLUMNS)), 3)


def test_fields_and_their_letters_are_told_remembered_and_told_again(db: Database, objects: Objects) -> None:
    engine = FakeEngine(fields=[NAME])
    app = _app(db, objects, engine)
    for _ in range(2):
        assert _extract(app, _command(objects, b"pixels"))["fields"] == [
            {"kind": "last_name", "text": "DURAND", "confidence": 0.9, "letters": NAME.letters, "steps": 3}
        ]
    assert len(engine.calls) == 1


def _sheet(objects: Objects, sample: bytes, kind: str = "last_name") -> SheetModel:
    ref = ImageRef(object=objects.put("header", sample, "image/png"), width_px=1654, height_px=590)
    return SheetModel(sample=ref, zones=(Zone(kind=kind, x=310 / 1654, y=170 / 590, w=750 / 1654, h=80 / 590),))


def test_another_sheet_model_is_another_question(db: Database, objects: Objects) -> None:
    engine = FakeEngine()
    app = _app(db, objects, engine)
    for sheet in (None, _sheet(objects, b"sample"), _sheet(objects, b"sample", "number"), _sheet(objects, b"sample")):
        _extract(app, _command(objects, b"pixels", sheet=sheet))
    assert engine.samples == [None, b"sample", b"sample"]


def test_sample_that_is_lost_costs_the_sheet_model_and_not_the_reading(db: Database, objects: Objects) -> None:
    engine = FakeEngine([Line("DURAND", 0.9)])
    app = _app(db, objects, engine)
    command = _command(objects, b"pixels", sheet=_sheet(objects, b"lost"))
    objects.delete(command.sheet.sample.object.key)
    assert _extract(app, command)["outcome"] == "done"
    assert engine.samples == [None]


def test_lost_header_is_still_a_defect(db: Database, objects: Objects) -> None:
    command = _command(objects, b"pixels", sheet=_sheet(objects, b"sample"))
    objects.delete(command.image.object.key)
    with pytest.raises(ObjectMissing):
        usecases.extract_text(_app(db, objects, FakeEngine()), command, db.transaction)


@pytest.mark.parametrize(
    ("fields", "installed", "expected"),
    [
        ([NAME], "fields lines", ("letters", [], "fields 1 + lines 1")),
        ([], "fields lines", ("none", ["by line"], "fields 1 + lines 1")),
        ([NAME], "lines", ("none", ["by line"], "lines 1")),
        ([NAME], "fields", ("letters", [], "fields 1")),
        ([], "fields", ("none", [], "fields 1")),
    ],
)
def test_lines_are_read_where_no_field_is_found_by_whoever_is_installed(
    fields: list[Field], installed: str, expected: tuple[str, list[str], str]
) -> None:
    by_field = FakeEngine(fields=fields, name="fields 1" if "fields" in installed else None)
    by_line = FakeEngine([Line("by line", 0.5)], name="lines 1" if "lines" in installed else None)
    both = FieldsFirst(by_field, by_line)
    reading = both.read(b"pixels", ("fra",), (), None)
    letters = "letters" if reading.fields else "none"
    assert (letters, [line.text for line in reading.lines], both.version(("fra",))) == expected


def test_without_any_engine_there_is_none() -> None:
    assert FieldsFirst(FakeEngine(name=None), FakeEngine(name=None)).version(("fra",)) is None


def test_blank_strip_is_done_with_no_lines(db: Database, objects: Objects) -> None:
    reply = _extract(_app(db, objects, FakeEngine([Line("  ", 0.1)])), _command(objects, b"blank"))
    assert (reply["outcome"], reply["lines"]) == ("done", [])


def test_unreadable_image_is_an_outcome_and_remembered(db: Database, objects: Objects) -> None:
    engine = FakeEngine(UnreadableImage(reason="not_an_image"))
    app = _app(db, objects, engine)
    for _ in range(2):
        assert _extract(app, _command(objects, b"<html>"))["outcome"] == "refused_input"
    assert len(engine.calls) == 1


def test_oversized_object_is_refused_without_being_fetched(db: Database, objects: Objects) -> None:
    app = _app(db, objects, FakeEngine())
    command = _command(objects, b"pixels")
    huge = command.image.object.model_copy(update={"size": usecases.MAX_IMAGE_BYTES + 1, "sha256": "0" * 64})
    command = command.model_copy(update={"image": command.image.model_copy(update={"object": huge})})
    assert _extract(app, command)["outcome"] == "refused_input"


def test_missing_engine_is_an_outcome_and_not_remembered(db: Database, objects: Objects) -> None:
    engine = FakeEngine([Line("DURAND", 0.9)], name=None)
    app = _app(db, objects, engine)
    command = _command(objects, b"pixels")
    assert _extract(app, command) | {"copy_id": ""} == {
        "copy_id": "", "revision": 1, "outcome": "no_engine", "engine": "none", "lines": [], "fields": [],
    }  # fmt: skip
    assert _stored(db) == []
    engine.name = "fake 1.0"  # somebody installed it
    assert _extract(app, _command(objects, b"pixels"))["outcome"] == "done"


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (TaskFailed("timeout"), "timeout"),
        (TaskFailed("out_of_memory"), "out_of_memory"),
        (TaskFailed("crashed"), "crashed"),
        (Unavailable("object_store"), "crashed"),
        (KeyError("a defect"), "crashed"),
    ],
)
def test_failure_is_left_to_the_bus_and_answered_after_the_last_attempt(
    db: Database, objects: Objects, error: Exception, outcome: str
) -> None:
    app = _app(db, objects, FakeEngine(error))
    command = _command(objects, b"pixels")
    with pytest.raises(type(error)):
        usecases.extract_text(app, command, db.transaction)
    assert _replies(db, command) == []
    usecases.extraction_failed(app, command, error, db.transaction)
    (reply,) = _replies(db, command)
    assert (reply["outcome"], reply["lines"]) == (outcome, [])
    assert _stored(db) == [(outcome, [])]


def test_stored_failure_is_tried_anew_and_gives_way_to_an_answer_never_the_reverse(
    db: Database, objects: Objects
) -> None:
    app = _app(db, objects, FakeEngine([Line("DURAND", 0.9)]))
    usecases.extraction_failed(app, _command(objects, b"pixels"), TaskFailed("timeout"), db.transaction)
    assert _extract(app, _command(objects, b"pixels"))["outcome"] == "done"
    usecases.extraction_failed(app, _command(objects, b"pixels"), TaskFailed("timeout"), db.transaction)
    assert _stored(db) == [("done", [["DURAND", 0.9]])]


def test_message_delivered_twice_is_answered_once(db: Database, objects: Objects) -> None:
    app = _app(db, objects, FakeEngine([Line("DURAND", 0.9)]))
    command = _command(objects, b"pixels")
    message_id = uuid7()

    def deliver() -> None:
        delivery = Delivery(command, message_id, 1, "ocr.on.ocr.text.extract.v1", db)
        usecases.extract_text(app, delivery.payload, delivery.transaction)

    deliver()
    with pytest.raises(AlreadyHandled):
        deliver()
    assert len(_replies(db, command)) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"image_sha256": "abc"},
        {"parameters_digest": "ABC"},
        {"engine": ""},
        {"outcome": "no_engine"},
        {"outcome": "timeout"},  # with lines
        {"lines": {"text": "DURAND"}},
        {"outcome": "crashed", "lines": [], "fields": [{"kind": "number"}]},
        {"fields": {"kind": "number"}},
    ],
)
def test_database_refuses_what_is_no_reading(db: Database, values: dict[str, Any]) -> None:
    digest = hashlib.sha256(b"").hexdigest()
    good = {"image_sha256": digest, "engine": "fake 1.0", "parameters_digest": digest, "outcome": "done",
            "lines": [["DURAND", 0.9]]}  # fmt: skip
    with db.transaction() as work:
        work.sql.execute(store.readings.insert().values(**good))
    with pytest.raises(sa.exc.IntegrityError), db.transaction() as work:
        work.sql.execute(store.readings.insert().values(**{**good, "engine": "fake 2.0", **values}))


# With the recogniser of handwriting itself


@pytest.fixture
def recogniser() -> Iterator[PpOcr]:
    sandbox = reading_sandbox(size=1, environ=os.environ)
    yield PpOcr(sandbox)
    sandbox.close()


def test_recogniser_reads_a_boxed_name_letter_by_letter(db: Database, objects: Objects, recogniser: PpOcr) -> None:
    reply = _extract(_app(db, objects, recogniser), _command(objects, _written("Nom : Louise DURAND")))
    assert reply["engine"].startswith("PP-OCRv6 small (rapidocr 3.10.")
    (name,) = reply["fields"]
    assert (name["kind"], name["text"]) == ("last_name", "Louise DURAND"), "the label inside the box is no name"
    rows = unpack(name["letters"], name["steps"])
    best = [
        min(range(COLUMNS), key=rows[step * COLUMNS : (step + 1) * COLUMNS].__getitem__)
        for step in range(name["steps"])
    ]
    told = [
        ALPHABET[column - 1]
        for column, before in zip(best, [BLANK, *best], strict=False)
        if column not in (BLANK, before)
    ]
    assert "".join(told) == "LOUISE DURAND"
    assert reply["lines"] == [{"text": "Louise DURAND", "confidence": name["confidence"]}]


def test_name_without_a_box_is_found_by_the_sheet_model(db: Database, objects: Objects, recogniser: PpOcr) -> None:
    blank = _written("", box=False, label="Nom de famille :")
    filled = _written("MARTIN", box=False, label="Nom de famille :", moved=(9, -7))
    app = _app(db, objects, recogniser)
    assert _extract(app, _command(objects, filled))["fields"] == []
    (name,) = _extract(app, _command(objects, filled, sheet=_sheet(objects, blank)))["fields"]
    assert (name["kind"], name["text"]) == ("last_name", "MARTIN")


def test_sample_that_is_no_image_is_as_good_as_none(db: Database, objects: Objects, recogniser: PpOcr) -> None:
    sheet = _sheet(objects, b"<html>")
    reply = _extract(_app(db, objects, recogniser), _command(objects, _written("DURAND"), sheet=sheet))
    assert [(field["kind"], field["text"]) for field in reply["fields"]] == [("unknown", "DURAND")]


# With tesseract itself


def test_tesseract_reads_a_boxed_name_without_its_box(db: Database, objects: Objects, tesseract: Tesseract) -> None:
    reply = _extract(_app(db, objects, tesseract), _command(objects, _written("DURAND Louise")))
    assert reply["engine"].startswith("tesseract ")
    assert reply["lines"][0]["text"] == "DURAND Louise"
    assert reply["lines"][0]["confidence"] > 0.5


def _png_header(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 64)
    chunks = [struct.pack(">I", len(each) - 4) + each + struct.pack(">I", zlib.crc32(each)) for each in (chunk, data)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    "image",
    [b"", b"<html></html>", _written("DURAND")[:2000], _png_header(60_000, 60_000), _png_header(9_000, 9_000)],
    ids=["empty", "html", "truncated", "bomb", "large"],
)
def test_hostile_image_is_refused_and_the_next_is_read(
    db: Database, objects: Objects, tesseract: Tesseract, image: bytes
) -> None:
    app = _app(db, objects, tesseract)
    assert _extract(app, _command(objects, image))["outcome"] == "refused_input"
    assert _extract(app, _command(objects, _written("MARTIN")))["lines"][0]["text"] == "MARTIN"


def test_machine_without_tesseract_has_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(ocr_context.log, "warning", lambda event, **fields: said.append((event, fields)))
    sandbox = reading_sandbox(size=1, environ={"PATH": "/nonexistent"})
    engine = Tesseract(sandbox)
    ocr_context.announce(engine, ocr_context.NO_TESSERACT)
    assert engine.version(("fra", "eng")) is None
    sandbox.close()
    ((sentence, fields),) = said
    assert "by hand" in sentence
    assert fields == {}, "the fields of a log line are kept only when they are codes"


def test_tesseract_without_french_has_no_engine_for_french(tmp_path: Path, tesseract: Tesseract) -> None:
    assert tesseract.version(("fra", "eng")) is not None
    (english,) = Path("/usr/share/tesseract-ocr").glob("*/tessdata/eng.traineddata")
    (tmp_path / "eng.traineddata").symlink_to(english)
    sandbox = reading_sandbox(size=1, environ={**os.environ, "TESSDATA_PREFIX": str(tmp_path)})
    engine = Tesseract(sandbox)
    assert engine.version(("fra", "eng")) is None
    assert engine.version(("eng",)) is not None
    sandbox.close()
