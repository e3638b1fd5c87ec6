"""Whose copy is this: the desk, the list of all copies, the zones drawn on a header."""

from __future__ import annotations

import itertools
import re

import pytest
from playwright.sync_api import Page, expect

from demo import scans
from tests.browser.stack import Stack
from tests.browser.visits import Screen, Visits, expect_accessible
from tests.story.journey import Journey, Pile, until

PUPILS = scans.PUPILS[3:6]  # NGUYEN, DA COSTA, GARNIER
_titles = itertools.count(1)


def read_pile(stack: Stack) -> Journey:
    """An exam of three copies whose headers were read."""
    ines = [each.ine for each in PUPILS]
    made = Journey(stack.base, Pile("Identification", "a4", scans.a4_pile(PUPILS), scans.roster_csv(), ines))
    made.open(stack.passwords["admin"])
    made.finish_upload(made.start_upload())
    made.assemble()
    made.wait_for_readings()
    return made


def unidentified(journey: Journey) -> str:
    """The exam, when all three copies wait for a person."""
    path = f"/exams/{journey.exam}"
    journey.admin.post(f"{path}/identification/solve")
    for copy in journey.admin.items(f"{path}/identification", pending_only="false"):
        candidates = journey.admin.items(f"{path}/candidates")
        if copy["candidate_id"] is None:  # what nobody decided the machine could decide at any moment
            free = next(each["id"] for each in candidates if each["copy_id"] is None)
            journey.admin.put(f"/copies/{copy['copy_id']}/identification", json={"candidate_id": free})
        journey.admin.delete(f"/copies/{copy['copy_id']}/identification")
    until(lambda: journey.admin.get(f"{path}/identification")["total"] == 3, "three copies wait")
    return journey.exam


def _waiting(page: Page, stack: Stack) -> None:
    if "unidentified" not in stack.ids:
        stack.ids["unidentified"] = unidentified(read_pile(stack))
    page.goto(f"/exams/{stack.ids['unidentified']}/identification")
    expect(page.get_by_role("option").first).to_be_visible()


def _typed(page: Page, stack: Stack) -> None:
    _waiting(page, stack)
    page.get_by_role("combobox").fill("a")
    expect(page.get_by_role("option").first).to_be_visible()


def _absent(page: Page, stack: Stack) -> None:
    _waiting(page, stack)
    page.get_by_role("button", name="Absent de la liste").click()
    expect(page.get_by_role("button", name="Ajouter et identifier")).to_be_visible()


def _all(page: Page, stack: Stack) -> None:
    _waiting(page, stack)
    page.get_by_role("button", name=re.compile(r"Toutes les copies \d")).click()
    expect(page.get_by_role("table")).to_be_visible()


def _said(journey: Journey, *last_names: str) -> None:
    """A person gave the copies, in their order, to these candidates; then the whole exam was matched."""
    people = {each["last_name"]: each["id"] for each in journey.admin.items(f"/exams/{journey.exam}/candidates")}
    for copy_id, name in zip(journey.copies, last_names, strict=True):
        journey.admin.put(f"/copies/{copy_id}/identification", json={"candidate_id": people[name]})
    journey.admin.post(f"/exams/{journey.exam}/identification/solve")


def _exchanged(page: Page, stack: Stack) -> None:
    if "exchanged" not in stack.ids:
        journey = read_pile(stack)
        stack.ids["exchanged"] = unidentified(journey)
        _said(journey, "DA COSTA", "NGUYEN", "GARNIER")
    page.goto(f"/exams/{stack.ids['exchanged']}/identification")
    expect(page.get_by_text("semblent échangées")).to_be_visible()


def _model(page: Page, _: Stack) -> None:
    page.get_by_role("button", name="Modèle de feuille").click()
    for _each in range(2):
        page.get_by_role("button", name="Ajouter une zone").click()
    expect(page.get_by_role("button", name="Zone Prénom")).to_be_focused()


