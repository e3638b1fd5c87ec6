"""Pages with a printed code: it says which copy they are of and where they stand in it, and wins over all else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from services.ingest.imposition.faces import Code, Doubt, Face, Side


@dataclass(frozen=True)
class CodedCopy:
    """In reading order; a page that was there already stands at the end."""

    faces: tuple[Face, ...]
    doubts: tuple[Doubt, ...]


def take(sides: Sequence[Side]) -> tuple[list[CodedCopy], list[list[Side]]]:
    """The copies that codes speak of, wherever their pages lie, and what lies between them: paper without codes."""
    if not any(face.code for side in sides for face in side.faces):
        return [], [list(sides)]
    owners = _owners(sides)
    coded: dict[int, list[tuple[Code, Face]]] = defaultdict(list)
    loose: dict[int, list[Face]] = defaultdict(list)
    for side, owner in zip(sides, owners, strict=True):
        for face in side.faces:
            if face.code:
                coded[face.code.copy].append((face.code, face))
            elif owner is not None:
                loose[owner].append(face)
    last = max((code.page for pages in coded.values() for code, _ in pages), default=0)  # all copies are printed alike
    between = groupby(zip(sides, owners, strict=True), key=lambda each: each[1] is None)
    return (
        [_copy(pages, loose[no], last) for no, pages in coded.items()],
        [[side for side, _ in run] for free, run in between if free],
    )


def _owners(sides: Sequence[Side]) -> list[int | None]:
    """The copy of each side: by a code on it, on the other side of its sheet, or of the sheets before and after it."""
    seen = [{face.code.copy for face in side.faces if face.code} for side in sides]
    in_pairs = len(sides) % 2 == 0 and all(
        not one or not other or one == other for one, other in zip(seen[::2], seen[1::2], strict=True)
    )
    owners: list[int | None] = []
    for at, side in enumerate(sides):
        around = seen[at] or (seen[at ^ 1] if in_pairs else set())
        if not around and not any(face.header for face in side.faces):
            before = next((copies for copies in reversed(seen[:at]) if copies), set())
            after = next((copies for copies in seen[at + 1 :] if copies), set())
            around = before if before == after else set()
        owners.append(min(around) if seen[at] or len(around) == 1 else None)
    return owners


def _copy(pages: Sequence[tuple[Code, Face]], loose: Sequence[Face], last: int) -> CodedCopy:
    placed: dict[int, Face] = {}
    again = []
    for code, face in pages:
        if placed.setdefault(code.page, face) is not face:
            again.append(face)
    missing = [page for page in range(1, last + 1) if page not in placed]
    if len(missing) == len(loose) == 1 and not loose[0].blank:  # the only page whose code could not be read
        placed[missing.pop()], loose = loose[0], ()
    faces = [face for _, face in sorted(placed.items())]
    doubts = [Doubt("code_twice", face.side_no) for face in again]
    doubts += [Doubt("page_missing", side_no) for side_no in _beside(placed, missing)]
    doubts += [Doubt("order_unsure", face.side_no) for face in loose if not face.blank or face.blank_unsure]
    for face in reversed(loose):
        nearest = min(faces, key=lambda other: (abs(other.side_no - face.side_no), other.side_no))
        faces.insert(faces.index(nearest) + 1, face)
    return CodedCopy((*faces, *again), tuple(dict.fromkeys(doubts)))


def _beside(placed: dict[int, Face], missing: Sequence[int]) -> Iterator[int]:
    """The sides that show the page before each one that is missing."""
    for page in missing:
        before = max((no for no in placed if no < page), default=min(placed))
        yield placed[before].side_no
