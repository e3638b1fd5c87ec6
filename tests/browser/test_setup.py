"""Preparing an exam on screen: the list, its settings, its scheme, its roster, who marks."""

from __future__ import annotations

import uuid
from typing import Any

from playwright.sync_api import Dialog, Locator, Page, Route, expect

from tests.browser.stack import Stack
from tests.browser.visits import Screen, Visits, expect_accessible
from tests.story.journey import SCHEME

BAD_ROSTER = """Nom;Prénom;Classe;INE
DUPONT;Camille;TG1;294070403HD
DUPOND;Camille;TG1;294070403HD
MARTIN;Nora;TG2;12
PETIT;Léo;TG2;
"""
ODD_ROSTER = "Famille;Petit nom;Groupe\nDUPONT;Camille;TG1\nMARTIN;Nora;TG2\n"


def _chosen(page: Page, text: str, name: str = "liste.csv", mime: str = "text/csv") -> None:
    page.locator("input[type=file]").first.set_input_files({"name": name, "mimeType": mime, "buffer": text.encode()})


def _report(page: Page, _: Stack) -> None:
    _chosen(page, BAD_ROSTER)
    expect(page.get_by_text("contredit la ligne 2")).to_be_visible()


def _wrong_scheme(page: Page, _: Stack) -> None:
    _chosen(page, "chemin;libellé;points\n1;Exercice 1;\n1.1;Question;deux\n3.1;Perdue;1\n", "bareme.csv")
    expect(page.get_by_role("heading", name="bareme.csv")).to_be_visible()


SCREENS = (
    Screen("exam-new", "admin", "/exams/new"),
    Screen("exams-archive", "admin", "/exams?archived"),
    Screen("exams-marker", "marker", "/exams"),
    Screen("exam", "admin", "/exams/{marking}", full=True),
    Screen("exam-fresh", "operator", "/exams/{fresh}", full=True),
    Screen("scheme", "admin", "/exams/{marking}/scheme", full=True),
    Screen("scheme-wrong-file", "admin", "/exams/{marking}/scheme", _wrong_scheme, full=True),
    Screen("scheme-read", "marker", "/exams/{marking}/scheme", full=True),
    Screen("roster", "admin", "/exams/{marking}/roster", full=True),
    Screen("roster-empty", "admin", "/exams/{fresh}/roster", full=True),
    Screen("roster-report", "admin", "/exams/{fresh}/roster", _report, full=True),
    Screen("allocation", "admin", "/exams/{marking}/allocation", full=True),
)


def new_exam(stack: Stack, **changes: Any) -> str:
    fields = {"title": f"Essai {uuid.uuid4().hex[:6]}", "date": "2026-06-01", "total_points": "20", "intake": "a4"}
    made: str = stack.admin.post("/exams", json=fields | {"pages_per_booklet": 4} | changes)["id"]
    return made


def version(stack: Stack, exam: str) -> int:
    found: int = stack.admin.get(f"/exams/{exam}")["version"]
    return found


def rows(page: Page) -> list[str]:
    """The labels of the scheme as they stand."""
    page.locator(".scheme-row").first.wait_for()
    found: list[str] = page.eval_on_selector_all(".scheme-row .label", "all => all.map((each) => each.value)")
    return found


# The list and the settings


def test_an_exam_goes_from_the_form_to_its_first_step(page: Visits) -> None:
    shown = page("admin", "/exams/new")
    shown.get_by_label("Titre").fill("Épreuve née au clavier")
    shown.get_by_label("Noté sur").fill("10,5")
    shown.get_by_role("button", name="Créer l’épreuve").click()
    expect(shown.get_by_role("heading", level=1)).to_have_text("Épreuve née au clavier")
    expect(shown.get_by_text("sur 10,5")).to_be_visible()
    expect(shown.get_by_role("link", name="Saisir le barème")).to_be_visible()


