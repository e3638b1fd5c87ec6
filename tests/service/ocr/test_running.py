"""The service as it runs: patched by eventlet, on RabbitMQ, with tesseract in its children."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen
from uuid import uuid4

import kombu
import sqlalchemy as sa
from PIL import Image, ImageDraw, ImageFont

from chassis.db import Database
from chassis.objects import Objects
from chassis.processes import PORTS
from chassis.testing.servers import ObjectStore
from contracts.catalogue import BY_MODEL
from contracts.messages.ocr import ExtractText
from contracts.objects import ImageRef
from services.ocr import store

ROOT = Path(__file__).resolve().parents[3]


def _strip(text: str) -> bytes:
    image = Image.new("L", (1654, 590), 250)
    draw = ImageDraw.Draw(image)
    draw.rectangle((310, 170, 1060, 250), outline=40, width=3)
    draw.text((330, 180), text, fill=30, font=ImageFont.load_default(size=50))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _publish(url: str, command: ExtractText) -> None:
    message = BY_MODEL[ExtractText]
    body = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/korrigo/grading",
        "type": message.type,
        "subject": str(command.copy_id),
        "time": "2026-11-23T08:00:00Z",
        "datacontenttype": "application/json",
        "data": command.model_dump(mode="json"),
    }
    with kombu.Connection(url) as connection, connection.channel() as channel:
        kombu.Producer(channel).publish(
            json.dumps(body).encode(),
            exchange=message.exchange,
            routing_key=message.type,
            content_type="application/cloudevents+json",
            content_encoding="utf-8",
        )


def _answered(db: Database) -> list[dict[str, object]]:
    outbox = store.metadata.tables["outbox"]
    with db.reading() as sql:
        return list(sql.scalars(sa.select(outbox.c.data).where(outbox.c.sent_at.is_not(None)).order_by(outbox.c.id)))


def _ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def test_commands_are_answered_and_nothing_is_left_when_told_to_stop(
    vhost: str,
    s3: ObjectStore,
    objects: Objects,
    database: Callable[[str], Database],
    tmp_path: Path,
) -> None:
    db = database("ocr")
    (port,) = PORTS.take(1)
    environ = {
        **os.environ,
        "KORRIGO_BUS_URL": vhost,
        "KORRIGO_DATABASE_URL": db.engine.url.render_as_string(hide_password=False),
        **s3.environ(),
        "KORRIGO_S3_BUCKET": objects.bucket,
        "KORRIGO_INTERNAL_PORT": str(port),
    }
    log = tmp_path / "log"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "chassis.run", "ocr"], cwd=ROOT, env=environ, stdout=output, stderr=output
        )
    try:
        end = time.monotonic() + 60
        while not _ready(port):
            assert time.monotonic() < end, log.read_text(encoding="utf-8")
            assert process.poll() is None, log.read_text(encoding="utf-8")
            time.sleep(0.1)
        for image in (_strip("DURAND"), b"no image", _strip("MARTIN"), _strip("DURAND")):
            ref = objects.put("header", image, "image/png")
            header = ImageRef(object=ref, width_px=1654, height_px=590)
            _publish(vhost, ExtractText(copy_id=uuid4(), revision=1, image=header))
        while len(_answered(db)) < 4:
            assert time.monotonic() < end, log.read_text(encoding="utf-8")
            time.sleep(0.2)
        answers = _answered(db)
        assert sorted(str(each["outcome"]) for each in answers) == ["done", "done", "done", "refused_input"]
        children = _children(process.pid)
        assert len(children) >= 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=25) == 0
        assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]
    finally:
        process.kill()
        process.wait()
    assert "engine_ready" in log.read_text(encoding="utf-8")
    assert "DURAND" not in log.read_text(encoding="utf-8")
