"""What one header says about each candidate of a roster, in nats: how much likelier its letters are under their name
than under that of somebody who is not on the roster. Nothing about other copies; ``assignment`` weighs those.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Generic, Literal, TypeVar, cast

import numpy as np

from services.grading.domain.identity import Candidate, Index
from services.grading.domain.letters import Letters, Values, background, likelihoods, spelt

Id = TypeVar("Id")

Kind = Literal["last_name", "first_name", "number", "class", "birth_date", "unknown"]
NAMES: tuple[Kind, Kind] = ("last_name", "first_name")

# What a letter of a stranger's field is worth, in nats. True names are far fewer than strings: about 10 nats for a
# last name of six letters, 9 for a first name of five; digits of a number are nearly free (2.3), those of a birth
# date of pupils are not.
_NATS_PER_LETTER: Mapping[Kind, float] = {
    "last_name": 1.75, "first_name": 1.75, "number": 2.0, "class": 1.0, "birth_date": 0.9, "unknown": 1.75,
}  # fmt: skip
# How often a stranger shares this with somebody on the roster: siblings and common names; few classes.
_SHARED: Mapping[Kind, float] = {
    "last_name": 0.2, "first_name": 0.5, "number": 0.01, "class": 0.9, "birth_date": 0.3, "unknown": 0.5,
}  # fmt: skip
# The least a field can say against a candidate: it may hold something else, or have been cut out wrongly.
_WORST: Mapping[Kind, float] = {
    "last_name": -7.0, "first_name": -6.0, "number": -7.0, "class": -3.0, "birth_date": -5.0, "unknown": -6.0,
}  # fmt: skip
# How rarely this happens, in nats: names in each other's field; one part alone of a name of several; this kind in that
# field of no known kind.
_SWAPPED, _PART, _SOMEWHERE = -3.5, -3.5, -1.5
_LEAST_PART = 3  # letters
_LEAST_NUMBER = 6  # signs of a number that was not written, or not scanned, to its end
# One name and no other says less than it seems to: the sibling who should sit elsewhere is on no roster.
_ALONE = -2.5
# Lines of text instead of letters: what a candidate's field found word for word is worth, and not found at all.
_FOUND: Mapping[Kind, float] = {"last_name": 6.0, "first_name": 5.0, "number": 16.0}
_NOT_FOUND = -1.5


@dataclass(frozen=True)
class Field:
    """One field of a header as read; ``letters`` are missing when only ``text`` could be had."""

    kind: Kind
    text: str
    letters: Letters | None = None


class Roster(Generic[Id]):
    """Candidates made ready for any number of headers: every word is spelt once."""

    def __init__(self, candidates: Iterable[Candidate[Id]]) -> None:
        self.candidates = tuple(candidates)
        self._index = Index(self.candidates)
        self._words: Mapping[Kind, _Words] = {
            "last_name": _Words([_name(each.last_name) for each in self.candidates]),
            "first_name": _Words([_name(each.first_name) for each in self.candidates]),
            "number": _Words([_exactly(each.ine) for each in self.candidates]),
            "class": _Words([_exactly(each.class_name) for each in self.candidates]),
            "birth_date": _Words([_dates(each.birth_date) for each in self.candidates]),
        }
        self._whole = _Words([_whole(each) for each in self.candidates])

    def weigh(self, fields: Sequence[Field], lines: Sequence[str] = ()) -> Values | None:
        """Nats for each candidate against a stranger, in the roster's order; ``None`` when there is nothing to go by.

        Fields with letters decide alone when there is one; else lines of text do.
        """
        known: dict[Kind, Letters] = {}
        unknown: list[Letters] = []
        for field in fields:
            if field.letters is None or not len(field.letters):
                continue
            if field.kind == "unknown" or field.kind in known:
                unknown.append(field.letters)
            else:
                known[field.kind] = field.letters
        if not self.candidates:
            return None
        if not known and not unknown:
            text = [*(field.text for field in fields if field.text), *lines]
            return self._weigh_text(text)
        names = self._names(known)
        said = [self._of(kind, known[kind]) for kind in ("number", "class", "birth_date") if kind in known]
        if unknown:
            said += self._somewhere(unknown, known, names=names is None)
        said += [] if names is None else [names]
        return cast(Values, sum(said)) if said else None

    def _of(self, kind: Kind, letters: Letters) -> Values:
        return _evidence(letters, kind, self._words[kind], cut=_LEAST_NUMBER if kind == "number" else None)

    def _somewhere(self, unknown: Sequence[Letters], known: Collection[Kind], *, names: bool) -> list[Values]:
        """What fields of no known kind say for a candidate; they may hold anything, so they say nothing against one."""
        found: list[Values] = []
        for kind in ("number", "birth_date"):
            if kind not in known:
                found.append(np.max([self._of(kind, each) for each in unknown], axis=0))
        if names:
            last, first = ([self._of(kind, each) for each in unknown] for kind in NAMES)
            ways = [*last, *first, *(_evidence(each, "unknown", self._whole) for each in unknown)]
            ways += [last[one] + first[other] for one, other in permutations(range(len(unknown)), 2)]
            found.append(np.max(ways, axis=0))
        return [np.maximum(each + _SOMEWHERE, 0) for each in found]

    def _names(self, lettered: Mapping[Kind, Letters]) -> Values | None:
        """Each name in its field or both in the other's; both in one field when the other is empty."""
        last, first = (lettered.get(kind) for kind in NAMES)
        if last is None and first is None:
            return None
        if last is None or first is None:
            only, kind = (last, NAMES[0]) if last is not None else (first, NAMES[1])
            assert only is not None
            alone = self._of(kind, only)
            both = _evidence(only, "unknown", self._whole) + _SWAPPED
            return np.maximum(alone + _ALONE, both)
        straight = self._of("last_name", last) + self._of("first_name", first)
        swapped = self._of("first_name", last) + self._of("last_name", first)
        return np.maximum(straight, swapped + _SWAPPED)

    def _weigh_text(self, lines: Sequence[str]) -> Values | None:
        said = []
        for kind, shares in self._index.likenesses(lines).items():
            worth = _FOUND[cast(Kind, kind)]
            said.append(_NOT_FOUND + (worth - _NOT_FOUND) * np.array(shares))
        return cast(Values, sum(said)) if said else None


