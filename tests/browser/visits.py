"""Browsers with people signed in, and what must hold of every page they see."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, CDPSession, ConsoleMessage, Page

from tests.browser.stack import Stack

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / ".node/node_modules/axe-core/axe.min.js"
SCREENS = ROOT / "docs/screens"
SIZES = {"desk": (1440, 900), "tablet": (820, 1180), "phone": (390, 844)}
LOOKS = [(theme, size) for theme in ("light", "dark") for size in ("desk", "tablet")] + [("light", "phone")]
# An answer that the API owes: the browser logs it, the page tells it.
ANSWERED = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


@dataclass(frozen=True)
class Screen:
    """A screen to be looked at: ``path`` may name ``{ids}`` of the stack; ``prepare`` brings the page to its state."""

    name: str
    role: str | None
    path: str
    prepare: Callable[[Page, Stack], None] | None = None
    full: bool = False  # the whole page instead of what a window shows
    phone: bool = False  # keep a picture of it on a phone, too
    says: str = "nothing"  # a pattern of what the console may say of it


@dataclass
class Visits:
    """``visits("marker", "/exams/{marking}/copies")`` opens a page; what the console says is an error at the end."""

    browser: Browser
    stack: Stack
    errors: list[str] = field(default_factory=list)
    allowed: list[re.Pattern[str]] = field(default_factory=lambda: [ANSWERED])
    _contexts: list[BrowserContext] = field(default_factory=list)

    def __call__(
        self,
        role: str | None,
        path: str = "/",
        *,
        language: str = "fr",
        theme: str = "light",
        size: str = "desk",
        touch: bool = False,
    ) -> Page:
        """A page of its own session (cookies, storage) of ``role``, or of a stranger; see ``Stack.people``."""
        width, height = SIZES[size]
        context = self.browser.new_context(
            base_url=self.stack.base,
            viewport={"width": width, "height": height},
            color_scheme="dark" if theme == "dark" else "light",
            locale={"fr": "fr-FR", "en": "en-GB"}[language],
            has_touch=touch,
            reduced_motion="reduce",
        )
        self._contexts.append(context)
        if role is not None:
            cookies = self.stack.people[role].http.cookies
            context.add_cookies([{"name": c.name, "value": c.value or "", "url": self.stack.base} for c in cookies])
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        page = context.new_page()
        page.goto(self.address(path), wait_until="load")
        return page

    def address(self, path: str) -> str:
        return path.format(**self.stack.ids)

    def allow(self, pattern: str) -> None:
        """What the console may say in this test, because the test provokes it."""
        self.allowed.append(re.compile(pattern))

    def end(self) -> None:
        for context in self._contexts:
            context.close()
        left = [error for error in self.errors if not any(each.search(error) for each in self.allowed)]
        assert left == [], "the console is silent"

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")


def expect_accessible(page: Page) -> None:
    """Nothing that axe calls a violation (WCAG 2.2 AA and best practices)."""
    session = page.context.new_cdp_session(page)
    try:
        found = _axe(session)
    finally:
        session.detach()
    told = [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]
    assert told == [], "\n".join(told)


def expect_inside(page: Page) -> None:
    """Nothing makes the page wider than its window."""
    sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert sideways <= 0, f"{sideways} px are outside the window"


def _axe(session: CDPSession) -> list[dict[str, Any]]:
    """In a world of its own: it sees the page, the page's CSP does not see it."""
    frame = session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    world = session.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "axe"})["executionContextId"]

    def run(expression: str) -> Any:
        asked = {"expression": expression, "contextId": world, "awaitPromise": True, "returnByValue": True}
        answer = session.send("Runtime.evaluate", asked)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    run(AXE.read_text())
    violations: list[dict[str, Any]] = run("axe.run({resultTypes: ['violations']}).then((found) => found.violations)")
    return violations


def still(page: Page) -> None:
    """Words, fonts and pictures have arrived."""
    page.wait_for_load_state("networkidle")
    page.evaluate("document.fonts.ready.then(() => true)")


def keep(page: Page, name: str, *, full: bool) -> None:
    """Write the picture to docs/screens, in 256 colours: a quarter of the size, and no eye sees it."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    shot = Image.open(io.BytesIO(page.screenshot(full_page=full, animations="disabled", caret="hide")))
    shot.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(SCREENS / f"{name}.png", optimize=True)


def launch_options() -> dict[str, Any]:
    """Debian's Chromium; as root it refuses to sandbox itself. ``server.lan`` is this machine, not as localhost."""
    args = ["--host-resolver-rules=MAP server.lan 127.0.0.1", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    return {"executable_path": "/usr/bin/chromium", "args": args}
