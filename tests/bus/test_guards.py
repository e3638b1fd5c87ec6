"""Mistakes of a service's author are refused when the service starts, not when a message is lost."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.bus.conftest import ROOT

_GREEN = """
import os
os.environ["PSYCOPG_WAIT_FUNC"] = "wait_selector"
import eventlet
eventlet.monkey_patch()
"""
_SERVICE = """
import sys
from nameko.rpc import rpc
from chassis.bus.app import App, every
from chassis.bus.container import Container
from chassis.bus.rpc_server import serve
from chassis.bus.subscription import subscribe
from contracts.messages.ingest import CopyAssembled, SplitSheets
from contracts.rpc import ingest
from contracts.rpc.grading import exams

def attempt(decorate):
    class Service:
        name = "ingest"
        @decorate
        def handler(self, *_): pass
    try:
        container = Container(Service, {"AMQP_URI": "inproc://"})
        for entrypoint in container.entrypoints:
            entrypoint.setup()
        return "accepted"
    except TypeError as error:
        return str(error)
"""
CASES = {
    "subscribe(SplitSheets)": "accepted",
    "serve(ingest.GET_UPLOAD)": "accepted",
    "every(seconds=1)": "accepted",
    "rpc": "Rpc loses messages",
    "subscribe(CopyAssembled)": "does not list ingest as a consumer of ingest.copy.assembled.v1",
    "subscribe(SplitSheets, on_exhausted='absent')": "has no method absent",
    "serve(exams.CREATE_EXAM)": "is not ingest's to serve",
}


def run(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    return (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()


@pytest.fixture(scope="module")
def verdicts() -> dict[str, str]:
    """One process tries them all: starting it is what costs."""
    asked = "".join(f"print(attempt({case}))\n" for case in CASES)
    return dict(zip(CASES, run(_GREEN + _SERVICE + asked), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_entrypoints(case: str, verdicts: dict[str, str]) -> None:
    assert CASES[case] in verdicts[case]


def test_a_process_that_is_not_green_hosts_nothing() -> None:
    said = run("from chassis.bus.hosting import Hosted\nHosted([], {'AMQP_URI': 'inproc://'})")
    assert "monkey_patch" in said[-1]
