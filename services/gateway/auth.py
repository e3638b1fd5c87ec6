"""Who is asking: a session cookie, a personal token, or a candidate's session."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Request, Response, g, request

from chassis.db import UnitOfWork
from contracts.errors.gateway import CsrfRefused, NotSignedIn
from contracts.model import Actor, Role
from services.gateway import codes
from services.gateway.context import gateway
from services.gateway.settings import Settings
from services.gateway.store import accounts, candidate_accesses, sessions, tokens

CSRF_HEADER = "X-CSRF-Token"
TOUCH_S = 60  # a session's end moves at most once a minute: reading must not cost a write each time


class Means(StrEnum):
    SESSION = "session"
    TOKEN = "token"  # noqa: S105
    CANDIDATE = "candidate"


@dataclass(frozen=True)
class Caller:
    """``id`` is the account's, or for a candidate the person's. ``session`` is the stored digest, if there is one."""

    id: UUID
    username: str
    name: str
    role: Role
    means: Means
    session: bytes | None = None

    @property
    def actor(self) -> Actor:
        return Actor(id=self.id, name=self.name, role=self.role)

    @property
    def csrf_token(self) -> str | None:
        """What a write with this session's cookie must repeat; a token needs none."""
        if self.session is None:
            return None
        return codes.csrf_value(gateway().settings.secret_key, self.session)


def caller() -> Caller:
    """Who asks; on a public route only when they happen to be signed in."""
    found = visitor()
    if found is None:
        raise NotSignedIn()
    return found


def visitor(*, candidate_first: bool = False) -> Caller | None:
    """Who asks, if anybody; looked up once per request."""
    if "caller" not in g:
        g.caller = _identify(request, candidate_first)
    found: Caller | None = g.caller
    return found


def require_csrf(who: Caller | None) -> None:
    """Refuse a write that another site may have triggered with our cookie.

    Raises:
        CsrfRefused: the header is missing or wrong, or the browser says that the request comes from elsewhere.
    """
    if request.method in {"GET", "HEAD", "OPTIONS"} or (who is not None and who.means is Means.TOKEN):
        return
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise CsrfRefused()
    if who is None:
        return
    sent = request.headers.get(CSRF_HEADER, "")
    if not sent and _is_form():
        sent = request.form.get("csrf_token", "")
    if not hmac.compare_digest(sent.encode(), (who.csrf_token or "").encode()):
        raise CsrfRefused()


def _is_form() -> bool:
    """A page's own form, which cannot set headers; files never come this way."""
    return request.mimetype == "application/x-www-form-urlencoded"


def cookie_name(settings: Settings, means: Means) -> str:
    plain = "korrigo_candidate" if means is Means.CANDIDATE else "korrigo"
    return f"__Host-{plain}" if settings.secure else plain


def set_cookie(response: Response, means: Means, secret: str) -> None:
    """Ends with the browser; the server ends it sooner when it is not used."""
    settings = gateway().settings
    name = cookie_name(settings, means)
    response.set_cookie(name, secret, path="/", secure=settings.secure, httponly=True, samesite="Lax")


def ended(means: Means) -> bool:
    """The browser still has a session's cookie, and there is no session: it was used too late, or ended elsewhere."""
    return visitor() is None and cookie_name(gateway().settings, means) in request.cookies


def leave(means: Means) -> Response:
    """End the caller's session, if that is how they came, and take its cookie back."""
    settings, digest = gateway().settings, caller().session
    if digest is not None:
        with gateway().db.transaction() as work:
            end_session(work, digest)
    response = Response(status=204)
    name = cookie_name(settings, means)
    response.delete_cookie(name, path="/", secure=settings.secure, httponly=True, samesite="Lax")
    return response


