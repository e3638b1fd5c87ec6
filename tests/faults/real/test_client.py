"""A witness asks again with the same body and the same key, and writes down one answer."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from demo.client import ApiRefused
from tests.faults.real.history import GaveUp, History, Witness


class Moody(HTTPServer):
    """Answers with the statuses of ``moods`` in turn, the last one for ever; 0 hangs up without an answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.moods: list[int] = []
        self.heard: list[tuple[str, str]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Moody

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.heard.append((self.headers["Idempotency-Key"], body))
        status = self.server.moods.pop(0) if len(self.server.moods) > 1 else self.server.moods[0]
        if status == 0:
            self.close_connection = True
            return
        answer = json.dumps({"status": status}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@pytest.fixture
def server() -> Iterator[Moody]:
    with Moody() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def client(server: Moody) -> Witness:
    client = Witness(f"http://127.0.0.1:{server.server_port}", History(), "somebody")
    client.pause_s = 0.01
    return client


def test_a_lost_answer_and_a_503_are_asked_again_in_the_same_words(server: Moody, client: Witness) -> None:
    server.moods = [0, 503, 201]
    assert client.post("/exams", json={"title": "Exam"}) == {"status": 201}
    assert len(server.heard) == 3
    assert len(set(server.heard)) == 1, "a new key would create twice"
    (entry,) = client.history.entries
    assert (entry.tries, entry.status, entry.acknowledged, entry.uncertain) == (3, 201, True, False)
    assert (client.history.writes, client.history.retries) == (1, 2)


def test_two_requests_have_two_keys(server: Moody, client: Witness) -> None:
    server.moods = [201]
    client.post("/exams", json={"title": "Exam"})
    client.post("/exams", json={"title": "Exam"})
    assert len(set(server.heard)) == 2, "one key for both would swallow the second"


def test_a_refusal_is_final_and_certain_unless_an_answer_was_lost_before(server: Moody, client: Witness) -> None:
    server.moods = [409, 0, 409]
    for _ in range(2):
        with pytest.raises(ApiRefused):
            client.post("/exams", json={"title": "Exam"})
    assert [entry.uncertain for entry in client.history.entries] == [False, True]


def test_who_never_gets_an_answer_says_so(server: Moody, client: Witness) -> None:
    server.moods = [503]
    client.patience_s = 0.05
    with pytest.raises(GaveUp):
        client.post("/exams", json={"title": "Exam"})
    (entry,) = client.history.entries
    assert (entry.status, entry.acknowledged, entry.uncertain) == (None, False, True)
