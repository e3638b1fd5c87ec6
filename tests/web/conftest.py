"""Pages by Flask's own client: a real PostgreSQL for people, services played by functions, no browser."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from chassis.db import Database
from contracts.model import Role
from contracts.rpc import ingest
from contracts.rpc.grading import audit, copies, exams, results
from services.gateway.app import create_app
from services.gateway.context import Gateway
from services.gateway.people import issue_codes
from tests.service.gateway.conftest import FakeRpc, Person, enrol, settings, sign_in
from tests.service.gateway.examples import NOON, copy_view, exam_view

EXAM, COPY, CANDIDATE, PERSON, MARKER = (UUID(int=each) for each in range(1, 6))
EVIL = "<script>alert(1)</script>"
EVIL_TITLE = f"Bac {EVIL}\"'><img src=x onerror=alert(1)>"

PAGES = {
    Role.ADMIN: (
        "/exams",
        "/exams/new",
        f"/exams/{EXAM}",
        f"/exams/{EXAM}/scheme",
        f"/exams/{EXAM}/roster",
        f"/exams/{EXAM}/scans",
        f"/exams/{EXAM}/scans?view=desk&late={COPY}",
        f"/exams/{EXAM}/scans?view=report",
        f"/exams/{EXAM}/identification",
        f"/exams/{EXAM}/allocation",
        f"/exams/{EXAM}/copies",
        f"/exams/{EXAM}/copies?status=GRADED&identified=false",
        f"/exams/{EXAM}/pile",
        f"/exams/{EXAM}/statistics",
        f"/exams/{EXAM}/results",
        f"/exams/{EXAM}/publication",
        f"/exams/{EXAM}/access-codes",
        f"/copies/{COPY}",
        "/jobs",
        "/users",
        "/account",
        "/audit",
        "/system",
        f"/audit?exam_id={EXAM}&action=LOCK&since=2026-05-12&until=2026-05-12",
    ),
    Role.OPERATOR: (
        "/exams",
        f"/exams/{EXAM}",
        f"/exams/{EXAM}/scheme",
        f"/exams/{EXAM}/allocation",
        f"/exams/{EXAM}/copies",
        f"/copies/{COPY}",
    ),
    Role.MARKER: (
        "/exams",
        f"/exams/{EXAM}/scheme",
        f"/exams/{EXAM}/copies",
        f"/exams/{EXAM}/pile",
        f"/exams/{EXAM}/statistics",
        f"/copies/{COPY}",
        f"/copies/{COPY}/mark",
    ),
    Role.CANDIDATE: ("/results",),
}
DOORS = ("/sign-in", "/candidate", "/nothing/here")


def full_exam(**changes: Any) -> exams.ExamView:
    values: dict[str, Any] = {
        "title": EVIL_TITLE,
        "scheme_version": 1,
        "candidates": 1,
        "progress": exams.Progress(copies=2, identified=1, by_status={"GRADED": 1, "GRADING_FAILED": 1}),
    }
    return exam_view(EXAM, **(values | changes))


def full_copy(**changes: Any) -> copies.CopyView:
    values: dict[str, Any] = {
        "exam_id": EXAM,
        "status": copies.CopyStatus.GRADING_FAILED,
        "error_message": EVIL,
        "lock": copies.LockView(owner=EVIL, owner_id=MARKER, expires_at=NOON),
        "marker_id": MARKER,
        "marker": EVIL,
        "total": Decimal("12.5"),
        "identified": False,
        "pages": (copies.PageView(page_no=1, blank=True, width_px=10, height_px=14, header_masked=True, covered=()),),
        "final_available": True,
    }
    return copy_view(COPY, **(values | changes))


def always(answer: Any) -> Callable[[Any], Any]:
    return lambda _: answer


def play_exam(rpc: FakeRpc) -> None:
    """Answers in which every text a person typed is hostile."""
    leaf = exams.SchemeNode(id="q1", label=f"1. {EVIL}", points=Decimal("2.5"), bonus=True)
    nodes = (exams.SchemeNode(id="x1", label=EVIL, children=(leaf,)),)
    scheme = exams.SchemeView(exam_id=EXAM, version=1, nodes=nodes, step=Decimal("0.25"), total_points=Decimal(20))
    candidate = exams.CandidateView(
        id=CANDIDATE,
        person_id=PERSON,
        ine=EVIL,
        last_name=EVIL,
        first_name=EVIL,
        class_name=EVIL,
        birth_date=dt.date(2008, 8, 1),
        copy_id=COPY,
    )
    summary = copies.CopySummary(**full_copy().model_dump(exclude={"pages", "final_available"}))
    paper = ingest.ExamPaper(exam_id=EXAM, uploads=2, reading=1, staged=3, doubtful=1)
    scores = copies.ScoresView(
        copy_id=COPY,
        version=1,
        scores={"q1": Decimal(2)},
        remarks={"q1": EVIL},
        appraisal=EVIL,
        total=Decimal("12.5"),
        total_points=Decimal(20),
        missing=(),
        scheme_version=1,
    )
    item = exams.ResultItem(label=EVIL, score=Decimal(1), max_points=Decimal(2), remark=EVIL)
    result = exams.CandidateResult(
        exam_id=EXAM,
        exam_title=EVIL_TITLE,
        exam_date=dt.date(2026, 11, 1),
        copy_id=COPY,
        total=Decimal("12.5"),
        total_points=Decimal(20),
        appraisal=EVIL,
        items=(item,),
        revision=3,
        published_at=NOON,
        earlier=(
            exams.EarlierResult(revision=2, total=Decimal("11"), published_at=NOON, reason=None, changed_at=NOON),
            exams.EarlierResult(revision=1, total=Decimal("10.5"), published_at=NOON, reason=EVIL, changed_at=NOON),
        ),
        statistics=exams.ClassStatistics(
            copies=5, mean=Decimal("12.345"), q1=Decimal(9), median=Decimal(12), q3=Decimal(15)
        ),
    )
    event = copies.AuditEvent(seq=1, action=EVIL, actor=EVIL, actor_id=MARKER, at=NOON, details={})
    line = audit.AuditLine(
        exam_id=EXAM,
        exam_title=EVIL_TITLE,
        copy_id=COPY,
        anonymous_id="ABC234",
        seq=7,
        action=EVIL,
        actor=EVIL,
        actor_id=PERSON,
        at=NOON,
        details={EVIL: EVIL, "list": [EVIL]},
    )
    answers: dict[Any, Any] = {
        audit.SEARCH_AUDIT: audit.AuditLines(items=(line,), next="more", total=2),
        exams.LIST_EXAMS: exams.Exams(items=(full_exam(), full_exam(published_at=NOON)), next="more", total=3),
        exams.GET_EXAM: full_exam(),
        exams.GET_SCHEME: scheme,
        exams.LIST_CANDIDATES: exams.Candidates(items=(candidate,), next="more", total=2),
        exams.OWN_RESULTS: exams.CandidateResults(
            last_name=EVIL,
            first_name=EVIL,
            items=(result,),
            withdrawn=(exams.WithdrawnResult(exam_title=EVIL_TITLE, exam_date=None, withdrawn_at=NOON),),
        ),
        copies.LIST_COPIES: copies.Copies(items=(summary,), next="more", total=2),
        copies.GET_COPY: full_copy(),
        ingest.PAPER_OF_EXAMS: ingest.PaperOfExams(items=(paper,)),
        copies.GET_SCORES: scores,
        copies.COPY_EVENTS: copies.AuditTrail(items=(event,), next=None, total=1),
        results.GET_STATISTICS: _statistics(),
        results.LIST_RESULTS: _results(),
    }
    for method, answer in answers.items():
        rpc.on(method, always(answer))


def _statistics() -> results.Statistics:
    twelve = Decimal("12.5")
    spread = results.Spread(
        count=1, mean=twelve, deviation=Decimal(0), lowest=twelve, q1=twelve, median=twelve, q3=twelve, highest=twelve
    )
    bars = tuple(results.Bar(low=Decimal(at), high=Decimal(at + 1), count=int(at == 12)) for at in range(20))
    item = results.ItemStatistics(
        item_id="q1", path=(EVIL, EVIL), points=Decimal(2), bonus=True, count=1, mean=Decimal(1),
        facility=Decimal("0.5"), discrimination=Decimal("-0.25"), zero=1, full=1,
    )  # fmt: skip
    marker = results.MarkerStatistics(marker_id=MARKER, marker=EVIL, copies=2, spread=spread, histogram=bars)
    return results.Statistics(
        exam_id=EXAM, copies=2, total_points=Decimal(20), spread=spread, half_or_more=1, reliability=Decimal("0.84"),
        histogram=bars, items=(item,), markers=(marker,),
    )  # fmt: skip


def _results() -> results.Results:
    row = results.ResultView(
        candidate_id=CANDIDATE, ine=EVIL, last_name=EVIL, first_name=EVIL, class_name=EVIL, state="graded",
        copy_id=COPY, anonymous_id="A-17", revision=2, total=Decimal("12.5"), graded_at=NOON,
    )  # fmt: skip
    bare = {"copy_id": None, "anonymous_id": None, "revision": None, "total": None, "graded_at": None}
    absent = row.model_copy(update={"state": "no_copy", **bare})
    return results.Results(
        items=(row, absent), next="more", total=3, total_points=Decimal(20), graded=1, marking=1, no_copy=1,
        unidentified=1,
    )  # fmt: skip


def play_empty(rpc: FakeRpc) -> None:
    """A new exam: every list is empty."""
    nothing: dict[str, Any] = {"items": (), "next": None, "total": 0}
    bare = exam_view(EXAM)
    answers: dict[Any, Any] = {
        audit.SEARCH_AUDIT: audit.AuditLines(**nothing),
        exams.LIST_EXAMS: exams.Exams(**nothing),
        exams.GET_EXAM: bare,
        exams.GET_SCHEME: exams.SchemeView(
            exam_id=EXAM, version=0, nodes=(), step=Decimal("0.25"), total_points=Decimal(20)
        ),
        exams.LIST_CANDIDATES: exams.Candidates(**nothing),
        exams.OWN_RESULTS: exams.CandidateResults(last_name="Hugo", first_name="Léa", items=()),
        copies.LIST_COPIES: copies.Copies(**nothing),
        copies.GET_COPY: copy_view(COPY, exam_id=EXAM),
        ingest.PAPER_OF_EXAMS: ingest.PaperOfExams(items=()),
        copies.COPY_EVENTS: copies.AuditTrail(**nothing),
        results.GET_STATISTICS: results.Statistics(
            exam_id=EXAM,
            copies=0,
            total_points=Decimal(20),
            spread=results.Spread(count=0),
            half_or_more=0,
            reliability=None,
            histogram=(),
            items=(),
            markers=(),
        ),
        results.LIST_RESULTS: results.Results(
            total_points=Decimal(20), graded=0, marking=0, no_copy=0, unidentified=0, **nothing
        ),
    }
    for method, answer in answers.items():
        rpc.on(method, always(answer))


@pytest.fixture
def rpc() -> FakeRpc:
    return FakeRpc()


@pytest.fixture
def app(database: Callable[[str], Database], rpc: FakeRpc) -> Flask:
    app = create_app(settings(rate_factor=100.0), rpc=rpc, db=database("gateway"))
    app.testing = False  # unexpected exceptions must become pages here too
    return app


@dataclass
class Reader:
    """Somebody with a browser that prefers one language."""

    person: Person
    language: str = "fr"

    def open(self, path: str, method: str = "GET", **request: Any) -> Any:
        headers = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": self.language} | request.pop("headers", {})
        return self.person.client.open(path, method=method, headers=headers, **request)


@pytest.fixture
def reader(app: Flask) -> Callable[..., Reader]:
    """``reader(Role.MARKER, "en")``: signed in; without a role, a stranger."""

    def reader(role: Role | None, language: str = "fr") -> Reader:
        if role is None:
            return Reader(Person(app.test_client(), UUID(int=0), ""), language)
        if role is not Role.CANDIDATE:
            return Reader(sign_in(app, enrol(app, role).username), language)
        here: Gateway = app.extensions["korrigo"]
        issuer = enrol(app, Role.ADMIN)
        code = issue_codes(here.db, (PERSON,), by=issuer.id, days=1, only_missing=False)[PERSON]
        client = app.test_client()
        answer = client.post("/api/v1/candidate/session", json={"access_code": code})
        return Reader(Person(client, PERSON, "", answer.get_json()["csrf_token"]), language)

    return reader


class Page(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline: list[str] = []
        self.text = ""
        self._inside = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in {"script", "style"}:
            self.inline.append(data)
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]
