"""A name that stands in printed text: looked for where the settings say so, told to those who may see names alone."""

from __future__ import annotations

import pymupdf
import pytest
from playwright.sync_api import expect

from demo import scans
from tests.browser.stack import Stack, assembled
from tests.browser.visits import Visits, expect_accessible
from tests.story.journey import Journey, Pile, until

PUPILS = scans.PUPILS[:2]
SHOWN, OTHER = PUPILS


def typed_over(pile: bytes, lines: dict[int, str], dpi: int = 150) -> bytes:
    """The pile with a line of print on some of its sides, scanned again."""
    with pymupdf.open(stream=pile, filetype="pdf") as paper, pymupdf.open() as again:
        for side, text in lines.items():
            paper[side].insert_text((90, 795), text, fontsize=12, fontname="tiro")
        for page in paper:
            scan = page.get_pixmap(dpi=dpi, colorspace=pymupdf.csGRAY).tobytes("jpeg", jpg_quality=80)
            again.new_page(width=page.rect.width, height=page.rect.height).insert_image(page.rect, stream=scan)
        return bytes(again.tobytes())


@pytest.fixture(scope="module")
def journey(stack: Stack) -> Journey:
    """Two copies; their second pages say in print whose they are."""
    lines = {
        1: f"Devoir rendu par {SHOWN.first_name} {SHOWN.last_name} le 12 mai",
        5: f"{OTHER.last_name} {OTHER.first_name}",
    }
    pile = typed_over(scans.a4_pile(PUPILS), lines)
    ines = [each.ine for each in PUPILS]
    made = assembled(stack.world, Pile("Devoir tapé", "a4", pile, scans.roster_csv(), ines))
    made.wait_for_readings()
    return made


def test_the_switch_has_pages_read_and_names_are_told_until_a_person_hides_them_or_sets_them_aside(
    page: Visits, journey: Journey
) -> None:
    found = f"/exams/{journey.exam}/printed-names"
    assert journey.admin.get(found)["checking"] is False
    shown = page("admin", f"/exams/{journey.exam}")
    shown.get_by_role("button", name="Réglages").click()
    expect(shown.get_by_text("La lecture prend environ une seconde par page")).to_be_visible()
    shown.get_by_label("Noms imprimés").select_option(label="Les chercher sur toutes les pages")
    with shown.expect_navigation():  # the page is drawn anew with what was saved
        shown.get_by_role("button", name="Enregistrer").click()
    until(lambda: journey.admin.get(found)["waiting"] == 0 < journey.admin.get(found)["pages"], "all pages read", 180)
    shown.goto(f"/exams/{journey.exam}/identification")
    shown.get_by_role("button", name="Noms imprimés 2").click()
    place = shown.get_by_role("listitem").filter(has_text=SHOWN.last_name)
    expect(place).to_contain_text("page 2")
    expect(place.get_by_role("img")).to_be_visible()
    expect_accessible(shown)
    place.get_by_role("button", name="Masquer").click()
    expect(shown.get_by_text("Les correcteurs ne verront plus cette zone.")).to_be_visible()
    expect(shown.get_by_role("button", name="Noms imprimés 1")).to_be_visible()
    until(lambda: journey.admin.get(found)["total"] == 1, "the page is another one now")
    until(lambda: journey.admin.get(found)["waiting"] == 0, "what markers see of it is read", 60)
    assert journey.admin.get(found)["total"] == 1, "no name can be read there any more"
    other = shown.get_by_role("listitem").filter(has_text=OTHER.last_name)
    other.get_by_role("button", name="Rien à cacher").click()
    expect(shown.get_by_text("Aucun nom de la liste")).to_be_visible()
    expect(shown.get_by_role("button", name="Noms imprimés 0")).to_be_visible()


def test_where_names_are_not_looked_for_the_desk_has_no_place_for_them(page: Visits, stack: Stack) -> None:
    shown = page("admin", f"/exams/{stack.ids['marking']}/identification")
    expect(shown.get_by_role("button", name="Modèle de feuille")).to_be_visible()
    expect(shown.get_by_role("button", name="Noms imprimés")).to_have_count(0)


def test_what_went_wrong_is_told_where_it_was_tried(page: Visits, journey: Journey) -> None:
    journey.admin.patch(
        f"/exams/{journey.exam}",
        json={"version": journey.admin.get(f"/exams/{journey.exam}")["version"], "check_printed_names": True},
    )
    shown = page("admin", f"/exams/{journey.exam}/identification")
    shown.route(
        "**/printed-names?limit=50",
        lambda route: route.fulfill(
            status=503, json={"code": "gateway.unavailable", "title": "", "detail": "Le service ne répond pas."}
        ),
    )
    page.allow("503")
    shown.get_by_role("button", name="Noms imprimés").click()
    expect(shown.get_by_text("Le service ne répond pas.")).to_be_visible()
