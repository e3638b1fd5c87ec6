"""A school that opens http://server.lan:8000, without HTTPS: what browsers withhold there is not needed, or is told."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desks import Exam, Hands, exam_to_mark
from tests.browser.stack import Stack
from tests.browser.visits import Visits
from tests.story.journey import MARKERS, PASSWORD

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def exam(stack: Stack) -> Exam:
    return exam_to_mark(stack.base, stack.world.admin_password, copies=6)


@pytest.fixture
def lan(page: Visits, stack: Stack) -> Iterator[Page]:
    page.allow("Cross-Origin-Opener-Policy")  # of no effect there, and the browser says so
    local = stack.base
    stack.base = local.replace("127.0.0.1", "server.lan")
    yield page(None, "/sign-in")
    stack.base = local


def _signed_in(lan: Page) -> None:
    lan.get_by_label("Identifiant").fill(MARKERS[0])
    lan.get_by_label("Mot de passe").fill(PASSWORD)
    lan.get_by_role("button", name="Se connecter").click()
    expect(lan).to_have_url(re.compile("/exams$"))


def test_the_door_says_that_the_address_is_not_protected(lan: Page, page: Visits) -> None:
    assert not lan.evaluate("isSecureContext")
    expect(lan.get_by_text("mots de passe et notes y passent en clair")).to_be_visible()
    expect(page(None, "/candidate").get_by_text("mots de passe et notes y passent en clair")).to_be_visible()


def test_a_protected_address_is_not_warned_of(page: Visits) -> None:
    expect(page(None, "/sign-in").get_by_text("en clair")).to_be_hidden()


def test_a_copy_is_marked_and_finished_without_https(lan: Page, exam: Exam) -> None:
    _signed_in(lan)
    copy = exam.copies[0]
    lan.goto(f"/copies/{copy}/mark")
    hands = Hands(lan)
    hands.press("p")
    hands.drag((0.2, 0.3), (0.5, 0.35), (0.6, 0.3))
    hands.press("v", "Alt+1", *["Enter"] * 12)
    hands.saved()
    marks = exam.marker.get(f"/copies/{copy}/desk")["annotations"]
    assert [each["type"] for each in marks] == ["pen", "comment"]
    assert all(UUID4.fullmatch(each["id"]) for each in marks)
    hands.press("Control+Enter")
    lan.wait_for_url(lambda address: copy not in address)


def test_marks_in_two_windows_are_both_kept_without_locks(lan: Page, exam: Exam) -> None:
    _signed_in(lan)
    copy = exam.copies[1]
    other = lan.context.new_page()
    for window, item in ((lan, "1 Sens de variation"), (other, "3 Convergence")):
        window.goto(f"/copies/{copy}/mark")
        hands = Hands(window)
        hands.field(item).fill("1")
        hands.press("Enter")
        hands.saved()
    assert exam.marker.get(f"/copies/{copy}/desk")["scores"]["scores"] == {"e1.1": "1", "e1.3": "1"}


def test_a_token_is_shown_to_be_written_down_where_there_is_no_clipboard(lan: Page) -> None:
    _signed_in(lan)
    lan.goto("/account")
    lan.locator("new-token input").fill("Essai")
    lan.locator("new-token button").click()
    expect(lan.locator("new-token .secret")).to_be_visible()
    expect(lan.get_by_role("button", name="Copier")).to_have_count(0)


def test_ids_are_random_and_of_version_four(lan: Page) -> None:
    made = lan.evaluate("""async () => {
        const main = document.querySelector('script[src*="main.js"]').src;
        const { uuid } = await import(main.replace("main.js", "core/uuid.js"));
        return Array.from({ length: 1000 }, uuid);
    }""")
    assert len(set(made)) == 1000
    assert all(UUID4.fullmatch(each) for each in made)
