"""What to do about dead letters, from the command line.

    python -m chassis.letters list
    python -m chassis.letters show MESSAGE_ID
    python -m chassis.letters replay --id MESSAGE_ID | --queue QUEUE | --all
    python -m chassis.letters discard --id MESSAGE_ID | --queue QUEUE | --all --reason WHY

``korrigo letters`` is the same, where that is installed.

Reads ``KORRIGO_BUS_URL``, and ``KORRIGO_DATABASE_URL`` to discard: that of the service whose letters they are. Each
service may see its own queues alone, so ``--service`` says whose these are where it cannot see all.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from chassis import observe
from chassis.bus import letters
from chassis.bus.inproc import is_inproc
from chassis.bus.letters import Letter
from chassis.db import Database
from chassis.privacy import writable
from chassis.settings import Process, SettingsError, env, load, postgres_url, url
from contracts.catalogue import SERVICES
from contracts.errors import Unavailable


@dataclass(frozen=True, kw_only=True)
class Needed(Process):
    """The bus; and one database, to discard."""

    bus_url: str = env("KORRIGO_BUS_URL", url("amqp", "amqps", "inproc"), secret=True,
                       doc="the RabbitMQ broker that all services share")  # fmt: skip
    database_url: str | None = env("KORRIGO_DATABASE_URL", postgres_url, default=None, secret=True,
                                   doc="the PostgreSQL database of the service")  # fmt: skip


Databases = Callable[[str], Database]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the commands; a larger command may hang them in, and call ``answer`` with what was parsed."""
    commands = parser.add_subparsers(dest="letters", required=True)
    described = {
        "list": "what waits, and why",
        "show": "one letter, without what may be personal in it",
        "replay": "send again",
        "discard": "give up",
    }
    for name, text in described.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--service", choices=SERVICES, help="look at this service's queues alone")
        if name == "show":
            command.add_argument("id", type=UUID)
        if name in {"replay", "discard"}:
            which = command.add_mutually_exclusive_group(required=True)
            which.add_argument("--id", type=UUID)
            which.add_argument("--queue", choices=letters.QUEUES)
            which.add_argument("--all", action="store_true")
        if name == "discard":
            command.add_argument("--reason", required=True, help="why, for the audit log; name nobody")


def run(chosen: argparse.Namespace, bus_url: str, databases: Databases) -> int:
    """Do what was asked. Returns the exit status: 0, or 1 when there is no such letter."""
    queues = [queue for queue, consumer in letters.QUEUES.items() if chosen.service in {None, consumer}]
    if chosen.letters == "list":
        _print_list(letters.all_of(bus_url, queues))
        return 0
    if chosen.letters == "show":
        found = [letter for letter in letters.all_of(bus_url, queues) if letter.message_id == chosen.id]
        for letter in found[:1]:
            print(json.dumps(_described(letter) | {"data": writable("data", letter.data)}, indent=2, default=str))
    else:
        if chosen.queue:
            queues = [chosen.queue]

        def wanted(letter: Letter) -> bool:
            return chosen.id is None or letter.message_id == chosen.id

        if chosen.letters == "replay":
            found = letters.replay(bus_url, wanted, queues)
        else:
            found = letters.discard(bus_url, wanted, chosen.reason, databases, queues)
        print(f"{len(found)} {'sent again' if chosen.letters == 'replay' else 'discarded'}")
    if not found:
        print("no such letter", file=sys.stderr)
    return 0 if found else 1


def _described(letter: Letter) -> dict[str, Any]:
    age_s = (datetime.now(UTC) - letter.sent_at).total_seconds() if letter.sent_at else None
    return {
        "queue": letter.queue,
        "message_id": letter.message_id,
        "subject": letter.subject if _is_id(letter.subject) else "",
        "age_s": None if age_s is None else round(age_s),
        "attempt": letter.attempt,
        "reason": letter.reason,
        "error": letter.error,
    }


def _is_id(text: str) -> bool:
    """Subjects are; of what a stranger sent nothing is shown."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _print_list(found: Sequence[Letter]) -> None:
    for queue, count in Counter(letter.queue for letter in found).items():
        print(f"{queue}: {count}")
        for letter in found:
            if letter.queue == queue:
                told = _described(letter)
                fields = (f"{name}={value}" for name, value in told.items() if name not in {"queue", "message_id"})
                print(f"  {letter.message_id}", *fields)
    if not found:
        print("no dead letters")


@contextmanager
def _own_database(address: str | None) -> Iterator[Databases]:
    """The one database the environment names, whoever is asked for."""
    opened: list[Database] = []

    def database(service: str) -> Database:
        if address is None:
            raise SettingsError(["KORRIGO_DATABASE_URL: missing; discarding is written down in the service's database"])
        if not opened:
            opened.append(Database(address, service=service))
        if opened[0].service != service:
            raise SettingsError([f"KORRIGO_DATABASE_URL: these are letters of {opened[0].service} and {service};"
                                 " choose one with --service"])  # fmt: skip
        return opened[0]

    try:
        yield database
    finally:
        for each in opened:
            each.close()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m chassis.letters")
    configure(parser)
    return answer(parser.parse_args(arguments))


def answer(chosen: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> int:
    """Do what was asked where the environment says; 2 when it does not say, or nobody is there."""
    try:
        settings = load(Needed, environ)
        observe.configure("letters", settings)
        if is_inproc(settings.bus_url):
            print("this bus ends with its process, and its dead letters do: see docs/runbooks/dead-letters.md")
            return 0
        with _own_database(settings.database_url) as databases:
            return run(chosen, settings.bus_url, databases)
    except (SettingsError, Unavailable) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
