"""What the commands for operators read from their environment."""

from __future__ import annotations

from dataclasses import dataclass

from chassis.settings import StoreUser, env, postgres_url, secret_text, whole


def _database(service: str) -> str:
    return env(
        f"KORRIGO_{service.upper()}_DATABASE_URL",
        postgres_url,
        secret=True,
        doc=f"the database of {service}; a role that may only read is enough",
    )


@dataclass(frozen=True, kw_only=True)
class Settings(StoreUser):
    """All five databases and the one store."""

    ingest_database_url: str = _database("ingest")
    ocr_database_url: str = _database("ocr")
    grading_database_url: str = _database("grading")
    render_database_url: str = _database("render")
    gateway_database_url: str = _database("gateway")
    audit_key: str = env("KORRIGO_AUDIT_KEY", secret_text(32), secret=True,
                         doc="grading's: what its audit trail is sealed with")  # fmt: skip
    verify_every_s: int = env("KORRIGO_VERIFY_EVERY_S", whole(10, 86_400), default=600,
                              doc="seconds from the end of one look at everything to the next")  # fmt: skip
    collect_every_s: int = env("KORRIGO_COLLECT_EVERY_S", whole(60, 604_800), default=86_400,
                               doc="seconds between two collections of objects that nothing names")  # fmt: skip
    grace_hours: int = env("KORRIGO_GRACE_HOURS", whole(24, 8760), default=24,
                           doc="age of an object that nothing names at which it goes, in two steps")  # fmt: skip