class _Words:
    """For each candidate the ways of writing something, each with what it costs; the words of all, once each."""

    def __init__(self, ways: Sequence[Mapping[str, float]]) -> None:
        self.words = sorted({word for each in ways for word in each})
        place = {word: at for at, word in enumerate(self.words)}
        most = max((len(each) for each in ways), default=0)
        self._at = np.zeros((len(ways), max(most, 1)), np.intp)
        self._cost = np.full((len(ways), max(most, 1)), -np.inf)
        for row, each in enumerate(ways):
            for column, (word, cost) in enumerate(each.items()):
                self._at[row, column], self._cost[row, column] = place[word], cost
        self.silent = np.array([not each for each in ways])  # the roster does not say

    def likelihoods(self, letters: Letters, cut: int | None) -> Values:
        """Of the likeliest way of each candidate; of those the roster says nothing about, -inf."""
        found = likelihoods(letters, self.words)
        if cut is not None:
            found = np.maximum(found, likelihoods(letters, self.words, cut=cut) + _PART)
        ways = np.append(found, -np.inf)[self._at] + self._cost
        best: Values = ways.max(axis=1)
        return best


def _evidence(letters: Letters, kind: Kind, words: _Words, *, cut: int | None = None) -> Values:
    likely = words.likelihoods(letters, cut)
    stranger = background(letters, _NATS_PER_LETTER[kind])
    spoken = likely[~words.silent]
    if len(spoken):
        most = float(spoken.max())
        namesake = most + float(np.log(np.exp(spoken - most).mean())) + float(np.log(_SHARED[kind]))
        stranger = float(np.logaddexp(stranger, namesake))
    return np.where(words.silent, 0.0, np.maximum(likely - stranger, _WORST[kind]))


def _name(text: str) -> dict[str, float]:
    """The whole name, and each of its longer parts alone."""
    whole = spelt(text)
    ways = {whole: 0.0} if whole else {}
    for part in map(spelt, text.replace("-", " ").replace("'", " ").replace("’", " ").split()):
        if len(part) >= _LEAST_PART:
            ways.setdefault(part, _PART)
    return ways


def _exactly(text: str | None) -> dict[str, float]:
    whole = spelt(text or "")
    return {whole: 0.0} if whole else {}


def _dates(date: dt.date | None) -> dict[str, float]:
    if date is None:
        return {}
    return {date.strftime(form): 0.0 for form in ("%d%m%Y", "%d%m%y", "%Y%m%d")}


def _whole(candidate: Candidate[Id]) -> dict[str, float]:
    """What a field of no known kind may hold."""
    last, first = spelt(candidate.last_name), spelt(candidate.first_name)
    ways = [last + first, first + last, last, spelt(candidate.ine or ""), *_dates(candidate.birth_date)]
    return {word: 0.0 for word in ways if word}
