"""The desk's clock is one's own: what it counts stays on this computer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Page, Request, expect

from tests.browser.desks import Hands, exam_to_mark
from tests.browser.stack import Stack
from tests.browser.visits import Visits

KEPT = "JSON.parse(localStorage.getItem('korrigo.desk.pace.lasted'))"
MINUTE_MS = 60_000


def _told(request: Request) -> Iterator[str]:
    """Each value a request carries: parts of its address, headers, and whatever is in its body."""
    yield from request.url.replace("?", "/").replace("=", "/").replace("&", "/").split("/")
    for name, value in request.headers.items():
        yield name
        yield value
    if request.post_data:
        yield from _values(json.loads(request.post_data))


def _values(told: Any) -> Iterator[str]:
    if isinstance(told, dict):
        for name, value in told.items():
            yield name
            yield from _values(value)
    elif isinstance(told, list):
        for each in told:
            yield from _values(each)
    else:
        yield str(told)


def _of_the_clock(requests: list[Request], seconds: int) -> list[str]:
    """Requests that tell the time one took, in seconds or milliseconds, or that speak of a pace at all."""
    secret = {str(seconds), f"{seconds // 60}:{seconds % 60:02}"}
    return [
        f"{each.method} {each.url}"
        for each in requests
        if "/assets/" not in each.url
        and any(value in secret or value.startswith(f"{seconds}.") or "pace" in value for value in _told(each))
    ]


def _worked(page: Page, hands: Hands, minutes: int) -> None:
    """So long at the desk, with a key now and then: the clock stops for who does nothing for a minute."""
    for _ in range(minutes):
        hands.press("Shift")
        page.clock.run_for(MINUTE_MS - 1000)


def test_the_time_one_takes_is_in_no_request(page: Visits, stack: Stack) -> None:
    exam = exam_to_mark(stack.base, stack.world.admin_password, copies=6)
    shown = page("marker", "/exams")
    requests: list[Request] = []
    shown.context.on("request", lambda request: requests.append(request))
    shown.clock.install()
    shown.goto(f"/copies/{exam.copies[0]}/mark")
    hands = Hands(shown)
    shown.get_by_role("button", name="Mon rythme").click()
    expect(shown.locator("own-pace")).to_contain_text("0:0")
    shown.locator("[data-score]").first.focus()
    _worked(shown, hands, 37)
    hands.press(*["Enter"] * 12)
    hands.saved()
    hands.press("Control+Enter")
    shown.wait_for_url(lambda address: exam.copies[0] not in address)
    _worked(shown, hands, 2)
    hands.press("Enter")
    hands.saved()
    shown.goto("/exams")  # what is sent when the desk closes
    (seconds,) = shown.evaluate(KEPT)
    assert 37 * 59 <= seconds < 39 * 60
    assert {"POST", "PATCH"} <= {each.method for each in requests}
    assert any(each.url.endswith("/finalise") for each in requests)
    assert _of_the_clock(requests, seconds) == []

    shown.evaluate("seconds => fetch('/api/v1/nothing', {method: 'POST', body: JSON.stringify({seconds})})", seconds)
    assert len(_of_the_clock(requests, seconds)) == 1, "it would be seen"
