"""The front door, signing in and out, and the language."""

from __future__ import annotations

from flask import redirect, request
from flask.typing import ResponseReturnValue

from contracts.errors import Refusal
from contracts.model import Role
from services.gateway import auth, problems, reading
from services.gateway.context import gateway
from services.gateway.routes import candidate, session
from services.gateway.web.frame import blueprint, local, show
from services.gateway.web.languages import LANGUAGES

YEAR_S = 365 * 24 * 3600


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """To where one's work is, or to the door."""
    who = auth.visitor()
    if who is None:
        return redirect("/sign-in", 303)
    return redirect("/results" if who.role is Role.CANDIDATE else "/exams", 303)


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """User name and password. A plain form: it works before any script has loaded."""
    following = local(request.values.get("next"))
    if request.method == "GET":
        who = auth.visitor()
        if who is not None and who.role is not Role.CANDIDATE:
            return redirect(following, 303)
        ended = auth.ended(auth.Means.SESSION)
        return show("sign-in.html", next=following, username="", problem=None, ended=ended)
    username = request.form.get("username", "")
    try:
        body = reading.validated(session.SignIn, {"username": username, "password": request.form.get("password", "")})
        opened = session.open(body)  # type: ignore[arg-type]
    except Refusal as refusal:
        return _refused("sign-in.html", refusal, next=following, username=username)
    response = redirect(following, 303)
    response.headers.setlist("Set-Cookie", opened.headers.getlist("Set-Cookie"))
    return response


@blueprint.route("/candidate", methods=["GET", "POST"])
def candidate_sign_in() -> ResponseReturnValue:
    """A candidate's personal access code."""
    if request.method == "GET":
        return show("candidate-sign-in.html", problem=None, ended=auth.ended(auth.Means.CANDIDATE))
    try:
        body = reading.validated(candidate.CandidateSignIn, {"access_code": request.form.get("access_code", "")})
        opened = candidate.open(body)  # type: ignore[arg-type]
    except Refusal as refusal:
        return _refused("candidate-sign-in.html", refusal)
    response = redirect("/results", 303)
    response.headers.setlist("Set-Cookie", opened.headers.getlist("Set-Cookie"))
    return response


def _refused(template: str, refusal: Refusal, **context: str) -> ResponseReturnValue:
    """The form again, with the reason where the person looks."""
    told = refusal.text(problems.language())
    return show(template, status=refusal.http_status, problem=told, ended=False, **context)


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    closed = session.close()
    response = redirect("/sign-in", 303)
    response.headers.setlist("Set-Cookie", closed.headers.getlist("Set-Cookie"))
    return response


@blueprint.post("/leave")
def leave() -> ResponseReturnValue:
    """A candidate signs out."""
    closed = candidate.close()
    response = redirect("/candidate", 303)
    response.headers.setlist("Set-Cookie", closed.headers.getlist("Set-Cookie"))
    return response


@blueprint.post("/language")
def choose_language() -> ResponseReturnValue:
    """Remember a language and come back to the page one was on."""
    response = redirect(local(request.form.get("next")), 303)
    chosen = request.form.get("language", "")
    if chosen in LANGUAGES:
        secure = gateway().settings.secure
        response.set_cookie(
            problems.LANGUAGE_COOKIE, chosen, max_age=YEAR_S, path="/", secure=secure, httponly=True, samesite="Lax"
        )
    return response
