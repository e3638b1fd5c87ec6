"""What every verb of ingest may use, built once per process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chassis import settings
from chassis.db import Database
from chassis.disk_cache import DiskCache
from chassis.objects import INTERACTIVE_READ_TIMEOUT_S, Objects
from chassis.sandbox import Sandbox
from services.ingest.settings import Settings

CHILD_ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": str(64 << 20), "MALLOC_TRIM_THRESHOLD_": str(128 << 20)}
"""A child keeps the memory of one page for the next: the kernel would clear it anew each time, a thirtieth of all work.
Read by glibc; other C libraries ignore it."""


@dataclass(frozen=True)
class Context:
    settings: Settings
    db: Database
    objects: Objects
    sandbox: Sandbox
    originals: DiskCache

    @classmethod
    def build(cls, environ: Mapping[str, str]) -> Context:
        chosen = settings.load(Settings, environ)
        objects = Objects.of(chosen, read_timeout_s=INTERACTIVE_READ_TIMEOUT_S)
        return cls(
            settings=chosen,
            db=Database(chosen.database_url, service="ingest", pool_size=chosen.database_pool, max_overflow=0),
            objects=objects,
            sandbox=Sandbox("services.ingest.pixels", size=chosen.children, environment=CHILD_ENVIRONMENT),
            originals=DiskCache(objects, max_bytes=chosen.scratch_mb << 20),
        )

    def close(self) -> None:
        self.sandbox.close()
        self.originals.close()
        self.objects.close()
        self.db.close()
