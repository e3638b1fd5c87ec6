"""Staff accounts, for administrators."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from services.gateway.routes import users as accounts
from services.gateway.web.frame import blueprint, part, show


@blueprint.get("/users")
def users() -> ResponseReturnValue:
    """Everybody who may sign in, and a form for one more."""
    found = accounts.index(part(limit=100))
    return show("users.html", place="users", found=found)
