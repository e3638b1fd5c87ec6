"""Which copy is whose, decided for the whole exam at once: a candidate has one copy, a copy one candidate or nobody.

Pure numbers: rows are copies, columns candidates, values are nats for this pair against "nobody on the roster".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Values: TypeAlias = npt.NDArray[np.float64]
Places: TypeAlias = npt.NDArray[np.intp]

NOBODY = -1
# A candidate that fits this much less than the copy's best choice, or than nobody, does not change who is accepted.
REACH = 20.0
# The most candidates that a copy competes for: one that fits more of them says nothing.
CHOICES = 30
_NEVER = 1e6


@dataclass(frozen=True)
class Solution:
    """Per copy: the column of its candidate or NOBODY, and ``margin``: the log odds (nats) for exactly this choice.

    The odds are against everything else the whole exam could look like without this pair, the likeliest chains of
    exchanges added up: two copies that could be exchanged at no cost both have odds of 1 at most.
    """

    chosen: Places
    margin: Values


def solve(worth: Values, nobody: Values | float, fixed: Mapping[int, int] | None = None) -> Solution:
    """The likeliest assignment as a whole.

    Args:
        worth: copies x candidates, in nats; -inf for what cannot be.
        nobody: of each copy, the same for "nobody on this roster".
        fixed: what people decided, copy to candidate or NOBODY. Their copies and candidates are out of the question
            for all others.
    """
    copies, candidates = worth.shape
    fixed = fixed or {}
    nothing = np.broadcast_to(np.asarray(nobody, dtype=np.float64), (copies,))
    open_rows = [row for row in range(copies) if row not in fixed]
    taken = {column for column in fixed.values() if column != NOBODY}
    open_columns = np.array([column for column in range(candidates) if column not in taken], dtype=np.intp)
    chosen = np.full(copies, NOBODY, dtype=np.intp)
    margin = np.zeros(copies)
    for row, column in fixed.items():
        chosen[row], margin[row] = column, np.inf
    choices: dict[int, Places] = {}
    for row in open_rows:
        values = worth[row, open_columns]
        least = max(float(values.max(initial=-np.inf)), float(nothing[row])) - REACH
        near = np.flatnonzero(values >= least)
        best = near[np.argsort(-values[near], kind="stable")[:CHOICES]]
        choices[row] = open_columns[np.sort(best)]
    for rows, columns in _groups(choices):
        _solve_group(worth, nothing, rows, columns, chosen, margin)
    return Solution(chosen, margin)


def _groups(choices: Mapping[int, Places]) -> list[tuple[list[int], list[int]]]:
    """Copies that compete for candidates, directly or through others; each group is a problem of its own."""
    leader: dict[int, int] = {}

    def find(row: int) -> int:
        while leader[row] != row:
            leader[row] = leader[leader[row]]
            row = leader[row]
        return row

    first_with: dict[int, int] = {}
    for row, columns in choices.items():
        leader[row] = row
        for column in columns.tolist():
            leader[find(row)] = find(first_with.setdefault(column, row))
    groups: dict[int, tuple[list[int], set[int]]] = {}
    for row, columns in choices.items():
        rows, theirs = groups.setdefault(find(row), ([], set()))
        rows.append(row)
        theirs.update(columns.tolist())
    return [(rows, sorted(theirs)) for rows, theirs in groups.values()]


def _solve_group(
    worth: Values, nothing: Values, rows: Sequence[int], columns: Sequence[int], chosen: Places, margin: Values
) -> None:
    cost = np.full((len(rows), len(columns) + len(rows)), _NEVER)
    cost[:, : len(columns)] = np.minimum(-worth[np.ix_(rows, columns)], _NEVER)
    every = np.arange(len(rows))
    cost[every, len(columns) + every] = -nothing[rows]  # nobody: a column of its own for each copy
    taken = cheapest(cost)
    odds = log_odds(cost, taken)
    for place, row in enumerate(rows):
        column = int(taken[place])
        chosen[row] = columns[column] if column < len(columns) else NOBODY
        margin[row] = odds[place]


def cheapest(cost: Values) -> Places:
    """For each row a column of its own so that the sum is least; rows <= columns.

    Shortest augmenting paths with row and column prices (Jonker and Volgenant 1987), O(rows^2 columns) in numpy
    operations of a whole row: 300 x 600 in well under a second, and no scipy (100 MB) in the image for one function.
    """
    rows, columns = cost.shape
    row_of = np.full(columns, -1, dtype=np.intp)
    price_row, price_column = np.zeros(rows), np.zeros(columns)
    for start in range(rows):
        shortest = np.full(columns, np.inf)
        before = np.full(columns, -1, dtype=np.intp)  # the row from which a column was reached
        done = np.zeros(columns, dtype=bool)
        row, travelled, sink = start, 0.0, -1
        visited = []
        while sink < 0:
            visited.append(row)
            reached = travelled + cost[row] - price_row[row] - price_column
            better = (reached < shortest) & ~done
            shortest[better], before[better] = reached[better], row
            column = int(np.argmin(np.where(done, np.inf, shortest)))
            travelled = float(shortest[column])
            done[column] = True
            if row_of[column] < 0:
                sink = column
            else:
                row = int(row_of[column])
        column_of = {int(row_of[column]): column for column in np.flatnonzero(done) if row_of[column] >= 0}
        price_row[start] += travelled
        for row in visited[1:]:
            price_row[row] += travelled - shortest[column_of[row]]
        price_column[done] -= travelled - shortest[done]
        column = sink
        while True:
            row = int(before[column])
            following = np.flatnonzero(row_of == row)
            row_of[column] = row
            if row == start:
                break
            column = int(following[0])
    taken = np.empty(rows, dtype=np.intp)
    held = np.flatnonzero(row_of >= 0)
    taken[row_of[held]] = held
    return taken


def log_odds(cost: Values, taken: Places) -> Values:
    """For each row: minus the log of the sum, over its other choices, of the odds of the best assignment with that.

    Giving row i the column of row k starts a chain: k takes another's, until somebody takes a free column or the one
    that i left. The cheapest chains are shortest paths between rows (Floyd and Warshall, over all at once); ``free``
    is the place where chains through a free column end, and from which any row may take what was left.
    """
    rows = len(taken)
    every = np.arange(rows)
    own = cost[every, taken]
    to_free = cost.copy()
    to_free[:, taken] = np.inf
    step = np.zeros((rows + 1, rows + 1))
    step[:rows, :rows] = cost[:, taken] - own[:, None]
    with np.errstate(divide="ignore"):
        step[:rows, rows] = -np.log(np.exp(np.minimum(own[:, None] - to_free, 700)).sum(axis=1))
    np.fill_diagonal(step, np.inf)
    reach = step.copy()
    np.fill_diagonal(reach, 0)
    for through in range(rows + 1):
        np.minimum(reach, reach[:, through, None] + reach[None, through], out=reach)
    loss = step[:rows] + reach[:, :rows].T  # first step i -> k, then the way back from k to i
    loss[every, every] = np.inf
    return np.array([-_log_sum(-each) for each in loss])


def _log_sum(values: Values) -> float:
    most = float(values.max())
    return most if math.isinf(most) else most + math.log(float(np.exp(values - most).sum()))
