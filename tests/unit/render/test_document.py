"""Final PDFs as a whole: whole or refused, the scan's own bytes, nothing active, the same bytes every time."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymupdf
import pypdfium2
import pytest

from contracts.errors import Refusal
from contracts.errors.render import PageDamaged, PageMissing, RecordUnreadable, ScanUnreadable
from contracts.records.marking import RecordedPage
from contracts.records.pages import Box
from services.render import pixels
from tests.unit.render import paper

LEFT, RIGHT = Box(x=0, y=0, w=0.5, h=1), Box(x=0.5, y=0, w=0.5, h=1)


def image_digests(document: bytes) -> list[str]:
    """Digests of the stored image streams, as they lie in the file."""
    with pymupdf.open(stream=document, filetype="pdf") as opened:
        images = [n for n in range(1, opened.xref_length()) if opened.xref_get_key(n, "Subtype")[1] == "/Image"]
        return sorted(hashlib.sha256(opened.xref_stream_raw(n)).hexdigest() for n in images)


def test_the_images_are_the_scans_own_bytes(tmp_path: Path) -> None:
    upload = paper.scan(sides=4)
    sources = [paper.side(upload, n) for n in (1, 2, 3, 4)]
    document, result = paper.compose(tmp_path, paper.record(sources, [paper.mark("tick", 0.5, 0.5)]), upload)
    assert image_digests(document) == image_digests(upload)
    assert result["page_count"] == 5


def test_four_pages_from_two_a3_sides_share_two_images(tmp_path: Path) -> None:
    upload = paper.scan(sides=2, size=(1191, 842))
    sources = [
        paper.side(upload, 1, clip=RIGHT), paper.side(upload, 2, clip=LEFT),
        paper.side(upload, 2, clip=RIGHT), paper.side(upload, 1, clip=LEFT),
    ]  # fmt: skip
    document, result = paper.compose(tmp_path, paper.record(sources), upload)
    assert result["page_count"] == 5
    assert image_digests(document) == image_digests(upload)  # two, not four: each side is stored once
    with pypdfium2.PdfDocument(document) as final:
        assert [final[i].get_size() for i in range(4)] == [(595.5, 842)] * 4


def test_pages_come_in_the_records_order_from_several_uploads_and_blank_ones_stay(tmp_path: Path) -> None:
    first, second = paper.scan(sides=2), paper.scan(sides=3, size=(420, 595))
    pages = [
        RecordedPage(page_no=1, blank=False, source=paper.side(second, 3)),
        RecordedPage(page_no=2, blank=True, source=paper.side(first, 2)),
        RecordedPage(page_no=3, blank=False, source=paper.side(second, 1)),
    ]
    document, result = paper.compose(tmp_path, paper.record([], pages=pages), first, second)
    assert result["page_count"] == 4
    with pypdfium2.PdfDocument(document) as final:
        assert [final[i].get_size() for i in range(3)] == [(420, 595), (595, 842), (420, 595)]


def test_the_total_and_the_comments_can_be_searched(tmp_path: Path) -> None:
    upload = paper.scan(sides=1)
    written = "Cœur, Œuvre, l’été – déjà vu… 3 € ; Δ = b² − 4ac ≥ 0 ≠ x₁, ∑ α ∈ ℝ → ∞"
    made = paper.record(
        [paper.side(upload, 1)],
        [paper.mark("comment", 0.2, 0.3, w=0.7, content=written, score_delta="-0.5")],
        appraisal="Élève appliqué, à l’aise à l’oral.",
    )
    document, result = paper.compose(tmp_path, made, upload)
    assert f"{written} −0,5" in paper.text_of(document, 0)
    assert "14,5 / 20" in paper.text_of(document, 1)
    assert "Élève appliqué, à l’aise à l’oral." in paper.text_of(document, 1)
    assert result["replaced"] == 0


def test_characters_without_a_glyph_are_shown_as_a_sign_and_counted(tmp_path: Path) -> None:
    upload = paper.scan(sides=1)
    made = paper.record([paper.side(upload, 1)], [paper.mark("comment", 0.2, 0.3, content="Bravo 🎉 אב 漢")])
    document, result = paper.compose(tmp_path, made, upload)
    assert result["replaced"] == 4
    assert "Bravo � �� �" in paper.text_of(document, 0)
    assert "caractères que ce document ne sait pas écrire (4)" in paper.text_of(document, 1)


def test_the_same_record_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    upload = paper.scan(sides=2)
    made = paper.record(
        [paper.side(upload, 1), paper.side(upload, 2)], [paper.mark("comment", 0.2, 0.3, content="Vu 🎉")]
    )
    document, _ = paper.compose(tmp_path, made, upload)
    (tmp_path / "record.json").write_bytes(made.model_dump_json().encode())
    program = (
        "import hashlib, sys; from services.render.pixels import compose\n"
        "blob = open(sys.argv[2], 'rb').read()\n"
        "digest = hashlib.sha256(blob).hexdigest()\n"
        "_, (pdf,) = compose([sys.argv[1]], blob, uploads=[sys.argv[3]], record_sha256=digest)\n"
        "print(hashlib.sha256(pdf).hexdigest())"
    )
    arguments = [str(tmp_path / paper.sha256(upload)), str(tmp_path / "record.json"), paper.sha256(upload)]
    for seed in ("1", "2"):
        elsewhere = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program, *arguments],
            env={"PYTHONHASHSEED": seed, "TZ": "Pacific/Noumea"},
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        assert elsewhere.stdout.strip() == paper.sha256(document)
    assert b"Date" not in document
    blob = made.model_dump_json().encode()
    assert b"/ID[<%s>" % paper.sha256(blob)[:32].upper().encode() in document


def active_scan() -> bytes:
    """Every way we know in which a scan could do something."""
    action = b"<</S/JavaScript/JS(app.alert\\(1\\))>>"
    launch = b"<</S/Launch/F(cmd.exe)>>"
    file = b"<</Type/Filespec/F(a.exe)/EF<</F 9 0 R>>>>"
    return paper.pdf({
        1: b"<</Type/Catalog/Pages 2 0 R/OpenAction " + action + b"/AA<</WC " + launch + b">>/Names<</JavaScript"
           b"<</Names[(a) " + action + b"]>>/EmbeddedFiles<</Names[(a) " + file + b"]>>>>/AcroForm<</Fields[8 0 R]>>>>",
        2: b"<</Type/Pages/Count 1/Kids[3 0 R]/MediaBox[0 0 595 842]>>",
        3: b"<</Type/Page/Parent 2 0 R/Resources 6 0 R/Contents 5 0 R/Annots[7 0 R 8 0 R]/AA<</O " + action + b">>"
           b"/AF[" + file + b"]/PieceInfo<</X<</Private(S3CR3T)>>>>/Metadata 10 0 R>>",
        4: paper.image_object(paper.jpeg(1), extra=b"/AF[" + file + b"]/Metadata 10 0 R/OPI<</2.0<</F(x)>>>>"),
        5: paper.stream(b"q 595 0 0 842 0 0 cm /Im0 Do Q /F0 Do"),
        6: b"<</XObject<</Im0 4 0 R/F0 11 0 R>>/Properties<</P<</Metadata 10 0 R/JS(app.alert\\(2\\))>>>>>>",
        7: b"<</Type/Annot/Subtype/Link/Rect[0 0 99 99]/A " + launch + b">>",
        8: b"<</Type/Annot/Subtype/Widget/FT/Tx/Rect[0 0 99 99]/AA<</K " + action + b">>>>",
        9: paper.stream(b"MZ S3CR3T", b"/Type/EmbeddedFile"),
        10: paper.stream(b"<x>S3CR3T</x>", b"/Type/Metadata/Subtype/XML"),
        11: paper.stream(b"0 0 1 1 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]"
                         b"/PieceInfo<</X<</Private(S3CR3T)>>>>"
                         b"/Group<</S/Transparency/AF[" + file + b"]>>/Resources<<>>"),
    })  # fmt: skip


def test_nothing_active_of_the_scan_survives(tmp_path: Path) -> None:
    upload = active_scan()
    document, _ = paper.compose(tmp_path, paper.record([paper.side(upload, 1)]), upload)
    with pymupdf.open(stream=document, filetype="pdf") as final:
        objects = [final.xref_object(n, compressed=True) for n in range(1, final.xref_length())]
        streams = [final.xref_stream(n) or b"" for n in range(1, final.xref_length())]
        assert list(final[0].annots()) == []
        assert final[0].get_links() == []
        assert final.embfile_count() == 0
    forbidden = (
        r"JavaScript|/JS\b|Launch|/AA\b|OpenAction|/AF\b|/EF\b|EmbeddedFile|Annots?\b|PieceInfo|Metadata|OPI|exe"
    )
    assert [o for o in objects if re.search(forbidden, o)] == []
    assert [s for s in streams if b"S3CR3T" in s or b"app.alert" in s] == []
    assert image_digests(document) == image_digests(upload)  # and the ink is still there


# Whole or not at all


def refused(tmp_path: Path, upload: bytes, made: Any = None) -> Refusal:
    with pytest.raises(Refusal) as caught:
        paper.compose(tmp_path, made or paper.record([paper.side(upload, 1), paper.side(upload, 2)]), upload)
    return caught.value


def test_a_side_that_the_scan_does_not_have_is_refused(tmp_path: Path) -> None:
    upload = paper.scan(sides=1)
    refusal = refused(tmp_path, upload)
    assert isinstance(refusal, PageMissing)
    assert refusal.details == {"page_no": 2, "side_no": 2}


def _without_object(number: int) -> Callable[[bytes], bytes]:
    def break_it(upload: bytes) -> bytes:
        return re.sub(rb"\n%d 0 obj\n.*?\nendobj\n" % number, b"\n", upload, count=1, flags=re.DOTALL)

    return break_it


def _jpeg_cut_short(upload: bytes) -> bytes:
    end = upload.index(b"\xff\xd9", upload.index(b"\n8 0 obj"))
    return upload[: end - 400] + b" " * 402 + upload[end + 2 :]  # same length: the file itself stays in order


@pytest.mark.parametrize(
    "damage",
    [_without_object(7), _without_object(8), _jpeg_cut_short],
    ids=["its contents are gone", "its image is gone", "its image is cut short"],
)
def test_a_page_of_which_a_part_is_gone_is_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    upload = damage(paper.scan(sides=2))
    refusal = refused(tmp_path, upload)
    assert isinstance(refusal, PageDamaged)
    assert refusal.details == {"page_no": 2, "side_no": 2}


@pytest.mark.parametrize("image_of", [paper.jpeg_object, paper.flate_object, paper.fax_object])
def test_a_scan_cut_anywhere_gives_the_whole_document_or_none(tmp_path: Path, image_of: Callable[[int], bytes]) -> None:
    whole = paper.scan(sides=3, image_of=image_of)
    sources = [paper.side(whole, n) for n in (1, 2, 3)]
    expected = image_digests(whole)
    outcomes = set()
    for percent in range(2, 100, 2):
        upload = whole[: len(whole) * percent // 100]
        cut = [source.model_copy(update={"upload": paper.ref(upload)}) for source in sources]
        try:
            document, _ = paper.compose(tmp_path, paper.record(cut), upload)
        except Refusal as refusal:
            outcomes.add(type(refusal).__name__)
        else:
            assert image_digests(document) == expected, f"a partial document from {percent} % of the scan"
    assert outcomes


@pytest.mark.parametrize(
    "upload",
    [b"", b"not a pdf", b"<html><body>%PDF-1.7</body></html>", paper.jpeg(1)],
    ids=["empty", "text", "html", "a photograph"],
)
def test_what_is_not_a_pdf_is_refused(tmp_path: Path, upload: bytes) -> None:
    assert isinstance(refused(tmp_path, upload), ScanUnreadable)


def test_a_scan_locked_with_a_password_is_refused(tmp_path: Path) -> None:
    with pymupdf.open(stream=paper.scan(sides=2), filetype="pdf") as doc:
        upload = doc.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="secret", owner_pw="owner")
    assert isinstance(refused(tmp_path, upload), ScanUnreadable)


def test_a_scan_that_only_forbids_changes_is_read(tmp_path: Path) -> None:
    plain = paper.scan(sides=2)
    with pymupdf.open(stream=plain, filetype="pdf") as doc:
        upload = doc.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, owner_pw="owner")
    document, _ = paper.compose(tmp_path, paper.record([paper.side(upload, 1), paper.side(upload, 2)]), upload)
    assert image_digests(document) == image_digests(plain)


def test_a_record_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    upload = paper.scan(sides=1)
    source = paper.side(upload, 1)
    twice = [RecordedPage(page_no=1, blank=False, source=source)] * 2
    for made in (
        paper.record([]),
        paper.record([], pages=twice),
        paper.record([source], [paper.mark("tick", 0.5, 0.5, page_no=2)]),
        paper.record([paper.side(upload, 1, clip=Box(x=0.5, y=0, w=0, h=1))]),
    ):
        assert isinstance(refused(tmp_path, upload, made), RecordUnreadable)


def test_a_record_of_another_shape_is_refused_without_quoting_it() -> None:
    blob = json.dumps({"schema_version": 1, "exam_title": "Dupont Marie"}).encode()
    with pytest.raises(RecordUnreadable) as caught:
        pixels.compose([], blob, uploads=[], record_sha256="0" * 64)
    assert "Dupont" not in str(caught.value.details)


# Much, and strange


def test_three_hundred_pen_strokes(tmp_path: Path) -> None:
    upload = paper.scan(sides=1)
    strokes = tuple(
        tuple((0.1 + 0.8 * ((s * 7 + p) % 60) / 60, 0.05 + 0.9 * s / 300 + 0.003 * (p % 3)) for p in range(60))
        for s in range(300)
    )
    made = paper.record([paper.side(upload, 1)], [paper.mark("pen", strokes=strokes)])
    document, result = paper.compose(tmp_path, made, upload)
    assert result["page_count"] == 2
    assert len(document) < len(upload) + 500_000


HOSTILE = {
    "one word": "a" * 2000,
    "right to left": "\u202e" + "שלום " * 200,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈" * 100,
    "line feeds": "\n" * 2000 + "x",
    "controls": "".join(map(chr, range(32))) * 20 + "\x7f\x80\ufeff\ufffe",
    "operators": ") Tj ET Q <</JS (x)>> endstream endobj " * 40,
    "combining": "e" + "\u0301" * 500,
    "lone surrogate in json": "\\ud800",
    "many lines": "\n".join(f"ligne {n}" for n in range(700)),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_everywhere(tmp_path: Path, text: str) -> None:
    upload = paper.scan(sides=1)
    marks = [paper.mark(kind, 0.9, 0.95, 0.05, 0.02, content=text) for kind in
             ("comment", "error", "bonus", "highlight", "tick", "cross", "pen")]  # fmt: skip
    made = paper.record(
        [paper.side(upload, 1)], marks, exam_title=text[:200] or "-", anonymous_id=text[:40], appraisal=text,
        items=[paper.item(text[:200], remark=text)],
    )  # fmt: skip
    document, result = paper.compose(tmp_path, made, upload)
    with pypdfium2.PdfDocument(document) as final:
        assert len(final) == result["page_count"]
        for index in range(len(final)):
            width, height = final[index].get_size()
            page = final[index].get_textpage()
            for n in range(page.count_rects()):
                left, bottom, right, top = page.get_rect(n)
                assert left >= 0
                assert right <= width + 0.5
                assert bottom >= 0
                assert top <= height + 0.5
