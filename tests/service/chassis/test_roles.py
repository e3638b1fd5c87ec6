"""Each role has its rights in a service's database and no more, however the triggers stand."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from chassis import migrations, roles
from chassis.bus.relay import Relay
from chassis.db import Database
from chassis.roles import Roles
from chassis.servers import Postgres
from services.gateway import people

SERVICES = migrations.services()
APPEND_ONLY = [(service, table) for service in SERVICES for table in roles.append_only(service)]
OWNER, READER = "roles_owner", "roles_reader"


@dataclass
class Rights:
    """One service's database, migrated by an owner who is no superuser, and who comes to it."""

    service: str
    database: str
    postgres: Postgres

    def url(self, role: str) -> str:
        return self.postgres.url(self.database, role=role)

    def run(self, role: str, statement: str) -> list[Any]:
        with sa.create_engine(self.url(role), poolclass=sa.NullPool).begin() as sql:
            result = sql.execute(sa.text(statement))
            return list(result) if result.returns_rows else []

    @property
    def runtime(self) -> str:
        return f"roles_{self.service}"


@pytest.fixture(scope="module")
def rights(postgres: Postgres) -> Iterator[Callable[[str], Rights]]:
    made: dict[str, Rights] = {}
    for role in (OWNER, READER, *(f"roles_{service}" for service in SERVICES)):
        postgres.ensure_role(role)

    def of(service: str) -> Rights:
        if service not in made:
            found = made[service] = Rights(service, f"roles_{service}", postgres)
            postgres.create_database(found.database)
            with psycopg.connect(postgres.url("postgres").replace("+psycopg", ""), autocommit=True) as admin:
                admin.execute(f"ALTER DATABASE {found.database} OWNER TO {OWNER}")  # type: ignore[call-overload]
            migrations.upgrade(service, found.url(OWNER), roles=Roles("roles_{service}", READER))
        return made[service]

    yield of
    for each in made.values():
        postgres.drop_database(each.database)


def _held(found: Rights, role: str) -> dict[str, set[str]]:
    """Every right of ``role`` on every table."""
    every = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN")
    columns = ", ".join(f"has_table_privilege('{role}', c.oid, '{right}')" for right in every)
    query = f"SELECT relname, {columns} FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    return {
        name: {right for right, has in zip(every, has_each, strict=True) if has}
        for name, *has_each in found.run(OWNER, query)
    }


@pytest.mark.parametrize("service", SERVICES)
def test_the_service_writes_rows_and_only_adds_to_what_is_append_only(
    rights: Callable[[str], Rights], service: str
) -> None:
    found = rights(service)
    tables = migrations.metadata().tables.keys() | _held(found, found.runtime).keys()
    expected = {table: {"SELECT", "INSERT", "UPDATE", "DELETE"} for table in tables}
    expected |= {table: {"SELECT", "INSERT"} for table in roles.append_only(service)}
    assert _held(found, found.runtime) == expected | {"alembic_version": {"SELECT"}}


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_append_only_by_right_is_so_by_trigger_too(rights: Callable[[str], Rights], service: str) -> None:
    query = (
        "SELECT tgrelid::regclass::text FROM pg_trigger t JOIN pg_proc p ON p.oid = tgfoid"
        " WHERE proname = 'refuse_change' GROUP BY 1 HAVING count(*) = 2"
    )
    assert {name for (name,) in rights(service).run(OWNER, query)} == {*roles.append_only(service)}


@pytest.mark.parametrize(("service", "table"), APPEND_ONLY)
def test_an_append_only_row_is_safe_even_without_its_triggers(
    rights: Callable[[str], Rights], service: str, table: str
) -> None:
    found = rights(service)
    ((column,),) = found.run(
        OWNER,
        f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}'"
        " ORDER BY ordinal_position DESC LIMIT 1",
    )
    changes = (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE")
    found.run(OWNER, f"ALTER TABLE {table} DISABLE TRIGGER USER")
    try:
        for change in changes:
            with pytest.raises(exc.ProgrammingError, match="permission denied"):
                found.run(found.runtime, change)
    finally:
        found.run(OWNER, f"ALTER TABLE {table} ENABLE TRIGGER USER")


def test_even_the_owner_is_refused_while_the_triggers_stand(rights: Callable[[str], Rights]) -> None:
    found = rights("gateway")
    found.run(
        OWNER,
        f"INSERT INTO access_log (actor_id, role, action) VALUES ('{uuid.uuid4()}', 'candidate', 'look')",
    )
    for change in ("UPDATE access_log SET role = 'admin'", "DELETE FROM access_log", "TRUNCATE access_log"):
        with pytest.raises(exc.IntegrityError, match="access_log is append-only"):
            found.run(OWNER, change)


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE mine (id int)", "CREATE TEMPORARY TABLE mine (id int)", "DROP TABLE outbox", "TRUNCATE outbox",
        "ALTER TABLE audit DISABLE TRIGGER USER", "DROP TRIGGER audit_append_only ON audit",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "SET session_replication_role = replica", "SET ROLE roles_owner",
        "UPDATE alembic_version SET version_num = '0001'",
    ],
)  # fmt: skip
def test_the_service_cannot_give_itself_more(rights: Callable[[str], Rights], change: str) -> None:
    found = rights("grading")
    with pytest.raises(exc.ProgrammingError, match=r"permission denied|must be owner"):
        found.run(found.runtime, change)


def test_a_grant_to_itself_changes_nothing(rights: Callable[[str], Rights]) -> None:
    found = rights("grading")  # PostgreSQL answers a grant without the right to it with a mere warning
    before = _held(found, found.runtime)
    found.run(found.runtime, f"GRANT DELETE ON audit TO {found.runtime}")
    assert _held(found, found.runtime) == before


