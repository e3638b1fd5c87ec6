"""The frame around every screen: signing in, the way around, language and theme."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.visits import Screen, Visits

SCREENS = (
    Screen("sign-in", None, "/sign-in", phone=True),
    Screen("candidate-sign-in", None, "/candidate", phone=True),
    Screen("users", "admin", "/users"),
    Screen("exams", "admin", "/exams", phone=True),
)


def test_a_chosen_theme_is_there_on_the_next_page(page: Visits) -> None:
    shown = page(None, "/sign-in")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = shown.evaluate(ground)
    shown.get_by_role("button", name="Sombre").click()
    dark = shown.evaluate(ground)
    assert dark != light
    shown.goto("/candidate")
    assert shown.evaluate(ground) == dark
    expect(shown.get_by_role("button", name="Sombre")).to_have_attribute("aria-pressed", "true")
