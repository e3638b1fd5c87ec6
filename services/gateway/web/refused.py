"""How a person sees what the API tells as a problem document."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask.wrappers import Response

from services.gateway.problems import as_json
from services.gateway.web.frame import here, show

CANDIDATES = ("/results", "/leave", "/candidate")


def page(problem: dict[str, Any]) -> ResponseReturnValue:
    """The door for whoever is not signed in, else a page; programs get the document itself."""
    if not _by_a_person():
        return as_json(problem)
    if problem["status"] == 401:
        return _to_the_door()
    return show("problem.html", status=problem["status"], problem=problem)


def _by_a_person() -> bool:
    return request.accept_mimetypes.best_match(["application/problem+json", "text/html"]) == "text/html"


def _to_the_door() -> Response:
    if request.path.startswith(CANDIDATES):
        return redirect("/candidate", 303)  # type: ignore[return-value]
    following = f"?next={quote(here(), safe='')}" if request.method == "GET" and request.path != "/" else ""
    return redirect(f"/sign-in{following}", 303)  # type: ignore[return-value]
