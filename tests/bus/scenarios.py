"""What must hold on every bus. Each scenario is a sentence; ``test_every_bus`` runs each of them on both.

``python -m tests.bus.scenarios`` hosts the probe on ``inproc://`` and prints one JSON line per scenario.
"""

import os
import sys

if __name__ == "__main__":
    os.environ["PSYCOPG_WAIT_FUNC"] = "wait_selector"
    import eventlet

    eventlet.monkey_patch()

import json
import threading
import time
import traceback
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID, uuid4

import sqlalchemy as sa

from chassis import observe, outbox
from chassis.bus.rpc_client import RpcClient
from chassis.db import Database
from contracts.errors import RemoteDefect, Unavailable
from contracts.messages.ingest import SplitSheets
from contracts.rpc import Done, Method, ingest
from tests.bus.probe import RETRY_DELAYS_S, NotToday, Probe, effects, ticks
from tests.bus.watching import Watch, until

E = TypeVar("E", bound=Exception)
SCENARIOS: dict[str, Callable[[Watch], None]] = {}


def scenario(function: Callable[[Watch], None]) -> Callable[[Watch], None]:
    SCENARIOS[function.__name__] = function
    return function


@scenario
def a_sent_message_takes_effect_once(watch: Watch) -> None:
    upload = watch.send("do", times=20)
    until(lambda: len(watch.effects(upload)) == 20)
    time.sleep(0.3)
    assert len(watch.effects(upload)) == 20
    assert watch.calls(upload) == [1] * 20


@scenario
def a_message_delivered_twice_has_one_effect(watch: Watch) -> None:
    upload = watch.plan("do")
    event = watch.event(upload)
    watch.publish(event)
    until(lambda: watch.effects(upload))
    watch.publish(event)
    time.sleep(0.5)
    assert watch.effects(upload) == ["split"]
    assert watch.calls(upload) == [1]  # the inbox answers; the heavy work is not done again


@scenario
def two_deliveries_at_the_same_time_have_one_effect(watch: Watch) -> None:
    upload = watch.plan("linger 0.5")
    event = watch.event(upload)
    watch.publish(event)
    watch.publish(event)
    until(lambda: watch.effects(upload))
    time.sleep(0.5)
    assert watch.calls(upload) == [1, 1]  # neither saw the other's inbox row
    assert watch.effects(upload) == ["split"]
    assert watch.dead() == []


@scenario
def a_transient_failure_is_retried(watch: Watch) -> None:
    upload = watch.send("fail 2")
    until(lambda: watch.effects(upload))
    assert watch.effects(upload) == ["split"]
    assert watch.calls(upload) == [1, 2, 3]


@scenario
def poison_is_buried_and_its_owner_told_once(watch: Watch) -> None:
    started = time.monotonic()
    upload = watch.send("fail 999")
    until(lambda: watch.effects(upload))
    assert time.monotonic() - started > sum(RETRY_DELAYS_S)
    time.sleep(0.5)
    assert watch.effects(upload) == ["exhausted ValueError"]
    assert watch.calls(upload) == [1, 2, 3, 4]
    ((reason, body),) = until(watch.dead)
    assert reason == "exhausted"
    assert json.loads(body)["data"]["upload_id"] == str(upload)


@scenario
def a_refusal_is_not_retried(watch: Watch) -> None:
    upload = watch.send("refuse")
    until(lambda: watch.effects(upload))
    time.sleep(0.4)
    assert watch.effects(upload) == ["exhausted probe.not_today"]
    assert watch.calls(upload) == [1]
    assert [reason for reason, _ in until(watch.dead)] == ["refused"]


@scenario
def a_handler_without_its_transaction_is_a_defect(watch: Watch) -> None:
    upload = watch.send("forget")
    until(lambda: watch.effects(upload))
    assert watch.effects(upload) == ["exhausted RuntimeError"]  # else the message would come again for ever
    until(watch.dead)


