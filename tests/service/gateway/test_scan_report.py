"""The scan acceptance report in plain words, French first, with the page to look at."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.objects import ImageRef, ObjectRef
from contracts.rpc import ingest
from contracts.rpc.ingest import PageCount, ScanFinding, ScanReport, WantScanReport
from services.gateway.web.languages import catalogue
from tests.service.gateway.conftest import FakeRpc, Person

EXAM = UUID(int=1)
DIGEST = "0" * 64
PAGE = ImageRef(
    object=ObjectRef(key=f"pages/00/{DIGEST}", sha256=DIGEST, size=1, media_type="image/jpeg"),
    width_px=827,
    height_px=1169,
)
WHOLE = PageCount(originals=9, in_copies=4, in_staging=2, set_aside=2, dropped=1, holds=True)


def found(code: str, severity: str = "error", **known: Any) -> ScanFinding:
    nothing = dict.fromkeys(
        ("upload_id", "filename", "side_no", "half", "booklet_id", "copy_id", "page_id", "page_no", "image")
    )
    return ScanFinding.model_validate({**nothing, "code": code, "severity": severity, "details": {}, **known})


def told(rpc: FakeRpc, person: Person, *items: ScanFinding, pages: PageCount = WHOLE, language: str = "fr") -> Any:
    asked: list[WantScanReport] = []
    counts = {"uploads": 1, "copies": 1, "booklets": 1, "errors": 1, "warnings": 0, "infos": 0, "total": len(items)}

    def answer(request: WantScanReport) -> ScanReport:
        asked.append(request)
        return ScanReport(pages=pages, items=items, next=None, **counts)

    rpc.on(ingest.SCAN_REPORT, answer)
    query = "expected_copies=30&sheets_per_copy=2&limit=10"
    reply = person.get(f"/exams/{EXAM}/scan-report?{query}", headers={"Accept-Language": language})
    assert reply.status_code == 200, reply.text
    assert (asked[0].exam_id, asked[0].expected_copies, asked[0].sheets_per_copy, asked[0].limit) == (EXAM, 30, 2, 10)
    return reply.json


@pytest.mark.parametrize(
    ("finding", "french", "english"),
    [
        (
            found("page_clipped", side_no=14, half="left", details={"edges": ["left"]}),
            "Face 14 : moitié gauche coupée à gauche ; rescannez cette feuille.",
            "Side 14: left half clipped on the left; rescan this sheet.",
        ),
        (
            found("page_skewed", "warning", side_no=3, half="whole", details={"degrees": 2}),
            "Face 3 : page de travers (2° ou plus) ; regardez cette page à l’écran.",
            "Side 3: page askew (2° or more); look at this page on screen.",
        ),
        (
            found("no_header", "warning", side_no=3),
            "Face 3 : pas d’en-tête trouvé ; regardez cette page à l’écran.",
            "Side 3: no header found; look at this page on screen.",
        ),
        (
            found("upload_unfinished", "warning", upload_id=EXAM, filename="3A.pdf", details={"done": 8, "sides": 30}),
            "3A.pdf : découpe en cours, 8 faces sur 30 ; attendez la fin pour lire ce rapport.",
            "3A.pdf: still being cut, 8 sides of 30; wait for its end before you read this report.",
        ),
        (
            found("copies_missing", details={"copies": 28, "expected": 30}),
            "Épreuve : 28 copies sur 30 attendues ; recomptez les copies, puis numérisez celles qui manquent.",
            "Exam: 28 copies of 30 expected; count the copies again, then scan those that are missing.",
        ),
        (
            found("of_tomorrow", "warning", side_no=3),
            "Face 3 : à vérifier (of_tomorrow) ; regardez cette page à l’écran.",
            "Side 3: to be checked (of_tomorrow); look at this page on screen.",
        ),
    ],
)
def test_a_finding_is_a_sentence_that_says_what_to_do(
    finding: ScanFinding, french: str, english: str, rpc: FakeRpc, admin: Person
) -> None:
    (item,) = told(rpc, admin, finding)["items"]
    assert item["text"].replace("\u00a0", " ") == french
    assert told(rpc, admin, finding, language="en")["items"][0]["text"] == english


def test_a_finding_keeps_its_code_and_shows_its_page(rpc: FakeRpc, admin: Person) -> None:
    (item,) = told(rpc, admin, found("page_blurred", "warning", side_no=3, half="whole", image=PAGE))["items"]
    assert (item["code"], item["severity"], item["side_no"]) == ("page_blurred", "warning", 3)
    assert item["image"]["href"].startswith("/api/v1/images/")


def test_the_pages_are_said_to_add_up_or_not(rpc: FakeRpc, admin: Person) -> None:
    sound = told(rpc, admin, language="en")["pages"]
    assert sound["holds"]
    assert "9 in the originals = 4 in copies + 2 to assemble + 2 set aside + 1 dropped" in sound["text"]
    lost = told(rpc, admin, pages=WHOLE.model_copy(update={"originals": 10, "holds": False}), language="en")["pages"]
    assert lost["text"].startswith("The pages do not add up: 10 in the originals, but 4 in copies")


def test_every_finding_has_words() -> None:
    source = (Path(__file__).parents[3] / "services" / "ingest" / "report.py").read_text()
    codes = set(re.findall(r"\"((?:upload|copies|sheets|page)_[a-z_]+)\"", source)) - {"page_id"}
    assert {"page_clipped", "copies_extra", "sheets_missing", "upload_failed"} <= codes
    assert not {code for code in codes if f"report.found.{code}" not in catalogue("fr")}
