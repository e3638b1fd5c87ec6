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
from nameko.rpc import rpc
from chassis.bus.app import App, every
from chassis.bus.container import Container
from chassis.bus.rpc_server import serve
from chassis.bus.subscription import subscribe
from contracts.messages.ingest import CopyAssembled, SplitSheets
from contracts.rpc import ingest

class Service:
    name = "ingest"
    {line}
    def handler(self, *_): pass

container = Container(Service, {{"AMQP_URI": "inproc://"}})
for entrypoint in container.entrypoints:
    entrypoint.setup()
"""


def run(code: str) -> str:
    """The last line of what it wrote to stderr; empty when all went well."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("@subscribe(SplitSheets)", ""),
        ("@rpc", "Rpc loses messages"),
        ("@subscribe(CopyAssembled)", "does not list ingest as a consumer of ingest.copy.assembled.v1"),
        ("@subscribe(SplitSheets, on_exhausted='absent')", "has no method absent"),
        ("@serve(__import__('contracts.rpc.grading.exams', fromlist='x').CREATE_EXAM)", "is not ingest's to serve"),
    ],
)
def test_entrypoints(line: str, complaint: str) -> None:
    said = run(_GREEN + _SERVICE.format(line=line))
    assert complaint in said
    assert bool(complaint) == bool(said)


def test_a_process_that_is_not_green_hosts_nothing() -> None:
    said = run("from chassis.bus.hosting import Hosted\nHosted([], {'AMQP_URI': 'inproc://'})")
    assert "monkey_patch" in said
