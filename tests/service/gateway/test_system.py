"""How the system is, as the gateway tells administrators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask

from chassis import metrics, status
from chassis.health import Verdict
from contracts.errors import Unavailable
from contracts.model import Role
from contracts.rpc.status import Dependency, Queue, ServiceStatus
from services.gateway.routes.system import ASKED
from tests.service.gateway.conftest import FakeRpc, Person, enrol, sign_in


def well(service: str, *queues: Queue) -> ServiceStatus:
    needs = (Dependency(name="database", ok=True, seconds=0.002),)
    return ServiceStatus(service=service, release="1.2.0", dependencies=needs, queues=queues, outbox_lag_s=0.0)


def test_all_are_asked_and_who_is_silent_is_said(app: Flask, admin: Person, rpc: FakeRpc) -> None:
    dead = Queue(name="ingest.on.ocr.text.extracted.v1.dead", messages=2, dead=True)
    played = {"ingest": well("ingest", dead), "grading": well("grading"), "render": well("render")}

    def call(method: Any, request: Any, *, timeout_s: float | None = None) -> ServiceStatus:
        if method.service not in played:
            raise Unavailable(method.service, "not running")
        return played[method.service]

    rpc.call = call  # type: ignore[method-assign]
    found = admin.get("/system").get_json()
    assert [(s["name"], s["status"] is not None) for s in found["services"]] == [
        ("gateway", True), ("ingest", True), ("ocr", False), ("grading", True), ("render", True),
    ]  # fmt: skip
    assert found["dead_letters"] == 2
    silent = next(service for service in found["services"] if service["name"] == "ocr")
    assert silent == {"name": "ocr", "ready": False, "status": None}


def test_asking_is_limited(build: Callable[..., Flask]) -> None:
    app = build(rate_factor=0.1)
    admin = sign_in(app, enrol(app, Role.ADMIN).username)
    assert [admin.get("/system").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_a_service_tells_its_own_queues_and_delay_alone() -> None:
    for service in ("one", "other"):
        metrics.QUEUE_DEPTH.labels(service=service, queue=f"{service}.on.x.dead").set(3)
        metrics.OUTBOX_LAG_SECONDS.labels(service=service).set(12.34)
    told = status.told("one", {"database": Verdict(False, 2.0004, "no answer")})
    assert told.queues == (Queue(name="one.on.x.dead", messages=3, dead=True),)
    assert told.outbox_lag_s == 12.3
    assert told.dependencies == (Dependency(name="database", ok=False, seconds=2.0, reason="no answer"),)
    assert len({method.service for method in ASKED}) == 4
