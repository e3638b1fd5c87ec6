"""The recognisers ocr can use, behind one small interface: the next one replaces a class, not a service."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Protocol

from chassis.sandbox import Sandbox
from services.ocr.domain import Line

MEMORY_MB = 1500
CPU_S = 40
DEADLINE_S = 60.0
LAYOUT = "1"  # to be raised with every change of fields.py or pixels.py that reads differently: it is in the memo's key
SCRATCH_MB = 64  # the cleaned strip as PNG; an A3 side at 300 dpi has 17 MB before compression


class Engine(Protocol):
    """Reads header strips."""

    def version(self, languages: Sequence[str]) -> str | None:
        """Name and version, such as ``tesseract 5.3.0``; ``None`` when it cannot read these languages here."""
        ...

    def parameters(self, languages: Sequence[str], lexicon: Sequence[str], /) -> Mapping[str, str]:
        """Everything besides image and version that changes what is read, to tell one reading from another."""
        ...

    def read(self, image: bytes, languages: Sequence[str], lexicon: Sequence[str], /) -> tuple[Line, ...]:
        """Raises: UnreadableImage. TaskFailed: killed or crashed. Unavailable: no child was free."""
        ...


class Tesseract:
    """Debian's tesseract through pytesseract, in a sandbox. Ignores the lexicon: its word lists do not bind."""

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

    def read(self, image: bytes, languages: Sequence[str], _lexicon: Sequence[str], /) -> tuple[Line, ...]:
        reply = self._sandbox.run("read", blob=image, deadline_s=DEADLINE_S, languages=list(languages))
        return tuple(Line(str(text), float(confidence)) for text, confidence in reply.result)


def tesseract_sandbox(*, size: int, environ: Mapping[str, str]) -> Sandbox:
    """Children that may start tesseract; of ``environ`` they see where programs and language data are."""
    passed = {"TESSDATA_PREFIX": environ["TESSDATA_PREFIX"]} if "TESSDATA_PREFIX" in environ else {}
    return Sandbox(
        "services.ocr.pixels",
        size=size,
        memory_mb=MEMORY_MB,
        cpu_s=CPU_S,
        scratch_mb=SCRATCH_MB,
        may_start_programs=True,
        environment={**passed, "PATH": environ.get("PATH", os.defpath), "OMP_THREAD_LIMIT": "1"},
    )
