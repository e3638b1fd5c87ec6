"""What a person sees when something is wrong that is not theirs: a service away, a defect, a session that has ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from chassis.db import Database
from tests.browser.desks import Hands
from tests.browser.stack import Stack
from tests.browser.visits import Screen, Visits, expect_accessible
from tests.story.journey import MARKERS, PASSWORD, PatientClient

AWAY, DEFECT = "status of 503", "status of 500"


@contextmanager
def _grading_away(stack: Stack) -> Iterator[None]:
    stack.world.system.terminate("grading")
    try:
        yield
    finally:
        stack.world.system.start("grading")


@contextmanager
def _table_lost(stack: Stack) -> Iterator[None]:
    """What the gateway never expects of its own database: a defect, wherever it is asked for tokens."""
    database = Database(stack.world.databases["gateway"], service="gateway")

    def renamed(before: str, after: str) -> None:
        with database.transaction() as work:
            work.sql.execute(sa.text(f"alter table {before} rename to {after}"))

    renamed("tokens", "lost")
    try:
        yield
    finally:
        renamed("lost", "tokens")
        database.close()


def _seen(path: str, broken: Callable[[Stack], AbstractContextManager[None]]) -> Callable[[Page, Stack], None]:
    """The page while something is broken: really so the first time, then as it was answered."""
    answers: list[str] = []

    def prepare(page: Page, stack: Stack) -> None:
        if answers:
            page.route(f"**{path}", lambda route: route.fulfill(body=answers[0], content_type="text/html"))
            page.goto(path)
            return
        with broken(stack):
            answer = page.goto(path)
            assert answer is not None
            answers.append(answer.text())

    return prepare


def _ended(page: Page, _: Stack) -> None:
    page.context.add_cookies([{"name": "korrigo", "value": "yesterday", "url": page.url}])
    page.goto("/exams")
    expect(page.get_by_text("Votre session a pris fin")).to_be_visible()


def _ended_for_candidate(page: Page, _: Stack) -> None:
    page.context.add_cookies([{"name": "korrigo_candidate", "value": "yesterday", "url": page.url}])
    page.goto("/results")
    expect(page.get_by_text("Votre session a pris fin")).to_be_visible()


SCREENS = (
    Screen("unavailable", "marker", "/account", _seen("/exams", _grading_away), says=AWAY),
    Screen("defect", "marker", "/exams", _seen("/account", _table_lost), says=DEFECT),
    Screen("session-ended", None, "/sign-in", _ended),
    Screen("candidate-session-ended", None, "/candidate", _ended_for_candidate),
)


def test_while_a_service_is_away_the_page_says_so_and_the_same_button_brings_it_back(
    page: Visits, stack: Stack
) -> None:
    page.allow(AWAY)
    shown = page("marker", "/account")
    with _grading_away(stack):
        shown.goto("/exams")
        expect(shown.get_by_role("heading", level=1)).to_have_text("Momentanément indisponible")
        expect(shown.get_by_text("Rien n'est perdu")).to_be_visible()
        shown.get_by_role("link", name="Réessayer").click()
        expect(shown.get_by_role("heading", level=1)).to_have_text("Momentanément indisponible")
    shown.get_by_role("link", name="Réessayer").click()
    expect(shown.get_by_role("heading", level=1)).to_have_text("Épreuves")
    expect(shown).to_have_url(re.compile("/exams$"))


def test_an_act_meanwhile_is_refused_where_it_was_done_and_can_be_done_again(page: Visits, stack: Stack) -> None:
    page.allow(AWAY)
    shown = page("admin", "/exams/new", language="en")
    shown.get_by_label("Title").fill("Contrôle commun")
    shown.get_by_label("Date").fill("2026-06-20")
    create = shown.get_by_role("button", name="Create")
    with _grading_away(stack):
        create.click()
        alert = shown.get_by_role("alert")
        expect(alert).to_contain_text("Nothing is lost; try again in a moment.")
        expect(alert.get_by_role("code")).not_to_be_empty()
        expect(shown.get_by_label("Title")).to_have_value("Contrôle commun")
    create.click()
    expect(shown.get_by_role("heading", level=1)).to_have_text("Contrôle commun")


@pytest.mark.parametrize(("language", "told"), [("fr", "Erreur interne"), ("en", "Internal Server Error")])
def test_a_defect_shows_a_number_to_tell_and_nothing_of_its_inside(
    page: Visits, stack: Stack, language: str, told: str
) -> None:
    page.allow(DEFECT)
    shown = page("marker", "/exams", language=language)
    with _table_lost(stack):
        shown.goto("/account")
    expect(shown.get_by_role("heading", level=1)).to_have_text(told)
    number = shown.get_by_role("code").inner_text()
    assert re.fullmatch(r"[0-9a-f-]{36}", number)
    assert number in stack.world.system.log("gateway"), "whoever is told it finds it"
    for inside in ("tokens", "psycopg", "Traceback", "UndefinedTable"):
        assert inside not in shown.content()
    shown.reload()
    expect(shown.get_by_label("Mot de passe actuel" if language == "fr" else "Current password")).to_be_visible()


def test_a_session_that_ends_at_the_desk_takes_nothing_with_it(page: Visits, stack: Stack) -> None:
    own = PatientClient(stack.base).sign_in(MARKERS[0], PASSWORD)
    stack.people["elsewhere"] = own
    shown = page("elsewhere", "/copies/{ready}/mark")
    hands = Hands(shown)
    hands.saved()
    own.delete("/session")
    hands.press("r")
    shown.get_by_role("textbox", name=re.compile("^Remarque sur")).first.fill("Gardée ici")
    hands.press("Enter")
    expect(shown).to_have_url(re.compile("/sign-in"))
    expect(shown.get_by_text("Votre session a pris fin")).to_be_visible()
    expect_accessible(shown)
    shown.get_by_label("Identifiant").fill(MARKERS[0])
    shown.get_by_label("Mot de passe").fill(PASSWORD)
    shown.get_by_role("button", name="Se connecter").click()
    expect(shown).to_have_url(re.compile(f"/copies/{stack.ids['ready']}/mark"))
    hands.saved()
    kept = stack.people["marker"].get(f"/copies/{stack.ids['ready']}/desk")["scores"]["remarks"]
    assert "Gardée ici" in kept.values()


def test_who_was_never_here_or_left_reads_nothing_of_a_session(page: Visits) -> None:
    for path in ("/exams", "/results"):
        shown = page(None, path)
        expect(shown.get_by_role("button")).not_to_have_count(0)
        expect(shown.get_by_text("session a pris fin")).to_have_count(0)
