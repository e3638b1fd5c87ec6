"""What is checked of every page sees it when it is wrong."""

from __future__ import annotations

import pytest

from tests.browser.visits import Visits, expect_accessible, expect_inside


def test_axe_sees_a_button_without_a_name(page: Visits) -> None:
    shown = page(None, "/sign-in")
    shown.evaluate("document.querySelector('main').append(document.createElement('button'))")
    with pytest.raises(AssertionError, match="button-name"):
        expect_accessible(shown)


def test_what_is_wider_than_the_window_is_seen(page: Visits) -> None:
    shown = page(None, "/sign-in", size="phone")
    expect_inside(shown)
    shown.evaluate("document.querySelector('main').append('W'.repeat(100))")
    with pytest.raises(AssertionError, match="outside"):
        expect_inside(shown)


@pytest.mark.parametrize(
    "wrong",
    [
        "console.error('something is wrong')",
        "setTimeout(() => { throw new Error('nobody catches this') })",
        "document.body.setAttribute('style', 'color: red')",
        "document.querySelector('h1').innerHTML = '<b>markup from data</b>'",
        "document.body.append(Object.assign(document.createElement('script'), {textContent: '1'}))",
    ],
)
def test_the_console_is_heard(page: Visits, wrong: str) -> None:
    shown = page(None, "/sign-in")
    shown.evaluate(f"() => {{ try {{ {wrong} }} catch (refused) {{ }} }}")
    shown.evaluate("new Promise((heard) => setTimeout(heard))")
    assert page.errors
    with pytest.raises(AssertionError, match="silent"):
        page.end()
    page.errors.clear()
