"""Processes that die and a broker that goes away, for real: RabbitMQ, kill -9."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from chassis.bus.publisher import connect
from chassis.testing.servers import RabbitMQ
from contracts.errors import Unavailable
from tests.bus.conftest import ProbeProcess
from tests.bus.watching import QUEUE, Watch, until
from tests.faults.proxy import Proxy


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


def test_a_call_is_not_answered_twice(
    service: ProbeProcess, vhost: str, probe_database_url: str, watch: Watch, tmp_path: Path
) -> None:
    other = ProbeProcess(vhost, probe_database_url, tmp_path / "other")
    other.start()
    started = time.monotonic()
    with pytest.raises(Unavailable) as failure:
        watch.drop(6, timeout_s=15)  # kills the process that gets it
    # The survivor got it next; it says so at once, and does not do what may have been done already.
    assert (failure.value.dependency, failure.value.reason) == ("ingest", "interrupted")
    assert time.monotonic() - started < 5
    watch.drop(1)
    assert sorted(process.alive() for process in (service, other)) == [False, True]
    other.stop()


def test_a_queue_that_somebody_deleted_is_made_again(service: ProbeProcess, watch: Watch) -> None:
    mark = service.written()
    with connect(watch.url) as connection:
        connection.default_channel.queue_delete(QUEUE)
    until(lambda: service.said("consuming", mark))
    upload = watch.send("do")
    until(lambda: watch.effects(upload))


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


def test_a_broker_that_vanishes_without_a_word(
    vhost: str, rabbitmq: RabbitMQ, watch: Watch, probe_database_url: str, tmp_path: Path
) -> None:
    """Nothing is reset and nothing refused: only the silence tells, on connections that will never speak again."""
    with Proxy(rabbitmq.port) as wire:
        through = vhost.replace(f":{rabbitmq.port}/", f":{wire.port}/")
        process = ProbeProcess(through, probe_database_url, tmp_path / "log", heartbeat_s=2)
        process.start()
        watch.drop(1)
        wire.mute()
        kept = watch.send("do")
        until(lambda: process.said("bus_unreachable"), seconds=20)
        wire.clear()
        until(lambda: watch.effects(kept), seconds=20)
        # Replies are sent without confirms: on the old connection they would vanish for ever.
        until(lambda: _answered(watch), seconds=10)
        assert process.signal(signal.SIGTERM) == 0


def test_broker_killed_and_back(
    service: ProbeProcess, watch: Watch, rabbitmq: RabbitMQ, vhost: str, probe_database_url: str, tmp_path: Path
) -> None:
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
    late = ProbeProcess(vhost, probe_database_url, tmp_path / "late")
    late.start(ready=False)
    until(lambda: late.said("bus_unreachable"))
    watch.plan("do", held)
    until(lambda: watch.effects(held))  # the handler in hand ended; its ack could not be sent

    rabbitmq.start()
    until(lambda: len(watch.effects(kept)) == 3, seconds=30)
    until(lambda: late.said("services_started"), seconds=20)  # it had waited
    late.stop()
    until(watch.client.ready, seconds=10)
    until(lambda: _answered(watch), seconds=10)
    time.sleep(0.5)
    assert watch.effects(held) == ["split"]  # delivered again after the broker came back: no second effect
    assert service.signal(signal.SIGTERM) == 0  # the same process lived through all of it


def _answered(watch: Watch) -> bool:
    try:
        watch.drop(1, uuid4(), timeout_s=1)
    except Unavailable:
        return False
    return True
