"""Every screen in both themes and sizes, and on a phone: silent console, nothing outside the window, nothing for axe to
say; with --keep-screens a picture.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.stack import Stack
from tests.browser.visits import LOOKS, Screen, Visits, expect_accessible, expect_inside, keep, still


def _declared() -> Iterator[Screen]:
    """The ``SCREENS`` of each area's tests."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path.name != Path(__file__).name:
            yield from getattr(importlib.import_module(f"tests.browser.{path.stem}"), "SCREENS", ())


@pytest.mark.parametrize(("theme", "size"), LOOKS)
@pytest.mark.parametrize("screen", list(_declared()), ids=lambda screen: screen.name)
def test_screen(
    page: Visits, stack: Stack, screen: Screen, theme: str, size: str, request: pytest.FixtureRequest
) -> None:
    page.allow(screen.says)
    shown = page(screen.role, screen.path, theme=theme, size=size, touch=size == "phone")
    if screen.prepare is not None:
        screen.prepare(shown, stack)
    still(shown)
    expect_inside(shown)
    expect_accessible(shown)
    kept = size != "phone" or screen.phone
    if kept and request.config.getoption("--keep-screens", default=False):
        keep(shown, f"{screen.name}-{theme}-{size}", full=screen.full)
