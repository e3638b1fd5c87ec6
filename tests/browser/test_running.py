"""What administrators look at while the system runs: the audit trail, and how each service is."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.stack import Stack
from tests.browser.visits import Screen, Visits


def _details(page: Page, stack: Stack) -> None:
    page.locator("summary").first.click()


SCREENS = (
    Screen("audit", "admin", "/audit?exam_id={marking}", _details),
    Screen("audit-nothing", "admin", "/audit?anonymous_id=NOBODY"),
    Screen("system", "admin", "/system"),
)


def test_the_trail_of_one_copy_is_found_by_its_number(page: Visits, stack: Stack) -> None:
    number = stack.admin.get(f"/copies/{stack.ids['graded']}")["anonymous_id"]
    shown = page("admin", "/audit", language="en")
    shown.get_by_role("textbox", name="Copy").fill(number.lower())
    shown.get_by_role("button", name="Search").click()
    expect(shown.get_by_role("row")).not_to_have_count(0)
    for row in shown.get_by_role("row").all()[1:]:
        expect(row).to_contain_text(number)
    shown.get_by_role("combobox", name="Act").select_option(label="Copy finalised")
    shown.get_by_role("button", name="Search").click()
    expect(shown.get_by_role("row")).to_have_count(2)
    shown.get_by_label("From").fill("2030-01-01")
    shown.get_by_role("button", name="Search").click()
    expect(shown.get_by_role("heading", name="Nothing matches")).to_be_visible()


def test_what_is_older_follows(page: Visits) -> None:
    shown = page("admin", "/audit?limit=5", language="en")
    first = shown.get_by_role("row").nth(1).inner_text()
    shown.get_by_role("button", name="Older").click()
    expect(shown).to_have_url(re.compile("cursor="))
    expect(shown.get_by_role("row")).to_have_count(6)
    assert shown.get_by_role("row").nth(1).inner_text() != first


def test_a_service_that_is_down_is_named(page: Visits, stack: Stack) -> None:
    shown = page("admin", "/system", language="en")
    expect(shown.get_by_text("Everything works.")).to_be_visible()
    stack.world.system.terminate("render")
    try:
        shown.get_by_role("link", name="Refresh").click()
        expect(shown.get_by_role("region", name="Documents")).to_contain_text("No answer")
    finally:
        stack.world.system.start("render")
