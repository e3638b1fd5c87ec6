"""The gateway holds people and their sessions: it names no object, and who saw what is only ever added to."""

from __future__ import annotations

from chassis.invariants import Subjects

SUBJECTS: tuple[Subjects, ...] = ()
