"""How smoothly the longest lists scroll: a pile of 1000 copies × 12 items, a staging desk of 600 booklets.

    python -m benchmarks.long_lists [--screens]

Starts a system of its own, in Debian's Chromium, with wheel input as Chromium itself makes it. Each list is scrolled at
a reader's speed and flung to its end, at full speed and with the processor slowed four times, in turns with a plain
static page as long as it. Told are the time between frames (p95 and worst), the processor time of the page's main
thread for each, tasks of more than 50 ms, and frames in which a row in sight had not been drawn: by the page's own
account (``elementFromPoint`` after each frame), and with ``--screens``, which slows all down and measures no time, by
what was on the screen itself. An undrawn booklet shows its number; a copy shows nothing.
The pile's own answer is measured too: bytes, plain and compressed, and the time it takes.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import io
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from PIL import Image
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from benchmarks.marking_desk import p95
from demo.client import Client
from tests.browser.desks import exam_to_mark
from tests.browser.visits import launch_options
from tests.story.world import passing_world

SCANNED, COPIES, BOOKLETS = 12, 1000, 600
SLOWDOWNS = (1, 4)
READER_PX_S, FLING_PX_S = 1500, 12_000
READ_S = 12
FRAME_MS = 34

# Clones of what was scanned and allocated: their pages are the same pictures under other ids.
MORE_COPIES = """
INSERT INTO copies (id, exam_id, anonymous_id, paper_revision, manifest, pages, page_count, marker_id, marker)
SELECT gen_random_uuid(), exam_id, 'N' || lpad(n::text, 5, '0'), paper_revision, manifest, pages, page_count, marker_id,
  marker FROM copies, generate_series(1, :more) n WHERE id = :one"""
MARKED = """
INSERT INTO marks (copy_id, version, fence, scheme_version, scores, remarks, updated_at, updated_by)
SELECT id, 1, 1, 1, (SELECT jsonb_object_agg(item, round((random() * 1.5)::numeric, 2)::text)
  FROM unnest(CAST(:items AS text[])) item WHERE random() < 0.9 AND copies.id IS NOT NULL), '{}', now(), marker_id
FROM copies WHERE exam_id = :exam"""
MORE_BOOKLETS = """
WITH made AS (INSERT INTO booklets (id, exam_id, upload_id, place, first_side, confidence)
  SELECT gen_random_uuid(), exam_id, upload_id, 1000 + n, first_side + 1000 * n, confidence
  FROM booklets, generate_series(1, :more) n WHERE id = :one RETURNING id, place)
INSERT INTO pages (id, upload_id, side_no, half, clip, turn_deg, sound, blank, ink, header, header_box, images, masked,
  header_image, booklet_id, place, features)
SELECT gen_random_uuid(), upload_id, side_no + 1000 * (made.place - 1000), half, clip, turn_deg, sound, blank, ink,
  header, header_box, images, masked, header_image, made.id, pages.place, features
