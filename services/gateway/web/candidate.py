"""What a candidate reads: their published results."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from services.gateway.routes import candidate
from services.gateway.web.frame import blueprint, show
from services.gateway.web.results import figure


@blueprint.get("/results")
def results() -> ResponseReturnValue:
    """Total, score and remark per question, appraisal, and the marked copy."""
    return show("results.html", found=candidate.results(), figure=figure)
