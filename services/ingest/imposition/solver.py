"""The most probable division of a pile into copies, and how probable each of them is.

A pile lies one way throughout. For each way, the best division up to a side is the best one up to where its last copy
begins, and that copy: dynamic programming over the sides. The same recurrence with probabilities added instead of the
best one taken, from both ends, gives the share that a copy has of everything the pile could be (forward-backward over
a semi-Markov chain): its confidence, against all other explanations at once. It is taken twice, the second time with
less trust in what the pile says about the way it lies, and the smaller one counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, inf, log, log1p

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


@dataclass(frozen=True)
class Found:
    """A copy: ``pages_confidence`` that these pages belong together, ``confidence`` that they do in this order.

    ``forward``: its first page lies before the others in the pile.
    """

    reading: Reading
    pages_confidence: float
    confidence: float
    forward: bool


@dataclass(frozen=True, slots=True)
class _Step:
    """The sides from ``start`` up to ``stop`` as one copy; ``cost``: of the reading and of what was seen."""

    start: int
    stop: int
    reading: Reading
    cost: float


_Chains = Mapping[Way, Sequence[_Step]]  # in the order of their starts


def solve(sides: Sequence[Side], layout: Layout, evidence: Evidence) -> list[Found]:
    """The copies of a pile, in the order of its sides."""
    count = len(sides)
    chains = _weighed(_possible(sides, layout, evidence), count, evidence)
    if layout.sizes:
        chains = _sized(chains, count, layout.sizes)
    way, copies = _best(chains, count)
    looks = [_confidences(chains, count, power) for power in (1.0, CAUTION)]
    return [
        Found(
            step.reading,
            min(1.0, *(pages[step.start, step.stop] for pages, _ in looks)),
            min(1.0, *(orders[step.reading.order] for _, orders in looks)),
            way.forward,
        )
        for step in copies
    ]


def _confidences(
    chains: _Chains, count: int, power: float
) -> tuple[dict[tuple[int, int], float], dict[tuple[int, ...], float]]:
    """Share of all divisions: of those with a copy from one side up to another, and of those with one in some order."""
    pages: dict[tuple[int, int], float] = defaultdict(float)
    orders: dict[tuple[int, ...], float] = defaultdict(float)
    for _, step, share in _shares(chains, count, power):
        pages[step.start, step.stop] += share
        orders[step.reading.order] += share
    return pages, orders


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
    weighed: dict[Way, list[_Step]] = {way: [] for way in chains}
    for way, step, share in _shares(chains, count):
        if share > HOPELESS:
            reading = step.reading
            if reading.order not in known:
                known[reading.order] = evidence.writing(reading.order, reading.last_sheet, reading.places)
            weighed[way].append(_Step(step.start, step.stop, reading, step.cost + known[reading.order]))
    return weighed


def _sized(chains: _Chains, count: int, imagined: Mapping[int, float]) -> _Chains:
    """With the cost of each copy's size as all the *other* copies make it probable if the pile lies that way.

    Its own size says nothing about itself: two copies taken for one would vouch for each other.
    """
    of_way: dict[Way, float] = defaultdict(float)
    seen: dict[tuple[Way, int], float] = defaultdict(float)
    own: dict[tuple[Way, int, int, int], float] = defaultdict(float)
    for way, step, share in _shares(chains, count):
        of_way[way] += share if step.start == 0 else 0.0
        seen[way, step.reading.size] += share
        own[way, step.start, step.stop, step.reading.size] += share
    sized: dict[Way, list[_Step]] = {}
    for way, steps in chains.items():
        whole = of_way[way] or 1.0
        copies = sum(seen[way, size] for size in imagined) / whole
        sized[way] = []
        for step in steps:
            size = step.reading.size
            itself = own[way, step.start, step.stop, size] / whole
            others = max(0.0, seen[way, size] / whole - itself)
            probable = (IMAGINED_COPIES * imagined[size] + others) / (IMAGINED_COPIES + copies - itself)
            sized[way].append(replace(step, cost=step.cost + log(imagined[size] / probable)))
    return sized


def _shares(chains: _Chains, count: int, power: float = 1.0) -> Iterator[tuple[Way, _Step, float]]:
    """Each step with its share of all divisions of the pile, all ways together; see ``CAUTION`` for ``power``."""
    whole, parts = inf, []
    for way, steps in chains.items():
        before = [0.0] + [inf] * count
        for step in steps:
            before[step.stop] = _either(before[step.stop], before[step.start] + step.cost)
        after = [inf] * count + [0.0]
        for step in reversed(steps):
            after[step.start] = _either(after[step.start], after[step.stop] + step.cost)
        if before[count] < inf:
            lying = way.cost - (1 - power) * before[count]
            parts.append((way, steps, before, after, lying))
            whole = _either(whole, lying + before[count])
    for way, steps, before, after, lying in parts:
        for step in steps:
            cost = lying + before[step.start] + step.cost + after[step.stop]
            if cost - whole < 40:  # less than 1e-17 is nothing
                yield way, step, exp(whole - cost)


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
