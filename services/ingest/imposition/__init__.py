"""Imposition, pure: which faces of a pile make a copy, and in which order they are read.

``faces`` has the words, ``readings`` what copies can look like, ``evidence`` how well that fits what was seen,
``solver`` chooses. Costs and the reason of each stand where they are used. Where codes are printed, ``coded`` has said
all before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal
from uuid import UUID

from services.ingest.domain import conserve
from services.ingest.imposition import coded, repeats
from services.ingest.imposition.evidence import Evidence
from services.ingest.imposition.faces import Code, Doubt, Draft, Face, Side, sides_of
from services.ingest.imposition.readings import DoubleSheets, Layout, OneCopy, Pages
from services.ingest.imposition.solver import Found, solve

__all__ = ["Code", "Doubt", "Draft", "Face", "Grouping", "of_piles", "segment", "with_doubts"]

Grouping = Literal["every_n", "by_header", "one_per_file"]

# A copy less probable than this is shown to a person.
CERTAIN = 0.99
# So is which way a pile lies, if it is more likely than this to lie another way in which some of its copies are none.
OTHERWISE = 0.01
# Above this those copies wait for the answer. Double sheets full of writing never tell whether they lie in reverse
# (0.03): nobody's exam waits for that, but it is asked.
OPEN = 0.05
# Of the pile, and on each copy that waits for it: one answer settles them all.
DIRECTION_UNSURE = Doubt("direction_unsure", None)
# Below this lean (see ``Face``) the child guessed which way up a side is.
LEAN_DECIDED = 0.8
# Above this it is sure, even if the other side of the sheet lies otherwise: somebody turned the stack by hand between.
LEAN_SURE = 2.0
# Where so few copies have an odd number of pages, paper was scanned on both sides and a side was lost.
FEW_ODD = 0.1


def segment(
    intake: Literal["a3", "a4"], pages_per_booklet: int, faces: Sequence[Face], grouping: Grouping = "every_n"
) -> list[Draft]:
    """Group every face of an upload into booklets, in the order of the pile.

    Args:
        intake: how the paper was fed.
        pages_per_booklet: for A4 that is cut every so many pages; A3 does not need it.
        faces: all faces of the upload, in any order.
        grouping: what tells where an A4 copy ends.

    Raises:
        PagesNotConserved: a defect of this module, caught before it is stored.
    """
    copies, uncoded = coded.take(sides_of(faces))
    drafts, unclear = [], set()
    for sides in uncoded:
        between = _divided(intake, pages_per_booklet, sides, grouping)
        if any(draft.doubts for draft in between):  # some of it may belong to the printed copy before or after it
            unclear |= {sides[0].side_no - 1, sides[-1].side_no + 1}
        drafts += between
    drafts += [_coded_draft(copy, unclear) for copy in copies]
    conserve((face.page_id for face in faces), (page for draft in drafts for page in draft.pages))
    return sorted(drafts, key=lambda draft: draft.first_side)


def _coded_draft(copy: coded.CodedCopy, unclear: Collection[int]) -> Draft:
    """``unclear``: sides beside paper without codes that may not be a copy of its own."""
    damaged = [Doubt("image_damaged", face.side_no) for face in copy.faces if not face.sound]
    beside = [Doubt("pages_unsure", face.side_no) for face in copy.faces if face.side_no in unclear]
    return Draft(
        pages=tuple(face.page_id for face in copy.faces),
        first_side=min(face.side_no for face in copy.faces),
        doubts=tuple(dict.fromkeys([*copy.doubts, *_header_doubts(copy.faces), *beside, *damaged])),
    )


def _divided(intake: str, pages_per_booklet: int, scanned: Sequence[Side], grouping: Grouping) -> list[Draft]:
    again = repeats.find(scanned)
    sides = [side for at, side in enumerate(scanned) if at not in again]
    once = [face for side in sides for face in side.faces]
    extra: dict[int, list[Side]] = {}
    for at, original in again.items():
        extra.setdefault(scanned[original].side_no, []).append(scanned[at])
    drafts = []
    copies = solve(sides, _layout(intake, pages_per_booklet, sides, grouping), Evidence(once))
    beside = _beside_headless(copies, once) if intake == "a3" or grouping == "by_header" else set()
    if grouping == "by_header" and len(copies) == 1:  # cut at headers, with one found: others may have been lost
        beside = {0}
    lost = _side_lost([sum(once[at].half == "whole" for at in copy.reading.order) for copy in copies], intake, grouping)
    # An odd number of sides between headers at both ends leaves open which way the pile lies.
    either_way = (
        bool(lost) and grouping == "by_header" and any(face.header for side in sides[-2:] for face in side.faces)
    )
    for no, found in enumerate(copies):
        copy = [once[at] for at in found.reading.order]
        repeated = [side for no in sorted({face.side_no for face in copy}) for side in extra.get(no, ())]
        draft = _draft(found, copy, repeated, any(face.turned for face in once))
        if no in lost:
            draft = replace(draft, doubts=(*draft.doubts, Doubt("side_missing", copy[-1].side_no)))
        if no in beside and not draft.doubts:
            draft = replace(draft, doubts=(Doubt("pages_unsure", draft.first_side),))
        if either_way or found.otherwise > OPEN:
            draft = replace(draft, doubts=(*draft.doubts, DIRECTION_UNSURE))
        draft = replace(draft, asked=found.otherwise > OTHERWISE)
        drafts.append(draft)
    return drafts


def with_doubts(draft: Draft, of_pages: Mapping[UUID, Sequence[Doubt]]) -> Draft:
    """The draft with the doubts that its pages cast on it, wherever they were put."""
    more = [doubt for page in draft.pages for doubt in of_pages.get(page, ())]
    return replace(draft, doubts=tuple(dict.fromkeys([*draft.doubts, *more]))) if more else draft


def of_piles(drafts: Iterable[Draft]) -> list[Doubt]:
    """What is doubtful about whole piles, each thing once."""
    found = {doubt: None for draft in drafts for doubt in draft.doubts if doubt.side_no is None}
    return list(found | ({DIRECTION_UNSURE: None} if any(draft.asked for draft in drafts) else {}))


def _layout(intake: str, pages_per_booklet: int, sides: Sequence[Side], grouping: Grouping) -> Layout:
    if intake == "a3":
        return DoubleSheets(sides)
    if grouping == "every_n":
        return Pages(sides, pages_per_booklet)
    if grouping == "by_header" and any(face.header for side in sides for face in side.faces):
        return Pages(sides, None)
    return OneCopy(sides)


def _side_lost(lone: Sequence[int], intake: str, grouping: Grouping) -> set[int]:
    """Copies with an odd number of pages on lone sheets in a pile that seems to be scanned on both sides.

    So is every pile of double sheets: there more than one copy must show that its A4 sheets were not.
    """
    some = [no for no, count in enumerate(lone) if count]
    odd = {no for no in some if lone[no] % 2}
    few = len(odd) <= max(1, FEW_ODD * len(some))
    if intake == "a3":
        return odd if few else set()
    return odd if grouping == "by_header" and few and len(odd) < len(some) else set()


def _beside_headless(copies: Sequence[Found], faces: Sequence[Face]) -> set[int]:
    """Copies that may be wrong if one without a header is none: its pages are then those of the one before it."""
    return {
        no - 1 if found.forward else no + 1
        for no, found in enumerate(copies)
        if faces[found.reading.order[0]].header is None
    }


def _draft(found: Found, copy: Sequence[Face], repeated: Sequence[Side], some_turned: bool) -> Draft:
    again = [face for side in repeated for face in side.faces]
    doubts = [*found.reading.doubts, *_header_doubts(copy), *_turn_doubts(copy, some_turned)]
    doubts += [Doubt("fed_twice", side.side_no) for side in repeated]
    doubts += [Doubt("image_damaged", face.side_no) for face in copy if not face.sound]
    first = min(face.side_no for face in copy)
    # What is asked about the whole pile, and then settled for all its copies, needs no question about each.
    lies_so = 1.0 if found.otherwise > OTHERWISE else 1 - found.otherwise
    if not found.reading.doubts and found.confidence * lies_so < CERTAIN:
        lone = next((face for face in copy if face.half == "whole"), None)
        if lone is not None and copy[0].half != "whole":
            doubts.append(Doubt("not_a3", lone.side_no))
        else:
            doubts.append(
                Doubt("pages_unsure" if found.pages_confidence * lies_so < CERTAIN else "order_unsure", first)
            )
    return Draft(
        pages=tuple(face.page_id for face in [*copy, *again]),
        first_side=first,
        doubts=tuple(dict.fromkeys(doubts)),
        confidence=found.confidence * (1 - found.otherwise),
    )


def _header_doubts(copy: Sequence[Face]) -> Iterator[Doubt]:
    first, *others = copy
    if first.header is None:
        yield Doubt("no_header", first.side_no)
    headed = {(face.side_no, face.half) for face in copy if face.header}
    for face in copy:
        if face.header == "unsure":
            yield Doubt("header_unsure", face.side_no)
    for face in others:
        if face.header is None:
            continue
        if face.half == "left":
            yield Doubt("two_headers" if (face.side_no, "right") in headed else "header_on_left", face.side_no)
        elif face.header == "sure":
            yield Doubt("header_elsewhere", face.side_no)


def _turn_doubts(copy: Sequence[Face], some_turned: bool) -> Iterator[Doubt]:
    """Both sides of a sheet go through the scanner the same way up. Where the child says otherwise it may have erred.

    Only double sheets: there it exchanges two pages; an A4 page that stands on its head is in its place all the same.
    """
    spreads = sides_of(face for face in copy if face.half != "whole")
    for front, back in zip(spreads[::2], spreads[1::2], strict=False):
        written = [side for side in (front, back) if not side.blank and not _headed(side)]
        weakest = min(written, key=_lean, default=None)
        if weakest is None or front.faces[0].turned is None or back.faces[0].turned is None:
            continue
        guessed = (
            some_turned and not _headed(front) and not _headed(back) and max(_lean(front), _lean(back)) < LEAN_DECIDED
        )
        differ = front.faces[0].turned != back.faces[0].turned
        if guessed or (differ and _lean(weakest) < LEAN_SURE):
            yield Doubt("turn_unsure", weakest.side_no)


def _headed(side: Side) -> bool:
    return any(face.header == "sure" for face in side.faces)


def _lean(side: Side) -> float:
    """How clearly a side is the way up the child thinks."""
    return abs(sum(face.lean or 0.0 for face in side.faces))
