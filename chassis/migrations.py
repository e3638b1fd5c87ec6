"""Bring a service's database to a revision: ``python -m chassis.migrations upgrade ingest``.

Each service keeps plain Alembic revisions in ``services/<name>/migrations/versions``; what Alembic would want in an
``env.py`` of each is here once. Every revision runs in a transaction of its own, under a lock, so pods that start
together wait for each other instead of colliding.

The database is ``KORRIGO_DATABASE_URL``, its owner's; ``all`` needs ``{service}`` in it. With ``KORRIGO_RUNTIME_ROLE``
every upgrade ends by giving that role its rights (``chassis.roles``); ``grant`` does that alone.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from chassis.db import metadata
from chassis.roles import Roles, RoleUnfit, grant
from chassis.settings import SettingsError, env, load, text

SERVICES = Path(__file__).resolve().parent.parent / "services"

_LOCK_KEY = 0x6B6F7272  # "korr": any number, the same in all versions
_WAIT_FOR_OTHERS = "10min"
_LOCK_TIMEOUT = "5s"  # a migration that cannot get its table lock fails instead of queueing everybody behind it


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that migrating takes; the service itself needs none of it."""

    database_url: str = env("KORRIGO_DATABASE_URL", text, secret=True,
                            doc="the database to migrate, as its owner")  # fmt: skip
    runtime_role: str | None = env("KORRIGO_RUNTIME_ROLE", text, default=None,
                                   doc="role the service runs as; gets its rights after every upgrade")  # fmt: skip
    reader_role: str | None = env("KORRIGO_READER_ROLE", text, default=None,
                                  doc="role that may read every table and change none")  # fmt: skip


def services() -> list[str]:
    """Services on disk that have migrations, in alphabetical order."""
    return sorted({path.parents[2].name for path in SERVICES.glob("*/migrations/versions/[0-9]*.py")})


def revisions(service: str) -> list[str]:
    """All revisions of a service, oldest first; its history is one line without branches."""
    return [script.revision for script in reversed(list(_scripts(service).walk_revisions()))]


def upgrade(service: str, url: str, revision: str = "head", *, roles: Roles | None = None) -> None:
    """Go forward to ``revision``; nothing to do is fine. Then give ``roles`` their rights."""
    scripts = _scripts(service)
    with _alone(url) as connection:
        _run(scripts, connection, lambda current, _: scripts._upgrade_revs(revision, current))  # noqa: SLF001  # as alembic.command does
        if roles is not None:
            grant(connection, service, roles.of(service))


def downgrade(service: str, url: str, revision: str = "base") -> None:
    """Go back to ``revision``; ``base`` is the empty database. Data of what is removed is lost."""
    scripts = _scripts(service)
    with _alone(url) as connection:
        _run(scripts, connection, lambda current, _: scripts._downgrade_revs(revision, current))  # noqa: SLF001


def grant_rights(service: str, url: str, roles: Roles) -> None:
    """Give the roles their rights on the database as it is."""
    with _alone(url) as connection:
        grant(connection, service, roles.of(service))


def current(url: str) -> str | None:
    """The revision the database is at; ``None`` before the first."""
    with _connected(url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _scripts(service: str) -> ScriptDirectory:
    directory = SERVICES / service / "migrations"
    if not (directory / "versions").is_dir():
        raise SystemExit(f"{service} has no migrations; there are: {', '.join(services())}")
    return ScriptDirectory(str(directory))


def _run(scripts: ScriptDirectory, connection: sa.Connection, steps: Callable[[Any, MigrationContext], Any]) -> None:
    # The revision is read after the lock: whoever waited finds the work done.
    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(
            connection=connection,
            target_metadata=metadata(),  # for its naming convention only
            transaction_per_migration=True,
        )
        with environment.begin_transaction():
            environment.run_migrations()
    connection.rollback()  # ends what reading the revision began


@contextmanager
def _alone(url: str) -> Iterator[sa.Connection]:
    """A connection while nobody else migrates this database."""
    with _connected(url) as connection:
        connection.execute(sa.text(f"SET lock_timeout = '{_WAIT_FOR_OTHERS}'"))
        connection.execute(sa.select(sa.func.pg_advisory_lock(_LOCK_KEY)))
        connection.execute(sa.text(f"SET lock_timeout = '{_LOCK_TIMEOUT}'"))
        connection.commit()
        try:
            yield connection
        finally:
            if not connection.invalidated:
                connection.rollback()
                connection.execute(sa.select(sa.func.pg_advisory_unlock(_LOCK_KEY)))
                connection.commit()


@contextmanager
def _connected(url: str) -> Iterator[sa.Connection]:
    url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(
        url,
        poolclass=sa.NullPool,
        hide_parameters=True,
        connect_args={"connect_timeout": 10, "options": "-c timezone=UTC"},
    )
    with engine.connect() as connection:
        yield connection


def main(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    parser = argparse.ArgumentParser(prog="python -m chassis.migrations", description=__doc__)
    parser.add_argument("action", choices=["upgrade", "downgrade", "current", "grant"])
    parser.add_argument("service", help="name of a service, or all")
    parser.add_argument("revision", nargs="?", help="default: head for upgrade; required for downgrade")
    parser.add_argument("--runtime", metavar="ROLE", help="instead of KORRIGO_RUNTIME_ROLE")
    parser.add_argument("--reader", metavar="ROLE", help="instead of KORRIGO_READER_ROLE")
    asked = parser.parse_args(arguments)
    if asked.action == "downgrade" and asked.revision is None:
        parser.error("downgrade needs a revision (base empties the database)")
    try:
        settings = load(Settings, environ)
    except SettingsError as error:
        parser.error(str(error))
    if asked.service == "all" and "{service}" not in settings.database_url:
        parser.error("with all, KORRIGO_DATABASE_URL must contain {service}")
    runtime, reader = asked.runtime or settings.runtime_role, asked.reader or settings.reader_role
    roles = Roles(runtime, reader) if runtime else None
    if roles is None and (reader or asked.action == "grant"):
        parser.error("the role the service runs as is missing: --runtime or KORRIGO_RUNTIME_ROLE")
    for service in services() if asked.service == "all" else [asked.service]:
        url = settings.database_url.replace("{service}", service)
        try:
            if asked.action == "upgrade":
                upgrade(service, url, asked.revision or "head", roles=roles)
            elif asked.action == "grant" and roles is not None:
                grant_rights(service, url, roles)
            elif asked.action == "downgrade":
                downgrade(service, url, asked.revision)
        except RoleUnfit as error:
            print(f"{service}: {error}", file=sys.stderr)
            return 1
        print(service, current(url) or "empty")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
