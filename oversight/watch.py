"""Looks at everything again and again, collects garbage, and counts both for Prometheus."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from chassis import health, metrics, observe
from contracts.errors import Unavailable
from oversight.garbage import Collected, collect, restore
from oversight.installation import Installation
from oversight.report import INVARIANTS, Report
from oversight.settings import Settings
from oversight.verify import verify

SETTLED_AFTER_S = 900.0
UNENDED_AFTER_S = 3600.0

T = TypeVar("T")

log = observe.logger("oversight.watch")


class Watch:
    """``run`` until ``stop``. What cannot be reached is tried again at the next turn; nothing ends the watch."""

    def __init__(self, installation: Installation, settings: Settings) -> None:
        self._installation, self._settings = installation, settings
        self._stopped = threading.Event()
        self._collected_at = -float("inf")

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        while not self._stopped.is_set():
            self.turn()
            self._stopped.wait(self._settings.verify_every_s)

    def turn(self) -> None:
        """One look, and what it calls for."""
        report = self._survive(self._look)
        if report is not None and any("is not in the store" in finding.what for finding in report.findings):
            self._survive(lambda: restore(self._installation))  # if it is in the bin, it need not wait for tomorrow
        if time.monotonic() - self._collected_at >= self._settings.collect_every_s:
            collected = self._survive(self._collect)
            if collected is not None:
                self._collected_at = time.monotonic()

    def _look(self) -> Report:
        report = verify(self._installation, settled_after_s=SETTLED_AFTER_S, unended_after_s=UNENDED_AFTER_S)
        for finding in report.findings:
            log.error(
                "invariant_broken",
                code=finding.invariant,
                service=finding.service,
                subject=finding.subject,
                reason=finding.what,
            )
        broken = Counter(finding.invariant for finding in report.findings)
        for invariant in INVARIANTS:
            metrics.INVARIANT_FINDINGS.labels(invariant).set(broken[invariant])
        metrics.VERIFY_SECONDS.set(report.seconds)
        metrics.VERIFY_LAST_SUCCESS.set_to_current_time()
        log.info("verified", findings=len(report.findings), notes=len(report.notes), seconds=round(report.seconds, 3))
        return report

    def _collect(self) -> Collected:
        done = collect(self._installation, grace=timedelta(hours=self._settings.grace_hours))
        moved = done.moved.values()
        metrics.GARBAGE_BYTES.inc(sum(amount.bytes for amount in moved))
        metrics.GARBAGE_OBJECTS.set(done.in_bin.objects)
        log.info("garbage_collected", moved=sum(amount.objects for amount in moved), in_bin=done.in_bin.objects)
        return done

    def _survive(self, act: Callable[[], T]) -> T | None:
        try:
            return act()
        except Unavailable as error:
            log.warning("watch_waits", dependency=error.dependency)
        except Exception as error:
            observe.report_defect("watch_failed", error)
        return None


def checks(installation: Installation) -> dict[str, health.Check]:
    """What the watch needs to do its work."""
    return {name: database.ping for name, database in installation.databases.items()} | {
        "object_store": installation.objects.ping
    }
