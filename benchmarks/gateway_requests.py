"""Requests a second of the gateway at 100 connections, against a bare Flask route, interleaved in one run.

    python -m benchmarks.gateway_requests [--connections 100] [--rounds 4] [--seconds 3]

Four routes, asked in turns by a client in a process of its own:

- *bare*: ``return {"live": True}`` of an empty Flask application, under the same gunicorn options as the gateway.
- *live*: the gateway's ``/health/live``: its checks, headers, metrics and request log, and nothing else.
- *session*: ``GET /api/v1/session``: also who asks, from PostgreSQL.
- *exam*: ``GET /api/v1/exams/{id}``: also one call of another service over RabbitMQ, and that service's database.

Everything is real and runs on this machine: RabbitMQ, PostgreSQL, an S3 store, gateway and grading as processes. The
client takes its share of the same cores and asks again as soon as it is answered, so only the ratios mean something.
The processor time of all servers for one request, which other work on the machine moves less, is printed as well.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import requests
from flask import Flask

from chassis import migrations
from chassis.db import Database
from chassis.processes import PORTS
from chassis.run import Web, gunicorn_options
from chassis.settings import load
from chassis.testing.servers import ObjectStore, Postgres, RabbitMQ, workspace
from contracts.model import Role
from demo.client import Client
from services.gateway import people
from services.gateway.passwords import Passwords
from tests.story.system import ROOT, SERVICES, System

RUNNING = ("grading", "gateway")
WARM_UP_S = 1.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def bare() -> Flask:
    app = Flask("bare")

    @app.get("/")
    def live() -> dict[str, bool]:
        return {"live": True}

    return app


class Asking(asyncio.Protocol):
    """One connection that asks, waits for the whole answer, and asks again."""

    def __init__(self, request: bytes, latencies: list[float], statuses: dict[str, int]) -> None:
        self._request, self._latencies, self._statuses = request, latencies, statuses
        self._received, self._asked = b"", 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._received, self._asked = b"", time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or length is None or len(body) < int(length[1]):
            return
        self._latencies.append(time.perf_counter() - self._asked)
        status = head[9:12].decode()
        self._statuses[status] = self._statuses.get(status, 0) + 1
        self._ask()

    def connection_lost(self, _: Exception | None) -> None:
        self._statuses["lost"] = self._statuses.get("lost", 0) + 1


async def ask(url: str, connections: int, seconds: float, cookie: str) -> dict[str, float]:
    """Requests a second after the warm-up, their latencies' median and 99th percentile, and how many were answered."""
    parts = urlsplit(url)
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nCookie: {cookie}\r\n\r\n".encode()
    latencies: list[float] = []
    statuses: dict[str, int] = {}
    loop = asyncio.get_running_loop()
    opened = [
        loop.create_connection(lambda: Asking(request, latencies, statuses), str(parts.hostname), parts.port or 80)
        for _ in range(connections)
    ]
    asking = await asyncio.gather(*opened)
    await asyncio.sleep(WARM_UP_S)
    latencies.clear()
    started = time.perf_counter()
    await asyncio.sleep(seconds)
    took, measured, seen = time.perf_counter() - started, sorted(latencies), dict(statuses)
    for transport, _ in asking:
        transport.abort()
    if set(seen) != {"200"}:
        sys.exit(f"{url}: {seen}")
    return {
        "per_s": len(measured) / took,
        "p50_ms": 1000 * measured[len(measured) // 2],
        "p99_ms": 1000 * measured[len(measured) * 99 // 100],
        "answered": seen["200"],
    }


@dataclass
class Figures:
    per_s: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)


def cpu_s() -> float:
    """Processor time of all our living descendants: the servers, since a client has ended when this is asked."""
    parents, used = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)], used[int(entry.name)] = int(fields[1]), int(fields[11]) + int(fields[12])
    total, family = 0, [os.getpid()]
    while family:
        parent = family.pop()
        children = [child for child, its_parent in parents.items() if its_parent == parent]
        total += sum(used[child] for child in children)
        family += children
    return total / os.sysconf("SC_CLK_TCK")


def asked_apart(url: str, wanted: argparse.Namespace, cookie: str) -> dict[str, float]:
    """``ask`` in another process: the client must not share an interpreter lock with anything."""
    arguments = ["--client", url, "--connections", str(wanted.connections), "--seconds", str(wanted.seconds)]
    before = cpu_s()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gateway_requests", *arguments],
        env={**os.environ, "COOKIE": cookie}, cwd=ROOT, check=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    result: dict[str, float] = json.loads(done.stdout)
    result["cpu_ms"] = 1000 * (cpu_s() - before) / result.pop("answered")
    return result


