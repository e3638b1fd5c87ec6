"""The service as it runs: one copy from paper to GRADED over RabbitMQ; the test plays ingest and render."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import kombu
import pytest

from chassis.bus.rpc_client import RpcClient
from chassis.db import Database
from chassis.objects import Objects
from chassis.testing.servers import ObjectStore
from contracts.catalogue import BY_MODEL, PUBLIC_EXCHANGE
from contracts.errors.grading import LockedByOther, VersionConflict
from contracts.messages.ocr import ExtractText
from contracts.messages.render import ComposeDocument, DocumentComposed
from contracts.model import Role, Tolerant
from contracts.rpc.grading import copies as rpc
from contracts.rpc.grading import exams as exams_rpc
from services.grading.context import Context
from tests.conftest import AUDIT_KEY
from tests.service.grading.desk import Desk, person, reference, settings
from tests.service.grading.school import TWENTY

ROOT = Path(__file__).resolve().parents[3]


def until(true: Callable[[], Any], what: str, seconds: float = 30) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := true():
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


def publish(url: str, payload: Tolerant, message_id: uuid.UUID | None = None) -> None:
    message = BY_MODEL[type(payload)]
    body = {
        "specversion": "1.0", "id": str(message_id or uuid.uuid4()), "source": f"/korrigo/{message.owner}",
        "type": message.type, "subject": "test", "time": "2026-11-23T08:00:00Z",
        "datacontenttype": "application/json", "data": payload.model_dump(mode="json"),
    }  # fmt: skip
    with kombu.Connection(url) as connection, connection.channel() as channel:
        kombu.Producer(channel).publish(
            json.dumps(body).encode(),
            exchange=message.exchange,
            routing_key=message.type,
            content_type="application/cloudevents+json",
            content_encoding="utf-8",
        )


def taken(url: str, queue: str) -> dict[str, Any] | None:
    """The next message of a queue as its owner would see it, acknowledged."""
    with kombu.Connection(url) as connection, connection.channel() as channel:
        message = kombu.Queue(queue, channel=channel, no_declare=True).get(no_ack=True)
    return None if message is None else json.loads(message.body)["data"]


@contextmanager
def running(environ: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "chassis.run", "grading"], cwd=ROOT, env=environ, stdout=output, stderr=output
        )
    try:
        until(lambda: "services_started" in log.read_text(encoding="utf-8"), "started")
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(25) == 0
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def listener(vhost: str) -> Iterator[str]:
    """A queue that hears every public event."""
    with kombu.Connection(vhost) as connection, connection.channel() as channel:
        exchange = kombu.Exchange(PUBLIC_EXCHANGE, type="topic", durable=True)
        queue = kombu.Queue("another-school-system", exchange, routing_key="#", channel=channel)
        queue.declare()
        yield queue.name
        queue.delete()


def test_one_copy_over_the_bus(
    vhost: str, s3: ObjectStore, objects: Objects, database: Callable[[str], Database], tmp_path: Path, listener: str
) -> None:
    db = database("grading")
    environ = {
        **os.environ,
        "KORRIGO_BUS_URL": vhost,
        "KORRIGO_DATABASE_URL": db.engine.url.render_as_string(hide_password=False),
        **s3.environ(),
        "KORRIGO_S3_BUCKET": objects.bucket,
        "KORRIGO_AUDIT_KEY": AUDIT_KEY,
    }
    log = tmp_path / "log"
    admin, marker = person("Direction", Role.ADMIN), person("Mme Curie")
    with running(environ, log):
        client = RpcClient(vhost)
        try:
            exam = client.call(exams_rpc.CREATE_EXAM, exams_rpc.CreateExam(title="Bac blanc", intake="a3", by=admin))
            scheme = exams_rpc.PutScheme(exam_id=exam.id, version=0, nodes=TWENTY, by=admin)
            client.call(exams_rpc.PUT_SCHEME, scheme)
            desk = Desk(_context(db, objects), exam.id, marker, admin)
            copy_id, message_id = uuid.uuid4(), uuid.uuid4()
            for _ in range(2):  # delivered twice, takes effect once
                publish(vhost, desk.paper(copy_id), message_id)
            everything = rpc.ListCopies(exam_id=exam.id, by=admin)
            until(lambda: client.call(rpc.LIST_COPIES, everything).total, "the copy is there")
            read = until(lambda: taken(vhost, BY_MODEL[ExtractText].queue("ocr")), "ocr is asked")
            assert read["copy_id"] == str(copy_id)

            markers = (rpc.Marker(id=marker.id, name=marker.name),)
            client.call(rpc.ALLOCATE, rpc.Allocate(exam_id=exam.id, markers=markers, by=admin))
            lock = client.call(rpc.TAKE_LOCK, rpc.TakeLock(copy_id=copy_id, by=marker))
            with pytest.raises(LockedByOther) as refused:
                client.call(rpc.TAKE_LOCK, rpc.TakeLock(copy_id=copy_id, by=admin))
            assert refused.value.details["owner"] == "Mme Curie"
            held = {"copy_id": copy_id, "token": lock.token, "by": marker}
            draft = rpc.PutDraft(**held, client_id="tab", version=0, payload={"stroke": [0.1, 0.2]})
            assert client.call(rpc.PUT_DRAFT, draft).version == 1
            mark = rpc.AnnotationFields(page=1, type="comment", x=0.1, y=0.1, w=0.2, h=0.1, content="Très bien")
            client.call(rpc.CREATE_ANNOTATION, rpc.CreateAnnotation(**held, annotation=mark))
            scores = client.call(rpc.PUT_SCORES, rpc.PutScores(**held, scores=_scores(TWENTY)))
            with pytest.raises(VersionConflict) as stale:
                client.call(rpc.PUT_SCORES, rpc.PutScores(**held, scores=_scores(TWENTY), version=9))
            assert stale.value.details["current"]["version"] == scores.version

            started = client.call(rpc.FINALISE, rpc.Finalise(**held))
            assert started.status == "GRADING_IN_PROGRESS"
            command = until(lambda: taken(vhost, BY_MODEL[ComposeDocument].queue("render")), "render is asked")
            answer = DocumentComposed(
                **{key: command[key] for key in ("copy_id", "exam_id", "revision", "attempt")},
                outcome="done",
                document=reference("finals", "pdf", "application/pdf"),
                page_count=3,
            )
            publish(vhost, answer)
            one = rpc.OneCopy(copy_id=copy_id, by=admin)
            until(lambda: client.call(rpc.GET_COPY, one).status == "GRADED", "the copy is graded")
            assert client.call(rpc.GET_COPY, one).total == scores.total
            assert client.call(rpc.FINALISE, rpc.Finalise(**held)).already
            public = until(lambda: taken(vhost, listener), "other systems are told")
            assert public["copy_id"] == str(copy_id)
            trail = client.call(rpc.COPY_EVENTS, rpc.ListAudit(copy_id=copy_id, by=admin))
            assert [event.action for event in trail.items][-2:] == ["FINALISE", "GRADE"]
        finally:
            client.close()
    said = log.read_text(encoding="utf-8")
    assert "Mme Curie" not in said
    assert "Traceback" not in said


def _scores(nodes: tuple[exams_rpc.SchemeNode, ...]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for node in nodes:
        found |= _scores(node.children) if node.children else {node.id: Decimal("0.5")}
    return found


def _context(db: Database, objects: Objects) -> Context:
    return Context(settings(), db, objects)
