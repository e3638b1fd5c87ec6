"""Staff accounts, for administrators."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from services.gateway.api import Page
from services.gateway.routes import users as accounts
from services.gateway.web.frame import blueprint, show


@blueprint.get("/users")
def users() -> ResponseReturnValue:
    """Everybody who may sign in, and a form for one more."""
    found = accounts.index(Page(limit=100, cursor=request.args.get("cursor")))
    return show("users.html", place="users", found=found)
