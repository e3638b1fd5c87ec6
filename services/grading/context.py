"""What every use case of grading is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chassis.db import Database
from chassis.objects import INTERACTIVE_READ_TIMEOUT_S, Objects
from chassis.settings import load
from services.grading.settings import Settings


@dataclass(frozen=True)
class Context:
    """Built once per process. Use cases are ``verb(app: Context, request) -> reply``."""

    settings: Settings
    db: Database
    objects: Objects

    @classmethod
    def build(cls, environ: Mapping[str, str]) -> Context:
        settings = load(Settings, environ)
        database = Database(
            settings.database_url,
            service="grading",
            pool_size=settings.database_pool,
            max_overflow=0,
            audit_key=settings.audit_key,
        )
        return cls(settings, database, Objects.of(settings, read_timeout_s=INTERACTIVE_READ_TIMEOUT_S))

    def close(self) -> None:
        self.db.close()
        self.objects.close()
