"""Accounts from the command line, for the first administrator and for the demo.

    python -m services.gateway.accounts create --username alice --role admin < password.txt

Without a password on standard input one is generated and printed, this once.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

from chassis.db import Database
from chassis.settings import SettingsError, env, load, url
from contracts.errors import Refusal, Unavailable
from contracts.model import Role
from services.gateway import codes, people
from services.gateway.passwords import Passwords


@dataclass(frozen=True, kw_only=True)
class Needed:
    """All that making an account takes."""

    database_url: str = env("KORRIGO_DATABASE_URL", url("postgresql", "postgresql+psycopg"), secret=True,
                            doc="the gateway's own PostgreSQL database")  # fmt: skip


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m services.gateway.accounts")
    create = parser.add_subparsers(dest="command", required=True).add_parser("create", help="make an account")
    create.add_argument("--username", required=True)
    create.add_argument("--display-name")
    create.add_argument("--role", required=True, choices=[role.value for role in people.STAFF_ROLES])
    chosen = parser.parse_args(arguments)
    given = "" if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    password = given or codes.new_secret()
    try:
        address = load(Needed).database_url.replace("postgresql://", "postgresql+psycopg://", 1)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    db = Database(address, service="gateway")
    try:
        user = people.create_account(
            db,
            Passwords(1, 0),
            username=chosen.username.lower(),
            display_name=chosen.display_name or chosen.username,
            role=Role(chosen.role),
            password=password,
        )
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 2
    except Refusal as refusal:
        print(refusal.text("en"), *(each["message"] for each in refusal.details.get("errors", ())), file=sys.stderr)
        return 1
    finally:
        db.close()
    print(f"{user.role} {user.username} {user.id}" + ("" if given else f" password {password}"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
