"""A service that does as its messages tell it, so that a test can watch what the bus makes of each behaviour.

``python -m tests.bus.probe`` runs it as ``chassis.run`` would. What it did is in two tables: ``calls`` (committed by
themselves) and ``effects`` (committed with the delivery).
"""

import os
import sys

if __name__ == "__main__":
    os.environ["PSYCOPG_WAIT_FUNC"] = "wait_selector"
    import eventlet

    eventlet.monkey_patch()

import signal
import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from chassis import observe
from chassis.bus.app import App, every
from chassis.bus.rpc_server import serve
from chassis.bus.subscription import Delivery, subscribe
from chassis.db import Database, metadata
from chassis.settings import Common, load
from contracts.errors import Refusal, Unavailable
from contracts.messages.ingest import SplitSheets
from contracts.rpc import Done, ingest

RETRY_DELAYS_S = (0.1, 0.2, 0.3)

tables = metadata()
plans = sa.Table("plans", tables, sa.Column("upload", sa.Uuid, primary_key=True), sa.Column("plan", sa.Text))
calls = sa.Table("calls", tables, sa.Column("upload", sa.Uuid), sa.Column("attempt", sa.Integer))
effects = sa.Table(
    "effects",
    tables,
    sa.Column("upload", sa.Uuid),
    sa.Column("attempt", sa.Integer),
    sa.Column("kind", sa.Text),
    sa.Column("correlation_id", sa.Text),
)
ticks = sa.Table("ticks", tables, sa.Column("n", sa.Integer))


class NotToday(Refusal):
    code, http_status = "probe.not_today", 409
    en = fr = "{why}"


@dataclass
class Context:
    db: Database

    def close(self) -> None:
        self.db.close()


class Probe:
    """Consumes its own command, through its own outbox; the catalogue knows it as ingest."""

    name = "ingest"
    app: Any = App()

    @classmethod
    def build(cls, environ: Any) -> Context:
        return Context(Database(environ["KORRIGO_DATABASE_URL"], service="ingest"))

    @subscribe(SplitSheets, concurrency=2, on_exhausted="split_failed")
    def split(self, delivery: Delivery[SplitSheets]) -> None:
        upload = delivery.payload.upload_id
        with self.app.db.transaction() as work:
            work.sql.execute(calls.insert().values(upload=upload, attempt=delivery.attempt))
            count = work.sql.scalar(sa.select(sa.func.count()).where(calls.c.upload == upload))
        plan, _, number = self._plan(upload).partition(" ")
        if plan == "fail" and count <= int(number):
            raise ValueError("planned")
        if plan == "refuse":
            raise NotToday(why="planned")
        if plan == "unavailable":
            dependency, times = number.split()
            if count <= int(times):
                raise Unavailable(dependency)
        if plan == "forget":
            return
        while plan == "hold" and self._plan(upload) == "hold":
            time.sleep(0.05)
        if plan == "linger":
            time.sleep(float(number))
        with delivery.transaction() as work:
            self._effect(work, delivery, "split")
        if plan == "die" and count == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    def split_failed(self, delivery: Delivery[SplitSheets]) -> None:
        kind = getattr(delivery.error, "code", type(delivery.error).__name__)
        with delivery.transaction() as work:
            self._effect(work, delivery, f"exhausted {kind}")

    @serve(ingest.DROP_BOOKLET)
    def drop_booklet(self, request: ingest.DropBooklet) -> Done:
        upload = request.booklet_id
        if request.version == 2:
            raise NotToday(why="mardi")
        if request.version == 8:
            raise NotToday(why=request.booklet_id)  # not JSON
        if request.version == 3:
            raise Unavailable("object_store", "planned", retry_after_s=7)
        if request.version == 4:
            raise ValueError("secret detail")
        if request.version == 5:
            time.sleep(1.5)
        if request.version == 6:
            os.kill(os.getpid(), signal.SIGKILL)
        if request.version == 7:
            with self.app.db.transaction() as work:
                work.send(SplitSheets(upload_id=upload, first_side=1, last_side=1), subject=str(upload))
        return Done()

    @serve(ingest.LIST_BOOKLETS)  # type: ignore[arg-type]  # as mypy says: a defect
    def list_booklets(self, request: ingest.OfExam) -> Done:
        return Done()

    @every(seconds=0.2)
    def tick(self) -> None:
        with self.app.db.transaction() as work:
            work.sql.execute(ticks.insert().values(n=1))
        raise ValueError("planned")

    def _plan(self, upload: Any) -> str:
        with self.app.db.reading() as sql:
            return sql.scalar(sa.select(plans.c.plan).where(plans.c.upload == upload)) or "do"

    @staticmethod
    def _effect(work: Any, delivery: Delivery[SplitSheets], kind: str) -> None:
        row = {"upload": delivery.payload.upload_id, "attempt": delivery.attempt, "kind": kind}
        work.sql.execute(effects.insert().values(**row, correlation_id=observe.correlation_id()))


if __name__ == "__main__":
    from chassis.run import run_service

    heartbeat_s = int(os.environ.get("PROBE_HEARTBEAT_S", "4"))
    sys.exit(run_service(Probe, load(Common), {"retry_delays_s": RETRY_DELAYS_S, "HEARTBEAT": heartbeat_s}))
