"""A name that stands outside the header: staff hide the zone on the page, and markers see grey paper there."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pymupdf
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from demo import scans
from demo.client import ApiRefused
from services.ingest.pixels.masking import COVER_TONE
from tests.browser.stack import Stack, assembled
from tests.browser.visits import Screen, Visits, expect_accessible
from tests.story.journey import MARKERS, Journey, Pile, until

PUPILS = scans.PUPILS[:2]
ZONE = {"page_no": 1, "box": {"x": 0.12, "y": 0.25, "w": 0.4, "h": 0.05}}


def _hiding(page: Page, stack: Stack) -> None:
    """A zone is being drawn on a page that has one."""
    if "hidden" not in stack.ids:
        marked = {stack.ids["ready"], stack.ids["graded"]}
        copies = stack.admin.items(f"/exams/{stack.ids['marking']}/copies", status="READY")
        copy_id = next(each["id"] for each in copies if each["id"] not in marked)
        stack.admin.post(f"/copies/{copy_id}/covers", json=ZONE)
        until(lambda: stack.admin.get(f"/copies/{copy_id}")["pages"][0]["covered"], "grading heard of it")
        stack.ids["hidden"] = copy_id
    page.goto(f"/copies/{stack.ids['hidden']}")
    sheet(page, 1).get_by_role("button", name="Masquer une zone").click()


SCREENS = (Screen("copy-hiding", "operator", "/copies/{ready}", _hiding, phone=True),)


@pytest.fixture(scope="module")
def journey(stack: Stack) -> Journey:
    pile = Pile("Noms sur les pages", "a4", scans.a4_pile(PUPILS), scans.roster_csv(), [each.ine for each in PUPILS])
    made = assembled(stack.world, pile)
    made.wait_for_readings()
    made.allocate()
    return made


@pytest.fixture
def copy_id(journey: Journey, stack: Stack) -> str:
    """Of the first marker, with nothing covered."""
    (own, *_) = stack.people["marker"].items(f"/exams/{journey.exam}/copies")
    for page in journey.admin.get(f"/copies/{own['id']}")["pages"]:
        for cover in page["covered"]:
            journey.admin.delete(f"/copies/{own['id']}/covers/{cover['id']}")
    until(lambda: covered(journey, own["id"]) == [], "nothing covered")
    return str(own["id"])


def covered(journey: Journey, copy_id: str) -> list[dict[str, Any]]:
    return [each["box"] for page in journey.admin.get(f"/copies/{copy_id}")["pages"] for each in page["covered"]]


def seen_by_marker(stack: Stack, copy_id: str, page_no: int, size: str = "screen") -> np.ndarray[Any, Any]:
    answer = stack.people["marker"].call("GET", f"/copies/{copy_id}/pages/{page_no}", params={"size": size})
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("L"))


def middle(picture: np.ndarray[Any, Any], box: dict[str, float]) -> np.ndarray[Any, Any]:
    height, width = picture.shape
    x, y = (box["x"] + box["w"] / 2) * width, (box["y"] + box["h"] / 2) * height
    return picture[int(y) - 3 : int(y) + 3, int(x) - 3 : int(x) + 3].astype(int)


def sheet(shown: Page, number: int) -> Locator:
    return shown.locator(f"#page-{number}")


def test_a_zone_drawn_on_a_page_is_hidden_from_markers_and_shown_again(
    page: Visits, stack: Stack, journey: Journey, copy_id: str
) -> None:
    shown = page("operator", f"/copies/{copy_id}")
    second = sheet(shown, 2)
    second.get_by_role("button", name="Masquer une zone").click()
    paper = second.locator("img").bounding_box()
    assert paper is not None
    shown.mouse.move(paper["x"] + 0.2 * paper["width"], paper["y"] + 0.3 * paper["height"])
    shown.mouse.down()
    shown.mouse.move(paper["x"] + 0.6 * paper["width"], paper["y"] + 0.4 * paper["height"], steps=4)
    shown.mouse.up()
    expect_accessible(shown)
    second.get_by_role("button", name="Masquer", exact=True).click()
    expect(second.get_by_text("masqué pour les correcteurs")).to_be_visible()
    expect(shown.get_by_text("Les correcteurs ne verront plus cette zone.")).to_be_visible()
    expect_accessible(shown)
    until(lambda: covered(journey, copy_id) != [], "grading heard of it")
    (box,) = covered(journey, copy_id)
    assert [box[side] for side in "xywh"] == pytest.approx([0.2, 0.3, 0.4, 0.1], abs=0.01)
    marking = page("marker", f"/copies/{copy_id}/mark")
    expect(marking.locator("figure.page").nth(1)).to_contain_text("zone masquée")
    for size in ("screen", "thumb", "full"):
        assert np.abs(middle(seen_by_marker(stack, copy_id, 2, size), box) - COVER_TONE).max() <= 6
    shown.reload()
    second.get_by_role("button", name="Montrer de nouveau").click()
    expect(second.get_by_text("masqué pour les correcteurs")).to_have_count(0)
    until(lambda: covered(journey, copy_id) == [], "shown again")
    assert np.abs(middle(seen_by_marker(stack, copy_id, 2), box) - COVER_TONE).max() > 6


def test_a_zone_is_hidden_without_a_mouse_and_taken_back(
    page: Visits, stack: Stack, journey: Journey, copy_id: str
) -> None:
    shown = page("operator", f"/copies/{copy_id}", language="en")
    first = sheet(shown, 1)
    first.get_by_role("button", name="Hide a zone").press("Enter")
    zone = first.get_by_role("button", name="Zone to hide")
    expect(zone).to_be_focused()
    expect(zone).to_be_in_viewport(ratio=1)
    zone.press("Escape")
    expect(first.get_by_role("button", name="Hide a zone")).to_be_focused()
    first.get_by_role("button", name="Hide a zone").press("Enter")
    began = zone.evaluate("zone => Number(zone.style.getPropertyValue('--y'))")
    for key in (*["ArrowDown"] * 4, *["ArrowLeft"] * 2, *["Shift+ArrowRight"] * 2, *["Shift+ArrowDown"] * 2, "Enter"):
        zone.press(key)
    expect(first.get_by_text("hidden from markers")).to_be_visible()
    expect(first.get_by_role("button", name="Hide a zone")).to_be_focused()
    until(lambda: covered(journey, copy_id) != [], "grading heard of it")
    (box,) = covered(journey, copy_id)
    assert [box[side] for side in "xywh"] == pytest.approx([0.24, began + 0.02, 0.51, 0.07])
    shown.get_by_role("button", name="Undo").click()
    expect(first.get_by_text("hidden from markers")).to_have_count(0)
    until(lambda: covered(journey, copy_id) == [], "shown again")


def test_what_cannot_be_hidden_is_told_on_the_page_and_the_zone_stays(page: Visits, copy_id: str) -> None:
    shown = page("operator", f"/copies/{copy_id}")
    said = {"status": 409, "detail": "Les pages de cette copie ont été modifiées.", "code": "ingest.paper_changed"}

    def refuse(route: Route) -> None:
        route.fulfill(status=409, json=said, content_type="application/problem+json")

    shown.route("**/covers", refuse)
    second = sheet(shown, 2)
    second.get_by_role("button", name="Masquer une zone").click()
    second.get_by_role("button", name="Masquer", exact=True).click()
    expect(second.get_by_role("alert")).to_contain_text("ont été modifiées")
    expect(second.get_by_role("button", name="Zone à masquer")).to_be_visible()
    expect_accessible(shown)


def test_who_marks_a_copy_has_no_zones_to_hide_and_asking_is_refused(page: Visits, stack: Stack, copy_id: str) -> None:
    shown = page("marker", f"/copies/{copy_id}")
    expect(sheet(shown, 1).get_by_role("img")).to_be_visible()
    expect(shown.get_by_role("button", name=re.compile("Masquer"))).to_have_count(0)
    with pytest.raises(ApiRefused) as refused:
        stack.people["marker"].post(f"/copies/{copy_id}/covers", json=ZONE)
    assert refused.value.status == 403


def test_a_finalised_copy_shows_what_is_hidden_and_changes_nothing(
    page: Visits, stack: Stack, journey: Journey, copy_id: str
) -> None:
    zone = {"page_no": 2, "box": {"x": 0.1, "y": 0.6, "w": 0.3, "h": 0.05}}
    journey.admin.post(f"/copies/{copy_id}/covers", json=zone)
    until(lambda: covered(journey, copy_id) != [], "grading heard of it")
    marker = journey.markers[[each.user["username"] for each in journey.markers].index(MARKERS[0])]
    assert marker.wait(journey.mark(marker, copy_id))["status"] == "succeeded"
    shown = page("admin", f"/copies/{copy_id}")
    expect(sheet(shown, 2).get_by_text("masqué pour les correcteurs")).to_be_visible()
    expect(shown.get_by_role("button", name=re.compile("^Masquer|^Montrer"))).to_have_count(0)
    with pytest.raises(ApiRefused) as refused:
        journey.admin.post(f"/copies/{copy_id}/covers", json=zone)
    assert refused.value.problem["code"] == "grading.copy_finalised"
    final = journey.admin.call("GET", f"/copies/{copy_id}/final.pdf").content
    with pymupdf.open(stream=final, filetype="pdf") as pdf:
        drawn = pdf[1].get_pixmap(dpi=100, colorspace=pymupdf.csGRAY)
    candidate_sees = np.frombuffer(drawn.samples, np.uint8).reshape(drawn.height, drawn.stride)[:, : drawn.width]
    assert np.abs(middle(candidate_sees, zone["box"]) - COVER_TONE).max() > 6, "candidates see all they wrote"
