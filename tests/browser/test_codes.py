"""Access codes on paper: shown once, and each letter is one candidate's alone."""

from __future__ import annotations

import uuid
from pathlib import Path

import pymupdf
import pytest
from playwright.sync_api import Page, expect

from tests.browser.stack import Stack
from tests.browser.visits import Screen, Visits, expect_accessible
from tests.story.journey import PatientClient

A4_PT = (595, 842)


def _exam(stack: Stack) -> tuple[str, list[str]]:
    """With three candidates whom no other exam knows, in the order of the list."""
    no = uuid.uuid4().hex[:6].upper()
    names = [f"AUBRY {no} Anne-Sophie", f"BRÛLÉ {no} Maël", f"DE LA TOUR D’AUVERGNE {no} Marie-Antoinette"]
    rows = [name.rsplit(" ", 1) for name in names]
    exam = {"title": "Épreuve commune", "date": "2026-06-01", "total_points": "20", "intake": "a4"}
    exam_id: str = stack.admin.post("/exams", json=exam | {"pages_per_booklet": 4})["id"]
    roster = "Nom;Prénom;Classe\n" + "".join(f"{last};{first};TG2\n" for last, first in rows)
    stack.admin.post(f"/exams/{exam_id}/roster", files={"file": ("liste.csv", roster.encode(), "text/csv")})
    return exam_id, names


def _letters(page: Page, stack: Stack) -> None:
    if "coded" not in stack.ids:
        stack.ids["coded"] = _exam(stack)[0]
    page.goto(f"/exams/{stack.ids['coded']}/access-codes")
    page.get_by_role("button", name="Nouveaux codes pour tous").click()
    page.get_by_role("button", name="Confirmer").click()
    page.get_by_role("button", name="Lettres").click()
    expect(page.get_by_role("article")).to_have_count(3)


SCREENS = (
    Screen("access-codes", "admin", "/exams/{published}/access-codes"),
    Screen("access-codes-letters", "admin", "/exams/{published}/access-codes", _letters),
)


def _printed(page: Page, to: Path) -> list[str]:
    """The text of each page of paper without blanks, where lines may break; all of it A4."""
    page.pdf(path=to, prefer_css_page_size=True)
    with pymupdf.open(to) as document:
        assert {(round(each.rect.width), round(each.rect.height)) for each in document} == {A4_PT}
        return [_run_on(each.get_text()) for each in document]


def _run_on(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize(
    ("language", "make", "letters", "words"),
    [
        ("fr", "Codes pour ceux qui n’en ont pas", "Lettres", "Vos résultats : Épreuve commune"),
        ("en", "Codes for those who have none", "Letters", "Your results: Épreuve commune"),
    ],
)
def test_each_letter_is_a_page_with_one_name_and_the_code_that_opens_this_ones_results(
    page: Visits, stack: Stack, tmp_path: Path, language: str, make: str, letters: str, words: str
) -> None:
    exam, names = _exam(stack)
    shown = page("admin", f"/exams/{exam}/access-codes", language=language, theme="dark")
    shown.get_by_role("button", name=make).click()
    shown.get_by_role("button", name=letters).click()
    expect_accessible(shown)
    articles = shown.get_by_role("article")
    expect(articles).to_have_count(3)
    codes = [each.locator(".secret").inner_text() for each in articles.all()]
    pages = _printed(shown, tmp_path / "letters.pdf")
    assert len(pages) == 3
    for at, text in enumerate(pages):
        assert [name for name in names if _run_on(name) in text] == [names[at]]
        assert [code for code in codes if code in text] == [codes[at]]
        assert _run_on(words) in text
        assert f"{stack.base}/candidate" in text
        read = PatientClient(stack.base).sign_in_candidate(codes[at]).get("/candidate/results")
        assert names[at] == f"{read['last_name']} {read['first_name']}"


def test_slips_share_a_page_and_none_is_cut(page: Visits, stack: Stack, tmp_path: Path) -> None:
    exam, names = _exam(stack)
    shown = page("admin", f"/exams/{exam}/access-codes")
    shown.get_by_role("button", name="Codes pour ceux qui n’en ont pas").click()
    expect(shown.get_by_role("article")).to_have_count(3)
    (text,) = _printed(shown, tmp_path / "slips.pdf")
    assert [name for name in names if _run_on(name) in text] == names
    assert _run_on("Créer les codes") not in text, "what is to be pressed is not printed"


def test_a_code_is_made_once_and_shown_once(page: Visits, stack: Stack) -> None:
    exam, _ = _exam(stack)
    shown = page("admin", f"/exams/{exam}/access-codes")
    missing = shown.get_by_role("button", name="Codes pour ceux qui n’en ont pas")
    missing.click()
    code = shown.locator(".secret").first.inner_text()
    shown.on("dialog", lambda asked: asked.accept())
    shown.reload()
    expect(shown.locator(".secret")).to_have_count(0)
    missing.click()
    expect(shown.get_by_text("Tous les candidats ont déjà un code valable.")).to_be_visible()
    shown.get_by_role("button", name="Nouveaux codes pour tous").click()
    shown.get_by_role("button", name="Confirmer").click()
    expect(shown.locator(".secret")).to_have_count(3)
    door = page(None, "/candidate")
    door.get_by_label("Code d’accès").fill(code)
    door.get_by_role("button", name="Voir mes résultats").click()
    expect(door.get_by_role("alert")).to_contain_text("n'est pas valable")
