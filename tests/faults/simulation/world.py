"""Four services as they are, on databases of their own; around them a world that is set back in milliseconds."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any, TypeVar
from unittest.mock import patch
from uuid import UUID

import psycopg
import sqlalchemy as sa

from chassis import failpoints, migrations, observe
from chassis.bus import subscription
from chassis.bus.app import Every
from chassis.bus.relay import Relay
from chassis.bus.rpc_server import Serve
from chassis.bus.subscription import Subscription
from chassis.bus.topology import RETRY_DELAYS_S
from chassis.db import Database, UnitOfWork
from chassis.failpoints import Failpoint, reached
from chassis.sandbox import TaskFailed
from chassis.servers import Postgres
from contracts.catalogue import SERVICES
from contracts.errors import Refusal, RemoteDefect, Unavailable
from contracts.model import Model
from contracts.rpc import Method
from oversight import garbage
from oversight.installation import Installation
from services.grading.context import Context as GradingContext
from services.grading.settings import Settings as GradingSettings
from services.ingest.context import Context as IngestContext
from services.ingest.settings import Settings as IngestSettings
from services.ocr.context import Context as OcrContext
from services.render.context import Context as RenderContext
from services.render.settings import Settings as RenderSettings
from tests.conftest import AUDIT_KEY
from tests.faults.simulation import clock
from tests.faults.simulation.broker import Broker, Message, Publisher
from tests.faults.simulation.chance import seeded
from tests.faults.simulation.children import Children, Reader, ReadingChildren
from tests.faults.simulation.store import AtHand, Entry, SimulatedObjects, Store
from tests.faults.simulation.tasks import Crash, Tasks

Q = TypeVar("Q", bound=Model)
A = TypeVar("A", bound=Model)

CRASHES = 0.012  # per failpoint reached; a schedule reaches some hundred
PAUSES = 0.25
REPLY_LOST = 0.02
COLLECTOR = "oversight"
GRACE = timedelta(hours=24)
_SETTINGS: Mapping[str, Any] = {
    "database_url": "simulated", "bus_url": "inproc://", "s3_endpoint": "simulated", "s3_access_key": "simulated",
    "s3_secret_key": "simulated",
}  # fmt: skip


class SimulatedDatabase(Database):
    """A service's real database, which may be away, and which knows when its task must not pause."""

    def __init__(self, url: str, *, service: str, tasks: Tasks) -> None:
        super().__init__(url, service=service, audit_key=AUDIT_KEY)
        self._tasks = tasks
        self.up = True
        self.engine.pool._pre_ping = False  # nobody restarts the server; a round trip for every transaction

    @contextmanager
    def transaction(self) -> Iterator[UnitOfWork]:
        self._require()
        task = self._tasks.current
        if task is not None:
            task.depth += 1
        try:
            with super().transaction() as work:
                yield work
        finally:
            if task is not None:
                task.depth -= 1

    @contextmanager
    def reading(self, *, snapshot: bool = False) -> Iterator[sa.Connection]:
        self._require()
        with super().reading(snapshot=snapshot) as connection:
            yield connection

    def _require(self) -> None:
        if not self.up:
            raise Unavailable("database", "down")


@dataclass
class Timer:
    method: str
    seconds: float
    due_s: float = 0


@dataclass
class Hosted:
    """One service: its class with its context, and its entrypoints without a container."""

    name: str
    service: Any
    relay: Relay
    methods: dict[str, str] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    timers: list[Timer] = field(default_factory=list)
    away: int = 0
    """Steps of the schedule until it has started again."""
    woken: bool = False
    """Something was sent since its relay last looked."""


@dataclass(frozen=True)
class TurnedBack:
    """The clock was set back ``to`` a time when the trails were so long: the last event by subject."""

    to: datetime
    last: Mapping[UUID, int]


@dataclass(frozen=True)
class _Preset:
    """How a schedule may begin: SQL that fills the tables, the store, messages under way, what people know."""

    tables: Mapping[str, str]
    entries: Mapping[str, Entry]
    messages: Sequence[Message]
    known: Any


