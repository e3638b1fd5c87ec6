"""From what each header says to whose copy it is: how sure that is, what needs no person, what looks wrong."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, get_args

import numpy as np

from services.grading.domain.assignment import CHOICES, NOBODY, Solution, Values, solve
from services.grading.domain.seating import Seating

Id = TypeVar("Id", bound=Hashable)

# Nats by which margins were too low on generated headers (docs/adr/0015): what a margin of m says is wrong at most once
# in exp(m + CAUTION). Fitted on other hands than those it was checked on, and rounded down.
CAUTION = 2.0
# Strangers among the copies: half a one in 25 before the first copy is seen, then as the exam shows.
_STRANGERS, _SEEN = 0.5, 25.0
_ROUNDS = 2
# A copy tells whether its pile follows the list when it is at least this probable.
_CERTAIN = 0.999
# By how much (nats) other candidates must fit better before a person is asked to look at their decision again.
_DOUBTFUL = 10.0

Ranked = Sequence[tuple[Id, float]]
"""Candidates and how much likelier (nats) the header is theirs than a stranger's, best first."""
Doubt = Literal["exchanged", "unlikely"]
DOUBTS: frozenset[str] = frozenset(get_args(Doubt))
"""What a person should look at again; an answered doubt is none of these any more."""


@dataclass(frozen=True)
class Header(Generic[Id]):
    """``ranked`` is ``None`` when it says nothing. ``decided``: by a person. ``left``: a person wants to decide.

    ``named``: both names were read. With one alone, a brother who is on no list lies in the place of the absent one.
    """

    ranked: Ranked[Id] | None
    decided: Id | None = None
    left: bool = False
    named: bool = False


@dataclass(frozen=True)
class Verdict(Generic[Id]):
    """``candidate`` is the one of the likeliest assignment, ``None`` for nobody, and ``probability`` that it is so."""

    candidate: Id | None
    probability: float
    accepted: bool
    doubt: Doubt | None = None


def ranking(ids: Sequence[Id], nats: Values) -> list[tuple[Id, float]]:
    """The few candidates that matter, best first; the roster's order decides between equals."""
    best = np.argsort(-nats, kind="stable")[:CHOICES]
    return [(ids[place], round(float(nats[place]), 2)) for place in best]


def confidences(ranked: Ranked[Id], candidates: int) -> dict[Id, float]:
    """The share of each candidate if this header were the only one, nobody on the roster having a share too."""
    if not ranked:
        return {}
    nobody = math.log(_STRANGERS / _SEEN * candidates)
    most = max(nobody, *(nats for _, nats in ranked))
    shares = {which: math.exp(nats - most) for which, nats in ranked}
    total = sum(shares.values()) + math.exp(nobody - most)
    return {which: share / total for which, share in shares.items()}


def judge(
    headers: Mapping[Id, Header[Id]], candidates: int, error_budget: float, seating: Seating[Id] | None = None
) -> dict[Id, Verdict[Id]]:
    """Solve the exam as it stands; people's decisions are kept and the rest follows from them.

    Args:
        headers: by copy.
        candidates: how many the roster has.
        error_budget: a copy is accepted when it is wrong with at most this probability; 0 accepts none.
        seating: where the copies lay. It makes a choice of the headers surer or less sure; only what they choose by
            themselves is accepted.
    """
    copies = list(headers)
    columns: dict[Id, int] = {}
    for header in headers.values():
        for which, _ in header.ranked or ():
            columns.setdefault(which, len(columns))
        if header.decided is not None:
            columns.setdefault(header.decided, len(columns))
    worth = np.full((len(copies), len(columns)), -np.inf)
    for row, copy_id in enumerate(copies):
        for which, nats in headers[copy_id].ranked or ():
            worth[row, columns[which]] = nats
    fixed = {
        row: _fixed(headers[copy_id], columns) for row, copy_id in enumerate(copies) if _is_fixed(headers[copy_id])
    }
    alone = _solved(worth, candidates, fixed)
    solution = alone
    if seating is not None:
        solution = _solved(_placed(worth, alone, headers, columns, seating), candidates, fixed)
    ids = list(columns)
    doubts = _doubts(worth, fixed)
    verdicts = {}
    for row, copy_id in enumerate(copies):
        column = int(solution.chosen[row])
        probability = _probability(float(solution.margin[row])) if row not in fixed else 1.0
        accepted = column != NOBODY and row not in fixed and not headers[copy_id].left
        accepted = accepted and column == int(alone.chosen[row])
        verdicts[copy_id] = Verdict(
            candidate=None if column == NOBODY else ids[column],
            probability=probability if column != NOBODY else 0.0,
            accepted=accepted and 1 - probability <= error_budget,
            doubt=doubts.get(row),
        )
    return verdicts


