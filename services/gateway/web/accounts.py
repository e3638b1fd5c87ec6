"""One's own account; for administrators everybody's, and how the system is."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from services.gateway.api import Page
from services.gateway.routes import session
from services.gateway.routes import system as state
from services.gateway.routes import users as accounts
from services.gateway.web.frame import blueprint, part, show


@blueprint.get("/account")
def account() -> ResponseReturnValue:
    """Password, sessions and personal tokens of whoever looks."""
    tokens = session.index(Page(limit=200))
    return show("account.html", place="account", sessions=session.index_sessions(), tokens=tokens)


@blueprint.get("/users")
def users() -> ResponseReturnValue:
    """Everybody who may sign in, and a form for one more."""
    found = accounts.index(part(limit=100))
    return show("users.html", place="users", found=found)


@blueprint.get("/system")
def system() -> ResponseReturnValue:
    """Each service, what it needs, what waits."""
    return show("system.html", place="system", found=state.show())
