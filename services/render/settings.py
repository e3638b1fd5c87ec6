"""What render reads from its environment."""

from __future__ import annotations

from dataclasses import dataclass

from chassis.settings import Common, env, whole


@dataclass(frozen=True, kw_only=True)
class Settings(Common):
    children: int = env("KORRIGO_RENDER_CHILDREN", whole(1, 64), default=2,
                        doc="final documents composed at the same time, one core each")  # fmt: skip
    memory_mb: int = env("KORRIGO_RENDER_MEMORY_MB", whole(256, 65_536), default=1_500,
                         doc="address space of each child that composes, in MiB")  # fmt: skip
    deadline_s: int = env("KORRIGO_RENDER_DEADLINE_S", whole(1, 270), default=60,
                          doc="a composition that takes longer is killed, in seconds")  # fmt: skip
    scratch_mb: int = env("KORRIGO_RENDER_SCRATCH_MB", whole(64, 1 << 20), default=2048,
                          doc="disk for scans kept at hand; the newest is kept whatever its size")  # fmt: skip
