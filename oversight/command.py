"""``korrigo verify``, ``korrigo gc``, ``korrigo watch``: what an operator asks of a running installation.

The databases and the store are named by the environment (docs/configuration.md), or found in the directory of a running
``make run`` with ``--data``. Exit status: 0 all is well, 1 something is wrong, 2 it could not be looked at.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from chassis.processes import ServerFailed
from chassis.settings import SettingsError, load
from contracts.errors import Unavailable
from oversight.installation import Installation
from oversight.progress import Progress
from oversight.report import as_text
from oversight.settings import Settings
from oversight.verify import verify


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    asked = _parser().parse_args(arguments)
    try:
        installation = Installation.embedded(asked.data) if asked.data else Installation.of(load(Settings, environ))
    except (SettingsError, ServerFailed) as error:
        print(error, file=sys.stderr)
        return 2
    try:
        status: int = asked.run(installation, asked)
    except Unavailable as error:
        print(f"could not be looked at: {error}", file=sys.stderr)
        return 2
    finally:
        installation.close()
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="korrigo", description=__doc__)
    verbs = parser.add_subparsers(required=True)
    looking = verbs.add_parser("verify", help="check every invariant; changes nothing")
    looking.set_defaults(run=_verify)
    looking.add_argument("--deep", action="store_true", help="also read every object and compare it with its digest")
    looking.add_argument("--strict", action="store_true", help="an old object that nothing names is a finding")
    looking.add_argument("--json", action="store_true", help="for machines")
    looking.add_argument(
        "--settled-after", type=float, default=900, metavar="S", help="seconds that a message may take"
    )
    looking.add_argument(
        "--unended-after", type=float, default=3600, metavar="S", help="seconds a finalisation may take"
    )
    looking.add_argument("--seconds", type=float, metavar="N", help="stop after so long; with --state it goes on later")
    looking.add_argument("--state", type=Path, metavar="FILE", help="remembers how far an interrupted look came")
    for each in (looking,):
        each.add_argument("--data", type=Path, metavar="DIR", help="the directory of a running make run")
    return parser


def _verify(installation: Installation, asked: argparse.Namespace) -> int:
    report = verify(
        installation,
        settled_after_s=asked.settled_after,
        unended_after_s=asked.unended_after,
        deep=asked.deep,
        strict=asked.strict,
        seconds=asked.seconds,
        progress=Progress(asked.state),
    )
    print(as_text(report, machine=asked.json))
    return 0 if report.ok else 1
