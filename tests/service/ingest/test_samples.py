"""The two sample piles, end to end: every page in the right copy, in the right place, the right way up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts.records.pages import PageManifest
from contracts.rpc.ingest import AssembleCertain
from services.ingest import assembling
from tests.service.ingest.conftest import OPERATOR, Ingest, sample

Place = tuple[int, int, bool, bool]  # copy, page, upside down, blank


def _truth(entries: list[dict[str, Any]], intake: str) -> dict[tuple[int, str], Place]:
    if intake == "a4":
        return {
            (each["page"], "whole"): (each["copy"], each["page_no"], each["upside_down"], each["blank"])
            for each in entries
        }
    return {
        (each["side"], half): (each["copy"], each[f"{half}_page"], each["upside_down"], each[f"blank_{half}"])
        for each in entries
        for half in ("left", "right")
    }


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("name", "intake"), [("bac-blanc-a3", "a3"), ("devoir-a4", "a4")])
def test_every_page_of_the_samples_finds_its_place(ingest: Ingest, name: str, intake: str) -> None:
    pdf = sample(f"{name}.pdf").read_bytes()
    truth = _truth(json.loads(sample(f"{name}.truth.json").read_text()), intake)

    upload = ingest.ready(pdf, intake)

    assert upload.status == "ready"
    # Double sheets full of writing could as well lie in reverse. That is asked, and nothing waits for it.
    assert {each.code for each in upload.anomalies} == ({"direction_unsure"} if intake == "a3" else set())
    done = assembling.assemble_certain(ingest.context, AssembleCertain(exam_id=ingest.exam_id, by=OPERATOR))
    assert not done.left
    found: dict[tuple[int, str], Place] = {}
    for copy_no, event in enumerate(ingest.assembled(), start=1):
        manifest = ingest.context.objects.get_json(event.manifest, PageManifest)
        for page in manifest.pages:
            displayed_half = "whole" if page.source.clip.w > 0.9 else "left" if page.source.clip.x < 0.25 else "right"
            upside_down = page.source.turn_deg == 180
            half = {"left": "right", "right": "left"}.get(displayed_half, "whole") if upside_down else displayed_half
            found[page.source.side_no, half] = (copy_no, page.page_no, upside_down, page.blank)
    assert found == truth
