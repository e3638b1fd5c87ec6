"""Where the marks of a chart stand: pure geometry for SVG that templates write. Lengths in units of the view box."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from contracts.rpc.grading.results import Bar, ItemStatistics, Spread

LOW_DISCRIMINATION: Final = Decimal("0.2")
"""Below, an item hardly tells strong copies from weak ones: "poor, to be revised or rejected" in Ebel, Essentials of
Educational Measurement (1972)."""
BUBBLE: Final = 10  # radius of a numbered point
ROUNDS: Final = 80  # of pushing bubbles apart; thirty items settle in far fewer


@dataclass(frozen=True)
class Tick:
    at: float
    value: Decimal


@dataclass(frozen=True)
class Column:
    """One bar of a histogram. ``below_half``: all of its marks are under half of the points."""

    x: float
    y: float
    width: float
    height: float
    bar: Bar
    below_half: bool


@dataclass(frozen=True)
class Box:
    """Lowest, quartiles and highest on the axis of marks."""

    lowest: float
    q1: float
    median: float
    q3: float
    highest: float
    mean: float


@dataclass(frozen=True)
class Histogram:
    columns: tuple[Column, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    box: Box | None


@dataclass(frozen=True)
class Dot:
    """An item: ``x, y`` is its place, ``bx, by`` that of its bubble, which makes room for others."""

    no: int
    item: ItemStatistics
    x: float
    y: float
    bx: float
    by: float


@dataclass(frozen=True)
class Scatter:
    dots: tuple[Dot, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    low_y: float
    zero_y: float


@dataclass(frozen=True)
class Frame:
    """The plot inside the view box."""

    left: float
    top: float
    width: float
    height: float

    def x(self, share: Decimal | float) -> float:
        return round(self.left + float(share) * self.width, 1)

    def y(self, share: Decimal | float) -> float:
        """From the bottom."""
        return round(self.top + (1 - float(share)) * self.height, 1)


MARKS: Final = Frame(left=34, top=26, width=590, height=200)
ITEMS: Final = Frame(left=40, top=14, width=380, height=250)
SPARK: Final = Frame(left=2, top=2, width=236, height=26)


def histogram(bars: Sequence[Bar], total: Decimal, spread: Spread, frame: Frame = MARKS) -> Histogram:
    """Bars and a box plot over one axis from 0 to ``total``."""
    most = max((bar.count for bar in bars), default=0)
    top = nice_top(most)
    columns = []
    for bar in bars:
        left, right = frame.x(bar.low / total), frame.x(bar.high / total)
        y = frame.y(bar.count / top)
        columns.append(
            Column(
                left + 1, y, round(right - left - 2, 1), round(frame.y(0) - y, 1), bar, bar.high <= total / Decimal(2)
            )
        )
    across = tuple(Tick(frame.x(Decimal(at) / 4), total * at / 4) for at in range(5))
    step = max(1, top // 4)
    up = tuple(Tick(frame.y(count / top), Decimal(count)) for count in range(0, top + 1, step))
    return Histogram(tuple(columns), across, up, box(spread, total, frame))


def box(spread: Spread, total: Decimal, frame: Frame) -> Box | None:
    """``None`` where there is no mark."""
    at = [spread.lowest, spread.q1, spread.median, spread.q3, spread.highest, spread.mean]
    known = [frame.x(value / total) for value in at if value is not None]
    return Box(*known) if len(known) == len(at) else None


def nice_top(most: int) -> int:
    """The end of an axis of counts: a multiple of 4, or small."""
    return most if 0 < most < 4 else max(4, math.ceil(most / 4) * 4)


@dataclass
class _Bubble:
    no: int
    item: ItemStatistics
    x: float
    y: float
    bx: float = field(init=False)
    by: float = field(init=False)

    def __post_init__(self) -> None:
        self.bx, self.by = self.x, self.y


def scatter(items: Sequence[ItemStatistics], frame: Frame = ITEMS) -> Scatter:
    """Facility across, discrimination up; the axis goes below 0 only where an item does.

    Numbers are those of the items in the order of the paper; items without a discrimination have no place.
    """
    known = [(no, item) for no, item in enumerate(items, 1) if item.discrimination is not None]
    lowest = min((item.discrimination or Decimal(0) for _, item in known), default=Decimal(0))
    floor = (min(lowest, Decimal(0)) * 4).to_integral_value(ROUND_FLOOR) / 4

    def y(value: Decimal) -> float:
        return frame.y((value - floor) / (1 - floor))

    bubbles = [
        _Bubble(no, item, frame.x(min(item.facility or Decimal(0), Decimal(1))), y(item.discrimination or Decimal(0)))
        for no, item in known
    ]
    _make_room(bubbles, frame)
    quarters = int((1 - floor) * 4)
    return Scatter(
        dots=tuple(Dot(b.no, b.item, b.x, b.y, round(b.bx, 1), round(b.by, 1)) for b in bubbles),
        across=tuple(Tick(frame.x(Decimal(at) / 4), Decimal(at) / 4) for at in range(5)),
        up=tuple(Tick(y(floor + Decimal(at) / 4), floor + Decimal(at) / 4) for at in range(quarters + 1)),
        low_y=y(LOW_DISCRIMINATION),
        zero_y=y(floor),
    )


def _make_room(bubbles: list[_Bubble], frame: Frame) -> None:
    """Push bubbles that overlap apart, a little at a time, and keep them in the plot."""
    for _ in range(ROUNDS):
        moved = False
        for at, one in enumerate(bubbles):
            for other in bubbles[at + 1 :]:
                dx, dy = other.bx - one.bx, other.by - one.by
                distance = math.hypot(dx, dy)
                if distance >= 2 * BUBBLE + 1:
                    continue
                moved = True
                if distance < 0.01:  # the same place: any direction, but always the same one
                    dx, dy, distance = math.cos(one.no), math.sin(one.no), 1.0
                    push = BUBBLE + 0.5
                else:
                    push = (2 * BUBBLE + 1 - distance) / 2
                one.bx, one.by = one.bx - dx / distance * push, one.by - dy / distance * push
                other.bx, other.by = other.bx + dx / distance * push, other.by + dy / distance * push
        for bubble in bubbles:
            bubble.bx = min(max(bubble.bx, frame.left + BUBBLE), frame.left + frame.width - BUBBLE)
            bubble.by = min(max(bubble.by, frame.top + BUBBLE), frame.top + frame.height - BUBBLE)
        if not moved:
            return


def remarks(item: ItemStatistics) -> tuple[str, ...]:
    """What deserves a second look: keys of the catalogue below ``stats.remark``."""
    found = []
    if item.discrimination is not None and item.discrimination < 0:
        found.append("negative")
    elif item.discrimination is not None and item.discrimination < LOW_DISCRIMINATION:
        found.append("low")
    if item.facility is not None and item.count and item.full == item.count:
        found.append("all")
    if item.facility is not None and item.count and item.zero == item.count:
        found.append("none")
    return tuple(found)
