"""How each service is, for administrators."""

from __future__ import annotations

from contracts.model import Model
from contracts.rpc import Method


class AskStatus(Model):
    """Nothing to say."""


class Dependency(Model):
    """``reason`` is empty while it can be used; ``seconds``: how long the check took."""

    name: str
    ok: bool
    seconds: float
    reason: str = ""


class Queue(Model):
    """Messages that wait in one queue, at most 15 seconds ago. ``dead``: they failed for good and wait for a person."""

    name: str
    messages: int
    dead: bool


class ServiceStatus(Model):
    """One process of a service. ``outbox_lag_s``: age of the oldest message that is not published yet."""

    service: str
    release: str
    dependencies: tuple[Dependency, ...]
    queues: tuple[Queue, ...]
    outbox_lag_s: float


# Shorter than a person's patience: a service that cannot say how it is is not well.
_PATIENCE_S = 3.0
INGEST_STATUS = Method("ingest", "status", AskStatus, ServiceStatus, timeout_s=_PATIENCE_S)
OCR_STATUS = Method("ocr", "status", AskStatus, ServiceStatus, timeout_s=_PATIENCE_S)
GRADING_STATUS = Method("grading", "status", AskStatus, ServiceStatus, timeout_s=_PATIENCE_S)
RENDER_STATUS = Method("render", "status", AskStatus, ServiceStatus, timeout_s=_PATIENCE_S)