class World:
    """Everything there is. ``defects`` are exceptions that nobody foresaw: none is acceptable."""

    def __init__(self, postgres: Postgres, name: str) -> None:
        self._postgres = postgres
        self.names = {service: f"{name}_{service}" for service in (*SERVICES, "gateway")}
        self.tasks = Tasks()
        self.chance = random.Random(0)
        self.faulty = False
        self.crashed: list[str] = []
        self._lost: dict[str, int] = {}
        self.passed: Counter[tuple[str, str]] = Counter()
        self.defects: list[str] = []
        self.turned_back: list[TurnedBack] = []
        urls = {service: self._create(service) for service in SERVICES}
        self.connections = {service: _connect(url) for service, url in urls.items()}
        self.clock = clock.Clock(list(self.connections.values()))
        self.broker = Broker(lambda: self.clock.now)
        self.store = Store(lambda: self.clock.now)
        self.objects = SimulatedObjects(self.store)
        self.children = {"ingest": Children(), "render": Children(), "ocr": ReadingChildren()}
        self.databases = {
            service: SimulatedDatabase(url, service=service, tasks=self.tasks) for service, url in urls.items()
        }
        # Nobody uses the gateway here; who looks at everything looks at its database too.
        gateway = Database(self._create("gateway"), service="gateway")
        self.installation = Installation(
            {**self.databases, "gateway": gateway}, self.objects, AUDIT_KEY,
            lambda: {UUID(message.properties["message_id"]) for message in self.broker.dead},
        )  # fmt: skip
        contexts = self._contexts()
        self.hosted = {service: self._host(service, contexts[service]) for service in SERVICES}
        self.tables = {service: self._tables(service) for service in SERVICES}
        self._presets: dict[str, _Preset] = {}

    # Building

    def _create(self, service: str) -> str:
        url = self._postgres.create_database(self.names[service])
        with _connect(url) as connection:
            connection.execute(clock.FUNCTIONS)
            connection.execute(f'ALTER DATABASE "{self.names[service]}" SET search_path = public, pg_catalog')
        migrations.upgrade(service, url)
        return url

    def _contexts(self) -> dict[str, Any]:
        db, objects, children = self.databases, self.objects, self.children
        originals: Any = AtHand(objects)
        return {
            "ingest": IngestContext(
                IngestSettings(**_SETTINGS, chunk_sides=2), db["ingest"], objects, children["ingest"], originals,  # type: ignore[arg-type]
            ),
            "ocr": OcrContext(db["ocr"], objects, Reader(children["ocr"]), originals, lambda: None),
            "grading": GradingContext(GradingSettings(**_SETTINGS, audit_key=AUDIT_KEY), db["grading"], objects),
            "render": RenderContext(RenderSettings(**_SETTINGS), db["render"], objects, children["render"], originals),  # type: ignore[arg-type]
        }  # fmt: skip

    def _host(self, name: str, context: Any) -> Hosted:
        cls = import_module(f"services.{name}.service").service
        service = cls()
        service.app = context
        relay = Relay(context.db, "inproc://")
        relay._publisher = Publisher(self.broker)
        hosted = Hosted(name, service, relay)
        context.db.on_sent.append(lambda: setattr(hosted, "woken", True))
        container = SimpleNamespace(
            service_name=name, service_cls=cls, config={"AMQP_URI": "inproc://", "retry_delays_s": RETRY_DELAYS_S}
        )
        consumers = SimpleNamespace(register_provider=lambda _: None, finished=lambda: None)
        for attribute in dir(cls):
            for entrypoint in getattr(getattr(cls, attribute), "nameko_entrypoints", ()):
                if isinstance(entrypoint, Serve):
                    hosted.methods[entrypoint.method.name] = attribute
                elif isinstance(entrypoint, Every):
                    hosted.timers.append(Timer(attribute, entrypoint.seconds))
                elif isinstance(entrypoint, Subscription):
                    heard = Subscription(
                        entrypoint.model, concurrency=entrypoint.concurrency, on_exhausted=entrypoint.on_exhausted
                    )
                    heard.container, heard.method_name, heard.consumers = container, attribute, consumers
                    heard.setup()
                    heard.publisher = Publisher(self.broker)
                    hosted.subscriptions[heard.name] = heard
                else:
                    raise TypeError(f"the simulation does not know {type(entrypoint).__name__}")
        return hosted

    # Presets: states that many schedules begin with, made once by the real use cases

    def prepare(self, preset: str, build: Callable[[World], Any]) -> None:
        with self.begin(0, None):
            known = build(self)
            tables = {service: self._save(service, preset) for service in SERVICES}
            self._presets[preset] = _Preset(tables, dict(self.store.entries), list(self.broker.ready), known)

    def _save(self, service: str, preset: str) -> str:
        connection = self.connections[service]
        connection.execute(f"CREATE SCHEMA {preset}")
        restoring = []
        for table in self.tables[service]:
            if connection.execute(f"SELECT count(*) FROM {table}").fetchone() != (0,):
                connection.execute(f"CREATE TABLE {preset}.{table} AS TABLE public.{table}")
                restoring.append(f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM {preset}.{table};")
        return "".join(restoring)

    def _tables(self, service: str) -> list[str]:
        rows = self.connections[service].execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            " AND tablename NOT IN ('alembic_version', 'simulated_clock') ORDER BY tablename"
        )
        return [name for (name,) in rows]

    @contextmanager
    def begin(self, seed: int, preset: str | None) -> Iterator[Any]:
        """The world as the preset left it, with all chance from ``seed``; gives what the preset's builder returned."""
        start = self._presets[preset] if preset else _Preset({}, {}, [], None)
        for service, connection in self.connections.items():
            emptied = "".join(f"DELETE FROM {table};" for table in self.tables[service])
            connection.execute(
                f"SET session_replication_role = replica; {emptied} {start.tables.get(service, '')}"
                " SET session_replication_role = origin;"
            )
        self.chance = random.Random(seed)
        self.clock.set(clock.STARTED if preset else clock.BEGINNING)
        self.broker.reset(random.Random(seed + 1))
        self.broker.ready += [replace(message) for message in start.messages]
        self.store.reset(random.Random(seed + 2), start.entries)
        for children in self.children.values():
            children.reset(random.Random(seed + 3))
        for hosted in self.hosted.values():
            hosted.away, hosted.woken = 0, False
            for timer in hosted.timers:
                timer.due_s = self.chance.uniform(0, timer.seconds)
        self.faulty, self.crashed, self.defects, self.turned_back, self._lost = False, [], [], [], {}
        for database in self.databases.values():
            database.up = True
        failpoints.watch(self._reached)
        try:
            with (
                seeded(seed + 4, self.clock.now_ns),
                patch.object(observe, "report_defect", self._defect),
                patch.object(subscription, "eventlet", SimpleNamespace(sleep=lambda _: None)),
            ):
                yield start.known
        finally:
            failpoints.watch(None)

    def close(self) -> None:
        for database in self.installation.databases.values():
            database.close()
        for connection in self.connections.values():
            connection.close()
        for name in self.names.values():
            self._postgres.drop_database(name)

    # Faults

    def set_faulty(self, faulty: bool) -> None:
        """Whether anything may fail from now on; if not, all that was away is back."""
        self.faulty = self.broker.faulty = self.store.faulty = faulty
        for children in self.children.values():
            children.faulty = faulty
        if not faulty:
            self.recover(everything=True)

    def lose(self, dependency: str, *, steps: int) -> None:
        """The bus, the object store or a service's database is away for so many steps."""
        self._lost[dependency] = steps
        self._server(dependency).up = False

    def recover(self, *, everything: bool = False) -> None:
        """One step has gone by: what was away may be back."""
        for hosted in self.hosted.values():
            hosted.away = 0 if everything else max(0, hosted.away - 1)
        for dependency, steps in list(self._lost.items()):
            self._lost[dependency] = steps - 1
            if steps <= 1 or everything:
                del self._lost[dependency]
                self._server(dependency).up = True

    def turn_clock(self, seconds: float) -> None:
        """The clock is wrong, or was, and is set."""
        if seconds < 0:
            heads = self.connections["grading"].execute("SELECT subject_id, seq FROM audit_heads").fetchall()
            self.turned_back.append(TurnedBack(self.clock.now + timedelta(seconds=seconds), dict(heads)))
        self.clock.move(seconds)

    def _server(self, dependency: str) -> Any:
        return {"bus": self.broker, "object_store": self.store, **self.databases}[dependency]

    def _reached(self, point: Failpoint) -> None:
        task = self.tasks.current
        if task is None or task.service is None or not self.faulty:
            return
        self.passed[task.service, point] += 1
        if self.chance.random() < CRASHES:
            self.crashed.append(task.service)
            raise Crash(task.service)
        # Between its last look at an object and its deletion the collector is not interrupted: what is put again in
        # that moment waits in the bin for the next run (ADR 0011), which operators have and a schedule may not.
        if task.depth == 0 and point is not Failpoint.OBJECT_DELETING and self.chance.random() < PAUSES:
            self.tasks.pause()

    def _defect(self, event: str, error: BaseException, **_: Any) -> None:
        if not isinstance(error, TaskFailed | Unavailable):  # after the last attempt those are told as defects too
            self.defects.append(f"{event}: {error!r}")

    def bury(self) -> list[str]:
        """Let the services that crashed lose all they had in hand; the names of them."""
        buried, self.crashed = self.crashed, []
        for service in buried:
            self.tasks.kill(service)
            if service in self.hosted:
                self.hosted[service].away = self.chance.randint(0, 3)
        return buried

    # What happens. Each of these may pause, and may end in a crash of the service.

    def call(self, method: Method[Q, A], request: Q) -> A:
        """Ask a service, as the gateway does; called from a person's task, or from none without any fault.

        Raises:
            Refusal: its own. Unavailable: it is away, or has died, or its answer was lost.
        """
        hosted = self.hosted[method.service]
        if hosted.away:
            raise Unavailable(method.service, "not running")
        task = self.tasks.current
        if task is not None:
            task.inside.append(method.service)
        try:
            reached(Failpoint.RPC_TAKEN)
            reply: A = getattr(hosted.service, hosted.methods[method.name])(request)
            reached(Failpoint.RPC_ANSWERING)
        except Crash:
            raise Unavailable(method.service, "no answer in time") from None
        except (Refusal, Unavailable):
            raise
        except Exception as error:
            self.defects.append(f"{method.name}: {error!r}")
            raise RemoteDefect(method.name) from error
        finally:
            if task is not None:
                task.inside.pop()
        if self.faulty and self.chance.random() < REPLY_LOST:
            raise Unavailable(method.service, "the reply was lost")
        return reply

    def deliver(self, message: Message) -> None:
        """Hand one message to its subscription."""
        service = message.queue.partition(".")[0]
        heard = self.hosted[service].subscriptions[message.queue]
        self.broker.take(message)

        def work() -> None:
            try:
                heard.run(self.hosted[service].service, message)
            except Crash:
                return
            finally:
                self.broker.settle(message)

        self.tasks.start(f"deliver {message.queue}", work, service=service)

    def may_deliver(self) -> list[Message]:
        """Messages that some running service could take now, within what it takes at a time."""
        busy = Counter(message.queue for message in self.broker.in_hand)
        return [
            message
            for hosted in self.hosted.values()
            if not hosted.away
            for message in self.broker.deliverable(hosted.name)
            if busy[message.queue] < hosted.subscriptions[message.queue].concurrency
        ]

    def next_due(self) -> datetime | None:
        """When the next message may go, from an outbox or from the broker; ``None`` when there is none."""
        return min([*self.unsent().values(), *(message.due for message in self.broker.ready)], default=None)

    def unsent(self) -> dict[str, datetime]:
        """Services with something in their outbox, and when the first of it may go."""
        first = {
            service: connection.execute("SELECT min(not_before) FROM outbox WHERE sent_at IS NULL").fetchone()
            for service, connection in self.connections.items()
        }
        return {service: row[0] for service, row in first.items() if row is not None and row[0] is not None}

    def relay(self, service: str) -> None:
        """Publish what the service's outbox holds."""
        self.hosted[service].woken = False

        def work() -> None:
            try:
                self.hosted[service].relay.flush()
            except (Crash, Unavailable):
                return

        self.tasks.start(f"relay {service}", work, service=service)

    def collect(self) -> None:
        """Run the collector, as operators do every day."""

        def work() -> None:
            try:
                garbage.collect(self.installation, grace=GRACE)
            except (Crash, Unavailable):
                return

        self.tasks.start("collect", work, service=COLLECTOR)

    def due_timers(self) -> list[tuple[Hosted, Timer]]:
        elapsed_s = (self.clock.now - clock.BEGINNING).total_seconds()
        return [
            (hosted, timer)
            for hosted in self.hosted.values()
            if not hosted.away
            for timer in hosted.timers
            if timer.due_s <= elapsed_s
        ]

    def tick(self, hosted: Hosted, timer: Timer) -> None:
        """Do what a service does by the clock."""
        timer.due_s = (self.clock.now - clock.BEGINNING).total_seconds() + timer.seconds

        def work() -> None:
            try:
                getattr(hosted.service, timer.method)()
            except (Crash, Refusal, Unavailable):
                return
            except Exception as error:
                self.defects.append(f"{timer.method}: {error!r}")

        self.tasks.start(f"tick {timer.method}", work, service=hosted.name)


def _connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True)
