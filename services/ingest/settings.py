"""What ingest reads from its environment, besides what every service needs."""

from __future__ import annotations

import os
from dataclasses import dataclass

from chassis.settings import Common, env, number, whole


@dataclass(frozen=True, kw_only=True)
class Settings(Common):
    """Sizes and bounds; the defaults suit one machine."""

    children: int = env("KORRIGO_INGEST_CHILDREN", whole(1, 64), default=max(2, os.cpu_count() or 2),
                        doc="child processes that read scans; each may use one core and 1.5 GB")  # fmt: skip
    max_sides: int = env("KORRIGO_INGEST_MAX_SIDES", whole(1, 5000), default=3000,
                         doc="most PDF pages in one upload")  # fmt: skip
    chunk_sides: int = env("KORRIGO_INGEST_CHUNK_SIDES", whole(1, 64), default=8,
                           doc="PDF pages cut by one command: the step of retries")  # fmt: skip
    stuck_after_s: int = env("KORRIGO_STUCK_AFTER_S", whole(60, 86_400), default=1_800,
                             doc="sides not cut for so many seconds are asked for again")  # fmt: skip
    scratch_mb: int = env("KORRIGO_INGEST_SCRATCH_MB", whole(64, 1 << 20), default=2048,
                          doc="disk for uploads being split; the newest is kept whatever its size")  # fmt: skip
    hidden_share: float = env("KORRIGO_INGEST_HIDDEN_SHARE", number(0.05, 1), default=0.3,
                              doc="of a first page without a header, from its top: hidden from markers")  # fmt: skip
