"""An exam as a whole: the pile, its statistics, its results."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from flask.typing import ResponseReturnValue

from contracts.rpc.grading import results as rpc
from services.gateway import problems
from services.gateway.auth import caller
from services.gateway.context import ask
from services.gateway.routes import results as routes
from services.gateway.web import charts
from services.gateway.web.exams import SHOWN, exam_page
from services.gateway.web.frame import blueprint, part
from services.gateway.web.languages import points


@blueprint.get("/exams/<uuid:exam_id>/pile")
def pile(exam_id: UUID) -> ResponseReturnValue:
    """Copies × questions; what is in the cells comes through the API, since it changes while one looks."""
    return exam_page("pile.html", exam_id, "pile")


@blueprint.get("/exams/<uuid:exam_id>/statistics")
def statistics(exam_id: UUID) -> ResponseReturnValue:
    """Charts and tables of the graded copies; all of it is in the page."""
    found = ask(rpc.GET_STATISTICS, exam_id=exam_id, by=caller().actor)
    return exam_page(
        "statistics.html",
        exam_id,
        "statistics",
        found=found,
        charts=charts,
        figure=figure,
        percent=percent,
        share=lambda part, whole: percent(Decimal(part) / whole),
    )


@blueprint.get("/exams/<uuid:exam_id>/results")
def exam_results(exam_id: UUID) -> ResponseReturnValue:
    """Every candidate with their mark, and the files."""
    return exam_page("exam-results.html", exam_id, "results", found=routes.index(exam_id, part(limit=SHOWN)))


def figure(value: Decimal | None) -> str:
    """A figure to two decimals: more would say more than a class can."""
    written = points(None if value is None else value.quantize(Decimal("0.01"), ROUND_HALF_UP))
    return written.replace("-", "\N{MINUS SIGN}")


def percent(share: Decimal | None) -> str:
    if share is None:
        return "–"
    whole = (share * 100).quantize(Decimal(1), ROUND_HALF_UP)
    return f"{whole}\N{NARROW NO-BREAK SPACE}%" if problems.language() == "fr" else f"{whole}%"
