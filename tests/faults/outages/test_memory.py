"""A document too heavy for the memory of render: it fails alone and visibly, and can be asked for again."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pymupdf
import pytest

from chassis.testing.servers import ObjectStore, Postgres
from demo import scans
from tests.faults.figures import report
from tests.faults.outages.careful import CarefulJourney, finish, journey_of
from tests.faults.outages.ground import Ground, ground

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

SMALL_MB, ENOUGH_MB = "320", "1500"
PADDING = b"\xff\xfe\xff\xff" + bytes(0xFFFF - 2)  # a JPEG comment of the greatest length: costs memory, not time
ATTEMPTS = 3


def heavy(pile: bytes, megabytes: int) -> bytes:
    """The same pages, their images as heavy as asked in all. A final document takes its images over as they are."""
    with pymupdf.open(stream=pile, filetype="pdf") as light, pymupdf.open() as made:
        padding = PADDING * (megabytes * (1 << 20) // len(PADDING) // light.page_count)
        for page in light:
            jpeg = light.extract_image(page.get_images()[0][0])["image"]
            made.new_page(width=page.rect.width, height=page.rect.height).insert_image(
                page.rect, stream=jpeg[:2] + padding + jpeg[2:]
            )
        return bytes(made.tobytes())


@pytest.fixture(scope="module")
def cramped(
    postgres: Postgres, vhost: str, s3: ObjectStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    settings = {"KORRIGO_RENDER_MEMORY_MB": SMALL_MB}
    with ground("memory", postgres, vhost, s3, tmp_path_factory.mktemp("memory"), settings) as built:
        yield built


def _marked(ground: Ground, journey: CarefulJourney) -> list[dict[str, object]]:
    """Up to the acknowledged finalisations."""
    journey.open(ground.admin_password)
    journey.finish_upload(journey.start_upload())
    journey.assemble()
    journey.identify()
    journey.allocate()
    return [
        journey.mark(marker, copy["id"])
        for marker in journey.markers
        for copy in marker.items(f"/exams/{journey.exam}/copies")
    ]


def test_a_copy_too_heavy_for_render_fails_alone_and_visibly_and_can_be_asked_for_again(cramped: Ground) -> None:
    light = journey_of(cramped, "Légère", 2)
    weighty = journey_of(cramped, "Lourde", 1)
    weighty.pile.pdf = heavy(scans.a3_pile(scans.PUPILS[:1], seed=7), 120)
    pids = cramped.system.pids()
    (job,) = _marked(cramped, weighty)
    started = time.monotonic()
    for each in _marked(cramped, light):  # goes on while the heavy one is tried, and fails, and is tried again
        assert light.admin.wait(each)["status"] == "succeeded"
    others_s = time.monotonic() - started
    finish(light)

    (copy_id,) = weighty.copies
    ended = weighty.admin.wait(job, timeout_s=180)
    failed_s = time.monotonic() - started
    assert ended["status"] == "failed"
    assert "mémoire" in ended["error"]["detail"]
    assert weighty.admin.get(f"/copies/{copy_id}")["status"] == "GRADING_FAILED"
    events = weighty.admin.items(f"/copies/{copy_id}/events")
    assert [e["action"] for e in events if e["action"] in {"FINALISE", "TRY_AGAIN", "FAIL"}] == [
        "FINALISE", "TRY_AGAIN", "TRY_AGAIN", "FAIL",
    ]  # fmt: skip
    assert events[-1]["details"]["error_code"] == "out_of_memory"
    assert cramped.system.log("render").count('"outcome": "out_of_memory", "detail"') <= ATTEMPTS
    assert cramped.system.pids() == pids, "the children died, not the service"

    assert cramped.system.terminate("render") == 0
    cramped.system.launch("render", KORRIGO_RENDER_MEMORY_MB=ENOUGH_MB)
    cramped.system.wait_ready("render")
    again = weighty.markers[0] if weighty.markers[0].items(f"/exams/{weighty.exam}/copies") else weighty.markers[1]
    assert weighty.admin.wait(again.post(f"/copies/{copy_id}/finalise"))["status"] == "succeeded"
    weighty.publish()
    (seen,) = weighty.read_as_candidates().values()
    assert len(seen["pdf"]) > 100 << 20
    report("outages_memory", {"failed_s": failed_s, "others_graded_s": others_s, "attempts": ATTEMPTS})


def test_a_padded_scan_is_as_heavy_as_asked_and_still_a_scan() -> None:
    made = heavy(scans.a4_pile(scans.PUPILS[:1], pages=1, dpi=75), 3)
    assert (3 << 20) - 70_000 < len(made) < (3 << 20) + 500_000
    with pymupdf.open(stream=made, filetype="pdf") as document:
        assert document[0].get_pixmap().width > 0
