"""kill -9 of any one service in the middle of the story, then a restart: the same end as without."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from decimal import Decimal

import pytest

from demo import scans
from tests.story import paper
from tests.story.journey import Journey, Pile
from tests.story.world import World

PUPILS = scans.PUPILS[:3]  # the third fills two double sheets
PAGES = {pupil.ine: 4 * pupil.sheets for pupil in PUPILS}


def pile() -> Pile:
    return Pile("Panne", "a3", scans.a3_pile(PUPILS), scans.roster_csv(), [pupil.ine for pupil in PUPILS])


@pytest.mark.parametrize(
    ("victim", "moment"),
    [
        ("ingest", "upload"),
        ("gateway", "upload"),
        ("ocr", "assemble"),
        ("grading", "assemble"),
        ("grading", "mark"),
        ("render", "mark"),
        ("gateway", "mark"),
    ],
)
def test_a_killed_service_changes_nothing_in_the_end(world: World, victim: str, moment: str) -> None:
    journey = Journey(world.system.base, pile())
    journey.open(world.admin_password)
    job = journey.start_upload()

    def during(name: str, step: Callable[[], None]) -> None:
        if name != moment:
            step()
            return
        with Killing(world, victim):
            step()

    during("upload", lambda: journey.finish_upload(job))
    during("assemble", lambda: (journey.assemble(), journey.wait_for_readings())[0])
    journey.identify()
    journey.allocate()
    during("mark", journey.mark_all)
    journey.publish()
    seen = journey.read_as_candidates()
    assert {ine: len(paper.page_sizes(result["pdf"])) - 1 for ine, result in seen.items()} == PAGES
    for copy_id, ine in zip(journey.copies, journey.pile.ines, strict=True):
        assert Decimal(seen[ine]["total"]) == Decimal(journey.totals[copy_id])
        finalised = [e for e in journey.admin.items(f"/copies/{copy_id}/events") if e["action"] == "FINALISE"]
        assert len(finalised) == 1
    assert journey.admin.get(f"/exams/{journey.exam}/copies")["total"] == len(PUPILS)


class Killing:
    """Kills the victim shortly after the step begins and starts it again half a second later."""

    def __init__(self, world: World, victim: str) -> None:
        self.world = world
        self.victim = victim

    def __enter__(self) -> None:
        self._timer = threading.Timer(0.3, self._strike)
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.join()

    def _strike(self) -> None:
        self.world.system.kill(self.victim)
        time.sleep(0.5)
        self.world.system.start(self.victim)
