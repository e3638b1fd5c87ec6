"""Accounts, tokens and access codes: the use cases behind the routes and the command line."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any
from uuid import UUID, uuid5

import sqlalchemy as sa
from pydantic import Field, StringConstraints
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from chassis.db import Database, UnitOfWork
from chassis.ids import uuid7
from contracts.errors.gateway import LastAdmin, NotFound, UnknownMarkers, UsernameTaken, WrongAccessCode
from contracts.model import Instant, Model, Role
from contracts.rpc.grading.copies import Marker
from services.gateway import codes
from services.gateway.passwords import Passwords, require_good
from services.gateway.store import access_log, accounts, candidate_accesses, idempotency_keys, rate_buckets, sessions
from services.gateway.store import tokens as token_table

Username = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{1,63}$")]
# Never stripped: a blank at the end is part of what the person chose.
Secret = Annotated[str, StringConstraints(strip_whitespace=False, max_length=1024)]
STAFF_ROLES = (Role.ADMIN, Role.OPERATOR, Role.MARKER)
_TIDIED_AT_ONCE = 1000


class User(Model):
    id: UUID
    username: str
    display_name: str
    role: Role
    active: bool
    created_at: Instant


class Users(Model):
    items: tuple[User, ...]
    next: str | None
    total: int


class Token(Model):
    """``secret`` is shown once, when the token is made."""

    id: UUID
    name: str
    created_at: Instant
    last_used_at: Instant | None
    secret: str | None = None


class Tokens(Model):
    items: tuple[Token, ...]
    next: str | None
    total: int


class OpenSession(Model):
    """One browser that is signed in. ``seen_at`` moves once a minute at most; ``current``: the one that asks."""

    id: UUID
    created_at: Instant
    seen_at: Instant
    expires_at: Instant
    current: bool


class Sessions(Model):
    items: tuple[OpenSession, ...]
    next: None = None
    total: int


class AccessCode(Model):
    """One candidate's way in. ``code`` is shown once."""

    candidate_id: UUID
    last_name: str
    first_name: str
    class_name: str = Field(serialization_alias="class", validation_alias="class", default="")
    code: str | None


class AccessCodes(Model):
    items: tuple[AccessCode, ...]
    next: str | None
    total: int


def create_account(
    db: Database,
    passwords: Passwords,
    *,
    username: str,
    display_name: str,
    role: Role,
    password: str,
    language: str = "fr",
    once: UUID | None = None,
) -> User:
    """A new account; asked again under the name ``once``, the one there is.

    Raises ``PasswordRefused`` with every reason, or ``UsernameTaken``.
    """
    require_good(password, username=username, display_name=display_name, field="password", language=language)
    hashed = passwords.hash(password)
    row = {"username": username, "display_name": display_name, "role": role, "password_hash": hashed}
    try:
        with db.transaction() as work:
            statement = sa.insert(accounts).values(id=once or uuid7(), **row)
            created = work.sql.execute(statement.returning(accounts)).one()
    except IntegrityError as error:
        if getattr(error.orig, "sqlstate", None) != "23505":
            raise
        with db.reading() as sql:
            known = sql.execute(sa.select(accounts).where(accounts.c.id == once)).one_or_none()
        if known is None:
            raise UsernameTaken(username=username) from None
        return as_user(known)
    return as_user(created)


def as_user(row: sa.Row[Any]) -> User:
    return User(
        id=row.id,
        username=row.username,
        display_name=row.display_name,
        role=Role(row.role),
        active=row.active,
        created_at=row.created_at,
    )


def find_user(db: Database, user_id: UUID) -> User:
    with db.reading() as sql:
        row = sql.execute(sa.select(accounts).where(accounts.c.id == user_id)).one_or_none()
    if row is None:
        raise NotFound()
    return as_user(row)


