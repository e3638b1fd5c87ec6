"""What a look found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

INVARIANTS = ("I1", "I2", "I3", "I4", "I5", "I6", "I7", "I9", "I10", "I13", "I14", "I15", "I16", "I17")
"""Those that can be looked at from outside; docs/reliability.md says what each is, and how the others are shown."""


class Finding(NamedTuple):
    """One invariant that does not hold for one subject; ``what`` is a plain sentence without personal data."""

    invariant: str
    service: str
    subject: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}  {self.service}  {self.subject}: {self.what}"


@dataclass
class Report:
    """Findings, each once, in the order they were made.

    Attributes:
        notes: what an operator may want to know and breaks nothing.
        checked: subjects looked at, by what they are (``grading.copies``).
        complete: everything was looked at; ``False`` when the time given was over first.
        seconds: what it took.
    """

    findings: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)
    complete: bool = True
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not self.findings

    def add(self, found: Iterable[Finding]) -> None:
        self.findings = list(dict.fromkeys([*self.findings, *found]))

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "findings": [each._asdict() for each in self.findings],
            "notes": [each._asdict() for each in self.notes],
            "checked": dict(self.checked),
        }

    def __str__(self) -> str:
        lines = [str(each) for each in self.findings]
        lines += [f"note: {each}" for each in self.notes]
        lines += [f"{count:>9} {what}" for what, count in sorted(self.checked.items())]
        verdict = f"{len(self.findings)} findings" if self.findings else "everything holds"
        if not self.complete:
            verdict += "; not everything was looked at, the rest comes next time"
        return "\n".join([*lines, f"{verdict} ({self.seconds:.1f} s)"])
