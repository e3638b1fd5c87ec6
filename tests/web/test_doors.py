"""Signing in and out by plain forms, the language, and pages for problems."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from contracts.model import Role
from services.gateway.app import CSP
from services.gateway.context import Gateway
from services.gateway.problems import LANGUAGE_COOKIE
from tests.service.gateway.conftest import PASSWORD, FakeRpc, enrol
from tests.web.conftest import EXAM, Page, Reader, play_exam

NEW_READER = Callable[..., Reader]


def test_signing_in_leads_back_to_where_one_wanted_to_go(app: Flask, reader: NEW_READER, rpc: FakeRpc) -> None:
    play_exam(rpc)
    user = enrol(app, Role.ADMIN)
    stranger = reader(None)
    door = stranger.open(f"/exams/{EXAM}/roster").headers["Location"]
    fields = Page(stranger.open(door).text).all("input")
    following = [
        each["value"] for each in fields if each["name"] == "next" and each["value"] == f"/exams/{EXAM}/roster"
    ]
    form = {"next": following[0], "username": user.username, "password": PASSWORD}
    answer = stranger.open("/sign-in", "POST", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/exams/{EXAM}/roster")
    assert stranger.open(f"/exams/{EXAM}/roster").status_code == 200
    assert stranger.open("/").headers["Location"] == "/exams"


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "exams", "/a\nb"])
def test_signing_in_never_leads_off_the_site(app: Flask, reader: NEW_READER, elsewhere: str) -> None:
    user = enrol(app, Role.MARKER)
    form = {"next": elsewhere, "username": user.username, "password": PASSWORD}
    assert reader(None).open("/sign-in", "POST", data=form).headers["Location"] == "/"


@pytest.mark.parametrize(("language", "told"), [("fr", "incorrect"), ("en", "wrong")])
def test_a_wrong_password_is_told_on_the_form(app: Flask, reader: NEW_READER, language: str, told: str) -> None:
    user = enrol(app, Role.MARKER)
    answer = reader(None, language).open("/sign-in", "POST", data={"username": user.username, "password": "no"})
    assert answer.status_code == 401
    page = Page(answer.text)
    assert told in page.text
    assert user.username in [each.get("value") for each in page.all("input")]
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(("path", "cookie"), [("/sign-in", "korrigo"), ("/candidate", "korrigo_candidate")])
def test_who_comes_back_with_an_old_cookie_reads_that_the_session_has_ended(
    reader: NEW_READER, path: str, cookie: str
) -> None:
    stranger = reader(None, "en")
    assert "Your session has ended" not in stranger.open(path).text
    stranger.person.client.set_cookie(cookie, "yesterday")
    assert "Your session has ended" in stranger.open(path).text


@pytest.mark.parametrize(
    "form", [{}, {"username": "x" * 300, "password": "y"}, {"username": "a", "password": "z" * 2000}]
)
def test_a_nonsense_form_is_refused_not_crashed(reader: NEW_READER, form: dict[str, str]) -> None:
    assert reader(None).open("/sign-in", "POST", data=form).status_code in {401, 422}


def test_a_form_from_another_site_opens_no_session(app: Flask, reader: NEW_READER) -> None:
    form = {"username": enrol(app, Role.MARKER).username, "password": PASSWORD}
    answer = reader(None).open("/sign-in", "POST", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_signing_out_ends_the_session_and_needs_the_token(reader: NEW_READER) -> None:
    who = reader(Role.MARKER)
    assert who.open("/sign-out", "POST", data={"csrf_token": "no"}).status_code == 403
    assert who.open("/exams/new").status_code == 403  # still signed in
    answer = who.open("/sign-out", "POST", data={"csrf_token": who.person.csrf})
    assert answer.headers["Location"] == "/sign-in"
    assert who.open("/exams").status_code == 303


def test_a_candidate_enters_with_a_code_and_leaves(app: Flask, reader: NEW_READER, rpc: FakeRpc) -> None:
    play_exam(rpc)
    stranger = reader(None, "en")
    wrong = stranger.open("/candidate", "POST", data={"access_code": "AAAAA-AAAA-AAAA"})
    assert wrong.status_code == 401
    assert "not valid" in Page(wrong.text).text
    who = reader(Role.CANDIDATE)
    assert who.open("/").headers["Location"] == "/results"
    assert who.open("/leave", "POST", data={"csrf_token": who.person.csrf}).headers["Location"] == "/candidate"
    assert who.open("/results").headers["Location"] == "/candidate"


def test_a_chosen_language_goes_before_the_browsers(reader: NEW_READER) -> None:
    who = reader(None, "en")
    assert who.open("/language", "POST", data={"language": "fr", "next": "/sign-in"}).headers["Location"] == "/sign-in"
    assert Page(who.open("/sign-in").text).all("html")[0]["lang"] == "fr"
    refused = who.person.client.get("/api/v1/exams", headers={"Accept-Language": "en"})
    assert refused.get_json()["title"] == "Connexion nécessaire"
    who.open("/language", "POST", data={"language": "de"})
    cookie = who.person.client.get_cookie(LANGUAGE_COOKIE)
    assert cookie is not None
    assert cookie.value == "fr"


def test_programs_get_problem_documents_where_people_get_pages(app: Flask, reader: NEW_READER) -> None:
    for accept in ("application/json", "*/*", None):
        headers = {"Accept": accept} if accept else {}
        answer = app.test_client().get("/exams", headers=headers)
        assert (answer.status_code, answer.get_json()["code"]) == (401, "gateway.not_signed_in")
    api = reader(None).open("/api/v1/exams")
    assert api.mimetype == "application/problem+json"


def test_a_service_that_is_down_is_a_page_that_says_so(reader: NEW_READER) -> None:
    answer = reader(Role.ADMIN, "en").open("/exams")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "Nothing is lost" in Page(answer.text).text


def test_a_defect_is_a_page_without_internals(app: Flask, reader: NEW_READER, rpc: FakeRpc) -> None:
    play_exam(rpc)
    app.jinja_env.globals["segments"] = None
    answer = reader(Role.ADMIN, "en").open(f"/exams/{EXAM}")
    assert answer.status_code == 500
    assert answer.headers["X-Request-ID"] in answer.text
    assert "Traceback" not in answer.text
    assert "NoneType" not in answer.text


def test_the_page_for_problems_needs_no_database(app: Flask, reader: NEW_READER) -> None:
    here: Gateway = app.extensions["korrigo"]
    who = reader(Role.ADMIN, "en")
    here.db.close()
    here.db.engine.connect = lambda *_: (_ for _ in ()).throw(AssertionError("asked"))  # type: ignore[method-assign]
    answer = who.open("/nothing/here")
    assert answer.status_code == 404


def test_pages_are_never_kept_and_carry_the_strict_policy(reader: NEW_READER, rpc: FakeRpc) -> None:
    play_exam(rpc)
    answer = reader(Role.ADMIN).open("/exams")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"] == CSP
    assert "unsafe" not in CSP


def test_a_name_that_no_database_can_hold_is_refused_on_the_form(reader: NEW_READER) -> None:
    form = {"username": "a\x00b", "password": "p"}
    assert reader(None).open("/sign-in", "POST", data=form).status_code == 422


@pytest.mark.parametrize("path", ["/exams", "/users"])
@pytest.mark.parametrize("cursor", ["x" * 501, "%00"])
def test_a_page_refuses_a_cursor_that_cannot_be_one(reader: NEW_READER, rpc: FakeRpc, path: str, cursor: str) -> None:
    play_exam(rpc)
    assert reader(Role.ADMIN).open(f"{path}?cursor={cursor}").status_code == 422
