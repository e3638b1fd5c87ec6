"""Who may do what in a service's database.

The owner migrates. The service itself works as its runtime role, which owns nothing: it reads and writes rows, and to
an append-only table it only adds. A reader looks at everything and changes nothing. Nobody else may even connect,
another service's role least of all. Whoever runs the database server makes the roles; here they get their rights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

import sqlalchemy as sa


@dataclass(frozen=True)
class Roles:
    """Names of roles that the server knows already. ``{service}`` in a name stands for the service's."""

    runtime: str
    reader: str | None = None

    def of(self, service: str) -> Roles:
        reader = None if self.reader is None else self.reader.replace("{service}", service)
        return Roles(self.runtime.replace("{service}", service), reader)


class RoleUnfit(Exception):
    """A role does not exist, or could give itself any right it lacks."""


def append_only(service: str) -> tuple[str, ...]:
    """The tables to which the service only ever adds, as its store declares them."""
    store = import_module(f"services.{service}.store")
    if not hasattr(store, "metadata"):
        store = import_module(f"services.{service}.store.tables")
    return tuple(getattr(store, "APPEND_ONLY", ()))


def grant(connection: sa.Connection, service: str, roles: Roles) -> None:
    """Give both roles exactly their rights on the database as it is now, in one transaction; again is fine.

    The connection is the owner's. Tables of later migrations are covered from their creation, but an append-only one
    only once this ran again.

    Raises:
        RoleUnfit: nothing was changed.
    """
    with connection.begin():
        for role in filter(None, (roles.runtime, roles.reader)):
            _require_plain(connection, role)
        present = set(sa.inspect(connection).get_table_names())
        guarded = [table for table in append_only(service) if table in present]
        database = connection.execute(sa.text("SELECT current_database()")).scalar_one()
        quote = connection.dialect.identifier_preparer.quote
        for statement in _statements(
            quote(database),
            quote(roles.runtime),
            None if roles.reader is None else quote(roles.reader),
            [quote(table) for table in guarded],
        ):
            connection.execute(sa.text(statement))


def _require_plain(connection: sa.Connection, role: str) -> None:
    query = sa.text(
        "SELECT rolsuper OR rolcreaterole OR pg_has_role(oid, (SELECT datdba FROM pg_database"
        " WHERE datname = current_database()), 'MEMBER') FROM pg_roles WHERE rolname = :role"
    )
    mighty = connection.execute(query, {"role": role}).scalar_one_or_none()
    if mighty is None:
        raise RoleUnfit(f"the server has no role {role}: create it first")
    if mighty:
        raise RoleUnfit(f"{role} owns the database or could: the service must run as a role of its own")


def _statements(database: str, runtime: str, reader: str | None, guarded: list[str]) -> Iterator[str]:
    yield f"REVOKE ALL ON DATABASE {database} FROM PUBLIC"
    yield "REVOKE ALL ON SCHEMA public FROM PUBLIC"
    for role in filter(None, (runtime, reader)):
        yield f"GRANT CONNECT ON DATABASE {database} TO {role}"
        yield f"GRANT USAGE ON SCHEMA public TO {role}"
        yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}"
    rows = "SELECT, INSERT, UPDATE, DELETE"
    yield f"GRANT {rows} ON ALL TABLES IN SCHEMA public TO {runtime}"
    yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {runtime}"
    yield f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {runtime}"
    for table in guarded:
        yield f"REVOKE UPDATE, DELETE ON {table} FROM {runtime}"
    yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rows} ON TABLES TO {runtime}"
    yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {runtime}"
    if reader is not None:
        yield f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}"
        yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {reader}"
