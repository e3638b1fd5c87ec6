"""Paper on screen: scans come in, booklets are arranged, the paper is judged, copies and jobs are looked after."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from demo.client import Client
from tests.browser.stack import Stack
from tests.browser.visits import Screen, Visits, expect_accessible
from tests.faults.proxy import Proxy, Wire
from tests.scans.paper import a4_pile, face, leaf, pdf
from tests.story.journey import until

PDF = "application/pdf"


def _sheets(page: Page, _: Stack) -> None:
    page.get_by_role("button", name="Imprimer des copies").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()


def _staged(page: Page, stack: Stack) -> None:
    """A pile with doubts, made once; one page of it is selected."""
    if "staged" not in stack.ids:
        made = _new_exam(stack, "Bac blanc de philosophie")
        made.scanned(pdf([leaf(face(no, header=no % 4 == 1 and no != 9)) for no in range(1, 25)]))
        stack.ids["staged"] = made.id
    page.goto(f"/exams/{stack.ids['staged']}/scans?view=desk")
    sheet(page, 1, 2).click()


def _report(page: Page, stack: Stack) -> None:
    _staged(page, stack)
    page.get_by_role("link", name="Contrôle du papier").click()
    expect(page.get_by_text("Le compte des pages est juste")).to_be_visible()


def _all_jobs(page: Page, _: Stack) -> None:
    page.get_by_role("button", name="Tous").click()
    expect(page.get_by_role("listitem").first).to_be_visible()


SCREENS = (
    Screen("scans-empty", "operator", "/exams/{fresh}/scans"),
    Screen("scans", "operator", "/exams/{marking}/scans"),
    Screen("staging", "operator", "/exams/{fresh}/scans?view=desk", _staged),
    Screen("scan-report", "operator", "/exams/{fresh}/scans?view=report", _report),
    Screen("answer-sheets", "operator", "/exams/{fresh}/scans", _sheets),
    Screen("jobs", "operator", "/jobs", _all_jobs),
    Screen("copy", "admin", "/copies/{graded}"),
)


def doubtful_pile() -> bytes:
    """Three copies of four pages; the second shows no header."""
    return pdf([leaf(face(no, header=no in (1, 9))) for no in range(1, 13)])


@dataclass
class Exam:
    """One of this test alone."""

    id: str
    operator: Client

    def scanned(self, data: bytes, name: str = "TG2.pdf") -> Any:
        job = self.operator.post(f"/exams/{self.id}/uploads", files={"file": (name, data)})
        return self.operator.wait(job)

    def sides(self) -> list[list[int]]:
        """Of each booklet, page by page; below zero where the page was dropped."""
        return [
            [-page["side_no"] if page["dropped"] else page["side_no"] for page in each["pages"]]
            for each in self.operator.items(f"/exams/{self.id}/booklets")
        ]

    def first_copy(self) -> dict[str, Any]:
        """The first booklet as a copy, once grading knows it."""
        first = self.operator.items(f"/exams/{self.id}/booklets")[0]
        self.operator.post(f"/exams/{self.id}/copies", json={"booklet_ids": [first["id"]]})
        until(lambda: self.operator.get(f"/exams/{self.id}/copies")["total"] == 1, "the copy in grading")
        return self.operator.items(f"/exams/{self.id}/copies")[0]


def _new_exam(stack: Stack, title: str) -> Exam:
    wish = {"title": title, "date": "2026-06-18", "total_points": "20", "intake": "a4", "pages_per_booklet": 4}
    return Exam(stack.admin.post("/exams", json=wish)["id"], stack.people["operator"])


@pytest.fixture
def exam(stack: Stack) -> Exam:
    return _new_exam(stack, "Philosophie")


@pytest.fixture
def desk(exam: Exam, page: Visits) -> Callable[[], Page]:
    """The desk with the three booklets of ``doubtful_pile``, and what was scanned before."""

    def opened() -> Page:
        exam.scanned(doubtful_pile())
        shown = page("operator", f"/exams/{exam.id}/scans?view=desk")
        shown.get_by_role("button", name=re.compile("^Tous")).click()
        expect(shown.get_by_role("article")).to_have_count(len(exam.sides()), timeout=20_000)
        return shown

    return opened


def send(page: Page, *files: tuple[str, str, bytes]) -> None:
    page.locator("input[type=file]").set_input_files(
        [{"name": name, "mimeType": kind, "buffer": data} for name, kind, data in files]
    )


def sheet(page: Page, booklet: int, place: int) -> Locator:
    return page.get_by_role("article").nth(booklet - 1).get_by_role("button", name=re.compile(f"^Page {place}, face"))


# Files


def test_several_scans_are_sent_read_and_lead_to_their_booklets(exam: Exam, page: Visits) -> None:
    shown = page("operator", f"/exams/{exam.id}/scans")
    send(shown, ("lundi.pdf", PDF, a4_pile(2)), ("mardi.pdf", PDF, a4_pile(1)))
    expect(shown.get_by_text("12 pages · 3 fascicules")).to_be_visible(timeout=30_000)
    expect(shown.get_by_text(re.compile("8 pages · 2 fascicules · "))).to_be_visible()
    expect_accessible(shown)
    shown.get_by_role("link", name="Voir les fascicules").click()
    expect(shown.get_by_role("article")).to_have_count(3)


def test_how_copies_end_is_chosen_and_remembered(exam: Exam, page: Visits) -> None:
    shown = page("operator", f"/exams/{exam.id}/scans")
    shown.get_by_role("radio", name=re.compile("Un fichier par copie")).check()
    send(shown, ("une.pdf", PDF, a4_pile(1, 6)))
    expect(shown.get_by_text(re.compile("6 pages · 1 fascicule ·"))).to_be_visible(timeout=30_000)
    shown.reload()
    expect(shown.get_by_role("radio", name=re.compile("Un fichier par copie"))).to_be_checked()


def test_the_same_file_again_is_told_kindly(exam: Exam, page: Visits) -> None:
    data = a4_pile(1)
    exam.scanned(data)
    shown = page("operator", f"/exams/{exam.id}/scans")
    expect(shown.get_by_text(re.compile("1 fascicule ·"))).to_be_visible()
    send(shown, ("encore.pdf", PDF, data))
    expect(shown.get_by_text("Ce fichier avait déjà été déposé")).to_be_visible()
    shown.get_by_role("button", name="Retirer de la liste encore.pdf").click()
    expect(shown.get_by_text("encore.pdf")).to_have_count(0)


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("devoir.docx", b"<html>no scan", "n'est pas un PDF"),
        ("vide.pdf", b"", "vide"),
        ("tronqué.pdf", a4_pile(2)[:9000], "endommagé ou a été tronqué"),
    ],
)
def test_what_is_refused_says_why_and_what_to_do(exam: Exam, page: Visits, name: str, data: bytes, told: str) -> None:
    shown = page("operator", f"/exams/{exam.id}/scans")
    send(shown, (name, PDF, data))
    expect(shown.get_by_role("alert")).to_contain_text(told)
    expect(shown.get_by_text("Ce fichier n’a pas été déposé.")).to_be_visible()
    expect_accessible(shown)


def test_files_of_a_zip_that_are_no_scan_are_named_also_later(exam: Exam, page: Visits) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("MARTIN.pdf", a4_pile(1))
        archive.writestr("lisez-moi.txt", b"bonjour")
    shown = page("operator", f"/exams/{exam.id}/scans")
    send(shown, ("classe.zip", "application/zip", out.getvalue()))
    expect(shown.get_by_text("2 fichiers dans l’archive · 1 refusé")).to_be_visible(timeout=30_000)
    shown.reload()
    expect(shown.get_by_text("lisez-moi.txt")).to_be_visible()
    expect(shown.get_by_text("Ce fichier n'est pas un PDF")).to_be_visible()


def test_a_file_stays_when_the_network_is_lost_on_its_way_and_goes_again_by_itself(exam: Exam, page: Visits) -> None:
    page.allow("ERR_CONNECTION_(REFUSED|RESET)|ERR_EMPTY_RESPONSE")
    with Proxy(urlsplit(page.stack.base).port or 80) as line:
        shown = page("operator", f"http://127.0.0.1:{line.port}/exams/{exam.id}/scans")
        expect(shown.get_by_text("L’épreuve n’a pas encore eu lieu")).to_be_visible()
        line.carry(Wire(bytes_per_s=30_000))
        send(shown, ("lundi.pdf", PDF, a4_pile(6)))
        # what the browser calls sent may still wait in the line, which is as good as lost
        expect(shown.get_by_text(re.compile(r"Envoi\s: [1-9]|Envoyé,"))).to_be_visible()
        line.refuse()
        expect(shown.get_by_text(re.compile("La connexion a été coupée à [1-9]"))).to_be_visible()
        expect_accessible(shown)
        line.clear()
        expect(shown.get_by_text(re.compile("24 pages · 6 fascicules ·"))).to_be_visible(timeout=60_000)
        shown.context.close()


def test_a_transfer_is_cancelled(exam: Exam, page: Visits) -> None:
    page.allow("ERR_ABORTED|ERR_FAILED")
    shown = page("operator", f"/exams/{exam.id}/scans")
    held: list[Route] = []
    shown.route("**/uploads?grouping=*", lambda route: held.append(route))
    send(shown, ("lundi.pdf", PDF, a4_pile(1)), ("mardi.pdf", PDF, a4_pile(2)))
    shown.get_by_role("button", name="Annuler mardi.pdf").click()
    expect(shown.get_by_text("mardi.pdf")).to_have_count(0)
    assert exam.operator.items(f"/exams/{exam.id}/uploads") == []


def test_a_reading_that_was_cancelled_is_taken_up_again(exam: Exam, page: Visits) -> None:
    job = exam.operator.post(f"/exams/{exam.id}/uploads", files={"file": ("long.pdf", a4_pile(12))})
    exam.operator.call("DELETE", f"/jobs/{job['id']}")
    shown = page("operator", f"/exams/{exam.id}/scans")
    expect(shown.get_by_text("Lecture annulée")).to_be_visible()
    shown.get_by_role("button", name="Reprendre la lecture long.pdf").click()
    expect(shown.get_by_text(re.compile("48 pages · 12 fascicules ·"))).to_be_visible(timeout=60_000)
    expect(shown.get_by_text("Lecture annulée")).to_have_count(0)


def test_a_sandbox_that_gave_up_is_told_and_tried_again(exam: Exam, page: Visits) -> None:
    """The list as it is after a child of ingest died over some sides."""
    shown = page("operator", f"/exams/{exam.id}/scans")
    upload_id, job_id = "0192f5c0-0000-7000-8000-00000000000a", "0192f5c0-0000-7000-8000-00000000000b"
    failed = {
        "id": upload_id, "exam_id": exam.id, "status": "failed", "sides": 4, "sides_done": 2, "pages": 2, "booklets": 0,
        "anomalies": [], "filename": "lourd.pdf", "created_at": "2026-11-26T08:00:00Z", "parts": [],
        "repeated": False, "repeatable": True, "job_id": job_id,
        "error": {"code": "ingest.unreadable", "detail": "Les pages 3 à 4 sont illisibles."},
    }  # fmt: skip
    listed = json.dumps({"items": [failed], "next": None, "total": 1})
    shown.route("**/uploads?limit=*", lambda route: route.fulfill(body=listed, content_type="application/json"))
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=409, content_type="application/problem+json", body='{"detail": "Rien à réessayer."}')

    shown.route("**/repeat", refuse)
    shown.reload()
    expect(shown.get_by_role("alert")).to_contain_text("Les pages 3 à 4 sont illisibles.")
    expect_accessible(shown)
    shown.get_by_role("button", name="Réessayer lourd.pdf").click()
    expect(shown.get_by_text("Rien à réessayer.")).to_be_visible()
    assert asked[0].endswith(f"/jobs/{job_id}/items/{upload_id}/repeat")


# The desk


def test_doubtful_booklets_come_first_with_their_doubt_in_words(exam: Exam, page: Visits) -> None:
    exam.scanned(doubtful_pile())
    shown = page("operator", f"/exams/{exam.id}/scans?view=desk")
    expect(shown.get_by_role("button", name=re.compile("À vérifier"), pressed=True)).to_be_visible()
    expect(shown.get_by_text("pas d’en-tête trouvé").first).to_be_visible()
    expect_accessible(shown)


def test_an_exam_without_paper_says_what_to_do(exam: Exam, page: Visits) -> None:
    shown = page("operator", f"/exams/{exam.id}/scans?view=desk")
    expect(shown.get_by_role("heading", name="Pas encore de fascicule")).to_be_visible()
    expect(shown.get_by_role("link", name="Déposer une numérisation")).to_be_visible()
    expect_accessible(shown)


def test_pages_are_turned_dropped_cut_and_joined_by_keys_and_all_is_undone(
    desk: Callable[[], Page], exam: Exam
) -> None:
    shown = desk()
    before = exam.sides()
    sheet(shown, 1, 3).focus()
    shown.keyboard.press("r")
    expect(shown.locator(".turned-90")).to_have_count(1)
    shown.keyboard.press("Delete")
    expect(sheet(shown, 1, 3)).to_have_accessible_name(re.compile("écartée"))
    shown.keyboard.press("c")
    expect(shown.get_by_role("article")).to_have_count(4)
    assert exam.sides()[:2] == [[1, 2], [-3, 4]]
    shown.keyboard.press("m")
    expect(shown.get_by_role("article")).to_have_count(3)
    for _ in range(4):
        shown.keyboard.press("Control+z")
    expect(shown.locator(".turned-90")).to_have_count(0)
    assert exam.sides() == before


def test_keys_typed_faster_than_the_server_answers_act_one_after_the_other(
    desk: Callable[[], Page], exam: Exam
) -> None:
    shown = desk()
    before = exam.sides()
    sheet(shown, 1, 3).focus()
    for key in ("c", "m", "r", "r", "ArrowRight", "Delete"):
        shown.keyboard.press(key)
    expect(sheet(shown, 1, 4)).to_have_accessible_name(re.compile("écartée"))
    expect(shown.locator(".turned-180")).to_have_count(1)
    assert exam.sides() == [[1, 2, 3, -4], *before[1:]]


def test_a_page_is_moved_by_keys_within_its_booklet_and_over_its_edge(desk: Callable[[], Page], exam: Exam) -> None:
    shown = desk()
    sheet(shown, 1, 4).focus()
    shown.keyboard.press("Alt+ArrowLeft")
    expect(sheet(shown, 1, 3)).to_have_accessible_name(re.compile("face 4"))
    shown.keyboard.press("Alt+ArrowRight")
    expect(sheet(shown, 1, 4)).to_have_accessible_name(re.compile("face 4"))
    shown.keyboard.press("Alt+ArrowRight")
    expect(sheet(shown, 2, 1)).to_be_focused()
    assert exam.sides()[:2] == [[1, 2, 3], [4, 5, 6, 7, 8]]


def test_selected_pages_are_taken_and_put_before_another(desk: Callable[[], Page], exam: Exam) -> None:
    shown = desk()
    sheet(shown, 3, 1).click()
    sheet(shown, 3, 2).click(modifiers=["Shift"])
    shown.get_by_role("button", name="Prendre").click()
    sheet(shown, 1, 2).click()
    shown.get_by_role("button", name="Poser avant").click()
    expect(sheet(shown, 1, 6)).to_be_visible()
    assert exam.sides() == [[1, 9, 10, 2, 3, 4], [5, 6, 7, 8], [11, 12]]


def test_a_page_is_dragged_into_a_booklet_of_another_scan(desk: Callable[[], Page], exam: Exam) -> None:
    exam.scanned(a4_pile(1, 4, blank=[2]), "retard.pdf")
    shown = desk()
    sheet(shown, 1, 1).drag_to(sheet(shown, 2, 1), target_position={"x": 100, "y": 70})
    expect(shown.get_by_role("article").nth(1).get_by_role("button", name=re.compile("^Page 5, face"))).to_be_visible()
    assert exam.sides()[:2] == [[2, 3, 4], [1, 1, 2, 3, 4]]


def test_booklets_are_approved_stapled_and_belong_to_their_copy(desk: Callable[[], Page], exam: Exam) -> None:
    shown = desk()
    approve = shown.get_by_role("button", name=re.compile("^C’est bon"))
    while approve.count():
        left = approve.count()
        approve.first.click()
        expect(approve).to_have_count(left - 1)
    shown.get_by_role("button", name="Agrafer les 3 fascicules sûrs").click()
    expect(shown.get_by_text("3 copies sont agrafées.")).to_be_visible()
    expect(shown.get_by_role("article").first.get_by_text("Agrafé", exact=True)).to_be_visible()
    expect(shown.get_by_role("link", name="Voir la copie Fascicule 1")).to_be_visible()
    until(lambda: exam.operator.get(f"/exams/{exam.id}/copies")["total"] == 3, "the copies in grading")


def test_stray_paper_is_set_aside_and_taken_back(desk: Callable[[], Page]) -> None:
    shown = desk()
    first = shown.get_by_role("article").first
    first.get_by_role("button", name="Mettre de côté").click()
    expect(first.get_by_text("Mis de côté", exact=True)).to_be_visible()
    first.get_by_role("button", name="Reprendre").click()
    expect(first.get_by_role("button", name="Mettre de côté")).to_be_visible()


def test_what_somebody_else_changed_meanwhile_is_told_and_shown(desk: Callable[[], Page], exam: Exam) -> None:
    shown = desk()
    (booklet, *_) = exam.operator.items(f"/exams/{exam.id}/booklets")
    exam.operator.post(f"/booklets/{booklet['id']}/split", json={"version": booklet["version"], "before_page": 3})
    sheet(shown, 1, 2).focus()
    shown.keyboard.press("r")
    expect(shown.get_by_text("Ce fascicule a changé depuis votre lecture")).to_be_visible()
    expect(sheet(shown, 1, 3)).to_have_count(0)
    assert exam.sides()[:2] == [[1, 2], [3, 4]]


def test_what_was_done_is_listed_with_its_author_and_undone(desk: Callable[[], Page], exam: Exam) -> None:
    shown = desk()
    sheet(shown, 1, 3).focus()
    shown.keyboard.press("c")
    expect(shown.get_by_role("article")).to_have_count(4)
    shown.get_by_role("button", name="Ce qui a été fait").click()
    acts = shown.get_by_role("dialog", name="Ce qui a été fait")
    expect(acts.get_by_text(re.compile("Jeanne Martin"))).to_be_visible()
    expect_accessible(shown)
    acts.get_by_role("button", name="Annuler").click()
    expect(acts.get_by_text("annulé", exact=True)).to_be_visible()
    assert len(exam.sides()) == 3


def test_a_page_is_looked_at_closely_and_turned_there(desk: Callable[[], Page]) -> None:
    shown = desk()
    sheet(shown, 1, 1).focus()
    shown.keyboard.press("Enter")
    zoom = shown.get_by_role("dialog")
    expect(zoom.get_by_role("img")).to_be_visible()
    expect_accessible(shown)
    shown.keyboard.press("ArrowRight")
    expect(zoom.get_by_role("heading")).to_contain_text("Page 2, face 2")
    zoom.get_by_role("button", name="Tourner à droite").click()
    expect(zoom.locator("img.turned-90")).to_be_visible()
    shown.keyboard.press("Escape")
    expect(sheet(shown, 1, 2)).to_be_focused()


def test_the_keys_are_told(desk: Callable[[], Page]) -> None:
    shown = desk()
    sheet(shown, 1, 1).focus()
    shown.keyboard.press("?")
    expect(shown.get_by_role("dialog", name="Raccourcis clavier")).to_be_visible()
    expect_accessible(shown)


def test_late_sheets_join_a_copy_found_by_its_number(desk: Callable[[], Page], exam: Exam) -> None:
    exam.scanned(doubtful_pile())
    copy = exam.first_copy()
    shown = desk()
    shown.get_by_role("checkbox", name="Fascicule 2").check()
    shown.get_by_role("button", name="Joindre à une copie").click()
    shown.get_by_role("searchbox").fill(copy["anonymous_id"])
    expect_accessible(shown)
    shown.get_by_role("button", name=re.compile(copy["anonymous_id"])).click()
    expect(shown.get_by_text(f"Les feuilles ont rejoint la copie {copy['anonymous_id']}.")).to_be_visible()


# The paper, answer sheets, jobs, one copy


def test_the_report_says_what_is_wrong_worst_first_and_leads_to_the_booklet(exam: Exam, page: Visits) -> None:
    exam.scanned(doubtful_pile())
    shown = page("operator", f"/exams/{exam.id}/scans?view=report")
    expect(shown.get_by_text("Le compte des pages est juste")).to_be_visible()
    shown.get_by_label("Copies", exact=True).fill("5")
    expect(shown.get_by_role("main").get_by_role("listitem").first).to_contain_text("3 copies sur 5 attendues")
    expect_accessible(shown)
    shown.get_by_role("link", name=re.compile("Ouvrir le fascicule.*pas d’en-tête")).first.click()
    expect(shown.get_by_role("article")).not_to_have_count(0)
    expect(shown.locator(".page:focus")).to_be_visible()


def test_answer_sheets_are_prepared_and_opened(exam: Exam, page: Visits) -> None:
    shown = page("operator", f"/exams/{exam.id}/scans")
    shown.get_by_role("button", name="Imprimer des copies").first.click()
    dialog = shown.get_by_role("dialog")
    dialog.get_by_label("Copies", exact=False).first.fill("3")
    dialog.get_by_role("radio", name=re.compile("A3 plié")).check()
    expect(dialog.get_by_text("Il faut 3 feuilles A3.")).to_be_visible()
    dialog.get_by_role("button", name="Préparer le PDF").click()
    opened = dialog.get_by_role("link", name="Ouvrir le PDF")
    expect(opened).to_be_visible(timeout=30_000)
    answer = shown.request.get(opened.get_attribute("href") or "")
    assert (answer.status, answer.headers["content-type"]) == (200, PDF)
    assert answer.body().startswith(b"%PDF-")


def test_jobs_tell_what_became_of_each_file_and_try_again_what_was_cancelled(exam: Exam, page: Visits) -> None:
    job = exam.operator.post(f"/exams/{exam.id}/uploads", files={"file": ("abandonné.pdf", a4_pile(9))})
    exam.operator.call("DELETE", f"/jobs/{job['id']}")
    shown = page("operator", "/jobs")
    row = shown.get_by_role("listitem").filter(has=shown.get_by_role("heading", name="abandonné.pdf"))
    expect(row.first).to_contain_text("annulé")
    row.get_by_role("button", name="Réessayer abandonné.pdf").click()
    expect(row.filter(has_text="terminé")).to_have_count(1, timeout=60_000)


def test_jobs_that_cannot_be_asked_for_are_told(exam: Exam, page: Visits) -> None:
    page.allow("503")
    shown = page("operator", "/exams")
    body = '{"status": 503, "detail": "Une partie du système ne répond pas.", "request_id": "r-1"}'
    shown.route(
        "**/api/v1/jobs?*", lambda route: route.fulfill(status=503, content_type="application/problem+json", body=body)
    )
    shown.goto("/jobs")
    expect(shown.get_by_role("alert")).to_contain_text("ne répond pas")


def test_who_has_no_jobs_reads_what_will_stand_there(page: Visits) -> None:
    shown = page("other", "/jobs")
    shown.route("**/api/v1/jobs?*", lambda route: route.fulfill(json={"items": [], "next": None, "total": 0}))
    shown.reload()
    expect(shown.get_by_role("heading", name="Rien en cours")).to_be_visible()
    expect_accessible(shown)


def test_a_finalised_copy_shows_its_history_and_tells_why_it_stays_closed(page: Visits) -> None:
    shown = page("admin", "/copies/{graded}")
    made = shown.locator(".trail li").first
    expect(made).to_contain_text("Copie corrigée")
    expect(made).to_contain_text("Korrigo")
    refusal = {
        "status": 409,
        "detail": "Une seconde personne doit rouvrir cette copie.",
        "code": "grading.second_person",
    }
    sent: list[Any] = []

    def refuse(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(status=409, json=refusal)

    shown.route("**/reopen", refuse)
    shown.get_by_text("Rouvrir la copie").click()
    shown.get_by_label("Motif").fill("Une feuille manquait")
    expect_accessible(shown)
    shown.get_by_role("button", name="Rouvrir", exact=True).click()
    expect(shown.get_by_role("alert")).to_contain_text("Une seconde personne")
    assert sent == [{"reason": "Une feuille manquait"}]


def test_late_sheets_are_joined_from_the_page_of_their_copy(exam: Exam, page: Visits) -> None:
    exam.scanned(doubtful_pile())
    copy = exam.first_copy()
    shown = page("operator", f"/copies/{copy['id']}")
    shown.get_by_role("link", name="Joindre des feuilles en retard").click()
    shown.get_by_role("checkbox", name="Fascicule 3").check()
    shown.get_by_role("button", name="Joindre à cette copie").click()
    shown.wait_for_url(f"**/copies/{copy['id']}")