@scenario
def waiting_for_the_database_wears_no_message_out(watch: Watch) -> None:
    upload = watch.send("unavailable database 6")
    until(lambda: watch.effects(upload))
    assert watch.effects(upload) == ["split"]
    assert watch.calls(upload) == [1] * 7


@scenario
def waiting_for_the_object_store_has_an_end(watch: Watch) -> None:
    upload = watch.send("unavailable object_store 999")
    until(lambda: watch.effects(upload))
    assert watch.effects(upload) == ["exhausted Unavailable"]
    assert watch.calls(upload) == [1] * 6 + [2, 3, 4]
    until(watch.dead)


@scenario
def a_malformed_message_is_buried_and_the_queue_goes_on(watch: Watch) -> None:
    wrong_model = json.loads(watch.event(uuid4()))
    wrong_model["data"]["first_side"] = "first"
    bodies = [b"not json", b"\xff\xfe", b"[]", json.dumps(wrong_model).encode()]
    for body in bodies:
        watch.publish(body)
    upload = watch.send("do")
    until(lambda: watch.effects(upload))
    dead: list[tuple[str, bytes]] = []

    def all_dead() -> bool:
        dead.extend(watch.dead())
        return len(dead) == len(bodies)

    until(all_dead)
    assert {reason for reason, _ in dead} == {"malformed"}
    assert {body for _, body in dead} == set(bodies)


@scenario
def what_was_rolled_back_is_never_published(watch: Watch) -> None:
    upload = watch.plan("do")
    try:
        with watch.db.transaction() as work:
            work.send(_command(upload), subject=str(upload))
            raise KeyError
    except KeyError:
        pass
    time.sleep(1.3)  # longer than the relay's own poll
    assert watch.calls(upload) == []


@scenario
def a_delayed_message_is_not_published_early(watch: Watch) -> None:
    upload = watch.plan("do")
    with watch.db.transaction() as work:
        work.send(_command(upload), subject=str(upload), delay_s=1)
    time.sleep(0.7)
    assert watch.calls(upload) == []
    until(lambda: watch.effects(upload), seconds=4)


@scenario
def slow_messages_do_not_starve_calls(watch: Watch) -> None:
    uploads = [watch.send("hold") for _ in range(6)]  # three times the subscription's concurrency
    until(lambda: sum(len(watch.calls(upload)) for upload in uploads) == 2)
    started = time.monotonic()
    watch.drop(1)
    assert time.monotonic() - started < 0.5
    assert sum(len(watch.calls(upload)) for upload in uploads) == 2  # and not more than two are in hand
    for upload in uploads:
        watch.plan("do", upload)
    until(lambda: all(watch.effects(upload) for upload in uploads))


@scenario
def a_refusal_makes_the_round_trip(watch: Watch) -> None:
    refusal = _raised(NotToday, lambda: watch.drop(2))
    assert refusal.text("fr") == "mardi"
    failure = _raised(Unavailable, lambda: watch.drop(3))
    assert (failure.dependency, failure.retry_after_s) == ("object_store", 7)


@scenario
def a_defect_is_told_apart_and_says_nothing(watch: Watch) -> None:
    assert "secret detail" not in str(_raised(RemoteDefect, lambda: watch.drop(4)))
    _raised(RemoteDefect, lambda: watch.drop(8))  # a refusal whose details cannot travel
    wrong = ingest.OfExam(exam_id=uuid4())
    _raised(RemoteDefect, lambda: watch.client.call(ingest.LIST_BOOKLETS, wrong))
    unknown = Method("ingest", "no_such_method", ingest.OfExam, Done)
    _raised(RemoteDefect, lambda: watch.client.call(unknown, wrong))
    malformed = Method("ingest", "drop_booklet", ingest.OfExam, Done)
    _raised(RemoteDefect, lambda: watch.client.call(malformed, wrong))
    watch.drop(1)


