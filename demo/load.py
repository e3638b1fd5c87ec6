"""Fill a fresh installation with two exams, through the API alone, as its users would.

    python -m demo.load http://127.0.0.1:8080 var/demo-accounts.json

One exam is ready to be marked; the other is marked and published, and its candidates' access codes are added to the
accounts file. Does nothing when there is an exam already.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from demo import scans
from demo.client import Client

SCHEME: list[dict[str, Any]] = [
    {
        "id": "ex1",
        "label": "Exercice 1",
        "children": [
            {"id": "ex1.1", "label": "1. Dérivée", "points": "3"},
            {"id": "ex1.2", "label": "2. Variations", "points": "3"},
            {"id": "ex1.3", "label": "3. Limite", "points": "2"},
        ],
    },
    {
        "id": "ex2",
        "label": "Exercice 2",
        "children": [
            {"id": "ex2.1", "label": "1. Initialisation", "points": "2"},
            {"id": "ex2.2", "label": "2. Hérédité", "points": "4"},
        ],
    },
    {"id": "ex3", "label": "Exercice 3", "points": "6"},
]


def load(base: str, accounts_file: Path) -> None:
    """Create both exams; ``accounts_file`` lists ``{username, password, role}`` of accounts that exist."""
    accounts = json.loads(accounts_file.read_text())
    by_name = {account["username"]: account for account in accounts}
    admin = _signed_in(base, by_name["admin"])
    if admin.get("/exams")["total"]:
        return
    markers = [_signed_in(base, account) for account in accounts if account["role"] == "marker"]
    published = prepare(admin, markers, "Devoir surveillé n° 1", "a4", scans.PUPILS[:3])
    codes = mark_and_publish(admin, markers, published)
    prepare(admin, markers, "Bac blanc de mathématiques", "a3", scans.PUPILS)
    accounts += [{"username": name, "password": code, "role": "candidate"} for name, code in codes]
    write_private(accounts_file, json.dumps(accounts, indent=1, ensure_ascii=False) + "\n")


def prepare(admin: Client, markers: list[Client], title: str, intake: str, pupils: tuple[scans.Pupil, ...]) -> str:
    """One exam from its creation to allocated copies; returns its id."""
    pile = scans.a3_pile(pupils) if intake == "a3" else scans.a4_pile(pupils)
    exam: str = admin.post(
        "/exams",
        json={"title": title, "date": "2026-05-12", "total_points": "20", "intake": intake, "pages_per_booklet": 4},
    )["id"]
    admin.put(f"/exams/{exam}/scheme", json={"nodes": SCHEME})
    admin.post(f"/exams/{exam}/roster", files={"file": ("liste.csv", scans.roster_csv(), "text/csv")})
    job = admin.post(f"/exams/{exam}/uploads", files={"file": ("pile.pdf", pile, "application/pdf")})
    job = admin.wait(job)
    if job["status"] != "succeeded":
        raise RuntimeError(f"the demo's scan was not read: {job['error']}")
    for upload in admin.items(f"/exams/{exam}/uploads"):  # full pages do not tell which way double sheets lie
        admin.post(f"/uploads/{upload['id']}/confirm")
    booklets = admin.items(f"/exams/{exam}/booklets")
    copy_ids = [
        admin.post(f"/exams/{exam}/copies", json={"booklet_ids": [booklet["id"]]})["copy_ids"][0]
        for booklet in booklets
    ]
    _until_known(admin, exam, len(copy_ids))
    candidates = {candidate["ine"]: candidate["id"] for candidate in admin.items(f"/exams/{exam}/candidates")}
    for copy_id, pupil in zip(copy_ids, pupils, strict=True):
        admin.put(f"/copies/{copy_id}/identification", json={"candidate_id": candidates[pupil.ine]})
    admin.post(f"/exams/{exam}/allocation", json={"marker_ids": [marker.user["id"] for marker in markers]})
    return exam


def mark_and_publish(admin: Client, markers: list[Client], exam: str) -> list[tuple[str, str]]:
    """Mark every copy, publish, and return each present candidate's name and access code."""
    for marker in markers:
        for copy in marker.items(f"/exams/{exam}/copies"):
            mark(marker, copy["id"])
    admin.put(f"/exams/{exam}/publication")
    present = {item["candidate_id"] for item in admin.items(f"/exams/{exam}/copies")}
    codes = admin.post(f"/exams/{exam}/access-codes")["items"]
    return [(f"{c['first_name']} {c['last_name']}", c["code"]) for c in codes if c["candidate_id"] in present]


def mark(marker: Client, copy_id: str) -> None:
    """Lock, score, annotate and finalise one copy; waits for its PDF."""
    lock = {"X-Lock-Token": marker.post(f"/copies/{copy_id}/lock")["token"]}
    scores = {"ex1.1": "2.5", "ex1.2": "3", "ex1.3": "1", "ex2.1": "2", "ex2.2": "2.75", "ex3": "4.5"}
    remarks = {"ex2.2": "L’hypothèse de récurrence n’est pas énoncée."}
    marks: list[dict[str, Any]] = [
        {"page": 1, "type": "tick", "x": 0.08, "y": 0.30, "w": 0.05, "h": 0.035, "item_id": "ex1.1"},
        {
            "page": 1,
            "type": "comment",
            "x": 0.55,
            "y": 0.42,
            "w": 0.38,
            "h": 0.08,
            "content": "Justifier le signe de la dérivée.",
            "score_delta": "-0.5",
            "item_id": "ex1.1",
        },
        {"page": 2, "type": "highlight", "x": 0.14, "y": 0.2, "w": 0.5, "h": 0.03},
    ]
    for annotation in marks:
        marker.post(f"/copies/{copy_id}/annotations", json=annotation, headers=lock)
    body = {"scores": scores, "remarks": remarks, "appraisal": "Ensemble sérieux : soignez la rédaction."}
    marker.put(f"/copies/{copy_id}/scores", json=body, headers=lock)
    job = marker.wait(marker.post(f"/copies/{copy_id}/finalise", headers=lock))
    if job["status"] != "succeeded":
        raise RuntimeError(f"a demo copy was not finalised: {job['error']}")


def write_private(path: Path, text: str) -> None:
    """Replace ``path`` in one step, readable by its owner only."""
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    part.replace(path)


def _signed_in(base: str, account: dict[str, str]) -> Client:
    return Client(base).sign_in(account["username"], account["password"])


def _until_known(admin: Client, exam: str, copies: int, *, timeout_s: float = 30) -> None:
    """Assembled copies reach grading by a message: wait until all are there."""
    end = time.monotonic() + timeout_s
    while (known := admin.get(f"/exams/{exam}/copies")["total"]) < copies:
        if time.monotonic() > end:
            raise TimeoutError(f"{copies} copies were assembled, grading knows {known}")
        time.sleep(0.1)


if __name__ == "__main__":
    load(sys.argv[1], Path(sys.argv[2]))
