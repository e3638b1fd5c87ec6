"""One pile of paper from scan to candidate, as its people do it over HTTP."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import requests

from demo.client import JSON, ApiRefused, Client

SCHEME = [
    {"id": "a", "label": "Exercice 1", "children": [
        {"id": "a1", "label": "Question 1", "points": "2.5"},
        {"id": "a2", "label": "Question 2", "children": [
            {"id": "a2i", "label": "i", "points": "1.25"},
            {"id": "a2ii", "label": "ii", "points": "6.25"},
        ]},
    ]},
    {"id": "b", "label": "Exercice 2", "points": "10"},
]  # fmt: skip
MARKERS = ("marie.curie", "emile.borel")
PASSWORD = "quatre chevaux bleus 7"
HIGHLIGHT = {"x": 0.21, "y": 0.6, "w": 0.33, "h": 0.025}


class PatientClient(Client):
    """Does what a careful script does: waits while the system is away, and repeats with the same key.

    ``tries``: of the latest call; more than one when an answer was lost or was 503.
    """

    patience_s = 90.0
    pause_s = 0.3
    tries = 0

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = dict(options.pop("headers", None) or {})
        if method == "POST":
            headers.setdefault("Idempotency-Key", str(uuid.uuid4()))
        end = time.monotonic() + self.patience_s
        self.tries = 0
        while True:
            self.tries += 1
            try:
                return super().call(method, path, headers=headers, **options)
            except (*LOST, ApiRefused) as error:
                if not worth_asking_again(error) or time.monotonic() > end:
                    raise
            time.sleep(self.pause_s)


LOST = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
"""No answer, or not all of it: what was asked may have been done."""


def worth_asking_again(error: Exception) -> bool:
    """The same words with the same key may be answered later."""
    if isinstance(error, ApiRefused):
        return error.status == 503 or error.problem.get("code") == "gateway.idempotency_in_progress"
    return isinstance(error, LOST)


@dataclass
class Pile:
    """What is scanned and whose it is: ``ines`` in the order of the copies, None where nobody is known."""

    title: str
    intake: str
    pdf: bytes
    roster: bytes
    ines: list[str]


@dataclass
class Journey:
    """The steps in order; each may be run once. ``base`` is the gateway's address."""

    base: str
    pile: Pile
    exam: str = ""
    upload: str = ""
    copies: list[str] = field(default_factory=list)
    totals: dict[str, str] = field(default_factory=dict)
    markers: list[Client] = field(default_factory=list)

    def open(self, admin_password: str) -> None:
        """Sign in, create what the exam needs. Markers may exist from an earlier journey."""
        self.admin = PatientClient(self.base).sign_in("admin", admin_password)
        known = {user["username"] for user in self.admin.items("/users")}
        for name in MARKERS:
            if name not in known:
                self.admin.post("/users", json={"username": name, "password": PASSWORD, "role": "marker",
                                                "display_name": name.title()})  # fmt: skip
        self.markers = [PatientClient(self.base).sign_in(name, PASSWORD) for name in MARKERS]
        body = {"title": self.pile.title, "date": "2026-05-12", "total_points": "20", "intake": self.pile.intake,
                "pages_per_booklet": 4}  # fmt: skip
        self.exam = self.admin.post("/exams", json=body)["id"]
        self.admin.put(f"/exams/{self.exam}/scheme", json={"nodes": SCHEME})
        report = self.admin.post(
            f"/exams/{self.exam}/roster", files={"file": ("liste.csv", self.pile.roster, "text/csv")}
        )
        assert report["errors"] == []
        assert report["created"] > 0

    def start_upload(self) -> JSON:
        files = {"file": ("pile.pdf", self.pile.pdf, "application/pdf")}
        answer = self.admin.call("POST", f"/exams/{self.exam}/uploads", files=files)
        assert answer.status_code == 202
        return answer.json()

    def finish_upload(self, job: JSON) -> None:
        job = self.admin.wait(job)
        assert job["status"] == "succeeded", job
        upload = self.admin.items(f"/exams/{self.exam}/uploads")[0]
        self.upload = upload["id"]
        if upload["anomalies"]:  # full pages do not tell which way double sheets lie: somebody looks at one copy
            assert {each["code"] for each in upload["anomalies"]} == {"direction_unsure"}
            self.admin.post(f"/uploads/{self.upload}/confirm")

    def assemble(self) -> None:
        """All that is certain; the copies come in the order of the pile."""
        found = self.admin.items(f"/exams/{self.exam}/booklets")
        assert [b["doubts"] for b in found] == [[]] * len(self.pile.ines), "every booklet of the sample is certain"
        assembled = self.admin.post(f"/exams/{self.exam}/copies/assemble")
        assert assembled["left"] == []
        by_booklet = {b["id"]: b["copy_id"] for b in self.admin.items(f"/exams/{self.exam}/booklets")}
        self.copies = [by_booklet[b["id"]] for b in found]
        assert set(self.copies) == set(assembled["copy_ids"])
        until(lambda: self.admin.get(f"/exams/{self.exam}/copies")["total"] == len(self.copies), "copies in grading")

    def wait_for_readings(self) -> list[JSON]:
        """The queue once every header has been read or given up."""
        path = f"/exams/{self.exam}/identification"
        until(lambda: all(item["reading_outcome"] for item in self.admin.items(path)), "all headers read", 180)
        return self.admin.items(path)

    def identify(self) -> None:
        candidates = {c["ine"]: c["id"] for c in self.admin.items(f"/exams/{self.exam}/candidates")}
        for copy_id, ine in zip(self.copies, self.pile.ines, strict=True):
            self.admin.put(f"/copies/{copy_id}/identification", json={"candidate_id": candidates[ine]})

    def allocate(self) -> None:
        ids = [marker.user["id"] for marker in self.markers]
        spread = self.admin.post(f"/exams/{self.exam}/allocation", json={"marker_ids": ids})
        sizes = [len(item["copy_ids"]) for item in spread["items"]]
        assert max(sizes) - min(sizes) <= 1
        assert sum(sizes) == len(self.copies)

    def mark(self, marker: Client, copy_id: str) -> JSON:
        """Everything a marker does to one copy; returns the finalise job, still running."""
        lock = {"X-Lock-Token": marker.post(f"/copies/{copy_id}/lock")["token"]}
        draft = {"client_id": "desk-1", "version": 0, "payload": {"a1": "2", "note": "à revoir"}}
        assert marker.put(f"/copies/{copy_id}/draft", json=draft, headers=lock)["version"] == 1
        for annotation in (
            {"page": 2, "type": "highlight", **HIGHLIGHT},
            {"page": 1, "type": "comment", "x": 0.5, "y": 0.4, "w": 0.4, "h": 0.1, "content": "Très bien, l’œil !"},
        ):
            marker.post(f"/copies/{copy_id}/annotations", json=annotation, headers=lock)
        quarter = Decimal("0.25") * (self.copies.index(copy_id) % 9)
        scores = {"a1": "2.5", "a2i": "0.75", "a2ii": str(Decimal("3.5") + quarter), "b": "7"}
        body = {"scores": scores, "remarks": {"b": "Rédaction claire"}, "appraisal": "Bon travail."}
        saved = marker.put(f"/copies/{copy_id}/scores", json=body, headers=lock)
        assert Decimal(saved["total"]) == sum(map(Decimal, scores.values()))
        self.totals[copy_id] = saved["total"]
        return marker.post(f"/copies/{copy_id}/finalise", headers=lock)

    def mark_all(self) -> None:
        jobs = []
        for marker in self.markers:
            for copy in marker.items(f"/exams/{self.exam}/copies"):
                jobs.append((marker, self.mark(marker, copy["id"])))
        for marker, job in jobs:
            ended = marker.wait(job, timeout_s=180)
            assert ended["status"] == "succeeded", ended

    def publish(self) -> None:
        self.admin.put(f"/exams/{self.exam}/publication")

    def read_as_candidates(self) -> dict[str, JSON]:
        """What each candidate sees, by INE, with the bytes of their copy under ``pdf``."""
        ines = {c["id"]: c["ine"] for c in self.admin.items(f"/exams/{self.exam}/candidates")}
        seen = {}
        for access in self.admin.post(f"/exams/{self.exam}/access-codes")["items"]:
            ine = ines[access["candidate_id"]]
            if ine not in self.pile.ines:
                continue
            portal = PatientClient(self.base).sign_in_candidate(access["code"])
            result = next(r for r in portal.get("/candidate/results")["items"] if r["exam_id"] == self.exam)
            result["pdf"] = portal.call("GET", f"/candidate/copies/{result['copy_id']}/final.pdf").content
            seen[ine] = result
        return seen


def until(condition: Any, what: str, timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"still waiting for: {what}")
        time.sleep(0.2)
