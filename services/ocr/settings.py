"""What ocr reads from its environment: what every service reads, and no more."""

from __future__ import annotations

from dataclasses import dataclass

from chassis.settings import Common


@dataclass(frozen=True, kw_only=True)
class Settings(Common):
    """TESSDATA_PREFIX and PATH are passed on to tesseract as they are."""
