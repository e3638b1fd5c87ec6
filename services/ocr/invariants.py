"""ocr holds readings only: they name no object and could all be made again."""

from __future__ import annotations

from chassis.invariants import Subjects

SUBJECTS: tuple[Subjects, ...] = ()
