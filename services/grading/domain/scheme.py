"""The scheme (barème): a tree of exercises and questions whose leaves get scores."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

Reason = Literal[
    "duplicate_id", "no_label", "points_and_children", "no_points", "too_deep", "not_positive",
    "not_a_multiple_of_step", "no_items", "too_many_items",
]  # fmt: skip
MAX_DEPTH = 6
MAX_LEAVES = 500  # a paper has dozens; the score sheet prints them all


@dataclass(frozen=True)
class Node:
    """A branch has ``children``; a leaf has ``points``. A leaf below a bonus branch is a bonus leaf."""

    id: str
    label: str
    points: Decimal | None = None
    bonus: bool = False
    children: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Leaf:
    """What gets a score. ``path`` are the labels from the root down, its own last."""

    item_id: str
    path: tuple[str, ...]
    max_points: Decimal
    bonus: bool


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one node (its id), or with the whole tree (``""``)."""

    node: str
    reason: Reason

    def as_json(self) -> dict[str, str]:
        return {"node": self.node, "reason": self.reason}


@dataclass(frozen=True)
class Impact:
    """``marked``: copies that have scores. ``affected``: those with a score on an item gone or above its maximum."""

    marked: int
    affected: int


def leaves(nodes: Sequence[Node]) -> tuple[Leaf, ...]:
    """The items of a scheme in the order of the paper. A node with neither points nor children is no leaf."""
    return tuple(
        Leaf(path[-1].id, tuple(node.label for node in path), path[-1].points, any(node.bonus for node in path))
        for path in _paths(nodes)
        if path[-1].points is not None and not path[-1].children
    )


def counted_points(nodes: Sequence[Node]) -> Decimal:
    """What the leaves add up to, bonus aside: it must be the exam's total."""
    return sum((leaf.max_points for leaf in leaves(nodes) if not leaf.bonus), Decimal(0))


def problems(nodes: Sequence[Node], step: Decimal) -> tuple[Problem, ...]:
    """Everything wrong with the tree itself, so that one reply fixes all; the total is another question."""
    found: list[Problem] = []
    seen: set[str] = set()
    items = 0
    for path in _paths(nodes):
        node = path[-1]
        if node.id in seen:
            found.append(Problem(node.id, "duplicate_id"))
        seen.add(node.id)
        found += [Problem(node.id, reason) for reason in _node_problems(node, len(path), step)]
        items += not node.children
    if not items:
        found.append(Problem("", "no_items"))
    if items > MAX_LEAVES:
        found.append(Problem("", "too_many_items"))
    return tuple(found)


def step_fits(step: Decimal, total_points: Decimal) -> bool:
    """Whether marks in this step can reach the exam's total and add up to whole points."""
    return total_points % step == 0 and Decimal(1) % step == 0


def impact(nodes: Sequence[Node], marked: Collection[Mapping[str, Decimal]]) -> Impact:
    """What putting this scheme in force means for marking that has begun.

    ``marked`` are the scores of each copy that has any, item id to points.
    """
    maxima = {leaf.item_id: leaf.max_points for leaf in leaves(nodes)}
    affected = sum(
        any(item not in maxima or score > maxima[item] for item, score in scores.items()) for scores in marked
    )
    return Impact(marked=len(marked), affected=affected)


def as_json(nodes: Sequence[Node]) -> list[dict[str, Any]]:
    """Points as decimal strings: a float would round a mark."""
    return [
        {
            "id": node.id,
            "label": node.label,
            "points": None if node.points is None else str(node.points),
            "bonus": node.bonus,
            "children": as_json(node.children),
        }
        for node in nodes
    ]


def from_json(rows: Sequence[Mapping[str, Any]]) -> tuple[Node, ...]:
    return tuple(
        Node(
            id=row["id"],
            label=row["label"],
            points=None if row["points"] is None else Decimal(row["points"]),
            bonus=row["bonus"],
            children=from_json(row["children"]),
        )
        for row in rows
    )


def _node_problems(node: Node, depth: int, step: Decimal) -> Iterator[Reason]:
    if not node.label.strip():
        yield "no_label"
    if depth > MAX_DEPTH:
        yield "too_deep"
    if node.children:
        if node.points is not None:
            yield "points_and_children"
    elif node.points is None:
        yield "no_points"
    elif node.points <= 0:
        yield "not_positive"
    elif node.points % step:
        yield "not_a_multiple_of_step"


def _paths(nodes: Sequence[Node], above: tuple[Node, ...] = ()) -> Iterator[tuple[Node, ...]]:
    """Every node with its ancestors, root first, in the order of the paper."""
    for node in nodes:
        path = (*above, node)
        yield path
        yield from _paths(node.children, path)
