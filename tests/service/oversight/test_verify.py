"""Every invariant holds in a school that the real use cases filled, and each look sees its own breach and no other."""

from __future__ import annotations

from typing import Any

from oversight.installation import Installation
from oversight.report import Report
from oversight.verify import verify


def look(installation: Installation, **options: Any) -> Report:
    return verify(installation, settled_after_s=0, second_look_s=0, **options)


def test_a_school_that_worked_without_faults_is_sound(installation: Installation) -> None:
    report = look(installation, deep=True)
    assert report.findings == []
    assert report.complete
