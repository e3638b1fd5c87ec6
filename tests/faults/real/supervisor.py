"""Services that are started again the moment they die, each armed for the next moment of its plan."""

from __future__ import annotations

import random
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chassis.failpoints import ENVIRONMENT, Failpoint
from tests.story.system import SERVICES, System

_EVERYWHERE = (Failpoint.TRANSACTION_COMMITTING, Failpoint.TRANSACTION_COMMITTED)
_CALLED = (Failpoint.RPC_TAKEN, Failpoint.RPC_ANSWERING)
_HEARING = (
    Failpoint.MESSAGE_TAKEN, Failpoint.MESSAGE_EFFECTED, Failpoint.OUTBOX_PUBLISHING, Failpoint.OUTBOX_PUBLISHED,
)  # fmt: skip
_STORING = (Failpoint.OBJECT_STORING, Failpoint.OBJECT_STORED)

REACHES: Mapping[str, tuple[Failpoint, ...]] = {
    "gateway": (Failpoint.HTTP_TAKEN, Failpoint.HTTP_ANSWERING, Failpoint.RPC_HEARD, *_EVERYWHERE, *_STORING),
    "ingest": (*_CALLED, *_HEARING, *_EVERYWHERE, *_STORING, Failpoint.SANDBOX_ANSWERED),
    "ocr": (*_HEARING, *_EVERYWHERE, Failpoint.SANDBOX_ANSWERED),
    "grading": (*_CALLED, *_HEARING, *_EVERYWHERE, *_STORING),
    "render": (*_HEARING, *_EVERYWHERE, *_STORING, Failpoint.SANDBOX_ANSWERED),
}
"""Which moments each service comes to. A service without a line of code for one is not armed for it."""
COLLECTOR_REACHES = (Failpoint.OBJECT_DELETING,)
"""No service deletes objects; see test_collector.py."""

# So many passes at most before the kill: about three seconds of the workload.
_PASSES: Mapping[tuple[str, Failpoint], int] = {
    ("gateway", Failpoint.HTTP_TAKEN): 100,
    ("gateway", Failpoint.HTTP_ANSWERING): 100,
    ("gateway", Failpoint.RPC_HEARD): 100,
    ("gateway", Failpoint.TRANSACTION_COMMITTING): 60,
    ("gateway", Failpoint.TRANSACTION_COMMITTED): 60,
    ("ingest", Failpoint.RPC_TAKEN): 10,
    ("ingest", Failpoint.RPC_ANSWERING): 10,
    ("grading", Failpoint.RPC_TAKEN): 80,
    ("grading", Failpoint.RPC_ANSWERING): 80,
    ("grading", Failpoint.TRANSACTION_COMMITTING): 40,
    ("grading", Failpoint.TRANSACTION_COMMITTED): 40,
}
_FEW = 2
_LAST_CHANCE = 1


@dataclass(frozen=True)
class Arm:
    """The next death: at ``point``, the ``passes``-th time."""

    point: Failpoint
    passes: int

    def __str__(self) -> str:
        return f"{self.point}:{self.passes}"


ANYWHERE = "anywhere"


@dataclass
class Death:
    """Where it happened: a failpoint, or ``ANYWHERE``. ``at`` and ``back`` (ready again) are monotonic seconds."""

    service: str
    where: str
    at: float
    back: float = 0.0


def plans(kills: int, rng: random.Random) -> dict[str, list[Arm]]:
    """``kills`` deaths spread evenly over every service and every point that it comes to, in random order."""
    pairs: list[tuple[str, Failpoint]] = []
    while len(pairs) < kills:
        everything = [(service, point) for service, points in REACHES.items() for point in points]
        pairs += rng.sample(everything, min(len(everything), kills - len(pairs)))
    found: dict[str, list[Arm]] = {service: [] for service in SERVICES}
    for service, point in pairs:
        found[service].append(Arm(point, rng.randint(1, _PASSES.get((service, point), _FEW))))
    return found


class Supervisor:
    """Keeps the services of ``system`` alive, each with a thread of its own, until every plan is carried out.

    The services run when this begins and run, unarmed, when it ends. Where a point does not come in time, the service
    is killed wherever it happens to be, and the point gets a second chance at the end.
    """

    _PATIENCE_S = 30.0

    def __init__(self, system: System, planned: Mapping[str, Iterable[Arm]]) -> None:
        self._system = system
        self._plans = {name: tuple(arms) for name, arms in planned.items()}
        self.deaths: list[Death] = []
        self.failures: list[str] = []

    def run(self) -> None:
        """Returns when everything planned has happened and all services are ready."""
        threads = [
            threading.Thread(target=self._keep, args=item, name=f"keep-{item[0]}") for item in self._plans.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _keep(self, name: str, plan: tuple[Arm, ...]) -> None:
        if not plan:
            return
        down = [self._kill(name, ANYWHERE)]
        left = deque(plan)
        while left:
            arm = left.popleft()
            process = self._system.launch(name, **{ENVIRONMENT: str(arm)})
            self._wait_ready(name, down)
            try:
                status = process.wait(self._PATIENCE_S)
            except subprocess.TimeoutExpired:
                down.append(self._kill(name, ANYWHERE))
                if arm.passes != _LAST_CHANCE:
                    left.append(Arm(arm.point, _LAST_CHANCE))
                continue
            if status != -signal.SIGKILL:
                self.failures.append(f"{name}, armed for {arm}, ended with status {status}")
            down.append(self._kill(name, arm.point))
        self._system.launch(name)
        self._wait_ready(name, down)
        if down:
            self.failures.append(f"{name} did not come back: {self._system.log(name)[-1000:]}")

    def _kill(self, name: str, where: str) -> Death:
        """Whatever is left of the service goes too."""
        death = Death(name, where, time.monotonic())
        self._system.kill(name)
        self.deaths.append(death)
        return death

    def _wait_ready(self, name: str, down: list[Death]) -> None:
        """Close the deaths in ``down``, unless the service dies again before it is ready: then they stay open."""
        try:
            self._system.wait_ready(name)
        except RuntimeError:
            return
        for death in down:
            death.back = time.monotonic()
        down.clear()
