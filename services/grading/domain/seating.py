"""Where a copy lay in its pile, as evidence of whose it is: piles are often collected along the list of the class.

Nothing is assumed of a pile. Its certain copies tell whether it follows the list, straight or reversed, and each of the
others is then probably of somebody who stands between its neighbours and has no copy yet.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Generic, TypeVar

from services.grading.domain.identity import Candidate
from services.grading.domain.roster_file import fold

Id = TypeVar("Id", bound=Hashable)

# The most that a place may say, in nats: less than a letter of a name. At 2 hardly more was accepted (docs/adr/0019).
MOST = 1.0
# Neighbours further apart than this many names, or than this share of the roster, may be so by chance.
_FARTHEST, _FARTHEST_SHARE = 12, 1 / 8
_EVEN = 0.5  # from here on a suggestion is as likely wrong as right
# How cautiously the share of right suggestions is taken: two standard errors.
_Z = 2.0


@dataclass(frozen=True)
class Place:
    """``at`` sorts the copies of a ``pile`` as they were scanned."""

    pile: str
    at: int


@dataclass(frozen=True)
class Hint(Generic[Id]):
    """``candidates`` who stand between a copy's neighbours, and how much likelier (nats) that makes each."""

    candidates: tuple[Id, ...]
    nats: float


class Seating(Generic[Id]):
    """The piles of an exam beside the lists along which they may have been collected."""

    def __init__(self, places: Mapping[Id, Place], candidates: Iterable[Candidate[Id]]) -> None:
        piles: dict[str, list[Id]] = defaultdict(list)
        for which in sorted(places, key=lambda which: places[which].at):
            piles[places[which].pile].append(which)
        self._piles = [pile for pile in piles.values() if len(pile) > 2]
        self._lists = _lists(tuple(candidates))

    def hints(self, certain: Mapping[Id, Id], claimed: Collection[Id] = ()) -> dict[Id, Hint[Id]]:
        """For copies that are not certain and stand between two that are, in a pile that follows a list.

        Args:
            certain: copies and their candidates.
            claimed: candidates who are somebody else's likeliest choice; the rest is taken to have no copy.
        """
        found: dict[Id, Hint[Id]] = {}
        for pile in self._piles:
            ways = [_Way(pile, each, certain) for each in self._lists]
            share, best = max(((way.right(claimed), way) for way in ways), key=lambda each: each[0])
            if share > _EVEN:
                nats = min(MOST, math.log(share / (1 - share)))
                between = {which: best.between(which) for which in pile if which not in certain}
                found |= {which: Hint(each, nats) for which, each in between.items() if each}
        return found


class _List(Generic[Id]):
    """Candidates as they stand on a list; those whom it cannot tell apart stand together."""

    def __init__(self, standing: Sequence[Sequence[Id]]) -> None:
        self.standing = standing
        self.rank = {which: at for at, together in enumerate(standing) for which in together}
        self.farthest = min(_FARTHEST, int(len(self.rank) * _FARTHEST_SHARE))


class _Way(Generic[Id]):
    """One pile along one list."""

    def __init__(self, pile: Sequence[Id], along: _List[Id], certain: Mapping[Id, Id]) -> None:
        self._list = along
        self._certain = certain
        self._have = set(certain.values())
        self._at = {which: at for at, which in enumerate(pile)}
        self._known = [which for which in pile if certain.get(which) in along.rank]
        self._known_at = [self._at[which] for which in self._known]

    def between(self, which: Id) -> tuple[Id, ...]:
        """Candidates without another copy between the certain neighbours of this one; none if there are no such."""
        after = bisect_left(self._known_at, self._at[which])
        before, own = after - 1, None
        if after < len(self._known) and self._known[after] == which:
            own, after = self._certain[which], after + 1
        if before < 0 or after >= len(self._known):
            return ()
        return self._free(self._known[before], self._known[after], own)

    def right(self, claimed: Collection[Id]) -> float:
        """The share of right suggestions, cautiously (Wilson 1927): of the certain copies, each as if it were not, and
        of candidates who seem to have written nothing: a copy beside them would be a stranger's.
        """
        said = [(self._certain[which], self.between(which)) for which in self._known]
        hits = sum(own in between for own, between in said)
        misses = sum(bool(between) and own not in between for own, between in said)
        pairs = zip(self._known, self._known[1:], strict=False)
        absent = sum(each not in claimed for pair in pairs for each in self._free(*pair))
        return _at_least(hits, hits + misses + absent)

    def _free(self, before: Id, after: Id, own: Id | None = None) -> tuple[Id, ...]:
        low, high = (self._list.rank[self._certain[each]] for each in (before, after))
        if high - low > self._list.farthest:
            return ()
        standing = chain.from_iterable(self._list.standing[low : high + 1])
        return tuple(each for each in standing if each == own or each not in self._have)


def _lists(candidates: Sequence[Candidate[Id]]) -> list[_List[Id]]:
    """By class and name, by name alone, and both from the end."""
    found = []
    for by_class in (True, False):
        standing: dict[tuple[str, ...], list[Id]] = defaultdict(list)
        for each in candidates:
            key = (fold(each.class_name) if by_class else "", fold(each.last_name), fold(each.first_name))
            standing[key].append(each.id)
        straight = [standing[key] for key in sorted(standing)]
        found += [_List(straight), _List(straight[::-1])]
    return found


def _at_least(right: int, of: int) -> float:
    """The lower end of the score interval of a share."""
    if not of:
        return 0.0
    share, spread = right / of, _Z * _Z / of
    half = math.sqrt(spread * (share * (1 - share) + spread / 4))
    return (share + spread / 2 - half) / (1 + spread)


def reranked(ranked: Sequence[tuple[Id, float]], hint: Hint[Id] | None) -> list[tuple[Id, float]]:
    """Candidates for a person to choose from: the header's, best first, and those of the place, which may be all."""
    if hint is None:
        return list(ranked)
    nats = dict(ranked)
    least = min([0.0, *nats.values()])
    for each in hint.candidates:
        nats[each] = nats.get(each, least) + hint.nats
    return sorted(nats.items(), key=lambda each: -each[1])
