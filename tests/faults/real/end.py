"""How everything stands when nothing happens any more: over HTTP, in the databases, in the store, at the broker."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from chassis.bus.publisher import connect
from chassis.bus.topology import topology
from contracts.catalogue import BY_TYPE
from demo.client import JSON, Client
from tests.faults.real.workload import Workload
from tests.story.system import SERVICES
from tests.story.world import World

Row = dict[str, Any]

# Table: the service that has it (none: all of them) and the columns that the rules ask for. Ids become text.
_QUERIES: Mapping[str, tuple[str, str]] = {
    "exams": ("grading", "SELECT id, title, publication, published_at FROM exams"),
    "copies": (
        "grading",
        "SELECT id, exam_id, status, revision, attempt, fence, page_count, candidate_id, marker_id,"
        " total::text AS total, final_sha256, error_message FROM copies",
    ),
    "results": (
        "grading",
        "SELECT copy_id, revision, total::text AS total, document->>'sha256' AS sha256 FROM results",
    ),
    "audit": (
        "grading",
        "SELECT subject_id, seq, action, revision, attempt, details FROM audit ORDER BY subject_id, seq",
    ),
    "drafts": ("grading", "SELECT copy_id, owner_id, version, client_id, payload FROM drafts"),
    "draft_saves": (
        "grading",
        "SELECT copy_id, owner_id, client_id, base_version, version, fence, payload FROM draft_saves ORDER BY id",
    ),
    "marks": ("grading", "SELECT copy_id, version, scores, appraisal FROM marks"),
    "annotations": ("grading", "SELECT id, copy_id, version, content, deleted_at FROM annotations"),
    "publications": ("grading", "SELECT exam_id, publication, withdrawn_at FROM publications"),
    "uploads": ("ingest", "SELECT id, exam_id, status, sha256, sides FROM uploads"),
    "pages": ("ingest", "SELECT id, upload_id, side_no, half, booklet_id FROM pages"),
    "booklets": ("ingest", "SELECT id, upload_id, copy_id FROM booklets"),
    "assemblies": ("ingest", "SELECT copy_id, exam_id, page_count FROM assemblies"),
    "jobs": ("gateway", "SELECT id, type, subject_id, revision FROM jobs"),
    "outbox": ("", "SELECT message_id, type, sent_at FROM outbox"),
    "inbox": ("", "SELECT consumer, message_id FROM inbox"),
}


@dataclass
class EndState:
    """All of it, as plain values.

    Attributes:
        rows: by table; outbox and inbox are those of all services together.
        seen: answers of the API by path, as an administrator reads it; ``<account> <path>`` for a marker's own draft.
        documents: SHA-256 of the final PDF that the API serves, by copy.
        queues: messages by queue, without the empty ones.
    """

    rows: dict[str, list[Row]] = field(default_factory=dict)
    seen: dict[str, JSON] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)
    queues: dict[str, int] = field(default_factory=dict)

    def by(self, table: str, *columns: str) -> dict[Any, Row]:
        """Rows by one column, or by several as a tuple; for columns that are unique."""
        return {_key(row, columns): row for row in self.rows.get(table, ())}

    def grouped(self, table: str, *columns: str) -> dict[Any, list[Row]]:
        found: dict[Any, list[Row]] = {}
        for row in self.rows.get(table, ()):
            found.setdefault(_key(row, columns), []).append(row)
        return found


def _key(row: Row, columns: tuple[str, ...]) -> Any:
    return row[columns[0]] if len(columns) == 1 else tuple(row[column] for column in columns)


def read_rows(databases: Mapping[str, str]) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {table: [] for table in _QUERIES}
    for service in SERVICES:
        engine = sa.create_engine(databases[service])
        with engine.connect() as sql:
            for table, (owner, query) in _QUERIES.items():
                if owner in {service, ""}:
                    rows[table] += [_plain(row) for row in sql.execute(sa.text(query)).mappings()]
        engine.dispose()
    return rows


def _plain(row: Any) -> Row:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in row.items()}


def read_queues(bus_url: str) -> dict[str, int]:
    """Messages that wait, by queue. What a consumer holds unsettled is not among them."""
    with connect(bus_url) as connection:
        channel: Any = connection.channel()
        counts = {queue.name: channel.queue_declare(queue=queue.name, passive=True) for queue in topology().queues}
    return {name: found.message_count for name, found in counts.items() if found.message_count}


def read_seen(admin: Client, markers: Mapping[str, Client], rows: Mapping[str, list[Row]]) -> dict[str, JSON]:
    """``markers`` by account id."""
    seen: dict[str, JSON] = {}
    for copy in rows["copies"]:
        for part in ("", "/scores", "/annotations"):
            path = f"/copies/{copy['id']}{part}"
            seen[path] = admin.get(path)
    for draft in rows["drafts"]:
        path = f"/copies/{draft['copy_id']}/draft"
        seen[f"{draft['owner_id']} {path}"] = markers[draft["owner_id"]].get(path)
    for job in rows["jobs"]:
        seen[f"/jobs/{job['id']}"] = admin.get(f"/jobs/{job['id']}")
    for exam in rows["exams"]:
        path = f"/exams/{exam['id']}/booklets"
        seen[path] = {"items": admin.items(path)}
    return seen


def read_documents(admin: Client, rows: Mapping[str, list[Row]]) -> dict[str, str]:
    served = {}
    for copy in rows["copies"]:
        if copy["status"] == "GRADED":
            content = admin.call("GET", f"/copies/{copy['id']}/final.pdf").content
            served[copy["id"]] = hashlib.sha256(content).hexdigest()
    return served


def on_its_way(rows: Mapping[str, list[Row]], queues: Mapping[str, int]) -> list[str]:
    """What is not at its end; empty when nothing will happen any more unless somebody asks."""
    waiting = [f"{name} holds {count}" for name, count in queues.items() if not name.endswith(".dead")]
    waiting += [f"copy {row['id']} is finalised" for row in rows["copies"] if row["status"] == "GRADING_IN_PROGRESS"]
    waiting += [f"upload {row['id']} is split" for row in rows["uploads"] if row["status"] == "splitting"]
    taken = {(row["consumer"], row["message_id"]) for row in rows["inbox"]}
    for row in rows["outbox"]:
        message = BY_TYPE[row["type"]]
        keys = {(message.queue(consumer), row["message_id"]) for consumer in message.consumers}
        if row["sent_at"] is None or not keys <= taken:
            waiting.append(f"{row['type']} {row['message_id']} has had no effect")
    return waiting


def wait_until_settled(databases: Mapping[str, str], bus_url: str, timeout_s: float) -> list[str]:
    """Returns when nothing is on its way, or what still is when the time is over."""
    end = time.monotonic() + timeout_s
    while True:
        waiting = on_its_way(read_rows(databases), read_queues(bus_url))
        if not waiting or time.monotonic() > end:
            return waiting
        time.sleep(0.5)


def read(world: World, workload: Workload) -> EndState:
    rows = read_rows(world.databases)
    admin = workload.client("admin")
    markers = {marker_id: workload.client(name) for marker_id, name in workload.markers.items()}
    return EndState(rows, read_seen(admin, markers, rows), read_documents(admin, rows), read_queues(world.bus_url))
