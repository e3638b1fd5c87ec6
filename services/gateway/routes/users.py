"""Accounts of the staff. Nobody is ever deleted: what they did keeps its author."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

import sqlalchemy as sa
from pydantic import Field

from chassis import observe
from contracts.model import ONE_LINE, Model, Role
from services.gateway import cursors, people
from services.gateway.api import Answer, Page, Resource
from services.gateway.auth import caller
from services.gateway.context import gateway
from services.gateway.idempotency import name_of_request
from services.gateway.passwords import require_good
from services.gateway.problems import language
from services.gateway.store import accounts

users = Resource("users")
audit = observe.logger(observe.AUDIT)

DisplayName = Annotated[str, Field(min_length=1, max_length=100), ONE_LINE]
StaffRole = Literal[Role.ADMIN, Role.OPERATOR, Role.MARKER]


class NewUser(Model):
    """``display_name`` is what colleagues see; the user name when left out."""

    username: people.Username
    password: people.Secret
    role: StaffRole
    display_name: DisplayName | None = None


class UserChange(Model):
    """Fields left out keep their value. A new role or password, or ``active: false``, ends their sessions."""

    display_name: DisplayName | None = None
    role: StaffRole | None = None
    active: bool | None = None
    password: people.Secret | None = None


@users.operation("GET", "/users", query=Page, reply=people.Users)
def index(query: Page) -> people.Users:
    """All accounts by user name."""
    statement = sa.select(accounts).order_by(accounts.c.username).limit(query.limit + 1)
    if query.cursor is not None:
        statement = statement.where(accounts.c.username > cursors.read(query.cursor))
    with gateway().db.reading() as sql:
        total = sql.execute(sa.select(sa.func.count()).select_from(accounts)).scalar_one()
        rows = sql.execute(statement).all()
    shown = rows[: query.limit]
    following = cursors.write(shown[-1].username) if len(rows) > query.limit else None
    return people.Users(items=tuple(people.as_user(row) for row in shown), next=following, total=total)


@users.operation("POST", "/users", body=NewUser, reply=people.User, statuses=(201,), creates=True)
def create(body: NewUser) -> Answer:
    """Create an account with its first password."""
    here = gateway()
    user = people.create_account(
        here.db,
        here.passwords,
        username=body.username,
        display_name=body.display_name or body.username,
        role=body.role,
        password=body.password,
        language=language(),
        once=name_of_request(),
    )
    audit.info("account_created", account_id=user.id, role=user.role, actor_id=caller().id)
    return Answer(user, 201, {"Location": f"/api/v1/users/{user.id}"})


@users.operation("GET", "/users/<uuid:user_id>", reply=people.User)
def show(user_id: UUID) -> people.User:
    """One account."""
    return people.find_user(gateway().db, user_id)


@users.operation("PATCH", "/users/<uuid:user_id>", body=UserChange, reply=people.User)
def change(user_id: UUID, body: UserChange) -> people.User:
    """Change an account; ``active: false`` instead of deleting it."""
    here = gateway()
    user = people.find_user(here.db, user_id)
    changes: dict[str, Any] = body.model_dump(exclude_none=True, exclude={"password"})
    if body.password is not None:
        name = body.display_name or user.display_name
        require_good(body.password, username=user.username, display_name=name, field="password", language=language())
        changes["password_hash"] = here.passwords.hash(body.password)
    changed = people.change_user(here.db, user_id, changes)
    audit.info("account_changed", account_id=user_id, role=changed.role, active=changed.active, actor_id=caller().id)
    return changed