def _identify(asked: Request, candidate_first: bool) -> Caller | None:
    if asked.authorization is not None and asked.authorization.type == "bearer":
        return _by_token(asked.authorization.token or "")
    order = [Means.SESSION, Means.CANDIDATE]
    for means in reversed(order) if candidate_first else order:
        secret = asked.cookies.get(cookie_name(gateway().settings, means))
        found = _by_session(codes.digest(secret), means) if secret else None
        if found is not None:
            return found
    return None


_STAFF = (
    sa.select(accounts.c.id, accounts.c.username, accounts.c.display_name, accounts.c.role)
    .add_columns(sessions.c.seen_at, sa.func.now().label("now"))
    .join_from(sessions, accounts)
    .where(sessions.c.id_sha256 == sa.bindparam("digest"), sessions.c.expires_at > sa.func.now(), accounts.c.active)
)
_CANDIDATE = (
    sa.select(candidate_accesses.c.person_id, sessions.c.seen_at, sa.func.now().label("now"))
    .join_from(sessions, candidate_accesses)
    .where(
        sessions.c.id_sha256 == sa.bindparam("digest"),
        sessions.c.expires_at > sa.func.now(),
        candidate_accesses.c.revoked_at.is_(None),
        candidate_accesses.c.expires_at > sa.func.now(),
    )
)


def _by_session(digest: bytes, means: Means) -> Caller | None:
    statement = _CANDIDATE if means is Means.CANDIDATE else _STAFF
    with gateway().db.reading() as sql:
        row = sql.execute(statement, {"digest": digest}).mappings().one_or_none()
    if row is None:
        return None
    if (row["now"] - row["seen_at"]).total_seconds() > TOUCH_S:
        _slide(digest, means)
    if means is Means.CANDIDATE:
        return Caller(row["person_id"], "", "", Role.CANDIDATE, means, digest)
    return _of_staff(row, means, digest)


def _slide(digest: bytes, means: Means) -> None:
    settings = gateway().settings
    seconds = settings.candidate_session_s if means is Means.CANDIDATE else settings.session_s
    ends = sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    with gateway().db.transaction() as work:
        statement = sa.update(sessions).where(sessions.c.id_sha256 == digest)
        work.sql.execute(statement.values(seen_at=sa.func.now(), expires_at=ends))


def _by_token(secret: str) -> Caller | None:
    statement = (
        sa.select(accounts.c.id, accounts.c.username, accounts.c.display_name, accounts.c.role)
        .add_columns(tokens.c.last_used_at, tokens.c.id.label("token_id"), sa.func.now().label("now"))
        .join_from(tokens, accounts)
        .where(tokens.c.secret_sha256 == codes.digest(secret), accounts.c.active)
    )
    with gateway().db.reading() as sql:
        row = sql.execute(statement).mappings().one_or_none()
    if row is None:
        return None
    used = row["last_used_at"]
    if used is None or (row["now"] - used).total_seconds() > TOUCH_S:
        with gateway().db.transaction() as work:
            work.sql.execute(sa.update(tokens).where(tokens.c.id == row["token_id"]).values(last_used_at=sa.func.now()))
    return _of_staff(row, Means.TOKEN, None)


def _of_staff(row: Mapping[Any, Any], means: Means, session: bytes | None) -> Caller:
    return Caller(row["id"], row["username"], row["display_name"], Role(row["role"]), means, session)


def open_session(
    work: UnitOfWork, seconds: int, *, account_id: UUID | None = None, access_id: UUID | None = None
) -> tuple[str, bytes]:
    """A new session of a member of staff or of a candidate: the cookie's secret, and the digest that is stored."""
    secret = codes.new_secret()
    digest = codes.digest(secret)
    ends = sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    row = {"id_sha256": digest, "account_id": account_id, "access_id": access_id, "expires_at": ends}
    work.sql.execute(sa.insert(sessions).values(**row))
    return secret, digest


def end_session(work: UnitOfWork, digest: bytes) -> None:
    work.sql.execute(sa.delete(sessions).where(sessions.c.id_sha256 == digest))
