"""What all pages share: the blueprint, who is looking, the words."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, Flask, g, make_response, render_template, request
from flask.typing import ResponseReturnValue

from contracts.model import Role
from services.gateway import problems, reading
from services.gateway.api import Page
from services.gateway.auth import Caller
from services.gateway.context import gateway
from services.gateway.web import languages, progress

blueprint = Blueprint("web", __name__)


def show(template: str, *, status: int = 200, **context: Any) -> ResponseReturnValue:
    """A page for whoever is looking."""
    who = looking()
    response = make_response(render_template(template, me=who, **context), status)
    response.headers["Content-Language"] = problems.language()
    response.vary.update(["Accept-Language", "Cookie"])
    return response


def looking() -> Caller | None:
    """Who the request was admitted for. Asks nobody: a page for problems must work while the database is down."""
    found: Caller | None = g.get("caller")
    return found


def part(limit: int) -> Page:
    """The part of a list that the address asks for; a cursor that cannot be one is refused, as in the API."""
    return Page(limit=limit, cursor=cast(Page, reading.query(Page, versioned=False)).cursor)


def local(path: str | None) -> str:
    """``path`` when it leads somewhere on this site, else the front door."""
    if path and path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable():
        return path
    return "/"


def here() -> str:
    """The page one is on, to come back to."""
    return request.full_path.rstrip("?")


def words(app: Flask) -> None:
    """Give every template the words, and how to write numbers, days and names."""
    app.jinja_env.globals.update(
        t=languages.t,
        n=languages.n,
        known=languages.known,
        language=problems.language,
        here=here,
        https_only=lambda: gateway().settings.secure,
        segments=progress.segments,
        Role=Role,
    )
    app.jinja_env.filters.update(points=languages.points, day=languages.day, initials=initials)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def initials(name: str) -> str:
    parts = [part for part in name.split() if part[0].isalnum()]
    return "".join(part[0] for part in (parts[:1] + parts[-1:] if len(parts) > 1 else parts)).upper() or "?"
