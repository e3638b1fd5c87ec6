"""What ``make run`` makes of a machine that is not as it should be, and of a crowd."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import eventlet
import pytest

from chassis.processes import ServerFailed
from demo.system import InTurn, _make_usable, _port


@pytest.mark.parametrize("below", ["", "deeper"], ids=["a file", "below a file"])
def test_a_data_directory_that_cannot_be_one_is_told_in_words(tmp_path: Path, below: str) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(ServerFailed, match=r"Cannot write in .* make run DATA="):
        _make_usable(file / below)


def test_a_data_directory_is_made_and_left_empty(tmp_path: Path) -> None:
    _make_usable(tmp_path / "new" / "var")
    assert list((tmp_path / "new" / "var").iterdir()) == []


@pytest.mark.parametrize("text", ["65536", "-1", "http", "8080.0", ""])
def test_a_port_that_cannot_be_is_refused_by_name(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="65535"):
        _port(text)


def test_a_crowd_is_let_in_in_turn() -> None:
    """A hundred at once each waited 2 s for one of 8 connections, and a tenth of them got 503."""
    inside, most, served = 0, 0, []

    def app(environ: dict[str, Any], _: Any) -> list[bytes]:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        eventlet.sleep(0.001)
        inside -= 1
        served.append(environ["n"])
        return []

    one_at_a_time = InTurn(app, 3)
    crowd = eventlet.GreenPool()
    for n in range(20):
        crowd.spawn(one_at_a_time, {"n": n}, None)
    crowd.waitall()
    assert most == 3
    assert served == list(range(20))
