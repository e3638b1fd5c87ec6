"""The web application: ``create_app()`` under gunicorn, the same under eventlet in the embedded run."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Flask, Response, current_app, g, request
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.sansio.utils import host_is_trusted

from chassis import failpoints, health, metrics, observe
from chassis import settings as environment
from chassis.db import Database
from chassis.failpoints import Failpoint, reached
from chassis.objects import INTERACTIVE_READ_TIMEOUT_S, Objects
from contracts.errors import Unavailable
from contracts.errors.gateway import BadHost, WrongRole
from services.gateway import auth, limits, policy, problems, web
from services.gateway.context import Gateway, Rpc, gateway
from services.gateway.limits import WriteCeiling
from services.gateway.passwords import Passwords
from services.gateway.routes import documents
from services.gateway.routes import health as health_routes
from services.gateway.routes.every import RESOURCES
from services.gateway.routes.uploads import Request
from services.gateway.settings import Settings

# Text becomes markup only through lit-html's policy, whose templates are literals of ours.
CSP = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'; trusted-types lit-html"
)
HSTS = "max-age=31536000; includeSubDomains"
SLOW_S = 5.0  # P0-OP-08
# Somebody waits, and is to wait 10 s at most whatever is down: the sum of what one request can meet of one database is
# a free connection, its test, a new connection, the answer. Tighter than P0-OP-04, which is for the services.
POOL_TIMEOUT_S = 2.0
CONNECT_TIMEOUT_S = 3
STATEMENT_TIMEOUT_MS = 2_500
LOCK_TIMEOUT_MS = 2_000
CEILING = "korrigo_writes"
SAFE = {"GET", "HEAD", "OPTIONS"}

log = observe.logger("gateway.http")


def create_app(
    settings: Settings | None = None,
    rpc: Rpc | None = None,
    objects: Objects | None = None,
    db: Database | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Flask:
    """Build the application; what is not given is made from the settings, and those are read from ``environ``.

    Without arguments (gunicorn) it is also the process: it configures logs and opens the internal port. Nothing here
    waits for a server, so that the process starts, and says "not ready", while its dependencies are still down.
    """
    owns_process = settings is None
    settings = settings or environment.load(Settings, environ)
    if owns_process:
        observe.configure("gateway", settings, sentry_integrations=_sentry(settings))
        failpoints.arm(environ)
    db = db or Database(
        settings.database_url,
        service="gateway",
        pool_size=settings.database_pool,
        max_overflow=0,
        pool_timeout_s=POOL_TIMEOUT_S,
        connect_timeout_s=CONNECT_TIMEOUT_S,
        statement_timeout_ms=STATEMENT_TIMEOUT_MS,
        lock_timeout_ms=LOCK_TIMEOUT_MS,
    )
    objects = objects or Objects.of(settings, read_timeout_s=INTERACTIVE_READ_TIMEOUT_S)
    if rpc is None:
        from services.gateway.clients import connect

        rpc = connect(settings)
    passwords = Passwords(settings.hash_concurrency, settings.hash_waiting)
    app = Flask(__name__, static_folder="static", static_url_path="/static", template_folder="templates")
    app.request_class = Request
    app.config["SECRET_KEY"] = settings.secret_key
    app.config["MAX_CONTENT_LENGTH"] = settings.json_max_bytes
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["korrigo"] = Gateway(settings, db, objects, rpc, passwords)
    app.extensions[CEILING] = WriteCeiling(settings)
    checks = health.dependencies(db, objects, bus=_bus_check(rpc))
    app.extensions[health_routes.READINESS] = health.Readiness(checks)
    if owns_process:
        app.extensions["korrigo_internal"] = health.serve(settings.internal_port, checks)
    app.before_request(_begin)
    app.before_request(_admit)
    app.after_request(_finish)
    app.teardown_request(_unbind)
    problems.register(app)
    for resource in RESOURCES:
        app.register_blueprint(resource.blueprint)
    app.register_blueprint(documents.blueprint)
    app.register_blueprint(health_routes.blueprint)
    web.register(app)
    if settings.proxies:
        count = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    return app


def _sentry(settings: Settings) -> list[Any]:
    """Imported only when wanted: it would bring eventlet into a process that has threads."""
    if not settings.sentry_dsn:
        return []
    from sentry_sdk.integrations.flask import FlaskIntegration

    return [FlaskIntegration(transaction_style="url")]


def _bus_check(rpc: Rpc) -> health.Check:
    def check() -> None:
        if not rpc.ready():
            raise Unavailable("bus", "not connected")

    return check


def _begin() -> None:
    """One id from here through every call and message; ours, unless the client sent a UUID."""
    g.started = time.monotonic()
    sent = request.headers.get("X-Request-ID", "")
    g.correlation = observe.bind_correlation(_as_uuid(sent))
    g.request_id = g.correlation.id
    reached(Failpoint.HTTP_TAKEN)


def _as_uuid(text: str) -> str | None:
    try:
        return str(UUID(text))
    except ValueError:
        return None


def _admit() -> None:
    """Host, then role, then origin, then rate: whoever fails one learns nothing about the next."""
    here = gateway()
    if request.endpoint in {"health.live", "health.ready"}:
        return  # asked by address, by whoever keeps the process alive
    if not host_is_trusted(request.host, list(here.settings.allowed_hosts)):
        raise BadHost()
    if request.endpoint is None:
        return  # 404 or 405, which Flask raises next
    rule = policy.RULES.get(request.endpoint)
    if rule is None:
        raise WrongRole()
    if rule.public:
        auth.require_csrf(None)
        return
    auth.visitor(candidate_first=policy.CANDIDATE in rule.roles)
    who = auth.caller()
    if who.role not in rule.roles:
        raise WrongRole()
    auth.require_csrf(who)
    if request.method not in SAFE:
        ceiling: WriteCeiling = current_app.extensions[CEILING]
        ceiling.hit(str(who.id))
    if rule.limit is not None:
        limits.hit(here.db, here.settings, (rule.limit, str(who.id)))


def _finish(response: Response) -> Response:
    headers = response.headers
    headers["X-Request-ID"] = g.get("request_id") or ""
    headers["Content-Security-Policy"] = CSP
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if gateway().settings.secure:
        headers["Strict-Transport-Security"] = HSTS
    if "Cache-Control" not in headers:
        headers["Cache-Control"] = "no-store"
    seconds = time.monotonic() - g.get("started", time.monotonic())
    route = str(request.url_rule) if request.url_rule is not None else "none"
    metrics.HTTP_SECONDS.labels(request.method, route, str(response.status_code)).observe(seconds)
    write = log.warning if seconds > SLOW_S else log.info
    event = "slow_request" if seconds > SLOW_S else "request"
    write(event, method=request.method, route=route, status=response.status_code, duration_ms=round(seconds * 1000))
    reached(Failpoint.HTTP_ANSWERING)
    return response


def _unbind(_: BaseException | None) -> None:
    correlation = g.pop("correlation", None)
    if correlation is not None:
        correlation.__exit__(None, None, None)
