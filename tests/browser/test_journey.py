"""From an empty installation to a candidate's copy, through what is on the screens alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from chassis.testing.servers import ObjectStore, Postgres, RabbitMQ
from demo import scans
from tests.browser.desks import Hands
from tests.browser.stack import Stack
from tests.browser.visits import Visits
from tests.story.journey import PASSWORD
from tests.story.world import running_world

PUPILS = scans.PUPILS[:2]
NAMES = re.compile("|".join(each.last_name for each in PUPILS))


@pytest.fixture
def empty(postgres: Postgres, rabbitmq: RabbitMQ, s3: ObjectStore, tmp_path: Path) -> Iterator[Stack]:
    with running_world(postgres, rabbitmq.create_vhost("journey"), s3, tmp_path) as world:
        yield Stack(world, world.system.base, passwords={"admin": world.admin_password})


@pytest.fixture
def page(browser: Browser, empty: Stack) -> Iterator[Visits]:
    visits = Visits(browser, empty)
    yield visits
    visits.end()


def signed_in(page: Visits, username: str, password: str) -> Page:
    shown = page(None, "/sign-in")
    shown.get_by_label("Identifiant").fill(username)
    shown.get_by_label("Mot de passe").fill(password)
    shown.get_by_role("button", name="Se connecter").click()
    expect(shown.get_by_role("heading", level=1, name="Épreuves")).to_be_visible()
    return shown


def test_a_pile_of_paper_becomes_copies_that_candidates_read(page: Visits, empty: Stack) -> None:
    admin = signed_in(page, "admin", empty.passwords["admin"])
    _account_for_a_marker(admin)
    _exam_with_its_scheme(admin)
    exam = admin.url.removesuffix("/scheme")
    _roster(admin, exam)
    _scans(admin, exam)
    _who_wrote_them(admin, exam)
    admin.goto(f"{exam}/allocation")
    admin.get_by_role("button", name="Répartir 2 copies").click()
    expect(admin.get_by_text("Toutes les copies ont un correcteur.")).to_be_visible()
    _marked(signed_in(page, "marie.curie", PASSWORD))
    code = _published(admin, exam)
    _read(page(None, "/candidate"), code)


def _account_for_a_marker(admin: Page) -> None:
    admin.get_by_role("link", name="Utilisateurs").click()
    admin.get_by_label("Nom affiché").last.fill("Marie Curie")
    admin.get_by_label("Identifiant").last.fill("marie.curie")
    admin.get_by_label("Premier mot de passe").fill(PASSWORD)
    admin.get_by_role("button", name="Créer le compte").click()
    expect(admin.get_by_role("row", name=re.compile("marie.curie"))).to_be_visible()


def _exam_with_its_scheme(admin: Page) -> None:
    admin.get_by_role("link", name="Épreuves").click()
    admin.get_by_role("link", name="Nouvelle épreuve").first.click()
    admin.get_by_label("Titre").fill("Bac blanc")
    admin.get_by_label("Noté sur").fill("3")
    admin.get_by_role("radio", name=re.compile("Pages A4")).check()
    admin.get_by_role("button", name="Créer l’épreuve").click()
    admin.get_by_role("link", name=re.compile("barème", re.IGNORECASE)).first.click()
    admin.get_by_label("Ligne 1 : libellé").fill("Dérivée")
    admin.get_by_label("Ligne 1 : points").fill("2")
    admin.get_by_label("Ligne 1 : libellé").press("Enter")
    admin.get_by_label("Ligne 2 : libellé").fill("Limite")
    admin.get_by_label("Ligne 2 : points").fill("1")
    admin.get_by_role("button", name="Enregistrer").click()
    expect(admin.get_by_text("Barème enregistré, version 1.")).to_be_visible()


def _roster(admin: Page, exam: str) -> None:
    admin.goto(f"{exam}/roster")
    roster = {"name": "liste.csv", "mimeType": "text/csv", "buffer": scans.roster_csv()}
    admin.locator("input[type=file]").first.set_input_files(roster)
    admin.get_by_role("button", name=re.compile(r"^Importer \d+ candidats")).click()
    expect(admin.get_by_role("cell", name=NAMES).or_(admin.get_by_role("rowheader", name=NAMES)).first).to_be_visible()


def _scans(admin: Page, exam: str) -> None:
    admin.goto(f"{exam}/scans")
    pile = {"name": "pile.pdf", "mimeType": "application/pdf", "buffer": scans.a4_pile(PUPILS)}
    admin.locator("input[type=file]").set_input_files(pile)
    expect(admin.get_by_text(re.compile("8 pages · 2 fascicules ·"))).to_be_visible(timeout=60_000)
    admin.get_by_role("link", name="Fascicules", exact=True).click()
    admin.get_by_role("button", name="Agrafer les 2 fascicules sûrs").click()
    expect(admin.get_by_role("button", name=re.compile("^Agrafer"))).to_have_count(0)


def _who_wrote_them(admin: Page, exam: str) -> None:
    """Once a header is read, the machine says whose it is, or a person confirms what is certain to the eye."""
    admin.goto(f"{exam}/identification")
    done = admin.get_by_role("heading", name="Tout est identifié")
    sure = admin.get_by_role("option", selected=True).filter(has_text=re.compile(r"\b(9\d|100)\s%"))
    for _ in PUPILS:
        expect(done.or_(sure)).to_be_visible(timeout=60_000)
        if done.is_visible():
            return
        shown = admin.locator("#desk-copy").inner_text()
        admin.get_by_role("combobox").press("Enter")
        expect(admin.locator("#desk-copy", has_text=shown)).to_have_count(0)
    expect(done).to_be_visible(timeout=60_000)


def _marked(marker: Page) -> None:
    marker.get_by_role("link", name="Corriger Bac blanc").click()
    hands = Hands(marker)
    for _ in PUPILS:
        copy = marker.url
        hands.press("1", ",", "5", "Enter", "1", "Enter")
        hands.press("Control+Enter")
        expect(marker.get_by_text(re.compile("validée|C’était la dernière copie")).first).to_be_visible()
        if marker.url == copy:
            break
        hands.saved()


def _published(admin: Page, exam: str) -> str:
    """The code of the first candidate."""
    publish = admin.get_by_role("button", name="Publier les résultats")
    for _ in range(60):
        admin.goto(f"{exam}/publication")
        if publish.is_enabled():
            break
        admin.wait_for_load_state("networkidle")
    publish.click()
    admin.get_by_role("button", name="Confirmer").click()
    expect(admin.get_by_role("button", name="Retirer les résultats")).to_be_visible()
    admin.goto(f"{exam}/access-codes")
    admin.get_by_role("button", name="Codes pour ceux qui n’en ont pas").click()
    slip = admin.get_by_role("article").filter(has_text=PUPILS[0].last_name)
    return slip.locator(".secret").inner_text()


def _read(candidate: Page, code: str) -> None:
    candidate.get_by_label("Code d’accès").fill(code)
    candidate.get_by_role("button", name="Voir mes résultats").click()
    candidate.wait_for_url("**/results")
    expect(candidate.get_by_role("article", name="Bac blanc")).to_contain_text("2,5 / 3")
    with candidate.expect_download() as downloading:
        candidate.get_by_role("link", name="Télécharger (PDF)").click()
    assert Path(downloading.value.path()).read_bytes().startswith(b"%PDF-")