FROM pages, made WHERE booklet_id = :one"""

PLAIN = """(px) => {
  document.body.replaceChildren(...Array.from({ length: Math.ceil(px / 38) }, (_, n) => {
    const line = document.createElement("p");
    line.textContent = `${n} `.repeat(16);
    line.style.setProperty("block-size", "38px");
    line.style.setProperty("margin", "0");
    return line;
  }));
}"""
UNDRAWN = "booklet-strip, .staged:not(:has(.leaves)), .staged:not(:has(.leaves)) *"
WATCH = """([box, undrawn]) => {
  const seen = window.seen = { gaps: [], blank: 0, long: [], on: true };
  const whole = { left: 0, top: 0, width: innerWidth, height: innerHeight };
  const area = () => (box ? document.querySelector(box).getBoundingClientRect() : whole);
  const tasks = new PerformanceObserver((list) => seen.long.push(...list.getEntries().map((each) => each.duration)));
  tasks.observe({ type: "longtask" });
  const after = new MessageChannel();
  after.port1.onmessage = () => {
    const { left, top, width, height } = area();
    const share = [0.25, 0.5, 0.75][seen.gaps.length % 3]; // in turns: finding what is at a point costs time
    if (document.elementFromPoint(left + width / 3, top + height * share)?.matches(undrawn)) seen.blank += 1;
  };
  let before = 0;
  const frame = (now) => {
    if (!seen.on) return tasks.disconnect();
    if (before) seen.gaps.push(now - before);
    before = now;
    if (undrawn) after.port2.postMessage(0);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""


@dataclass(frozen=True)
class List:
    """``box`` scrolls (the page itself if empty). ``undrawn``: what is found at a point where a row is missing. On
    screen, where the first ``mark`` stands, there is no plain strip of ``plain_px`` unless a row is missing."""

    name: str
    path: str
    box: str
    undrawn: str
    mark: str
    plain_px: int


@contextmanager
def long_lists() -> Iterator[tuple[Client, str, tuple[List, ...]]]:
    with passing_world("lists") as world:
        made = exam_to_mark(world.system.base, world.admin_password, copies=SCANNED)
        items = [each["item_id"] for each in made.marker.get(f"/exams/{made.id}/pile")["items"]]
        with sa.create_engine(world.databases["grading"]).begin() as sql:
            sql.execute(sa.text(MORE_COPIES), {"more": COPIES - SCANNED, "one": made.copies[0]})
            sql.execute(sa.text(MARKED), {"exam": made.id, "items": items})
        with sa.create_engine(world.databases["ingest"]).begin() as sql:
            one = sql.scalar(sa.text("SELECT id FROM booklets ORDER BY place LIMIT 1"))
            sql.execute(sa.text(MORE_BOOKLETS), {"more": BOOKLETS, "one": one})
        admin = Client(world.system.base).sign_in("admin", world.admin_password)
        pile = List("pile", f"/exams/{made.id}/pile", ".grid-box", ".grid, tbody", "tbody .id a", 60)
        desk = List("staging desk", f"/exams/{made.id}/scans?view=desk", "", UNDRAWN, ".page", 150)
        yield admin, made.id, (pile, desk)


def opened(browser: Browser, admin: Client, found: List) -> Page:
    context = browser.new_context(base_url=admin.base, viewport={"width": 1440, "height": 900}, locale="fr-FR")
    cookies = [{"name": each.name, "value": each.value or "", "url": admin.base} for each in admin.http.cookies]
    context.add_cookies(cookies)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(found.path)
    page.locator(found.mark).first.wait_for()
    page.wait_for_load_state("networkidle")
    return page


def scrolled(page: Page, px: float, px_s: int) -> None:
    """By wheel events over the middle of the window; ends when Chromium has sent them all."""
    gesture = {"x": 720, "y": 600, "yDistance": -px, "speed": px_s, "gestureSourceType": "mouse"}
    page.context.new_cdp_session(page).send("Input.synthesizeScrollGesture", gesture)


def watched(page: Page, found: List | None, px: float, px_s: int) -> dict[str, Any]:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.evaluate(WATCH, [found.box, found.undrawn] if found else ["", ""])
    before = _busy_ms(session)
    scrolled(page, px, px_s)
    seen: dict[str, Any] = page.evaluate("(seen.on = false, seen)")
    return seen | {"busy": (_busy_ms(session) - before) / max(1, len(seen["gaps"]))}


def _busy_ms(session: CDPSession) -> float:
    """Processor time of the page's main thread, whatever else the machine does meanwhile."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(1000 * each["value"] for each in metrics if each["name"] == "TaskDuration")


def height(page: Page, box: str) -> float:
    """Px that are out of sight below."""
    below: float = page.evaluate(
        "(box) => { const it = box ? document.querySelector(box) : document.scrollingElement; "
        "return it.scrollHeight - it.clientHeight - it.scrollTop; }",
        box,
    )
    return below


def measure(browser: Browser, admin: Client, found: List) -> None:
    print(f"{found.name}, load average {os.getloadavg()[0]:.1f}")
    for slowdown in SLOWDOWNS:
        page = opened(browser, admin, found)
        plain = page.context.new_page()
        plain.evaluate(PLAIN, height(page, found.box) + 900)
        for each in (page, plain):
            each.context.new_cdp_session(each).send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
        for way, speed in (("read", READER_PX_S), ("flung", FLING_PX_S)):
            px = {"read": speed * READ_S, "flung": height(page, found.box)}[way]
            plain.bring_to_front()
            beside = watched(plain, None, px, speed)
            page.bring_to_front()
            tell(f"{way} at {speed} px/s, slowed {slowdown}×", watched(page, found, px, speed), beside)
        page.context.close()


def tell(what: str, seen: dict[str, Any], beside: dict[str, Any]) -> None:
    gaps, plain = seen["gaps"], beside["gaps"]
    print(
        f"{'' if p95(gaps) <= FRAME_MS else 'OVER':>5} {what:<32} p95 {p95(gaps):5.1f} ms of {FRAME_MS},"
        f" {p95(gaps) / p95(plain):4.1f} × a plain page's; worst {max(gaps):4.0f} (plain {max(plain):4.0f});"
        f" {seen['busy']:4.1f} ms of processor a frame (plain {beside['busy']:4.1f}); {len(seen['long'])} long tasks;"
        f" a row missing in {seen['blank']} of {len(gaps)} frames",
        flush=True,
    )


def on_screen(browser: Browser, admin: Client, found: List) -> None:
    """Fling once more and look at what the screen shows, whoever drew it."""
    page = opened(browser, admin, found)
    session = page.context.new_cdp_session(page)
    shots: list[bytes] = []

    def kept(event: dict[str, Any]) -> None:
        shots.append(base64.b64decode(event["data"]))
        session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    session.on("Page.screencastFrame", kept)
    box = page.locator(found.mark).first.bounding_box()
    area = page.locator(found.box or "body").bounding_box()
    assert box
    assert area
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWNS[-1]})
    session.send("Page.startScreencast", {"format": "jpeg", "quality": 60})
    scrolled(page, height(page, found.box), FLING_PX_S)
    session.send("Page.stopScreencast")
    strip = (box["x"] - 8, 300, box["x"] + box["width"] + 8, min(900, area["y"] + area["height"]) - 60)
    longest = [_plain_px(shot, strip) for shot in shots]
    missing = sum(px > found.plain_px for px in longest)
    print(
        f"      on screen, flung, slowed {SLOWDOWNS[-1]}×: {missing} of {len(shots)} pictures show a row missing",
        flush=True,
    )
    page.context.close()


def _plain_px(shot: bytes, strip: tuple[float, float, float, float]) -> int:
    """The longest run of lines in which nothing is to be seen."""
    grey = Image.open(io.BytesIO(shot)).convert("L").crop(tuple(map(int, strip)))
    longest = run = 0
    for y in range(grey.height):
        low, high = grey.crop((0, y, grey.width, y + 1)).getextrema()
        run = run + 1 if high - low < 24 else 0
        longest = max(longest, run)
    return longest


def answer(admin: Client, exam_id: str) -> None:
    times = []
    for _ in range(10):
        began = time.perf_counter()
        body = admin.call("GET", f"/exams/{exam_id}/pile").content
        times.append(time.perf_counter() - began)
    print(
        f"the pile's answer: {len(body) / 1000:.0f} kB, {len(gzip.compress(body, 6)) / 1000:.0f} kB compressed, "
        f"{1000 * statistics.median(times):.0f} ms (median of 10)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--screens", action="store_true")
    wanted = parser.parse_args()
    with long_lists() as (admin, exam_id, lists), sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        answer(admin, exam_id)
        for each in lists:
            measure(browser, admin, each)
            if wanted.screens:
                on_screen(browser, admin, each)
        browser.close()


if __name__ == "__main__":
    main()
