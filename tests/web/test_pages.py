"""Every page, for every role that may see it, in both languages, full and empty."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from contracts.model import Role
from contracts.rpc.grading import copies, exams
from services.gateway.policy import RULES
from services.gateway.web import languages
from tests.service.gateway.conftest import FakeRpc
from tests.web.conftest import COPY, DOORS, EVIL, EXAM, PAGES, Page, Reader, full_exam, play_empty, play_exam

ROUTES = [(role, path) for role, paths in PAGES.items() for path in paths]
NEW_READER = Callable[..., Reader]


def check(html: str) -> Page:
    """What holds for every page: nothing inline for the CSP to refuse, nothing hostile alive, every name given."""
    page = Page(html)
    assert page.inline == []
    for tag, attributes in page.elements:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        assert not [each for each in attributes.values() if each and each.startswith("javascript:")], tag
        if tag == "script":
            source = attributes["src"] or ""
            assert source.startswith("/assets/")
            assert (attributes.get("type") == "module") != source.endswith("/js/early.js")  # before the first paint
    assert EVIL not in html
    assert not [image for image in page.all("img") if image["src"] == "x"]
    assert len(page.all("h1")) == 1
    assert html.partition("</head>")[0].count("<title>") == 1
    assert all("alt" in image for image in page.all("img"))
    return page


@pytest.mark.parametrize("language", languages.LANGUAGES)
@pytest.mark.parametrize("play", [play_exam, play_empty])
def test_every_page_renders(reader: NEW_READER, rpc: FakeRpc, play: Callable[[FakeRpc], None], language: str) -> None:
    play(rpc)
    for role in PAGES:
        who = reader(role, language)
        for path in PAGES[role]:
            answer = who.open(path)
            assert (role, path, answer.status_code) == (role, path, 200), answer.text
            assert answer.headers["Content-Language"] == language
            page = check(answer.text)
            assert page.all("html")[0]["lang"] == language


@pytest.mark.parametrize("language", languages.LANGUAGES)
@pytest.mark.parametrize("path", DOORS)
def test_pages_before_the_door_render(reader: NEW_READER, path: str, language: str) -> None:
    answer = reader(None, language).open(path)
    assert answer.status_code == (404 if path == "/nothing/here" else 200)
    check(answer.text)


def test_hostile_names_are_shown_as_they_were_typed(reader: NEW_READER, rpc: FakeRpc) -> None:
    """Escaped, not stripped: the guard above would also be happy with pages that lost the names."""
    play_exam(rpc)
    for role, path in ((Role.ADMIN, f"/exams/{EXAM}/roster"), (Role.CANDIDATE, "/results")):
        assert EVIL in Page(reader(role).open(path).text).text


def test_the_check_sees_what_it_looks_for() -> None:
    good = "<title>a</title><h1>b</h1>"
    check(good)
    for bad in (
        "<script>1</script>",
        "<script type=module src=//elsewhere></script>",
        "<style>p{}</style>",
        "<p style='x'>",
        "<p onclick=x>",
        "<a href='javascript:x'>",
        "<img src=/a>",
        EVIL,
    ):
        with pytest.raises((AssertionError, KeyError)):
            check(good + bad)


def test_every_page_route_is_tried_here(app: Flask) -> None:
    """A page that nobody added to ``PAGES`` would escape the checks above."""
    own = {rule.endpoint for rule in app.url_map.iter_rules() if rule.endpoint.startswith("web.")}
    assert own <= RULES.keys()
    adapter = app.url_map.bind("localhost")
    tried = {adapter.match(path.split("?")[0])[0] for _, path in ROUTES} | {"web.sign_in", "web.candidate_sign_in"}
    no_page = {"web.home", "web.mark_next", "web.asset", "web.choose_language", "web.sign_out", "web.leave"}
    assert own - no_page == tried


@pytest.mark.parametrize(("role", "path"), ROUTES)
def test_a_stranger_is_sent_to_the_door_and_back(reader: NEW_READER, role: Role, path: str) -> None:
    answer = reader(None).open(path)
    assert answer.status_code == 303
    if role is Role.CANDIDATE:
        assert answer.headers["Location"] == "/candidate"
    else:
        assert answer.headers["Location"].startswith("/sign-in?next=%2F")


def test_pages_of_another_role_are_refused_in_the_same_design(reader: NEW_READER, rpc: FakeRpc) -> None:
    who = reader(Role.MARKER, "en")
    for path in ("/users", "/exams/new", f"/exams/{EXAM}/roster", f"/exams/{EXAM}/publication"):
        answer = who.open(path)
        assert answer.status_code == 403
        assert "Your role does not allow this" in check(answer.text).text
    assert rpc.asked == []


def test_a_marker_sees_neither_names_nor_what_is_not_theirs_to_do(reader: NEW_READER, rpc: FakeRpc) -> None:
    play_exam(rpc)
    who = reader(Role.MARKER)
    for path in PAGES[Role.MARKER]:
        links = {each.get("href") for each in Page(who.open(path).text).all("a")}
        assert not links & {f"/exams/{EXAM}/{part}" for part in ("roster", "identification", "publication")}
    assert exams.LIST_CANDIDATES.name not in rpc.names()
    assert who.open(f"/exams/{EXAM}").headers["Location"] == f"/exams/{EXAM}/copies"


def test_an_operator_is_not_shown_scores(reader: NEW_READER, rpc: FakeRpc) -> None:
    play_exam(rpc)
    reader(Role.OPERATOR).open(f"/copies/{COPY}")
    assert copies.GET_SCORES.name not in rpc.names()


def test_the_publication_page_lists_what_is_missing(reader: NEW_READER, rpc: FakeRpc) -> None:
    play_exam(rpc)
    page = Page(reader(Role.ADMIN).open(f"/exams/{EXAM}/publication").text)
    assert "A-17" in page.text
    wanted = [(each.status, each.identified) for name, each in rpc.asked if name == copies.LIST_COPIES.name]
    assert wanted == [(copies.CopyStatus.GRADING_FAILED, None), (None, False)]
    assert [each for each in page.all("button") if "disabled" in each]


def test_a_ready_exam_can_be_published(reader: NEW_READER, rpc: FakeRpc) -> None:
    play_exam(rpc)
    ready = full_exam(progress=exams.Progress(copies=1, identified=1, by_status={"GRADED": 1}))
    rpc.on(exams.GET_EXAM, lambda _: ready)
    page = Page(reader(Role.ADMIN).open(f"/exams/{EXAM}/publication").text)
    assert not [each for each in page.all("button") if "disabled" in each]


@pytest.mark.parametrize("query", ["status=NONSENSE", "identified=perhaps", "cursor=" + "x" * 600])
def test_a_filter_nobody_offers_is_a_page_not_a_crash(reader: NEW_READER, rpc: FakeRpc, query: str) -> None:
    play_exam(rpc)
    answer = reader(Role.ADMIN).open(f"/exams/{EXAM}/copies?{query}")
    assert answer.status_code == 422
    check(answer.text)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("fr", ["10,5 / 20, publiée le", "Motif\u00a0:", "la copie a été numérisée à nouveau"]),
        ("en", ["10.5 / 20, published on", "Reason:", "the copy was scanned again"]),
    ],
)
def test_a_candidate_reads_what_their_result_was_and_why_it_changed(
    reader: NEW_READER, rpc: FakeRpc, language: str, told: list[str]
) -> None:
    play_exam(rpc)
    html = reader(Role.CANDIDATE, language).open("/results").text
    assert [text for text in told if text not in html] == []


def test_a_failed_finalisation_is_tried_again_by_whoever_may_finish_a_copy(reader: NEW_READER, rpc: FakeRpc) -> None:
    play_exam(rpc)
    offered = {
        role: f'path="/copies/{COPY}/finalise"' in reader(role).open(f"/copies/{COPY}").text
        for role in Role
        if role is not Role.CANDIDATE
    }
    assert offered == {Role.ADMIN: True, Role.OPERATOR: False, Role.MARKER: True}


def test_the_history_of_a_copy_is_not_for_markers(reader: NEW_READER, rpc: FakeRpc) -> None:
    play_exam(rpc)
    told = {role: 'class="trail"' in reader(role).open(f"/copies/{COPY}").text for role in (Role.OPERATOR, Role.MARKER)}
    assert told == {Role.OPERATOR: True, Role.MARKER: False}
    assert "copy_events" not in [name for name, asked in rpc.asked if asked.by.role is Role.MARKER]
