"""How this process is: its dependencies asked now, its queues and outbox as it last counted them for Prometheus."""

from __future__ import annotations

import os
from collections.abc import Mapping

from chassis import health, metrics
from chassis.db import Database
from chassis.health import Verdict
from chassis.objects import Objects
from contracts.rpc.status import Dependency, Queue, ServiceStatus


def of(db: Database, objects: Objects) -> ServiceStatus:
    """Of the service that works on ``db``; takes as long as its slowest dependency, two seconds at most."""
    return told(db.service, health.Readiness(health.dependencies(db, objects)).verdicts())


def told(service: str, verdicts: Mapping[str, Verdict]) -> ServiceStatus:
    """The same with verdicts one has."""
    dependencies = tuple(
        Dependency(name=name, ok=verdict.ok, seconds=round(verdict.seconds, 3), reason=verdict.reason)
        for name, verdict in verdicts.items()
    )
    queues = tuple(
        Queue(name=sample.labels["queue"], messages=int(sample.value), dead=sample.labels["queue"].endswith(".dead"))
        for family in metrics.QUEUE_DEPTH.collect()
        for sample in family.samples
        if sample.labels["service"] == service
    )
    lags = [
        sample.value
        for family in metrics.OUTBOX_LAG_SECONDS.collect()
        for sample in family.samples
        if sample.labels["service"] == service
    ]
    return ServiceStatus(
        service=service,
        release=os.environ.get("KORRIGO_RELEASE", "unreleased"),
        dependencies=dependencies,
        queues=queues,
        outbox_lag_s=round(max(lags, default=0.0), 1),
    )
