"""Every metric of every process, so that a dashboard has one page to look them up.

No label ever holds an id or a person. ``service`` is a label because several services may share one process.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

# A person waits for calls (target: p95 below 0.2 s, slow above 5 s); messages and documents may take their time.
_CALL_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30)
_WORK_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)

RPC_SECONDS = Histogram(
    "korrigo_rpc_seconds", "Time to answer a call, by outcome (ok, refused, unavailable, defect)",
    ["service", "method", "outcome"], buckets=_CALL_BUCKETS,
)  # fmt: skip
RPC_CLIENT_SECONDS = Histogram(
    "korrigo_rpc_client_seconds", "Time the caller waited, by outcome (ok, refused, unavailable, defect)",
    ["service", "method", "outcome"], buckets=_CALL_BUCKETS,
)  # fmt: skip
MESSAGES = Counter(
    "korrigo_messages_total", "Messages handled, by outcome (done, duplicate, retried, dead)",
    ["service", "message", "outcome"],
)  # fmt: skip
MESSAGE_SECONDS = Histogram(
    "korrigo_message_seconds", "Time to handle a message once", ["service", "message"], buckets=_WORK_BUCKETS
)
QUEUE_DEPTH = Gauge("korrigo_queue_messages", "Messages ready in a queue", ["service", "queue"])
OUTBOX_LAG_SECONDS = Gauge("korrigo_outbox_lag_seconds", "Age of the oldest message not yet published", ["service"])
OUTBOX_SENT = Counter("korrigo_outbox_sent_total", "Messages published by the relay", ["service", "message"])
POOL_IN_USE = Gauge("korrigo_database_connections_in_use", "Connections taken from the pool", ["service"])
SANDBOX_KILLS = Counter(
    "korrigo_sandbox_kills_total", "Children ended by force, by outcome (timeout, out_of_memory, crashed)",
    ["module", "outcome"],
)  # fmt: skip
SANDBOX_SECONDS = Histogram(
    "korrigo_sandbox_seconds", "Time a child spent on a task", ["module", "task", "outcome"], buckets=_WORK_BUCKETS
)
DEPENDENCY_READY = Gauge(
    "korrigo_dependency_ready", "Whether a dependency answered the last readiness check (1) or not (0)", ["dependency"]
)
HTTP_SECONDS = Histogram(
    "korrigo_http_seconds", "Time to answer a request, by route template", ["method", "route", "status"],
    buckets=_CALL_BUCKETS,
)  # fmt: skip
HEADERS_READ = Counter(
    "korrigo_headers_read_total", "Header readings answered, by outcome and where from (engine, memo, none)",
    ["outcome", "source"],
)  # fmt: skip
COPIES_IDENTIFIED = Counter(
    "korrigo_copies_identified_total", "Copies whose candidate was found, by whom (person, machine)", ["by"]
)
INVARIANT_FINDINGS = Gauge(
    "korrigo_invariant_findings", "Subjects for which an invariant did not hold at the last look", ["invariant"]
)
VERIFY_LAST_SUCCESS = Gauge(
    "korrigo_verify_last_success_timestamp_seconds", "When everything was last looked at, whatever was found"
)
VERIFY_SECONDS = Gauge("korrigo_verify_seconds", "What the last look at everything took")
GARBAGE_BYTES = Counter("korrigo_garbage_bytes_total", "Bytes of objects that nothing named, moved into the bin")
GARBAGE_OBJECTS = Gauge("korrigo_garbage_objects", "Objects that lie in the bin")

# Named by the requirements, hence without our prefix.
PDF_GENERATION_SECONDS = Histogram(
    "pdf_generation_seconds", "Time to compose one document", ["kind", "outcome"], buckets=_WORK_BUCKETS
)
COPIES_GRADED = Counter("copies_graded_total", "Copies whose final document exists")
# Without labels: it is 0 from the start, so that an alert sees the first one as an increase.
COPIES_FAILED = Counter("copies_grading_failed_total", "Copies given up after their last try: a person has to look")