def test_a_form_pressed_before_its_module_is_there_waits_for_it(page: Visits) -> None:
    shown = page("admin", "/exams")
    held: list[Route] = []
    shown.route("**/core/api-form.js", lambda route: held.append(route))
    shown.goto("/exams/new", wait_until="commit")
    shown.get_by_label("Titre").fill("Épreuve pressée")
    shown.get_by_role("button", name="Créer l’épreuve").click()
    assert shown.url.endswith("/exams/new")  # nothing of the form in the address
    while not held:
        shown.wait_for_timeout(20)
    held[0].continue_()
    expect(shown.get_by_role("heading", level=1)).to_have_text("Épreuve pressée")


def test_the_strip_says_where_an_exam_is_and_what_comes_next(page: Visits, stack: Stack) -> None:
    shown = page("admin", "/exams")
    fresh = _strip(shown, "Devoir surveillé n° 3")
    expect(fresh.get_by_role("link", name="Saisir le barème")).to_be_visible()
    copies = stack.admin.get(f"/exams/{stack.ids['marking']}")["progress"]["copies"]
    marked = _strip(shown, "Bac blanc de mathématiques")
    expect(marked.locator(".way li", has_text="Réparties")).to_contain_text(f"{copies} / {copies}")


def _strip(shown: Page, title: str) -> Locator:
    """The exam on the list, latest first, turning its pages as far as it takes."""
    strip = shown.locator(".exam-strip", has_text=title)
    while not strip.count():
        shown.get_by_role("link", name="Suite de la liste").click()
        shown.wait_for_load_state()
    return strip


def test_an_archived_exam_leaves_the_list_and_comes_back(page: Visits, stack: Stack) -> None:
    exam = new_exam(stack, title="À ranger")
    shown = page("admin", f"/exams/{exam}")
    shown.get_by_role("button", name="Archiver").click()
    shown.get_by_role("button", name="Confirmer").click()
    expect(shown.get_by_role("heading", level=1)).to_have_text("Archives")
    shown.get_by_role("button", name="Restaurer À ranger").click()
    expect(shown.get_by_role("heading", level=1)).to_have_text("À ranger")


def test_settings_changed_by_two_people_end_in_a_choice(page: Visits, stack: Stack) -> None:
    exam = new_exam(stack)
    shown = page("admin", f"/exams/{exam}")
    shown.get_by_role("button", name="Réglages").click()
    title = shown.get_by_label("Titre")
    title.fill("Mon titre")
    stack.admin.patch(f"/exams/{exam}", json={"version": version(stack, exam), "title": "Leur titre"})
    shown.get_by_role("button", name="Enregistrer").click()
    expect(shown.get_by_role("alert")).to_contain_text("Leur titre")
    expect(title).to_have_value("Mon titre")
    expect_accessible(shown)
    shown.get_by_role("button", name="Garder la mienne").click()
    expect(shown.get_by_role("heading", level=1)).to_have_text("Mon titre")


# The scheme


def test_a_scheme_is_typed_without_the_mouse(page: Visits, stack: Stack) -> None:
    exam = new_exam(stack, total_points="3")
    shown = page("admin", f"/exams/{exam}/scheme")
    shown.get_by_label("Ligne 1 : libellé").focus()
    keyboard = shown.keyboard
    keyboard.type("Exercice 1")
    keyboard.press("Enter")
    expect(shown.get_by_label("Ligne 2 : libellé")).to_be_focused()
    keyboard.press("Alt+ArrowRight")
    keyboard.type("Dérivée")
    keyboard.press("Tab")
    keyboard.type("1,5")
    keyboard.press("ArrowUp")
    expect(shown.get_by_label("Ligne 1.1 : points")).to_have_value("1,75")
    expect(shown.get_by_role("status")).to_contain_text("il manque 1,25 point")
    keyboard.press("Enter")
    keyboard.type("Limite")
    keyboard.press("Tab")
    keyboard.type("1.25")
    expect(shown.get_by_role("status")).to_contain_text("le compte est bon")
    shown.get_by_role("button", name="Enregistrer").click()
    expect(shown.get_by_text("Barème enregistré, version 1.")).to_be_visible()
    (exercise,) = stack.admin.get(f"/exams/{exam}/scheme")["nodes"]
    assert [(each["label"], each["points"]) for each in exercise["children"]] == [
        ("Dérivée", "1.75"),
        ("Limite", "1.25"),
    ]


