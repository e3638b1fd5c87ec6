"""Processes that die and a broker that goes away, for real: RabbitMQ, kill -9."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from chassis.testing.servers import RabbitMQ
from contracts.errors import Unavailable
from tests.bus.conftest import ProbeProcess
from tests.bus.watching import Watch, until


@pytest.fixture
def service(vhost: str, probe_database_url: str, tmp_path: Path) -> Iterator[ProbeProcess]:
    process = ProbeProcess(vhost, probe_database_url, tmp_path / "log")
    process.start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def watch(vhost: str, watching: Callable[[str], Watch]) -> Watch:
    return watching(vhost)


def test_killed_between_commit_and_ack(service: ProbeProcess, watch: Watch) -> None:
    upload = watch.send("die")
    assert service.wait() == -signal.SIGKILL
    assert watch.effects(upload) == ["split"]
    service.start()
    time.sleep(1)
    assert watch.effects(upload) == ["split"]
    assert watch.calls(upload) == [1]  # delivered again, and the inbox answered
    assert service.said("message_repeated")


def test_killed_while_handling(service: ProbeProcess, watch: Watch) -> None:
    upload = watch.send("hold")
    until(lambda: watch.calls(upload))
    service.signal(signal.SIGKILL)
    watch.plan("do", upload)
    service.start()
    until(lambda: watch.effects(upload))
    assert watch.calls(upload) == [1, 1]


def test_killed_while_answering_a_call(service: ProbeProcess, watch: Watch) -> None:
    failures: list[Unavailable] = []

    def call() -> None:
        try:
            watch.drop(6, timeout_s=15)
        except Unavailable as error:
            failures.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    assert service.wait() == -signal.SIGKILL
    # Restarted before the deadline: it must not do again what killed it, nor what may have been done already.
    service.start()
    time.sleep(0.5)
    watch.drop(1)
    caller.join()
    assert [failure.dependency for failure in failures] == ["ingest"]


def test_sigterm_finishes_what_is_in_hand(service: ProbeProcess, watch: Watch) -> None:
    upload = watch.send("linger 1.5")
    until(lambda: watch.calls(upload))
    started = time.monotonic()
    assert service.signal(signal.SIGTERM) == 0
    assert time.monotonic() - started < 8
    assert watch.effects(upload) == ["split"]
    service.start()
    time.sleep(0.5)
    assert watch.calls(upload) == [1]  # it was acked before the end, not delivered again
    assert not service.said("message_repeated")


def test_broker_killed_and_back(service: ProbeProcess, watch: Watch, rabbitmq: RabbitMQ) -> None:
    held = watch.send("hold")
    until(lambda: watch.calls(held))
    watch.drop(1)

    rabbitmq.kill()
    started = time.monotonic()
    with pytest.raises(Unavailable) as failure:
        watch.drop(1)
    assert failure.value.dependency == "bus"
    assert time.monotonic() - started < 1.5
    assert not watch.client.ready()
    kept = watch.send("do", times=3)  # the outbox takes it without a broker
    watch.plan("do", held)
    until(lambda: watch.effects(held))  # the handler in hand ended; its ack could not be sent

    rabbitmq.start()
    until(lambda: len(watch.effects(kept)) == 3, seconds=30)
    until(watch.client.ready, seconds=10)
    until(lambda: _answered(watch), seconds=10)
    time.sleep(0.5)
    assert watch.effects(held) == ["split"]  # delivered again after the broker came back: no second effect
    assert service.signal(signal.SIGTERM) == 0  # the same process lived through all of it


def test_started_before_its_broker_it_waits(
    rabbitmq: RabbitMQ, vhost: str, probe_database_url: str, watch: Watch, tmp_path: Path
) -> None:
    rabbitmq.kill()
    service = ProbeProcess(vhost, probe_database_url, tmp_path / "log")
    service.start(ready=False)
    until(lambda: service.said("bus_unreachable"))
    rabbitmq.start()
    until(lambda: service.said("services_started"), seconds=20)
    until(lambda: _answered(watch), seconds=10)
    service.stop()


def _answered(watch: Watch) -> bool:
    try:
        watch.drop(1, uuid4(), timeout_s=1)
    except Unavailable:
        return False
    return True