SCREENS = (
    Screen("identification", "admin", "/exams/{fresh}/identification", _waiting, full=True, phone=True),
    Screen("identification-search", "admin", "/exams/{fresh}/identification", _typed, full=True),
    Screen("identification-absent", "admin", "/exams/{fresh}/identification", _absent, full=True),
    Screen("identification-exchanged", "admin", "/exams/{fresh}/identification", _exchanged, full=True),
    Screen("identification-all", "admin", "/exams/{fresh}/identification", _all, full=True),
    Screen("identification-done", "admin", "/exams/{published}/identification", full=True),
    Screen("identification-empty", "admin", "/exams/{fresh}/identification", full=True),
    Screen("sheet-model", "admin", "/exams/{marking}/identification", _model, full=True),
)


@pytest.fixture(scope="module")
def journey(stack: Stack) -> Journey:
    return read_pile(stack)


@pytest.fixture
def exam(journey: Journey) -> str:
    return unidentified(journey)


def owner(journey: Journey, last_name: str) -> str | None:
    people = journey.admin.items(f"/exams/{journey.exam}/candidates")
    found: str | None = next(each["copy_id"] for each in people if each["last_name"] == last_name)
    return found


def shown_copy(page: Page) -> str:
    return page.locator("#desk-copy").inner_text().removeprefix("Copie ")


def test_enter_confirms_and_goes_on_until_all_are_identified(page: Visits, exam: str) -> None:
    shown = page("admin", f"/exams/{exam}/identification")
    expect(shown.get_by_role("img", name="En-tête numérisé")).to_be_visible()
    expect(shown.get_by_role("option", selected=True)).to_contain_text("100")
    for left in (2, 1, 0):
        shown.get_by_role("combobox").press("Enter")
        expect(shown.get_by_role("button", name="À identifier")).to_contain_text(str(left))
    expect(shown.get_by_role("heading", name="Tout est identifié")).to_be_visible()
    expect(shown.get_by_text("3 par une personne")).to_be_visible()
    expect_accessible(shown)


def test_each_choice_can_be_taken_back_one_after_the_other(page: Visits, exam: str, journey: Journey) -> None:
    shown = page("admin", f"/exams/{exam}/identification")
    expect(shown.locator("#desk-copy")).to_be_visible()
    first = shown_copy(shown)
    for left in (2, 1, 0):
        shown.get_by_role("combobox").press("Enter")
        expect(shown.get_by_role("button", name="À identifier")).to_contain_text(str(left))
    for left in (1, 2, 3):
        shown.get_by_role("button", name="Annuler la dernière").click()
        expect(shown.get_by_role("button", name="À identifier")).to_contain_text(str(left))
    expect(shown.locator("#desk-copy")).to_have_text(f"Copie {first}")
    assert [owner(journey, each.last_name) for each in PUPILS] == [None, None, None]


def test_alt_and_a_digit_or_arrows_choose_and_typing_searches_the_whole_roster(page: Visits, exam: str) -> None:
    shown = page("admin", f"/exams/{exam}/identification")
    box = shown.get_by_role("combobox")
    expect(shown.get_by_role("option").nth(1)).to_be_visible()
    box.press("Alt+Digit2")
    expect(shown.get_by_role("option").nth(1)).to_have_attribute("aria-selected", "true")
    box.press("ArrowUp")
    expect(shown.get_by_role("option").nth(0)).to_have_attribute("aria-selected", "true")
    box.fill("jade rou")
    expect(shown.get_by_role("option")).to_have_count(1)
    expect(shown.get_by_role("option")).to_contain_text("ROUSSEL Jade")
    box.fill("zzz")
    expect(shown.get_by_text("Personne ne correspond")).to_be_visible()
    expect(shown.get_by_role("button", name="Confirmer et suivante")).to_be_disabled()


