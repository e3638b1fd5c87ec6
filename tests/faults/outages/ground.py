"""The five services as processes, with a wire that can be bad before each thing they depend on."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import requests

from chassis import migrations
from chassis.db import Database
from chassis.objects import Objects
from chassis.testing.servers import ObjectStore, Postgres
from contracts.model import Role
from services.gateway import people
from services.gateway.passwords import Passwords
from tests.conftest import AUDIT_KEY
from tests.faults.meanwhile import Meanwhile
from tests.faults.proxy import Proxy
from tests.story.system import SERVICES, System

PROBE_S = 0.25
READY_WITHIN_S = 60.0


class OutageSystem(System):
    """Knows whether any service has ended or been started again."""

    def pids(self) -> dict[str, int]:
        """Of those that run; a process that has ended is left out."""
        return {name: process.pid for name, process in self._running.items() if process.poll() is None}


@dataclass
class Ground:
    system: OutageSystem
    bus: Proxy
    store: Proxy
    databases: dict[str, Proxy]
    objects: Objects
    admin_password: str

    @property
    def base(self) -> str:
        return self.system.base


@contextmanager
def ground(
    name: str,
    postgres: Postgres,
    bus_url: str,
    s3: ObjectStore,
    directory: Path,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Ground]:
    """A whole system on fresh databases and a fresh bucket, with one administrator. ``bus_url``: a fresh vhost."""
    urls = {service: postgres.create_database(f"{name}_{service}") for service in SERVICES}
    for service, url in urls.items():
        migrations.upgrade(service, url)
    password = secrets.token_urlsafe(16)
    database = Database(urls["gateway"], service="gateway")
    people.create_account(
        database, Passwords(1, waiting=1), username="admin", display_name="A", role=Role.ADMIN, password=password
    )
    database.close()
    objects = s3.objects(name.replace("_", "-"))
    with ExitStack() as stack:
        stack.callback(lambda: [postgres.drop_database(f"{name}_{service}") for service in SERVICES])
        stack.callback(objects.close)
        bus = stack.enter_context(Proxy(urlsplit(bus_url).port or 5672, seed=1))
        store = stack.enter_context(Proxy(s3.port, seed=2))
        databases = {service: stack.enter_context(Proxy(postgres.port, seed=3)) for service in SERVICES}
        environ = {
            service: {
                **s3.environ(),
                "KORRIGO_S3_BUCKET": objects.bucket,
                "KORRIGO_S3_ENDPOINT": f"127.0.0.1:{store.port}",
                "KORRIGO_DATABASE_URL": _through(databases[service], urls[service]),
                "KORRIGO_BUS_URL": _through(bus, bus_url),
                "KORRIGO_SECRET_KEY": "k" * 40,
                "KORRIGO_AUDIT_KEY": AUDIT_KEY,
                "KORRIGO_SECURE": "no",
                "KORRIGO_RATE_FACTOR": "1000",
                **(settings or {}),
            }
            for service in SERVICES
        }
        system = OutageSystem(environ, directory)
        stack.callback(system.stop)
        system.start()
        yield Ground(system, bus, store, databases, objects, password)


def _through(proxy: Proxy, url: str) -> str:
    parts = urlsplit(url)
    who = f"{parts.username}:{parts.password}@" if parts.username else ""
    return urlunsplit(parts._replace(netloc=f"{who}127.0.0.1:{proxy.port}"))


@dataclass
class _Seen:
    ready: list[tuple[float, bool]] = field(default_factory=list)
    lives: int = 0
    deaths: list[str] = field(default_factory=list)


class Watch(Meanwhile):
    """Asks every process all the time whether it lives and is ready: the services' internal ports, and the gateway's
    public one under ``public``."""

    def __init__(self, system: OutageSystem) -> None:
        self._addresses = {name: f"http://127.0.0.1:{port}" for name, port in system.internal.items()}
        self._addresses["public"] = system.base
        self._seen = {name: _Seen() for name in self._addresses}
        self._http = {name: requests.Session() for name in self._addresses}
        super().__init__([partial(self._look, name) for name in self._addresses], pause_s=PROBE_S)

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        for session in self._http.values():
            session.close()

    def _look(self, name: str) -> None:
        seen, address, http = self._seen[name], self._addresses[name], self._http[name]
        try:
            live = http.get(f"{address}/health/live", timeout=10)
            if live.status_code == 200:
                seen.lives += 1
            else:
                seen.deaths.append(str(live.status_code))
            ready = http.get(f"{address}/health/ready", timeout=10)
            seen.ready.append((time.monotonic(), ready.status_code == 200))
        except requests.RequestException as error:
            seen.deaths.append(repr(error)[:120])
            seen.ready.append((time.monotonic(), False))

    def first(self, name: str, *, ready: bool, since: float, timeout_s: float) -> float:
        """Seconds from ``since`` (monotonic) until the process was first seen so. TimeoutError after ``timeout_s``."""
        while True:
            for when, was in list(self._seen[name].ready):
                if when >= since and was is ready:
                    return when - since
            if time.monotonic() - since > timeout_s:
                raise TimeoutError(f"{name}: ready has not become {ready} in {timeout_s} s")
            time.sleep(0.05)

    def was_always_ready(self, name: str, since: float) -> bool:
        return all(was for when, was in list(self._seen[name].ready) if when >= since)

    def deaths(self, name: str) -> list[str]:
        """What was heard in place of "alive"."""
        return list(self._seen[name].deaths)
