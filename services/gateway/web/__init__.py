"""The pages people see. ``register(app)`` adds them to the gateway, together with the page for problems.

Pages ask the services as the API's routes do and render what they get; what a person then does on a page goes through
the API, from small ES modules. Nothing here decides who may do what: ``policy.py`` and grading do.
"""

from __future__ import annotations

from flask import Flask

from services.gateway.problems import PAGE_RENDERER
from services.gateway.web import (
    accounts,
    assets,
    candidate,
    copies,
    desk,
    doors,
    exams,
    paper,
    refused,
    results,
    trail,
)
from services.gateway.web.frame import blueprint, words

__all__ = ["register"]

# Importing these declared their pages.
_PAGES = (accounts, candidate, copies, desk, doors, exams, paper, results, trail)


def register(app: Flask) -> None:
    assets.register(app)
    words(app)
    app.register_blueprint(blueprint)
    app.extensions[PAGE_RENDERER] = refused.page