def test_a_candidate_who_has_a_copy_is_given_only_after_a_look(page: Visits, exam: str, journey: Journey) -> None:
    shown = page("admin", f"/exams/{exam}/identification")
    box = shown.get_by_role("combobox")
    first = shown_copy(shown)
    box.fill("rousse")
    box.press("Enter")
    expect(shown.locator("#desk-copy")).not_to_have_text(f"Copie {first}")
    second = shown_copy(shown)
    box.fill("rousse")
    expect(shown.get_by_role("option")).to_contain_text("a déjà une copie")
    box.press("Enter")
    expect(shown.get_by_role("alert")).to_contain_text(first)
    expect_accessible(shown)
    shown.get_by_role("button", name="Libérer l’autre et attribuer celle-ci").click()
    expect(shown.locator("#desk-copy")).not_to_have_text(f"Copie {second}")
    copies = {copy["id"]: copy["anonymous_id"] for copy in journey.admin.items(f"/exams/{exam}/copies")}
    assert copies[str(owner(journey, "ROUSSEL"))] == second


def test_somebody_who_is_not_on_the_roster_is_added_and_has_the_copy(page: Visits, exam: str, journey: Journey) -> None:
    shown = page("admin", f"/exams/{exam}/identification")
    shown.get_by_role("button", name="Absent de la liste").click()
    name = f"NOUVEAU{next(_titles)}"
    shown.get_by_label("Nom", exact=True).fill(name)
    shown.get_by_label("INE").fill("12")
    shown.get_by_label("Prénom").fill("Zoé")
    shown.get_by_role("button", name="Ajouter et identifier").click()
    expect(shown.get_by_role("alert").first).to_be_visible()
    shown.get_by_label("INE").fill("")
    shown.get_by_role("button", name="Ajouter et identifier").click()
    expect(shown.get_by_role("button", name="À identifier")).to_contain_text("2")
    assert owner(journey, name) is not None


def test_a_settled_copy_is_found_and_corrected(page: Visits, exam: str, journey: Journey) -> None:
    shown = page("admin", f"/exams/{exam}/identification")
    box = shown.get_by_role("combobox")
    box.fill("rousse")
    box.press("Enter")
    expect(shown.get_by_role("button", name="À identifier")).to_contain_text("2")
    shown.get_by_role("button", name="Toutes les copies").click()
    shown.get_by_placeholder("Chercher un candidat ou une copie").fill("rous")
    shown.get_by_role("button", name="Corriger").click()
    expect(shown.get_by_role("option").filter(has_text="ROUSSEL")).to_contain_text("actuel")
    box.fill("traor")
    box.press("Enter")
    expect(shown.get_by_role("button", name="À identifier")).to_contain_text("2")
    assert (owner(journey, "ROUSSEL"), owner(journey, "TRAORÉ") is not None) == (None, True)


def test_two_copies_given_the_wrong_way_round_are_shown_and_put_right(
    page: Visits, exam: str, journey: Journey
) -> None:
    _said(journey, "DA COSTA", "NGUYEN", "GARNIER")
    headers = dict(zip(journey.copies, [each.last_name for each in PUPILS], strict=True))
    written = {copy["anonymous_id"]: headers[copy["id"]] for copy in journey.admin.items(f"/exams/{exam}/copies")}
    shown = page("admin", f"/exams/{exam}/identification")
    box = shown.get_by_role("combobox")
    expect(shown.get_by_role("button", name="À identifier")).to_contain_text("2")
    expect(shown.get_by_text("semblent échangées")).to_be_visible()
    first = shown_copy(shown)
    reads_as = shown.get_by_role("option", selected=True)
    expect(reads_as).to_contain_text(written[first])
    expect(reads_as).to_contain_text("a déjà une copie")
    box.press("Enter")
    shown.get_by_role("button", name="Libérer l’autre et attribuer celle-ci").click()
    expect(shown.locator("#desk-copy")).not_to_have_text(f"Copie {first}")
    expect(shown.get_by_text("semblent échangées")).to_have_count(0)
    expect(reads_as).to_contain_text(written[shown_copy(shown)])
    box.press("Enter")
    expect(shown.get_by_role("heading", name="Tout est identifié")).to_be_visible()
    assert [owner(journey, each.last_name) for each in PUPILS] == journey.copies


