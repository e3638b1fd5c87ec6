"""Crash reports through the real SDK into a transport of our own: what would leave the school."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.transport import Transport

from chassis import crash_reports, observe
from chassis.settings import Process
from contracts.errors import Refusal, Unavailable

NAME, INE, MAIL = "Dupont-Lefèvre", "070912345AB", "jean@lycee.fr"


class Kept(Transport):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Any) -> None:
        self.sent += [item.payload.json for item in envelope.items if item.payload.json is not None]


@pytest.fixture
def kept() -> Iterator[Kept]:
    transport = Kept()
    settings = Process(sentry_dsn="https://key@sentry.invalid/1", release="1.2.3", environment="test")
    crash_reports.start("grading", settings, transport=transport)
    yield transport
    sentry_sdk.init()


def _mark(name: str, ine: str) -> None:
    marker = name  # a local that must not be sent
    raise ValueError(f"cannot mark {marker} {ine}")


def test_a_report_has_what_helps_and_nobody_in_it(kept):
    sentry_sdk.set_user({"id": "7", "username": NAME, "email": MAIL})
    sentry_sdk.set_extra("candidate", NAME)
    sentry_sdk.set_context("roster", {"ine": INE})
    sentry_sdk.set_tag("marker", NAME)
    sentry_sdk.set_tag("method", "finalise_copy")
    sentry_sdk.add_breadcrumb(message=f"looked at {NAME}")
    with observe.bind_correlation("req-1"):
        try:
            try:
                _mark(NAME, INE)
            except ValueError as error:
                raise RuntimeError(f"for {NAME}") from error
        except RuntimeError as error:
            observe.report_defect("defect", error)
    (event,) = kept.sent
    text = json.dumps(event, ensure_ascii=False)
    for planted in (NAME, INE, MAIL):
        assert planted not in text
    assert event["release"] == "1.2.3"
    assert event["environment"] == "test"
    assert event["tags"]["service"] == "grading"
    assert event["tags"]["method"] == "finalise_copy"
    assert event["tags"]["correlation_id"] == "req-1"
    assert [each["type"] for each in event["exception"]["values"]] == ["ValueError", "RuntimeError"]
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    assert frames[-1]["function"] == "_mark"
    assert "vars" not in frames[-1]


def test_a_request_leaves_nothing_but_its_method(kept):
    hint: dict[str, Any] = {}
    event = {
        "event_id": "e", "message": NAME, "logentry": {"message": NAME}, "server_name": "pc-de-" + NAME,
        "request": {"method": "POST", "url": f"https://x/candidates?name={NAME}", "data": {"ine": INE},
                    "cookies": "session=1", "headers": {"Authorization": "x"}, "env": {"REMOTE_ADDR": "1.2.3.4"}},
    }  # fmt: skip
    scrubbed = crash_reports.scrub_event(event, hint)
    assert scrubbed == {"event_id": "e", "request": {"method": "POST"}, "tags": {}, "contexts": {}}


def test_an_exception_without_its_object_loses_its_text(kept):
    event = {"exception": {"values": [{"type": "KeyError", "value": NAME}]}}
    scrubbed = crash_reports.scrub_event(event, {})
    assert scrubbed["exception"]["values"][0]["value"] == "[withheld]"


def test_refusals_and_outages_are_no_defects(kept):
    class No(Refusal):
        code, http_status = "tests.no", 409
        en = fr = "No."

    sentry_sdk.capture_exception(No())
    sentry_sdk.capture_exception(Unavailable("database"))
    assert kept.sent == []
    sentry_sdk.capture_exception(RuntimeError())  # the transport works: this one arrives
    assert len(kept.sent) == 1


def test_privacy_options_are_what_we_promise(kept):
    options = sentry_sdk.get_client().options
    assert options["traces_sample_rate"] == 0.1
    assert not sentry_sdk.get_client().should_send_default_pii()
    assert options["include_local_variables"] is False
    assert options["max_request_body_size"] == "never"


def test_without_a_dsn_nothing_is_set_up(monkeypatch):
    started: list[object] = []
    monkeypatch.setattr(crash_reports, "start", lambda *args: started.append(args))
    monkeypatch.setattr(observe.sys, "excepthook", observe.sys.excepthook)  # put back afterwards
    monkeypatch.setattr(observe.threading, "excepthook", observe.threading.excepthook)
    handlers, unconfigured = observe.logging.getLogger().handlers, observe.structlog.get_config()
    observe.configure("grading", Process())
    assert started == []
    observe.configure("grading", Process(sentry_dsn="https://key@sentry.invalid/1"))
    assert len(started) == 1
    observe.logging.getLogger().handlers = handlers
    observe.logging.captureWarnings(False)
    observe.structlog.configure(**unconfigured)
