"""What every use case of ocr is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chassis import observe
from chassis.db import Database
from chassis.objects import Objects
from chassis.sandbox import TaskFailed
from chassis.settings import load
from contracts.errors import Unavailable
from services.ocr.engines import Engine, Tesseract, tesseract_sandbox
from services.ocr.settings import Settings

LANGUAGES = ("fra", "eng")
log = observe.logger("services.ocr")


@dataclass(frozen=True)
class Context:
    """Built once per process. ``release`` ends what the engine holds."""

    db: Database
    objects: Objects
    engine: Engine
    release: Callable[[], None]

    @classmethod
    def build(cls, environ: Mapping[str, str], *, children: int) -> Context:
        settings = load(Settings, environ)
        database = Database(settings.database_url, service="ocr", pool_size=settings.database_pool, max_overflow=0)
        sandbox = tesseract_sandbox(size=children, environ=environ)
        engine = Tesseract(sandbox)
        announce(engine)
        return cls(database, Objects.of(settings), engine, sandbox.close)

    def close(self) -> None:
        self.release()
        self.db.close()
        self.objects.close()


NO_ENGINE = (
    "Tesseract or its French data is not installed: no header is read, copies are identified by hand. "
    "Install tesseract-ocr and tesseract-ocr-fra, then restart ocr."
)
"""A whole sentence instead of an event's name: it is for whoever starts the system, once."""


def announce(engine: Engine) -> None:
    """Say once, at the start, whether headers can be read here. Without an engine everything else still works."""
    try:
        version = engine.version(LANGUAGES)
    except (TaskFailed, Unavailable) as error:
        log.warning("engine_unknown", error=error)  # asked again with the first header
        return
    if version is None:
        log.warning(NO_ENGINE)
    else:
        log.info("engine_ready", engine=version)