@scenario
def a_call_ends_at_its_deadline(watch: Watch) -> None:
    started = time.monotonic()
    failure = _raised(Unavailable, lambda: watch.drop(5, timeout_s=0.4))
    assert failure.dependency == "ingest"
    assert time.monotonic() - started < 1.0
    watch.drop(5)  # 1.5 s; the late reply to the first call must not answer this one
    assert time.monotonic() - started > 1.8


@scenario
def a_service_that_does_not_run_is_known_at_once(watch: Watch) -> None:
    absent = Method("ocr", "anything", ingest.OfExam, Done)
    started = time.monotonic()
    failure = _raised(Unavailable, lambda: watch.client.call(absent, ingest.OfExam(exam_id=uuid4())))
    assert (failure.dependency, failure.reason) == ("ocr", "not running")
    assert time.monotonic() - started < 0.5
    watch.drop(1)


@scenario
def a_hundred_calls_at_once_all_return(watch: Watch) -> None:
    outcomes: list[object] = []

    def call(version: int) -> None:
        try:
            watch.drop(version, timeout_s=15)
            outcomes.append("done")
        except NotToday:
            outcomes.append("refused")

    threads = [threading.Thread(target=call, args=(1 + number % 2,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outcomes.count("done"), outcomes.count("refused")) == (50, 50)


@scenario
def more_calls_than_allowed_are_turned_away(watch: Watch) -> None:
    client = RpcClient(watch.url, max_in_flight=1)
    until(client.ready)
    busy = threading.Thread(target=Watch(watch.url, watch.db, client).drop, args=(5,))
    busy.start()
    time.sleep(0.3)
    started = time.monotonic()
    failure = _raised(Unavailable, lambda: Watch(watch.url, watch.db, client).drop(1))
    assert (failure.dependency, time.monotonic() - started < 0.2) == ("bus", True)
    busy.join()
    Watch(watch.url, watch.db, client).drop(1)
    client.close()


@scenario
def one_correlation_id_from_the_call_to_the_last_message(watch: Watch) -> None:
    upload = watch.plan("fail 1")
    with observe.bind_correlation("request-42"):
        watch.drop(7, upload)
    until(lambda: watch.effects(upload))
    with watch.db.reading() as sql:
        assert sql.scalar(sa.select(effects.c.correlation_id).where(effects.c.upload == upload)) == "request-42"


@scenario
def a_failing_timer_goes_on(watch: Watch) -> None:
    def count() -> int:
        with watch.db.reading() as sql:
            return sql.scalar(sa.select(sa.func.count()).select_from(ticks)) or 0

    before = count()
    until(lambda: count() >= before + 3, seconds=3)


@scenario
def nothing_is_left_unsent(watch: Watch) -> None:
    table, _ = outbox.tables(sa.MetaData())

    def unsent() -> int:
        with watch.db.reading() as sql:
            return sql.scalar(sa.select(sa.func.count()).select_from(table).where(table.c.sent_at.is_(None))) or 0

    until(lambda: unsent() == 0, seconds=3)


def _command(upload: UUID) -> SplitSheets:
    return SplitSheets(upload_id=upload, first_side=1, last_side=1)


def _raised(kind: type[E], call: Callable[[], object]) -> E:
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


if __name__ == "__main__":
    from chassis.bus.hosting import Hosted

    database_url, bus = sys.argv[1:]
    config = {"AMQP_URI": bus, "environ": {"ingest": {"KORRIGO_DATABASE_URL": database_url}}}
    hosted = Hosted([Probe], {**config, "retry_delays_s": RETRY_DELAYS_S})
    hosted.start()
    watch = Watch(bus, Database(database_url, service="ingest"), RpcClient(bus))
    for name, check in SCENARIOS.items():
        try:
            check(watch)
            print(json.dumps({"name": name, "error": None}), flush=True)
        except Exception:
            print(json.dumps({"name": name, "error": traceback.format_exc()}), flush=True)
    print(json.dumps({"name": "stopped in time", "error": None if hosted.stop() else "no"}), flush=True)
