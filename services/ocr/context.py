"""What every use case of ocr is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chassis import observe
from chassis.db import Database
from chassis.disk_cache import DiskCache
from chassis.objects import Objects
from chassis.sandbox import TaskFailed
from chassis.settings import load
from contracts.errors import Unavailable
from services.ocr.engines import Engine, FieldsFirst, PpOcr, PrintReader, Tesseract, TesseractPages, reading_sandbox
from services.ocr.settings import Settings

LANGUAGES = ("fra", "eng")
SAMPLES_BYTES = 64 << 20  # on disk; a sample has 100-400 kB
log = observe.logger("services.ocr")


@dataclass(frozen=True)
class Context:
    """Built once per process. ``release`` ends what the engines hold.

    Printed pages have a child of their own, so that no header ever waits for one; it starts with the first of them.
    """

    db: Database
    objects: Objects
    engine: Engine
    samples: DiskCache
    release: Callable[[], None]
    print_reader: PrintReader | None = None

    @classmethod
    def build(cls, environ: Mapping[str, str], *, children: int) -> Context:
        settings = load(Settings, environ)
        database = Database(settings.database_url, service="ocr", pool_size=settings.database_pool, max_overflow=0)
        objects = Objects.of(settings)
        sandbox = reading_sandbox(size=children, environ=environ)
        handwriting, lines = PpOcr(sandbox), Tesseract(sandbox)
        announce(handwriting, NO_RECOGNISER)
        announce(lines, NO_TESSERACT)
        samples = DiskCache(objects, max_bytes=SAMPLES_BYTES)
        pages = reading_sandbox(size=1, environ=environ, preload=False)

        def release() -> None:
            sandbox.close()
            pages.close()

        return cls(database, objects, FieldsFirst(handwriting, lines), samples, release, TesseractPages(pages))

    def close(self) -> None:
        self.release()
        self.samples.close()
        self.db.close()
        self.objects.close()


NO_RECOGNISER = (
    "The recogniser of handwriting is not installed: names are read with Tesseract alone, and far fewer are found. "
    "Install rapidocr and onnxruntime as requirements/ocr.txt says, then restart ocr."
)
NO_TESSERACT = (
    "Tesseract or its French data is not installed: a header without boxes or sheet model is identified by hand. "
    "Install tesseract-ocr and tesseract-ocr-fra, then restart ocr."
)
"""Whole sentences instead of an event's name: they are for whoever starts the system, once."""


def announce(engine: Engine, missing: str) -> None:
    """Say once, at the start, what can be read here. Without any engine everything else still works."""
    try:
        version = engine.version(LANGUAGES)
    except (TaskFailed, Unavailable) as error:
        log.warning("engine_unknown", error=error)  # asked again with the first header
        return
    if version is None:
        log.warning(missing)
    else:
        log.info("engine_ready", engine=version)
