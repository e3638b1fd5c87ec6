"""The scan acceptance report, pure: what is wrong with the paper of an exam before anyone marks it.

A finding has a code; its words are the gateway's (``report.*`` and ``doubt.*`` in its catalogues). Whatever somebody
dropped or set aside is settled and gives none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final, Literal
from uuid import UUID

Severity = Literal["error", "warning", "info"]

# Doubts that only another scan of the sheet settles. All others a person settles by looking.
RESCAN: Final = frozenset({"side_missing", "odd_sides", "image_damaged", "short_booklet"})

# Shares of what the child measures, 0 to 1. Of pages printed in letters of 3.5 and 5 mm and blurred more and more, a
# recogniser read as much as of sharp ones up to a blur of 0.48, a quarter and less at 0.54 and 0.63, and not a word
# from 0.72 on.
BLURRED: Final = 0.5
UNREADABLE: Final = 0.7
SHOWS_THROUGH: Final = 0.5  # the middle of its scale, not measured
SKEWED_DEG: Final = 1.8
"""Degrees, either way. The child measures 2 at most and says 1.6 to 2.2 of whatever is tilted more; to 3 a header is
still found, from 4 on it is not."""

# Of a sheet: A4 has two faces, A3 folded has four.
_SHARE: Final = {"whole": 1 / 2, "left": 1 / 4, "right": 1 / 4}
_HALVES: Final = ("whole", "left", "right")


@dataclass(frozen=True)
class Upload:
    """``pages`` and ``sides_done`` as they were counted when the sides were cut; ``doubts``: codes about all of it."""

    id: UUID
    status: str
    sides: int
    sides_done: int
    pages: int
    doubts: Sequence[str] = ()


@dataclass(frozen=True)
class Page:
    """``features``: what the child says of a face beyond its columns; each may be missing."""

    id: UUID
    upload_id: UUID
    side_no: int
    half: str
    booklet_id: UUID | None
    place: int | None
    dropped: bool
    features: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Booklet:
    """``doubts``: code and, where known, side of what is not settled."""

    id: UUID
    upload_id: UUID
    first_side: int
    copy_id: UUID | None
    set_aside: bool
    doubts: Sequence[tuple[str, int | None]] = ()


@dataclass(frozen=True)
class Expected:
    """What somebody counted on the desk; ``None``: nobody did."""

    copies: int | None = None
    sheets_per_copy: int | None = None


@dataclass(frozen=True)
class Finding:
    """One thing to know about one place; ``page_id`` is the page to look at."""

    code: str
    severity: Severity
    upload_id: UUID | None = None
    side_no: int | None = None
    half: str | None = None
    booklet_id: UUID | None = None
    copy_id: UUID | None = None
    page_id: UUID | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, ...]:
        """Order of a report: the exam, then upload by upload, side by side. No two findings have the same."""
        half = str(_HALVES.index(self.half)) if self.half else ""
        side = "" if self.side_no is None else f"{self.side_no:06}"
        return str(self.upload_id or ""), side, half, self.code, str(self.booklet_id or "")


@dataclass(frozen=True)
class Conservation:
    """Where the pages are that were cut out of complete uploads (invariant I13). Each is counted in one place."""

    originals: int
    in_copies: int
    in_staging: int
    set_aside: int
    dropped: int

    @property
    def holds(self) -> bool:
        return self.originals == self.in_copies + self.in_staging + self.set_aside + self.dropped


def conservation(uploads: Iterable[Upload], pages: Iterable[Page], booklets: Iterable[Booklet]) -> Conservation:
    """Pages as counted when they were cut, against where they are now."""
    whole = {upload.id: upload for upload in uploads if upload.status == "ready"}
    groups = {booklet.id: booklet for booklet in booklets}
    counts = {"in_copies": 0, "in_staging": 0, "set_aside": 0, "dropped": 0}
    for page in pages:
        booklet = groups.get(page.booklet_id) if page.booklet_id else None
        if page.upload_id not in whole or booklet is None:
            continue
        if page.dropped:
            counts["dropped"] += 1
        elif booklet.copy_id is not None:
            counts["in_copies"] += 1
        else:
            counts["set_aside" if booklet.set_aside else "in_staging"] += 1
    return Conservation(originals=sum(upload.pages for upload in whole.values()), **counts)


def findings(
    uploads: Sequence[Upload], pages: Sequence[Page], booklets: Sequence[Booklet], expected: Expected
) -> list[Finding]:
    """All findings, in their order."""
    paper: dict[UUID, list[Page]] = defaultdict(list)
    for page in pages:
        if page.booklet_id is not None:
            paper[page.booklet_id].append(page)
    for group in paper.values():
        group.sort(key=lambda page: page.place or 0)
    told = {(upload.id, code, None) for upload in uploads for code in upload.doubts}
    standing = [booklet for booklet in booklets if not booklet.set_aside and paper[booklet.id]]
    found = [
        *_of_uploads(uploads),
        *_of_pile(standing, expected),
        *(each for booklet in standing for each in _of_booklet(booklet, paper[booklet.id], told)),
        *_of_sheets(standing, paper, expected),
    ]
    return [by_key for _, by_key in sorted({each.key: each for each in reversed(found)}.items())]


def _of_uploads(uploads: Iterable[Upload]) -> Iterator[Finding]:
    for upload in uploads:
        for code in upload.doubts:
            yield Finding(code, "warning", upload.id)
        if upload.status == "failed":
            yield Finding("upload_failed", "error", upload.id)
        elif upload.status == "cancelled":
            yield Finding("upload_cancelled", "info", upload.id)
        elif upload.status == "splitting":
            details = {"done": upload.sides_done, "sides": upload.sides}
            yield Finding("upload_unfinished", "warning", upload.id, details=details)


def _of_pile(standing: Sequence[Booklet], expected: Expected) -> Iterator[Finding]:
    """A booklet that is not assembled yet counts as the copy it will be."""
    copies = len({booklet.copy_id or booklet.id for booklet in standing})
    if expected.copies is not None and copies != expected.copies:
        fewer = copies < expected.copies
        details = {"copies": copies, "expected": expected.copies}
        yield Finding("copies_missing" if fewer else "copies_extra", "error" if fewer else "warning", details=details)


def _of_sheets(
    standing: Sequence[Booklet], paper: Mapping[UUID, Sequence[Page]], expected: Expected
) -> Iterator[Finding]:
    """Faces that were dropped are faces of a sheet all the same. More sheets than expected are no fault."""
    if expected.sheets_per_copy is None:
        return
    copies: dict[UUID, list[Booklet]] = defaultdict(list)
    for booklet in standing:
        copies[booklet.copy_id or booklet.id].append(booklet)
    for group in copies.values():
        sheets = ceil(sum(_SHARE[page.half] for booklet in group for page in paper[booklet.id]))
        if sheets != expected.sheets_per_copy:
            fewer = sheets < expected.sheets_per_copy
            yield _at(
                group[0],
                paper[group[0].id][0],
                "sheets_missing" if fewer else "sheets_extra",
                "error" if fewer else "info",
                {"sheets": sheets, "expected": expected.sheets_per_copy},
            )


def _of_booklet(
    booklet: Booklet, pages: Sequence[Page], told: Collection[tuple[UUID, str, int | None]]
) -> Iterator[Finding]:
    """``told``: what is doubtful about a whole upload is so about each of its booklets, and is said once."""
    for code, side_no in booklet.doubts:
        if (booklet.upload_id, code, side_no) in told:
            continue
        seen = next((page for page in pages if page.side_no == side_no), pages[0])
        # The side is what the doubt is about, and no half of it.
        where = Page(seen.id, booklet.upload_id, side_no or seen.side_no, "", booklet.id, None, dropped=False)
        yield _at(booklet, where, code, "error" if code in RESCAN else "warning", {})
    for page in pages:
        if not page.dropped:
            for code, severity, details in _of_page(page.features):
                yield _at(booklet, page, code, severity, details)


def _of_page(features: Mapping[str, Any]) -> Iterator[tuple[str, Severity, dict[str, Any]]]:
    if features.get("clipped"):
        yield "page_clipped", "error", {"edges": list(features["clipped"])}
    blur = features.get("blur") or 0
    if blur >= UNREADABLE:
        yield "page_unreadable", "error", {}
    elif blur >= BLURRED:
        yield "page_blurred", "warning", {}
    skew = features.get("skew_deg") or 0
    if abs(skew) >= SKEWED_DEG:
        yield "page_skewed", "warning", {"degrees": round(abs(skew))}
    if (features.get("bleed") or 0) >= SHOWS_THROUGH:
        yield "page_shows_through", "warning", {}
    if features.get("blank_unsure"):
        yield "page_blank_unsure", "warning", {}


def _at(booklet: Booklet, page: Page, code: str, severity: Severity, details: Mapping[str, Any]) -> Finding:
    return Finding(
        code,
        severity,
        page.upload_id,
        page.side_no,
        page.half or None,
        booklet.id,
        booklet.copy_id,
        page.id,
        details,
    )