def change_user(db: Database, user_id: UUID, changes: dict[str, Any]) -> User:
    """Change name, role, activity or password hash; whoever loses rights or a password loses their sessions too.

    Raises:
        LastAdmin: nobody would be left to undo it.
    """
    with db.transaction() as work:
        # All administrators are locked, so that two of them cannot retire each other at the same moment.
        admins = sa.select(accounts.c.id).where(accounts.c.role == Role.ADMIN, accounts.c.active)
        active = set(work.sql.execute(admins.order_by(accounts.c.id).with_for_update()).scalars())
        retired = changes.get("active") is False or changes.get("role", Role.ADMIN) != Role.ADMIN
        if retired and active == {user_id}:
            raise LastAdmin()
        statement = sa.update(accounts).where(accounts.c.id == user_id).values(**changes)
        row = work.sql.execute(statement.returning(accounts)).one_or_none() if changes else None
        if row is None:
            row = work.sql.execute(sa.select(accounts).where(accounts.c.id == user_id)).one_or_none()
        if row is None:
            raise NotFound()
        if changes.keys() & {"active", "role", "password_hash"}:
            work.sql.execute(sa.delete(sessions).where(sessions.c.account_id == user_id))
    return as_user(row)


def markers(db: Database, ids: tuple[UUID, ...]) -> tuple[Marker, ...]:
    """The people with these ids, in this order. Raises ``UnknownMarkers`` for those who may not mark."""
    may_mark = sa.and_(accounts.c.id.in_(ids), accounts.c.active, accounts.c.role.in_([Role.MARKER, Role.ADMIN]))
    with db.reading() as sql:
        names = {row.id: row.display_name for row in sql.execute(sa.select(accounts).where(may_mark))}
    unknown = [str(each) for each in ids if each not in names]
    if unknown:
        raise UnknownMarkers(marker_ids=unknown)
    return tuple(Marker(id=each, name=names[each]) for each in dict.fromkeys(ids))


def names(db: Database, ids: Collection[UUID | None]) -> dict[UUID | None, str]:
    """What the members of staff with these ids are called."""
    with db.reading() as sql:
        wanted = sa.select(accounts.c.id, accounts.c.display_name).where(
            accounts.c.id.in_([each for each in ids if each])
        )
        return {row.id: row.display_name for row in sql.execute(wanted)}


def create_token(db: Database, account_id: UUID, name: str, once: UUID | None = None) -> Token:
    """A new token; asked again under the name ``once``, the same one with a new secret, for nobody saw the first."""
    secret = codes.TOKEN_PREFIX + codes.new_secret()
    row = {"id": once or uuid7(), "account_id": account_id, "name": name, "secret_sha256": codes.digest(secret)}
    made = insert(token_table).values(**row)
    renewed = made.on_conflict_do_update(
        index_elements=[token_table.c.id], set_={"secret_sha256": made.excluded.secret_sha256}
    )
    with db.transaction() as work:
        created = work.sql.execute(renewed.returning(token_table)).one()
    return Token(id=created.id, name=name, created_at=created.created_at, last_used_at=None, secret=secret)


def sessions_of(db: Database, account_id: UUID, *, current: bytes | None) -> Sessions:
    """Sessions of an account that have not ended. ``current``: the stored digest of the one that asks."""
    live = sa.and_(sessions.c.account_id == account_id, sessions.c.expires_at > sa.func.now())
    with db.reading() as sql:
        total = sql.execute(sa.select(sa.func.count()).select_from(sessions).where(live)).scalar_one()
        rows = sql.execute(sa.select(sessions).where(live).order_by(sessions.c.seen_at.desc()).limit(200)).all()
    items = tuple(
        OpenSession(
            id=_session_id(row.id_sha256),
            created_at=row.created_at,
            seen_at=row.seen_at,
            expires_at=row.expires_at,
            current=row.id_sha256 == current,
        )
        for row in rows
    )
    return Sessions(items=items, total=total)


def end_session(work: UnitOfWork, account_id: UUID, session_id: UUID) -> bool:
    """False when the account has no such session (any more)."""
    named = sa.func.substr(sessions.c.id_sha256, 1, 16) == session_id.bytes
    statement = sa.delete(sessions).where(sessions.c.account_id == account_id, named)
    return work.sql.execute(statement).rowcount > 0


