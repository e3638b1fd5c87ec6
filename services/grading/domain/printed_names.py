"""Names and numbers of the roster in the printed text of a page, where a marker could read them.

A page of running text holds many words that somebody is also called. So a name is found only where last and first name
stand near each other on a line, in either order, or where a number stands; and a word that is also an everyday word
counts only with a capital, as print writes names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from services.grading.domain.identity import Candidate
from services.grading.domain.roster_columns import fold
from services.grading.domain.roster_names import PARTICLES

Id = TypeVar("Id")
Area = tuple[float, float, float, float]
"""Left, top, width and height in shares of the page."""

BETWEEN = 2  # words that may stand between last and first name: "MARTIN, élève : Zoé", a second first name
SHORT = 3  # letters; shorter words meet by chance
NUMBER_LENGTH = 8  # an INE has 11 signs; what is shorter than this may be anything
NUMBER_PARTS = 3  # words over which a number may be spread

# Everyday words of French and English that people in France are also called, folded.
EVERYDAY = frozenset({
    "adieu", "ami", "ange", "art", "avril", "bas", "beau", "belle", "berger", "bill", "blanc", "blanche", "blond",
    "bois", "bon", "bonne", "bonnet", "boucher", "boulanger", "bourgeois", "brun", "caillou", "carre", "chance",
    "chaude", "chevalier", "chien", "claire", "cloche", "comte", "constant", "cook", "cordier", "court", "cousin",
    "couturier", "croix", "dame", "dean", "desire", "dieu", "drew", "droit", "droite", "duc", "facile", "faith",
    "fer", "fidele", "field", "fils", "fleur", "fontaine", "fort", "forte", "fournier", "franc", "francais", "france",
    "frank", "gentil", "grace", "grand", "grande", "grant", "gras", "grave", "green", "gros", "haut", "heureux",
    "hill", "hiver", "honore", "hope", "iris", "jack", "jardin", "jardinier", "jasmin", "jeune", "joly", "joy",
    "joyeux", "juin", "june", "juste", "king", "lac", "lane", "law", "lent", "leroi", "lilas", "long", "love", "lune",
    "mai", "maire", "maison", "maitre", "major", "marchand", "marin", "marine", "mark", "marque", "masse", "may",
    "menuisier", "mer", "mercier", "mercy", "meunier", "mignon", "miles", "mill", "moine", "mont", "moon", "morning",
    "moulin", "neuf", "noble", "noel", "noir", "octave", "olive", "orange", "page", "palais", "parent", "pascal",
    "pasteur", "penny", "perle", "petit", "petite", "peuple", "pierre", "pin", "plante", "poirier", "pomme", "pont",
    "porte", "poste", "potier", "premier", "price", "prince", "prudent", "racine", "rayon", "reed", "reine", "renard",
    "rich", "riche", "rive", "roche", "roi", "roman", "rond", "rose", "rosier", "rouge", "roux", "sage", "saint",
    "salle", "sauvage", "second", "sergent", "seul", "simple", "sky", "soleil", "star", "stone", "summer", "sunny",
    "temps", "terre", "tour", "tout", "vallee", "vert", "vie", "vigne", "ville", "violet", "violette", "vivant",
    "voisin", "ward", "will", "wood", "young",
})  # fmt: skip


class Word(NamedTuple):
    """As it was read; words of one ``line`` follow each other from left to right."""

    text: str
    line: int
    box: Area


@dataclass(frozen=True)
class Found(Generic[Id]):
    """Where on the page somebody's name or number stands."""

    candidate: Id
    box: Area


class _Token(NamedTuple):
    letters: str
    capital: bool
    word: int
    box: Area


class _Span(NamedTuple):
    """Tokens of a line from ``start`` on, before ``end``, that say who the candidate at ``place`` is."""

    place: int
    start: int
    end: int


