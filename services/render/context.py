"""What every use case of render is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chassis.db import Database
from chassis.disk_cache import DiskCache
from chassis.objects import Objects
from chassis.sandbox import Sandbox
from chassis.settings import load
from services.render.settings import Settings


@dataclass(frozen=True)
class Context:
    """Built once per process."""

    settings: Settings
    db: Database
    objects: Objects
    sandbox: Sandbox
    originals: DiskCache

    @classmethod
    def build(cls, environ: Mapping[str, str]) -> Context:
        settings = load(Settings, environ)
        database = Database(settings.database_url, service="render", pool_size=settings.database_pool, max_overflow=0)
        sandbox = Sandbox(
            "services.render.pixels",
            size=settings.children,
            memory_mb=settings.memory_mb,
            cpu_s=settings.deadline_s,
        )
        objects = Objects.of(settings)
        return cls(settings, database, objects, sandbox, DiskCache(objects, max_bytes=settings.scratch_mb << 20))

    def close(self) -> None:
        self.sandbox.close()
        self.originals.close()
        self.db.close()
        self.objects.close()
