"""Signing in, one's own account, everybody's accounts."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.stack import Stack
from tests.browser.visits import Screen, Visits
from tests.story.journey import MARKERS, PASSWORD, PatientClient


def _refused(page: Page, stack: Stack) -> None:
    page.get_by_label("Identifiant").fill("marie.curie")
    page.get_by_label("Mot de passe").fill("ce n’est pas le bon")
    page.get_by_role("button", name="Se connecter").click()
    expect(page.get_by_role("alert")).to_be_visible()


def _editing(page: Page, stack: Stack) -> None:
    page.get_by_role("button", name="Modifier Jeanne Martin").click()


SCREENS = (
    Screen("sign-in-refused", None, "/sign-in", _refused),
    Screen("account", "marker", "/account"),
    Screen("user-change", "admin", "/users", _editing),
    Screen("not-found", "marker", "/nothing/here"),
    Screen("forbidden", "marker", "/users"),
)


def _account(stack: Stack, username: str) -> None:
    body = {"username": username, "password": PASSWORD, "role": "marker", "display_name": username.title()}
    stack.admin.post("/users", json=body)


def test_a_wrong_password_is_told_where_one_looks(page: Visits) -> None:
    page.allow("401")
    shown = page(None, "/sign-in?next=/account")
    _refused(shown, page.stack)
    expect(shown.get_by_label("Identifiant")).to_have_value("marie.curie")
    shown.get_by_label("Mot de passe").fill(PASSWORD)
    shown.get_by_role("button", name="Se connecter").click()
    expect(shown).to_have_url(re.compile("/account$"))


def test_a_changed_password_ends_the_other_sessions_and_says_so(page: Visits, stack: Stack) -> None:
    _account(stack, "sophie.germain")
    stack.people["germain"] = PatientClient(stack.base).sign_in("sophie.germain", PASSWORD)
    PatientClient(stack.base).sign_in("sophie.germain", PASSWORD)
    shown = page("germain", "/account", language="en")
    expect(shown.get_by_text("Another browser")).to_have_count(1)
    shown.get_by_label("Current password").fill("wrong-wrong-wrong")
    shown.get_by_label("New password").fill("sept lampes vertes 19")
    shown.get_by_role("button", name="Change the password").click()
    expect(shown.get_by_text("this is not your present password")).to_be_visible()
    shown.get_by_label("Current password").fill(PASSWORD)
    shown.get_by_label("New password").fill("sept lampes vertes 19")
    shown.get_by_role("button", name="Change the password").click()
    expect(shown.get_by_text("Password changed.")).to_be_visible()
    shown.reload()
    expect(shown.get_by_text("Another browser")).to_have_count(0)


def test_a_token_is_shown_once_and_can_be_revoked(page: Visits, stack: Stack) -> None:
    shown = page("other", "/account", language="en")
    shown.get_by_label("What will it be for?").fill("Timetable")
    shown.get_by_role("button", name="Create a token").click()
    secret = shown.locator("code.secret").inner_text()
    script = PatientClient(stack.base)
    script.http.headers["Authorization"] = f"Bearer {secret}"
    assert script.get("/session")["user"]["username"] == MARKERS[1]
    shown.get_by_role("button", name="I have kept it").click()
    expect(shown.get_by_text(secret)).to_have_count(0)
    shown.get_by_role("button", name="Revoke Timetable").click()
    shown.get_by_role("button", name="Confirm").click()
    expect(shown.get_by_text("Timetable")).to_have_count(0)


def test_an_administrator_creates_changes_and_retires_an_account(page: Visits) -> None:
    shown = page("admin", "/users", language="en")
    shown.get_by_label("Display name").last.fill("Évariste Galois")
    shown.get_by_label("User name").fill("evariste")
    shown.get_by_label("First password").fill("evariste")
    shown.get_by_role("button", name="Create the account").click()
    shown.get_by_label("First password").fill(PASSWORD)
    shown.get_by_role("button", name="Create the account").click()
    row = shown.get_by_role("row", name=re.compile("Évariste Galois"))
    row.get_by_role("button").click()
    dialog = shown.get_by_role("dialog", name="Évariste Galois")
    dialog.get_by_role("combobox", name="Role").select_option("operator")
    dialog.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("Operator")
    row.get_by_role("button").click()
    dialog.get_by_role("button", name="Deactivate").click()
    shown.get_by_role("button", name="Confirm").click()
    expect(row).to_contain_text("Inactive")
