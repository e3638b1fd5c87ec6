"""How far a look has come, kept in a file, so that what is interrupted or bounded in time goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path

from oversight.report import Finding, Report


class Progress:
    """The last subject looked at of each kind, and what was found so far. Without a file it lives as long as it does.

    A pass that is complete leaves nothing: the next begins again.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._after: dict[str, str] = {}
        self._done: set[str] = set()
        self.report = Report()
        if file is not None and file.exists():
            kept = json.loads(file.read_text())
            self._after, self._done = kept["after"], set(kept["done"])
            self.report.checked.update(kept["checked"])
            self.report.findings = [Finding(*each) for each in kept["findings"]]
            self.report.notes = [Finding(*each) for each in kept["notes"]]

    def after(self, what: str, first: str) -> str | None:
        """Where to go on; ``None`` when all of it was looked at."""
        return None if what in self._done else self._after.get(what, first)

    def moved(self, what: str, after: str, *, done: bool) -> None:
        self._after[what] = after
        if done:
            self._done.add(what)
        self._keep()

    def finish(self) -> Report:
        """The report of the whole pass; the next one begins anew."""
        report, self.report = self.report, Report()
        self._after, self._done = {}, set()
        if self._file is not None:
            self._file.unlink(missing_ok=True)
        return report

    def _keep(self) -> None:
        if self._file is None:
            return
        kept = {
            "after": self._after,
            "done": sorted(self._done),
            "checked": self.report.checked,
            "findings": self.report.findings,
            "notes": self.report.notes,
        }
        fresh = self._file.with_name(self._file.name + ".new")
        fresh.write_text(json.dumps(kept))
        fresh.replace(self._file)
