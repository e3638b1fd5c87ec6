"""Tables whose rows are never changed, whoever asks: a trigger refuses it. For migrations, with Alembic's ``op``."""

from __future__ import annotations

from typing import Any


def create_guard(op: Any) -> None:
    """What the triggers of ``protect`` call; once for each database."""
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
        END $$
        """
    )


def drop_guard(op: Any) -> None:
    op.execute("DROP FUNCTION refuse_change()")


def protect(op: Any, table: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_never_truncated BEFORE TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def unprotect(op: Any, table: str) -> None:
    for trigger in ("append_only", "never_truncated"):
        op.execute(f"DROP TRIGGER {table}_{trigger} ON {table}")
