"""What a marker does to one copy, in two windows at once, whatever fails meanwhile."""

from __future__ import annotations

import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from demo.client import JSON, ApiRefused
from tests.faults.real.history import Witness

SCHEME = [
    {"id": "a", "label": "Exercice 1", "children": [
        {"id": "a1", "label": "Question 1", "points": "2.5"},
        {"id": "a2", "label": "Question 2", "points": "7.5"},
    ]},
    {"id": "b", "label": "Exercice 2", "points": "10"},
]  # fmt: skip
PLACE = {"x": 0.2, "y": 0.3, "w": 0.25, "h": 0.05}


class Marker:
    """One person with two windows, ``desk`` and ``tablet``, which do not talk to each other."""

    def __init__(self, desk: Witness, tablet: Witness, rng: random.Random) -> None:
        self.desk, self.tablet, self.rng = desk, tablet, rng

    def mark(self, copy_id: str) -> JSON:
        """From the lock to the end of the finalise job, which is returned."""
        lock = self._lock(copy_id)
        with ThreadPoolExecutor(1) as other:
            elsewhere = other.submit(self._autosave, self.tablet, "tablet", copy_id, lock, 1)
            self._autosave(self.desk, "desk", copy_id, lock, 2)
            elsewhere.result()
        if self.rng.random() < 0.3:  # a new session: now the tablet may go on where the desk was
            self.desk.delete(f"/copies/{copy_id}/lock", headers=lock)
            lock = self._lock(copy_id)
            self._autosave(self.tablet, "tablet", copy_id, lock, 1)
        self.desk.post(f"/copies/{copy_id}/lock/heartbeat", headers=lock)
        self._annotate(copy_id, lock)
        self._score(copy_id, lock)
        self._score(copy_id, lock)
        job = self.desk.post(f"/copies/{copy_id}/finalise", headers=lock)
        return self.desk.wait(job, timeout_s=self.desk.patience_s)

    def _lock(self, copy_id: str) -> JSON:
        return {"X-Lock-Token": self.desk.post(f"/copies/{copy_id}/lock")["token"]}

    def _autosave(self, window: Witness, name: str, copy_id: str, lock: JSON, saves: int) -> None:
        """Each save says what it is based on; a conflict is answered by reading, and by saving what was merged."""
        path = f"/copies/{copy_id}/draft"
        version = window.get(path)["version"]
        for _ in range(saves):
            payload = {"a1": "2", "note": f"à revoir {uuid.uuid4()}"}
            draft = {"client_id": name, "version": version, "payload": payload}
            try:
                version = window.put(path, json=draft, headers=lock)["version"]
            except ApiRefused as refused:
                if refused.problem["code"] != "grading.draft_conflict":
                    raise
                version = window.get(path)["version"]

    def _annotate(self, copy_id: str, lock: JSON) -> None:
        made = []
        for kind in ("comment", "highlight"):
            note: JSON = {"page": 1, "type": kind, "content": f"note {uuid.uuid4()}", **PLACE}
            made.append(self.desk.post(f"/copies/{copy_id}/annotations", json=note, headers=lock))
        changed, removed = made
        path = f"/annotations/{changed['id']}"
        change: JSON = {"version": changed["version"], "content": f"note {uuid.uuid4()}"}
        again(self.desk, lambda: self.desk.patch(path, json=change, headers=lock),
              lambda: change["content"] in [each["content"] for each in self._annotations(copy_id)])  # fmt: skip
        path = f"/annotations/{removed['id']}"
        again(self.desk, lambda: self.desk.delete(path, params={"version": removed["version"]}, headers=lock),
              lambda: removed["id"] not in [each["id"] for each in self._annotations(copy_id)])  # fmt: skip

    def _annotations(self, copy_id: str) -> list[JSON]:
        items: list[JSON] = self.desk.get(f"/copies/{copy_id}/annotations")["items"]
        return items

    def _score(self, copy_id: str, lock: JSON) -> None:
        path = f"/copies/{copy_id}/scores"
        scores = {"a1": "2.5", "a2": f"{self.rng.randint(0, 30) / 4:g}", "b": f"{self.rng.randint(0, 40) / 4:g}"}
        body: JSON = {"scores": scores, "appraisal": f"Bon travail. {uuid.uuid4()}"}
        body["version"] = self.desk.get(path)["version"]
        again(self.desk, lambda: self.desk.put(path, json=body, headers=lock),
              lambda: self.desk.get(path)["appraisal"] == body["appraisal"])  # fmt: skip


def again(client: Witness, act: Any, found: Any) -> Any:
    """``act``; when it is refused after an answer was lost, ``found`` says whether the lost try did it."""
    try:
        return act()
    except ApiRefused:
        if client.tries == 1 or not found():
            raise
        return None