def _solved(worth: Values, candidates: int, fixed: Mapping[int, int]) -> Solution:
    """The likeliest assignment, with as many strangers as the exam itself shows."""
    copies = len(worth)
    asked = copies - len(fixed)
    strangers = max(_STRANGERS / _SEEN, 1 - candidates / max(copies, 1))
    for _ in range(_ROUNDS):
        known = math.log((1 - min(strangers, 0.99)) / max(candidates, 1))
        solution = solve(worth + known, math.log(strangers), fixed)
        nobody = sum(solution.chosen[row] == NOBODY for row in range(copies) if row not in fixed)
        strangers = max((_STRANGERS + nobody) / (_SEEN + asked), 1 - candidates / max(copies, 1))
    return solution


def _placed(
    worth: Values, alone: Solution, headers: Mapping[Id, Header[Id]], columns: Mapping[Id, int], seating: Seating[Id]
) -> Values:
    """``worth`` with what the places of named copies say, given those whom the headers alone leave no doubt about."""
    ids, rows = list(columns), {copy_id: row for row, copy_id in enumerate(headers)}
    chosen = {which: ids[column] for which, column in zip(headers, alone.chosen, strict=True) if column != NOBODY}
    certain = {
        which: candidate
        for which, candidate in chosen.items()
        if _probability(float(alone.margin[rows[which]])) >= _CERTAIN and not headers[which].left
    }
    placed = worth.copy()
    for which, hint in seating.hints(certain, set(chosen.values())).items():
        if which in headers and headers[which].named:  # not one that came in meanwhile
            at = [columns[candidate] for candidate in hint.candidates if candidate in columns]
            placed[rows[which], at] += hint.nats
    return placed


def _is_fixed(header: Header[Id]) -> bool:
    return header.decided is not None or not header.ranked


def _fixed(header: Header[Id], columns: Mapping[Id, int]) -> int:
    """A header that says nothing competes with nobody."""
    return NOBODY if header.decided is None else columns[header.decided]


def _probability(margin: float) -> float:
    return 1 / (1 + math.exp(-min(margin + CAUTION, 700.0)))


def _doubts(worth: Values, fixed: Mapping[int, int]) -> dict[int, Doubt]:
    """People's decisions that read otherwise: two copies that fit exchanged, or one that fits somebody else alone.

    A candidate that is not among those a copy fits is taken to fit as well as the last of them.
    """
    rows = [row for row, column in fixed.items() if column != NOBODY and np.isfinite(worth[row]).any()]
    if not rows:
        return {}
    least = [float(worth[row][np.isfinite(worth[row])].min()) for row in rows]
    mine = np.array([max(worth[row, fixed[row]], low) for row, low in zip(rows, least, strict=True)])
    theirs = worth[np.ix_(rows, [fixed[row] for row in rows])]  # -inf: not among those it fits, no exchange
    gain = theirs + theirs.T - mine[:, None] - mine[None, :]
    np.fill_diagonal(gain, -np.inf)
    doubts: dict[int, Doubt] = {}
    for place, row in enumerate(rows):
        if gain[place].max(initial=-np.inf) >= _DOUBTFUL:
            doubts[row] = "exchanged"
        elif worth[row].max() - mine[place] >= _DOUBTFUL:
            doubts[row] = "unlikely"
    return doubts
