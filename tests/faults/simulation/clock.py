"""Time as the databases see it. They are told; they do not look.

Statements ask for ``clock_timestamp()`` and ``now()`` without a schema. A database of the simulation finds functions of
those names in ``public``, which its search path puts before PostgreSQL's own; defaults of columns are bound to them
when the migrations create the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import psycopg

BEGINNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
STARTED = BEGINNING + timedelta(hours=1)
"""When schedules begin that begin with a preset."""

FUNCTIONS = """
    CREATE TABLE public.simulated_clock (at timestamptz NOT NULL);
    INSERT INTO public.simulated_clock VALUES ('2026-03-02T08:00:00Z');
    CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
        AS 'SELECT at FROM public.simulated_clock';
    CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql STABLE
        AS 'SELECT at FROM public.simulated_clock';
"""


class Clock:
    """One time for all databases, ``now``, aware UTC. It stands still until somebody moves it, either way."""

    def __init__(self, connections: Sequence[psycopg.Connection]) -> None:
        self._connections = connections
        self.now = BEGINNING

    def set(self, now: datetime) -> None:
        self.now = now
        for connection in self._connections:
            connection.execute("UPDATE public.simulated_clock SET at = %s", (now,))

    def move(self, seconds: float) -> None:
        self.set(self.now + timedelta(seconds=seconds))

    def now_ns(self) -> int:
        return round((self.now - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000) * 1_000
