"""How often somebody may do something. Counters that guard a door live in PostgreSQL, shared by all processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from chassis.db import Database, UnitOfWork
from contracts.errors.gateway import TooManyRequests
from services.gateway.settings import Settings
from services.gateway.store import rate_buckets

MINUTE_S, QUARTER_HOUR_S, HOUR_S = 60, 900, 3600


@dataclass(frozen=True)
class Limit:
    """At most ``allowed(settings)`` hits, times the rate factor, in ``window_s`` from the first hit."""

    name: str
    allowed: Callable[[Settings], int]
    window_s: int

    def most(self, settings: Settings) -> int:
        return max(1, int(self.allowed(settings) * settings.rate_factor))


LOGIN_ACCOUNT = Limit("login_account", lambda s: s.login_per_account, QUARTER_HOUR_S)
LOGIN_ADDRESS = Limit("login_address", lambda s: s.login_per_address, QUARTER_HOUR_S)
PASSWORD_CHANGE = Limit("password_change", lambda s: s.password_changes_per_hour, HOUR_S)
USER_CREATION = Limit("user_creation", lambda s: s.users_per_hour, HOUR_S)
ROSTER_IMPORT = Limit("roster_import", lambda s: s.rosters_per_hour, HOUR_S)
SYSTEM_STATUS = Limit("system_status", lambda _: 30, MINUTE_S)  # each asks every service and every dependency
SCAN_UPLOAD = Limit("scan_upload", lambda s: s.uploads_per_hour, HOUR_S)


def hit(db: Database, settings: Settings, *attempts: tuple[Limit, str]) -> None:
    """Count one attempt for each (limit, who); committed before the attempt itself, so that racing attempts all count.

    Give attempts always in the same order: two transactions that lock them crosswise would wait for each other.

    Raises:
        TooManyRequests: one limit is passed; with the seconds until all windows that are full have ended.
    """
    wait_s = 0
    with db.transaction() as work:
        for limit, who in attempts:
            hits, left_s = work.sql.execute(_counted(limit, who)).one()
            if hits > limit.most(settings):
                wait_s = max(wait_s, int(left_s), 1)
    if wait_s:
        raise TooManyRequests(retry_after_s=wait_s)


def _counted(limit: Limit, who: str) -> ReturningInsert[int, float]:
    """One atomic upsert: the first hit after a window's end begins the next."""
    over = rate_buckets.c.ends_at <= sa.func.now()
    ends = sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, limit.window_s)
    first = insert(rate_buckets).values(key=_key(limit, who), hits=1, ends_at=ends)
    left_s = sa.func.ceil(sa.extract("epoch", rate_buckets.c.ends_at - sa.func.now()))
    return first.on_conflict_do_update(
        index_elements=[rate_buckets.c.key],
        set_={
            "hits": sa.case((over, 1), else_=rate_buckets.c.hits + 1),
            "ends_at": sa.case((over, ends), else_=rate_buckets.c.ends_at),
        },
    ).returning(rate_buckets.c.hits, left_s)


def forgive(work: UnitOfWork, *attempts: tuple[Limit, str]) -> None:
    """Take one hit of each back: a door that opened does not count as an attempt to force it."""
    for limit, who in attempts:
        key = rate_buckets.c.key == _key(limit, who)
        fewer = sa.func.greatest(rate_buckets.c.hits - 1, 0)
        work.sql.execute(sa.update(rate_buckets).where(key).values(hits=fewer))


def _key(limit: Limit, who: str) -> str:
    return f"{limit.name}:{who}"


class WriteCeiling:
    """All writes of one caller in one minute, counted by this process alone: a brake, not a lock."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = max(1, int(settings.writes_per_minute * settings.rate_factor))
        self._clock = clock
        self._guard = threading.Lock()
        self._minute = 0
        self._hits: dict[str, int] = {}

    def hit(self, who: str) -> None:
        now = self._clock()
        minute = int(now // 60)
        with self._guard:
            if minute != self._minute:
                self._minute, self._hits = minute, {}
            self._hits[who] = self._hits.get(who, 0) + 1
            too_many = self._hits[who] > self._most
        if too_many:
            raise TooManyRequests(retry_after_s=60 - int(now % 60))