@pytest.mark.parametrize("service", SERVICES)
def test_the_reader_sees_every_table_and_changes_none(rights: Callable[[str], Rights], service: str) -> None:
    found = rights(service)
    held = _held(found, READER)
    assert {right for each in held.values() for right in each} == {"SELECT"}
    assert held.keys() == _held(found, OWNER).keys()
    for change in ("DELETE FROM outbox", "UPDATE outbox SET sent_at = now()", "INSERT INTO inbox VALUES ('a', NULL)"):
        with pytest.raises(exc.ProgrammingError, match="permission denied"):
            found.run(READER, change)
    assert found.run(READER, "SELECT count(*) FROM outbox") == [(0,)]


def test_a_service_cannot_connect_to_the_database_of_another(rights: Callable[[str], Rights]) -> None:
    rights("gateway")
    assert rights("grading").run("roles_grading", "SELECT 1") == [(1,)]
    with pytest.raises(exc.OperationalError, match="permission denied for database"):
        rights("gateway").run("roles_grading", "SELECT 1")


def test_tables_of_later_migrations_are_covered_from_their_creation(rights: Callable[[str], Rights]) -> None:
    found = rights("ocr")
    found.run(OWNER, "CREATE TABLE later (id bigint GENERATED ALWAYS AS IDENTITY, word text)")
    try:
        found.run(found.runtime, "INSERT INTO later (word) VALUES ('a')")
        found.run(found.runtime, "UPDATE later SET word = 'b'")
        assert found.run(READER, "SELECT word FROM later") == [("b",)]
    finally:
        found.run(OWNER, "DROP TABLE later")


@pytest.mark.parametrize("service", SERVICES)
def test_old_messages_are_purged_under_the_services_role(rights: Callable[[str], Rights], service: str) -> None:
    found = rights(service)
    old = "now() - interval '1 year'"
    found.run(
        OWNER,
        "INSERT INTO outbox (message_id, type, exchange, subject, data, created_at, sent_at)"
        f" VALUES ('{uuid.uuid4()}', 't', 'e', 's', '{{}}', {old}, {old})",
    )
    found.run(OWNER, f"INSERT INTO inbox VALUES ('c', '{uuid.uuid4()}', {old})")
    database = Database(found.url(found.runtime), service=service)
    try:
        assert Relay(database, "inproc://").purge() == (1, 1)
    finally:
        database.close()


def test_expired_sessions_are_forgotten_under_the_gateways_role(rights: Callable[[str], Rights]) -> None:
    found = rights("gateway")
    found.run(OWNER, "INSERT INTO rate_buckets VALUES ('k', 1, now() - interval '1 hour')")
    database = Database(found.url(found.runtime), service="gateway")
    try:
        with database.transaction() as work:
            people.tidy(work)
    finally:
        database.close()
    assert found.run(OWNER, "SELECT count(*) FROM rate_buckets") == [(0,)]


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_disappears_because_something_else_does(rights: Callable[[str], Rights], service: str) -> None:
    # confdeltype: r is RESTRICT; c would be CASCADE, n SET NULL, d SET DEFAULT, a an error only at the end.
    query = "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'f' AND confdeltype <> 'r'"
    assert rights(service).run(OWNER, query) == []


# Giving the rights


def test_rights_are_given_again_by_the_command_line(
    rights: Callable[[str], Rights], capsys: pytest.CaptureFixture[str]
) -> None:
    found = rights("grading")
    expected = _held(found, found.runtime)
    found.run(OWNER, f"GRANT ALL ON audit TO {found.runtime}")
    assert "DELETE" in _held(found, found.runtime)["audit"]
    environ = {"KORRIGO_DATABASE_URL": found.url(OWNER)}
    assert migrations.main(["grant", "grading", "--runtime", found.runtime, "--reader", READER], environ) == 0
    assert _held(found, found.runtime) == expected
    assert capsys.readouterr().out == f"grading {migrations.revisions('grading')[-1]}\n"


@pytest.mark.parametrize(
    ("runtime", "complaint"),
    [
        ("nobody_knows", "no role nobody_knows"),
        (OWNER, "owns the database or could"),
        ("korrigo", "owns the database or could"),
        ("roles_member", "owns the database or could"),
    ],
)
def test_a_role_that_could_do_anything_is_refused(
    rights: Callable[[str], Rights],
    postgres: Postgres,
    capsys: pytest.CaptureFixture[str],
    runtime: str,
    complaint: str,
) -> None:
    found = rights("ocr")
    postgres.ensure_role("roles_member")
    with psycopg.connect(postgres.url("postgres").replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(f"GRANT {OWNER} TO roles_member")
    environ = {"KORRIGO_DATABASE_URL": found.url(OWNER), "KORRIGO_RUNTIME_ROLE": runtime}
    assert migrations.main(["grant", "ocr"], environ) == 1
    assert complaint in capsys.readouterr().err


def test_granting_needs_to_know_to_whom(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["grant", "ocr"], ["upgrade", "ocr", "--reader", "somebody"]):
        with pytest.raises(SystemExit):
            migrations.main(arguments, {"KORRIGO_DATABASE_URL": "postgresql://h/d"})
        assert "KORRIGO_RUNTIME_ROLE" in capsys.readouterr().err


def test_a_roles_password_is_remembered(postgres: Postgres) -> None:
    name = postgres.ensure_role("roles_reader")
    assert postgres.ensure_role(name) == name
    with psycopg.connect(postgres.url("postgres", role=name).replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (name,)
