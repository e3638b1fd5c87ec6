"""The whole system in one process, with its own PostgreSQL and object store, until Ctrl-C.

The same services and the same gateway as in production; only the bus is inside the process.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import eventlet
from eventlet import wsgi

from chassis import migrations, observe
from chassis import settings as environment
from chassis.bus.hosting import start_services
from chassis.processes import ServerFailed
from chassis.roles import Roles
from chassis.servers import ObjectStore, Postgres
from contracts.catalogue import SERVICES
from contracts.errors.gateway import UsernameTaken
from contracts.model import Role
from demo.load import write_private
from services.gateway import people
from services.gateway.app import create_app
from services.gateway.context import Gateway
from services.gateway.settings import Settings

ACCOUNTS = (
    ("admin", "Administratrice", Role.ADMIN),
    ("secretariat", "Secrétariat", Role.OPERATOR),
    ("marie", "Marie Correctrice", Role.MARKER),
    ("karim", "Karim Correcteur", Role.MARKER),
)


READER = "oversight"
"""The database role that looks at everything and changes nothing: ``python -m oversight --data``."""

DATABASE_POOL = 8
REQUESTS_AT_ONCE = 2 * DATABASE_POOL  # each wants a connection of the pool for a moment; more would wait for it in vain


class InTurn:
    """Lets in so many requests at a time, in the order of their arrival, as gunicorn's threads do in production."""

    def __init__(self, app: Callable[..., Iterable[bytes]], at_once: int) -> None:
        self._app = app
        self._free = eventlet.Semaphore(at_once)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with self._free:
            return self._app(environ, start_response)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m demo", description="Korrigo on this machine alone.")
    parser.add_argument("--port", type=_port, default=8080)
    parser.add_argument("--data", type=Path, default=Path("var"), help="directory that keeps everything")
    asked = parser.parse_args()
    with ExitStack() as opened:
        try:
            listener = _listen(asked.port)
            opened.callback(listener.close)
            return run(listener, asked.data.absolute(), opened)
        except ServerFailed as error:
            print(error, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 0


def run(listener: socket.socket, data: Path, opened: ExitStack) -> int:
    """Start everything below ``data``, serve on ``listener`` until SIGINT or SIGTERM."""
    begun = time.monotonic()
    told: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: told.append(number))
    _make_usable(data)
    say("Korrigo démarre… / Korrigo is starting…")
    postgres = opened.enter_context(Postgres(data / "postgres", durable=True))
    store = opened.enter_context(ObjectStore(data / "objects", durable=True))
    reader = postgres.ensure_role(READER)
    for name in (*SERVICES, "gateway"):
        roles = Roles(runtime=postgres.ensure_role(name), reader=reader)
        migrations.upgrade(name, postgres.ensure_database(name), roles=roles)
    environ = {name: _environ(name, postgres, store, data) for name in (*SERVICES, "gateway")}
    settings = environment.load(Settings, environ["gateway"])
    observe.configure("korrigo", settings)
    store.objects().close()  # creates the bucket
    hosted = start_services(SERVICES, {"AMQP_URI": settings.bus_url, "environ": environ})
    opened.callback(hosted.stop)
    app = create_app(settings)
    accounts = create_accounts(app.extensions["korrigo"], data)
    eventlet.spawn(wsgi.server, listener, InTurn(app, REQUESTS_AT_ONCE), log_output=False, keepalive=True, debug=False)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    say(f"\n  {url}   ({time.monotonic() - begun:.1f} s)\n")
    filling = subprocess.Popen([sys.executable, "-m", "demo.load", url, str(accounts)])
    if shutil.which("tesseract") is None:
        say(
            "  Tesseract n'est pas installé : les en-têtes ne sont pas lus, les copies s'identifient à la main.\n"
            "  Tesseract is not installed: headers are not read, copies are identified by hand.\n"
        )
    filled = False
    while not told:
        eventlet.sleep(0.2)
        if not filled and filling.poll() is not None:
            filled = True
            _tell_accounts(accounts, complete=filling.returncode == 0)
    say("Korrigo s'arrête… / Korrigo is stopping…")
    if filling.poll() is None:
        filling.terminate()
    return 0


def create_accounts(gateway: Gateway, data: Path) -> Path:
    """The demo's people; their passwords are random and kept in ``demo-accounts.json``, mode 0600.

    The file comes first, so that an interrupted start leaves nobody with a password that is written nowhere.
    """
    file = data / "demo-accounts.json"
    if not file.exists():
        invented = [
            {"username": username, "password": "-".join(secrets.token_hex(3) for _ in range(3)), "role": role.value}
            for username, _, role in ACCOUNTS
        ]
        write_private(file, json.dumps(invented, indent=1) + "\n")
    passwords = {account["username"]: account["password"] for account in json.loads(file.read_text())}
    for username, display_name, role in ACCOUNTS:
        with suppress(UsernameTaken):
            people.create_account(
                gateway.db,
                gateway.passwords,
                username=username,
                display_name=display_name,
                role=role,
                password=passwords[username],
            )
    return file


def _tell_accounts(file: Path, *, complete: bool) -> None:
    for account in json.loads(file.read_text()):
        say(f"  {account['role']:10} {account['username']:22} {account['password']}")
    say(f"\n  ({file})")
    if not complete:
        say("  Les épreuves de démonstration sont incomplètes. / The demo exams are incomplete: see the log above.")
    say("  Ctrl-C pour arrêter / to stop\n")


def _environ(service: str, postgres: Postgres, store: ObjectStore, data: Path) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", ""),
        "KORRIGO_DATABASE_URL": postgres.url(service, role=service),
        "KORRIGO_DATABASE_POOL": str(DATABASE_POOL),
        "KORRIGO_BUS_URL": "inproc://",
        "KORRIGO_ENVIRONMENT": "demo",
        "KORRIGO_LOG_FORMAT": "console",
        "KORRIGO_LOG_DIRECTORY": str(data / "logs"),
        "KORRIGO_LOG_LEVEL": os.environ.get("KORRIGO_LOG_LEVEL", "warning"),
        "KORRIGO_SECRET_KEY": _secret(data / "secret-key"),
        "KORRIGO_AUDIT_KEY": _secret(data / "audit-key"),
        "KORRIGO_SECURE": "no",
        "KORRIGO_RATE_FACTOR": "100",
        **store.environ(),
    }


def _secret(file: Path) -> str:
    if not file.exists():
        write_private(file, secrets.token_urlsafe(48))
    return file.read_text()


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"a whole number from 0 to 65535 is expected, not {text!r}")
    return int(text)


def _make_usable(data: Path) -> None:
    """Create the data directory. ServerFailed, in plain words, when nothing can be kept there."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=data):
            pass
    except OSError as error:
        raise ServerFailed(
            f"Cannot write in {data}: {error.strerror}. Choose another directory with make run DATA=/somewhere/else"
        ) from error


def _listen(port: int) -> socket.socket:
    try:
        listener: socket.socket = eventlet.listen(("127.0.0.1", port), backlog=256)
        return listener
    except OSError as error:
        raise ServerFailed(
            f"Port {port} is in use: stop what listens there, or choose another with make run PORT=8081 ({error})"
        ) from error


def say(text: str) -> None:
    print(text, flush=True)