def test_a_copy_that_reads_as_somebody_else_is_put_right_by_enter(page: Visits, exam: str, journey: Journey) -> None:
    _said(journey, "ROUSSEL", "DA COSTA", "GARNIER")
    shown = page("admin", f"/exams/{exam}/identification")
    expect(shown.get_by_text("se lit plutôt comme un autre candidat")).to_be_visible()
    expect(shown.get_by_role("option", selected=True)).to_contain_text("NGUYEN")
    expect_accessible(shown)
    shown.get_by_role("combobox").press("Enter")
    expect(shown.get_by_role("heading", name="Tout est identifié")).to_be_visible()
    assert (owner(journey, "ROUSSEL"), owner(journey, "NGUYEN")) == (None, journey.copies[0])


def test_a_doubt_is_answered_by_confirming_what_was_said(page: Visits, exam: str, journey: Journey) -> None:
    _said(journey, "ROUSSEL", "DA COSTA", "GARNIER")
    shown = page("admin", f"/exams/{exam}/identification")
    box = shown.get_by_role("combobox")
    box.fill("roussel")
    expect(shown.get_by_role("option")).to_contain_text("actuel")
    box.press("Enter")
    expect(shown.get_by_role("heading", name="Tout est identifié")).to_be_visible()
    journey.admin.post(f"/exams/{exam}/identification/solve")
    shown.reload()
    expect(shown.get_by_role("heading", name="Tout est identifié")).to_be_visible()
    assert owner(journey, "ROUSSEL") == journey.copies[0]


def test_matching_runs_again_and_failed_headers_are_read_again(page: Visits, exam: str) -> None:
    shown = page("operator", f"/exams/{exam}/identification")
    shown.get_by_role("button", name="Toutes les copies").click()
    shown.get_by_role("button", name="Relancer le rapprochement").click()
    expect(shown.get_by_text("Rapprochement terminé")).to_be_visible()
    shown.get_by_role("button", name="Relire les en-têtes illisibles").click()
    expect(shown.get_by_text("0 en-tête est relu")).to_be_visible()


def test_zones_are_drawn_by_mouse_and_by_keys_kept_and_removed(page: Visits, exam: str, journey: Journey) -> None:
    path = f"/exams/{exam}/sheet-model"
    shown = page("admin", f"/exams/{exam}/identification")
    shown.get_by_role("button", name="Modèle de feuille").click()
    header = shown.get_by_role("img", name="En-tête numérisé")
    header.hover(position={"x": 100, "y": 60}, force=True)
    shown.mouse.down()
    box = header.bounding_box()
    assert box is not None
    shown.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    shown.mouse.up()
    expect(shown.get_by_role("button", name="Zone Nom")).to_be_visible()
    shown.get_by_role("button", name="Ajouter une zone").click()
    zone = shown.get_by_role("button", name="Zone Prénom")
    zone.press("ArrowRight")
    zone.press("Shift+ArrowDown")
    expect_accessible(shown)
    shown.get_by_role("button", name="Enregistrer et relire les copies").click()
    expect(shown.get_by_text("Modèle enregistré (2 zones)")).to_be_visible()
    kept = journey.admin.get(path)["zones"]
    assert [each["kind"] for each in kept] == ["last_name", "first_name"]
    assert kept[1]["x"] == pytest.approx(0.305)
    shown.get_by_role("button", name="Supprimer le modèle").click()
    shown.get_by_role("button", name="Confirmer").click()
    expect(shown.get_by_text("Modèle supprimé")).to_be_visible()
    expect(shown.get_by_role("button", name="Zone Nom")).to_have_count(0)
