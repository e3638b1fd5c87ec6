"""After a copy is finished: its document that could not be made is asked for again, and the copy is opened again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from contracts.objects import ObjectRef
from demo import scans
from demo.client import Client
from tests.browser.desks import Hands
from tests.browser.stack import Stack, assembled
from tests.browser.visits import Screen, Visits, expect_accessible
from tests.story.journey import Journey, Pile, until


def _identified(stack: Stack, pupils: list[scans.Pupil]) -> Journey:
    """An exam of its own, each copy with a marker and a name. The pile is no other test's: its scan is one object."""
    ines = [each.ine for each in pupils]
    journey = assembled(stack.world, Pile("Après coup", "a4", scans.a4_pile(pupils), scans.roster_csv(), ines))
    journey.identify()
    journey.allocate()
    return journey


@contextmanager
def _scan_away(stack: Stack, journey: Journey) -> Iterator[None]:
    """The scan is not in the store: no document can be made of its pages."""
    digest = hashlib.sha256(journey.pile.pdf).hexdigest()
    key = f"uploads/{digest[:2]}/{digest}"
    ref = ObjectRef(key=key, sha256=digest, size=len(journey.pile.pdf), media_type="application/pdf")
    assert stack.world.objects.exists(ref)
    stack.world.objects.delete(key)
    try:
        yield
    finally:
        assert stack.world.objects.put("uploads", journey.pile.pdf, "application/pdf") == ref


def _failed(stack: Stack, journey: Journey) -> str:
    """The first marker's copy, finished while no document could be made."""
    marker = journey.markers[0]
    copy_id: str = marker.items(f"/exams/{journey.exam}/copies")[0]["id"]
    with _scan_away(stack, journey):
        assert marker.wait(journey.mark(marker, copy_id))["status"] == "failed"
    return copy_id


def _shown_failed(page: Page, stack: Stack) -> None:
    if "failed" not in stack.ids:
        stack.ids["failed"] = _failed(stack, _identified(stack, scans.PUPILS[4:6]))
    page.goto(f"/copies/{stack.ids['failed']}{'/mark' if page.url.endswith('/mark') else ''}")
    expect(page.get_by_text("La finalisation a échoué")).to_be_visible()


SCREENS = (
    Screen("copy-failed", "admin", "/copies/{graded}", _shown_failed),
    Screen("desk-failed", "marker", "/copies/{graded}/mark", _shown_failed),
)
WHY = re.compile("La numérisation de cette copie n.est plus dans le stockage")


# A document that could not be made


def test_a_document_that_failed_says_why_and_is_made_from_the_jobs(page: Visits, stack: Stack) -> None:
    journey = _identified(stack, scans.PUPILS[1:3])
    marker = journey.markers[0]
    (copy,) = marker.items(f"/exams/{journey.exam}/copies")
    shown = page("marker", f"/copies/{copy['id']}/mark")
    with _scan_away(stack, journey):
        Hands(shown).press("Enter", "Enter", "Enter", "Enter", "Control+Enter")
        until(lambda: marker.get(f"/copies/{copy['id']}")["status"] == "GRADING_FAILED", "the failure is told")
        shown.goto("/jobs")
        job = shown.get_by_role("listitem").filter(has_text=copy["anonymous_id"])
        expect(job).to_contain_text("en échec")
        expect(job).to_contain_text(WHY)
        expect_accessible(shown)
    job.get_by_role("button", name="Réessayer").click()
    expect(shown.get_by_text(f"{copy['anonymous_id']} : nouvelle tentative en cours.")).to_be_visible()
    expect(job).to_contain_text("terminé")
    expect(job.get_by_role("button", name="Réessayer")).to_have_count(0)
    assert marker.get(f"/copies/{copy['id']}")["total"] == "20"


@pytest.mark.parametrize("place", ["", "/mark"])
def test_who_finished_a_copy_asks_again_where_the_failure_is_told(page: Visits, stack: Stack, place: str) -> None:
    journey = _identified(stack, scans.PUPILS[:4:3] if place else scans.PUPILS[1:6:4])
    copy_id = _failed(stack, journey)
    shown = page("marker", f"/copies/{copy_id}{place}")
    expect(shown.get_by_text(WHY)).to_be_visible()
    shown.get_by_role("button", name="Relancer la finalisation").click()
    until(lambda: journey.admin.get(f"/copies/{copy_id}")["status"] == "GRADED", "the document is made")
    shown.goto(f"/copies/{copy_id}")
    expect(shown.get_by_text("La finalisation a échoué")).to_have_count(0)


# A copy opened again


@pytest.fixture(scope="module")
def read(stack: Stack) -> Journey:
    """An exam whose results candidates could read, and can no longer."""
    journey = _identified(stack, scans.PUPILS[2:4])
    journey.mark_all()
    journey.publish()
    return journey


def _reopen(page: Page, anonymous_id: str) -> None:
    page.get_by_role("button", name=f"Rouvrir {anonymous_id}").click()


def _of_first_marker(journey: Journey) -> tuple[Client, str, str]:
    marker = journey.markers[0]
    (copy,) = marker.items(f"/exams/{journey.exam}/copies")
    return marker, copy["id"], copy["anonymous_id"]


def test_what_candidates_read_is_opened_again_only_withdrawn_and_with_a_reason(
    page: Visits, stack: Stack, read: Journey
) -> None:
    marker, copy_id, anonymous_id = _of_first_marker(read)
    shown = page("admin", f"/exams/{read.exam}/pile")
    _reopen(shown, anonymous_id)
    dialog = shown.get_by_role("dialog")
    reason = dialog.get_by_role("textbox", name="Motif")
    reason.fill("Erreur d’addition")
    dialog.get_by_role("button", name="Rouvrir").click()
    expect(dialog.get_by_role("alert")).to_contain_text("sont publiés. Retirez-les d'abord.")
    expect(reason).to_have_value("Erreur d’addition")
    expect_accessible(shown)
    read.admin.delete(f"/exams/{read.exam}/publication")
    reason.fill("")
    dialog.get_by_role("button", name="Rouvrir").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Dites pourquoi elle est rouverte")
    reason.fill("Erreur d’addition")
    dialog.get_by_role("button", name="Rouvrir").click()
    expect(shown.get_by_text(f"La copie {anonymous_id} est rouverte.")).to_be_visible()
    expect(shown.get_by_role("button", name=f"Rouvrir {anonymous_id}")).to_have_count(0)
    shown.goto(f"/copies/{copy_id}")
    expect(shown.get_by_role("listitem").filter(has_text="Rouverte")).to_contain_text("Admin")

    desk = page("marker", f"/copies/{copy_id}/mark")
    hands = Hands(desk)
    expect(hands.field("Question 1")).to_have_value("2,5")
    expect(desk.get_by_role("textbox", name=re.compile("^Appréciation"))).to_have_value("Bon travail.")
    expect(desk.get_by_text("Très bien, l’œil !").first).to_be_visible()
    hands.field("Question 1").fill("1")
    hands.press("Enter")
    hands.saved()
    hands.press("Control+Enter")
    until(lambda: marker.get(f"/copies/{copy_id}")["status"] == "GRADED", "the next revision is made")
    assert marker.get(f"/copies/{copy_id}")["revision"] == 2
