"""The most probable division of a pile into copies, and how probable each of them is.

A pile lies one way throughout. For each way, the best division up to a side is the best one up to where its last copy
begins, and that copy: dynamic programming over the sides. The same recurrence with probabilities added instead of the
best one taken, from both ends, gives the share that a copy has of everything the pile could be that lies this way
(forward-backward over a semi-Markov chain): its confidence. How probable it is that the pile lies another way is one
question for all copies. It is weighed twice, the second time with less trust in what the pile says about it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, inf, log, log1p
from typing import TypeVar

from services.ingest.imposition.evidence import Evidence
from services.ingest.imposition.faces import Side
from services.ingest.imposition.readings import WAYS, Layout, Reading, Way

# Copies of one pile are alike. So many imagined ones stand for what schools do, beside those that are there.
IMAGINED_COPIES = 4.0
# Power to which the likelihood of a way is raised when it is looked at a second time: copies of one pile come from the
# same habits, and fourteen that are blank where a reversed pile would be are not fourteen independent witnesses.
CAUTION = 0.5
# A copy with more clear headers than this is not looked for beyond its second side.
MOST_HEADERS = 1
# A copy of which headers alone say this is not looked at more closely.
HOPELESS = 1e-8
NOTHING = 40.0  # cost of 1e-17


@dataclass(frozen=True)
class Found:
    """A copy. If the pile lies as it seems to: ``pages_confidence`` that these pages belong together, ``confidence``
    that they do in this order. ``otherwise``: probability that the pile lies another way in which this is no copy.

    ``forward``: its first page lies before the others in the pile.
    """

    reading: Reading
    pages_confidence: float
    confidence: float
    otherwise: float
    forward: bool


@dataclass(frozen=True, slots=True)
class _Step:
    """The sides from ``start`` up to ``stop`` as one copy; ``cost``: of the reading and of what was seen."""

    start: int
    stop: int
    reading: Reading
    cost: float


Key = TypeVar("Key")
_Chains = Mapping[Way, Sequence[_Step]]  # in the order of their starts


@dataclass(frozen=True)
class _Lying:
    """All divisions of a pile that lies this way: their cost together, and which share of them has each step."""

    way: Way
    cost: float
    shares: Sequence[tuple[_Step, float]]


def solve(sides: Sequence[Side], layout: Layout, evidence: Evidence) -> list[Found]:
    """The copies of a pile, in the order of its sides."""
    count = len(sides)
    chains = _weighed(_possible(sides, layout, evidence), count, evidence)
    if layout.sizes:
        chains = _sized(chains, count, layout.sizes)
    way, copies = _best(chains, count)
    lyings = {lying.way: lying for lying in _lyings(chains, count)}
    orders = {each.way: _sums((step.reading.order, share) for step, share in each.shares) for each in lyings.values()}
    pages = _sums(((step.start, step.stop), share) for step, share in lyings[way].shares)
    looks = [_weights(lyings.values(), power) for power in (1.0, CAUTION)]

    def otherwise(order: tuple[int, ...]) -> float:
        return max(
            sum(weight * (1 - orders[other][order]) for other, weight in weights.items() if other != way)
            for weights in looks
        )

    return [
        Found(
            step.reading,
            min(1.0, pages[step.start, step.stop]),
            min(1.0, orders[way][step.reading.order]),
            max(0.0, otherwise(step.reading.order)),
            way.forward,
        )
        for step in copies
    ]


def _sums(shares: Iterable[tuple[Key, float]]) -> dict[Key, float]:
    sums: dict[Key, float] = defaultdict(float)
    for key, share in shares:
        sums[key] += share
    return sums


def _possible(sides: Sequence[Side], layout: Layout, evidence: Evidence) -> _Chains:
    """Every copy that could be in the pile; ``cost``: of what must have gone wrong, its size, and the headers."""
    headers = [sum(face.header == "sure" for face in side.faces) for side in sides]
    prices = {size: -log(share) for size, share in (layout.sizes or {}).items()}
    chains: dict[Way, list[_Step]] = {way: [] for way in WAYS}
    for way, steps in chains.items():
        for start in range(len(sides)):
            for stop in layout.stops(start):
                for reading in layout.readings(way, start, stop):
                    cost = reading.cost + prices.get(reading.size, 0.0) + evidence.headers(reading.order)
                    steps.append(_Step(start, stop, reading, cost))
                if stop - start > 1 and sum(headers[start:stop]) > MOST_HEADERS:
                    break
    return chains


def _weighed(chains: _Chains, count: int, evidence: Evidence) -> _Chains:
    """Only copies that the headers leave possible, with the cost of all that was seen."""
    known: dict[tuple[int, ...], float] = {}
    lyings = _lyings(chains, count)
    weights = _weights(lyings)
    weighed: dict[Way, list[_Step]] = {}
    for lying in lyings:
        steps = weighed[lying.way] = []
        for step, share in lying.shares:
            if share * weights[lying.way] > HOPELESS:
                reading = step.reading
                if reading.order not in known:
                    known[reading.order] = evidence.writing(reading.order, reading.last_sheet, reading.places)
                steps.append(replace(step, cost=step.cost + known[reading.order]))
    return weighed


def _sized(chains: _Chains, count: int, imagined: Mapping[int, float]) -> _Chains:
    """With the cost of each copy's size as all the *other* copies make it probable if the pile lies that way.

    Its own size says nothing about itself: two copies taken for one would vouch for each other.
    """
    sized: dict[Way, list[_Step]] = {}
    for lying in _lyings(chains, count):
        seen = _sums((step.reading.size, share) for step, share in lying.shares)
        own = _sums(((step.start, step.stop, step.reading.size), share) for step, share in lying.shares)
        copies = sum(seen.values())
        sized[lying.way] = []
        for step, _ in lying.shares:
            size = step.reading.size
            itself = own[step.start, step.stop, size]
            others = max(0.0, seen[size] - itself)
            probable = (IMAGINED_COPIES * imagined[size] + others) / (IMAGINED_COPIES + copies - itself)
            sized[lying.way].append(replace(step, cost=step.cost + log(imagined[size] / probable)))
    return sized


def _lyings(chains: _Chains, count: int) -> list[_Lying]:
    """Of each way the pile can lie at all."""
    lyings = []
    for way, steps in chains.items():
        before = [0.0] + [inf] * count
        for step in steps:
            before[step.stop] = _either(before[step.stop], before[step.start] + step.cost)
        after = [inf] * count + [0.0]
        for step in reversed(steps):
            after[step.start] = _either(after[step.start], after[step.stop] + step.cost)
        whole = before[count]
        if whole < inf:
            costs = ((step, before[step.start] + step.cost + after[step.stop] - whole) for step in steps)
            lyings.append(_Lying(way, whole, [(step, exp(-cost)) for step, cost in costs if cost < NOTHING]))
    return lyings


def _weights(lyings: Collection[_Lying], power: float = 1.0) -> dict[Way, float]:
    """How probable each way is; see ``CAUTION`` for ``power``."""
    costs = {lying.way: lying.way.cost + power * lying.cost for lying in lyings}
    least = min(costs.values())
    whole = sum(exp(least - cost) for cost in costs.values())
    return {way: exp(least - cost) / whole for way, cost in costs.items()}


def _best(chains: _Chains, count: int) -> tuple[Way, list[_Step]]:
    least, lying, found = inf, WAYS[0], []
    for way, steps in chains.items():
        costs = [0.0] + [inf] * count
        last: dict[int, _Step] = {}
        for step in steps:
            cost = costs[step.start] + step.cost
            if cost < costs[step.stop]:
                costs[step.stop], last[step.stop] = cost, step
        if way.cost + costs[count] < least:
            least, lying = way.cost + costs[count], way
            found = _back(last, count)
    return lying, found


def _back(last: Mapping[int, _Step], stop: int) -> list[_Step]:
    steps = []
    while stop:
        steps.append(last[stop])
        stop = steps[-1].start
    return steps[::-1]


def _either(one: float, other: float) -> float:
    """Cost of one of two things: their probabilities add up."""
    if one > other:
        one, other = other, one
    return one if other == inf else one - log1p(exp(one - other))
