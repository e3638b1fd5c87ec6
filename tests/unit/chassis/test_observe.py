"""Log lines as they come out at the end, ours and the libraries', and the correlation id in each."""

from __future__ import annotations

import contextvars
import io
import json
import logging
import subprocess
import sys
import threading

import pytest
import structlog

from chassis import observe
from chassis.observe import bind_correlation, correlation_id
from chassis.settings import Process

NAME, INE = "Dupont-Lefèvre", "070912345AB"


@pytest.fixture
def lines(monkeypatch):
    """Configure as a service does; return a function that gives the lines written so far, decoded."""
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    root, audit = logging.getLogger(), logging.getLogger(observe.AUDIT)
    unconfigured = structlog.get_config()
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # put back afterwards
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    before = (root.handlers, root.level, audit.handlers, audit.level)
    observe.configure("ingest", Process())
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.handlers, audit.handlers = before[0], before[2]
    root.setLevel(before[1])
    audit.setLevel(before[3])
    logging.captureWarnings(False)
    structlog.configure(**unconfigured)


def test_a_line_is_json_with_event_ids_service_and_utc_time(lines):
    with bind_correlation("req-1"):
        observe.logger("services.ingest").info("upload_settled", upload_id="u1", pages=4)
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "upload_settled", "upload_id": "u1", "pages": 4, "service": "ingest", "level": "info",
        "logger": "services.ingest", "correlation_id": "req-1",
    }  # fmt: skip


def test_no_planted_name_or_ine_reaches_the_output(lines):
    log = observe.logger("services.grading")
    log.info("identified", last_name=NAME, ine=INE, who=NAME, reason=f"matched {INE}", candidate={"first_name": NAME})
    try:
        raise ValueError(f"no such candidate: {NAME}")
    except ValueError as error:
        log.exception("failed")
        log.error("failed_again", exc_info=error)
        observe.report_defect("defect", error, copy_id="c1")
        logging.getLogger("nameko.containers").exception("error handling worker: %s", error)
        logging.getLogger("nameko.containers").error(error)
    logging.getLogger("kombu").warning("weird header %s", INE)
    text = json.dumps(lines(), ensure_ascii=False)
    assert len(lines()) == 7
    assert NAME not in text
    assert INE not in text
    assert text.count("test_no_planted_name_or_ine_reaches_the_output") == 4  # the traces are there all the same


def test_an_uncaught_error_is_logged_without_its_text(lines):
    def die() -> None:
        raise ValueError(NAME)

    thread = threading.Thread(target=die)
    thread.start()
    thread.join()
    try:
        die()
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    assert [line["event"] for line in lines()] == ["uncaught", "uncaught"]
    assert all("ValueError: [withheld]" in line["exception"] for line in lines())


def test_a_line_break_in_a_value_cannot_forge_a_line(lines):
    observe.logger("x").info("event", reason='ok"}\n{"event":"forged"}')
    assert [line["event"] for line in lines()] == ["event"]


def test_library_lines_carry_the_same_fields(lines):
    with bind_correlation("req-2"):
        logging.getLogger("nameko.runners").info("starting services: %s", "ingest")
    (line,) = lines()
    assert (line["event"], line["service"], line["correlation_id"]) == ("starting services: ingest", "ingest", "req-2")
    assert line["level"] == "info"


def test_services_that_share_a_process_keep_their_own_name(lines):
    observe.logger("services.grading.usecases").info("copy_finalised", copy_id="c1")
    observe.logger("chassis.bus").info("consuming")
    observe.logger("chassis.bus").info("consuming", service="ocr")
    assert [line["service"] for line in lines()] == ["grading", "ingest", "ocr"]


def test_request_lines_of_http_servers_are_muted(lines):
    logging.getLogger("werkzeug").info('"GET /candidates?q=%s"', NAME)
    logging.getLogger("gunicorn.access").info("GET %s", NAME)
    assert lines() == []


def test_console_is_for_people(lines, monkeypatch):
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    observe.configure("ingest", Process(log_format="console"))
    observe.logger("x").info("upload_settled", pages=4, who=NAME)
    assert "upload_settled" in written.getvalue()
    assert "pages=4" in written.getvalue()
    assert NAME not in written.getvalue()


def test_the_audit_stream_has_its_own_bounded_files(lines, tmp_path):
    observe.configure("grading", Process(log_directory=str(tmp_path)))
    observe.logger(observe.AUDIT).info("copy_finalised", copy_id="c1")
    observe.logger("services.grading").info("other", copy_id="c2")
    audit = [json.loads(line) for line in (tmp_path / "audit.log").read_text().splitlines()]
    assert [line["event"] for line in audit] == ["copy_finalised"]
    handler = logging.getLogger(observe.AUDIT).handlers[0]
    assert (handler.maxBytes, handler.backupCount) == (10_485_760, 9)  # with the current one: 10 files
    handler.close()
    for each in logging.getLogger().handlers:
        each.close()


def test_an_id_lasts_as_long_as_its_block():
    with bind_correlation("outer"):
        with bind_correlation("inner") as inner:
            assert (inner, correlation_id()) == ("inner", "inner")
        assert correlation_id() == "outer"
    assert correlation_id() is None


@pytest.mark.parametrize("hostile", ["", None, "a b", "x" * 65, 'x"}\n{', "-x", "é"])
def test_an_ill_formed_id_from_outside_is_replaced(hostile):
    with bind_correlation(hostile) as fresh:
        assert fresh != hostile
        assert correlation_id() == fresh


def test_threads_do_not_see_each_others_id():
    seen: dict[str, str | None] = {}
    meet = threading.Barrier(2)

    def work(name: str) -> None:
        with bind_correlation(name):
            meet.wait(5)
            seen[name] = correlation_id()
            meet.wait(5)

    threads = [threading.Thread(target=contextvars.Context().run, args=(work, name)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"a": "a", "b": "b"}


def test_greenthreads_do_not_see_each_others_id():
    program = """
import warnings; warnings.simplefilter("ignore")
import eventlet; eventlet.monkey_patch()
from chassis.observe import bind_correlation, correlation_id
def work(name):
    with bind_correlation(name):
        eventlet.sleep(0.01)
        return correlation_id()
names = ["a", "b", "c"]
assert [t.wait() for t in [eventlet.spawn(work, n) for n in names]] == names
assert correlation_id() is None
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