@contextmanager
def system() -> Iterator[tuple[System, str]]:
    """Gateway and grading on servers of their own, and the password of their administrator."""
    with (
        workspace("benchmark") as directory,
        Postgres(directory / "pg", durable=False) as postgres,
        RabbitMQ(directory / "mq") as rabbitmq,
        ObjectStore(directory / "s3", durable=False) as s3,
    ):
        databases = {name: postgres.create_database(name) for name in RUNNING}
        for name, url in databases.items():
            migrations.upgrade(name, url)
        s3.objects("benchmark").close()
        password = secrets.token_urlsafe(16)
        accounts = Database(databases["gateway"], service="gateway")
        people.create_account(
            accounts, Passwords(1, waiting=1), username="admin", display_name="Admin", role=Role.ADMIN,
            password=password,
        )  # fmt: skip
        accounts.close()
        environ = {
            **s3.environ(),
            "KORRIGO_S3_BUCKET": "benchmark",
            "KORRIGO_BUS_URL": rabbitmq.create_vhost("benchmark"),
            "KORRIGO_SECRET_KEY": secrets.token_urlsafe(32),
            "KORRIGO_AUDIT_KEY": secrets.token_urlsafe(32),
            "KORRIGO_SECURE": "no",
        }
        running = System(
            {name: {**environ, "KORRIGO_DATABASE_URL": databases.get(name, "")} for name in SERVICES}, directory
        )
        try:
            running.start(*RUNNING)
            yield running, password
        finally:
            running.stop()


@contextmanager
def bare_server() -> Iterator[str]:
    (port,) = PORTS.take(1)
    web = load(Web, {"KORRIGO_HTTP_BIND": f"127.0.0.1:{port}"})
    command = [sys.executable, "-m", "gunicorn", *gunicorn_options(web), "benchmarks.gateway_requests:bare()"]
    process = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.DEVNULL, env={**os.environ, "KORRIGO_LOG_LEVEL": "warning"}
    )
    try:
        url = f"http://127.0.0.1:{port}/"
        _wait_for(url)
        yield url
    finally:
        process.terminate()
        process.wait(30)
        PORTS.release(port)


def _wait_for(url: str) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            requests.get(url, timeout=5).raise_for_status()
            return
        except requests.ConnectionError:
            time.sleep(0.1)
    sys.exit(f"nothing answers at {url}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--client", metavar="URL", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.client:
        print(json.dumps(asyncio.run(ask(wanted.client, wanted.connections, wanted.seconds, os.environ["COOKIE"]))))
        return
    with system() as (running, password), bare_server() as bare_url:
        client = Client(running.base).sign_in("admin", password)
        exam = client.post("/exams", json={"title": "Bac blanc", "intake": "a3"})
        cookie = "; ".join(f"{name}={value}" for name, value in client.http.cookies.items())
        routes = {
            "bare": bare_url,
            "live": f"{running.base}/health/live",
            "session": f"{running.base}/api/v1/session",
            "exam": f"{running.base}/api/v1/exams/{exam['id']}",
        }
        print_figures(measured(routes, wanted, cookie))


def measured(routes: dict[str, str], wanted: argparse.Namespace, cookie: str) -> dict[str, Figures]:
    found = {name: Figures() for name in routes}
    for _ in range(wanted.rounds):
        for name, url in routes.items():
            for figure, value in asked_apart(url, wanted, cookie).items():
                getattr(found[name], figure).append(value)
    return found


def print_figures(found: dict[str, Figures]) -> None:
    fastest = statistics.median(found["bare"].per_s)
    for name, figures in found.items():
        per_s, p50_ms, p99_ms, cpu_ms = (
            statistics.median(each) for each in (figures.per_s, figures.p50_ms, figures.p99_ms, figures.cpu_ms)
        )
        print(f"{name:8} {per_s:7.0f} requests/s   p50 {p50_ms:6.1f} ms   p99 {p99_ms:6.1f} ms   "
              f"CPU {cpu_ms:5.2f} ms a request   {per_s / fastest:.2f} of the bare route")  # fmt: skip


if __name__ == "__main__":
    main()
