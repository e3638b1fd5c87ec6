"""A canary in every place where an upload or a roster may name somebody; then all that a marker can open is read."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import replace
from typing import Any

import pymupdf

from demo import scans
from services.gateway.app import create_app
from services.gateway.policy import MARKER, RULES
from tests.scans.paper import face, leaf, pdf
from tests.service.gateway.conftest import FakeRpc, settings
from tests.story.journey import Journey, Pile
from tests.story.world import World

CANARY = "CANARI"
PUPILS = [
    scans.Pupil(f"{CANARY}NOM", f"{CANARY}PRENOM", f"{no}23456789AB", "14/03/2008", class_name=f"{CANARY}CLASSE")
    for no in (1, 2)
]


def upload() -> bytes:
    """Two copies of four pages; metadata, attachments, labels and every image's comment hold the canary."""
    comment = b"\xff\xfe" + (2 + len(CANARY)).to_bytes(2, "big") + CANARY.encode()
    leaves = [leaf(face(no, header=no % 4 == 1, lines=10), kind="colour") for no in range(1, 9)]
    noted = [replace(each, data=each.data[:2] + comment + each.data[2:]) for each in leaves]
    with pymupdf.open(stream=pdf(noted), filetype="pdf") as document:
        document.set_metadata({"title": CANARY, "author": CANARY, "subject": CANARY, "keywords": CANARY})
        document.set_xml_metadata(f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{CANARY}</x:xmpmeta>")
        document.embfile_add(f"{CANARY}.txt", CANARY.encode())
        document.set_page_labels([{"startpage": 0, "prefix": CANARY, "style": "D", "firstpagenum": 1}])
        return bytes(document.tobytes())


class NamedPile(Journey):
    """A journey whose file is called after somebody."""

    def start_upload(self) -> Any:
        files = {"file": (f"{CANARY}.pdf", self.pile.pdf, "application/pdf")}
        return self.admin.post(f"/exams/{self.exam}/uploads", files=files)


def addresses(ids: dict[str, list[str]]) -> list[str]:
    """All that a marker may GET, with every id that there is."""
    app = create_app(settings(), rpc=FakeRpc())
    found = []
    for rule in app.url_map.iter_rules():
        if MARKER not in RULES[rule.endpoint].roles or "GET" not in (rule.methods or ()):
            continue
        filled = [""]
        for part in re.split(r"(<[^>]+>)", str(rule)):
            name = re.sub(r"[<>]|.*:", "", part) if part.startswith("<") else None
            filled = [head + tail for head in filled for tail in (ids.get(name, ["1"]) if name else [part])]
        found += filled
    return found


def test_nothing_that_names_somebody_reaches_a_marker(world: World) -> None:
    journey = NamedPile(world.system.base, Pile("Anonymat", "a4", upload(), scans.roster_csv(PUPILS),
                                                [pupil.ine for pupil in PUPILS]))  # fmt: skip
    journey.open(world.admin_password)
    journey.finish_upload(journey.start_upload())
    journey.assemble()
    journey.identify()
    journey.allocate()
    told = journey.admin.call("GET", f"/exams/{journey.exam}/uploads").text
    assert CANARY in told, "operators are told the name of the file, so the canary sings"
    assert CANARY in journey.admin.call("GET", f"/exams/{journey.exam}/candidates").text
    scan = hashlib.sha256(journey.pile.pdf).hexdigest()
    pages = [f"{no}?size={size}" for no in (1, 2, 3, 4) for size in ("full", "screen", "thumb")]
    for marker in journey.markers:
        (own,) = [copy["id"] for copy in marker.items(f"/exams/{journey.exam}/copies")]
        marker.post(f"/copies/{own}/lock")
        statuses = Counter[int]()
        for address in addresses({"exam_id": [journey.exam], "copy_id": [own], "page_no": pages}):
            answer = marker.http.get(world.system.base + address, timeout=30)
            statuses[answer.status_code] += 1
            assert CANARY.encode() not in answer.content, address
            assert CANARY not in str(answer.headers), address
            assert scan.encode() not in answer.content + str(answer.headers).encode(), f"{address} tells the pile"
        assert statuses[200] >= len(pages) + 10, statuses
        assert not {500, 503} & statuses.keys(), statuses