def test_lines_move_by_keys_and_by_dragging_and_all_is_undone(page: Visits, stack: Stack) -> None:
    exam = new_exam(stack)
    stack.admin.put(f"/exams/{exam}/scheme", json={"nodes": SCHEME})
    shown = page("admin", f"/exams/{exam}/scheme")
    before = rows(shown)
    assert before == ["Exercice 1", "Question 1", "Question 2", "i", "ii", "Exercice 2"]
    shown.get_by_label("Ligne 1.2 : libellé").press("Alt+ArrowUp")
    assert rows(shown) == ["Exercice 1", "Question 2", "i", "ii", "Question 1", "Exercice 2"]
    grip = shown.get_by_role("button", name="Déplacer la ligne 2 (flèches du clavier)")
    grip.hover()
    shown.mouse.down()
    top = shown.locator(".scheme-row").first.bounding_box()
    assert top is not None
    shown.mouse.move(top["x"] + 10, top["y"] + 2, steps=5)
    shown.mouse.up()
    assert rows(shown) == ["Exercice 2", "Exercice 1", "Question 2", "i", "ii", "Question 1"]
    shown.get_by_label("Ligne 1 : libellé").press("Control+z")
    shown.get_by_label("Ligne 1 : libellé").press("Control+z")
    assert rows(shown) == before
    expect(shown.get_by_role("button", name="Enregistrer")).to_be_disabled()


def test_what_is_wrong_is_told_at_its_line(page: Visits, stack: Stack) -> None:
    exam = new_exam(stack, total_points="1")
    shown = page("admin", f"/exams/{exam}/scheme")
    shown.get_by_label("Ligne 1 : libellé").fill("Seule")
    shown.get_by_label("Ligne 1 : points").fill("0,3")
    expect(shown.get_by_text("Ce n’est pas un multiple de 0,25.")).to_be_visible()
    shown.get_by_label("Ligne 1 : points").fill("0,5")
    shown.get_by_role("button", name="Enregistrer").click()
    expect(shown.get_by_role("alert").filter(has_text="totalisent")).to_contain_text("0,5")
    expect_accessible(shown)


def test_a_scheme_goes_out_as_csv_and_a_wrong_file_is_told_row_by_row(page: Visits, stack: Stack) -> None:
    exam = new_exam(stack)
    stack.admin.put(f"/exams/{exam}/scheme", json={"nodes": SCHEME})
    shown = page("admin", f"/exams/{exam}/scheme")
    with shown.expect_download() as saved:
        shown.get_by_role("link", name="Exporter en CSV").click()
    written = saved.value.path().read_text(encoding="utf-8-sig")
    assert written.splitlines()[:2] == ["path;label;points;bonus;id", "1;Exercice 1;;;a"]
    _wrong_scheme(shown, stack)
    expect(shown.get_by_role("row", name="4 Chemin 3.1")).to_contain_text("n’est pas plus haut")
    assert rows(shown)[0] == "Exercice 1"
    _chosen(shown, written.replace("Exercice 2", "Problème"), "bareme.csv")
    expect(shown.get_by_label("Ligne 2 : libellé")).to_have_value("Problème")
    _chosen(shown, "%PDF-1.4", "bareme.csv")
    expect(shown.get_by_role("alert")).to_contain_text("PDF")


def test_saving_over_somebody_elses_scheme_is_a_choice(page: Visits, stack: Stack) -> None:
    exam = new_exam(stack)
    stack.admin.put(f"/exams/{exam}/scheme", json={"nodes": SCHEME})
    shown = page("admin", f"/exams/{exam}/scheme")
    shown.get_by_label("Ligne 2 : libellé").fill("Le mien")
    theirs = [{"id": "b", "label": "Le leur", "points": "20"}]
    stack.admin.put(f"/exams/{exam}/scheme", json={"nodes": theirs, "version": 1})
    shown.get_by_role("button", name="Enregistrer").click()
    expect(shown.get_by_role("alert")).to_contain_text("version 2")
    shown.get_by_role("button", name="Garder la mienne").click()
    expect(shown.get_by_text("Barème enregistré, version 3.")).to_be_visible()
    assert stack.admin.get(f"/exams/{exam}/scheme")["nodes"][1]["label"] == "Le mien"


