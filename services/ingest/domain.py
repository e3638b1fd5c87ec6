"""Staging, pure: everything can be undone until a copy is assembled, and no page is ever lost or doubled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from contracts.errors.ingest import (
    BookletFrozen,
    BookletSetAside,
    CannotInsertThere,
    CannotSplitThere,
    NoPageLeft,
    PageNotThere,
    PagesNotConserved,
    VersionConflict,
)
from contracts.records.pages import Box

Turn = Literal[0, 90, 180, 270]


def chunks(sides: Iterable[int], size: int) -> list[tuple[int, int]]:
    """First and last of each run of at most ``size`` sides; ``sides`` grow."""
    found: list[tuple[int, int]] = []
    for side in sides:
        if found and side == found[-1][1] + 1 and side - found[-1][0] < size:
            found[-1] = (found[-1][0], side)
        else:
            found.append((side, side))
    return found


@dataclass(frozen=True)
class StagedPage:
    """A page's place in its booklet is its place in the list. ``turn_deg``: what a person added, clockwise."""

    id: UUID
    turn_deg: Turn = 0
    dropped: bool = False


@dataclass(frozen=True)
class Booklet:
    """A group of pages in staging; ``copy_id`` freezes it. ``confidence`` is the machine's, until a person was there.

    Without pages it is gone for everybody, but keeps its place in the pile: undoing may fill it again.
    """

    id: UUID
    exam_id: UUID
    version: int
    pages: tuple[StagedPage, ...]
    set_aside: bool = False
    copy_id: UUID | None = None
    confidence: float | None = None

    def at_version(self, version: int) -> Booklet:
        """Raises: VersionConflict: somebody changed it since."""
        if self.version != version:
            raise VersionConflict(version=self.version)
        return self

    def unfrozen(self) -> Booklet:
        if self.copy_id is not None:
            raise BookletFrozen(booklet_id=str(self.id))
        return self

    def editable(self) -> Booklet:
        """Raises: BookletFrozen, BookletSetAside."""
        if self.unfrozen().set_aside:
            raise BookletSetAside(booklet_id=str(self.id))
        return self

    def arranged(self, pages: Sequence[StagedPage]) -> Booklet:
        """The same pages in another order, turned or dropped."""
        conserve((page.id for page in self.pages), (page.id for page in pages))
        return replace(self, pages=tuple(pages))

    def split(self, before_page: int, new_id: UUID) -> tuple[Booklet, Booklet]:
        """``before_page`` (from 2) becomes the first page of the second booklet."""
        if not 2 <= before_page <= len(self.pages):
            raise CannotSplitThere(before_page=before_page, pages=len(self.pages))
        head = replace(self, pages=self.pages[: before_page - 1])
        tail = replace(self, id=new_id, version=1, pages=self.pages[before_page - 1 :])
        return head, tail

    def insert(self, before_page: int | None, source: Booklet, taken: Sequence[UUID]) -> tuple[Booklet, Booklet]:
        """Pages of ``source``, in the order named, before a page (from 1; ``None``: behind the last) of this booklet.

        ``taken`` are page ids of ``source``; none means all of them.

        Returns:
            This booklet, and what is left of ``source``, perhaps nothing.

        Raises:
            CannotInsertThere, PageNotThere.
        """
        at = len(self.pages) if before_page is None else before_page - 1
        if at > len(self.pages):
            raise CannotInsertThere(before_page=at + 1, pages=len(self.pages), last=len(self.pages) + 1)
        there = {page.id: page for page in source.pages}
        moved = []
        for each in taken or tuple(there):
            if each not in there:
                raise PageNotThere(page_id=str(each))
            moved.append(there.pop(each))
        left = tuple(page for page in source.pages if page.id in there)
        return replace(self, pages=(*self.pages[:at], *moved, *self.pages[at:])), replace(source, pages=left)


def merge(booklets: Sequence[Booklet]) -> list[Booklet]:
    """All pages, in the order given, in the first booklet; the others without any."""
    first, *others = booklets
    merged = replace(first, pages=tuple(page for booklet in booklets for page in booklet.pages))
    return [merged, *(replace(booklet, pages=()) for booklet in others)]


def undone(now: Sequence[Booklet], before: Sequence[Booklet]) -> list[Booklet]:
    """Booklets as they were before an act; those it made lose their pages again.

    ``now`` are all that it touched, ``before`` those of them that were there before it. Whatever was done to them
    since must have been undone.

    Raises:
        BookletFrozen: one was assembled since.
    """
    was = {booklet.id: booklet for booklet in before}
    return [
        replace(
            booklet.unfrozen(),
            pages=was[booklet.id].pages if booklet.id in was else (),
            set_aside=booklet.id in was and was[booklet.id].set_aside,
            confidence=was[booklet.id].confidence if booklet.id in was else None,
        )
        for booklet in now
    ]


def pages_to_assemble(booklets: Sequence[Booklet]) -> list[StagedPage]:
    """The pages of a copy: dropped ones stay behind, counted as set aside."""
    kept = [page for booklet in booklets for page in booklet.pages if not page.dropped]
    if not kept:
        raise NoPageLeft
    return kept


def first_pages(booklets: Iterable[Booklet]) -> set[UUID]:
    """The pages on which each booklet begins: there a candidate writes who they are."""
    return {kept[0] for booklet in booklets if (kept := [page.id for page in booklet.pages if not page.dropped])}


def conserve(before: Iterable[UUID], after: Iterable[UUID]) -> None:
    """Each page exactly once, before and after (invariant I13).

    Raises:
        PagesNotConserved: ``missing``, ``unknown``, ``repeated`` list page ids.
    """
    had, has = Counter(before), Counter(after)
    if had == has:
        return
    raise PagesNotConserved(
        missing=[str(page) for page in had if page not in has],
        unknown=[str(page) for page in has if page not in had],
        repeated=[str(page) for page, count in has.items() if count > 1],
    )


def upper_part(header: Box | None, share: float) -> Box:
    """The band to hide of a page whose header is unknown, or known to be hidden badly: ``share`` of it or more."""
    return Box(x=0, y=0, w=1, h=share if header is None else max(share, min(1.0, header.y + header.h)))


def turned_box(box: Box, turn_deg: Turn) -> Box:
    """Where a box lies after the page was turned clockwise."""
    match turn_deg:
        case 90:
            return Box(x=_share(1 - box.y - box.h), y=box.x, w=box.h, h=box.w)
        case 180:
            return Box(x=_share(1 - box.x - box.w), y=_share(1 - box.y - box.h), w=box.w, h=box.h)
        case 270:
            return Box(x=box.y, y=_share(1 - box.x - box.w), w=box.h, h=box.w)
        case _:
            return box


def _share(value: float) -> float:
    """Rounding may leave a share a hair below 0."""
    return max(0.0, value)
