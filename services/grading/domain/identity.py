"""Lines of text, as a recogniser of print leaves them, against a roster: how alike names and number are."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rapidfuzz import fuzz, process

from services.grading.domain.roster_file import fold

Id = TypeVar("Id")

# Two unrelated names are about 40 % alike, two unrelated INE about 45 %: only what lies above is evidence.
NAME_CHANCE, INE_CHANCE = 45.0, 55.0

# What a recogniser takes for one another, both ways: shapes, not letters. One representative each.
_LOOKALIKE = str.maketrans("OQDILTZASGBJ", "000111745681")
_AS_LETTER = str.maketrans("015826", "oisbzg")
_LABEL = re.compile(
    r"\b(?:pr[eé]noms?|noms?|name|first\s*name|last\s*name|surname|n\W{0,2}\s*ine|ine|salle|[eé]preuve)\b\s*[:;.\-]*",
    re.IGNORECASE,
)
_UNKNOWN_LABEL = re.compile(r"^\W*\w{2,8}\s?\w{0,4}\s*[:;]")  # "nine:", "wom:", "Prénoom :"
_INE_LENGTH = 11
_FRAGMENTS = 60
_WORDS = 4  # "DE LA FONTAINE Marie"


@dataclass(frozen=True)
class Candidate(Generic[Id]):
    id: Id
    last_name: str
    first_name: str
    ine: str | None = None
    class_name: str = ""
    birth_date: dt.date | None = None


class Index(Generic[Id]):
    """A roster made ready for any number of readings: names are folded and deduplicated once."""

    def __init__(self, candidates: Iterable[Candidate[Id]]) -> None:
        self._candidates = tuple(candidates)
        self._last = [_compact(each.last_name) for each in self._candidates]
        self._first = [_compact(each.first_name) for each in self._candidates]
        self._ine = [None if each.ine is None else each.ine.translate(_LOOKALIKE) for each in self._candidates]
        self._names = sorted({*self._last, *self._first} - {""})
        self._ines = sorted({ine for ine in self._ine if ine})

    def likenesses(self, lines: Sequence[str]) -> dict[str, list[float]]:
        """For last name, first name and number: how alike each candidate's is to what was read, above chance, 0 to 1.

        A kind of which nothing was found at all is left out: it was not read.
        """
        names = _best(_name_fragments(lines), self._names)
        numbers = _best(_number_fragments(lines), self._ines)
        found: dict[str, list[float]] = {"last_name": [], "first_name": [], "number": []}
        for last, first, ine in zip(self._last, self._first, self._ine, strict=True):
            last_share, first_share = _apart(names, last, first)
            found["last_name"].append(last_share)
            found["first_name"].append(first_share)
            found["number"].append(_above_chance(numbers[ine][1], INE_CHANCE) if ine in numbers else 0.0)
        return {kind: shares for kind, shares in found.items() if any(shares)}


Best = dict[str, tuple[str, float]]
"""Known word to the fragment most like it and how alike they are, 0 to 100."""


def _best(fragments: Sequence[str], words: Sequence[str]) -> Best:
    best: Best = {}
    for fragment in fragments:
        for word, score, _ in process.extract(fragment, words, scorer=fuzz.ratio, limit=None, score_cutoff=NAME_CHANCE):
            if score > best.get(word, ("", 0.0))[1]:
                best[word] = (fragment, score)
    return best


def _apart(names: Best, last: str, first: str) -> tuple[float, float]:
    """For each name, from 0 (chance) to 1 (read letter by letter)."""
    last_from, last_score = names.get(last, ("", 0.0))
    first_from, first_score = names.get(first, ("", 0.0))
    if last_from == first_from:  # one word was read: it cannot be both names
        if last_score >= first_score:
            first_score = 0.0
        else:
            last_score = 0.0
    return _above_chance(last_score, NAME_CHANCE), _above_chance(first_score, NAME_CHANCE)


def _above_chance(score: float, chance: float) -> float:
    return max(0.0, (score - chance) / (100 - chance))


def _pieces(lines: Sequence[str]) -> Iterator[str]:
    """What stands between labels, and after something that looks like a label misread."""
    for line in lines:
        for piece in _LABEL.split(line):
            if piece.strip():
                yield piece
                unlabelled = _UNKNOWN_LABEL.sub("", piece)
                if unlabelled != piece and unlabelled.strip():
                    yield unlabelled


def _name_fragments(lines: Sequence[str]) -> list[str]:
    """The first words of each piece, joined: what follows a name on its line is mostly the box's right end."""
    fragments: dict[str, None] = {}
    for piece in _pieces(lines):
        words = [word for word in fold(piece).split() if any(char.isalpha() for char in word)]
        for start in range(min(2, len(words))):
            for end in range(start + 1, min(start + _WORDS, len(words)) + 1):
                fragment = "".join(words[start:end]).translate(_AS_LETTER)
                if len(fragment) > 1:
                    fragments.setdefault(fragment)
    return list(fragments)[:_FRAGMENTS]


def _number_fragments(lines: Sequence[str]) -> list[str]:
    fragments: dict[str, None] = {}
    for piece in _pieces(lines):
        signs = "".join(char for char in piece.upper() if char.isascii() and char.isalnum())
        if sum(char.isdigit() for char in signs) >= 4:
            for length in (_INE_LENGTH, _INE_LENGTH + 2):
                fragments.setdefault(signs[:length].translate(_LOOKALIKE))
    return list(fragments)[:_FRAGMENTS]


def _compact(name: str) -> str:
    return fold(name).replace(" ", "")
