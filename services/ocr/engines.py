"""The recognisers ocr can use, behind one small interface: the next one replaces a class, not a service."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chassis.sandbox import Sandbox
from contracts.records.sheet import SheetModel
from services.ocr.domain import Field, Line, Reading, Word

MEMORY_MB = 1500
CPU_S = 40
DEADLINE_S = 60.0
LAYOUT = "2"  # to be raised with every change of what runs in the child that reads differently: the memo's key has it
SCRATCH_MB = 64  # the cleaned strip as PNG; an A3 side at 300 dpi has 17 MB before compression


@dataclass(frozen=True)
class Sheet:
    """A sheet model and its sample, fetched: a path to be opened while a header is read."""

    model: SheetModel
    sample: Path


class Engine(Protocol):
    """Reads header strips."""

    def version(self, languages: Sequence[str]) -> str | None:
        """Name and version, such as ``tesseract 5.3.0``; ``None`` when it cannot read these languages here."""
        ...

    def parameters(self, languages: Sequence[str], lexicon: Sequence[str], /) -> Mapping[str, str]:
        """Everything besides image, sheet and version that changes what is read, to tell readings apart."""
        ...

    def read(self, image: bytes, languages: Sequence[str], lexicon: Sequence[str], sheet: Sheet | None, /) -> Reading:
        """Raises: UnreadableImage. TaskFailed: killed or crashed. Unavailable: no child was free."""
        ...


class Tesseract:
    """Lines, with Debian's tesseract through pytesseract. Ignores lexicon and sheet: its word lists do not bind."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._version: str | None = None
        self._languages: frozenset[str] | None = None  # not asked yet

    def version(self, languages: Sequence[str]) -> str | None:
        if self._languages is None:
            found = self._sandbox.run("installed", deadline_s=DEADLINE_S).result
            self._version, self._languages = found["version"], frozenset(found["languages"])
        if self._version is None or not self._languages.issuperset(languages):
            return None
        return f"tesseract {self._version}"

    def parameters(self, languages: Sequence[str], _lexicon: Sequence[str], /) -> Mapping[str, str]:
        return {"languages": "+".join(languages), "oem": "3", "layout": LAYOUT}

    def read(self, image: bytes, languages: Sequence[str], _lexicon: Sequence[str], _sheet: Sheet | None, /) -> Reading:
        reply = self._sandbox.run("read", blob=image, deadline_s=DEADLINE_S, languages=list(languages))
        return Reading("done", tuple(Line(str(text), float(confidence)) for text, confidence in reply.result))


class PrintReader(Protocol):
    """Reads the printed text of whole pages."""

    def version(self, languages: Sequence[str]) -> str | None:
        """As ``Engine.version``."""
        ...

    def words(self, image: bytes, languages: Sequence[str], /) -> list[Word]:
        """Raises as ``Engine.read``."""
        ...


class TesseractPages(Tesseract):
    """The same program on whole pages: half a second to a second of processor time each."""

    def words(self, image: bytes, languages: Sequence[str], /) -> list[Word]:
        reply = self._sandbox.run("read_page", blob=image, deadline_s=DEADLINE_S, languages=list(languages))
        return [Word(str(text), int(line), (x, y, w, h)) for text, line, (x, y, w, h) in reply.result]


class PpOcr:
    """Fields letter by letter, with the recogniser of the wheel ``rapidocr``. One model for all Latin languages.

    The lexicon is ignored: whoever knows the names scores the letters.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._version: str | None = None
        self._asked = False

    def version(self, _languages: Sequence[str]) -> str | None:
        if not self._asked:
            self._version = self._sandbox.run("recogniser_installed", deadline_s=DEADLINE_S).result
            self._asked = True
        return self._version

    def parameters(self, _languages: Sequence[str], _lexicon: Sequence[str], /) -> Mapping[str, str]:
        return {"layout": LAYOUT}

    def read(self, image: bytes, _languages: Sequence[str], _lexicon: Sequence[str], sheet: Sheet | None, /) -> Reading:
        known = {} if sheet is None else {
            "sample": sheet.model.sample.object.sha256,
            "zones": [zone.model_dump(mode="json") for zone in sheet.model.zones],
        }  # fmt: skip
        files = [] if sheet is None else [sheet.sample]
        reply = self._sandbox.run("read_fields", files=files, blob=image, deadline_s=DEADLINE_S, **known)
        fields = tuple(Field(**field) for field in reply.result)
        return Reading("done", tuple(Line(field.text, field.confidence) for field in fields), fields)


class FieldsFirst:
    """Handwriting in fields where they are found, and lines where not: each does what it can, if it is installed."""

    def __init__(self, fields: Engine, lines: Engine) -> None:
        self._engines = (fields, lines)

    def version(self, languages: Sequence[str]) -> str | None:
        return " + ".join(filter(None, (engine.version(languages) for engine in self._engines))) or None

    def parameters(self, languages: Sequence[str], lexicon: Sequence[str], /) -> Mapping[str, str]:
        fields, lines = (engine.parameters(languages, lexicon) for engine in self._engines)
        return {**lines, **fields}

    def read(self, image: bytes, languages: Sequence[str], lexicon: Sequence[str], sheet: Sheet | None, /) -> Reading:
        reading = Reading("done")
        for engine in self._engines:
            if engine.version(languages) is not None and not reading.fields:
                reading = engine.read(image, languages, lexicon, sheet)
        return reading


def reading_sandbox(*, size: int, environ: Mapping[str, str], preload: bool = True) -> Sandbox:
    """Children that may start tesseract; of ``environ`` they see where programs and language data are.

    Without ``preload`` the first child is started when there is something to read.
    """
    path = environ.get("PATH", os.defpath)
    program = shutil.which("tesseract", path=path)
    installed = (str(Path(program).resolve().parents[1]),) if program else ()  # its libraries and data lie beside it
    passed = {"TESSDATA_PREFIX": environ["TESSDATA_PREFIX"]} if "TESSDATA_PREFIX" in environ else {}
    return Sandbox(
        "services.ocr.pixels",
        size=size,
        memory_mb=MEMORY_MB,
        cpu_s=CPU_S,
        scratch_mb=SCRATCH_MB,
        preload=preload,
        may_start_programs=True,
        reads=(*installed, *passed.values()),
        environment={**passed, "PATH": path, "OMP_THREAD_LIMIT": "1"},
    )
