"""What an operator can set for the gateway."""

from __future__ import annotations

import os
from dataclasses import dataclass

from chassis.settings import Common, env, flag, number, secret_text, text, whole, word_list

MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Settings(Common):
    secret_key: str = env("KORRIGO_SECRET_KEY", secret_text(32), secret=True,
                          doc="signs CSRF values and image addresses; the same in every process")  # fmt: skip
    allowed_hosts: tuple[str, ...] = env("KORRIGO_ALLOWED_HOSTS", word_list, default=("localhost", "127.0.0.1"),
                                         doc="host names we answer to; .example.org takes all below")  # fmt: skip
    proxies: int = env("KORRIGO_PROXIES", whole(0, 5), default=0,
                       doc="how many reverse proxies stand in front and set X-Forwarded-*")  # fmt: skip
    secure: bool = env("KORRIGO_SECURE", flag, default=True,
                       doc="served over HTTPS: Secure cookies and HSTS; no only on a machine of one's own")  # fmt: skip
    upload_max_bytes: int = env("KORRIGO_UPLOAD_MAX_BYTES", whole(1024, 4 * 1024 * MIB), default=200 * MIB,
                                doc="largest scan accepted")  # fmt: skip
    roster_max_bytes: int = env("KORRIGO_ROSTER_MAX_BYTES", whole(1024, 100 * MIB), default=10 * MIB,
                                doc="largest roster accepted")  # fmt: skip
    json_max_bytes: int = env("KORRIGO_JSON_MAX_BYTES", whole(1024, 64 * MIB), default=4 * MIB,
                              doc="largest JSON body accepted")  # fmt: skip
    spool_directory: str | None = env("KORRIGO_SPOOL_DIRECTORY", text, default=None,
                                      doc="where files wait while they are received")  # fmt: skip
    session_s: int = env("KORRIGO_SESSION_SECONDS", whole(60, 86_400), default=14_400,
                         doc="a session ends after this many seconds without a request")  # fmt: skip
    candidate_session_s: int = env("KORRIGO_CANDIDATE_SESSION_SECONDS", whole(60, 86_400), default=7_200,
                                   doc="the same for candidates")  # fmt: skip
    access_code_days: int = env("KORRIGO_ACCESS_CODE_DAYS", whole(1, 730), default=90,
                                doc="how long a candidate's access code opens the door")  # fmt: skip
    rate_factor: float = env("KORRIGO_RATE_FACTOR", number(0.01, 100_000), default=1.0,
                             doc="multiplies every rate limit; the demo takes 100")  # fmt: skip
    login_per_account: int = env("KORRIGO_LOGIN_PER_ACCOUNT", whole(1, 100_000), default=5,
                                 doc="failed sign-ins per account in 15 minutes")  # fmt: skip
    login_per_address: int = env("KORRIGO_LOGIN_PER_ADDRESS", whole(1, 100_000), default=5,
                                 doc="failed sign-ins per network address in 15 minutes")  # fmt: skip
    password_changes_per_hour: int = env("KORRIGO_PASSWORD_CHANGES_PER_HOUR", whole(1, 100_000), default=5,
                                         doc="password changes per user")  # fmt: skip
    users_per_hour: int = env("KORRIGO_USERS_PER_HOUR", whole(1, 100_000), default=10,
                              doc="accounts one administrator creates")  # fmt: skip
    rosters_per_hour: int = env("KORRIGO_ROSTERS_PER_HOUR", whole(1, 100_000), default=10,
                                doc="roster imports per user")  # fmt: skip
    uploads_per_hour: int = env("KORRIGO_UPLOADS_PER_HOUR", whole(1, 100_000), default=20,
                                doc="scans per user")  # fmt: skip
    writes_per_minute: int = env("KORRIGO_WRITES_PER_MINUTE", whole(1, 1_000_000), default=600,
                                 doc="all writes of one user, counted by each process for itself")  # fmt: skip
    hash_concurrency: int = env("KORRIGO_HASH_CONCURRENCY", whole(1, 64), default=2 * (os.cpu_count() or 1),
                                doc="passwords hashed at the same time; each takes 19 MiB")  # fmt: skip
    hash_waiting: int = env("KORRIGO_HASH_WAITING", whole(0, 400), default=40,
                            doc="sign-ins that wait for a hash, each in a thread; the rest gets 429")  # fmt: skip
