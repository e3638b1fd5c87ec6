"""``korrigo verify``, ``gc``, ``watch``, ``letters``: what an operator asks of a running installation.

The databases and the store are named by the environment (docs/configuration.md), or found in the directory of a running
``make run`` with ``--data``; ``letters`` asks for the bus alone, and for a service's database to discard. Exit status:
0 all is well, 1 something is wrong, 2 it could not be looked at.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from chassis import health, letters, observe
from chassis.objects import RENEW_AFTER
from chassis.processes import ServerFailed
from chassis.settings import SettingsError, load
from contracts.errors import Unavailable
from oversight.garbage import GRACE, collect
from oversight.installation import Installation
from oversight.progress import Progress
from oversight.settings import Settings
from oversight.verify import verify
from oversight.watch import SETTLED_AFTER_S, UNENDED_AFTER_S, Watch, checks


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    asked = _parser().parse_args(arguments)
    if asked.run is None:
        return letters.answer(asked, environ)
    try:
        installation = Installation.embedded(asked.data) if asked.data else Installation.of(load(Settings, environ))
        if asked.run is _watch:
            asked.settings = load(Settings, environ)
    except (SettingsError, ServerFailed) as error:
        print(error, file=sys.stderr)
        return 2
    try:
        status: int = asked.run(installation, asked)
    except Unavailable as error:
        print(f"could not be looked at: {error}", file=sys.stderr)
        return 2
    except DBAPIError as error:  # no such table, no right to read it: not the database of this release, or not our role
        print(f"could not be looked at: database: {type(error.orig).__name__}", file=sys.stderr)
        return 2
    finally:
        installation.close()
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="korrigo", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="verify | gc | watch | letters")

    looking = verbs.add_parser("verify", help="check every invariant; changes nothing")
    looking.set_defaults(run=_verify)
    looking.add_argument("--deep", action="store_true", help="also read every object and compare it with its digest")
    looking.add_argument("--strict", action="store_true", help="an old object that nothing names is a finding")
    looking.add_argument("--settled-after", type=float, default=SETTLED_AFTER_S, metavar="S",
                         help="seconds a message may take (%(default)g)")  # fmt: skip
    looking.add_argument("--unended-after", type=float, default=UNENDED_AFTER_S, metavar="S",
                         help="seconds a finalisation may take (%(default)g)")  # fmt: skip
    looking.add_argument("--seconds", type=float, metavar="N", help="stop after so long; with --state it goes on later")
    looking.add_argument("--state", type=Path, metavar="FILE", help="remembers how far an interrupted look came")

    collecting = verbs.add_parser("gc", help="collect objects that nothing names: into the bin, later away")
    collecting.set_defaults(run=_collect)
    collecting.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    collecting.add_argument("--grace-hours", type=_grace, default=GRACE, metavar="H",
                            help="how old it must be, and how long it lies in the bin (24)")  # fmt: skip

    for each in (looking, collecting):
        each.add_argument("--json", action="store_true", help="for machines")
        each.add_argument("--data", type=Path, metavar="DIR", help="the directory of a running make run")

    watching = verbs.add_parser("watch", help="do both for ever, with metrics on KORRIGO_INTERNAL_PORT")
    watching.set_defaults(run=_watch, data=None)

    deciding = verbs.add_parser("letters", help="messages that failed for good: look, send again, give up")
    deciding.set_defaults(run=None)  # it needs no installation
    letters.configure(deciding)
    return parser


def _grace(text: str) -> timedelta:
    """Less than twice the age at which bytes put again are renewed could collect what is being put."""
    hours = timedelta(hours=float(text))
    if hours < 2 * RENEW_AFTER:
        raise argparse.ArgumentTypeError(f"at least {2 * RENEW_AFTER / timedelta(hours=1):g} hours")
    return hours


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
    print(json.dumps(report.to_json()) if asked.json else report)
    return 0 if report.ok else 1


def _collect(installation: Installation, asked: argparse.Namespace) -> int:
    done = collect(installation, grace=asked.grace_hours, dry_run=asked.dry_run)
    print(json.dumps(done.to_json()) if asked.json else done)
    return 0


def _watch(installation: Installation, asked: argparse.Namespace) -> int:
    observe.configure("oversight", asked.settings)
    watch = Watch(installation, asked.settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: watch.stop())
    internal = health.serve(asked.settings.internal_port, checks(installation))
    watch.run()
    if internal is not None:
        internal.close()
    return 0
