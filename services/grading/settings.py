"""What grading reads from its environment."""

from __future__ import annotations

from dataclasses import dataclass

from chassis.settings import Common, env, number, secret_text, whole


@dataclass(frozen=True, kw_only=True)
class Settings(Common):
    audit_key: str = env("KORRIGO_AUDIT_KEY", secret_text(32), secret=True,
                         doc="seals the audit trail; kept apart from the database, or whoever can rewrite the trail "
                             "can seal it too")  # fmt: skip
    lock_lease_s: int = env("KORRIGO_LOCK_LEASE_S", whole(5, 86_400), default=600,
                            doc="how long a marker's lock holds without a sign of life, in seconds")  # fmt: skip
    stuck_after_s: int = env("KORRIGO_STUCK_AFTER_S", whole(60, 86_400), default=1_800,
                             doc="what others do not answer for so many seconds is asked for again")  # fmt: skip
    identification_error_budget: float = env("KORRIGO_IDENTIFICATION_ERROR_BUDGET", number(0, 0.05), default=0.001,
                                             doc="a copy gets its candidate without a person when that is wrong with "
                                                 "at most this probability; 0: never")  # fmt: skip
