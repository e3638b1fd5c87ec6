"""For whoever keeps the processes alive; outside /api/v1."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify

from chassis.health import Readiness

blueprint = Blueprint("health", __name__)
READINESS = "korrigo_readiness"


@blueprint.get("/health/live")
def live() -> Response:
    """200 while the process runs."""
    return jsonify(live=True)


@blueprint.get("/health/ready")
def ready() -> Response:
    """200, or 503 with a verdict for each dependency; the checks run at once, each for 2 s at most."""
    readiness: Readiness = current_app.extensions[READINESS]
    verdicts = readiness.verdicts()
    fine = all(verdict.ok for verdict in verdicts.values())
    response = jsonify(ready=fine, dependencies={name: verdict.to_json() for name, verdict in verdicts.items()})
    response.status_code = 200 if fine else 503
    return response
