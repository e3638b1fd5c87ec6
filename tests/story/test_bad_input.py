"""What people really send: each is refused in words, with no 5xx, and leaves nothing behind."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator

import pymupdf
import pytest

from demo import scans
from demo.client import ApiRefused
from tests.story.journey import SCHEME, Journey, Pile
from tests.story.world import World

PUPILS = scans.PUPILS[:1]


@pytest.fixture(scope="module")
def journey(world: World) -> Journey:
    found = Journey(world.system.base, Pile("Refus", "a4", b"", scans.roster_csv(), []))
    found.open(world.admin_password)
    return found


@pytest.fixture(autouse=True)
def nothing_left_behind(world: World, journey: Journey) -> Iterator[None]:
    """No upload and no temporary file more than before. A refused file's object is the garbage collector's."""
    before = _kept(world, journey)
    yield
    assert _kept(world, journey) == before


def _kept(world: World, journey: Journey) -> tuple[int, list[str]]:
    uploads = journey.admin.get(f"/exams/{journey.exam}/uploads")["total"]
    files = [path.name for path in world.system.scratch.rglob("*") if path.is_file()]
    return uploads, files


def encrypted() -> bytes:
    with pymupdf.open(stream=scans.a4_pile(PUPILS), filetype="pdf") as document:
        return document.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="u", owner_pw="o")


def ten_thousand_pages() -> bytes:
    document = pymupdf.open()
    for _ in range(10_000):
        document.new_page(width=595, height=842)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("a web page", b"<!DOCTYPE html><html><body>Not Found</body></html>" * 30, 415, "not_a_pdf"),
        ("a truncated file", scans.a4_pile(PUPILS)[:-200_000], 422, "damaged"),
        ("an encrypted file", encrypted(), 422, "encrypted"),
        ("an empty file", b"", 422, "empty_file"),
        ("ten thousand pages", ten_thousand_pages(), 413, "too_many_pages"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_scan_is_refused_in_words(
    journey: Journey, name: str, content: bytes, status: int, code: str
) -> None:
    for language in ("fr", "en"):
        with pytest.raises(ApiRefused) as refused:
            journey.admin.post(
                f"/exams/{journey.exam}/uploads",
                files={"file": ("scan.pdf", content, "application/pdf")},
                headers={"Accept-Language": language},
            )
        problem = refused.value.problem
        assert (refused.value.status, problem["code"].split(".")[1]) == (status, code), problem
        assert len(problem["detail"]) > 20
        assert problem["request_id"]


def test_a_roster_in_utf_16_is_read(journey: Journey) -> None:
    text = scans.roster_csv().decode("utf-8-sig")
    for content in (text.encode("utf-16"), text.encode("utf-16-le")):
        report = journey.admin.post(f"/exams/{journey.exam}/roster", files={"file": ("liste.csv", content, "text/csv")})
        assert report["unchanged"] == len(scans.PUPILS) + len(scans.ABSENT)
        assert report["errors"] == []


def test_a_roster_that_is_no_table_is_refused(journey: Journey) -> None:
    for content in (b"%PDF-1.7 not a list", b"", b"PK\x03\x04" + bytes(60), b"a;b;c\n1;2;3\n"):
        with pytest.raises(ApiRefused) as refused:
            journey.admin.post(f"/exams/{journey.exam}/roster", files={"file": ("liste.csv", content, "text/csv")})
        assert refused.value.status in (415, 422)
        assert refused.value.problem["detail"]


def test_a_scheme_that_does_not_add_up_is_refused_with_its_sum(journey: Journey) -> None:
    version = journey.admin.get(f"/exams/{journey.exam}/scheme")["version"]
    with pytest.raises(ApiRefused) as refused:
        journey.admin.put(f"/exams/{journey.exam}/scheme", json={"nodes": SCHEME[:1], "version": version})
    assert refused.value.status == 422
    assert refused.value.problem["code"] == "grading.scheme_does_not_add_up"
    assert "10" in refused.value.problem["detail"]
    assert "20" in refused.value.problem["detail"]


def test_an_unknown_candidate_is_not_found(journey: Journey) -> None:
    with pytest.raises(ApiRefused) as refused:
        journey.admin.put(f"/copies/{uuid.uuid4()}/identification", json={"candidate_id": str(uuid.uuid4())})
    assert refused.value.status == 404
