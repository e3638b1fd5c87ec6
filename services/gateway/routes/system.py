"""How the whole system is, for administrators."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from flask import current_app

from chassis import status
from chassis.health import Readiness
from contracts.errors import RemoteDefect, Unavailable
from contracts.model import Model
from contracts.rpc import Method
from contracts.rpc import status as rpc
from services.gateway.api import Resource
from services.gateway.context import gateway
from services.gateway.routes.health import READINESS

system = Resource("system")

ASKED = (rpc.INGEST_STATUS, rpc.OCR_STATUS, rpc.GRADING_STATUS, rpc.RENDER_STATUS)


class Service(Model):
    """``status`` is null when nobody answered; ``ready`` when all its dependencies can be used."""

    name: str
    ready: bool
    status: rpc.ServiceStatus | None


class System(Model):
    """``dead_letters``: messages that wait for a person, over all services that answered."""

    services: tuple[Service, ...]
    dead_letters: int


@system.operation("GET", "/system", reply=System)
def show() -> System:
    """Each service with its dependencies, queues and outbox; they are asked at the same time."""
    client = gateway().rpc

    def ask(method: Method[rpc.AskStatus, rpc.ServiceStatus]) -> Service:
        try:
            answer = client.call(method, rpc.AskStatus(), timeout_s=method.timeout_s)
        except (Unavailable, RemoteDefect):
            return Service(name=method.service, ready=False, status=None)
        return _service(answer)

    readiness: Readiness = current_app.extensions[READINESS]
    with ThreadPoolExecutor(len(ASKED)) as asking:
        answers = [asking.submit(copy_context().run, ask, method) for method in ASKED]
        own = _service(status.told("gateway", readiness.verdicts()))
        services = (own, *(answer.result() for answer in answers))
    dead = sum(queue.messages for each in services if each.status for queue in each.status.queues if queue.dead)
    return System(services=services, dead_letters=dead)


def _service(answer: rpc.ServiceStatus) -> Service:
    ready = all(dependency.ok for dependency in answer.dependencies)
    return Service(name=answer.service, ready=ready, status=answer)