def test_changing_a_scheme_that_was_marked_by_tells_whom_it_touches_first(page: Visits, stack: Stack) -> None:
    exam = stack.ids["published"]
    assert stack.admin.get(f"/exams/{exam}")["published_at"]
    expect(page("admin", f"/exams/{exam}/scheme").get_by_text("Version 1")).to_be_visible()
    shown = page("admin", "/exams/{marking}/scheme")
    was = stack.admin.get(f"/exams/{stack.ids['marking']}/scheme")["version"]
    marked = sum(bool(row["scores"]) for row in stack.admin.get(f"/exams/{stack.ids['marking']}/pile")["copies"])
    shown.get_by_label("Ligne 2 : points").fill("5")
    shown.get_by_label("Ligne 1.1 : points").fill("7,5")
    shown.get_by_role("button", name="Enregistrer").click()
    question = shown.get_by_role("dialog")
    expect(question).to_contain_text(f"{marked} copies ont déjà des notes")
    question.get_by_role("button", name="Annuler").click()
    assert stack.admin.get(f"/exams/{stack.ids['marking']}/scheme")["version"] == was


def test_official_comments_are_written_at_their_question(page: Visits, stack: Stack) -> None:
    exam = new_exam(stack)
    stack.admin.put(f"/exams/{exam}/scheme", json={"nodes": SCHEME})
    shown = page("admin", f"/exams/{exam}/scheme")
    shown.get_by_role("button", name="Ligne 1.1 : commentaires officiels").click()
    shown.get_by_placeholder("Commentaire").fill("Justifier le signe")
    shown.get_by_placeholder("−0,5").fill("−0,5")
    shown.get_by_role("button", name="Ajouter", exact=True).click()
    expect(shown.locator("scheme-comments li")).to_contain_text("-0,5")
    expect_accessible(shown)
    (kept,) = stack.admin.get(f"/exams/{exam}/comments?item_id=a1")["items"]
    assert (kept["official"], kept["points"]) == (True, "-0.5")
    shown.get_by_role("button", name="Supprimer le commentaire Justifier le signe").click()
    expect(shown.get_by_text("Aucun pour l’instant.")).to_be_visible()


def test_leaving_with_unsaved_changes_asks_first(page: Visits, stack: Stack) -> None:
    shown = page("admin", f"/exams/{new_exam(stack)}/scheme")
    shown.get_by_label("Ligne 1 : libellé").fill("Pas encore enregistré")
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    shown.on("dialog", stay)
    shown.get_by_role("link", name="Candidats").click(no_wait_after=True)
    expect(shown.get_by_label("Ligne 1 : libellé")).to_have_value("Pas encore enregistré")
    assert asked == ["beforeunload"]


# The roster


def test_a_list_is_checked_corrected_and_imported_and_the_same_again_changes_nothing(
    page: Visits, stack: Stack
) -> None:
    exam = new_exam(stack)
    shown = page("operator", f"/exams/{exam}/roster")
    expect(shown.get_by_role("heading", name="Pas encore de candidat")).to_be_visible()
    _chosen(shown, BAD_ROSTER)
    wrong = shown.get_by_role("region", name="Lignes du fichier")
    expect(wrong.get_by_role("row", name="3 INE")).to_contain_text("DUPONT;Camille")
    expect(wrong.get_by_role("row", name="4 INE")).to_contain_text("format non reconnu")
    expect_accessible(shown)
    with shown.expect_download() as saved:
        shown.get_by_role("button", name="Télécharger les lignes à corriger").click()
    assert "MARTIN" in saved.value.path().read_text(encoding="utf-8-sig")
    _chosen(shown, BAD_ROSTER.replace("DUPOND;Camille;TG1;294070403HD\n", "").replace(";12\n", ";\n"))
    shown.get_by_role("button", name="Importer 3 candidats").click()
    expect(shown.get_by_role("heading", name="3 candidats")).to_be_visible()
    _chosen(shown, "Nom;Prénom;Classe;INE\nPETIT;Léo;TG2;\n")
    expect(shown.get_by_text("La liste est déjà à jour")).to_be_visible()
    expect(shown.get_by_role("button", name="Importer")).to_have_count(0)


