"""One campaign: the workload runs, faults happen, and when they are over the end is compared with what was promised."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from chassis.db import Database
from oversight.installation import Installation
from oversight.verify import verify
from tests.conftest import AUDIT_KEY
from tests.faults.figures import report
from tests.faults.real import end
from tests.faults.real.checking import TERMINAL, check
from tests.faults.real.history import History
from tests.faults.real.supervisor import Death
from tests.faults.real.violations import DOUBLED, LOST, MESSAGE_LOST, STUCK, WRONG, Violation
from tests.faults.real.workload import Workload
from tests.story.world import World

RECOVERY_S = 120.0


@dataclass
class Campaign:
    """``run`` returns what was violated; ``figures`` is what can be said about it."""

    name: str
    world: World
    seed: int = field(default_factory=lambda: int(os.environ.get("KORRIGO_SEED") or random.randrange(10**6)))
    deaths: list[Death] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)

    def run(self, faults: Callable[[Workload, random.Random], None]) -> list[Violation]:
        rng = random.Random(self.seed)
        world = self.world
        workload = Workload(world.system.base, world.admin_password, rng)
        workload.prepare()
        began = time.monotonic()
        workload.start()
        faults(workload, rng)
        quiet = time.monotonic()
        if not workload.finish(2 * RECOVERY_S):
            self.failures.append(f"{2 * RECOVERY_S:.0f} s after the last fault somebody still waits for an answer")
        waiting = end.wait_until_settled(world.databases, world.bus_url, RECOVERY_S)
        self.failures += [f"not settled: {each}" for each in waiting]
        settled = time.monotonic()
        slowest_s = slowest_job(workload.history, quiet)
        state = end.read(world, workload)
        violations = check(workload.history, state) + self.oversight_finds()
        if slowest_s > RECOVERY_S:
            violations.append(Violation(STUCK, f"a job was at its end only {slowest_s:.0f} s after the last fault"))
        self.figures["slowest job s"] = round(slowest_s, 1)
        violations += [Violation("failure", each) for each in (*self.failures, *workload.surprises)]
        self._tell(workload, violations, state, quiet - began, settled - quiet)
        return violations

    def oversight_finds(self) -> list[Violation]:
        """The project's own look at everything; nothing is on its way any more, so nothing is excused by its age."""
        databases = {name: Database(url, service=name) for name, url in self.world.databases.items()}
        try:
            found = verify(Installation(databases, self.world.objects, AUDIT_KEY), settled_after_s=0, deep=True)
        finally:
            for database in databases.values():
                database.close()
        return [Violation(WRONG, str(finding)) for finding in found.findings]

    def _tell(
        self, workload: Workload, violations: list[Violation], state: end.EndState, faults_s: float, settled_s: float
    ) -> None:
        kinds = Counter(each.kind for each in violations)
        confirmed = [row for row in state.rows["outbox"] if row["sent_at"] is not None]
        self.figures |= {
            "seed": self.seed,
            "kills": len(self.deaths),
            "seconds of faults": round(faults_s),
            "acknowledged writes": workload.acknowledged(),
            "retries": workload.history.retries,
            "copies graded": sum(copy["status"] == "GRADED" for copy in state.rows["copies"]),
            "lost": kinds[LOST],
            "doubled": kinds[DOUBLED],
            "violations": kinds.total(),
            "messages confirmed": len(confirmed),
            "messages lost": kinds[MESSAGE_LOST],
            "longest recovery s": round(max((death.back - death.at for death in self.deaths), default=0), 1),
            "quiet again after s": round(settled_s, 1),
            "longest wait with retries s": round(
                max(entry.ended - entry.sent for entry in workload.history.entries), 1
            ),
        }
        by_point = Counter(f"{death.service} {death.where}" for death in self.deaths)
        report(self.name, self.figures | {"kills by service and point": dict(sorted(by_point.items()))})
        for each in violations:
            print(f"  {each.kind}: {each.what}")


def slowest_job(history: History, quiet: float) -> float:
    """Seconds until whoever waited saw their job ended, from the last fault or, if later, from the request."""
    asked = {
        entry.answer["id"]: max(quiet, entry.ended)
        for path in ("/exams/*/uploads", "/copies/*/finalise")
        for entry, _ in history.acknowledged("POST", path)
    }
    waits = [
        entry.ended - asked.pop(job_id)
        for entry, job_id in history.acknowledged("GET", "/jobs/*")
        if entry.answer["status"] in TERMINAL and job_id in asked
    ]
    return max(waits, default=0.0)
