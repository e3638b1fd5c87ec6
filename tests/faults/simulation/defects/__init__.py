"""Defects to be planted, one at a time, in code that has none of them. A hunt that misses one is worth nothing.

Each is a context manager that takes the world and changes the product while it is open. They are mistakes that were
made somewhere: by a framework's defaults, by an older system, by the first draft of a fix.
"""

from tests.faults.simulation.defects import finalising, locks, marking, messages, paper, trail  # noqa: F401  # they register
from tests.faults.simulation.defects.planting import DEFECTS, first_caught

__all__ = ["DEFECTS", "first_caught"]
