"""The scan acceptance report finds what is wrong with the paper, says where, and says whether all pages are there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from services.ingest.report import Booklet, Expected, Finding, Page, Upload, conservation, findings

SCAN = Upload(UUID(int=1), "ready", sides=2, sides_done=2, pages=4)
BOOKLET = Booklet(UUID(int=50), SCAN.id, first_side=1, copy_id=None, set_aside=False)
NOTHING = Expected()


def page(no: int, half: str = "right", *, booklet: Booklet = BOOKLET, dropped: bool = False, **features: Any) -> Page:
    return Page(UUID(int=100 + no), SCAN.id, (no + 1) // 2, half, booklet.id, no, dropped, features)


def sheet(booklet: Booklet = BOOKLET, first: int = 1) -> list[Page]:
    """The four faces of an A3 sheet."""
    halves = ("right", "left", "right", "left")
    return [page(first + no, half, booklet=booklet) for no, half in enumerate(halves)]


def report(pages: list[Page], booklet: Booklet = BOOKLET, expected: Expected = NOTHING) -> list[tuple[str, str]]:
    return [(each.code, each.severity) for each in findings([SCAN], pages, [booklet], expected)]


def test_a_sound_pile_gives_no_finding() -> None:
    assert report(sheet()) == []


@pytest.mark.parametrize(
    ("features", "code", "severity"),
    [
        ({"clipped": ["left"]}, "page_clipped", "error"),
        ({"blur": 0.7}, "page_unreadable", "error"),
        ({"blur": 0.69}, "page_blurred", "warning"),
        ({"skew_deg": -1.8}, "page_skewed", "warning"),
        ({"bleed": 0.5}, "page_shows_through", "warning"),
        ({"blank_unsure": True}, "page_blank_unsure", "warning"),
    ],
)
def test_what_was_measured_on_a_page_is_found_where_it_is(features: dict[str, Any], code: str, severity: str) -> None:
    bad = page(3, "left", **features)
    (found,) = findings([SCAN], [*sheet()[:2], bad], [BOOKLET], NOTHING)
    assert (found.code, found.severity) == (code, severity)
    assert (found.side_no, found.half, found.page_id, found.booklet_id) == (2, "left", bad.id, BOOKLET.id)


@pytest.mark.parametrize(
    "features",
    [{}, {"blur": 0.49, "skew_deg": 1.7, "bleed": 0.4, "clipped": [], "blank_unsure": False}, {"blur": None}],
)
def test_a_page_that_can_be_read_or_was_never_measured_is_left_alone(features: dict[str, Any]) -> None:
    assert report([page(1, **features)]) == []


def test_what_was_dropped_or_set_aside_is_settled() -> None:
    assert report([page(1), page(2, dropped=True, blur=1.0)]) == []
    assert report([page(1, blur=1.0)], replace(BOOKLET, set_aside=True, doubts=[("no_header", 1)])) == []


def test_open_doubts_are_findings_and_those_that_need_paper_are_errors() -> None:
    doubtful = replace(BOOKLET, doubts=[("no_header", 1), ("side_missing", 2), ("of_tomorrow", None)])
    assert report(sheet(), doubtful) == [
        ("no_header", "warning"),
        ("of_tomorrow", "warning"),  # an unknown code is no reason to say nothing
        ("side_missing", "error"),
    ]


def test_a_doubt_about_a_whole_upload_is_said_once() -> None:
    repaired = replace(SCAN, doubts=["file_repaired"])
    groups = [replace(BOOKLET, id=UUID(int=50 + no), doubts=[("file_repaired", None)]) for no in range(3)]
    pages = [each for no, group in enumerate(groups) for each in sheet(group, 1 + 4 * no)]
    (found,) = findings([repaired], pages, groups, NOTHING)
    assert (found.code, found.upload_id, found.side_no, found.booklet_id) == ("file_repaired", SCAN.id, None, None)
    assert len(findings([SCAN], pages, groups, NOTHING)) == 3  # confirmed as a whole, but not by each booklet


def test_a_doubt_shows_the_page_of_its_side() -> None:
    doubtful = replace(BOOKLET, doubts=[("side_missing", 2)])
    (found,) = findings([SCAN], sheet(), [doubtful], NOTHING)
    assert (found.page_id, found.half) == (UUID(int=103), None)


def test_copies_are_counted_against_what_was_expected_whether_assembled_or_not() -> None:
    assembled = replace(BOOKLET, copy_id=UUID(int=9))
    joined = replace(BOOKLET, id=UUID(int=51), copy_id=UUID(int=9))
    waiting = replace(BOOKLET, id=UUID(int=52))
    groups = [assembled, joined, waiting]
    pages = [each for no, group in enumerate(groups) for each in sheet(group, 1 + 4 * no)]

    def found(copies: int) -> list[Finding]:
        return findings([SCAN], pages, groups, Expected(copies=copies))

    assert found(2) == []
    assert [(each.code, each.severity) for each in found(3)] == [("copies_missing", "error")]
    (extra,) = found(1)
    assert (extra.code, extra.severity, extra.details) == ("copies_extra", "warning", {"copies": 2, "expected": 1})


def test_sheets_are_counted_by_their_faces() -> None:
    one = Expected(sheets_per_copy=1)
    assert report(sheet(), expected=one) == []
    assert report([page(1, "whole"), page(2, "whole")], expected=one) == []  # A4, both sides
    assert report([page(1), page(2, dropped=True), page(3), page(4)], expected=one) == []  # a dropped face is paper
    assert report(sheet(), expected=Expected(sheets_per_copy=2)) == [("sheets_missing", "error")]
    assert report([*sheet(), *sheet(first=5)], expected=one) == [("sheets_extra", "info")]


@pytest.mark.parametrize(
    ("status", "code"),
    [("failed", "upload_failed"), ("cancelled", "upload_cancelled"), ("splitting", "upload_unfinished")],
)
def test_an_upload_that_did_not_come_to_its_end_is_said(status: str, code: str) -> None:
    assert [each.code for each in findings([replace(SCAN, status=status)], [], [], NOTHING)] == [code]


def test_findings_stand_in_the_order_of_the_pile_and_none_has_anothers_key() -> None:
    bad = [page(no, half, blur=1.0, clipped=["top"]) for no, half in enumerate(["right", "left"] * 6, start=1)]
    found = findings([SCAN], bad[::-1], [BOOKLET], Expected(copies=4))
    assert len({each.key for each in found}) == len(found) == 25
    assert [each.side_no for each in found] == [None, *(side for side in range(1, 7) for _ in range(4))]


def test_every_page_is_counted_in_one_place() -> None:
    done, aside = (
        replace(BOOKLET, id=UUID(int=51), copy_id=UUID(int=9)),
        replace(BOOKLET, id=UUID(int=52), set_aside=True),
    )
    pages = [
        page(1),
        page(2, booklet=done),
        page(3, booklet=aside),
        page(4, booklet=done, dropped=True),
    ]
    counted = conservation([SCAN], pages, [BOOKLET, done, aside])
    assert (counted.in_staging, counted.in_copies, counted.set_aside, counted.dropped) == (1, 1, 1, 1)
    assert counted.holds


def test_a_page_that_is_gone_or_in_no_booklet_is_noticed() -> None:
    whole = sheet()
    assert conservation([SCAN], whole, [BOOKLET]).holds
    assert not conservation([SCAN], whole[:3], [BOOKLET]).holds
    assert not conservation([SCAN], [*whole[:3], replace(whole[3], booklet_id=None)], [BOOKLET]).holds
    assert not conservation([SCAN], [*whole, page(5)], [BOOKLET]).holds


def test_an_upload_that_is_still_cut_is_not_counted_yet() -> None:
    running = replace(SCAN, status="splitting", pages=2)
    loose = [replace(each, booklet_id=None) for each in sheet()[:2]]
    assert conservation([running], loose, []) == conservation([], [], [])
