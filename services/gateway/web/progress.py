"""How far an exam is, told in steps and in shares. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from contracts.rpc.grading.copies import CopyStatus
from contracts.rpc.grading.exams import ExamView, Progress
from contracts.rpc.ingest import ExamPaper

# From what is finished to what waits: a bar reads from the left.
ORDER = (
    CopyStatus.GRADED,
    CopyStatus.GRADING_IN_PROGRESS,
    CopyStatus.GRADING_FAILED,
    CopyStatus.LOCKED,
    CopyStatus.READY,
)


@dataclass(frozen=True)
class Segment:
    """A part of a bar that is 100 wide."""

    status: CopyStatus
    count: int
    start: float
    width: float


def segments(progress: Progress) -> list[Segment]:
    """Non-empty states of the copies, as parts of one bar."""
    found, start = [], 0.0
    for status in ORDER:
        count = progress.by_status.get(status.value, 0)
        if count and progress.copies:
            width = 100 * count / progress.copies
            found.append(Segment(status, count, round(start, 3), round(width, 3)))
            start += width
    return found


class StepName(StrEnum):
    SCHEME = "scheme"
    ROSTER = "roster"
    SCANS = "scans"
    STAGING = "staging"
    IDENTIFICATION = "identification"
    ALLOCATION = "allocation"
    MARKING = "copies"
    PUBLICATION = "publication"

    @property
    def page(self) -> str:
        """Below the exam's address."""
        return "scans?view=desk" if self is StepName.STAGING else self.value


@dataclass(frozen=True)
class Step:
    """``count`` of ``total`` where a step is counted. ``next``: the first that is not done."""

    name: StepName
    done: bool
    next: bool
    count: int
    total: int

    @property
    def share(self) -> int:
        """In percent."""
        return 100 if self.done else round(100 * self.count / self.total) if self.total else 0


def steps(exam: ExamView, paper: ExamPaper | None) -> list[Step]:
    """The way of an exam from its scheme to its results. ``paper``: what ingest has of it, null when it has none."""
    progress = exam.progress
    copies, graded = progress.copies, progress.by_status.get(CopyStatus.GRADED.value, 0)
    waiting = paper.staged if paper else 0
    uploads, reading = (paper.uploads, paper.reading) if paper else (0, 0)
    told = [
        (StepName.SCHEME, exam.scheme_version > 0, 0, 0),
        (StepName.ROSTER, exam.candidates > 0, exam.candidates, 0),
        (StepName.SCANS, (copies > 0 or uploads > 0) and not reading, uploads, 0),
        (StepName.STAGING, copies > 0 and not waiting, copies, copies + waiting),
        (StepName.IDENTIFICATION, 0 < copies == progress.identified, progress.identified, copies),
        (StepName.ALLOCATION, 0 < copies == progress.allocated, progress.allocated, copies),
        (StepName.MARKING, 0 < copies == graded, graded, copies),
        (StepName.PUBLICATION, exam.published_at is not None, 0, 0),
    ]
    first = next((name for name, done, _, _ in told if not done), None)
    return [Step(name, done, name is first, count, total) for name, done, count, total in told]
