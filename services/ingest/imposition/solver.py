"""The most probable division of a pile into copies, and how probable each of them is.

A pile lies one way throughout. For each way, the best division up to a side is the best one up to where its last copy
begins, and that copy: dynamic programming over the sides. The same recurrence with probabilities added instead of the
best one taken, from both ends, gives the share that a copy has of everything the pile could be (forward-backward over
a semi-Markov chain): its confidence, against all other explanations at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, log, log1p

from services.ingest.imposition.evidence import Evidence
from services.ingest.imposition.faces import Side
from services.ingest.imposition.readings import WAYS, Layout, Reading, Way

# Copies of one pile are alike. So many imagined ones stand for what schools do, beside those that are there.
IMAGINED_COPIES = 4.0
# A copy with more clear headers than this is not looked for beyond its second side.
MOST_HEADERS = 1
# A copy of which headers alone say this is not looked at more closely.
HOPELESS = 1e-8


@dataclass(frozen=True)
class Found:
    """A copy: ``pages_confidence`` that these pages belong together, ``confidence`` that they do in this order."""

    reading: Reading
    pages_confidence: float
    confidence: float


@dataclass(frozen=True, slots=True)
class _Step:
    """The sides from ``start`` up to ``stop`` as one copy; ``cost``: of the reading and of what was seen."""

    start: int
    stop: int
    reading: Reading
    cost: float


_Sizes = Mapping[int, float]
_Chains = Mapping[Way, Sequence[_Step]]  # in the order of their starts


def solve(sides: Sequence[Side], layout: Layout, evidence: Evidence) -> list[Found]:
    """The copies of a pile, in the order of its sides."""
    count = len(sides)
    chains = _weighed(_possible(sides, layout, evidence), count, layout.sizes or {}, evidence)
    sizes = _sizes_seen(chains, count, layout.sizes) if layout.sizes else {}
    orders: dict[tuple[int, ...], float] = defaultdict(float)
    pages: dict[tuple[int, int], float] = defaultdict(float)
    for _, step, share in _shares(chains, count, sizes):
        orders[step.reading.order] += share
        pages[step.start, step.stop] += share
    return [
        Found(step.reading, min(1.0, pages[step.start, step.stop]), min(1.0, orders[step.reading.order]))
        for step in _best(chains, count, sizes)
    ]


def _possible(sides: Sequence[Side], layout: Layout, evidence: Evidence) -> _Chains:
    """Every copy that could be in the pile; ``cost``: of what must have gone wrong, and of the headers."""
    headers = [sum(face.header == "sure" for face in side.faces) for side in sides]
    chains: dict[Way, list[_Step]] = {way: [] for way in WAYS}
    for way, steps in chains.items():
        for start in range(len(sides)):
            for stop in layout.stops(start):
                for reading in layout.readings(way, start, stop):
                    steps.append(_Step(start, stop, reading, reading.cost + evidence.headers(reading.order)))
                if stop - start > 1 and sum(headers[start:stop]) > MOST_HEADERS:
                    break
    return chains


def _weighed(chains: _Chains, count: int, sizes: _Sizes, evidence: Evidence) -> _Chains:
    """Only copies that the headers leave possible, with the cost of all that was seen."""
    known: dict[tuple[int, ...], float] = {}
    weighed: dict[Way, list[_Step]] = {way: [] for way in chains}
    for way, step, share in _shares(chains, count, sizes):
        if share > HOPELESS:
            reading = step.reading
            if reading.order not in known:
                known[reading.order] = evidence.writing(reading.order, reading.last_sheet, reading.places)
            weighed[way].append(_Step(step.start, step.stop, reading, step.cost + known[reading.order]))
    return weighed


def _sizes_seen(chains: _Chains, count: int, imagined: _Sizes) -> _Sizes:
    """How probable each size of a copy is in this pile."""
    seen: dict[int, float] = defaultdict(float)
    for _, step, share in _shares(chains, count, imagined):
        seen[step.reading.size] += share
    total = IMAGINED_COPIES + sum(seen.values())
    return {size: (IMAGINED_COPIES * share + seen[size]) / total for size, share in imagined.items()}


def _prices(sizes: _Sizes) -> dict[int, float]:
    return {size: -log(share) for size, share in sizes.items()}


def _shares(chains: _Chains, count: int, sizes: _Sizes) -> Iterator[tuple[Way, _Step, float]]:
    """Each step with its share of all divisions of the pile, all ways together."""
    prices = _prices(sizes)
    whole, parts = inf, []
    for way, steps in chains.items():
        before = [0.0] + [inf] * count
        for step in steps:
            cost = before[step.start] + step.cost + prices.get(step.reading.size, 0.0)
            before[step.stop] = _either(before[step.stop], cost)
        after = [inf] * count + [0.0]
        for step in reversed(steps):
            cost = after[step.stop] + step.cost + prices.get(step.reading.size, 0.0)
            after[step.start] = _either(after[step.start], cost)
        parts.append((way, steps, before, after))
        whole = _either(whole, way.cost + before[count])
    for way, steps, before, after in parts:
        for step in steps:
            cost = way.cost + before[step.start] + step.cost + after[step.stop] + prices.get(step.reading.size, 0.0)
            if cost - whole < 40:  # less than 1e-17 is nothing
                yield way, step, exp(whole - cost)


def _best(chains: _Chains, count: int, sizes: _Sizes) -> list[_Step]:
    prices = _prices(sizes)
    least, found = inf, []
    for way, steps in chains.items():
        costs = [0.0] + [inf] * count
        last: dict[int, _Step] = {}
        for step in steps:
            cost = costs[step.start] + step.cost + prices.get(step.reading.size, 0.0)
            if cost < costs[step.stop]:
                costs[step.stop], last[step.stop] = cost, step
        if way.cost + costs[count] < least:
            least = way.cost + costs[count]
            found = _back(last, count)
    return found


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
