"""The audit trail, for administrators: a form, and what it finds."""

from __future__ import annotations

import datetime as dt

from flask import request
from flask.typing import ResponseReturnValue

from contracts.errors.gateway import InvalidFields
from services.gateway import reading
from services.gateway.api import Page
from services.gateway.routes import audit as trail
from services.gateway.routes import exams, users
from services.gateway.web import languages
from services.gateway.web.frame import blueprint, show

WORDS = "audit.action."


@blueprint.get("/audit")
def audit() -> ResponseReturnValue:
    """Days are those of UTC; both are included."""
    asked = {name: text.strip() for name, text in request.args.items() if text.strip()}
    search: dict[str, object] = dict(asked)
    try:
        if "since" in asked:
            search["since"] = _midnight(asked["since"])
        if "until" in asked:
            search["until"] = _midnight(asked["until"]) + dt.timedelta(days=1)
    except (ValueError, OverflowError):
        raise InvalidFields(errors=[reading.field_error("since", "date_parsing")]) from None
    found = trail.index(reading.validated(trail.Search, search))  # type: ignore[arg-type]
    return show(
        "audit.html",
        place="audit",
        found=found,
        asked=asked,
        exams=exams.index(exams.ExamsWanted(limit=200)).items,
        people=users.index(Page(limit=200)).items,
        actions=[key.removeprefix(WORDS) for key in languages.catalogue("fr") if key.startswith(WORDS)],
    )


def _midnight(day: str) -> dt.datetime:
    return dt.datetime.combine(dt.date.fromisoformat(day), dt.time(), dt.UTC)
