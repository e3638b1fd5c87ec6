"""Several schools at work at once, as people and scripts use Korrigo over HTTP; it goes on whatever fails.

``OFFICES`` are schools whose copies nobody marks yet: they keep paper coming in while marking has to wait.
"""

from __future__ import annotations

import queue
import random
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from demo import scans
from demo.client import JSON, ApiRefused
from tests.faults.real.desk import SCHEME, Marker, again
from tests.faults.real.history import History, Witness

PASSWORD = "quatre chevaux bleus 7"
SCHOOLS = 8
OFFICES = 4
MARKERS = 10
PUPILS = 3
PAGES = 2
Task = tuple[str, threading.Event]


class Workload:
    """``prepare`` while nothing fails, ``start``, faults, ``finish``. What surprised an actor is in ``surprises``."""

    def __init__(self, base: str, admin_password: str, rng: random.Random) -> None:
        self.history = History()
        self.surprises: list[str] = []
        self.markers: dict[str, str] = {}
        """User names by account id."""
        self._passwords = {"admin": admin_password}
        self._base, self._rng = base, rng
        self._over = threading.Event()
        self._tasks: dict[str, queue.Queue[Task | None]] = {}
        self._schools: list[threading.Thread] = []
        self._desks: list[threading.Thread] = []

    def client(self, name: str) -> Witness:
        client = Witness(self._base, self.history, name)
        client.sign_in(name, self._passwords[name])
        return client

    def prepare(self) -> None:
        """The accounts, and everybody's sessions."""
        admin = self.client("admin")
        for role, count in (("operator", SCHOOLS + OFFICES), ("marker", MARKERS)):
            for number in range(1, count + 1):
                name = f"{role}.{number}"
                user = {"username": name, "password": PASSWORD, "role": role, "display_name": name}
                self._passwords[name] = PASSWORD
                made = admin.post("/users", json=user)
                if role == "marker":
                    self.markers[made["id"]] = name
        for marker_id, name in self.markers.items():
            self._tasks[marker_id] = queue.Queue()
            marker = Marker(self.client(name), self.client(name), random.Random(self._rng.random()))
            self._desks.append(threading.Thread(target=self._mark, args=(marker, self._tasks[marker_id]), daemon=True))
        for number in range(1, SCHOOLS + OFFICES + 1):
            school = School(self, self.client("admin"), self.client(f"operator.{number}"), self._rng.random())
            live = school.hold_exam if number <= SCHOOLS else school.prepare_exam
            self._schools.append(threading.Thread(target=self._live, args=(live,), daemon=True))

    def start(self) -> None:
        for thread in (*self._desks, *self._schools):
            thread.start()

    def finish(self, timeout_s: float) -> bool:
        """No new exam; whether those begun came to their end in time."""
        self._over.set()
        end = time.monotonic() + timeout_s
        for thread in self._schools:
            thread.join(max(0.0, end - time.monotonic()))
        for tasks in self._tasks.values():
            tasks.put(None)
        for thread in self._desks:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in (*self._schools, *self._desks))

    def acknowledged(self) -> int:
        """Writes so far that were answered with success."""
        return self.history.writes

    def await_writes(self, count: int, timeout_s: float = 120.0) -> None:
        """Returns when ``count`` more have been. TimeoutError: the system does not come back to work."""
        end, wanted = time.monotonic() + timeout_s, self.acknowledged() + count
        while self.acknowledged() < wanted:
            if time.monotonic() > end:
                raise TimeoutError(f"no {count} writes were acknowledged within {timeout_s:.0f} s")
            time.sleep(0.02)

    def give(self, marker_id: str, copy_id: str) -> threading.Event:
        """Put a copy on a marker's desk; the event is set when they are done with it."""
        done = threading.Event()
        self._tasks[marker_id].put((copy_id, done))
        return done

    def _live(self, live: Callable[[], object]) -> None:
        while not self._over.is_set():
            with self._surprised():
                live()

    def _mark(self, marker: Marker, tasks: queue.Queue[Task | None]) -> None:
        while (task := tasks.get()) is not None:
            copy_id, done = task
            with self._surprised():
                job = marker.mark(copy_id)
                if job["status"] != "succeeded":
                    raise AssertionError(f"finalising ended {job['status']}: {job['error']}")
            done.set()

    @contextmanager
    def _surprised(self) -> Iterator[None]:
        """An actor whom the system refuses what it should allow says so, and goes on with something else."""
        try:
            yield
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            told = getattr(error, "problem", {})
            self.surprises.append(f"{type(error).__name__} {error} {told} ({where.name}:{where.lineno})")


