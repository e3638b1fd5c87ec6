"""The counts of P0-DI once more, from outside: five real processes, many clients, HTTP.

render does not run, so that what is finalised stays in progress: a document that failed would be asked for again.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from chassis.db import Database
from contracts.model import Role
from services.gateway import people
from services.gateway.passwords import Passwords
from services.grading.store import tables
from tests.conftest import AUDIT_KEY
from tests.service.grading.desk import Desk, open_desk
from tests.story.conftest import World
from tests.story.conftest import world as world  # a fixture

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

CROWD = 32
PATIENCE = 20


class Client:
    """One person's program. It waits when it is told to, and does not take 503 for an answer."""

    def __init__(self, base: str, account: people.User, token: str) -> None:
        self.account = account
        self._base = f"{base}/api/v1"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def send(self, method: str, path: str, **request: Any) -> requests.Response:
        for _ in range(PATIENCE):
            answer = self._session.request(method, self._base + path, timeout=30, **request)
            assert answer.status_code < 500 or answer.status_code == 503, answer.text
            if answer.status_code != 503:
                return answer
            time.sleep(float(answer.headers["Retry-After"]))
        raise AssertionError(f"{method} {path}: 503 {PATIENCE} times")

    def close(self) -> None:
        self._session.close()


@dataclass
class Hall:
    """An exam, and 32 administrators who may all mark it."""

    desk: Desk
    clients: list[Client]
    threads: ThreadPoolExecutor

    def at_once(self, acts: Sequence[Callable[[], requests.Response]]) -> list[requests.Response]:
        start = threading.Barrier(len(acts))

        def act(each: Callable[[], requests.Response]) -> requests.Response:
            start.wait(30)
            return each()

        return list(self.threads.map(act, acts))


@pytest.fixture(scope="module")
def hall(world: World) -> Iterator[Hall]:
    world.system.kill("render")
    gateway = Database(world.databases["gateway"], service="gateway")
    grading = Database(world.databases["grading"], service="grading", audit_key=AUDIT_KEY)
    clients = []
    for number in range(CROWD):
        account = people.create_account(
            gateway, Passwords(1, waiting=1), username=f"admin.{number}", display_name=f"Admin {number}",
            role=Role.ADMIN, password=world.admin_password,
        )  # fmt: skip
        token = people.create_token(gateway, account.id, "races").secret
        assert token is not None
        clients.append(Client(world.system.base, account, token))
    with ThreadPoolExecutor(CROWD) as threads:
        yield Hall(open_desk(grading, world.objects), clients, threads)
    for client in clients:
        client.close()
    gateway.close()
    grading.close()


def test_of_32_clients_who_lock_at_once_one_wins_100_times(hall: Hall) -> None:
    """P0-DI-001."""
    copy_id = hall.desk.add_copy()
    fences = []
    for _ in range(100):
        path = f"/copies/{copy_id}/lock"
        answers = hall.at_once([lambda c=client, p=path: c.send("POST", p) for client in hall.clients])
        assert Counter(each.status_code for each in answers) == {200: 1, 409: CROWD - 1}
        assert {each.json()["code"] for each in answers if each.status_code == 409} == {"grading.locked_by_other"}
        ((winner, lock),) = [
            (client, each) for client, each in zip(hall.clients, answers, strict=True) if each.status_code == 200
        ]
        row = hall.desk.row(copy_id)
        assert row.owner_id == winner.account.id
        fences.append(row.fence)
        held = {"X-Lock-Token": lock.json()["token"]}
        assert winner.send("DELETE", path, headers=held).status_code == 204
    assert fences == list(range(1, 101))


def test_of_1000_autosaves_over_http_none_is_lost(hall: Hall) -> None:
    """P0-DI-002. A save that got 503 is sent again as it was, and is one save."""
    marker = hall.clients[0]
    ids = [str(hall.desk.add_copy()) for _ in range(100)]
    locked = hall.threads.map(lambda each: marker.send("POST", f"/copies/{each}/lock").json()["token"], ids)
    tokens = dict(zip(ids, locked, strict=True))
    known = dict.fromkeys(ids, 0)
    chain: dict[str, dict[int, int]] = defaultdict(dict)
    refused: dict[str, set[int]] = defaultdict(set)
    jobs = [(copy_id, f"window {n % 2}") for copy_id in ids for n in range(10)]
    random.Random(7).shuffle(jobs)

    def save(number: int, copy_id: str, window: str) -> None:
        base = known[copy_id]
        sent = {"client_id": window, "version": base, "payload": {"n": number}}
        held = {"X-Lock-Token": tokens[copy_id]}
        answer = marker.send("PUT", f"/copies/{copy_id}/draft", json=sent, headers=held)
        if answer.status_code == 409:
            assert answer.json()["code"] == "grading.draft_conflict"
            refused[copy_id].add(number)
            return
        assert answer.status_code == 200, answer.text
        version = answer.json()["version"]
        assert version == base + 1
        assert version not in chain[copy_id], "two saves were told that they are the same version"
        chain[copy_id][version] = number
        known[copy_id] = max(known[copy_id], version)

    for each in [hall.threads.submit(save, number, *job) for number, job in enumerate(jobs)]:
        each.result()

    saves = tables.draft_saves
    kept: dict[str, dict[int, int | None]] = defaultdict(dict)
    for row in hall.desk.all(sa.select(saves.c.copy_id, saves.c.payload, saves.c.version)):
        kept[str(row.copy_id)][row.payload["n"]] = row.version
    for copy_id in ids:
        assert sorted(chain[copy_id]) == list(range(1, len(chain[copy_id]) + 1))
        stored = marker.send("GET", f"/copies/{copy_id}/draft").json()
        last = max(chain[copy_id])
        assert (stored["version"], stored["payload"]["n"]) == (last, chain[copy_id][last])
        assert kept[copy_id] == {n: v for v, n in chain[copy_id].items()} | dict.fromkeys(refused[copy_id])
    assert sum(len(each) for each in [*chain.values(), *refused.values()]) == 1000


def test_ten_clients_finalise_one_copy_at_once_100_times(hall: Hall) -> None:
    """P0-DI-003."""
    marker = hall.clients[0]
    for _ in range(100):
        copy_id = hall.desk.add_copy()
        held = {"X-Lock-Token": marker.send("POST", f"/copies/{copy_id}/lock").json()["token"]}
        scores = {"scores": {"q1": "6.25", "q2": "8", "extra": "0.5"}}
        assert marker.send("PUT", f"/copies/{copy_id}/scores", json=scores, headers=held).status_code == 200
        path = f"/copies/{copy_id}/finalise"
        answers = hall.at_once([lambda p=path, h=held: marker.send("POST", p, headers=h)] * 10)
        assert {each.status_code for each in answers} == {202}, [each.text for each in answers]
        assert len({each.text for each in answers}) == 1  # the same job
    trail = hall.desk.all(sa.select(tables.audit.c.copy_id).where(tables.audit.c.action == "FINALISE"))
    assert Counter(Counter(row.copy_id for row in trail).values()) == {1: 100}
    commands = hall.desk.sent("render.document.compose.v1")
    assert len({uuid.UUID(each["copy_id"]) for each in commands}) == len(commands) == 100
