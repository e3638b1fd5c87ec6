"""What must hold about the integrity of data is named by the tests that show it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
INTEGRITY = [f"P0-DI-00{number}" for number in range(1, 9)]


def named(source: str) -> Iterator[str]:
    """Requirements in the docstrings of the tests of a module. ``P0-DI-001 and 008`` names two."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            said = ast.get_docstring(node) or ""
            for numbers in re.findall(r"P0-DI-(\d{3}(?:(?:, | and )\d{3})*)", said):
                yield from (f"P0-DI-{number}" for number in re.findall(r"\d{3}", numbers))


@pytest.fixture(scope="module")
def shown() -> set[str]:
    return {each for path in TESTS.rglob("test_*.py") for each in named(path.read_text())}


@pytest.mark.parametrize("requirement", INTEGRITY)
def test_a_test_shows_it(requirement: str, shown: set[str]) -> None:
    assert requirement in shown


def test_only_a_test_that_says_so_counts() -> None:
    source = '''
def test_two() -> None:
    """P0-DI-001 and 008. Or else."""

def test_comment() -> None:
    # P0-DI-002
    ...

def helper() -> None:
    """P0-DI-003."""
'''
    assert sorted(named(source)) == ["P0-DI-001", "P0-DI-008"]
