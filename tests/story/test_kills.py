"""kill -9 of any one service at a stated moment of the story, then a restart: the same end as without."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest

from chassis import failpoints
from chassis.failpoints import Failpoint
from demo import scans
from tests.story import paper
from tests.story.journey import Journey, Pile
from tests.story.world import World

PUPILS = scans.PUPILS[:3]  # the third fills two double sheets
PAGES = {pupil.ine: 4 * pupil.sheets for pupil in PUPILS}


def pile() -> Pile:
    return Pile("Panne", "a3", scans.a3_pile(PUPILS), scans.roster_csv(), [pupil.ine for pupil in PUPILS])


@pytest.mark.parametrize(
    ("victim", "moment", "point", "passes"),
    [
        ("ingest", "upload", Failpoint.SANDBOX_ANSWERED, 1),
        ("ingest", "upload", Failpoint.TRANSACTION_COMMITTED, 3),  # some sides of a chunk are kept, others are not
        ("gateway", "upload", Failpoint.HTTP_TAKEN, 2),
        ("ocr", "assemble", Failpoint.MESSAGE_TAKEN, 2),
        ("grading", "assemble", Failpoint.MESSAGE_EFFECTED, 1),
        ("grading", "mark", Failpoint.TRANSACTION_COMMITTED, 12),
        ("render", "mark", Failpoint.OBJECT_STORED, 1),
        ("gateway", "mark", Failpoint.HTTP_TAKEN, 12),
    ],
)
def test_a_killed_service_changes_nothing_in_the_end(
    world: World, victim: str, moment: str, point: Failpoint, passes: int
) -> None:
    """P0-DI-002 and 003."""
    journey = Journey(world.system.base, pile())
    journey.open(world.admin_password)
    job = journey.start_upload()

    def during(name: str, step: Callable[[], None]) -> None:
        if name != moment:
            step()
            return
        with dying(world, victim, point, passes):
            step()

    during("upload", lambda: journey.finish_upload(job))
    booklets = journey.admin.items(f"/exams/{journey.exam}/booklets")
    cut = sorted((page["side_no"], page["half"]) for booklet in booklets for page in booklet["pages"])
    sides = range(1, sum(PAGES.values()) // 2 + 1)
    assert cut == [(side, half) for side in sides for half in ("left", "right")]  # each page once, and none is missing
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


@contextmanager
def dying(world: World, victim: str, point: Failpoint, passes: int) -> Iterator[None]:
    """The victim dies within the block, when it comes to ``point`` for the ``passes``-th time, and is started again."""
    world.system.kill(victim)
    process = world.system.launch(victim, **{failpoints.ENVIRONMENT: f"{point}:{passes}"})
    world.system.wait_ready(victim)

    def start_again() -> None:
        process.wait()
        world.system.start(victim)

    attendant = threading.Thread(target=start_again, daemon=True)
    attendant.start()
    yield
    attendant.join(30)
    assert process.poll() == -signal.SIGKILL, f"{victim} never came to {point}"