def test_columns_that_are_not_recognised_are_named_once(page: Visits, stack: Stack) -> None:
    shown = page("admin", f"/exams/{new_exam(stack)}/roster")
    _chosen(shown, ODD_ROSTER)
    expect(shown.get_by_text("Indiquez au-dessus des colonnes")).to_be_visible()
    shown.get_by_label("La colonne Famille contient").select_option("last_name")
    shown.get_by_label("La colonne Petit nom contient").select_option("first_name")
    shown.get_by_role("button", name="Importer 2 candidats").click()
    expect(shown.get_by_role("heading", name="2 candidats")).to_be_visible()
    shown.goto(f"/exams/{new_exam(stack)}/roster")
    _chosen(shown, ODD_ROSTER)
    expect(shown.get_by_role("button", name="Importer 2 candidats")).to_be_visible()


def test_a_workbook_is_refused_in_words_that_help(page: Visits, stack: Stack) -> None:
    shown = page("admin", f"/exams/{new_exam(stack)}/roster", language="en")
    _chosen(shown, "PK\x03\x04 [Content_Types] xl/workbook.xml", "roster.xlsx")
    expect(shown.get_by_role("alert")).to_contain_text("it is an Excel workbook")


def test_a_candidate_is_found_by_any_part_of_the_name(page: Visits) -> None:
    shown = page("admin", "/exams/{marking}/roster")
    shown.get_by_placeholder("Chercher un candidat").fill("tg2 lefev")
    expect(shown.locator("candidate-list tbody tr")).to_have_count(1)
    expect(shown.get_by_role("rowheader", name="LEFÈVRE")).to_be_visible()
    shown.get_by_placeholder("Chercher un candidat").fill("personne")
    expect(shown.get_by_text("Personne ne correspond")).to_be_visible()


def test_the_sample_file_can_be_imported(page: Visits, stack: Stack) -> None:
    shown = page("admin", f"/exams/{new_exam(stack)}/roster")
    with shown.expect_download() as saved:
        shown.get_by_role("button", name="Télécharger un fichier d’exemple").click()
    _chosen(shown, saved.value.path().read_text(encoding="utf-8"))
    expect(shown.get_by_role("button", name="Importer 2 candidats")).to_be_visible()


# Who marks


def test_copies_move_from_one_marker_to_another_and_back(page: Visits, stack: Stack) -> None:
    path = f"/exams/{stack.ids['marking']}/allocation"
    first, second = stack.admin.get(path)["items"]
    shown = page("admin", path)
    moving = shown.locator(".marker", has_text=first["marker"])
    moving.get_by_role("button", name="Déplacer").click()
    moving.get_by_role("spinbutton", name="Copies").fill("1")
    moving.get_by_label("À qui").select_option(label=second["marker"])
    expect_accessible(shown)
    moving.locator("form").get_by_role("button", name="Déplacer").click()
    expect(shown.get_by_text(f"1 copie passe de {first['marker']} à {second['marker']}.")).to_be_visible()
    now = {each["marker_id"]: each["copy_ids"] for each in stack.admin.get(path)["items"]}
    assert len(now[first["marker_id"]]) == len(first["copy_ids"]) - 1
    ready = len(now[second["marker_id"]]) - second["by_status"].get("GRADED", 0)
    moved = {"marker_ids": [first["marker_id"]], "taken_from": second["marker_id"], "keeping": ready - 1}
    stack.admin.post(path, json=moved)


def test_an_operator_sees_who_marks_and_changes_nothing(page: Visits) -> None:
    shown = page("operator", "/exams/{marking}/allocation")
    expect(shown.locator(".marker")).to_have_count(2)
    expect(shown.get_by_role("button", name="Déplacer")).to_have_count(0)
