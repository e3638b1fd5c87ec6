"""Crash reports to Sentry. An event is rebuilt from what is known to be harmless; the rest never leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration

from chassis import observe, privacy
from chassis.settings import Process
from contracts.errors import Refusal, Unavailable

_KEPT = {
    "event_id", "timestamp", "start_timestamp", "level", "platform", "type", "release", "environment", "transaction",
    "transaction_info", "sdk", "fingerprint", "measurements",
}  # fmt: skip
_KEPT_CONTEXTS = {
    "trace": {"trace_id", "span_id", "parent_span_id", "op", "status", "origin"},
    "runtime": {"name", "version"},
}
_KEPT_FRAME = {
    "filename", "function", "module", "lineno", "context_line", "pre_context", "post_context", "in_app",
}  # fmt: skip
_KEPT_SPAN = {"span_id", "parent_span_id", "trace_id", "op", "start_timestamp", "timestamp", "status", "origin"}


def start(service: str, settings: Process, integrations: Sequence[Any] = (), **overrides: Any) -> None:
    """Start reporting; ``overrides`` are for tests (a transport)."""
    sentry_sdk.init(
        dsn=settings.sentry_dsn,
        release=settings.release,
        environment=settings.environment,
        server_name=service,
        traces_sample_rate=0.1,
        # send_default_pii stays unset, which is False: the SDK warns when it is named. A test holds it.
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        default_integrations=False,  # among them one that sends every log line
        auto_enabling_integrations=False,
        integrations=[
            AtexitIntegration(callback=lambda _pending, _timeout: None),
            DedupeIntegration(),
            ExcepthookIntegration(),
            ThreadingIntegration(),
            *integrations,
        ],
        ignore_errors=[Refusal, Unavailable],
        before_send=scrub_event,
        before_send_transaction=scrub_event,
        **overrides,
    )
    sentry_sdk.set_tag("service", service)


def scrub_event(event: Any, hint: dict[str, Any]) -> Any:
    """The same event with allow-listed fields only: no request, user, breadcrumb, extra, local or unknown message."""
    kept = {key: value for key, value in event.items() if key in _KEPT}
    kept["tags"] = {key: privacy.writable(key, value) for key, value in (event.get("tags") or {}).items()}
    if observe.correlation_id():
        kept["tags"]["correlation_id"] = observe.correlation_id()
    contexts = event.get("contexts") or {}
    kept["contexts"] = {
        name: {key: value for key, value in contexts[name].items() if key in keys}
        for name, keys in _KEPT_CONTEXTS.items()
        if name in contexts
    }
    if "exception" in event:
        kept["exception"] = {"values": _exceptions(event["exception"], hint)}
    if "spans" in event:
        kept["spans"] = [{key: value for key, value in span.items() if key in _KEPT_SPAN} for span in event["spans"]]
    method = (event.get("request") or {}).get("method")
    if method:
        kept["request"] = {"method": method}
    return kept


def _exceptions(exception: Any, hint: dict[str, Any]) -> list[dict[str, Any]]:
    info = hint.get("exc_info")
    error = info[1] if isinstance(info, tuple) else info
    described: dict[str, str] = {}
    if isinstance(error, BaseException):
        # Of two errors of one type in a chain the newest is kept: a description is a help, never a risk.
        for each in reversed(list(privacy.chain(error))):
            described[type(each).__name__] = privacy.describe(each)
    values = []
    for each in exception.get("values") or []:
        frames = (each.get("stacktrace") or {}).get("frames") or []
        values.append(
            {
                "type": each.get("type"),
                "module": each.get("module"),
                "value": described.get(each.get("type", ""), privacy.WITHHELD),
                "stacktrace": {
                    "frames": [{key: value for key, value in frame.items() if key in _KEPT_FRAME} for frame in frames]
                },
            }
        )
    return values
