"""Signing in and out, changing one's password, personal tokens."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import sqlalchemy as sa
from flask import Response, request
from pydantic import Field, StringConstraints

from chassis import observe
from contracts.errors.gateway import NotFound, TooManyRequests, WrongCredentials
from contracts.model import ONE_LINE, Model, Role
from services.gateway import auth, codes, cursors, limits, people
from services.gateway.api import Answer, Page, Resource, respond
from services.gateway.auth import Means, caller
from services.gateway.context import gateway
from services.gateway.idempotency import name_of_request
from services.gateway.passwords import require_good
from services.gateway.problems import language
from services.gateway.reading import refuse_fields
from services.gateway.store import accounts, sessions, tokens

session = Resource("session")
audit = observe.logger(observe.AUDIT)
personal_tokens = Resource("tokens")


class SignIn(Model):
    username: Annotated[str, StringConstraints(max_length=200)]
    password: people.Secret


class Me(Model):
    id: UUID
    username: str
    display_name: str
    role: Role


class Session(Model):
    """``csrf_token`` goes into X-CSRF-Token with every write; null for a personal token, which needs none."""

    user: Me
    csrf_token: str | None


class PasswordChange(Model):
    current: people.Secret
    new: people.Secret


class NewToken(Model):
    name: Annotated[str, Field(min_length=1, max_length=100), ONE_LINE]


@session.operation("POST", "/session", body=SignIn, reply=Session, statuses=(201,))
def open(body: SignIn) -> Response:
    """Sign in.

    An attempt counts before the password is looked at, and is taken back when it was right: a throttle that counts
    afterwards lets a hundred simultaneous guesses through.
    """
    here, username = gateway(), body.username.lower()
    attempts = ((limits.LOGIN_ADDRESS, request.remote_addr or "unknown"), (limits.LOGIN_ACCOUNT, username))
    limits.hit(here.db, here.settings, *attempts)
    with here.db.reading() as sql:
        row = sql.execute(sa.select(accounts).where(accounts.c.username == username)).one_or_none()
    known = row.password_hash if row is not None and row.active else None
    try:
        right = here.passwords.matches(known, body.password)
    except TooManyRequests:
        with here.db.transaction() as work:
            limits.forgive(work, *attempts)  # we were busy; they did not guess
        raise
    if not right or row is None or known is None:
        audit.info("sign_in_refused", account_id=row.id if row is not None else None)
        raise WrongCredentials()
    renewed = here.passwords.hash(body.password) if here.passwords.outdated(known) else None
    with here.db.transaction() as work:
        limits.forgive(work, *attempts)
        if renewed is not None:
            work.sql.execute(sa.update(accounts).where(accounts.c.id == row.id).values(password_hash=renewed))
        before = request.cookies.get(auth.cookie_name(here.settings, Means.SESSION))
        if before:
            auth.end_session(work, codes.digest(before))
        secret, digest = auth.open_session(work, here.settings.session_s, account_id=row.id)
        people.tidy(work)
    audit.info("signed_in", account_id=row.id)
    who = auth.Caller(row.id, row.username, row.display_name, Role(row.role), Means.SESSION, digest)
    response = respond(_session_of(who), 201)
    auth.set_cookie(response, Means.SESSION, secret)
    return response


@session.operation("GET", "/session", reply=Session)
def show() -> Session:
    """Who I am."""
    return _session_of(caller())


@session.operation("DELETE", "/session", statuses=(204,))
def close() -> Response:
    """Sign out."""
    return auth.leave(Means.SESSION)


@session.operation("PUT", "/session/password", body=PasswordChange, statuses=(204,))
def change_password(body: PasswordChange) -> None:
    """Change my password; all my other sessions end."""
    here, who = gateway(), caller()
    with here.db.reading() as sql:
        known = sql.execute(sa.select(accounts.c.password_hash).where(accounts.c.id == who.id)).scalar_one()
    if not here.passwords.matches(known, body.current):
        refuse_fields(("current", "wrong_password"))  # not 401: the session is fine
    require_good(body.new, username=who.username, display_name=who.name, field="new", language=language())
    renewed = here.passwords.hash(body.new)
    with here.db.transaction() as work:
        work.sql.execute(sa.update(accounts).where(accounts.c.id == who.id).values(password_hash=renewed))
        others = sa.delete(sessions).where(sessions.c.account_id == who.id)
        if who.session is not None:
            others = others.where(sessions.c.id_sha256 != who.session)
        work.sql.execute(others)
    audit.info("password_changed", account_id=who.id)


@session.operation("GET", "/sessions", reply=people.Sessions)
def index_sessions() -> people.Sessions:
    """My sessions, the latest used first; at most 200, and those that end soonest are left out."""
    return people.sessions_of(gateway().db, caller().id, current=caller().session)


@session.operation("DELETE", "/sessions/<uuid:session_id>", statuses=(204,))
def end(session_id: UUID) -> None:
    """End one of my sessions, on whatever device."""
    with gateway().db.transaction() as work:
        if not people.end_session(work, caller().id, session_id):
            raise NotFound()
    audit.info("session_ended", account_id=caller().id)


@personal_tokens.operation("GET", "/tokens", query=Page, reply=people.Tokens)
def index(query: Page) -> people.Tokens:
    """My personal tokens, oldest first."""
    mine = tokens.c.account_id == caller().id
    statement = sa.select(tokens).where(mine).order_by(tokens.c.id).limit(query.limit + 1)  # ids grow with time
    if query.cursor is not None:
        statement = statement.where(tokens.c.id > cursors.read_id(query.cursor))
    with gateway().db.reading() as sql:
        total = sql.execute(sa.select(sa.func.count()).select_from(tokens).where(mine)).scalar_one()
        rows = sql.execute(statement).all()
    items = tuple(
        people.Token(id=row.id, name=row.name, created_at=row.created_at, last_used_at=row.last_used_at)
        for row in rows[: query.limit]
    )
    following = cursors.write(str(items[-1].id)) if len(rows) > query.limit else None
    return people.Tokens(items=items, next=following, total=total)


@personal_tokens.operation(
    "POST", "/tokens", body=NewToken, reply=people.Token, statuses=(201,), creates=True, shown_once="secret"
)
def create(body: NewToken) -> Answer:
    """Make a personal token; its secret is shown this once."""
    token = people.create_token(gateway().db, caller().id, body.name, once=name_of_request())
    audit.info("token_created", account_id=caller().id, id=token.id)
    return Answer(token, 201, {"Location": f"/api/v1/tokens/{token.id}"})


@personal_tokens.operation("DELETE", "/tokens/<uuid:token_id>", statuses=(204,))
def remove(token_id: UUID) -> None:
    """Revoke one of my tokens."""
    statement = sa.delete(tokens).where(tokens.c.id == token_id, tokens.c.account_id == caller().id)
    with gateway().db.transaction() as work:
        if work.sql.execute(statement).rowcount == 0:
            raise NotFound()
    audit.info("token_revoked", account_id=caller().id, id=token_id)


def _session_of(who: auth.Caller) -> Session:
    me = Me(id=who.id, username=who.username, display_name=who.name, role=who.role)
    return Session(user=me, csrf_token=who.csrf_token)
