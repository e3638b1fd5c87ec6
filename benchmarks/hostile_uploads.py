"""What a plain upload costs while somebody keeps sending scans that break their reader, against the same in quiet.

    python -m benchmarks.hostile_uploads [--rounds 2] [--uploads 8]

Quiet and hostile blocks take turns in one run, on one system of real processes and servers. A plain upload is a scan
of one page, timed from the request to its 202, which says that a child has looked into it; the next is sent when its
pages are cut. In a hostile block a second person uploads, one after the other and without a pause, scans at which the
reader hangs, burns its processor, eats memory, segfaults, forks without end or writes without end: one fault in each
block. The children of this run catch it from marked files, since one real scan cannot do all that. Only the ratio means
something.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import requests

from demo import scans
from demo.client import ApiRefused, Client
from tests.faults.hostile_ingest import launch_ingest
from tests.faults.hostile_pixels import FAULTS, MARK
from tests.faults.meanwhile import Meanwhile
from tests.story.system import System
from tests.story.world import World, passing_world

_serial = itertools.count(1)


@dataclass
class Measured:
    """Seconds of each plain upload; ``hostile_answers`` counts (fault, status)."""

    quiet_s: list[float] = field(default_factory=list)
    hostile_s: list[float] = field(default_factory=list)
    hostile_answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    children_killed: int = 0

    @property
    def ratio(self) -> float:
        return p95(self.hostile_s) / p95(self.quiet_s)

    def figures(self) -> dict[str, Any]:
        return {
            "quiet_p95_ms": round(1000 * p95(self.quiet_s)), "hostile_p95_ms": round(1000 * p95(self.hostile_s)),
            "ratio": round(self.ratio, 2), "uploads_each": len(self.quiet_s),
            "hostile_uploads": sum(self.hostile_answers.values()), "children_killed": self.children_killed,
        }  # fmt: skip


def p95(seconds: list[float]) -> float:
    return sorted(seconds)[max(0, -(-len(seconds) * 95 // 100) - 1)]


def measure(world: World, rounds: int, uploads: int) -> Measured:
    """Replaces the world's ingest by the one whose children catch faults."""
    world.system.terminate("ingest")
    launch_ingest(world.system)
    admin = Client(world.system.base).sign_in("admin", world.admin_password)
    exam = {"title": "Dépôts", "date": "2026-05-12", "total_points": "20", "intake": "a4", "pages_per_booklet": 1}
    path = f"/exams/{admin.post('/exams', json=exam)['id']}/uploads"
    blocks = rounds * len(FAULTS)
    plain = [scans.a4_pile(scans.PUPILS[:1], pages=1, dpi=75, seed=seed) for seed in range(2 * blocks * (uploads + 1))]
    found = Measured()
    bad = scans.a4_pile(scans.PUPILS[:1], pages=1, dpi=75)
    for fault in list(FAULTS) * rounds:
        for _ in range(2):  # the children that replaced the killed ones import their libraries: not part of quiet
            upload(admin, path, plain.pop())
        found.quiet_s += [upload(admin, path, plain.pop()) for _ in range(uploads)]
        with _Hostile(world, path, bad, fault, found.hostile_answers):
            found.hostile_s += [upload(admin, path, plain.pop()) for _ in range(uploads)]
    found.children_killed = _children_killed(world.system)
    return found


def upload(client: Client, path: str, scan: bytes) -> float:
    started = time.monotonic()
    job = client.post(path, files={"file": ("scan.pdf", scan, "application/pdf")})
    seconds = time.monotonic() - started
    ended = client.wait(job)
    if ended["status"] != "succeeded":
        raise RuntimeError(f"a plain upload ended {ended}")
    return seconds


class _Hostile(Meanwhile):
    """Somebody with bad intentions and one connection."""

    def __init__(self, world: World, path: str, scan: bytes, fault: str, answers: Counter[tuple[str, int]]) -> None:
        self._client = Client(world.system.base).sign_in("admin", world.admin_password)
        self._path, self._scan, self._fault, self._answers = path, scan, fault, answers
        super().__init__([self._send], pause_s=0)

    def _send(self) -> None:
        scan = self._scan + MARK + self._fault.encode() + b"\n%" + str(next(_serial)).encode() + b"\n"
        try:
            self._client.post(self._path, files={"file": ("bad.pdf", scan, "application/pdf")})
            self._answers[self._fault, 202] += 1
        except ApiRefused as refused:
            self._answers[self._fault, refused.status] += 1


def _children_killed(system: System) -> int:
    text = requests.get(f"http://127.0.0.1:{system.internal['ingest']}/metrics", timeout=10).text
    lines = [line for line in text.splitlines() if line.startswith("korrigo_sandbox_kills_total{")]
    return round(sum(float(line.rsplit(" ", 1)[1]) for line in lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--uploads", type=int, default=8, help="plain uploads in each block")
    options = parser.parse_args()
    with passing_world("hostile") as world:
        measured = measure(world, options.rounds, options.uploads)
    print(json.dumps(measured.figures()))
    for (fault, status), count in sorted(measured.hostile_answers.items()):
        print(f"{fault:16} {status} x {count}")


if __name__ == "__main__":
    main()
