"""Every service's migrations: up, down and up again, and the result is exactly what the store declares."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from chassis import migrations

SERVICES = migrations.services()
STEPS = [(service, revision) for service in SERVICES for revision in migrations.revisions(service)]


def _schema(url: str) -> dict[str, object]:
    """Everything a migration leaves behind, as far as PostgreSQL's catalogue tells."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    queries = {
        "columns": "SELECT table_name, column_name, data_type, is_nullable, column_default FROM"
                   " information_schema.columns WHERE table_schema = 'public'",
        "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
                       " WHERE connamespace = 'public'::regnamespace",
        "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "types": "SELECT typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')",
        "routines": "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        "triggers": "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal",
        "sequences": "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'",
    }  # fmt: skip
    with engine.connect() as connection:
        return {
            what: sorted(tuple(row) for row in connection.execute(sa.text(query)) if row[0] != "alembic_version")
            for what, query in queries.items()
        }


def test_there_are_services_to_test():
    assert SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_a_history_is_one_line_that_begins_with_the_first(service):
    revisions = migrations.revisions(service)
    assert revisions == sorted(revisions)
    assert revisions[0] == "0001"


@pytest.mark.parametrize(("service", "revision"), STEPS)
def test_each_migration_goes_forward_back_and_forward_again(service, revision, empty_database_url):
    migrations.upgrade(service, empty_database_url, revision)
    after = _schema(empty_database_url)
    position = migrations.revisions(service).index(revision)
    before = migrations.revisions(service)[position - 1] if position else "base"
    migrations.downgrade(service, empty_database_url, before)
    assert migrations.current(empty_database_url) == (None if before == "base" else before)
    if before == "base":
        assert not any(_schema(empty_database_url).values()), "the way back leaves something behind"
    migrations.upgrade(service, empty_database_url, revision)
    assert _schema(empty_database_url) == after
    assert migrations.current(empty_database_url) == revision


@pytest.mark.parametrize("service", SERVICES)
def test_the_migrated_schema_is_what_the_store_declares(service, database_url, empty_database_url):
    engine = sa.create_engine(empty_database_url, poolclass=sa.NullPool)
    _declared(service).create_all(engine)
    declared, migrated = _schema(empty_database_url), _schema(database_url(service))
    for what in ("columns", "constraints", "indexes"):
        assert migrated[what] == declared[what], what


@pytest.mark.parametrize("service", SERVICES)
def test_alembic_finds_nothing_left_to_migrate(service, database_url):
    assert _left_to_migrate(service, database_url(service)) == []


def test_the_comparison_sees_a_forgotten_column(database_url):
    # The guard above must be able to fail.
    url = database_url(SERVICES[0])
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        connection.execute(sa.text("ALTER TABLE outbox DROP COLUMN subject"))
    assert _left_to_migrate(SERVICES[0], url) == ["add_column"]


def _declared(service: str) -> sa.MetaData:
    store = importlib.import_module(f"services.{service}.store")
    # a store that is a package keeps its tables in store/tables.py
    found = (
        store if hasattr(store, "metadata") else importlib.import_module(f"services.{service}.store.tables")
    ).metadata
    assert isinstance(found, sa.MetaData)
    return found


def _left_to_migrate(service: str, url: str) -> list[str]:
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        return [
            change[0] if isinstance(change, tuple) else change[0][0]
            for change in compare_metadata(context, _declared(service))
        ]


def test_pods_that_start_together_migrate_once(empty_database_url):
    # Without the lock the losers fail with "relation already exists".
    program = "import sys; from chassis import migrations; migrations.upgrade(sys.argv[1], sys.argv[2])"
    started = [
        subprocess.Popen([sys.executable, "-c", program, SERVICES[0], empty_database_url], stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    for each in started:
        _, errors = each.communicate(timeout=60)
        assert each.returncode == 0, errors.decode()
    assert migrations.current(empty_database_url) == migrations.revisions(SERVICES[0])[-1]


def test_a_migration_waits_for_the_one_that_runs(empty_database_url):
    engine = sa.create_engine(empty_database_url, poolclass=sa.NullPool)
    with engine.connect() as other:
        other.execute(sa.select(sa.func.pg_advisory_lock(migrations._LOCK_KEY)))
        program = "import sys; from chassis import migrations; migrations.upgrade(sys.argv[1], sys.argv[2])"
        waiting = subprocess.Popen([sys.executable, "-c", program, SERVICES[0], empty_database_url])
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(3)
        assert migrations.current(empty_database_url) is None
    assert waiting.wait(60) == 0


def test_the_command_line_migrates_and_says_where_it_is(empty_database_url, capsys):
    environ = {"KORRIGO_DATABASE_URL": empty_database_url}
    assert migrations.main(["upgrade", SERVICES[0]], environ) == 0
    assert capsys.readouterr().out == f"{SERVICES[0]} {migrations.revisions(SERVICES[0])[-1]}\n"
    assert migrations.main(["downgrade", SERVICES[0], "base"], environ) == 0
    assert capsys.readouterr().out == f"{SERVICES[0]} empty\n"


@pytest.mark.parametrize(
    ("arguments", "environ", "complaint"),
    [
        (["upgrade", "all"], {"KORRIGO_DATABASE_URL": "postgresql://h/one"}, "must contain {service}"),
        (["upgrade", "ingest"], {}, "KORRIGO_DATABASE_URL is missing"),
        (["downgrade", "ingest"], {"KORRIGO_DATABASE_URL": "postgresql://h/one"}, "needs a revision"),
    ],
)
def test_the_command_line_refuses_what_it_cannot_mean(arguments, environ, complaint, capsys):
    with pytest.raises(SystemExit):
        migrations.main(arguments, environ)
    assert complaint in capsys.readouterr().err


def test_an_unknown_service_is_named(empty_database_url):
    with pytest.raises(SystemExit, match="nowhere has no migrations"):
        migrations.upgrade("nowhere", empty_database_url)
