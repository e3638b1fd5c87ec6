"""Seal audit trails that are not sealed, after a person has looked at them: the seal says that they were good then.

    python -m services.grading.seal                  every trail that never had a seal: those older than seals
    python -m services.grading.seal SUBJECT_ID …     these, whatever their seal says: after a change of the key

A trail that does not hold in itself is refused. Each seal is an event of its trail, so nobody can seal in silence.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import environ as process_environ
from uuid import UUID

import sqlalchemy as sa

from chassis.db import Database
from chassis.settings import SettingsError, env, load, secret_text, url
from contracts.errors import Unavailable
from services.grading.domain.audit import fault, seal
from services.grading.store import audit, copies
from services.grading.store.tables import audit_heads


@dataclass(frozen=True, kw_only=True)
class Needed:
    """All that sealing takes."""

    database_url: str = env("KORRIGO_DATABASE_URL", url("postgresql", "postgresql+psycopg"), secret=True,
                            doc="grading's own PostgreSQL database")  # fmt: skip
    audit_key: str = env("KORRIGO_AUDIT_KEY", secret_text(32), secret=True, doc="seals the audit trail")


def unsealed(db: Database) -> list[UUID]:
    """Subjects whose trail never had a seal."""
    with db.reading() as sql:
        query = sa.select(audit_heads.c.subject_id).where(audit_heads.c.seal.is_(None))
        return list(sql.execute(query.order_by(audit_heads.c.subject_id)).scalars())


def seal_trail(db: Database, subject_id: UUID) -> str | None:
    """Seal one trail as it is now; what is wrong with it when it cannot be."""
    with db.transaction() as uow:
        if copies.hold_any(uow, subject_id) is None:
            copies.hold_exam(uow, subject_id)
        chain, head = audit.trail(uow.sql, subject_id), audit.hold_heads(uow, [subject_id]).get(subject_id)
        if head is not None:
            head = replace(head, seal=seal(uow.audit_key, head.subject_id, head.seq, head.hash))
        wrong = fault(uow.audit_key, chain, head)
        if wrong is not None or head is None:
            return wrong
        uow.sql.execute(audit_heads.update().where(audit_heads.c.subject_id == subject_id).values(seal=head.seal))
        last, _ = chain[-1]
        audit.append(uow, audit.Entry("SEAL", None, last.exam_id, last.copy_id, {"events": last.seq}))
    return None


def main(arguments: Sequence[str], environ: Mapping[str, str] = process_environ) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m services.grading.seal",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("subjects", nargs="*", type=UUID, metavar="SUBJECT_ID", help="id of a copy or of an exam")
    chosen = parser.parse_args(arguments)
    try:
        needed = load(Needed, environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    address = needed.database_url.replace("postgresql://", "postgresql+psycopg://", 1)
    db = Database(address, service="grading", audit_key=needed.audit_key)
    refused = 0
    try:
        for subject_id in chosen.subjects or unsealed(db):
            wrong = seal_trail(db, subject_id)
            refused += wrong is not None
            print(subject_id, wrong or "sealed")
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        db.close()
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
