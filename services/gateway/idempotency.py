"""``Idempotency-Key``: a client that did not hear the answer may ask again and gets the same one.

A key is claimed before the work and holds the answer after it. Should nobody live to write that down, the work is done
again, under the same name: ``once`` goes with the claim to whoever creates, and they create once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Response, g, request
from sqlalchemy.dialects.postgresql import insert

from chassis.ids import uuid7
from contracts.errors import Refusal
from contracts.errors.gateway import IdempotencyInProgress, IdempotencyMismatch
from services.gateway.auth import caller
from services.gateway.context import gateway
from services.gateway.reading import refuse_fields
from services.gateway.store import idempotency_keys

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LONGEST_KEY = 255
ABANDONED_S = 20  # a request lasts 10 s at most: whoever has not answered by then is gone
_ABANDONED = sa.func.now() - sa.func.make_interval(0, 0, 0, 0, 0, 0, ABANDONED_S)
_KEPT_HEADERS = ("Location", "Content-Type")


@dataclass(frozen=True)
class _Claim:
    """``first``: nobody has worked under this key before, so a refusal leaves nothing behind."""

    once: UUID
    first: bool


def name_of_request() -> UUID | None:
    """What the present request is called when it is asked again (``contracts.rpc.Once``); ``None`` without a key."""
    name: UUID | None = g.get("once")
    return name


def once(body_digest: bytes, work: Callable[[], Response], *, shown_once: str | None = None) -> Response:
    """Do ``work`` unless this caller's key was used before; then answer as the first time.

    Only successes are remembered. A request that was refused created nothing; one that failed may have, and is tried
    again under the name it had.

    Args:
        body_digest: SHA-256 of the request's body, or of the file in it.
        work: makes the answer; run once per key.
        shown_once: name of the secret in the answer, which is null in a replay: it is not kept anywhere.

    Raises:
        IdempotencyMismatch: the key belongs to another request.
        IdempotencyInProgress: the first request with this key has not answered yet.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return work()
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        refuse_fields((HEADER, "string_pattern_mismatch"))
    claim = _claim(key, _fingerprint(body_digest))
    if not isinstance(claim, _Claim):
        return _replay(claim)
    g.once = claim.once
    try:
        response = work()
    except BaseException as error:
        _release(key, forget=claim.first and isinstance(error, Refusal))
        raise
    if response.status_code < 300:
        _remember(key, response, shown_once)
    else:
        _release(key, forget=claim.first)
    return response


def _fingerprint(body_digest: bytes) -> bytes:
    line = f"{request.method} {request.path}?{request.query_string.decode('latin-1')}\n"
    return hashlib.sha256(line.encode() + body_digest).digest()


def _claim(key: str, fingerprint: bytes) -> _Claim | dict[str, Any]:
    """The claim when the key is ours to work under; else the answer given before."""
    table, mine = idempotency_keys, _mine(key)
    name = uuid7()
    fresh = insert(table).values(account_id=caller().id, key=key, request_sha256=fingerprint, once=name)
    claim = fresh.on_conflict_do_update(
        index_elements=[table.c.account_id, table.c.key],
        set_={"started_at": sa.func.now()},
        where=sa.and_(
            table.c.answer.is_(None), table.c.started_at <= _ABANDONED, table.c.request_sha256 == fingerprint
        ),
    ).returning(table.c.once)
    with gateway().db.transaction() as work:
        once = work.sql.execute(claim).scalar_one_or_none()
        if once is not None:
            return _Claim(once, first=once == name)
        row = work.sql.execute(sa.select(table.c.request_sha256, table.c.answer).where(mine)).one_or_none()
    if row is None:  # released between the two statements
        raise IdempotencyInProgress(retry_after_s=1)
    if row.request_sha256 != fingerprint:
        raise IdempotencyMismatch()
    if row.answer is None:
        raise IdempotencyInProgress(retry_after_s=2)
    answer: dict[str, Any] = row.answer
    return answer


def _remember(key: str, response: Response, shown_once: str | None) -> None:
    body = response.get_json(silent=True)
    kept = _without(body, shown_once) if shown_once else body
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    answer = {"status": response.status_code, "headers": headers, "body": kept}
    with gateway().db.transaction() as work:
        work.sql.execute(sa.update(idempotency_keys).where(_mine(key)).values(answer=answer))


def _release(key: str, *, forget: bool) -> None:
    """Let the next one try without waiting: under a new name if ``forget``, else under this one, as what it had for
    effect is not known.
    """
    table = idempotency_keys
    ended = sa.delete(table) if forget else sa.update(table).values(started_at=_ABANDONED)
    with gateway().db.transaction() as work:
        work.sql.execute(ended.where(_mine(key), table.c.answer.is_(None)))


def _mine(key: str) -> sa.ColumnElement[bool]:
    return sa.and_(idempotency_keys.c.account_id == caller().id, idempotency_keys.c.key == key)


def _replay(answer: dict[str, Any]) -> Response:
    response = Response(json.dumps(answer["body"], ensure_ascii=False), answer["status"], answer["headers"])
    response.headers[REPLAYED] = "true"
    return response


def _without(body: Any, secret: str) -> Any:
    if isinstance(body, dict):
        return {name: None if name == secret else _without(value, secret) for name, value in body.items()}
    if isinstance(body, list):
        return [_without(each, secret) for each in body]
    return body