def _session_id(digest: bytes) -> UUID:
    """A name for a session: half of its digest, from which nobody finds the cookie."""
    return UUID(bytes=digest[:16])


def issue_codes(
    db: Database, people: tuple[UUID, ...], *, by: UUID, days: int, only_missing: bool, once: UUID | None = None
) -> dict[UUID, str]:
    """New access codes by person; earlier ones stop working, and so do the sessions opened with them.

    With ``only_missing``, people who hold a code that still works keep it and are left out. Asked again under the name
    ``once``, codes issued under it before are made anew: nobody saw them.
    """
    issued = {person: codes.new_access_code() for person in people}
    ids = {person: uuid7() if once is None else uuid5(once, str(person)) for person in people}
    table = candidate_accesses
    live = sa.and_(table.c.person_id.in_(people), table.c.revoked_at.is_(None))
    with db.transaction() as work:
        # One issuing at a time: two printings of the same list must not leave half of each valid.
        work.sql.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('gateway.issue_codes'))"))
        if only_missing:
            others = table.c.id.not_in(list(ids.values()))
            kept = sa.select(table.c.person_id).where(live, others, table.c.expires_at > sa.func.now())
            for person in work.sql.execute(kept).scalars():
                del issued[person]
        replaced = sa.and_(live, table.c.person_id.in_(list(issued)))
        work.sql.execute(sa.update(table).where(replaced).values(revoked_at=sa.func.now()))
        rows = [
            {"id": ids[person], "person_id": person, "code_sha256": _code_digest(code), "created_by": by}
            for person, code in issued.items()
        ]
        if rows:
            ends = sa.func.now() + sa.func.make_interval(0, 0, 0, days)
            made = insert(table).values(expires_at=ends)
            new = {"code_sha256": made.excluded.code_sha256, "expires_at": ends, "revoked_at": None}
            work.sql.execute(made.on_conflict_do_update(index_elements=[table.c.id], set_=new), rows)
    return issued


def find_access(work: UnitOfWork, typed: str) -> sa.Row[Any]:
    """The access a typed code opens. Raises ``WrongAccessCode`` for any that opens none."""
    plain = codes.read_access_code(typed)
    statement = sa.select(candidate_accesses).where(
        candidate_accesses.c.code_sha256 == codes.digest(plain or ""),
        candidate_accesses.c.revoked_at.is_(None),
        candidate_accesses.c.expires_at > sa.func.now(),
    )
    row = work.sql.execute(statement).one_or_none()
    if row is None:
        raise WrongAccessCode()
    return row


def _code_digest(code: str) -> bytes:
    return codes.digest(codes.read_access_code(code) or "")


def note_access(
    work: UnitOfWork, *, actor_id: UUID, role: Role, action: str, subject_id: UUID | None, request_id: str | None
) -> None:
    """Remember who saw whose result."""
    row = {"actor_id": actor_id, "role": role, "action": action, "subject_id": subject_id, "request_id": request_id}
    work.sql.execute(sa.insert(access_log).values(**row))


def tidy(work: UnitOfWork) -> None:
    """Forget what has expired, a little at each sign-in, so that no table grows for ever and no timer is needed.

    Last in its transaction: whoever locked another bucket after these rows could wait in a circle with an attempt
    that counts both.
    """
    day_old = sa.func.now() - sa.func.make_interval(0, 0, 0, 1)
    for key, expired in (
        (sessions.c.id_sha256, sessions.c.expires_at < sa.func.now()),
        (rate_buckets.c.key, rate_buckets.c.ends_at < sa.func.now()),
        (idempotency_keys.c.started_at, idempotency_keys.c.started_at < day_old),
    ):
        some = sa.select(key).where(expired).limit(_TIDIED_AT_ONCE).with_for_update(skip_locked=True)
        work.sql.execute(sa.delete(key.table).where(key.in_(some)))
