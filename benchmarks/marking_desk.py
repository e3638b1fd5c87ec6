"""How fast the marking desk is, in Debian's Chromium against the real system.

    python -m benchmarks.marking_desk [--base URL --password ADMINS] [--loads 5]

Without ``--base`` it starts a system of its own. Eight figures, each beside what it must not exceed:

- keys and clicks for a copy of twelve items with three comments, up to the next copy;
- kilobytes of scripts, compressed, before the first score can be given, and until nothing more comes unasked;
- first paint and first possible score after a cold load, the processor slowed down four times (median of ``--loads``);
- from the key to the next copy on screen;
- from a pen event (240 a second) to the frame that shows it;
- frames while the pen draws on a page that has 500 strokes already, and the cost of one more stroke.

Times depend on the machine and what else it does; the load average is printed with them.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.desks import Exam, Hands, exam_to_mark
from tests.browser.visits import launch_options
from tests.story.world import passing_world

SLOWDOWN = 4
PEN_HZ = 240
STROKES = 500
KEYS, SCRIPTS_KB, PAINT_MS, USABLE_MS, NEXT_MS, PEN_MS, FRAME_MS = 20, 40, 1000, 1500, 100, 34, 34

LOADED = """() => {
  const sent = (until) => performance.getEntriesByType("resource")
    .filter((each) => new URL(each.name).pathname.endsWith(".js") && each.startTime < until)
    .reduce((sum, each) => sum + each.encodedBodySize, 0);
  const ready = performance.getEntriesByName("desk-ready")[0].startTime;
  const paint = performance.getEntriesByName("first-contentful-paint")[0].startTime;
  return { ready, paint, first: sent(ready - 1), all: sent(Infinity) };
}"""
WATCH_PEN = """() => {
  window.penToPaint = [];
  window.gaps = [];
  let before = performance.now();
  const frame = (now) => { gaps.push(now - before); before = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  const channel = new MessageChannel();
  const waiting = [];
  channel.port1.onmessage = () => penToPaint.push(performance.now() - waiting.shift());
  let asked = false;
  document.querySelector(".stage").addEventListener("pointermove", (event) => {
    if (asked || !event.buttons) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; waiting.push(event.timeStamp); channel.port2.postMessage(0); });
  });
}"""
FILL = """async (count) => {
  const S = await import(document.querySelector('script[src*="marking/desk.js"]').src.replace("desk.js", "store.js"));
  for (let i = 0; i < count; i++) {
    const [x, y] = [0.05 + (i % 10) * 0.09, 0.05 + Math.floor(i / 10) * 0.018];
    const points = Array.from({ length: 24 }, (_, k) => [x + k * 0.003, y + 0.004 * Math.sin(k)]);
    S.add({ page: 1, type: "pen", x, y, colour: "red", points: [points] });
  }
  await S.sync.flush();
}"""
UNDO = """async () => {
  const S = await import(document.querySelector('script[src*="marking/desk.js"]').src.replace("desk.js", "store.js"));
  const before = performance.now();
  S.undo();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - before;
}"""


@contextmanager
def exam(base: str | None, password: str) -> Iterator[tuple[str, Exam]]:
    if base:
        yield base, exam_to_mark(base, password)
        return
    with passing_world("desk") as world:
        yield world.system.base, exam_to_mark(world.system.base, world.admin_password)


def opened(browser: Browser, base: str, found: Exam, copy: str, *, slowdown: int = 1) -> Page:
    context = browser.new_context(base_url=base, viewport={"width": 1440, "height": 900}, locale="fr-FR")
    cookies = found.marker.http.cookies
    context.add_cookies([{"name": each.name, "value": each.value or "", "url": base} for each in cookies])
    page = context.new_page()
    if slowdown > 1:
        context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
    page.goto(f"/copies/{copy}/mark", wait_until="load")
    Hands(page)
    page.wait_for_load_state("networkidle")
    return page


def drawn(page: Page, strokes: int) -> dict[str, list[float]]:
    """A wavy line at the rate of a good stylus."""
    page.evaluate(WATCH_PEN)
    hands = Hands(page)
    hands.press("p")
    session = page.context.new_cdp_session(page)
    pen = {"button": "left", "buttons": 1, "clickCount": 1, "pointerType": "pen"}
    for stroke in range(strokes):
        left, top = hands.at(0.1, 0.1 + 0.1 * stroke)
        began = time.perf_counter()
        for step in range(PEN_HZ):
            kind = "mousePressed" if step == 0 else "mouseReleased" if step == PEN_HZ - 1 else "mouseMoved"
            at = {"x": left + 2.2 * step, "y": top + 14 * math.sin(step / 7), "force": 0.3 + step / 600}
            session.send("Input.dispatchMouseEvent", {"type": kind, **at, **pen})
            time.sleep(max(0.0, began + step / PEN_HZ - time.perf_counter()))
    found: dict[str, list[float]] = page.evaluate("({ pen: penToPaint, gaps: gaps.slice(1) })")
    return found


def p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def tell(what: str, found: float, most: float, unit: str) -> None:
    print(f"{'' if found <= most else 'OVER ':>5}{what:<64}{found:8.1f} of {most:g} {unit}".rstrip(), flush=True)


def measure(browser: Browser, base: str, found: Exam, loads: int) -> None:
    cold = []
    for _ in range(loads):
        page = opened(browser, base, found, found.copies[0], slowdown=SLOWDOWN)
        cold.append(page.evaluate(LOADED))
        page.context.close()
    tell("scripts before the first score, compressed", cold[0]["first"] / 1000, SCRIPTS_KB, "kB")
    tell("scripts it loads unasked, compressed", cold[0]["all"] / 1000, SCRIPTS_KB, "kB")
    tell("first paint, processor slowed 4 times", statistics.median(each["paint"] for each in cold), PAINT_MS, "ms")
    tell("first score possible, slowed 4 times", statistics.median(each["ready"] for each in cold), USABLE_MS, "ms")

    page = opened(browser, base, found, found.copies[1])
    hands = Hands(page)
    hands.press(
        "Alt+2", "Enter", "Alt+1", "Enter", *["Enter"] * 5, "1", "Enter", "Alt+1", *["Enter"] * 4, "Control+Enter"
    )
    page.wait_for_url(lambda address: found.copies[1] not in address)
    tell("keys for twelve items and three comments; no click", hands.keys, KEYS, "keys")
    page.wait_for_load_state("networkidle")
    for _ in range(6):
        url = page.url
        hands.press("n")
        page.wait_for_function("(before) => location.href !== before", arg=url)
        page.wait_for_load_state("networkidle")
    shown = page.evaluate("performance.getEntriesByName('next-copy').map((each) => each.duration)")
    tell("next copy on screen, median", statistics.median(shown), NEXT_MS, "ms")

    page = opened(browser, base, found, found.copies[-1])
    pens = drawn(page, 5)
    tell("pen event to the frame that shows it, p95", p95(pens["pen"]), PEN_MS, "ms")
    page.evaluate(FILL, STROKES)
    page.wait_for_load_state("networkidle")
    tell(f"one stroke undone on a page of {STROKES}", page.evaluate(UNDO), PEN_MS, "ms")
    pens = drawn(page, 3)
    tell(f"pen event to frame on a page of {STROKES} strokes, p95", p95(pens["pen"]), PEN_MS, "ms")
    tell("between frames while drawing there, p95", p95(pens["gaps"]), FRAME_MS, "ms")
    page.context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", help="a system that runs already, without a path")
    parser.add_argument("--password", default="", help="of its account admin")
    parser.add_argument("--loads", type=int, default=5)
    wanted = parser.parse_args()
    with exam(wanted.base, wanted.password) as (base, found), sync_playwright() as playwright:
        expect.set_options(timeout=60_000)
        browser = playwright.chromium.launch(**launch_options())
        print(f"load average {os.getloadavg()[0]:.1f}")
        measure(browser, base, found, wanted.loads)
        browser.close()


if __name__ == "__main__":
    main()
