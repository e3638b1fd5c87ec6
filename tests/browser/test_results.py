"""An exam as a whole: pile, statistics, results, publication, exports, and what a candidate reads."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from playwright.sync_api import Page, Response, expect

from tests.browser.stack import Stack
from tests.browser.visits import Screen, Visits, expect_accessible, expect_inside, still

PILE = "/exams/{marking}/pile"


def _compared(page: Page, _: Stack) -> None:
    still(page)
    boxes = page.get_by_role("checkbox")
    boxes.nth(0).check()
    boxes.nth(1).check()
    page.get_by_role("button", name="Comparer", exact=True).click()
    expect(page.locator("dialog.compare img").first).to_be_visible()


def _flagging(page: Page, _: Stack) -> None:
    still(page)
    page.get_by_role("button", name=re.compile("^Signaler")).first.click()


SCREENS = (
    Screen("pile", "admin", PILE),
    Screen("pile-marker", "marker", PILE),
    Screen("pile-compare", "admin", PILE, _compared),
    Screen("pile-flag", "marker", PILE, _flagging),
    Screen("statistics", "admin", "/exams/{published}/statistics", full=True),
    Screen("statistics-empty", "admin", "/exams/{fresh}/statistics"),
    Screen("results", "admin", "/exams/{marking}/results"),
    Screen("results-empty", "admin", "/exams/{fresh}/results"),
    Screen("publication-missing", "admin", "/exams/{marking}/publication"),
    Screen("publication", "admin", "/exams/{published}/publication"),
    Screen("candidate", "candidate", "/results", full=True, phone=True),
)


# The pile


def _first_cell(page: Page) -> str:
    return page.locator("tbody tr[data-row] a.code").first.inner_text()


def test_a_pile_is_sorted_filtered_and_walked_by_keys(page: Visits) -> None:
    shown = page("admin", PILE)
    ids = shown.locator("tbody tr[data-row] a.code")
    expect(ids.first).to_be_visible()
    told = ids.all_inner_texts()
    assert told == sorted(told)
    shown.get_by_role("button", name="Anonymat").click()
    expect(ids.first).to_have_text(told[-1])
    shown.get_by_role("button", name=re.compile("^Notes manquantes")).click()
    assert 0 < ids.count() < len(told)
    shown.get_by_role("searchbox").fill("nobody is called this")
    expect(shown.get_by_role("heading", name="Aucune copie ne correspond")).to_be_visible()
    shown.get_by_role("button", name="Tout afficher").click()
    shown.locator('[data-cell="0:0"]').focus()
    shown.keyboard.press("ArrowDown")
    shown.keyboard.press("ArrowRight")
    expect(shown.locator('[data-cell="1:1"]')).to_be_focused()
    expect(shown.locator('[data-cell="1:1"]')).to_have_attribute("href", re.compile(r"/copies/[\w-]+/mark\?item="))


def test_a_flag_with_its_note_is_kept_and_found_again(page: Visits) -> None:
    shown = page("marker", PILE)
    shown.locator('[data-cell="0:0"]').focus()
    shown.keyboard.press("f")
    shown.get_by_label("Remarque (facultative)").fill("Une page à part")
    shown.get_by_role("dialog").get_by_role("button", name="Signaler").click()
    expect(shown.get_by_role("dialog")).to_be_hidden()
    shown.reload()
    shown.get_by_role("button", name=re.compile("^Signalées")).click()
    flagged = shown.locator(".flag[aria-pressed=true]")
    expect(flagged).to_have_count(1)
    expect(flagged).to_have_attribute("title", "Une page à part")
    flagged.click()
    shown.get_by_role("button", name="Retirer le signalement").click()
    expect(shown.get_by_role("heading", name="Aucune copie ne correspond")).to_be_visible()


def test_a_flag_that_cannot_be_kept_says_so_and_keeps_the_words(page: Visits) -> None:
    page.allow("Failed to load resource")
    shown = page("marker", PILE)
    shown.locator('[data-cell="0:0"]').focus()
    shown.route("**/flag", lambda route: route.abort())
    shown.keyboard.press("f")
    shown.get_by_label("Remarque (facultative)").fill("À ne pas perdre")
    shown.get_by_role("dialog").get_by_role("button", name="Signaler").click()
    expect(shown.get_by_role("alert")).to_be_visible()
    expect(shown.get_by_label("Remarque (facultative)")).to_have_value("À ne pas perdre")


def test_two_copies_are_compared_on_one_question(page: Visits, stack: Stack) -> None:
    shown = page("admin", PILE)
    _compared(shown, stack)
    dialog = shown.get_by_role("dialog")
    expect(dialog.locator(".side-copy")).to_have_count(2)
    before = dialog.get_by_role("combobox").input_value()
    shown.keyboard.press("ArrowRight")
    assert dialog.get_by_role("combobox").input_value() != before
    expect_accessible(shown)
    shown.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def _a_thousand() -> dict[str, object]:
    questions = [f"q{n}" for n in range(12)]
    bare = {"status": "GRADED", "marker": "M", "total": "15", "flagged": False, "note": "", "annotations": 0}
    copies = [
        {"id": f"00000000-0000-7000-8000-{n:012}", "anonymous_id": f"C{n:05}", **bare}
        | {"scores": dict.fromkeys(questions, "1.25")}
        for n in range(1000)
    ]
    items = [{"item_id": each, "path": ["Exercice", each], "points": "2", "bonus": False} for each in questions]
    return {"items": items, "copies": copies, "total_points": "20"}


@pytest.fixture
def long_pile(page: Visits) -> Page:
    shown = page("admin")
    shown.route("**/api/v1/exams/*/pile", lambda route: route.fulfill(json=_a_thousand()))
    shown.goto(page.address(PILE))
    expect(shown.locator("tbody tr[data-row]").first).to_be_visible(timeout=30_000)
    return shown


def test_a_thousand_copies_scroll_with_only_what_is_in_sight_in_the_page(long_pile: Page) -> None:
    assert long_pile.locator("tbody tr[data-row]").count() < 30
    long_pile.locator(".grid-box").evaluate("box => box.scrollTop = box.scrollHeight")
    expect(long_pile.get_by_role("link", name="C00999")).to_be_in_viewport()
    expect(long_pile.get_by_role("rowheader", name="Moyenne")).to_be_in_viewport()
    assert long_pile.locator("tbody tr[data-row]").count() < 30


def test_rows_are_read_in_their_order_wherever_one_scrolled(long_pile: Page) -> None:
    long_pile.locator(".grid-box").evaluate("box => box.scrollTop = 500 * 38")
    expect(long_pile.get_by_role("link", name="C00500")).to_be_in_viewport()
    long_pile.locator(".grid-box").evaluate("box => box.scrollTop = 497 * 38")
    expect(long_pile.get_by_role("link", name="C00497")).to_be_in_viewport()
    owned = (
        "body => body.getAttribute('aria-owns').split(' ').map(id => Number(document.getElementById(id).dataset.row))"
    )
    rows = long_pile.locator("tbody").evaluate(owned)
    assert rows == list(range(497, 497 + len(rows)))


def test_a_cell_that_is_scrolled_away_does_not_pass_the_keys_on_to_another_copy(long_pile: Page) -> None:
    long_pile.locator('[data-cell="0:0"]').focus()
    long_pile.locator(".grid-box").evaluate("box => box.scrollTop = 500 * 38")
    expect(long_pile.get_by_role("link", name="C00500")).to_be_in_viewport()
    expect(long_pile.locator("tbody :focus")).to_have_count(0)


def test_nothing_a_markers_pile_receives_names_a_candidate(page: Visits, stack: Stack) -> None:
    names = [each["last_name"] for each in stack.admin.items(f"/exams/{stack.ids['marking']}/candidates")]
    shown = page("marker", "/exams")
    bodies: list[str] = []

    def heard(answer: Response) -> None:
        if "json" in answer.headers.get("content-type", ""):
            bodies.append(answer.text())

    shown.on("response", heard)
    for path in (PILE, "/exams/{marking}/statistics"):
        shown.goto(page.address(path))
        still(shown)
        bodies.append(shown.content())
    assert len(bodies) > 2
    assert not [name for name in names for body in bodies if name in body]


# Statistics and results


def test_statistics_are_there_without_any_script(page: Visits, stack: Stack) -> None:
    context = page.browser.new_context(java_script_enabled=False, base_url=stack.base, locale="fr-FR")
    cookies = stack.admin.http.cookies
    context.add_cookies([{"name": c.name, "value": c.value or "", "url": stack.base} for c in cookies])
    shown = context.new_page()
    shown.goto(page.address("/exams/{published}/statistics"))
    expect(shown.get_by_role("img", name=re.compile("^Histogramme de 2 notes"))).to_be_visible()
    expect(shown.get_by_role("table")).not_to_have_count(0)
    context.close()


def test_results_list_everybody_and_become_files(page: Visits, stack: Stack) -> None:
    shown = page("admin", "/exams/{published}/results")
    rows = shown.locator("tbody tr")
    assert rows.count() == len(stack.admin.items(f"/exams/{stack.ids['published']}/candidates"))
    expect(shown.get_by_role("cell", name="Pas de copie").first).to_be_visible()
    with shown.expect_download() as waiting:
        shown.get_by_role("link", name="Pronote").click()
    data = waiting.value.path().read_bytes()
    assert data.startswith(b"\xef\xbb\xbfNom;")
    assert b"\r\n" in data


def test_a_zip_of_all_documents_is_made_and_fetched(page: Visits) -> None:
    shown = page("admin", "/exams/{published}/results")
    shown.get_by_role("button", name="Préparer le ZIP").click()
    link = shown.get_by_role("link", name="Télécharger le ZIP")
    expect(link).to_be_visible(timeout=60_000)
    expect(shown.get_by_text("2 copies dans le ZIP.")).to_be_visible()
    with shown.expect_download() as waiting:
        link.click()
    with zipfile.ZipFile(io.BytesIO(waiting.value.path().read_bytes())) as zipped:
        assert len(zipped.namelist()) == 2
        assert all(re.fullmatch(r"(?:[\w-]+/)?[\w-]+\.pdf", name) for name in zipped.namelist())
        assert all(zipped.read(name).startswith(b"%PDF") for name in zipped.namelist())


def test_an_exam_without_a_document_has_nothing_to_export(page: Visits, stack: Stack) -> None:
    shown = page("admin", "/exams/{published}/results")
    refusal = {"detail": "Rien à exporter.", "code": "x", "status": 409}
    shown.route("**/exports", lambda route: route.fulfill(status=409, json=refusal))
    shown.get_by_role("button", name="Préparer le ZIP").click()
    expect(shown.get_by_role("alert")).to_contain_text("Rien à exporter.")


# Publication, and the candidate


def test_what_is_missing_is_said_in_words_with_a_way_there(page: Visits) -> None:
    shown = page("admin", "/exams/{marking}/publication")
    expect(shown.get_by_role("button", name="Publier les résultats")).to_be_disabled()
    expect(shown.get_by_text(re.compile("^À corriger par")).first).to_be_visible()
    shown.get_by_role("link", name=re.compile("^Voir")).first.click()
    expect(shown).to_have_url(re.compile("/pile$"))


def test_a_withdrawn_result_is_told_kindly_and_comes_back(page: Visits, stack: Stack) -> None:
    desk = page("admin", "/exams/{published}/publication")
    still(desk)
    desk.get_by_role("button", name="Retirer les résultats").click()
    desk.get_by_role("button", name="Confirmer").click()
    expect(desk.get_by_role("button", name="Publier les résultats")).to_be_enabled()
    reader = page("candidate", "/results")
    expect(reader.get_by_text("le temps d’une vérification")).to_be_visible()
    expect_accessible(reader)
    still(desk)
    desk.get_by_role("button", name="Publier les résultats").click()
    desk.get_by_role("button", name="Confirmer").click()
    expect(desk.get_by_role("button", name="Retirer les résultats")).to_be_visible()
    reader.reload()
    expect(reader.get_by_role("link", name="Voir ma copie corrigée")).to_be_visible()


def test_a_candidate_reads_marks_and_copy_on_a_phone(page: Visits, stack: Stack) -> None:
    shown = page(None, "/candidate", size="phone", touch=True)
    shown.get_by_label("Code d’accès").fill("WRONG-CODE-0000")
    shown.get_by_role("button", name="Voir mes résultats").click()
    expect(shown.get_by_role("alert")).to_contain_text("code d'accès n'est pas valable")
    shown.get_by_label("Code d’accès").fill(stack.access_code.lower())
    shown.get_by_role("button", name="Voir mes résultats").click()
    expect(shown.get_by_role("heading", name="Devoir surveillé n° 2")).to_be_visible()
    expect_inside(shown)
    expect_accessible(shown)
    with shown.expect_download() as waiting:
        shown.get_by_role("link", name="Télécharger (PDF)").click()
    assert waiting.value.path().read_bytes().startswith(b"%PDF")