class School:
    """An administrator and an operator who hold one exam after the other."""

    def __init__(self, workload: Workload, admin: Witness, operator: Witness, seed: float) -> None:
        self.workload, self.admin, self.operator = workload, admin, operator
        self.rng = random.Random(seed)

    def prepare_exam(self) -> tuple[str, list[str]]:
        """All that comes before marking; the exam and its copies."""
        pupils = [replace(each, ine=f"{self.rng.randrange(10**9):09}AB") for each in scans.PUPILS[:PUPILS]]
        exam = self._announce(pupils)
        self._scan(exam, pupils)
        copies = self._assemble(exam)
        self._identify(exam, copies)
        return exam, copies

    def hold_exam(self) -> None:
        exam, copies = self.prepare_exam()
        for marked in self._allocate(exam):
            marked.wait()
        self._publish(exam)
        if self.rng.random() < 0.5:
            self._correct(exam, self.rng.choice(copies))

    def _announce(self, pupils: list[scans.Pupil]) -> str:
        body = {"title": f"Épreuve {uuid.uuid4()}", "intake": "a4", "pages_per_booklet": PAGES}
        exam: str = self.admin.post("/exams", json=body)["id"]
        path = f"/exams/{exam}/scheme"
        again(self.admin, lambda: self.admin.put(path, json={"nodes": SCHEME}),
              lambda: self.admin.get(path)["version"] == 1)  # fmt: skip
        roster = ("liste.csv", scans.roster_csv(pupils), "text/csv")
        self.operator.post(f"/exams/{exam}/roster", files={"file": roster})
        return exam

    def _scan(self, exam: str, pupils: list[scans.Pupil]) -> None:
        path = f"/exams/{exam}/uploads"
        if self.rng.random() < 0.7:
            torn = ("déchirée.pdf", b"%PDF-1.4\n" + uuid.uuid4().bytes, "application/pdf")
            try:
                self.operator.post(path, files={"file": torn})
            except ApiRefused as refused:
                if refused.status >= 500:
                    raise
        pile = scans.a4_pile(pupils, pages=PAGES, dpi=100, seed=self.rng.getrandbits(32))
        file = ("pile.pdf", pile, "application/pdf")
        job = self.operator.post(path, files={"file": file}, noted={"pages": PUPILS * PAGES})
        ended = self.operator.wait(job, timeout_s=self.operator.patience_s)
        if ended["status"] != "succeeded":
            raise AssertionError(f"the upload ended {ended['status']}: {ended['error']}")

    def _assemble(self, exam: str) -> list[str]:
        """Cut one booklet in two and join it again, as one does who was mistaken; then make copies of all."""
        path = f"/exams/{exam}/booklets"
        whole = self.operator.items(path)[0]
        cut = {"version": whole["version"], "before_page": 2}
        again(self.operator, lambda: self.operator.post(f"/booklets/{whole['id']}/split", json=cut),
              lambda: len(self.operator.items(path)) == PUPILS + 1)  # fmt: skip
        parts = [b["id"] for b in self.operator.items(path)[:2]]
        again(self.operator, lambda: self.operator.post(f"{path}/merge", json={"booklet_ids": parts}),
              lambda: len(self.operator.items(path)) == PUPILS)  # fmt: skip
        self.operator.post(f"/exams/{exam}/copies/assemble")
        for booklet in self.operator.items(path):
            if booklet["copy_id"] is None:  # a doubt, which naming it settles
                one = {"booklet_ids": [booklet["id"]]}
                again(self.operator, lambda one=one: self.operator.post(f"/exams/{exam}/copies", json=one),
                      lambda: True)  # fmt: skip
        copies = [booklet["copy_id"] for booklet in self.operator.items(path)]
        self._until(lambda: self.operator.get(f"/exams/{exam}/copies")["total"] == PUPILS, "copies in grading")
        return copies

    def _identify(self, exam: str, copies: list[str]) -> None:
        known = self.operator.items(f"/exams/{exam}/candidates")
        for copy_id, candidate in zip(copies, known, strict=True):
            self.operator.put(f"/copies/{copy_id}/identification", json={"candidate_id": candidate["id"]})

    def _allocate(self, exam: str) -> list[threading.Event]:
        wanted = {"marker_ids": self.rng.sample(sorted(self.workload.markers), 2)}
        spread = self.admin.post(f"/exams/{exam}/allocation", json=wanted)["items"]
        return [self.workload.give(item["marker_id"], copy_id) for item in spread for copy_id in item["copy_ids"]]

    def _publish(self, exam: str) -> None:
        """The candidates read what was published."""
        published = self.admin.put(f"/exams/{exam}/publication")
        issued: list[JSON] = [{"code": None}]
        while any(access["code"] is None for access in issued):  # shown once: in an answer that was lost
            issued = self.operator.post(f"/exams/{exam}/access-codes", json={})["items"]
        seen = 0
        for access in issued:
            portal = Witness(self.admin.base, self.workload.history, "candidate")
            portal.sign_in_candidate(access["code"])
            for result in portal.get("/candidate/results")["items"]:
                portal.call("GET", f"/candidate/copies/{result['copy_id']}/final.pdf")
                seen += 1
        if seen != published["copies"]:
            raise AssertionError(f"{seen} of {published['copies']} published copies were seen")

    def _correct(self, exam: str, copy_id: str) -> None:
        """Withdraw, mark one copy again, publish."""
        self.admin.delete(f"/exams/{exam}/publication")
        again(self.admin, lambda: self.admin.post(f"/copies/{copy_id}/reopen", json={"reason": "Une page oubliée"}),
              lambda: self.admin.get(f"/copies/{copy_id}")["status"] == "READY")  # fmt: skip
        self.workload.give(self.admin.get(f"/copies/{copy_id}")["marker_id"], copy_id).wait()
        self.admin.put(f"/exams/{exam}/publication")

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + self.admin.patience_s
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"still waiting for: {what}")
            time.sleep(0.2)