class Names(Generic[Id]):
    """A roster made ready for any number of pages."""

    def __init__(self, candidates: Iterable[Candidate[Id]]) -> None:
        self._known = tuple(candidates)
        self._last: dict[str, list[int]] = defaultdict(list)
        self._first: list[frozenset[str]] = []
        self._numbers: dict[str, int] = {}
        for place, each in enumerate(self._known):
            for name in _telling(each.last_name):
                self._last[name].append(place)
            self._first.append(_telling(each.first_name))
            number = fold(each.ine or "").replace(" ", "")
            if len(number) >= NUMBER_LENGTH:
                self._numbers[number] = place

    def find(self, words: Sequence[Word]) -> list[Found[Id]]:
        """Each place on the page once, from the top, with the first candidate of the roster who is called so."""
        found: dict[Area, int] = {}
        for line in _lines(words):
            for place, start, end in _joined([*self._names_in(line), *self._numbers_in(line)]):
                box = _around(line[start:end])
                found[box] = min(place, found.get(box, place))
        return [Found(self._known[place].id, box) for box, place in sorted(found.items(), key=_reading_order)]

    def _names_in(self, line: Sequence[_Token]) -> Iterator[_Span]:
        for at, token in enumerate(line):
            for place in self._last.get(token.letters, ()):
                for other in range(max(0, at - BETWEEN - 1), min(len(line), at + BETWEEN + 2)):
                    if other != at and line[other].letters in self._first[place]:
                        start, end = min(at, other), max(at, other) + 1
                        if _is_name(token, line[other], end - start - 2):
                            yield _Span(place, start, end)

    def _numbers_in(self, line: Sequence[_Token]) -> Iterator[_Span]:
        for start in range(len(line)):
            for end in range(start + 1, min(len(line), start + NUMBER_PARTS) + 1):
                place = self._numbers.get("".join(token.letters for token in line[start:end]))
                if place is not None:
                    yield _Span(place, start, end)


def _telling(name: str) -> frozenset[str]:
    """The parts of a name that tell: particles do not, unless there is nothing else."""
    parts = fold(name).split()
    return frozenset([part for part in parts if part not in PARTICLES] or parts)


def _is_name(last: _Token, first: _Token, between: int) -> bool:
    if last.word == first.word:  # zoe.petit@lycee.fr
        return True
    ordinary = [each for each in (last, first) if each.letters in EVERYDAY or len(each.letters) <= SHORT]
    return all(each.capital for each in ordinary) and (between == 0 or len(ordinary) < 2)


def _joined(spans: Iterable[_Span]) -> list[_Span]:
    """Spans of one candidate that overlap are one: both halves of a double name stand near the first name."""
    joined: list[_Span] = []
    for span in sorted(spans):
        before = joined[-1] if joined else None
        if before is not None and before.place == span.place and span.start < before.end:
            joined[-1] = before._replace(end=max(before.end, span.end))
        else:
            joined.append(span)
    return joined


def _lines(words: Iterable[Word]) -> list[list[_Token]]:
    """Words taken apart at hyphens, dots and signs; each part knows the box of its word."""
    lines: dict[int, list[_Token]] = defaultdict(list)
    for at, word in enumerate(words):
        for piece in "".join(char if char.isalnum() else " " for char in word.text).split():
            lines[word.line] += [_Token(part, piece[0].isupper(), at, word.box) for part in fold(piece).split()]
    return list(lines.values())


def _around(tokens: Sequence[_Token]) -> Area:
    left = min(token.box[0] for token in tokens)
    top = min(token.box[1] for token in tokens)
    right = max(token.box[0] + token.box[2] for token in tokens)
    bottom = max(token.box[1] + token.box[3] for token in tokens)
    return tuple(round(part, 4) for part in (left, top, right - left, bottom - top))  # type: ignore[return-value]


def _reading_order(found: tuple[Area, int]) -> tuple[float, float, int]:
    (left, top, *_), place = found
    return top, left, place
